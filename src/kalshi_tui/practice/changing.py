"""Changes to resting orders: cancelled, decreased, amended, expired."""

from __future__ import annotations

from heapq import heappop, heappush

from msgspec import Struct, field

from kalshi_tui.practice.accounts import Account
from kalshi_tui.practice.engine import Engine, Execution
from kalshi_tui.practice.markets import MarketState
from kalshi_tui.practice.matching import Order
from kalshi_tui.practice.refusals import (
    CLIENT_ID_MAX,
    CLIENT_ID_MISMATCH,
    CLIENT_ID_TOO_LONG,
    EXCHANGE_PAUSED,
    EXPIRATION_ABSURD,
    EXPIRATION_PAST,
    INSUFFICIENT_BALANCE,
    INVALID_PRICE,
    INVALID_SIZE,
    MARKET_INACTIVE,
    NOT_FOUND,
    ORDER_EXISTS,
    POST_ONLY_CROSS,
    SIDE_MISMATCH,
    TICKER_MISMATCH,
    Refusal,
    invalid_order,
)
from kalshi_tui.protocol.units import SECOND, Count, Nanos, Price, Side

_LAST_SECOND = 253_402_300_799
"""Of the year 9999: no later time can be written down."""


class AmendResult(Struct, frozen=True):
    order: Order | None
    fills: list[Execution] = field(default_factory=list)
    resized: bool = False
    error: Refusal | None = None


