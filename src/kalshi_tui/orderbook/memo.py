"""Decimal text of the feed to integers, remembered: the same few spellings come thousands of times a second.

The memos are plain dictionaries, so that the hot path may look things up itself and come here on a miss. All
books of one grid share one memo of prices for each leg; all books share ``COUNTS``. Both are bounded, so that
hostile spellings cost a parse each and never memory.
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


COUNTS: dict[str, Count] = {}
"""Signed contracts as text to ``Count``: what ``read_count`` has read."""
_MOST_COUNTS = 16_384
_SPELLINGS = 5
""" "0.42", "0.420" ... "0.420000": ways to write a price."""


def read_count(text: str) -> Count:
    """The count, remembered; ``BookFault`` for text that is no number of contracts."""
    count = COUNTS.get(text)
    if count is not None:
        return count
    try:
        count = parse_count(text)
    except UnitError as error:
        raise BookFault("bad frame", str(error)) from None
    if len(COUNTS) >= _MOST_COUNTS:
        COUNTS.clear()
    COUNTS[text] = count
    return count


class LevelMemo:
    """Price text of one leg to level. ``mirrored`` where it is a NO price: YES is one dollar minus NO."""

    __slots__ = ("_grid", "_mirrored", "known")

    def __init__(self, grid: TickGrid, mirrored: bool) -> None:
        self._grid = grid
        self._mirrored = mirrored
        self.known: dict[str, int] = {}

    def read(self, text: str) -> int:
        """The level, remembered; ``BookFault`` for text that is no price or a price that is no level."""
        level = self.known.get(text)
        if level is not None:
            return level
        try:
            price = parse_price(text)
        except UnitError as error:
            raise BookFault("bad frame", str(error)) from None
        try:
            level = self._grid.index(ONE - price if self._mirrored else price)
        except UnitError as error:
            raise BookFault("off grid", str(error)) from None
        if len(self.known) < _SPELLINGS * self._grid.size:
            self.known[text] = level
        return level


@lru_cache(maxsize=128)
def level_memo(grid: TickGrid, mirrored: bool) -> LevelMemo:
    """The one memo that all books of this grid share."""
    return LevelMemo(grid, mirrored)
