"""The engine: an order that is off the book meets it, and both holders of every trade get what is theirs."""

from __future__ import annotations

from heapq import heappush

from msgspec import Struct

from kalshi_tui.practice.accounts import Account, ClientFill, Position
from kalshi_tui.practice.fees import DIRECT_2026_08, Rounding, charge
from kalshi_tui.practice.groups import Groups
from kalshi_tui.practice.happenings import Filled, Traded
from kalshi_tui.practice.markets import MarketState, PrintedTrade
from kalshi_tui.practice.matching import Order
from kalshi_tui.practice.refusals import (
    EXCHANGE_PAUSED,
    MARKET_INACTIVE,
    MARKET_NOT_ACTIVE,
    TRADING_PAUSED,
    Refusal,
)
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.orders import TimeInForce
from kalshi_tui.protocol.units import ONE, Count, Money, Nanos, Price, Side


class Execution(Struct, frozen=True):
    """One fill of the order an action was about."""

    price: Price
    count: Count
    fee: Money
    trade_id: str


class Engine(Groups):
    """Matching with its money, and the questions every order operation asks first."""

    def __init__(self, *, seed: int = 0, rounding: Rounding = DIRECT_2026_08) -> None:
        super().__init__(seed=seed, rounding=rounding)
        self._expirations: list[tuple[Nanos, str, Order]] = []

    def _work(
        self, account: Account, market: MarketState, order: Order, action: int, now: Nanos
    ) -> list[Execution]:
        """Match an order that is off the book, then rest, finish or cancel what is left of it."""
        match = market.book.match(order)
        fills: list[Execution] = []
        for step in match.steps:
            if step.count:
                fills.append(self._execute(market, order, step.maker, step.count, action, now))
            else:
                del account.resting[order.ticker][step.maker.order_id]
                self._change_level(
                    market, step.maker.side, step.maker.price, -step.maker.remaining, action, now, order
                )
                self._end(step.maker, "SelfTradeCancel", now)
        order.updated = now
        if fills:
            order.reason = "Trade"
        if not order.remaining:
            self._finish(order)
            self._tell_order(order)
        elif match.self_crossed:
            self._end(order, "SelfTradeCancel", now)
        elif order.time_in_force is not TimeInForce.GTC:
            self._end(order, order.reason, now)
        else:
            self._rest(market, order, action, now)
            self._tell_order(order)
            if order.expiration is not None:
                heappush(self._expirations, (order.expiration, order.order_id, order))
        if self.groups:
            self._watch_groups_of([order, *(step.maker for step in match.steps)], now)
        return fills

    def _watch_groups_of(self, orders: list[Order], now: Nanos) -> None:
        """After the whole action: a group's limit may have been passed by it."""
        for order in orders:
            group = self.groups.get(order.group_id)
            if group is not None:
                self._watch_group(group, now)

    def _execute(
        self, market: MarketState, taker: Order, maker: Order, count: Count, action: int, now: Nanos
    ) -> Execution:
        """One trade at the maker's price: the level, the print, both holders."""
        price = maker.price
        self._change_level(market, maker.side, price, -count, action, now, taker)
        self.trades_printed += 1
        trade_id = self._trade_ids.new()
        market.printed(
            PrintedTrade(self.trades_printed, trade_id, market.ticker, price, count, taker.side, now)
        )
        self.outbox.append(Traded(trade_id, market.ticker, price, count, taker.side, now))
        if not maker.remaining:
            self._finish(maker)
            del self.accounts[maker.user_id].resting[market.ticker][maker.order_id]
        maker.reason, maker.updated = "Trade", now
        self._book_fill(market, maker, price, count, trade_id, False, now)
        self._tell_order(maker)
        fee = self._book_fill(market, taker, price, count, trade_id, True, now)
        return Execution(price, count, fee, trade_id)

    def _finish(self, order: Order) -> None:
        """Nothing of it remains."""
        order.status = "executed"
        self._is_over(order)

    def _book_fill(
        self,
        market: MarketState,
        order: Order,
        price: Price,
        count: Count,
        trade_id: str,
        is_taker: bool,
        now: Nanos,
    ) -> Money:
        """Give one side of a trade its contracts, its cash and its fee; the fee."""
        account = self.accounts[order.user_id]
        fee = 0
        if not account.house:
            cost = charge(
                self.rounding,
                market.fee,
                order.side,
                price,
                count,
                is_taker=is_taker,
                carry=order.carry,
                at=now,
            )
            fee, order.carry = cost.fee, cost.carry
            self.fees_collected += fee
            _add_to_order(order, price, count, fee, is_taker)
            self._count_match(order, count, now)
        position = account.positions.get(market.ticker)
        if position is None:
            position = Position(market.ticker, market.event_ticker, market.shard)
            account.positions[market.ticker] = position
        market.open_interest -= max(0, position.count)
        account.pay(market.shard, position.apply(order.side, price, count, fee, now), now)
        market.open_interest += max(0, position.count)
        if not account.house:
            fill = ClientFill(
                trade_id,
                order.order_id,
                order.client_order_id,
                market.ticker,
                market.shard,
                order.side,
                price,
                count,
                fee,
                is_taker,
                now,
                position.count,
            )
            account.filled(fill)
            self.outbox.append(Filled(account.user_id, fill))
            self._tell_position(account, position)
        return fee

    @staticmethod
    def _past_close(market: MarketState, now: Nanos) -> bool:
        return now >= market.close or market.status not in (
            MarketStatus.INITIALIZED,
            MarketStatus.ACTIVE,
            MarketStatus.INACTIVE,
        )

    def _closed_to(self, market: MarketState, now: Nanos) -> Refusal | None:
        """Why this market takes no new orders now."""
        if not self.exchange_active:
            return EXCHANGE_PAUSED
        if self._past_close(market, now):
            return MARKET_INACTIVE
        if market.status is not MarketStatus.ACTIVE:
            return MARKET_NOT_ACTIVE
        return None if self.trading_active else TRADING_PAUSED

    def _short_of_cash(
        self, account: Account, market: MarketState, order: Order, crosses: bool, now: Nanos
    ) -> bool:
        """Whether cash of the market's shard does not bear the order beside what rests already.

        An order the position covers is never short: it brings cash.
        """
        needed = account.collateral(order.ticker, order) - account.collateral(order.ticker)
        if needed <= 0:
            return False
        cost = charge(
            self.rounding,
            market.fee,
            order.side,
            order.price,
            order.remaining,
            is_taker=crosses,
            carry=0,
            at=now,
        )
        available = account.cash.get(market.shard, 0) - account.reserved(market.shard)
        return needed + cost.fee > available


def _add_to_order(order: Order, price: Price, count: Count, fee: Money, is_taker: bool) -> None:
    """Book a fill's cost and fee on the order, at the price of the leg it buys."""
    leg = price if order.side is Side.BID else ONE - price
    if is_taker:
        order.taker_cost += leg * count
        order.taker_fees += fee
    else:
        order.maker_cost += leg * count
        order.maker_fees += fee
