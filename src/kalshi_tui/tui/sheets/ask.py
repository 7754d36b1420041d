"""Questions before something large: leaving, changing an engine, switching everything on."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
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
        self.tall = len(question) + len(answers) + 3

    def compose(self) -> ComposeResult:
        lines: list[Line] = [text_line(text, WIDTH) for text in self._question]
        for key, meaning in {**self._answers, "esc": "stay"}.items():
            lines.append(Row(WIDTH).left(2, key, "key").left(8, meaning).line())
        yield Static(self.ink(lines), markup=False)

    def press(self, key: str) -> None:
        self.dismiss(key) if key in self._answers else super().press(key)


class TypeNumber(Sheet[bool]):
    """Asks for a number as proof that the question was read; True only when it was typed."""

    typing = True

    def __init__(self, palette: Palette, question: list[str], number: int) -> None:
        super().__init__(palette)
        self._question = question
        self._number = number
        self.tall = len(question) + 4

    def compose(self) -> ComposeResult:
        yield Static(self.ink([text_line(text, WIDTH) for text in self._question]), markup=False)
        yield Input(placeholder="number of markets, then enter", select_on_focus=False, compact=True)
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
