"""The screen: panes in their places, each painted at its own pace, only where something changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import ComposeResult
from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.screen import Screen
from textual.widget import Widget

from kalshi_tui.tui.arrange import LAYOUTS, PANES, Plan, plan
from kalshi_tui.tui.ink import Palette
from kalshi_tui.tui.panes.base import Pane
from kalshi_tui.tui.panes.features import FeaturesPane
from kalshi_tui.tui.panes.keys import KeysBar, Notice
from kalshi_tui.tui.panes.ladder import LadderPane
from kalshi_tui.tui.panes.log import LogPane
from kalshi_tui.tui.panes.markets import MarketsPane
from kalshi_tui.tui.panes.risk import RiskPane
from kalshi_tui.tui.panes.settlement import SettlementPane
from kalshi_tui.tui.panes.status import StatusBar
from kalshi_tui.tui.sheets.base import Answer, Sheet
from kalshi_tui.tui.state import ScreenState

TICK = 0.1
"""Seconds between paints of the ladder."""
_PACE: dict[str, tuple[int, int]] = {
    "ladder": (1, 0),
    "log": (2, 1),
    "status": (5, 2),
    "markets": (5, 0),
    "features": (10, 4),
    "risk": (10, 6),
    "settlement": (10, 8),
    "keys": (10, 3),
    "notice": (5, 0),
}
"""Every how many ticks a pane is painted, and on which of them: spread out, so that no frame is large."""
_OF_STANDING = ("status", "ladder", "markets", "risk", "settlement", "keys")
"""Painted together after a fill, or two of them would speak of two positions for a second."""
_UNFRAMED = ("status", "keys", "notice")


class _DeskLayout(Layout):
    name = "desk"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        assert isinstance(parent, TradingScreen)
        placements = []
        for child in children:
            box = child.box(*size) if isinstance(child, Sheet) else parent.plan.boxes.get(child.id or "")
            if box is not None:
                placements.append(WidgetPlacement(Region(*box), Offset(0, 0), Spacing(), child))
        return placements


class TradingScreen(Screen[None], inherit_bindings=False):
    """Everything a trader sees; what keys do is decided in ``control``."""

    DEFAULT_CSS = "TradingScreen { background: $background; overflow: hidden; layers: base sheet; }"
    AUTO_FOCUS = None

    def __init__(self, state: ScreenState, palette: Palette) -> None:
        super().__init__()
        self.state = state
        self.palette = palette
        self.plan: Plan = plan(80, 24)
        self.current = "ladder"
        """The pane that has the cursor keys."""
        self._ticks = 0
        self._was_silent = False
        self._standing: tuple[object, ...] = ()
        self._drawn_plan: Plan | None = None
        self.sheet: Sheet[Any] | None = None
        """What is open over the panes."""
        self._desk_layout = _DeskLayout()
        kinds: tuple[type[Pane], ...] = (
            StatusBar, MarketsPane, LadderPane, FeaturesPane, RiskPane, SettlementPane, LogPane, KeysBar, Notice,
        )  # fmt: skip
        self.panes: dict[str, Pane] = {kind.pane: kind(state, palette) for kind in kinds}

    @property
    def layout(self) -> Layout:
        return self._desk_layout

    def compose(self) -> ComposeResult:
        yield from self.panes.values()

    def on_mount(self) -> None:
        self.replan(self.app.size)
        self.set_interval(TICK, self.tick)

    def tick(self) -> None:
        """One tenth of a second: paint the panes whose turn it is."""
        silent = self.state.silent_for is not None
        if silent != self._was_silent:
            self._was_silent = silent
            self.paint_all()
        for name, (every, on) in _PACE.items():
            if self._ticks % every == on and name in self.plan.boxes:
                self.panes[name].paint()
        if silent or self.state.feed_silence is not None:
            self.paint("status")  # the silence grows in the bar as it does in the ladder
        self._ticks += 1

    def news(self) -> None:
        """A view came: what a key just changed, and what several panes speak of, shows everywhere at once."""
        standing = self.state.standing
        if standing != self._standing:
            self._standing = standing
            self.paint(*_OF_STANDING)

    def paint(self, *names: str) -> None:
        """Paint these panes now, for the eye that just pressed a key."""
        for name in names:
            if name in self.plan.boxes:
                self.panes[name].paint()

    def paint_all(self) -> None:
        self.paint(*self.panes)

    def on_resize(self) -> None:
        self.replan(self.app.size)

    def replan(self, size: Size) -> None:
        """Put every pane where it belongs for this size, layout and zoom."""
        state = self.state
        self.plan = plan(size.width, size.height, state.layout, state.zoom)
        if self.plan == self._drawn_plan:
            return
        self._drawn_plan = self.plan
        state.shown = frozenset(name for name in self.plan.boxes if name in PANES)
        if self.current not in state.shown and state.shown:
            self.current = next(name for name in ("ladder", *PANES) if name in state.shown)
        for name, pane in self.panes.items():
            box = self.plan.boxes.get(name)
            pane.display = box is not None
            pane.compact = self.plan.compact
            pane.framed = name not in _UNFRAMED and not (name == "log" and box is not None and box.height < 4)
            pane.focused_pane = name == self.current
        self.refresh(layout=True)
        self.call_after_refresh(self._repaint)

    def _repaint(self) -> None:
        for name in self.plan.boxes:
            self.panes[name].repaint()

    def redress(self, palette: Palette) -> None:
        """Another theme."""
        self.palette = palette
        for pane in self.panes.values():
            pane.palette = palette
        self._repaint()

    def focus_pane(self, name: str) -> None:
        """Give ``name`` the cursor keys; a second time zooms it, a third time zooms back."""
        state = self.state
        if name == self.current and state.zoom == name:
            state.zoom = ""
        elif name == self.current or state.zoom or name not in state.shown:
            state.zoom = name
        self._make_current(name)
        self.replan(self.app.size)

    def _make_current(self, name: str) -> None:
        before, self.current = self.current, name
        for changed in {before, name}:
            pane = self.panes[changed]
            pane.focused_pane = changed == name
            pane.refresh()

    def open_sheet(self, sheet: Sheet[Answer], then: Callable[[Answer], None] | None = None) -> None:
        """Open ``sheet`` in place of any other; ``then`` gets its answer unless it was closed without one."""

        def closed(answer: Answer | None) -> None:
            self.sheet = None
            self.set_focus(None)
            sheet.remove()
            if then is not None and answer is not None:
                then(answer)

        if self.sheet is not None:
            self.sheet.dismiss(None)
        self.sheet = sheet
        sheet.closed = closed
        self.mount(sheet)

    def next_pane(self) -> None:
        """The cursor keys to the next pane on the screen."""
        shown = [name for name in PANES if name in self.state.shown]
        if shown and not self.state.zoom:
            at = shown.index(self.current) if self.current in shown else -1
            self._make_current(shown[(at + 1) % len(shown)])

    def next_layout(self) -> str:
        """Switch to the next layout; returns its name."""
        names, state, (width, height) = list(LAYOUTS), self.state, self.app.size
        state.zoom = ""
        now = plan(width, height, state.layout)
        at = names.index(state.layout)
        following = names[at + 1 :] + names[:at]
        # On a small terminal two of them are one: a key that changes nothing looks broken.
        state.layout = next((n for n in following if plan(width, height, n) != now), state.layout)
        self.replan(self.app.size)
        return state.layout
