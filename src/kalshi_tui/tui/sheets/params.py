"""``p``: the parameters of a market's engine, typed over one by one; only what changed is sent."""

from __future__ import annotations

from math import isfinite

from kalshi_tui.protocol.views import EngineParams
from kalshi_tui.tui.ink import Line, Palette, Row, fit, text_line
from kalshi_tui.tui.intent import set_params
from kalshi_tui.tui.sheets.form import WIDTH, Asking, Form
from kalshi_tui.tui.state import ScreenState

Value = int | float | bool
_ROWS = 11
"""Parameters in sight; more scroll. With everything else it fits a terminal of 24 lines."""
_TYPED = {"full_stop": ".", "minus": "-"}
_SWITCH = {"True": "False", "False": "True"}
_LONGEST = 12


class ParamsSheet(Form):
    """Arrows move, digits replace the value at the cursor, enter sends, r goes back to the desk's values."""

    def __init__(self, palette: Palette, state: ScreenState, params: EngineParams, ask: Asking) -> None:
        super().__init__(palette, state, params.ticker, ask)
        self._params = params
        self._typed: dict[str, str] = {}
        """Name -> new text, as typed."""
        self._at = 0
        self.tall = min(len(params.values), _ROWS) + 4 + self.answer_lines

    def page(self) -> list[Line]:
        values = self._params.values
        engine = self._params.engine.upper()
        lines: list[Line] = [text_line(f"{engine} of {self.market}", WIDTH, "focus")]
        first = max(0, min(self._at - _ROWS // 2, len(values) - _ROWS))
        for number, (name, value) in enumerate(values[first : first + _ROWS], first):
            lines.append(self._row(name, value, number == self._at))
        more = len(values) - first - _ROWS
        hidden = f"  ▼ {more} more" if more > 0 else ""
        lines.append(text_line(hidden if values else "  this engine has no parameters", WIDTH, "dim"))
        keys = Row(WIDTH)
        for key, meaning in (
            ("↑↓", "move"), ("0-9 . -", "new value"), ("space", "on/off"), ("backspace", "undo"),
        ):  # fmt: skip
            keys.then(f"{key} ", "key").then(f"{meaning}  ", "dim")
        send = Row(WIDTH)
        for key, meaning in (
            ("enter", "send changes"), ("r", "desk's values"), ("a", "arm/safe"), ("esc", "leave"),
        ):  # fmt: skip
            send.then(f"{key} ", "key").then(f"{meaning}  ", "dim")
        return [*lines, keys.line(), send.line()]

    def _row(self, name: str, value: str, here: bool) -> Line:
        row = Row(WIDTH, "cursor" if here else "")
        row.left(0, "▸ " if here else "  ", "key").then(fit(name, 30))
        new = self._typed.get(name)
        row.right(46, fit(value, 13), "dim" if new is not None else "")
        if new is not None:
            row.left(48, f"→ {new}▏" if here else f"→ {new}", "key")
        return row.line()

    def edit(self, key: str) -> None:
        values = self._params.values
        if key == "r":
            self.submit(lambda: set_params(self.state, self.ticker, {}))
        elif key == "enter":
            self._send()
        elif key == "a":
            self.arm()
        elif values and (step := {"up": -1, "k": -1, "down": 1, "j": 1}.get(key)):
            self._at = (self._at + step) % len(values)
        elif values:
            self._type(*values[self._at], key)

    def _type(self, name: str, value: str, key: str) -> None:
        char = _TYPED.get(key, key)
        typed = self._typed.get(name, "")
        if key == "backspace":
            if len(typed) > 1 and value not in _SWITCH:
                self._typed[name] = typed[:-1]
            else:
                self._typed.pop(name, None)
        elif value in _SWITCH:
            if key == "space":
                self._typed[name] = _SWITCH[typed or value]
        elif len(char) == 1 and char in "0123456789.-" and len(typed) < _LONGEST:
            self._typed[name] = typed + char

    def _send(self) -> None:
        values: dict[str, Value] = {}
        for name, old in self._params.values:
            text = self._typed.get(name)
            if text is None:
                continue
            value = _value(text)
            if value is None:
                self.say(f"{name}: {text!r} is not a number; type it again, nothing was sent")
                return
            if value != _value(old):
                values[name] = value
        if values:
            self.submit(lambda: set_params(self.state, self.ticker, values))
        else:
            self.say("nothing differs from what the engine has: nothing was sent")


def _value(text: str) -> Value | None:
    """What ``text`` spells: a switch, a whole number or a number; None when neither."""
    if text in _SWITCH:
        return text == "True"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
