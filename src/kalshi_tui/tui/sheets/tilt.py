"""The trader's own view of a market: fair moved by some levels, quotes wider, only some sides."""

from __future__ import annotations

from kalshi_tui.protocol.quotes import QuoteSides
from kalshi_tui.tui.ink import Line, Palette, Row, text_line
from kalshi_tui.tui.intent import tilt
from kalshi_tui.tui.numbers import MINUS
from kalshi_tui.tui.sheets.form import WIDTH, Asking, Form
from kalshi_tui.tui.state import ScreenState

_SIDES = tuple(QuoteSides)
_MOST_LEAN = 20
_MOST_QUARTERS = 40
"""Ten half-spreads."""
_NAMES = ("lean", "widen", "sides")
_STEPS = {
    "right_square_bracket": 1,
    "plus": 1,
    "right": 1,
    "left_square_bracket": -1,
    "minus": -1,
    "left": -1,
}


class TiltSheet(Form):
    """Starts from the tilt in force; what is sent replaces it whole."""

    def __init__(self, palette: Palette, state: ScreenState, ticker: str, ask: Asking) -> None:
        super().__init__(palette, state, ticker, ask)
        self._at = 0
        ladder = state.ladder
        known = ladder is not None and ladder.ticker == ticker
        self._lean = ladder.lean_levels if ladder is not None and known else 0
        self._quarters = round(ladder.widen * 4) if ladder is not None and known else 0
        self._sides = _SIDES.index(ladder.sides) if ladder is not None and known else 0
        self._in_force = self._words() if known else "not known yet: the desk has not sent this market"
        self.tall = len(self.page()) + self.answer_lines

    def page(self) -> list[Line]:
        sign = MINUS if self._lean < 0 else "+" if self._lean else ""
        rows = (
            (f"{sign}{abs(self._lean)}", "levels added to fair"),
            (f"{self._quarters / 4:g}×", "of the half-spread added to each side"),
            (_SIDES[self._sides].value, "what the engine may quote"),
        )
        lines: list[Line] = [text_line(f"my view of {self.market}", WIDTH, "focus")]
        for number, (name, (value, meaning)) in enumerate(zip(_NAMES, rows, strict=True)):
            here = number == self._at
            row = Row(WIDTH, "cursor" if here else "").left(0, "▸ " if here else "  ", "key").left(2, name)
            lines.append(row.left(10, value, "key").left(22, meaning, "dim").line())
        lines.append(text_line(f"in force: {self._in_force}; enter replaces it", WIDTH, "dim"))
        keys = Row(WIDTH)
        for key, meaning in (("↑↓", "move"), ("[ ]", "change"), ("enter", "send"), ("r", "none"),
                             ("a", "arm"), ("esc", "leave")):  # fmt: skip
            keys.then(f"{key} ", "key").then(f"{meaning}  ", "dim")
        return [*lines, keys.line()]

    def _words(self) -> str:
        if not (self._lean or self._quarters or self._sides):
            return "no tilt"
        sign = MINUS if self._lean < 0 else "+"
        return f"{sign}{abs(self._lean)} levels, {self._quarters / 4:g}×, {_SIDES[self._sides].value}"

    def edit(self, key: str) -> None:
        if key == "enter":
            self._send()
        elif key == "a":
            self.arm()
        elif key == "r":
            self._lean = self._quarters = self._sides = 0
            self._send()
        elif move := {"up": -1, "k": -1, "down": 1, "j": 1}.get(key):
            self._at = (self._at + move) % len(_NAMES)
        elif step := _STEPS.get(key):
            self._step(step)

    def _step(self, step: int) -> None:
        if self._at == 0:
            self._lean = max(-_MOST_LEAN, min(self._lean + step, _MOST_LEAN))
        elif self._at == 1:
            self._quarters = max(0, min(self._quarters + step, _MOST_QUARTERS))
        else:
            self._sides = (self._sides + step) % len(_SIDES)

    def _send(self) -> None:
        widen, sides = self._quarters / 4, _SIDES[self._sides]
        self.submit(lambda: tilt(self.state, self.ticker, self._lean, widen, sides))
