"""From happenings to frames: each made once, for those who subscribed, and not at all where nobody did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from kalshi_tui.practice import ws_frames
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.happenings import (
    BookCleared,
    EventCreated,
    EventFeeChanged,
    Filled,
    GroupUpdated,
    Happening,
    LevelChanged,
    MarketEvent,
    MarketMoved,
    OrderUpdated,
    PositionChanged,
    Traded,
)
from kalshi_tui.practice.ws_session import Session, Subscription
from kalshi_tui.protocol.units import Nanos


class Hub:
    """The open sessions of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self.sessions: list[Session] = []
        self._exchange = exchange
        self._shown: dict[str, tuple[object, ...]] = {}

    def publish(self, now: Nanos) -> None:
        """Queue what happened since the last call for whoever subscribed to it."""
        happened = self._exchange.drain()
        if not self.sessions:
            return
        moved: dict[str, Nanos] = {}
        for happening in happened:
            if isinstance(happening, LevelChanged | Traded | BookCleared | MarketMoved):
                moved[happening.ticker] = happening.at
            self._deliver(happening, now)
        for ticker, at in moved.items():
            self._ticker(ticker, at, now)

    def _deliver(self, happening: Happening, now: Nanos) -> None:
        match happening:
            case LevelChanged():
                self._level(happening, now)
            case BookCleared():
                self._cleared(happening.ticker, now)
            case Traded():
                make = partial(ws_frames.trade_msg, happening)
                self._send("trade", "trade", make, now, happening.ticker)
            case OrderUpdated(user_id, order):
                make = partial(ws_frames.order_msg, order)
                self._send("user_orders", "user_order", make, now, order.ticker, user_id)
            case Filled(user_id, fill):
                make = partial(ws_frames.fill_msg, fill)
                self._send("fill", "fill", make, now, fill.ticker, user_id)
            case PositionChanged(user_id, position):
                make = partial(ws_frames.position_msg, user_id, position)
                self._send("market_positions", "market_position", make, now, position.ticker, user_id)
            case GroupUpdated():
                channel = "order_group_updates"
                make = partial(ws_frames.group_msg, happening)
                self._send(channel, channel, make, now, None, happening.user_id)
            case MarketEvent() | EventCreated() | EventFeeChanged():
                kind, msg = ws_frames.lifecycle_msg(happening)
                self._send("market_lifecycle_v2", kind, lambda: msg, now)

    def _subscribers(
        self, channel: str, ticker: str | None = None, user_id: str | None = None
    ) -> Iterator[tuple[Session, Subscription]]:
        """Who gets a message of ``channel`` about a market (None: any), of an account (None: public)."""
        for session in self.sessions:
            sub = session.by_channel.get(channel)
            if sub is None or (user_id is not None and session.user_id != user_id):
                continue
            if ticker is None or sub.wants(ticker):
                yield session, sub

    def _send(
        self,
        channel: str,
        kind: str,
        make: Callable[[], bytes],
        now: Nanos,
        ticker: str | None = None,
        user_id: str | None = None,
    ) -> None:
        """One message, encoded at the first subscriber."""
        msg: bytes | None = None
        for session, sub in self._subscribers(channel, ticker, user_id):
            if msg is None:
                msg = make()
            session.send(sub, kind, msg, now, ticker=ticker)

    def _level(self, change: LevelChanged, now: Nanos) -> None:
        market_id = self._exchange.markets[change.ticker].market_id
        made: dict[tuple[bool, bool], bytes] = {}
        for session, sub in self._subscribers("orderbook_delta", change.ticker):
            owned = bool(change.client_order_id) and session.user_id == change.user_id
            msg = made.get((sub.use_yes_price, owned))
            if msg is None:
                msg = ws_frames.delta_msg(change, market_id, use_yes_price=sub.use_yes_price, owned=owned)
                made[sub.use_yes_price, owned] = msg
            session.send(sub, "orderbook_delta", msg, now, ticker=change.ticker)

    def _cleared(self, ticker: str, now: Nanos) -> None:
        """At close the empty book is sent as a snapshot (recorded)."""
        market = self._exchange.markets[ticker]
        for session, sub in self._subscribers("orderbook_delta", ticker):
            session.show_book(sub, market, now)

    def _ticker(self, ticker: str, at: Nanos, now: Nanos) -> None:
        """At most one message per market and action, and only where it would show something new."""
        if next(self._subscribers("ticker", ticker), None) is None:
            return
        market = self._exchange.markets[ticker]
        facts = ws_frames.ticker_facts(market)
        if self._shown.get(ticker) == facts:
            return
        self._shown[ticker] = facts
        self._send("ticker", "ticker", partial(ws_frames.ticker_msg, market, at), now, ticker)
