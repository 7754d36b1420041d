"""Decimal text of the feed to integers, remembered: the same few spellings come thousands of times a second.

All books of one grid share one memo of prices; all books share ``COUNTS``. Both are bounded, so that hostile
spellings cost a parse each and never memory.
"""

from __future__ import annotations

from functools import lru_cache

from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import ONE, Count, UnitError, parse_count, parse_price


class BookFault(ValueError):
    """A change that can not be true of the book we hold. ``word`` is the reason shown for the book."""

    def __init__(self, word: str, detail: str) -> None:
        super().__init__(detail)
        self.word = word


class _LevelTexts(dict[str, int]):
    """Price text to level; ``mirrored`` where the text is a NO price: YES is one dollar minus NO."""

    def __init__(self, grid: TickGrid, mirrored: bool) -> None:
        super().__init__()
        self._grid = grid
        self._mirrored = mirrored
        # "0.42", "0.420", "0.4200" ... "0.420000": five spellings of a price at most.
        self._room = 5 * grid.size

    def __missing__(self, text: str) -> int:
        try:
            price = parse_price(text)
        except UnitError as error:
            raise BookFault("bad frame", str(error)) from None
        try:
            level = self._grid.index(ONE - price if self._mirrored else price)
        except UnitError as error:
            raise BookFault("off grid", str(error)) from None
        if len(self) < self._room:
            self[text] = level
        return level


class _CountTexts(dict[str, Count]):
    def __missing__(self, text: str) -> Count:
        try:
            count = parse_count(text)
        except UnitError as error:
            raise BookFault("bad frame", str(error)) from None
        if len(self) >= _MOST_COUNTS:
            self.clear()
        self[text] = count
        return count


_MOST_COUNTS = 16_384
COUNTS = _CountTexts()
"""Signed contracts as text to ``Count``; ``BookFault`` for anything else."""


@lru_cache(maxsize=64)
def level_texts(grid: TickGrid, mirrored: bool) -> dict[str, int]:
    """The shared memo of a grid: YES-leg price text to level, or NO-leg text when ``mirrored``.

    Look-ups raise ``BookFault`` for text that is no price ("bad frame") or not a level ("off grid").
    """
    return _LevelTexts(grid, mirrored)
