"""Who trades, with what cash, holding what. Cash and fees are exact.

Cash is what is left after paying: buying YES costs ``p * c``, buying NO (an ask beyond a long position)
``(1-p) * c``; the exchange holds one dollar per short contract until it settles. Resting orders do not
reduce cash; they are ``reserved`` when a new order is weighed.
"""

from __future__ import annotations

from collections import deque

from msgspec import Struct, field

from kalshi_tui.practice.matching import Order
from kalshi_tui.protocol.units import ONE, Count, Money, Nanos, Price, Side


class Position(Struct, eq=False):
    """One account's holding in one market. Realized profit is at average cost, fees apart."""

    ticker: str
    event_ticker: str
    shard: int
    count: Count = 0
    """YES-positive."""
    cost: Money = 0
    """What the open contracts cost, on the leg held."""
    realized: Money = 0
    fees: Money = 0
    open_fees: Money = 0
    """The part of ``fees`` paid to open what is still open."""
    volume: Count = 0
    spent: Money = 0
    """Paid for contracts opened, over all time."""
    peak: Count = 0
    """The largest absolute position reached."""
    updated: Nanos = 0
    settled: bool = False

    def apply(self, side: Side, price: Price, count: Count, fee: Money, at: Nanos) -> Money:
        """Book one fill; the change of cash it brings, fee included."""
        signed = side.sign * count
        before, after = self.count, self.count + signed
        closed = min(abs(before), count) if before * signed < 0 else 0
        opened = count - closed
        leg = price if side is Side.BID else ONE - price
        released = self.cost * closed // abs(before) if closed else 0
        proceeds = (ONE - leg) * closed
        self.cost += leg * opened - released
        self.realized += proceeds - released
        if closed:
            self.open_fees -= self.open_fees * closed // abs(before)
        self.open_fees += fee * opened // count
        self.fees += fee
        self.count = after
        self.volume += count
        self.spent += leg * opened
        self.peak = max(self.peak, abs(after))
        self.updated = at
        return proceeds - leg * opened - fee

    def settle(self, value: Money, at: Nanos) -> Money:
        """Pay ``value`` (a multiple of 100) per YES contract; the cash it brings."""
        per_count = value // 100
        payoff = self.count * per_count if self.count > 0 else -self.count * (ONE - per_count)
        self.realized += payoff - self.cost
        self.count = self.cost = self.open_fees = 0
        self.settled = True
        self.updated = at
        return payoff


class ClientFill(Struct, frozen=True):
    trade_id: str
    order_id: str
    client_order_id: str
    ticker: str
    shard: int
    side: Side
    price: Price
    count: Count
    fee: Money
    is_taker: bool
    at: Nanos
    position: Count
    """After this fill."""


class SettlementRecord(Struct, frozen=True):
    ticker: str
    event_ticker: str
    shard: int
    result: str
    yes_count: Count
    no_count: Count
    yes_cost: Money
    no_cost: Money
    revenue: Money
    value: Money
    fee: Money
    at: Nanos


RECORDS_KEPT = 20_000
"""Ended orders, fills and settlements of one account that can still be read, newest first; about 20 MiB when full.
The real exchange moves what is older to its historical endpoints."""


class Account(Struct, eq=False):
    """A client's account, or a ``house`` one: unlimited cash, no fees, no limits."""

    user_id: str
    house: bool
    deposited: Money = 0
    cash: dict[int, Money] = field(default_factory=dict)
    """By shard: collateral of one shard does not serve another."""
    positions: dict[str, Position] = field(default_factory=dict)
    resting: dict[str, dict[str, Order]] = field(default_factory=dict)
    """By ticker, then by order id, oldest first."""
    orders: dict[str, Order] = field(default_factory=dict)
    """A client's: the resting ones and the newest ended ones. A house account's: the resting ones."""
    ended: deque[Order] = field(default_factory=deque)
    """A client's ended orders, oldest first."""
    client_ids: set[str] = field(default_factory=set)
    """Of the orders that can still be read, and those that amends have replaced."""
    fills: deque[ClientFill] = field(default_factory=lambda: deque(maxlen=RECORDS_KEPT))
    fills_made: int = 0
    settlements: deque[SettlementRecord] = field(default_factory=lambda: deque(maxlen=RECORDS_KEPT))
    settlements_made: int = 0
    past: Money = 0
    """What positions in markets that are forgotten have made, after fees."""
    updated: Nanos = 0

    def order_ended(self, order: Order) -> None:
        """A client's order is over: it can be read until ``RECORDS_KEPT`` more have ended."""
        self.ended.append(order)
        if len(self.ended) > RECORDS_KEPT:
            self._forget(self.ended.popleft())

    def filled(self, fill: ClientFill) -> None:
        self.fills.append(fill)
        self.fills_made += 1

    def was_settled(self, record: SettlementRecord) -> None:
        self.settlements.append(record)
        self.settlements_made += 1

    def forget_market(self, ticker: str) -> None:
        """A settled market is too old to be read: so are its position and its orders."""
        held = self.positions.pop(ticker, None)
        if held is not None:
            self.past += held.realized - held.fees
        for order in [order for order in self.ended if order.ticker == ticker]:
            self._forget(order)
        self.ended = deque(order for order in self.ended if order.ticker != ticker)
        self.resting.pop(ticker, None)

    def _forget(self, order: Order) -> None:
        self.orders.pop(order.order_id, None)
        self.client_ids.discard(order.client_order_id)

    def pay(self, shard: int, amount: Money, at: Nanos) -> None:
        self.cash[shard] = self.cash.get(shard, 0) + amount
        self.updated = at

    def position(self, ticker: str) -> Count:
        held = self.positions.get(ticker)
        return held.count if held is not None else 0

    def reserved(self, shard: int) -> Money:
        """What resting orders of this shard would cost if they all filled."""
        return sum(
            self.collateral(ticker)
            for ticker, orders in self.resting.items()
            if orders and next(iter(orders.values())).shard == shard
        )

    def collateral(self, ticker: str, extra: Order | None = None) -> Money:
        """``p*c`` of the bids and ``(1-p)*c`` of the asks beyond what is held, with ``extra`` resting too.

        The position offsets the orders that would trade first.
        """
        held = self.position(ticker)
        orders = list(self.resting.get(ticker, {}).values())
        if extra is not None:
            orders.append(extra)
        total = 0
        for side in (Side.BID, Side.ASK):
            offset = max(0, -held * side.sign)
            mine = [order for order in orders if order.side is side]
            mine.sort(key=lambda order: -order.price * side.sign)
            for order in mine:
                covered = min(offset, order.remaining)
                offset -= covered
                leg = order.price if side is Side.BID else ONE - order.price
                total += leg * (order.remaining - covered)
        return total
