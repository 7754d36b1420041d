"""How a simulated order trades against a real book it is not part of. Never kinder than the venue would be.

* An incoming order takes displayed depth, and every displayed contract only once.
* A resting order is not filled by a touch: a trade at its price counts only after the queue in front is gone;
  a trade beyond its price, or an offer displayed beyond it, would have met it first and fills it.
* The feed says a trade twice, as a smaller level and as a trade, mostly in that order. A fall of a level is
  therefore judged only after ``SETTLE`` has passed, when its trades have had time to arrive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from kalshi_tui.execution.queue_models import QueueModel
from kalshi_tui.protocol.orders import NewOrder, PublicTrade, SelfTradePrevention
from kalshi_tui.protocol.units import MILLISECOND, Count, Nanos, Price, Side

SETTLE: Nanos = 100 * MILLISECOND
"""Within 50 ms of a recorded trade its delta is there; twice that is waited."""


class DisplayedBook(Protocol):
    """What matching reads of a real book (``orderbook.book.Book``)."""

    def size_at(self, side: Side, price: Price) -> Count: ...

    def levels(self, side: Side, limit: int | None = None) -> list[tuple[Price, Count]]: ...


@dataclass(slots=True, eq=False)
class PaperOrder:
    """One simulated order, resting or done."""

    order_id: str
    sent: NewOrder
    price: Price
    count: Count
    """Total: filled plus what may still fill."""
    filled: Count = 0
    front: Count = 0
    """Real contracts resting before it at its price."""
    status: str = "resting"
    reason: str = ""
    expiration_s: int | None = None
    updated: Nanos = 0

    @property
    def remaining(self) -> Count:
        return self.count - self.filled if self.status == "resting" else 0


class Execution(Struct, frozen=True):
    order: PaperOrder
    price: Price
    count: Count
    is_taker: bool


@dataclass(slots=True)
class _Level:
    """A price at which own orders rest: its displayed size, and what has not been judged yet."""

    judged: Count
    """Displayed size when the fronts were last brought up to date."""
    shown: Count
    traded: Count = 0
    since: Nanos | None = None
    """When the oldest unjudged change was seen."""


@dataclass(slots=True)
class PaperMarket:
    """Own simulated orders of one market, against its real book."""

    model: QueueModel
    resting: list[PaperOrder] = field(default_factory=list)
    """Oldest first."""
    levels: dict[tuple[Side, Price], _Level] = field(default_factory=dict)
    taken: dict[tuple[Side, Price], Count] = field(default_factory=dict)
    """Displayed contracts that own orders have already traded with."""

    @property
    def idle(self) -> bool:
        return not self.resting and not self.taken

    # -- own orders ----------------------------------------------------------------------------------

    def crosses(self, side: Side, price: Price, book: DisplayedBook) -> bool:
        """Whether an order would trade at once with displayed depth or another own order."""
        best = book.levels(side.opposite, 1)
        prices = [o.price for o in self.resting if o.sent.side is not side] + [p for p, _ in best]
        return any((price - other) * side.sign >= 0 for other in prices)

    def take(self, order: PaperOrder, book: DisplayedBook) -> tuple[list[Execution], bool]:
        """Trade with displayed depth up to the price: (executions, stopped by self-trade prevention)."""
        side = order.sent.side
        barrier = self._own_barrier(order)
        executions: list[Execution] = []
        for price, size in book.levels(side.opposite):
            if (price - order.price) * side.sign > 0 or order.remaining <= 0:
                break
            if barrier is not None and (price - barrier) * side.sign >= 0:
                break
            key = (side.opposite, price)
            count = min(order.remaining, size - min(self.taken.get(key, 0), size))
            if count > 0:
                self.taken[key] = min(self.taken.get(key, 0), size) + count
                order.filled += count
                executions.append(Execution(order, price, count, is_taker=True))
        stopped = barrier is not None and order.remaining > 0 and (order.price - barrier) * side.sign >= 0
        return executions, stopped

    def could_fill(self, order: PaperOrder, book: DisplayedBook) -> bool:
        """Whether displayed depth up to its price covers the whole order (fill or kill)."""
        side, barrier, there = order.sent.side, self._own_barrier(order), 0
        for price, size in book.levels(side.opposite):
            beyond = (price - order.price) * side.sign > 0
            if beyond or (barrier is not None and (price - barrier) * side.sign >= 0):
                break
            there += size - min(self.taken.get((side.opposite, price), 0), size)
        return there >= order.remaining

    def ahead(self, order: PaperOrder) -> Count:
        """Contracts before a resting order: real ones, and own older ones at its price."""
        key, own = (order.sent.side, order.price), 0
        for other in self.resting:
            if other is order:
                break
            if (other.sent.side, other.price) == key:
                own += other.remaining
        return order.front + own

    def own_in_the_way(self, order: PaperOrder) -> list[PaperOrder]:
        """Own resting orders that ``order`` would trade with."""
        sign = order.sent.side.sign
        return [
            o
            for o in self.resting
            if o.sent.side is not order.sent.side and (order.price - o.price) * sign >= 0
        ]

    def _own_barrier(self, order: PaperOrder) -> Price | None:
        """The best own price on the other side, where the incoming order must stop."""
        if order.sent.self_trade_prevention is SelfTradePrevention.MAKER:
            return None
        prices = [o.price for o in self.own_in_the_way(order)]
        return (min if order.sent.side is Side.BID else max)(prices, default=None)

    def rest(self, order: PaperOrder, book: DisplayedBook) -> None:
        """Join the back of the queue at the order's price."""
        key = (order.sent.side, order.price)
        shown = book.size_at(*key)
        order.front = shown
        self.levels.setdefault(key, _Level(judged=shown, shown=shown))
        self.resting.append(order)

    def remove(self, order: PaperOrder) -> None:
        self.resting.remove(order)
        key = (order.sent.side, order.price)
        if not any((o.sent.side, o.price) == key for o in self.resting):
            del self.levels[key]

    # -- the real market -----------------------------------------------------------------------------

    def on_book(self, book: DisplayedBook, at: Nanos) -> list[Execution]:
        """The book changed: note the sizes at own prices, fill what an offer beyond them would have met."""
        for key, taken in list(self.taken.items()):
            size = book.size_at(*key)
            if size == 0:
                del self.taken[key]
            elif taken > size:
                self.taken[key] = size
        for key, level in self.levels.items():
            shown = book.size_at(*key)
            if shown != level.shown:
                level.shown = shown
                level.since = at if level.since is None else level.since
        return [e for side in (Side.BID, Side.ASK) for e in self._met_by_offers(side, book)]

    def _met_by_offers(self, side: Side, book: DisplayedBook) -> Iterator[Execution]:
        orders = self._by_priority(side)
        if not orders:
            return
        for price, size in book.levels(side.opposite):
            if (orders[0].price - price) * side.sign <= 0:
                return
            key = (side.opposite, price)
            for order in orders:
                if (order.price - price) * side.sign <= 0:
                    break
                count = min(order.remaining, size - min(self.taken.get(key, 0), size))
                if count > 0:
                    self.taken[key] = min(self.taken.get(key, 0), size) + count
                    yield self._filled(order, count)

    def on_trade(self, trade: PublicTrade, at: Nanos) -> list[Execution]:
        """A public trade: whole fills beyond its price, and at its price what the queue leaves."""
        if trade.taker_side is None or trade.is_block:
            return []
        side = trade.taker_side.opposite
        executions: list[Execution] = []
        used = 0
        for order in self._by_priority(side):
            beyond = (order.price - trade.price) * side.sign
            if beyond < 0:
                break
            if beyond > 0:
                executions.append(self._filled(order, order.remaining))
                continue
            reached = max(trade.count - order.front, 0) - used
            order.front = max(order.front - trade.count, 0)
            count = min(order.remaining, max(reached, 0))
            if count > 0:
                used += count
                executions.append(self._filled(order, count))
        level = self.levels.get((side, trade.price))
        if level is not None:
            level.traded += trade.count
            level.since = at if level.since is None else level.since
        return executions

    def settle(self, at: Nanos) -> None:
        """Judge the changes of levels that have waited long enough: trades or cancels?"""
        for key, level in self.levels.items():
            if level.since is None or at - level.since < SETTLE:
                continue
            for order in self.resting:
                if (order.sent.side, order.price) == key:
                    order.front = self.model.on_depth(order.front, level.judged, level.shown, level.traded)
            level.judged, level.traded, level.since = level.shown, 0, None

    def _by_priority(self, side: Side) -> list[PaperOrder]:
        """Resting orders of one side, best price first, then oldest."""
        orders = [o for o in self.resting if o.sent.side is side and o.remaining > 0]
        return sorted(orders, key=lambda o: -o.price * side.sign)

    @staticmethod
    def _filled(order: PaperOrder, count: Count) -> Execution:
        order.filled += count
        return Execution(order, order.price, count, is_taker=False)
