"""The pure core: events in, effects out. No clock, no randomness, no I/O, here or below.

Live, practice, replay and backtest all drive this one object; the same events and instants give the same effects,
byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from kalshi_tui.kernel import (
    alarm,
    commanding,
    ending,
    facts,
    pauses,
    recovery,
    relations,
    rounds,
    stops,
    summary,
    tokens,
    trace,
    view,
)
from kalshi_tui.kernel.booking import book_change, book_fill, raise_alert, touched
from kalshi_tui.kernel.quoting import decide_market, follow_book, unmoved
from kalshi_tui.kernel.settings import KernelSettings
from kalshi_tui.kernel.state import DeskState
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.commands import Focus
from kalshi_tui.protocol.effects import Effect, ReadFills, ReadOrders, ReadPositions
from kalshi_tui.protocol.events import FrameReceived, KernelEvent
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.quotes import Alert, AlertLevel
from kalshi_tui.protocol.units import UnitError
from kalshi_tui.protocol.views import DeskView
from kalshi_tui.protocol.wire_convert import fill_from, order_from, trade_from
from kalshi_tui.protocol.wire_messages import (
    BookDelta,
    EventFeeUpdate,
    FillMessage,
    MarketLifecycle,
    Trade,
    UserOrder,
)

Dirty: TypeAlias = dict[str, bool | None]


class Kernel:
    """One desk's decisions. ``apply`` is cheap and called per event; ``decide`` once per drained inbox."""

    def __init__(
        self,
        settings: KernelSettings,
        feed: BookFeed,
        start: Instant,
        saved_day: Mapping[str, object] | None = None,
    ) -> None:
        """``saved_day`` is the last ``day`` row of the journal: what R1 remembers."""
        self.state = DeskState(settings, start, feed, saved_day)
        self._apply_to_books = feed.apply
        self.state.boot_wall = start.wall
        desk = self.state
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            ev.FeedOpened: self._feed_opened,
            ev.FeedClosed: self._feed_closed,
            ev.FeedHeard: lambda e: desk.feed.heard(e.at),
            ev.MarketsRead: lambda e: facts.on_markets(desk, e),
            ev.CreateAccepted: self._create_accepted,
            ev.CreateRefused: lambda e: pauses.on_refused(desk, e),
            ev.CreateUnknown: lambda e: book_change(
                desk, desk.orders.create_unknown(e.client_order_id, e.why)
            ),
            ev.CancelAccepted: lambda e: book_change(
                desk, desk.orders.cancel_accepted(e.order_id, e.reduced_by)
            ),
            ev.CancelRefused: lambda e: book_change(desk, desk.orders.cancel_refused(e.order_id, e.error)),
            ev.CancelUnknown: lambda e: book_change(desk, desk.orders.cancel_unknown(e.order_id, e.why)),
            ev.AmendAccepted: lambda e: book_change(
                desk, desk.orders.amend_answered(e.order_id, e.remaining, e.filled)
            ),
            ev.AmendRefused: lambda e: book_change(
                desk, desk.orders.amend_failed(e.order_id, e.error, e.error.code)
            ),
            ev.AmendUnknown: lambda e: book_change(desk, desk.orders.amend_failed(e.order_id, None, e.why)),
            ev.OrdersRead: lambda e: recovery.on_orders(desk, e),
            ev.FillsRead: lambda e: recovery.on_fills(desk, e),
            ev.PositionsRead: lambda e: recovery.on_positions(desk, e),
            ev.BalanceRead: lambda e: recovery.on_balance(desk, e),
            ev.SettlementsRead: lambda e: recovery.on_settlements(desk, e),
            ev.QueueRead: self._queue,
            ev.ExchangeStatusRead: self._exchange_status,
            ev.ReadFailed: self._read_failed,
            ev.CommandReceived: lambda e: commanding.on_command(desk, e),
            ev.SessionChanged: lambda e: commanding.on_sessions(desk, e),
            ev.CalendarRead: lambda e: facts.on_calendar(desk, e),
            ev.BudgetRead: lambda e: desk.budget.configure(e.capacity, e.rate),
        }
        self._messages: dict[type[Any], Callable[[Any], None]] = {
            Trade: self._trade,
            FillMessage: self._fill,
            UserOrder: self._user_order,
            MarketLifecycle: lambda m: facts.on_lifecycle(desk, m),
            EventFeeUpdate: lambda m: facts.on_event_fee(desk, m),
        }

    # -- the three calls -----------------------------------------------------------------------------

    def apply(self, event: KernelEvent) -> None:
        """Take in one event. Never raises for what the outside sent."""
        desk = self.state
        desk.now = event.at
        if type(event) is FrameReceived:
            message = event.message
            ticker = self._apply_to_books(event.conn, message, event.at)
            if ticker is None:
                self._other_frame(event)
                return
            if ticker not in desk.dirty and not unmoved(desk, ticker):
                desk.dirty[ticker] = True
            if type(message) is BookDelta and message.msg.client_order_id is not None:
                self._own_delta(message.msg.client_order_id)
            return
        desk.stirred = True
        desk.order_counts = None
        self._handlers[type(event)](event)

    def decide(self, now: Instant) -> list[Effect]:
        """Everything that follows from what was applied, at this instant; in the order to carry it out."""
        desk = self.state
        desk.now = desk.risk.now = now
        mono = now.mono
        if desk.stirred or mono >= desk.alarm or desk.feed.has_turned:
            changed, dirty = self._decide_all()
        elif not desk.dirty and mono < desk.feed_due and not desk.settings.trace:
            return []  # most frames: nothing is due, and nothing follows from them
        else:
            if mono >= desk.feed_due:
                rounds.feed(desk)
            changed, dirty = self._decide_dirty()
        if changed:
            desk.counters.decisions += 1
        effects = desk.take_effects()
        if desk.settings.trace:
            desk.trace.append(trace.entry(desk, now, tuple(dirty), effects))
        return effects

    def _decide_all(self) -> tuple[bool, Dirty]:
        """Something else than public frames came, or a clock is due: every step is looked at."""
        desk = self.state
        desk.budget.refill(desk.now)
        rounds.feed(desk)
        recovery.step(desk)
        commanding.step(desk)
        stops.step_flattens(desk)
        rounds.look_again(desk)
        alarm.next_part(desk)
        relations.step(desk)
        paid = [(m.ticker, decide_market(desk, m)) for m in tokens.whose_turn(desk)]
        changed, dirty = self._decide_dirty()
        if paid:
            changed = changed or any(moved for _, moved in paid)
            dirty = dict.fromkeys(ticker for ticker, _ in paid) | dirty
        rounds.watch(desk)
        stops.keep_sweeping(desk)
        self._every_second()
        ending.step(desk)
        desk.alarm = alarm.next_due(desk)
        return changed, dirty

    def _every_second(self) -> None:
        desk = self.state
        stirred, desk.dirty = desk.dirty, {}
        rounds.every_second(desk)
        looked_at, desk.dirty = desk.dirty, stirred
        alarm.spread_round(desk, looked_at)

    def _decide_dirty(self) -> tuple[bool, Dirty]:
        """Whether any intent changed, and the markets that were looked at."""
        desk = self.state
        if not desk.dirty:
            return False, {}
        changed, dirty, desk.dirty = False, desk.dirty, {}
        for ticker, by_book in dirty.items():
            market = desk.markets.get(ticker)
            if market is not None and (follow_book if by_book else decide_market)(desk, market):
                changed = True
        return changed, dirty

    def view(self, now: Instant, focus: Focus | None = None, full: bool = False) -> DeskView:
        """What every screen shows; ``full`` adds all own orders and the counters."""
        return view.desk_view(self.state, now, focus, full)

    def summary(self) -> dict[str, object]:
        """The figures of the summary line that the core knows."""
        return summary.summary(self.state)

    def take_trace(self) -> list[object]:
        """Decisions since the last time, for ``decisions_hash``; empty unless traced."""
        entries, self.state.trace = self.state.trace, []
        return entries

    # -- frames --------------------------------------------------------------------------------------

    def _own_delta(self, client_order_id: str) -> None:
        """A change of the book that is ours: from now on the order is in it, its answer may come later."""
        desk = self.state
        order = desk.orders.by_client_id.get(client_order_id)
        if order is not None:
            order.in_book = True
            touched(desk, order)

    def _other_frame(self, event: FrameReceived) -> None:
        """A frame that changed no book."""
        desk, message = self.state, event.message
        handler = self._messages.get(type(message))
        if handler is not None and event.conn == desk.conn:
            if type(message) is not Trade:
                desk.stirred = True
                desk.order_counts = None
            try:
                handler(message)
            except (UnitError, ValueError) as error:
                desk.stirred = True
                text = f"a {type(message).__name__} message could not be read: {error}; reading it back"
                raise_alert(desk, Alert("unreadable private message", AlertLevel.WARN, text))
                desk.others.extend((ReadOrders(), ReadFills(recovery.fills_since(desk)), ReadPositions()))

    def _trade(self, message: Trade) -> None:
        trade = trade_from(message)
        market = self.state.markets.get(trade.ticker)
        if market is not None:
            market.last_price, market.last_count = trade.price, trade.count
            market.features.on_trade(trade, self.state.now)
            self.state.dirty[trade.ticker] = None

    def _fill(self, message: FillMessage) -> None:
        book_fill(self.state, fill_from(message))

    def _user_order(self, message: UserOrder) -> None:
        desk, report = self.state, order_from(message)
        book_change(desk, desk.orders.seen(report, desk.now))
        touched(desk, desk.orders.by_order_id.get(report.order_id))

    def _create_accepted(self, event: ev.CreateAccepted) -> None:
        desk, name = self.state, event.client_order_id
        change = desk.orders.create_accepted(name, event.order_id, event.filled, event.remaining)
        pauses.on_accepted(desk)
        book_change(desk, change)
        if change is None:
            touched(desk, desk.orders.by_client_id.get(name))

    # -- the connection ------------------------------------------------------------------------------

    def _feed_opened(self, event: ev.FeedOpened) -> None:
        desk = self.state
        desk.conn = event.conn
        desk.feed.open(event.conn, event.at)
        desk.alerts.over("feed")
        # Private channels have no replay: what happened meanwhile is read back.
        desk.recovery.next_check = 0
        self._all_dirty()

    def _feed_closed(self, event: ev.FeedClosed) -> None:
        desk = self.state
        if event.conn != desk.conn:
            return
        desk.conn = None
        desk.feed.close(event.conn, event.at)
        if desk.ending is None or not desk.ending.done:  # then it was closed on purpose
            text = f"feed lost: {event.why}; quotes are pulled until it is back"
            raise_alert(desk, Alert("feed", AlertLevel.WARN, text))
        desk.hand.armed = False
        self._all_dirty()

    def _all_dirty(self) -> None:
        self.state.dirty.update(dict.fromkeys(self.state.markets))

    # -- other reads ---------------------------------------------------------------------------------

    def _queue(self, event: ev.QueueRead) -> None:
        for order_id, ahead in event.ahead.items():
            order = self.state.orders.by_order_id.get(order_id)
            if order is not None:
                order.ahead = ahead

    def _exchange_status(self, event: ev.ExchangeStatusRead) -> None:
        pauses.on_read(self.state, event)

    def _read_failed(self, event: ev.ReadFailed) -> None:
        error = event.error
        if error.status == 429:
            return  # asked too fast: it is asked again by itself
        text = f"reading {event.what} failed: {error.said}"
        raise_alert(self.state, Alert(f"read {event.what}", AlertLevel.WARN, text))