class Changing(Engine):
    """What can be done to an order that rests."""

    def cancel(self, account: Account, order_id: str, *, now: Nanos) -> tuple[Count, Refusal | None]:
        """The contracts taken off, or why not. An order that no longer rests is not found."""
        self.expire(now)
        order, error = self._find_resting(account, order_id, now)
        if order is None:
            return 0, error
        return self._cancel_resting(order, "", now), None

    def cancel_all(self, account: Account, *, now: Nanos) -> Refusal | None:
        """Every resting order of the account in markets that are not closed."""
        self.expire(now)
        if not self.exchange_active:
            return EXCHANGE_PAUSED
        for ticker, orders in account.resting.items():
            if self._past_close(self.markets[ticker], now):
                continue
            for order in list(orders.values()):
                self._cancel_resting(order, "", now)
        return None

    def decrease(
        self,
        account: Account,
        order_id: str,
        *,
        now: Nanos,
        reduce_by: Count | None = None,
        reduce_to: Count | None = None,
    ) -> tuple[Order | None, Refusal | None]:
        """Shrink a resting order by or to a count (exactly one of them); it keeps its place in the queue."""
        self.expire(now)
        order, error = self._find_resting(account, order_id, now)
        if order is None:
            return None, error
        if (reduce_by is None) == (reduce_to is None):
            return None, invalid_order("exactly one of reduce_by and reduce_to is required")
        target = order.remaining - reduce_by if reduce_by is not None else reduce_to
        if target is None or target >= order.remaining or (reduce_to is not None and reduce_to < 0):
            return None, INVALID_SIZE
        if target <= 0:
            self._cancel_resting(order, "Decrease", now)
        else:
            self._resize(order, target, "Decrease", now)
            self._tell_order(order)
        return order, None

    def amend(
        self,
        account: Account,
        order_id: str,
        ticker: str,
        side: Side,
        price: Price,
        count: Count,
        *,
        now: Nanos,
        client_order_id: str | None = None,
        updated_client_order_id: str | None = None,
        expiration_s: int | None = None,
    ) -> AmendResult:
        """``count`` is the total: filled plus wanted resting. ``expiration_s`` None keeps, 0 removes it.

        Same price and no larger size keep the place in the queue; else it goes to the back and may trade.
        """
        self.expire(now)
        order, error = self._find_resting(account, order_id, now)
        if order is None:
            return AmendResult(None, error=error)
        market = self.markets[order.ticker]
        error = self._closed_to(market, now) or _amend_mismatch(order, ticker, side, client_order_id)
        if error is None and not market.grid.is_valid(price):
            error = INVALID_PRICE
        if error is None and count <= order.filled:
            error = INVALID_SIZE
        if error is None and expiration_s:
            error = wrong_expiration(expiration_s, now)
        new_id = updated_client_order_id or order.client_order_id
        if error is None and new_id != order.client_order_id:
            if new_id in account.client_ids:
                error = ORDER_EXISTS
            elif len(new_id) > CLIENT_ID_MAX:
                error = CLIENT_ID_TOO_LONG
        if error is not None:
            return AmendResult(None, error=error)
        return self._amend(account, market, order, price, count, expiration_s, new_id, now)

    def _amend(
        self,
        account: Account,
        market: MarketState,
        order: Order,
        price: Price,
        count: Count,
        expiration_s: int | None,
        client_order_id: str,
        now: Nanos,
    ) -> AmendResult:
        wanted = count - order.filled
        keeps_place = price == order.price and wanted <= order.remaining
        if not keeps_place:
            crosses = market.book.crosses(order.side, price)
            if order.post_only and crosses:
                return AmendResult(None, error=POST_ONLY_CROSS)
            if self._amend_too_dear(account, market, order, price, wanted, crosses, now):
                return AmendResult(None, error=INSUFFICIENT_BALANCE)
        if client_order_id:
            account.client_ids.add(client_order_id)
        order.client_order_id = client_order_id
        if expiration_s is not None:
            order.expiration = expiration_s * SECOND or None
        order.initial = count
        resized = wanted != order.remaining
        if keeps_place:
            if resized:
                self._resize(order, wanted, "Amend", now)
            order.reason, order.updated = "Amend", now
            if order.expiration is not None:
                heappush(self._expirations, (order.expiration, order.order_id, order))
            self._tell_order(order)
            return AmendResult(order, resized=resized)
        action = self._new_action()
        self._take_off(market, order, action, now, order)
        order.price, order.remaining, order.reason = price, wanted, "Amend"
        fills = self._work(account, market, order, action, now)
        return AmendResult(order, fills, resized=resized or bool(fills))

    def expire(self, now: Nanos) -> None:
        """Cancel the resting orders whose expiration has come."""
        heap = self._expirations
        while heap and heap[0][0] <= now:
            at, _, order = heappop(heap)
            # An amended expiration leaves its old entry behind.
            if order.status == "resting" and order.expiration == at:
                self._cancel_resting(order, "ExpiryCancel", now)

    def next_expiration(self) -> Nanos | None:
        return self._expirations[0][0] if self._expirations else None

    def _resize(self, order: Order, remaining: Count, reason: str, now: Nanos) -> None:
        """Make a resting order smaller where it stands."""
        market = self.markets[order.ticker]
        delta = order.remaining - remaining
        order.remaining = remaining
        order.reason, order.updated = reason, now
        market.book.side(order.side).shrink(order.price, delta)
        self._change_level(market, order.side, order.price, -delta, self._new_action(), now, order)

    def _find_resting(
        self, account: Account, order_id: str, now: Nanos
    ) -> tuple[Order | None, Refusal | None]:
        order = account.orders.get(order_id)
        if order is None or order.status != "resting":
            return None, NOT_FOUND
        if self._past_close(self.markets[order.ticker], now):
            return None, MARKET_INACTIVE
        return (order, None) if self.exchange_active else (None, EXCHANGE_PAUSED)

    def _amend_too_dear(
        self,
        account: Account,
        market: MarketState,
        order: Order,
        price: Price,
        wanted: Count,
        crosses: bool,
        now: Nanos,
    ) -> bool:
        """Whether cash does not bear the order at its new price and size, in place of what it is."""
        resting = account.resting[order.ticker]
        was = order.price, order.remaining
        del resting[order.order_id]
        order.price, order.remaining = price, wanted
        short = self._short_of_cash(account, market, order, crosses, now)
        order.price, order.remaining = was
        # Back at the end: the place in this dict only orders reads of an account's orders.
        resting[order.order_id] = order
        return short


def _amend_mismatch(order: Order, ticker: str, side: Side, client_order_id: str | None) -> Refusal | None:
    if ticker != order.ticker:
        return TICKER_MISMATCH
    if side is not order.side:
        return SIDE_MISMATCH
    if client_order_id and client_order_id != order.client_order_id:
        return CLIENT_ID_MISMATCH
    return None


def wrong_expiration(seconds: int, now: Nanos) -> Refusal | None:
    """Why an expiration (Unix seconds) can not be one."""
    if seconds > _LAST_SECOND:
        return EXPIRATION_ABSURD
    return EXPIRATION_PAST if seconds * SECOND <= now else None
