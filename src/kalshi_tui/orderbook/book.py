"""One market's book: a ladder of integers, both legs as one YES book.

A bid for NO at ``q`` is an offer of YES at one dollar minus ``q``. Sizes stand in a list with one slot per
valid price; a byte per slot says whether it is occupied, so that the next best price after the touch went is
one ``find`` in a bytearray. A cent market takes about 3 KiB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from kalshi_tui.orderbook.memo import COUNTS, BookFault, LevelMemo, level_memo, read_count
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import ASK, BID, Count, Price, Side
from kalshi_tui.protocol.wire_messages import DeltaBody, FullDeltaBody


class Ladders(NamedTuple):
    """Sizes by level, both sides: what a snapshot says the book is."""

    bids: list[Count]
    asks: list[Count]


Top: TypeAlias = tuple[Price | None, Count, Price | None, Count]
"""Best bid and its size, best ask and its size; a price is None and its size 0 where a side is empty."""


class Book:
    """A book on one grid. Prices are YES-leg ``Price``, sizes ``Count``.

    With ``use_yes_price`` the feed sends the NO side already in YES prices (an option of the subscription).
    """

    __slots__ = (
        "_ask_marks",
        "_asks",
        "_bid_marks",
        "_bids",
        "_no_known",
        "_no_memo",
        "_use_yes_price",
        "_yes_known",
        "_yes_memo",
        "best_ask",
        "best_ask_level",
        "best_bid",
        "best_bid_level",
        "clock",
        "grid",
        "last_change",
        "snapshot_clock",
        "ticker",
    )

    def __init__(self, ticker: str, grid: TickGrid, use_yes_price: bool = False) -> None:
        self.ticker = ticker
        self.grid = grid
        self.last_change: Instant | None = None
        """When a frame last changed it."""
        self.clock: int | None = None
        """The exchange's clock of the newest change it holds; None is unknown."""
        self.snapshot_clock = 0
        """The clock of the snapshot it was built on; changes up to it are already in. 0: unknown."""
        self.best_bid_level = -1
        """Index in ``grid`` of the best bid, -1 when there is none."""
        self.best_ask_level = grid.size
        """Index in ``grid`` of the best ask, ``grid.size`` when there is none."""
        self._use_yes_price = use_yes_price
        self.best_bid: Price | None = None
        self.best_ask: Price | None = None
        self._yes_memo = level_memo(grid, False)
        self._no_memo = level_memo(grid, not use_yes_price)
        self._yes_known = self._yes_memo.known
        self._no_known = self._no_memo.known
        self._bids: list[Count] = [0] * grid.size
        self._asks: list[Count] = [0] * grid.size
        self._bid_marks = bytearray(grid.size)
        self._ask_marks = bytearray(grid.size)

    # -- changes ------------------------------------------------------------------------------------

    def change(self, delta: DeltaBody | FullDeltaBody) -> None:
        """Apply one delta as the feed writes it: a signed change of one level.

        ``BookFault`` (and no change) when the text is no number, the price no level, or the level would
        fall below zero. The sides are written out, for this runs once a frame.
        """
        if delta.side == "yes":
            try:
                level = self._yes_known[delta.price_dollars]
                change = COUNTS[delta.delta_fp]
            except KeyError:
                level, change = self._yes_memo.read(delta.price_dollars), read_count(delta.delta_fp)
            sizes = self._bids
            sizes[level] = size = sizes[level] + change
            if size > 0:
                if size == change:  # it was empty
                    self._bid_marks[level] = 1
                    if level > self.best_bid_level:
                        self._bid_at(level)
            elif size == 0:
                self._bid_marks[level] = 0
                if level == self.best_bid_level:
                    self._bid_at(self._bid_marks.rfind(1, 0, level))
            else:
                sizes[level] -= change
                raise self._below_zero(Side.BID, level, size)
        else:
            try:
                level = self._no_known[delta.price_dollars]
                change = COUNTS[delta.delta_fp]
            except KeyError:
                level, change = self._no_memo.read(delta.price_dollars), read_count(delta.delta_fp)
            sizes = self._asks
            sizes[level] = size = sizes[level] + change
            if size > 0:
                if size == change:
                    self._ask_marks[level] = 1
                    if level < self.best_ask_level:
                        self._ask_at(level)
            elif size == 0:
                self._ask_marks[level] = 0
                if level == self.best_ask_level:
                    self._ask_at(self._ask_marks.find(1, level))
            else:
                sizes[level] -= change
                raise self._below_zero(Side.ASK, level, size)

    def _bid_at(self, level: int) -> None:
        self.best_bid_level = level
        self.best_bid = self.grid.prices[level] if level >= 0 else None

    def _ask_at(self, level: int) -> None:
        self.best_ask_level = level if level >= 0 else self.grid.size
        self.best_ask = self.grid.prices[level] if level >= 0 else None

    def _below_zero(self, side: Side, level: int, size: Count) -> BookFault:
        return BookFault("negative", f"{self.ticker} {side} at {self.grid.prices[level]} fell to {size}")

    def read(
        self,
        yes: Iterable[tuple[str, str]] | None,
        no: Iterable[tuple[str, str]] | None,
    ) -> Ladders:
        """The ladders a snapshot describes, this book untouched; an absent side is empty.

        ``BookFault`` for text that is no number, a price off the grid, a level named twice or below zero.
        """
        return Ladders(self._read_side(yes or (), self._yes_memo), self._read_side(no or (), self._no_memo))

    def _read_side(self, levels: Iterable[tuple[str, str]], memo: LevelMemo) -> list[Count]:
        sizes = [0] * self.grid.size
        seen = bytearray(self.grid.size)
        for price_text, size_text in levels:
            level = memo.read(price_text)
            size = read_count(size_text)
            if size < 0:
                raise BookFault("negative", f"{self.ticker} snapshot holds {size} at {price_text}")
            if seen[level]:
                raise BookFault("bad frame", f"{self.ticker} snapshot names {price_text} twice")
            seen[level] = 1
            sizes[level] = size
        return sizes

    def holds(self, ladders: Ladders) -> bool:
        """Whether this book is exactly that: every level, both sides."""
        return self._bids == ladders.bids and self._asks == ladders.asks

    def replace(self, ladders: Ladders) -> None:
        """Become that book; nothing of the old one stays. The lists are taken over, not copied."""
        self._bids, self._asks = ladders
        self._bid_marks = bytearray(map(bool, self._bids))
        self._ask_marks = bytearray(map(bool, self._asks))
        self._bid_at(self._bid_marks.rfind(1))
        self._ask_at(self._ask_marks.find(1))

    def on_grid(self, grid: TickGrid) -> Book:
        """The same book on another grid; ``BookFault`` when a level has no place there."""
        moved = Book(self.ticker, grid, self._use_yes_price)
        ladders = Ladders([0] * grid.size, [0] * grid.size)
        for side, sizes in ((Side.BID, ladders.bids), (Side.ASK, ladders.asks)):
            for price, count in self.levels(side):
                if not grid.is_valid(price):
                    raise BookFault("off grid", f"{self.ticker} holds {price}, not on the new grid")
                sizes[grid.index(price)] = count
        moved.replace(ladders)
        moved.last_change = self.last_change
        moved.clock, moved.snapshot_clock = self.clock, self.snapshot_clock
        return moved

    # -- reading ------------------------------------------------------------------------------------

    @property
    def bid_size(self) -> Count:
        """Resting at the best bid, 0 when there is none."""
        level = self.best_bid_level
        return self._bids[level] if level >= 0 else 0

    @property
    def ask_size(self) -> Count:
        level = self.best_ask_level
        return self._asks[level] if level < self.grid.size else 0

    def touch(self) -> tuple[int, Count, int, Count]:
        """Level and size of the best bid, level and size of the best ask; sizes are 0 where a side is empty."""
        bid, ask = self.best_bid_level, self.best_ask_level
        return bid, self._bids[bid] if bid >= 0 else 0, ask, self._asks[ask] if ask < len(self._asks) else 0

    @property
    def crossed(self) -> bool:
        """Best bid at or above best ask. Normal between the deltas of one exchange action, never for long."""
        return self.best_bid_level >= self.best_ask_level

    @property
    def empty(self) -> bool:
        return self.best_bid_level < 0 and self.best_ask_level == self.grid.size

    def size_at(self, side: Side, price: Price) -> Count:
        """Resting at that price; 0 off the grid."""
        if not self.grid.is_valid(price):
            return 0
        return (self._bids if side is Side.BID else self._asks)[self.grid.index(price)]

    def levels(self, side: Side, limit: int | None = None) -> list[tuple[Price, Count]]:
        """Occupied prices with their sizes, best first, at most ``limit``."""
        found: list[tuple[Price, Count]] = []
        prices = self.grid.prices
        marks, sizes = (self._bid_marks, self._bids) if side is Side.BID else (self._ask_marks, self._asks)
        level = self.best_bid_level if side is Side.BID else marks.find(1)
        while level >= 0 and (limit is None or len(found) < limit):
            found.append((prices[level], sizes[level]))
            level = marks.rfind(1, 0, level) if side is Side.BID else marks.find(1, level + 1)
        return found

    def depth(self, side: Side, levels: int) -> Count:
        """Contracts from the touch to ``levels`` valid prices behind it, both ends counted."""
        if side is Side.BID:
            best = self.best_bid_level
            return sum(self._bids[max(best - levels, 0) : best + 1]) if best >= 0 else 0
        return sum(self._asks[self.best_ask_level : self.best_ask_level + levels + 1])

    def top_without(self, own: Mapping[tuple[Side, Price], Count]) -> Top:
        """Best prices after taking our own resting contracts out; more than a level holds leaves it at 0."""
        bid, ask = self.best_bid, self.best_ask
        _, bid_size, _, ask_size = self.touch()
        if own:
            if (BID, bid) in own:
                bid, bid_size = self._first_foreign(BID, own)
            if (ASK, ask) in own:
                ask, ask_size = self._first_foreign(ASK, own)
        return bid, bid_size, ask, ask_size

    def _first_foreign(
        self, side: Side, own: Mapping[tuple[Side, Price], Count]
    ) -> tuple[Price | None, Count]:
        marks, sizes = (self._bid_marks, self._bids) if side is Side.BID else (self._ask_marks, self._asks)
        level = self.best_bid_level if side is Side.BID else marks.find(1)
        while level >= 0:
            price = self.grid.prices[level]
            left = sizes[level] - own.get((side, price), 0)
            if left > 0:
                return price, left
            level = marks.rfind(1, 0, level) if side is Side.BID else marks.find(1, level + 1)
        return None, 0

    def state(self) -> tuple[tuple[tuple[Price, Count], ...], tuple[tuple[Price, Count], ...]]:
        """Everything that rests, (bids, asks) best first: equal states are equal books, on any grid."""
        return tuple(self.levels(Side.BID)), tuple(self.levels(Side.ASK))
