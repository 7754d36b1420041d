"""One market's book: price-time priority, in YES prices. Pure: no clock, no money, no messages."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from msgspec import Struct

from kalshi_tui.protocol.orders import SelfTradePrevention, TimeInForce
from kalshi_tui.protocol.units import Count, Money, Nanos, Price, Side


class Order(Struct, eq=False):
    """An order's whole life. ``house`` orders stand for many strangers: no self-trade prevention."""

    order_id: str
    user_id: str
    house: bool
    ticker: str
    shard: int
    side: Side
    price: Price
    initial: Count
    remaining: Count
    created: Nanos
    updated: Nanos
    client_order_id: str = ""
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    expiration: Nanos | None = None
    stp: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS
    group_id: str = ""
    cancel_on_pause: bool = False
    filled: Count = 0
    status: str = "resting"
    """resting, canceled or executed."""
    reason: str = ""
    """``last_update_reason``; empty until something happened to it."""
    taker_cost: Money = 0
    maker_cost: Money = 0
    taker_fees: Money = 0
    maker_fees: Money = 0
    carry: Money = 0
    """The fee accumulator of this order."""


class Step(Struct, frozen=True, gc=False):
    """One step of a match: ``count`` traded at the maker's price, or 0: the maker was taken off (STP)."""

    maker: Order
    count: Count


class Match(Struct, frozen=True):
    steps: list[Step]
    self_crossed: bool
    """The taker reached its owner's own order and must be cancelled there."""


class BookSide:
    """The resting orders of one side: FIFO at each price, prices sorted ascending."""

    __slots__ = ("_levels", "prices", "side", "totals")

    def __init__(self, side: Side) -> None:
        self.side = side
        self.prices: list[Price] = []
        self.totals: dict[Price, Count] = {}
        # A dict keeps insertion order (the queue) and removes from the middle in constant time.
        self._levels: dict[Price, dict[str, Order]] = {}

    def best(self) -> Price | None:
        if not self.prices:
            return None
        return self.prices[-1] if self.side is Side.BID else self.prices[0]

    def best_first(self) -> Iterator[Price]:
        return reversed(self.prices) if self.side is Side.BID else iter(self.prices)

    def reaches(self, price: Price, limit: Price) -> bool:
        """Whether an incoming order with ``limit`` may trade at ``price`` of this side."""
        return price >= limit if self.side is Side.BID else price <= limit

    def first(self, price: Price) -> Order:
        return next(iter(self._levels[price].values()))

    def add(self, order: Order) -> None:
        level = self._levels.get(order.price)
        if level is None:
            level = self._levels[order.price] = {}
            self.totals[order.price] = 0
            insort(self.prices, order.price)
        level[order.order_id] = order
        self.totals[order.price] += order.remaining

    def remove(self, order: Order) -> None:
        """Take it off with what remains of it."""
        del self._levels[order.price][order.order_id]
        self.shrink(order.price, order.remaining)

    def shrink(self, price: Price, count: Count) -> None:
        """``count`` contracts at ``price`` are gone (traded or decreased)."""
        if self._levels[price]:
            self.totals[price] -= count
            return
        del self.totals[price], self._levels[price]
        del self.prices[bisect_left(self.prices, price)]

    def ahead(self, order: Order) -> Count:
        """Contracts that trade before the first of ``order`` at its own price."""
        ahead = 0
        for other in self._levels[order.price].values():
            if other is order:
                break
            ahead += other.remaining
        return ahead

    def orders(self) -> Iterator[Order]:
        """Best price first, oldest first within a price."""
        for price in self.best_first():
            yield from self._levels[price].values()


class Book:
    """Both sides of one market."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = BookSide(Side.BID)
        self.asks = BookSide(Side.ASK)

    def side(self, side: Side) -> BookSide:
        return self.bids if side is Side.BID else self.asks

    def crosses(self, side: Side, price: Price) -> bool:
        """Whether an incoming order would trade at once."""
        other = self.side(side.opposite)
        best = other.best()
        return best is not None and other.reaches(best, price)

    def liquidity(self, side: Side, price: Price) -> Count:
        """Contracts an incoming order could trade against, its owner's own included."""
        other = self.side(side.opposite)
        total = 0
        for level in other.best_first():
            if not other.reaches(level, price):
                break
            total += other.totals[level]
        return total

    def match(self, taker: Order) -> Match:
        """Trade ``taker`` against the other side; changes what remains of both, ``taker`` stays off the book.

        Self-trade prevention follows the taker's setting: ``taker_at_cross`` stops at the own order
        (earlier trades stand), ``maker`` takes the own resting order off and goes on.
        """
        other = self.side(taker.side.opposite)
        steps: list[Step] = []
        while taker.remaining:
            price = other.best()
            if price is None or not other.reaches(price, taker.price):
                break
            maker = other.first(price)
            if maker.user_id == taker.user_id and not taker.house:
                if taker.stp is SelfTradePrevention.TAKER_AT_CROSS:
                    return Match(steps, True)
                other.remove(maker)
                steps.append(Step(maker, 0))
                continue
            count = min(taker.remaining, maker.remaining)
            self._trade(other, maker, count)
            taker.remaining -= count
            taker.filled += count
            steps.append(Step(maker, count))
        return Match(steps, False)

    @staticmethod
    def _trade(side: BookSide, maker: Order, count: Count) -> None:
        if count == maker.remaining:
            side.remove(maker)
            maker.remaining = 0
        else:
            maker.remaining -= count
            side.shrink(maker.price, count)
        maker.filled += count
