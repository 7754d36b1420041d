"""A sheet that asks the desk for something: it closes when the desk agreed, and says why when it did not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from kalshi_tui.protocol.commands import Ack, AnyCommand
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.tui.ink import Line, Palette, text_line, wrap
from kalshi_tui.tui.intent import Refused, command_for
from kalshi_tui.tui.numbers import market_name
from kalshi_tui.tui.sheets.base import Sheet
from kalshi_tui.tui.state import ScreenState

Asking: TypeAlias = Callable[[AnyCommand, Callable[[Ack], None]], None]
"""Send a command to the desk; the second argument hears its answer."""
WIDTH = 62
_SAID = 2
"""Lines kept free for an answer."""


class Form(Sheet[None]):
    """Values of one market being edited. A refusal leaves everything that was typed where it is."""

    def __init__(self, palette: Palette, state: ScreenState, ticker: str, ask: Asking) -> None:
        super().__init__(palette)
        self.state = state
        self.ticker = ticker
        row = next((r for r in state.view.markets if r.ticker == ticker), None) if state.view else None
        self.market = market_name(row.event_title, row.label) if row else ticker
        self._ask = ask
        self._waiting = False
        self._over = False
        self._said = ""

    def page(self) -> list[Line]:
        """What stands in it now, without the answer."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        yield Static(self._text(), markup=False)

    def on_mount(self) -> None:
        self.set_interval(1.0, self.redraw)

    def redraw(self) -> None:
        """Show what changed."""
        if not self._over:
            self.query_one(Static).update(self._text())

    def say(self, text: str) -> None:
        """An answer, in the last lines, until the next key."""
        self._said = text
        self.redraw()

    def press(self, key: str) -> None:
        if not self._waiting:
            self._said = ""
            self.edit(key)
            self.redraw()
        super().press(key)

    def arm(self) -> None:
        """Arm the hand (or make it safe) without leaving, as the desk may ask for."""
        try:
            command = command_for("arm", self.state)
        except Refused as refusal:
            self.say(str(refusal))
        else:
            self._ask(command, lambda ack: self.say(safe_text(ack.text, 300)))

    def edit(self, key: str) -> None:
        """A key that changes or sends something."""
        raise NotImplementedError

    def submit(self, make: Callable[[], AnyCommand]) -> None:
        """Send what ``make`` builds, once, unless it refuses."""
        try:
            command = make()
        except Refused as refusal:
            self.say(str(refusal))
            return
        self._waiting = True
        self.say("asked the desk …")
        self._ask(command, self._answered)

    def dismiss(self, answer: None) -> None:
        self._over = True
        super().dismiss(answer)

    def _answered(self, ack: Ack) -> None:
        self._waiting = False
        if self._over:
            return  # it was closed before the answer came: the log has it
        if ack.ok:
            self.dismiss(None)
        else:
            self.say(safe_text(ack.text, 300))

    def _text(self) -> Text:
        said = [text_line(part, WIDTH, "warn") for part in wrap(self._said, WIDTH, _SAID)]
        blank = [text_line("", WIDTH)] * (_SAID - len(said))
        return self.ink([*self.page(), *said, *blank])

    @property
    def answer_lines(self) -> int:
        """Lines of the frame and the answer, to be added to those of the page."""
        return _SAID + 2
