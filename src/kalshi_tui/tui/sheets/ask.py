"""Questions before something large: leaving, changing an engine, switching everything on."""

from __future__ import annotations

from collections.abc import Mapping

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from kalshi_tui.tui.ink import Line, Palette, Row, text_line
from kalshi_tui.tui.sheets.base import Sheet

WIDTH = 62


class Ask(Sheet[str]):
    """A question with one key an answer; gives back the key. Any other key but escape does nothing."""

    def __init__(self, palette: Palette, question: list[str], answers: Mapping[str, str]) -> None:
        super().__init__(palette)
        self._question = question
        self._answers = answers

    def compose(self) -> ComposeResult:
        lines: list[Line] = [text_line(text, WIDTH) for text in self._question]
        for key, meaning in {**self._answers, "esc": "stay"}.items():
            lines.append(Row(WIDTH).left(2, key, "key").left(8, meaning).line())
        with Vertical(id="box"):
            yield Static(self.ink(lines), markup=False)

    def on_key(self, event: events.Key) -> None:
        if event.key in self._answers:
            event.stop()
            self.dismiss(event.key)


class TypeNumber(Sheet[bool]):
    """Asks for a number as proof that the question was read; True only when it was typed."""

    DEFAULT_CSS = "TypeNumber Input { border: none; height: 1; padding: 0; background: $background; }"
    typing = True

    def __init__(self, palette: Palette, question: list[str], number: int) -> None:
        super().__init__(palette)
        self._question = question
        self._number = number

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(self.ink([text_line(text, WIDTH) for text in self._question]), markup=False)
            yield Input(placeholder="number of markets, then enter", select_on_focus=False)
            yield Static(self.ink([text_line("esc: leave them off", WIDTH, "dim")]), id="said", markup=False)

    def on_mount(self) -> None:
        field = self.query_one(Input)
        field.cursor_blink = False
        field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip() == str(self._number):
            self.dismiss(True)
        else:
            text = f"that is not {self._number}: nothing was switched on (esc leaves)"
            self.query_one("#said", Static).update(self.ink([text_line(text, WIDTH, "warn")]))
