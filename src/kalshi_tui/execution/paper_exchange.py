"""The simulated exchange itself, without delays: requests and market data in, answers out.

Every method answers with functions from the instant an answer is seen to the event that carries it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from kalshi_tui.execution.paper_account import PaperAccount, PaperTotals, report
from kalshi_tui.execution.paper_match import DisplayedBook, Execution, PaperMarket, PaperOrder
from kalshi_tui.execution.paper_rules import amend_refusal, refusal, shortfall
from kalshi_tui.execution.queue_models import QueueModel
from kalshi_tui.protocol import effects, events
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Market, MarketStatus
from kalshi_tui.protocol.orders import (
    Fill,
    NewOrder,
    PublicTrade,
    SelfTradePrevention,
    TimeInForce,
    VenueError,
    VenueOrder,
)
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import SECOND, Money

PaperRequest: TypeAlias = (
    effects.CreateOrder
    | effects.CancelOrder
    | effects.AmendOrder
    | effects.ReadOrders
    | effects.ReadFills
    | effects.ReadPositions
    | effects.ReadBalance
    | effects.ReadSettlements
    | effects.ReadQueue
)

ORDERS_KEPT = 1_000
"""Orders that are over and can still be read."""

MakeEvent: TypeAlias = Callable[[Instant], events.KernelEvent]


@dataclass(slots=True)
class _Listed:
    """One market of the exchange."""

    facts: Market
    match: PaperMarket
    book: DisplayedBook | None = None
    settled: bool = False


class PaperExchange:
    """Markets, own simulated orders and the account."""

    def __init__(self, cash: Money, model: QueueModel) -> None:
        self.account = PaperAccount(cash)
        self._model = model
        self._markets: dict[str, _Listed] = {}
        self._orders: dict[str, PaperOrder] = {}
        self._client_ids: dict[str, PaperOrder] = {}
        self._over: deque[PaperOrder] = deque()
        """Orders that are over, oldest first."""
        self._orders_made = 0

    def totals(self) -> PaperTotals:
        resting = tuple(report(o) for o in self._orders.values() if o.status == "resting")
        account = self.account
        return PaperTotals(resting, tuple(account.fills), account.positions(), account.balance)

    # -- the real market -----------------------------------------------------------------------------

    def on_market(self, market: Market, now: Instant) -> list[MakeEvent]:
        if market.ticker not in self._markets:
            self._markets[market.ticker] = _Listed(market, PaperMarket(self._model))
        listed = self._markets[market.ticker]
        listed.facts = market
        answers: list[MakeEvent] = []
        if market.status is not MarketStatus.ACTIVE:
            paused = market.status is MarketStatus.INACTIVE
            for order in list(listed.match.resting):
                if not paused or order.sent.cancel_on_pause:
                    answers.append(self._end(listed, order, "HaltCancel" if paused else "CloseCancel", now))
        value = market.settlement_value
        if market.status is MarketStatus.FINALIZED and value is not None and not listed.settled:
            listed.settled = True
            settlement = self.account.settle(market, value, now.wall)
            if settlement is not None:
                answers.append(lambda at: events.SettlementsRead(at, now, (settlement,), complete=False))
        if listed.settled:
            del self._markets[market.ticker]  # nothing rests or trades there any more
        return answers

    def on_book(self, ticker: str, book: DisplayedBook, now: Instant) -> list[MakeEvent]:
        listed = self._markets.get(ticker)
        if listed is None:
            return []
        listed.book = book
        if listed.match.idle:
            return []
        listed.match.settle(now.mono)
        return self._filled(listed, listed.match.on_book(book, now.mono), now)

    def on_trade(self, trade: PublicTrade, now: Instant) -> list[MakeEvent]:
        listed = self._markets.get(trade.ticker)
        if listed is None or not listed.match.resting:
            return []
        listed.match.settle(now.mono)
        return self._filled(listed, listed.match.on_trade(trade, now.mono), now)

    def on_time(self, now: Instant) -> list[MakeEvent]:
        """Expirations, closes by the clock, and levels whose changes have waited long enough."""
        answers: list[MakeEvent] = []
        for listed in self._markets.values():
            if not listed.match.resting:
                continue
            listed.match.settle(now.mono)
            close = listed.facts.close_time
            closed = close is not None and now.wall >= close
            for order in list(listed.match.resting):
                if closed:
                    answers.append(self._end(listed, order, "CloseCancel", now))
                elif order.expiration_s is not None and order.expiration_s * SECOND <= now.wall:
                    answers.append(self._end(listed, order, "ExpiryCancel", now))
        return answers

    # -- requests ------------------------------------------------------------------------------------

    def serve(self, request: PaperRequest, asked: Instant, at: Instant) -> list[MakeEvent]:
        if isinstance(request, effects.CreateOrder):
            return self._create(request.order, at)
        if isinstance(request, effects.CancelOrder):
            return self._cancel(request, at)
        if isinstance(request, effects.AmendOrder):
            return self._amend(request, at)
        return [self._read(request, asked)]

    def _create(self, new: NewOrder, at: Instant) -> list[MakeEvent]:
        listed = self._markets.get(new.ticker)
        if listed is None:
            error: VenueError | None = VenueError(404, "MARKET_NOT_FOUND", safe_text(new.ticker))
        elif new.client_order_id in self._client_ids:
            error = VenueError(409, "order_already_exists", safe_text("order already exists"))
        else:
            error = refusal(new, listed.facts, listed.match, listed.book, wall=at.wall)
            error = error or shortfall(new, listed.match, self.account)
        if error is not None or listed is None or listed.book is None:
            refused = error or VenueError(400, "MARKET_NOT_ACTIVE")
            return [lambda due: events.CreateRefused(due, new.client_order_id, refused)]
        self._orders_made += 1
        order = PaperOrder(f"paper-{self._orders_made}", new, new.price, new.count)
        order.expiration_s, order.updated = new.expiration_s, at.wall
        self._orders[order.order_id] = self._client_ids[new.client_order_id] = order
        answers, executions = self._arrive(listed, listed.book, order, at)
        if order.status != "resting":
            self._is_over(order)
        filled, remaining = order.filled, order.remaining
        accepted: MakeEvent = lambda due: events.CreateAccepted(  # noqa: E731
            due, new.client_order_id, order.order_id, filled, remaining
        )
        return [*answers, accepted, *self._filled(listed, executions, at)]

    def _arrive(
        self, listed: _Listed, book: DisplayedBook, order: PaperOrder, at: Instant
    ) -> tuple[list[MakeEvent], list[Execution]]:
        """Match an order that just arrived, then rest it or end it."""
        new, answers = order.sent, list[MakeEvent]()
        if new.reduce_only:
            position = self.account.ledger.position(new.ticker)
            order.count = min(order.count, max(-position * new.side.sign, 0))
        if new.time_in_force is TimeInForce.FOK and not listed.match.could_fill(order, book):
            order.status = "canceled"
            return answers, []
        if new.self_trade_prevention is SelfTradePrevention.MAKER:
            for own in listed.match.own_in_the_way(order):
                answers.append(self._end(listed, own, "SelfTradeCancel", at))
        executions, stopped = listed.match.take(order, book)
        if order.filled >= order.count > 0:
            order.status = "executed"
        elif stopped or new.time_in_force is not TimeInForce.GTC or order.count <= 0:
            order.status, order.reason = "canceled", "SelfTradeCancel" if stopped else ""
        else:
            listed.match.rest(order, book)
        return answers, executions

    def _cancel(self, request: effects.CancelOrder, at: Instant) -> list[MakeEvent]:
        order = self._orders.get(request.order_id) or self._client_ids.get(request.client_order_id)
        order_id = request.order_id
        if order is None or order.status != "resting":
            error = VenueError(404, "not_found", safe_text("the order does not rest"))
            return [lambda due: events.CancelRefused(due, order_id, error)]
        reduced = order.remaining
        update = self._end(self._markets[order.sent.ticker], order, "", at)
        return [lambda due: events.CancelAccepted(due, order_id, reduced), update]

    def _amend(self, request: effects.AmendOrder, at: Instant) -> list[MakeEvent]:
        """Same price and no larger count keeps the place; anything else goes to the back, and may cross."""
        order_id, order = request.order_id, self._orders.get(request.order_id)
        if order is None or order.status != "resting":
            error = VenueError(404, "not_found", safe_text("the order does not rest"))
            return [lambda due: events.AmendRefused(due, order_id, error)]
        listed = self._markets[order.sent.ticker]
        refused = amend_refusal(order, request, listed.facts, listed.match, listed.book)
        if refused is not None:
            return [lambda due: events.AmendRefused(due, order_id, refused)]
        keeps_place = request.price == order.price and request.count <= order.count
        if not keeps_place:
            listed.match.remove(order)
        order.price, order.count, order.updated = request.price, request.count, at.wall
        if request.expiration_s is not None:
            order.expiration_s = request.expiration_s or None
        answers, executions = list[MakeEvent](), list[Execution]()
        if not keeps_place and listed.book is not None:
            answers, executions = self._arrive(listed, listed.book, order, at)
        if order.status != "resting":
            self._is_over(order)
        filled, remaining = order.filled, order.remaining
        return [
            *answers,
            lambda due: events.AmendAccepted(due, order_id, remaining, filled),
            *self._filled(listed, executions, at),
        ]

    def _read(self, request: PaperRequest, asked: Instant) -> MakeEvent:
        """A complete read of what is asked for, as it stands now."""
        account = self.account
        if isinstance(request, effects.ReadOrders):
            since = request.since or 0
            found = tuple(
                report(o)
                for o in self._orders.values()
                if (o.status == "resting" or not request.resting_only) and o.updated >= since
            )
            return lambda due: events.OrdersRead(due, asked, found, True, request.resting_only)
        if isinstance(request, effects.ReadFills):
            fills, whole = account.fills_since(request.since)
            return lambda due: events.FillsRead(due, asked, fills, whole, request.since)
        if isinstance(request, effects.ReadPositions):
            positions = account.positions()
            return lambda due: events.PositionsRead(due, asked, positions, True)
        if isinstance(request, effects.ReadBalance):
            balance = account.balance
            return lambda due: events.BalanceRead(due, asked, balance)
        if isinstance(request, effects.ReadSettlements):
            settled = tuple(s for s in account.settlements if s.wall >= request.since)
            return lambda due: events.SettlementsRead(due, asked, settled, True)
        ahead = {
            o.order_id: listed.match.ahead(o)
            for listed in self._markets.values()
            for o in listed.match.resting
        }
        return lambda due: events.QueueRead(due, ahead)

    # -- results -------------------------------------------------------------------------------------

    def _filled(self, listed: _Listed, executions: list[Execution], now: Instant) -> list[MakeEvent]:
        """Book executions; the fills and the state of their orders are reported together."""
        answers: list[MakeEvent] = []
        for execution in executions:
            order = execution.order
            order.updated = now.wall
            fill = self.account.book(execution, listed.facts, now.wall)
            answers.append(_fills(fill, now))
            if order.status == "resting" and order.filled >= order.count:
                listed.match.remove(order)
                order.status = "executed"
                self._is_over(order)
            if not execution.is_taker:
                order.reason = "Trade"
                answers.append(_orders(report(order), now))
        return answers

    def _end(self, listed: _Listed, order: PaperOrder, reason: str, now: Instant) -> MakeEvent:
        """Take a resting order off the book; the report of it."""
        listed.match.remove(order)
        order.status, order.reason, order.updated = "canceled", reason, now.wall
        self._is_over(order)
        return _orders(report(order), now)

    def _is_over(self, order: PaperOrder) -> None:
        """Remember the newest ``ORDERS_KEPT`` of them."""
        self._over.append(order)
        if len(self._over) > ORDERS_KEPT:
            gone = self._over.popleft()
            del self._orders[gone.order_id]
            del self._client_ids[gone.sent.client_order_id]


def _fills(fill: Fill, asked: Instant) -> MakeEvent:
    return lambda due: events.FillsRead(due, asked, (fill,), False, fill.wall)


def _orders(order: VenueOrder, asked: Instant) -> MakeEvent:
    return lambda due: events.OrdersRead(due, asked, (order,), False, False)
