"""A market's life: opened, paused, closed, determined, settled, and what each does to orders and holders."""

from __future__ import annotations

from typing import Any

from kalshi_tui.practice.accounts import Account, Position, SettlementRecord
from kalshi_tui.practice.clockwork import rfc3339
from kalshi_tui.practice.happenings import BookCleared, MarketMoved
from kalshi_tui.practice.markets import MarketState
from kalshi_tui.practice.matching import Order
from kalshi_tui.practice.placing import Placing
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import DOLLAR, ONE, SECOND, Money, Nanos, format_price

MARKETS_KEPT = 200
"""Settled markets that can still be read; the real exchange moves older ones to its historical endpoints."""
_BEFORE_CLOSE = (MarketStatus.INITIALIZED, MarketStatus.ACTIVE, MarketStatus.INACTIVE)


class Lifecycle(Placing):
    """What happens to markets and to the exchange itself. ``ValueError`` for a step that does not follow."""

    def open_market(self, ticker: str, now: Nanos) -> None:
        """At ``open_time``; the exchange sends no message for it."""
        self._move(ticker, MarketStatus.ACTIVE, (MarketStatus.INITIALIZED,), now)

    def close_market(self, ticker: str, now: Nanos) -> None:
        """At ``close_time``; no lifecycle message, every resting order is swept, the book is sent empty."""
        market = self._move(ticker, MarketStatus.CLOSED, _BEFORE_CLOSE, now)
        market.close = min(market.close, now)
        market.body["close_time"] = rfc3339(market.close)
        for order in self._resting_in(market):
            market.book.side(order.side).remove(order)
            del self.accounts[order.user_id].resting[ticker][order.order_id]
            self._end(order, "CloseCancel", now)
        market.clock = self._new_action()
        self.outbox.append(BookCleared(ticker, market.clock, now))

    def pause_market(self, ticker: str, now: Nanos) -> None:
        """Orders that asked for it are cancelled; the others stay, and may be cancelled."""
        market = self._move(ticker, MarketStatus.INACTIVE, (MarketStatus.ACTIVE,), now)
        self._tell_market(market, "deactivated", {"is_deactivated": True}, now)
        self._halt(market, now)

    def resume_market(self, ticker: str, now: Nanos) -> None:
        """Every resting order is cancelled on reactivation."""
        market = self._move(ticker, MarketStatus.ACTIVE, (MarketStatus.INACTIVE,), now)
        for order in self._resting_in(market):
            self._cancel_resting(order, "HaltCancel", now)
        self._tell_market(market, "activated", {"is_deactivated": False}, now)

    def move_close(self, ticker: str, close_ns: Nanos, now: Nanos) -> None:
        """A new close time, earlier or later; a closed market whose close moves ahead of now reopens."""
        market = self.markets[ticker]
        if market.status not in (*_BEFORE_CLOSE, MarketStatus.CLOSED):
            raise ValueError(f"{ticker} is {market.status.value}: its close can not move")
        market.close = close_ns
        market.body["close_time"] = rfc3339(close_ns)
        self._tell_market(market, "close_date_updated", {"close_ts": close_ns // SECOND}, now)
        if market.status is MarketStatus.CLOSED and close_ns > now:
            self._move(ticker, MarketStatus.ACTIVE, (MarketStatus.CLOSED,), now)
            self._tell_market(market, "activated", {"is_deactivated": False}, now)

    def determine(self, ticker: str, result: str, value: Money, now: Nanos) -> None:
        """``result`` yes, no or scalar; ``value`` is what one YES contract will pay (whole 1/10,000 dollars).

        A second call before settlement is the amended result of a dispute.
        """
        if result not in ("yes", "no", "scalar") or not 0 <= value <= DOLLAR or value % (DOLLAR // ONE):
            raise ValueError(f"{result!r} paying {value} is no result of {ticker}")
        if {"yes": DOLLAR, "no": 0}.get(result, value) != value:
            raise ValueError(f"{ticker}: a {result} market does not pay {value}")
        again = self.markets[ticker].status in (MarketStatus.DETERMINED, MarketStatus.AMENDED)
        status = MarketStatus.AMENDED if again else MarketStatus.DETERMINED
        allowed = (MarketStatus.CLOSED, MarketStatus.DETERMINED, MarketStatus.AMENDED)
        market = self._move(ticker, status, allowed, now)
        market.result, market.value = result, value
        fields = {
            "determination_ts": now // SECOND,
            "result": result,
            "settlement_value": format_price(value // (DOLLAR // ONE)),
        }
        self._tell_market(market, "determined", fields, now)

    def settle(self, ticker: str, now: Nanos) -> None:
        """Pay every holder, once."""
        allowed = (MarketStatus.DETERMINED, MarketStatus.AMENDED)
        market = self._move(ticker, MarketStatus.FINALIZED, allowed, now)
        market.settled_at = now
        for account in self.accounts.values():
            position = account.positions.get(ticker)
            if position is not None and position.count:
                self._pay_out(account, position, market, now)
        market.open_interest = 0
        self._tell_market(market, "settled", {"settled_ts": now // SECOND}, now)
        market.retire()
        self._settled.append(ticker)
        if len(self._settled) > MARKETS_KEPT:
            self._forget_market(self._settled.popleft())

    def _forget_market(self, ticker: str) -> None:
        """A market that settled long ago can not be read any more, nor what anybody had in it."""
        market = self.markets.pop(ticker)
        for account in self.accounts.values():
            account.forget_market(ticker)
        if not any(other.event_ticker == market.event_ticker for other in self.markets.values()):
            del self.events[market.event_ticker]

    def set_price_ranges(self, ticker: str, structure: str, ranges: list[dict[str, str]], now: Nanos) -> None:
        """A new grid for a live market; orders that stand on it stay, others are cancelled."""
        market = self.markets[ticker]
        market.grid = TickGrid.from_ranges(ranges)
        market.body["price_level_structure"] = structure
        market.body["price_ranges"] = ranges
        for order in self._resting_in(market):
            if not market.grid.is_valid(order.price):
                self._cancel_resting(order, "HaltCancel", now)
        fields = {"price_level_structure": structure, "price_ranges": ranges}
        self._tell_market(market, "price_level_structure_updated", fields, now)

    def update_metadata(self, ticker: str, fields: dict[str, Any], now: Nanos) -> None:
        """New ``strike_type``, ``floor_strike``, ``cap_strike``, ``custom_strike`` or ``yes_sub_title``."""
        market = self.markets[ticker]
        market.body.update(fields)
        market.body["updated_time"] = rfc3339(now)
        self._tell_market(market, "metadata_updated", fields, now)

    def set_exchange(self, *, exchange_active: bool, trading_active: bool, now: Nanos) -> None:
        """A trading pause (cancels go on) or an exchange pause (nothing does), and their end."""
        if self.trading_active and not trading_active:
            for market in self.markets.values():
                self._halt(market, now)
        self.exchange_active, self.trading_active = exchange_active, trading_active

    # -- helpers -----------------------------------------------------------------------------------------

    def _move(
        self, ticker: str, to: MarketStatus, allowed: tuple[MarketStatus, ...], now: Nanos
    ) -> MarketState:
        market = self.markets[ticker]
        if market.status not in allowed:
            raise ValueError(f"{ticker} is {market.status.value}: it can not become {to.value}")
        market.status = to
        self.outbox.append(MarketMoved(ticker, now))
        return market

    def _halt(self, market: MarketState, now: Nanos) -> None:
        """Cancel the orders that asked to be cancelled on a pause."""
        for order in self._resting_in(market):
            if order.cancel_on_pause:
                self._cancel_resting(order, "HaltCancel", now)

    @staticmethod
    def _resting_in(market: MarketState) -> list[Order]:
        return [*market.book.bids.orders(), *market.book.asks.orders()]

    def _pay_out(self, account: Account, position: Position, market: MarketState, now: Nanos) -> None:
        value = market.value
        if value is None:
            raise ValueError(f"{market.ticker} has no settlement value")
        count, cost = position.count, position.cost
        payoff = position.settle(value, now)
        account.pay(market.shard, payoff, now)
        if account.house:
            return
        account.was_settled(
            SettlementRecord(
                market.ticker,
                market.event_ticker,
                market.shard,
                market.result,
                yes_count=max(0, count),
                no_count=max(0, -count),
                yes_cost=cost if count > 0 else 0,
                no_cost=cost if count < 0 else 0,
                revenue=payoff,
                value=value,
                fee=position.fees,
                at=now,
            )
        )
        self._tell_position(account, position)
