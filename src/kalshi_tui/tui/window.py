"""Which prices the ladder shows: a window on the market's grid that stands still until it has to jump."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import Count, Money, Price
from kalshi_tui.protocol.views import LadderView

GROUPINGS = (1, 2, 5, 10)
"""Ticks a row, stepped through by ``[`` and ``]``."""


class Rung(Struct, frozen=True):
    """One drawn row: a price, or ``ticks`` neighbouring ones taken together. ``low`` names and orders it."""

    low: Price
    high: Price
    bid: Count
    ask: Count
    edge: Money | None
    out: Money | None
    known: bool
    """False where the desk has not sent these prices yet: blank would say that nothing rests there."""

    def holds(self, price: Price | None) -> bool:
        return price is not None and self.low <= price <= self.high


class Window:
    """The rows of one market's ladder, lowest first, as indices on its grid."""

    def __init__(self, grid: TickGrid) -> None:
        self.grid = grid
        self.group = 1
        self.rows = 0
        self._first = 0
        self._placed = False
        """Whether it stands where a market was, or only where a grid begins."""

    @property
    def low(self) -> Price:
        return self.grid.prices[self._first]

    @property
    def high(self) -> Price:
        return self.grid.prices[min(self._first + self.rows * self.group, self.grid.size) - 1]

    def buckets(self) -> list[tuple[Price, Price]]:
        """(lowest, highest) price of each row, lowest row first; at most ``rows`` of them."""
        prices = self.grid.prices[self._first : self._first + self.rows * self.group]
        return [
            (prices[i], prices[min(i + self.group, len(prices)) - 1])
            for i in range(0, len(prices), self.group)
        ]

    @property
    def wanted(self) -> tuple[Price, Price]:
        """The prices to ask the desk for: half a window more on each side, so that a jump shows at once."""
        more = self.rows * self.group // 2
        last = min(self._first + self.rows * self.group + more, self.grid.size) - 1
        return self.grid.prices[max(self._first - more, 0)], self.grid.prices[last]

    def resize(self, rows: int, price: float | None) -> None:
        """Show ``rows`` rows around the same middle; the first time around ``price``."""
        if rows != self.rows:
            middle = self._first + self.rows * self.group // 2
            self.rows = max(rows, 1)
            if self._placed:
                self._place(middle)
            else:
                self.centre(price)

    def regroup(self, step: int, around: float | None) -> int:
        """``step`` coarser (+1) or finer (-1), around price ``around``. Returns ticks a row now."""
        at = GROUPINGS.index(self.group) + step
        if 0 <= at < len(GROUPINGS):
            self.group = GROUPINGS[at]
            self.centre(around)
        return self.group

    def centre(self, price: float | None) -> None:
        """Jump so that ``price`` stands in the middle; without a price, the middle of the grid."""
        self._placed = price is not None
        self._place(self.grid.size // 2 if price is None else self._index(price))

    def follow(self, price: float | None, held: bool = False) -> bool:
        """Jump when the market has left the middle half (``held``: when it has left the window). True on a jump."""
        if price is None or not self.rows:
            return False
        if not self._placed:
            self.centre(price)
            return True
        at = self._index(price) - self._first
        span = self.rows * self.group
        margin = 0 if held else span // 4
        if margin <= at < span - margin:
            return False
        before = self._first
        self.centre(price)
        return self._first != before

    def reveal(self, price: Price) -> None:
        """Move by the least that brings ``price`` into the window."""
        at = self.grid.index(price)
        span = self.rows * self.group
        if at < self._first:
            self._first = max(at - at % self.group, 0)
        elif at >= self._first + span:
            self._first = self._bounded(at - span + self.group)

    def _place(self, index: int) -> None:
        first = index - self.rows * self.group // 2
        self._first = self._bounded(first - first % self.group)

    def _bounded(self, first: int) -> int:
        return max(0, min(first, self.grid.size - self.rows * self.group))

    def _index(self, price: float) -> int:
        floor = self.grid.floor(price)
        return 0 if floor is None else self.grid.index(floor)


def rungs(view: LadderView, buckets: Sequence[tuple[Price, Price]]) -> list[Rung]:
    """The view's rows gathered into ``buckets``; edge and out only where a row is a single price."""
    by_price = {row.price: row for row in view.rows}
    prices = sorted(by_price)
    result = []
    i = 0
    for low, high in buckets:
        while i < len(prices) and prices[i] < low:
            i += 1
        bid = ask = 0
        j = i
        while j < len(prices) and prices[j] <= high:
            row = by_price[prices[j]]
            bid, ask = bid + row.bid, ask + row.ask
            j += 1
        one = by_price.get(low) if low == high else None
        known = low in by_price and high in by_price
        result.append(Rung(low, high, bid, ask, one.edge if one else None, one.out if one else None, known))
        i = j
    return result


def middle_of(view: LadderView) -> float | None:
    """What the window follows: the middle of the touch, else the one side there is, else the last trade."""
    if view.best_bid is not None and view.best_ask is not None:
        return (view.best_bid + view.best_ask) / 2
    if view.best_bid is not None:
        return view.best_bid
    return view.best_ask if view.best_ask is not None else view.last
