"""New orders: what is refused, what is matched, what rests."""

from __future__ import annotations

from msgspec import Struct, field

from kalshi_tui.practice.accounts import Account
from kalshi_tui.practice.changing import Changing, wrong_expiration
from kalshi_tui.practice.engine import Execution
from kalshi_tui.practice.markets import MarketState
from kalshi_tui.practice.matching import Order
from kalshi_tui.practice.refusals import (
    CLIENT_ID_MAX,
    CLIENT_ID_TOO_LONG,
    FOK_UNFILLABLE,
    GROUP_NOT_FOUND,
    GROUP_TRIGGERED,
    INSUFFICIENT_BALANCE,
    INVALID_PRICE,
    INVALID_SIZE,
    MARKET_NOT_FOUND,
    ORDER_EXISTS,
    POST_ONLY_CROSS,
    Refusal,
    invalid_order,
)
from kalshi_tui.protocol.orders import SelfTradePrevention, TimeInForce
from kalshi_tui.protocol.units import SECOND, Count, Nanos, Price, Side

EXPIRATION_NEEDS_GTC = invalid_order("expiration_time requires good_till_canceled")
REDUCE_ONLY_NEEDS_IOC = invalid_order("reduce_only requires immediate_or_cancel")


class PlaceResult(Struct, frozen=True):
    """``order`` as it stands after matching, None when it was refused before it became one."""

    order: Order | None
    fills: list[Execution] = field(default_factory=list)
    error: Refusal | None = None


class Placing(Changing):
    """The order operations, complete. Each takes ``now`` (wall ns) and first lets go what has expired."""

    def place(
        self,
        account: Account,
        ticker: str,
        side: Side,
        price: Price,
        count: Count,
        *,
        now: Nanos,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        expiration_s: int | None = None,
        client_order_id: str = "",
        stp: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS,
        order_group_id: str = "",
        cancel_on_pause: bool = False,
    ) -> PlaceResult:
        """Match a new order and rest what may rest. Nothing is changed when ``error`` is set, but that a
        post-only order that would cross is on record as cancelled."""
        self.expire(now)
        market = self.markets.get(ticker)
        if market is None:
            return PlaceResult(None, error=MARKET_NOT_FOUND)
        order = Order(
            self._order_ids.new(),
            account.user_id,
            account.house,
            ticker,
            market.shard,
            side,
            price,
            count,
            count,
            now,
            now,
            client_order_id,
            time_in_force,
            post_only,
            None if expiration_s is None else expiration_s * SECOND,
            stp,
            order_group_id,
            cancel_on_pause,
        )
        error = self._closed_to(market, now) or _malformed(order, market, reduce_only, now)
        if error is None and not account.house:
            error = self._refused_client(account, order)
        if error is None and time_in_force is TimeInForce.FOK and market.book.liquidity(side, price) < count:
            error = FOK_UNFILLABLE
        if error is not None:
            return PlaceResult(None, error=error)
        return self._enter(account, market, order, reduce_only, now)

    def _enter(
        self, account: Account, market: MarketState, order: Order, reduce_only: bool, now: Nanos
    ) -> PlaceResult:
        """A well-formed order reaches the engine."""
        crosses = market.book.crosses(order.side, order.price)
        if reduce_only:
            order.remaining = min(order.remaining, max(0, -account.position(order.ticker) * order.side.sign))
        post_only_cross = order.post_only and crosses
        weighed = not account.house and not post_only_cross
        if weighed and self._short_of_cash(account, market, order, crosses, now):
            return PlaceResult(None, error=INSUFFICIENT_BALANCE)
        account.orders[order.order_id] = order
        if order.client_order_id:
            account.client_ids.add(order.client_order_id)
        if post_only_cross:
            self._end(order, "PostOnlyCrossCancel", now)
            return PlaceResult(None, error=POST_ONLY_CROSS)
        if reduce_only and not order.remaining:
            self._end(order, "ReduceOnlyCancel", now)
            return PlaceResult(order)
        return PlaceResult(order, self._work(account, market, order, self._new_action(), now))

    def _refused_client(self, account: Account, order: Order) -> Refusal | None:
        """What applies to clients alone: ids are used once, groups must be open."""
        if order.client_order_id in account.client_ids:
            return ORDER_EXISTS
        if order.group_id:
            group = self.group(account, order.group_id)
            if group is None or group.shard != order.shard:
                return GROUP_NOT_FOUND
            if group.triggered:
                return GROUP_TRIGGERED
        return None


def _malformed(order: Order, market: MarketState, reduce_only: bool, now: Nanos) -> Refusal | None:
    """What is wrong with an order as it is written."""
    gtc = order.time_in_force is TimeInForce.GTC
    if order.initial <= 0:
        return INVALID_SIZE
    if not market.grid.is_valid(order.price):
        return INVALID_PRICE
    if len(order.client_order_id) > CLIENT_ID_MAX:
        return CLIENT_ID_TOO_LONG
    if order.expiration is not None and not gtc:
        return EXPIRATION_NEEDS_GTC
    if order.expiration is not None:
        wrong = wrong_expiration(order.expiration // SECOND, now)
        if wrong is not None:
            return wrong
    if reduce_only and order.time_in_force is not TimeInForce.IOC:
        return REDUCE_ONLY_NEEDS_IOC
    return None
