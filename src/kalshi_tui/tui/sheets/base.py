"""What all sheets share: they stand over the screen, escape closes them, the ladder goes on beneath.

Flatten and kill work while a sheet is open; the app sees to that before a sheet gets the key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from kalshi_tui.tui.ink import Line, Palette

Answer = TypeVar("Answer")


class Sheet(ModalScreen[Answer]):
    """A modal over the screen. ``typing`` is True where letters are text: only kill gets through then."""

    DEFAULT_CSS = """
    Sheet { align: center middle; background: transparent; }
    Sheet > #box { background: $background; color: $foreground; border: round $primary; padding: 0 1;
                   width: 68; height: auto; max-height: 100%; }
    Sheet Static { width: 100%; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", show=False)]
    typing = False

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.palette = palette

    def action_close(self) -> None:
        """Close without doing anything."""
        self.dismiss(None)

    def ink(self, lines: Iterable[Line]) -> Text:
        """Lines as one text, no markup in between."""
        text = Text(no_wrap=True, overflow="ellipsis")
        for number, line in enumerate(lines):
            if number:
                text.append("\n")
            for part, ink in line:
                text.append(part, self.palette.style(ink))
        return text
