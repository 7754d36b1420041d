"""Lines of inked text and what turns them into strips. Text never passes a markup parser: it is drawn as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from kalshi_tui.tui.theme import Theme

Span: TypeAlias = tuple[str, str]
"""(text, ink). An ink is a role of the theme, or several laid over each other: ``bid/cursor``."""
Line: TypeAlias = tuple[Span, ...]


class Palette:
    """A theme's roles as Rich styles on the theme's background."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        background = Style.parse(theme.styles["background"]).color
        self._base = Style(bgcolor=background) + Style.parse(theme.styles["text"])
        self._cache: dict[str, Style] = {}

    def style(self, ink: str) -> Style:
        """The style of ``ink``; an empty ink is plain text."""
        found = self._cache.get(ink)
        if found is None:
            found = self._base
            for role in ink.split("/"):
                if role:
                    found += Style.parse(self.theme.styles[role])
            self._cache[ink] = found
        return found

    def strip(self, line: Line, width: int) -> Strip:
        """``line`` as exactly ``width`` cells, the background under every one."""
        segments = [
            Segment(text, style) for text, style in _runs((text, self.style(ink)) for text, ink in line)
        ]
        return Strip(segments).adjust_cell_length(width, self.style(line[-1][1] if line else ""))


def _runs(pieces: Iterable[tuple[str, Style]]) -> list[tuple[str, Style]]:
    """The same picture in as few pieces as can be: blanks take their neighbour's ink. Over a slow line four of five
    bytes are inks.
    """
    runs: list[tuple[str, Style]] = []
    for text, style in pieces:
        if not text:
            continue
        if runs:
            before, ink = runs[-1]
            if style == ink or (text.isspace() and _same_blank(style, ink)):
                runs[-1] = (before + text, ink)
                continue
            if before.isspace() and _same_blank(style, ink):
                runs[-1] = (before + text, style)
                continue
        runs.append((text, style))
    return runs


def _same_blank(one: Style, other: Style) -> bool:
    """Whether a blank looks the same in both: only what is under it shows."""
    return one.bgcolor == other.bgcolor and not (_marks(one) or _marks(other))


def _marks(style: Style) -> bool:
    return bool(style.reverse or style.underline or style.strike or style.overline)


def fit(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, an ellipsis where something was cut."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[: max(width, 0)]
    return set_cell_size(text, width - 1).rstrip() + "…"


def clauses(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells: parts between `` · `` are dropped whole from the end, none is cut."""
    for candidate in (text, text.replace(" · ", " ")):
        if cell_len(candidate) <= width:
            return candidate
    parts = text.split(" · ")
    while len(parts) > 1:
        parts.pop()
        shorter = " · ".join(parts) + " …"
        if cell_len(shorter) <= width:
            return shorter
    return fit(parts[0], width)


def wrap(text: str, width: int, most: int) -> list[str]:
    """``text`` at word boundaries in at most ``most`` lines of ``width`` cells; the last is cut with an ellipsis."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < most - 1 and cell_len(rest) > width:
        head = chop_cells(rest, width)[0]
        cut = head.rfind(" ") if rest[len(head) : len(head) + 1] not in ("", " ") else len(head)
        cut = cut if cut > width // 2 else len(head)
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    if rest:
        lines.append(fit(rest, width))
    return lines


def plain(line: Line) -> str:
    """The characters of a line, for tests and for measuring."""
    return "".join(text for text, _ in line)


def first_difference(old: Line, new: Line) -> tuple[int, int] | None:
    """The cells [start, end) in which two lines of the same width differ, None where they are equal."""
    if old == new:
        return None
    a, b = _cells(old), _cells(new)
    if len(a) != len(b):
        return 0, max(len(a), len(b))
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y), None)
    if start is None:
        return None
    end = next(i for i in range(len(a), 0, -1) if a[i - 1] != b[i - 1])
    return start, end


def _cells(line: Line) -> list[Span]:
    """One entry a cell; a wide character takes two."""
    cells: list[Span] = []
    for text, ink in line:
        for char in text:
            cells.extend([(char, ink)] * max(cell_len(char), 0))
    return cells


class Row:
    """Builds one line by columns. What is placed later must stand further right; gaps take the ink before them."""

    def __init__(self, width: int, overlay: str = "") -> None:
        self.width = width
        self._overlay = overlay
        self._spans: list[Span] = []
        self._end = 0

    def left(self, x: int, text: str, ink: str = "") -> Row:
        """Put ``text`` with its first cell at ``x``; what would overlap or leave the row is not drawn."""
        if not text.isprintable():
            # Text is clean before it gets here; a terminal must survive the day it is not.
            text = "".join(char if char.isprintable() else " " for char in text)
        size = cell_len(text)
        if not text or x < self._end or x + size > self.width:
            return self
        self._gap(x)
        self._spans.append((text, self._ink(ink)))
        self._end = x + size
        return self

    def right(self, end: int, text: str, ink: str = "") -> Row:
        """Put ``text`` with its last cell just before ``end``."""
        return self.left(end - cell_len(text), text, ink)

    def then(self, text: str, ink: str = "") -> Row:
        """Put ``text`` right after what stands there, cut to the row."""
        return self.left(self._end, fit(text, self.width - self._end), ink)

    @property
    def end(self) -> int:
        """The first cell nothing stands in yet."""
        return self._end

    @property
    def room(self) -> int:
        return self.width - self._end

    def line(self) -> Line:
        """The finished line, exactly as wide as the row."""
        self._gap(self.width)
        return tuple(self._spans)

    def _ink(self, ink: str) -> str:
        if not self._overlay:
            return ink
        return f"{ink}/{self._overlay}" if ink else self._overlay

    def _gap(self, x: int) -> None:
        missing = x - self._end
        if missing <= 0:
            return
        # A blank has no foreground: it rides on the ink before it, which saves a colour sequence on the wire.
        # Not where that ink has a background or a line of its own, which would show.
        if self._spans and not _shows_on_blanks(self._spans[-1][1]):
            text, ink = self._spans[-1]
            self._spans[-1] = (text + " " * missing, ink)
        else:
            self._spans.append((" " * missing, self._ink("")))
        self._end = x


_ON_BLANKS = frozenset(
    ("flash", "halt", "warn", "practice", "demo", "prod", "paper", "armed", "own", "stale")
)


def _shows_on_blanks(ink: str) -> bool:
    return any(role in _ON_BLANKS for role in ink.split("/"))


def text_line(text: str, width: int, ink: str = "") -> Line:
    """One line of one ink, cut to ``width``."""
    return Row(width).then(text, ink).line()


def joined(parts: Iterable[Span], width: int) -> Line:
    """Spans one after the other, cut to ``width``."""
    row = Row(width)
    for text, ink in parts:
        if row.room > 0:
            row.then(text, ink)
    return row.line()
