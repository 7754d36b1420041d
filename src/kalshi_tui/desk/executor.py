"""Carries out what the kernel decided, in order, and brings the answers back as events.

Two promises are kept here. Nothing is sent before the journal rows of its decision are durable. And once a
stop has closed the gate, no order that was decided before it leaves any more, however long it waited for
its journal row: ``close_gate`` makes every decision taken so far too old to send.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from kalshi_tui.desk.ports import FeedPort, JournalPort, Simulated, SimulatedVenue, VenuePort
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import VenueError
from kalshi_tui.protocol.text import safe_text

log = logging.getLogger(__name__)

Read = (
    ef.ReadOrders
    | ef.ReadFills
    | ef.ReadPositions
    | ef.ReadBalance
    | ef.ReadSettlements
    | ef.ReadQueue
    | ef.ReadMarkets
    | ef.ReadCalendar
    | ef.ReadExchangeStatus
)


class Executor:
    """Give it effects with ``submit``; ``run`` until cancelled; ``local`` takes what needs no shell."""

    def __init__(
        self,
        journal: JournalPort,
        venue: VenuePort,
        feed: FeedPort,
        deliver: Callable[[ev.KernelEvent], None],
        local: Callable[[ef.Answer | ef.Report | ef.EndDesk], None],
        on_journal_lost: Callable[[str], None],
        now: Callable[[], Instant],
        simulated: SimulatedVenue | None = None,
    ) -> None:
        """``simulated`` takes the place of the venue for orders and reads of the account (paper)."""
        self._journal = journal
        self._venue = venue
        self._feed = feed
        self._deliver = deliver
        self._local = local
        self._on_journal_lost = on_journal_lost
        self._now = now
        self._simulated = simulated
        self._waiting: deque[tuple[int, list[ef.Effect]]] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._epoch = 0
        self._shut = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._reading: set[Read] = set()

    def submit(self, effects: list[ef.Effect]) -> None:
        """One decision's effects. Carried out after everything submitted before."""
        if effects:
            self._waiting.append((self._epoch, effects))
            self._idle.clear()
            self._wake.set()

    def close_gate(self) -> None:
        """Orders decided until now are not sent; later decisions are the kernel's own responsibility."""
        self._epoch += 1

    def shut(self, why: str) -> None:
        """No order is sent any more, whoever decides it. Cancels and reads go on."""
        self._shut = why

    async def settle(self) -> None:
        """Until everything submitted was carried out and every answer is in."""
        await self._idle.wait()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                decisions = list(self._waiting)
                self._waiting.clear()
                await self._record(decisions)
                for epoch, effects in decisions:
                    for effect in effects:
                        self._carry_out(effect, epoch)
            self._idle.set()

    async def close(self) -> None:
        """Drop what is still under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _record(self, decisions: list[tuple[int, list[ef.Effect]]]) -> None:
        rows = [e for _, effects in decisions for e in effects if isinstance(e, ef.Journal)]
        if not rows:
            return
        try:
            await self._journal.append(rows)
        except Exception as error:
            # Whatever went wrong, the rows are not durable: from here on nothing may be sent.
            log.exception("the journal cannot be written")
            if not self._shut:
                why = f"the journal cannot be written ({safe_text(error, 120)})"
                self.shut(why)
                self._on_journal_lost(why)

    def _carry_out(self, effect: ef.Effect, epoch: int) -> None:
        why = self._withheld(epoch)
        if why is not None and isinstance(effect, ef.CreateOrder | ef.AmendOrder):
            self._deliver(self._not_sent(effect, why))
        elif self._simulated is not None and isinstance(effect, Simulated):
            self._simulated.send(effect, self._now())
        else:
            self._dispatch(effect, epoch)

    def _not_sent(self, effect: ef.CreateOrder | ef.AmendOrder, why: str) -> ev.KernelEvent:
        error = VenueError(0, "not_sent", safe_text(why))
        if isinstance(effect, ef.CreateOrder):
            return ev.CreateRefused(self._now(), effect.order.client_order_id, error)
        return ev.AmendRefused(self._now(), effect.order_id, error)

    def _dispatch(self, effect: ef.Effect, epoch: int) -> None:
        match effect:
            case ef.Journal():
                pass
            case ef.CreateOrder(order):
                lost = ev.CreateUnknown(self._now(), order.client_order_id, safe_text("the desk failed"))
                self._spawn(self._answer(self._venue.create(order, lambda: self._withheld(epoch)), lost))
            case ef.AmendOrder():
                unsure = ev.AmendUnknown(self._now(), effect.order_id, safe_text("the desk failed"))
                self._spawn(self._answer(self._venue.amend(effect, lambda: self._withheld(epoch)), unsure))
            case ef.CancelOrder():
                unknown = ev.CancelUnknown(self._now(), effect.order_id, safe_text("the desk failed"))
                self._spawn(self._answer(self._venue.cancel(effect), unknown))
            case ef.RequestSnapshots(conn, sid, tickers):
                self._feed.request_snapshots(conn, sid, tickers)
            case ef.Resubscribe(conn, sid, why):
                log.warning("subscription %d of connection %d is taken again: %s", sid, conn, why)
                self._feed.resubscribe(conn, sid)
            case ef.Reconnect(conn, why):
                log.warning("connection %d is dropped: %s", conn, why)
                self._feed.reconnect(conn, why)
            case ef.Answer() | ef.Report() | ef.EndDesk():
                self._local(effect)
            case _:
                self._read(effect)

    def _withheld(self, epoch: int) -> str | None:
        """Why an order of this decision may not leave any more; asked again right before its first byte."""
        if self._shut:
            return f"not sent: {self._shut}"
        if epoch < self._epoch:
            return "not sent: stopped before it left"
        return None

    def _read(self, effect: Read) -> None:
        """Start a read, unless the same one is still under way: its answer serves both."""
        if effect in self._reading:
            return
        self._reading.add(effect)
        failed = ev.ReadFailed(self._now(), type(effect).__name__, VenueError(0, "desk_failed"))

        async def read() -> None:
            try:
                await self._answer(self._call(effect), failed)
            finally:
                self._reading.discard(effect)

        self._spawn(read())

    def _call(self, effect: Read) -> Awaitable[ev.KernelEvent]:
        venue = self._venue
        match effect:
            case ef.ReadOrders(resting_only, since):
                return venue.read_orders(resting_only, since)
            case ef.ReadFills(since):
                return venue.read_fills(since)
            case ef.ReadPositions():
                return venue.read_positions()
            case ef.ReadBalance():
                return venue.read_balance()
            case ef.ReadSettlements(since):
                return venue.read_settlements(since)
            case ef.ReadQueue(tickers):
                return venue.read_queue(tickers)
            case ef.ReadMarkets(tickers):
                return venue.read_markets(tickers)
            case ef.ReadCalendar():
                return venue.read_calendar()
            case ef.ReadExchangeStatus():
                return venue.read_exchange_status()

    async def _answer(self, call: Awaitable[ev.KernelEvent], otherwise: ev.KernelEvent) -> None:
        """The call's event, or ``otherwise`` when the call itself broke: a question is never left open."""
        try:
            event = await call
        except Exception:
            log.exception("a call to the venue failed inside the desk")
            event = otherwise
        self._deliver(event)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
