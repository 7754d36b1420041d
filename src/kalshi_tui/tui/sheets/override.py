"""``o``: the trader knows better than the calendar. Pin a market's regime for some minutes, or lift the pin."""

from __future__ import annotations

from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.tui.ink import Line, Palette, Row, fit, text_line
from kalshi_tui.tui.intent import override
from kalshi_tui.tui.numbers import UNKNOWN, countdown
from kalshi_tui.tui.sheets.form import WIDTH, Asking, Form
from kalshi_tui.tui.state import ScreenState

_MINUTES = "15"
_DIGITS = 4
_REGIMES = {
    "c": (Regime.CALM, "calm: full limits, as if nothing were near"),
    "a": (Regime.ACTIVE, "active: wider and smaller"),
    "e": (Regime.EVENT, "event: as inside an event window; needs no armed hand"),
}


class OverrideSheet(Form):
    """c, a, e pin the regime for the minutes typed; x lifts it."""

    def __init__(self, palette: Palette, state: ScreenState, ticker: str, ask: Asking) -> None:
        super().__init__(palette, state, ticker, ask)
        self._minutes = ""
        self.tall = len(self.page()) + self.answer_lines

    def page(self) -> list[Line]:
        minutes = Row(WIDTH).left(0, "for", "dim").left(6, f"{self._minutes or _MINUTES}▏", "key")
        lines: list[Line] = [
            text_line(f"event window · {self.market}", WIDTH, "focus"),
            Row(WIDTH).left(0, "now", "dim").left(6, fit(self._regime(), WIDTH - 6)).line(),
            Row(WIDTH).left(0, "next", "dim").left(6, fit(self._next(), WIDTH - 6)).line(),
            minutes.then(" minutes", "").then("   type a number", "dim").line(),
        ]
        answers = {key: meaning for key, (_, meaning) in _REGIMES.items()}
        answers |= {"x": "lift: the regime follows the market again", "esc": "leave it as it is"}
        for key, meaning in answers.items():
            lines.append(Row(WIDTH).left(2, key, "key").left(8, meaning).line())
        return lines

    def edit(self, key: str) -> None:
        if len(key) == 1 and key in "0123456789":
            self._minutes = (self._minutes + key)[:_DIGITS]
        elif key == "backspace":
            self._minutes = self._minutes[:-1]
        elif key == "x":
            self.submit(lambda: override(self.state, self.ticker, Regime.ACTIVE, 0))
        elif key in _REGIMES:
            self._pin(_REGIMES[key][0])

    def _pin(self, regime: Regime) -> None:
        minutes = int(self._minutes or _MINUTES)
        if minutes:
            self.submit(lambda: override(self.state, self.ticker, regime, minutes))
        else:
            self.say("0 minutes pin nothing: type how long, or x to lift")

    def _regime(self) -> str:
        """As the features say it, for as long as the desk shows this market."""
        ladder, view = self.state.ladder, self.state.view
        if (
            view is None
            or ladder is None
            or ladder.ticker != self.ticker
            or self.state.silent_for is not None
        ):
            return UNKNOWN
        return next((line.value for line in view.features if line.name == "regime"), UNKNOWN)

    def _next(self) -> str:
        view = self.state.view
        if view is None or not view.status.next_event or self.state.silent_for is not None:
            return UNKNOWN
        left = countdown(view.status.next_event_at, view.wall)
        return view.status.next_event + ("" if left == UNKNOWN else f" in {left}")
