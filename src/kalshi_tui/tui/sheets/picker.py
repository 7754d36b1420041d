"""One list to choose from by typing: markets, actions, themes."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Input, Static

from kalshi_tui.tui.ink import Line, Palette, Row, fit, text_line
from kalshi_tui.tui.sheets.base import Sheet

_WIDTH = 64
_ROWS = 12
_NOTHING = -1


class Choice(tuple[str, str, str]):
    """(value, name, detail): what is given back, what is shown, what stands dim beside it."""

    __slots__ = ()

    @property
    def haystack(self) -> str:
        return " ".join(self).casefold()


class Picker(Sheet[str]):
    """Gives back the value of the chosen line; None when closed."""

    typing = True
    wide = 68
    top = 2

    def __init__(self, palette: Palette, title: str, choices: list[Choice]) -> None:
        super().__init__(palette)
        self._title = title
        self._choices = choices
        self._found = choices
        self._at = _NOTHING
        """The chosen line: none before a letter or an arrow, or one blind `enter` would act on the first."""
        self.tall = min(len(choices), _ROWS + 1) + 4

    def compose(self) -> ComposeResult:
        yield Static(self.ink([text_line(self._title, _WIDTH, "dim")]), markup=False)
        yield Input(placeholder="type to narrow, ↑ ↓ to choose", select_on_focus=False, compact=True)
        yield Static(self._list(), id="list", markup=False)

    def on_mount(self) -> None:
        field = self.query_one(Input)
        field.cursor_blink = False
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        words = event.value.casefold().split()
        self._found = [c for c in self._choices if all(word in c.haystack for word in words)]
        self._at = 0 if words else _NOTHING
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._found and self._at != _NOTHING:
            self.dismiss(self._found[self._at][0])

    def press(self, key: str) -> None:
        step = {"up": -1, "down": 1}.get(key)
        if step is not None and self._found:
            start = self._at if self._at != _NOTHING else 0 if step < 0 else -1
            self._at = (start + step) % len(self._found)
            self._show()
        super().press(key)

    def _show(self) -> None:
        self.query_one("#list", Static).update(self._list())

    def _list(self) -> Text:
        first = max(0, min(self._at - _ROWS // 2, len(self._found) - _ROWS))
        lines: list[Line] = []
        for number, choice in enumerate(self._found[first : first + _ROWS], first):
            _, name, detail = choice
            row = Row(_WIDTH, "cursor" if number == self._at else "")
            row.left(0, "▸ " if number == self._at else "  ", "key").then(fit(name, 34))
            lines.append(row.left(38, fit(detail, _WIDTH - 38), "dim").line())
        hidden = len(self._found) - first - len(lines)
        if hidden > 0:
            lines.append(text_line(f"  ▼ {hidden} more", _WIDTH, "dim"))
        return self.ink(lines or [text_line("  nothing matches", _WIDTH, "dim")])
