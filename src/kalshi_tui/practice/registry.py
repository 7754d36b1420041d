"""Everything the exchange holds, and the few helpers its parts share to change the books and tell of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from copy import copy
from typing import Any

from kalshi_tui.practice.accounts import Account, Position
from kalshi_tui.practice.clockwork import Ids, parse_rfc3339
from kalshi_tui.practice.fees import DIRECT_2026_08, Rounding
from kalshi_tui.practice.happenings import (
    EventCreated,
    EventFeeChanged,
    Happening,
    LevelChanged,
    MarketEvent,
    OrderUpdated,
    PositionChanged,
)
from kalshi_tui.practice.markets import MarketState, fee_schedule, read_market
from kalshi_tui.practice.matching import Order
from kalshi_tui.protocol.units import ONE, SECOND, Count, Money, Nanos, Price, Side

MILESTONES_KEPT = 500
"""Of the calendar, newest first: half a day of the shipped world."""


class Registry:
    """Series, events, markets, accounts, and the outbox of happenings (whoever serves drains it)."""

    def __init__(self, *, seed: int = 0, rounding: Rounding = DIRECT_2026_08) -> None:
        self.series: dict[str, dict[str, Any]] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self.milestones: list[dict[str, Any]] = []
        self.markets: dict[str, MarketState] = {}
        self.accounts: dict[str, Account] = {}
        self.outbox: list[Happening] = []
        self.rounding = rounding
        self.exchange_active = True
        self.trading_active = True
        self.fees_collected: Money = 0
        self._settled: deque[str] = deque()
        """Markets that have settled and can be read, oldest first."""
        self.trades_printed = 0
        self._order_ids = Ids(seed, 1)
        self._trade_ids = Ids(seed, 2)
        self._group_ids = Ids(seed, 3)
        # One counter for all markets: a market's clock grows, skips values, and compares with no other's.
        self._action = 0

    # -- the catalogue ---------------------------------------------------------------------------------

    def add_series(self, body: dict[str, Any]) -> None:
        self.series[body["ticker"]] = dict(body)

    def add_event(self, body: dict[str, Any], now: Nanos = 0) -> None:
        self.events[body["event_ticker"]] = event = dict(body)
        fields = {
            "event_ticker": event["event_ticker"],
            "exchange_index": event.get("exchange_index", 0),
            "title": event.get("title", ""),
            "subtitle": event.get("sub_title", ""),
            "collateral_return_type": event.get("collateral_return_type", ""),
            "series_ticker": event["series_ticker"],
        }
        self.outbox.append(EventCreated(fields, now))

    def add_market(self, body: dict[str, Any], now: Nanos = 0) -> None:
        """Needs ticker, event_ticker, status (initialized or active), price_ranges, price_level_structure,
        open_time and close_time; its event must be there. ``ValueError`` or ``KeyError`` otherwise."""
        event = self.events[body["event_ticker"]]
        fee = fee_schedule(self.series.get(event["series_ticker"]), event, body)
        market = read_market(body, event["series_ticker"], fee)
        self.markets[market.ticker] = market
        self._tell_market(market, "created", _created_fields(market), now)

    def add_milestone(self, body: dict[str, Any]) -> None:
        self.milestones.append(dict(body))
        del self.milestones[:-MILESTONES_KEPT]

    def set_event_fee(
        self, event_ticker: str, fee_type: str | None, multiplier: float | None, now: Nanos
    ) -> None:
        """Override the series' fee for one event, or clear the override with None."""
        event = self.events[event_ticker]
        event["fee_type_override"] = fee_type
        event["fee_multiplier_override"] = multiplier
        for market in self.markets.values():
            if market.event_ticker == event_ticker:
                market.fee = fee_schedule(self.series.get(market.series_ticker), event, market.body)
        self.outbox.append(EventFeeChanged(event_ticker, fee_type, multiplier, now))

    # -- accounts --------------------------------------------------------------------------------------

    def house_account(self, name: str) -> Account:
        """The account of a stranger (or of many): unlimited cash, no fees, no limits, no self-trade
        prevention, but a real counterparty whose positions count."""
        return self.accounts.setdefault(f"house:{name}", Account(f"house:{name}", house=True))

    def account(self, user_id: str, cash: Money) -> Account:
        """A new client's account with ``cash`` on shard 0."""
        if user_id in self.accounts:
            raise ValueError(f"account {user_id!r} exists already")
        account = self.accounts[user_id] = Account(user_id, house=False)
        self.deposit(account, 0, cash)
        return account

    def deposit(self, account: Account, shard: int, cash: Money) -> None:
        account.deposited += cash
        account.pay(shard, cash, account.updated)

    def position(self, account: Account, ticker: str) -> Count:
        """YES-positive."""
        return account.position(ticker)

    def orders_of(self, account: Account, ticker: str) -> list[Order]:
        """Resting ones, in the order they came to rest."""
        return list(account.resting.get(ticker, {}).values())

    # -- the books -------------------------------------------------------------------------------------

    def best(self, ticker: str) -> tuple[Price | None, Price | None]:
        """Best bid and ask in YES prices."""
        book = self.markets[ticker].book
        return book.bids.best(), book.asks.best()

    def levels(self, ticker: str, side: Side, limit: int) -> list[tuple[Price, Count]]:
        """Up to ``limit`` levels, best first."""
        book_side = self.markets[ticker].book.side(side)
        prices = [price for price, _ in zip(book_side.best_first(), range(limit), strict=False)]
        return [(price, book_side.totals[price]) for price in prices]

    # -- shared by trading, groups and lifecycle ---------------------------------------------------------

    def _new_action(self) -> int:
        """The clock of the matching action that starts now."""
        self._action += 1
        return self._action

    def _change_level(
        self, market: MarketState, side: Side, price: Price, delta: Count, action: int, at: Nanos, by: Order
    ) -> None:
        market.clock = action
        self.outbox.append(
            LevelChanged(market.ticker, side, price, delta, action, at, by.user_id, by.client_order_id)
        )

    def _rest(self, market: MarketState, order: Order, action: int, at: Nanos) -> None:
        """Put what remains of ``order`` at the back of its level."""
        market.book.side(order.side).add(order)
        self.accounts[order.user_id].resting.setdefault(order.ticker, {})[order.order_id] = order
        self._change_level(market, order.side, order.price, order.remaining, action, at, order)

    def _take_off(self, market: MarketState, order: Order, action: int, at: Nanos, by: Order) -> None:
        """Take a resting order off the book; it keeps its ``remaining``."""
        market.book.side(order.side).remove(order)
        del self.accounts[order.user_id].resting[order.ticker][order.order_id]
        self._change_level(market, order.side, order.price, -order.remaining, action, at, by)

    def _cancel_resting(self, order: Order, reason: str, at: Nanos) -> Count:
        """End a resting order as one matching action of its own; the contracts taken off."""
        self._take_off(self.markets[order.ticker], order, self._new_action(), at, order)
        return self._end(order, reason, at)

    def _end(self, order: Order, reason: str, at: Nanos) -> Count:
        """Mark an order that is off the book as cancelled; the contracts it gave up."""
        given_up = order.remaining
        order.remaining = 0
        order.status = "canceled"
        order.reason = reason
        order.updated = at
        self._is_over(order)
        self._tell_order(order)
        return given_up

    def _is_over(self, order: Order) -> None:
        """Ended orders of strangers are nobody's to read again."""
        account = self.accounts[order.user_id]
        if order.house:
            account.orders.pop(order.order_id, None)
        else:
            account.order_ended(order)

    def _tell_order(self, order: Order) -> None:
        if not order.house:
            self.outbox.append(OrderUpdated(order.user_id, copy(order)))

    def _tell_position(self, account: Account, position: Position) -> None:
        if not account.house:
            self.outbox.append(PositionChanged(account.user_id, copy(position)))

    def _tell_market(self, market: MarketState, event_type: str, fields: dict[str, Any], at: Nanos) -> None:
        self.outbox.append(MarketEvent(market.ticker, event_type, fields, at))

    # -- the books balance -------------------------------------------------------------------------------

    def audit(self) -> list[str]:
        """What does not add up, in words; empty when every contract and micro-dollar is accounted for."""
        wrong: list[str] = []
        escrow = 0
        for market in self.markets.values():
            held = [account.position(market.ticker) for account in self.accounts.values()]
            if sum(held):
                wrong.append(f"positions in {market.ticker} sum to {sum(held)}")
            longs = sum(count for count in held if count > 0)
            if longs != market.open_interest:
                wrong.append(
                    f"open interest of {market.ticker} is {market.open_interest}, longs hold {longs}"
                )
            escrow += longs * ONE
        accounts = self.accounts.values()
        balance = sum(sum(a.cash.values()) - a.deposited for a in accounts) + self.fees_collected + escrow
        if balance:
            wrong.append(f"cash, fees and escrow are off by {balance} micro-dollars")
        for account in accounts:
            wrong += audit_account(account)
        return wrong


