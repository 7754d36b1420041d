"""A pane: lines of inked text in a frame, of which only what changed is painted.

The compositor sends a line from the left edge of a widget to the last changed cell. Therefore a pane's inside is cut
into slices, each a small widget over the same lines: what changes far right does not send what stands left of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from textual import events
from textual.app import ComposeResult
from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.strip import Strip
from textual.widget import Widget

from kalshi_tui.tui.hints import Hint, hint_spans
from kalshi_tui.tui.ink import Line, Palette, Row, first_difference, fit, text_line
from kalshi_tui.tui.messages import PanePicked
from kalshi_tui.tui.state import ScreenState


class _SliceLayout(Layout):
    name = "slices"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        assert isinstance(parent, Pane)
        edge = 1 if parent.framed else 0
        inner_height = size.height - 2 * edge
        placements = []
        parent.placed = parent.slices(size.width - 2 * edge)
        for child, (start, end) in zip(children, parent.placed, strict=True):
            region = Region(edge + start, edge, max(end - start, 0), inner_height)
            placements.append(WidgetPlacement(region, Offset(0, 0), Spacing(), child))
        return placements


class Slice(Widget):
    """Cells ``start`` to ``end`` of its pane's lines."""

    DEFAULT_CSS = "Slice { width: auto; height: auto; }"

    def __init__(self, pane: Pane, index: int) -> None:
        super().__init__()
        self._pane = pane
        self._index = index

    @property
    def span(self) -> tuple[int, int]:
        return self._pane.placed[self._index]

    def render_line(self, y: int) -> Strip:
        start, end = self.span
        return self._pane.strip(y).crop(start, end)


class Pane(Widget):
    """Base of all panes. Subclasses say what their lines are; this paints the difference."""

    DEFAULT_CSS = "Pane { width: auto; height: auto; overflow: hidden; }"
    pane = ""
    """Its name in ``arrange``."""
    number = 0
    """The key that focuses it; 0 for bars."""
    cuts: tuple[int, ...] = ()
    """Where the inside is cut into slices: cells from the left, negative from the right."""

    def __init__(self, state: ScreenState, palette: Palette) -> None:
        super().__init__(id=self.pane)
        self.state = state
        self.palette = palette
        self.framed = True
        self.compact = False
        self.focused_pane = False
        self.placed: list[tuple[int, int]] = [(0, 0)] * (len(self.cuts) + 1)
        """Where the slices stand now; what they draw is cut there, or it would leave a gap."""
        self._lines: list[Line] = []
        self._frame: tuple[Line, Line] = ((), ())
        self._strips: dict[int, Strip] = {}
        self._layout_of_slices = _SliceLayout()

    @property
    def layout(self) -> Layout:
        return self._layout_of_slices

    def compose(self) -> ComposeResult:
        for index in range(len(self.cuts) + 1):
            yield Slice(self, index)

    # What a subclass says.

    def lines(self, width: int, height: int) -> list[Line]:
        """The inside, at most ``height`` lines of ``width`` cells."""
        raise NotImplementedError

    def title(self) -> str:
        """What stands in the upper border."""
        return ""

    def hints(self) -> list[Hint]:
        """What stands in the lower border: the keys that work here, now."""
        return []

    # Painting.

    @property
    def inner(self) -> Size:
        edge = 2 if self.framed else 0
        return Size(max(self.size.width - edge, 0), max(self.size.height - edge, 0))

    def slices(self, width: int) -> list[tuple[int, int]]:
        """(start, end) of every slice for an inside of ``width`` cells."""
        stops = sorted(max(0, min(width, cut if cut >= 0 else width + cut)) for cut in self.cuts)
        edges = [0, *stops, width]
        return list(pairwise(edges))

    def paint(self) -> None:
        """Compute the lines and refresh the cells that differ from what was painted."""
        width, height = self.inner
        if width <= 0 or height <= 0 or not self.display:
            return
        lines = self.lines(width, height)[:height]
        lines += [text_line("", width)] * (height - len(lines))
        if self.slices(width) != self.placed:
            self._move_slices()
        if len(lines) != len(self._lines):
            self._lines = lines
            self._strips.clear()
            self._paint_all()
        else:
            self._paint_changes(lines)
        if self.framed:
            self._paint_frame()

    def repaint(self) -> None:
        """Forget what was painted and paint everything: after a new theme, size or place."""
        self._lines = []
        self._frame = ((), ())
        self._strips.clear()
        self.paint()
        self.refresh()

    def strip(self, y: int) -> Strip:
        """Line ``y`` of the inside, ready to draw."""
        width = self.inner.width
        found = self._strips.get(y)
        if found is None or found.cell_length != width:
            line = self._lines[y] if y < len(self._lines) else ()
            found = self._strips[y] = self.palette.strip(line, width)
        return found

    def _paint_changes(self, lines: list[Line]) -> None:
        dirty: dict[int, list[Region]] = {}
        for y, (old, new) in enumerate(zip(self._lines, lines, strict=True)):
            changed = first_difference(old, new)
            if changed is None:
                continue
            self._strips.pop(y, None)
            for index, (start, end) in enumerate(self.placed):
                if changed[0] < end and changed[1] > start:
                    dirty.setdefault(index, []).append(Region(0, y, min(changed[1], end) - start, 1))
        self._lines = lines
        for child, index in self._slices_at(dirty):
            child.refresh(*dirty[index])

    def _slices_at(self, indices: Iterable[int]) -> list[tuple[Widget, int]]:
        children = list(self.children)
        return [(children[index], index) for index in indices if index < len(children)]

    def _move_slices(self) -> None:
        """The columns moved: cut between them again, so that a change sends no more than it must."""
        for child in list(self.children)[:1]:
            child.refresh(layout=True)
        self._paint_all()

    def _paint_all(self) -> None:
        for child in self.children:
            child.refresh()

    # The frame.

    def _paint_frame(self) -> None:
        width = self.size.width
        frame = (self._top(width), self._bottom(width))
        for y, old, new in ((0, self._frame[0], frame[0]), (self.size.height - 1, self._frame[1], frame[1])):
            if old != new:
                self._frame = frame
                self.refresh(Region(0, y, width, 1))

    def _top(self, width: int) -> Line:
        ink = self._frame_ink
        row = Row(width).left(0, "╭─", ink)
        title = f" {self.number} {self.title()} " if self.title() else f" {self.number} "
        row.then(fit(title, width - 3), self._title_ink())
        return row.then("─" * (row.room - 1), ink).then("╮", ink).line()

    def _bottom(self, width: int) -> Line:
        ink = self._frame_ink
        row = Row(width).left(0, "╰─", ink)
        pairs = self.hints()
        for text, hint_ink in hint_spans(pairs, " ·", width - 4):
            row.then(text, hint_ink)
        rest = (" " if pairs else "") + "─" * width
        return row.then(rest[: row.room - 1], ink).then("╯", ink).line()

    @property
    def _frame_ink(self) -> str:
        return "focus" if self.focused_pane else "border"

    def _title_ink(self) -> str:
        return "focus" if self.focused_pane else "dim"

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        if not self.framed or not height:
            return Strip.blank(width, self.palette.style(""))
        if y in (0, height - 1):
            return self.palette.strip(self._top(width) if y == 0 else self._bottom(width), width)
        ink = self._frame_ink
        return self.palette.strip((("│", ink), (" " * (width - 2), ""), ("│", ink)), width)

    def on_click(self, event: events.Click) -> None:
        if self.number:
            self.post_message(PanePicked(self.pane))
