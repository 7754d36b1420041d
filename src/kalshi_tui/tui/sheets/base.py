"""What all sheets share: they stand over the panes of the one screen, which goes on beneath them.

They are widgets, not Textual's modal screens: under a modal every change repaints the whole terminal. The app
hands them their keys, after flatten and kill had their chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from rich.text import Text
from textual import events
from textual.containers import Vertical

from kalshi_tui.tui.arrange import Box
from kalshi_tui.tui.ink import Line, Palette

Answer = TypeVar("Answer")
_SLIVER = 4
"""Cells beside a sheet that would show nothing but the ends of what lies under it."""


class Sheet(Vertical, Generic[Answer]):
    """A framed sheet of ``wide`` × ``tall`` cells, or what the terminal has. Escape closes it, no more."""

    DEFAULT_CSS = """
    Sheet { layer: sheet; background: $background; color: $foreground; border: round $primary; padding: 0 1; }
    Sheet Static { width: 100%; height: auto; }
    Sheet Input { padding: 0; background: $background; color: $foreground; }
    """
    typing = False
    """True where letters are text: only kill gets through then."""
    wide = 66
    top: int | None = None
    """Its first line; None centres it."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.palette = palette
        self.tall = 8
        self.closed: Callable[[Answer | None], None] = lambda answer: None
        """Called once with the answer, None when there is none."""

    def box(self, width: int, height: int) -> Box:
        """Where it stands on a terminal of that size: between the status bar and the keys."""
        wide, tall = min(self.wide, width), min(self.tall, height - 2)
        if width - wide < _SLIVER:
            wide = width
        y = max((height - tall) // 2, 1) if self.top is None else self.top
        return Box((width - wide) // 2, y, wide, tall)

    def press(self, key: str) -> None:
        """A key, in Textual's name, that was neither flatten nor kill."""
        if key == "escape":
            self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        """The keys of a typing sheet that are not its text field's."""
        if self.typing and event.key in ("up", "down"):
            event.stop()
            self.press(event.key)

    def dismiss(self, answer: Answer | None) -> None:
        """Close with an answer."""
        self.closed(answer)

    def ink(self, lines: Iterable[Line]) -> Text:
        """Lines as one text, no markup in between."""
        text = Text(no_wrap=True, overflow="ellipsis")
        for number, line in enumerate(lines):
            if number:
                text.append("\n")
            for part, ink in line:
                text.append(part, self.palette.style(ink))
        return text