def audit_account(account: Account) -> list[str]:
    """Whether cash equals deposits, realized profit, open cost and fees, exactly."""
    held: Iterable[Position] = account.positions.values()
    expected = account.deposited + account.past + sum(p.realized - p.cost - p.fees for p in held)
    cash = sum(account.cash.values())
    if cash == expected:
        return []
    return [f"account {account.user_id} has {cash} micro-dollars, its positions say {expected}"]


def _created_fields(market: MarketState) -> dict[str, Any]:
    """The part of a ``created`` lifecycle message that describes the market."""
    body = market.body
    names = ("title", "yes_sub_title", "no_sub_title", "rules_primary", "rules_secondary")
    metadata: dict[str, Any] = {name: body.get(name, "") for name in names}
    metadata["name"] = body.get("yes_sub_title") or body.get("title", "")
    metadata["can_close_early"] = body.get("can_close_early", False)
    metadata["event_ticker"] = market.event_ticker
    for name in ("strike_type", "floor_strike", "cap_strike", "custom_strike"):
        if body.get(name) is not None:
            metadata[name] = body[name]
    expected = body.get("expected_expiration_time") or body["close_time"]
    metadata["expected_expiration_ts"] = parse_rfc3339(expected) // SECOND
    return {
        "exchange_index": market.shard,
        "open_ts": parse_rfc3339(body["open_time"]) // SECOND,
        "close_ts": market.close // SECOND,
        "price_level_structure": body.get("price_level_structure", ""),
        "price_ranges": body["price_ranges"],
        "additional_metadata": metadata,
    }
