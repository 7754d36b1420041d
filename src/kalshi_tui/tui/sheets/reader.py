"""Pages to read: the help, made from the action catalogue, and a market's contract card."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from kalshi_tui.protocol.views import MarketCard
from kalshi_tui.tui.actions import ACTIONS, GROUPS, key_shown
from kalshi_tui.tui.ink import Line, Palette, Row, text_line, wrap
from kalshi_tui.tui.sheets.base import Sheet

_SIGNS = (
    ("10·", "own order of an engine; • by hand, ° found there, ? not confirmed by the venue"),
    ("▸ ◂", "the selected market, the cursor"),
    ("↑25", "the last trade and its size; the arrow is where the price came from last, → when not known"),
    ("edge", "cents a contract a resting order there earns against fair, after the maker fee"),
    ("out", "dollars since entry when the whole position closes there, after all fees"),
    ("█▒·", "limits: used, worst if every resting order that hurts fills, free"),
    ("–", "unknown; never zero"),
)


class Reader(Sheet[None]):
    """Lines that scroll; arrows scroll, escape, ``?``, ``i``, ``q`` and enter close."""

    DEFAULT_CSS = "Reader VerticalScroll { scrollbar-size-vertical: 1; }"
    wide = 78

    def __init__(self, palette: Palette, lines: list[Line]) -> None:
        super().__init__(palette)
        self._page = lines
        self.tall = len(lines) + 2

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=False):
            yield Static(self.ink(self._page), markup=False)

    def press(self, key: str) -> None:
        page = self.query_one(VerticalScroll)
        step = {"down": 1, "j": 1, "up": -1, "k": -1, "pagedown": page.size.height, "space": page.size.height,
                "pageup": -page.size.height}.get(key)  # fmt: skip
        if step is not None:
            page.scroll_relative(y=step, animate=False)
        elif key in ("question_mark", "i", "q", "enter", "escape"):
            self.dismiss(None)


WIDTH = 72


def help_page(keys: Mapping[str, tuple[str, ...]]) -> list[Line]:
    """Every action with its keys, then what the signs on the screen mean."""
    lines: list[Line] = []
    for group in GROUPS:
        lines.append(text_line(group, WIDTH, "focus"))
        for action in ACTIONS.values():
            if action.group != group:
                continue
            shown = " ".join(key_shown(key) for key in keys[action.id] * action.presses)
            meaning = action.description
            if not shown:
                shown = " ".join(key_shown(key) for key in keys["palette"])
                meaning = f"{action.title}: {meaning}"
            for number, part in enumerate(wrap(meaning, WIDTH - 14, 3)):
                row = Row(WIDTH)
                if not number:
                    row.left(2, shown, "key" if keys[action.id] else "dim")
                lines.append(row.left(14, part).line())
    lines.append(text_line("signs", WIDTH, "focus"))
    for sign, meaning in _SIGNS:
        for number, part in enumerate(wrap(meaning, WIDTH - 14, 3)):
            lines.append(Row(WIDTH).left(2, sign if not number else "", "key").left(14, part).line())
    return lines


def card_page(card: MarketCard) -> list[Line]:
    """The contract in its own words."""
    lines = [text_line(part, WIDTH, "focus") for part in wrap(card.title or card.ticker, WIDTH, 4)]
    lines.append(text_line(card.ticker, WIDTH, "dim"))
    for name, text in card.lines:
        for number, part in enumerate(wrap(text, WIDTH - 16, 40)):
            row = Row(WIDTH)
            if not number:
                row.left(0, name[:15], "dim")
            lines.append(row.left(16, part).line())
    return lines
