"""The last line: the keys that work everywhere."""

from __future__ import annotations

from kalshi_tui.tui.hints import footer
from kalshi_tui.tui.ink import Line, joined, text_line, wrap
from kalshi_tui.tui.panes.base import Pane
from kalshi_tui.tui.terminal import too_small


class KeysBar(Pane):
    pane = "keys"

    def lines(self, width: int, height: int) -> list[Line]:
        return [joined(footer(self.state, width), width)]


class Notice(Pane):
    """All there is on a terminal that is too small: one sentence."""

    pane = "notice"

    def lines(self, width: int, height: int) -> list[Line]:
        size = self.app.size
        text = too_small((size.width, size.height)) or ""
        return [text_line(part, width) for part in wrap(text, width, height)]
