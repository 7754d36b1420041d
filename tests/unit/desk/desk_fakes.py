"""Shells that only write down what they were asked, for tests of the desk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from kalshi_tui.desk.loop import instant
from kalshi_tui.desk.ports import Withheld
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.orders import NewOrder, VenueError, VenueOrder
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import Nanos, Side

CANCEL = ef.CancelOrder("v9", "9", "A", 0, "moved")


def an_order(number: str) -> NewOrder:
    return NewOrder(number, "A", Side.BID, 4400, 100)


class FakeJournal:
    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.delay = 0.0
        self.broken = False

    async def append(self, rows: Sequence[ef.Journal]) -> None:
        await asyncio.sleep(self.delay)
        if self.broken:
            raise OSError(28, "No space left on device")
        self.log.append("durable " + " ".join(str(row.payload["client_order_id"]) for row in rows))


class FakeVenue:
    """Accepts everything; ``resting`` is what a read of orders finds, and a cancel removes from it."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.delay = 0.0
        self.hesitation = 0.0
        """Between being asked for an order and its first byte (a signature, a connection)."""
        self.broken = False
        self.resting: list[VenueOrder] = []

    async def _asked(self, what: str) -> None:
        self.log.append(what)
        await asyncio.sleep(self.delay)
        if self.broken:
            raise RuntimeError("a bug in the client")

    async def create(self, order: NewOrder, withheld: Withheld) -> ev.KernelEvent:
        if self.hesitation:
            await asyncio.sleep(self.hesitation)
        if (why := withheld()) is not None:
            error = VenueError(0, "not_sent", safe_text(why))
            return ev.CreateRefused(instant(), order.client_order_id, error)
        await self._asked(f"create {order.client_order_id}")
        return ev.CreateAccepted(
            instant(), order.client_order_id, f"v{order.client_order_id}", 0, order.count
        )

    async def cancel(self, cancel: ef.CancelOrder) -> ev.KernelEvent:
        await self._asked(f"cancel {cancel.order_id}")
        self.resting = [order for order in self.resting if order.order_id != cancel.order_id]
        return ev.CancelAccepted(instant(), cancel.order_id, 100)

    async def amend(self, amend: ef.AmendOrder, withheld: Withheld) -> ev.KernelEvent:
        await self._asked(f"amend {amend.order_id}")
        return ev.AmendAccepted(instant(), amend.order_id, 100, 0)

    async def read_orders(self, resting_only: bool, since: Nanos | None) -> ev.KernelEvent:
        await self._asked(f"orders {resting_only} {since}")
        return ev.OrdersRead(instant(), instant(), tuple(self.resting), True, resting_only)

    async def read_fills(self, since: Nanos) -> ev.KernelEvent:
        await self._asked("fills")
        return ev.FillsRead(instant(), instant(), (), True, since)

    async def read_positions(self) -> ev.KernelEvent:
        await self._asked("positions")
        return ev.PositionsRead(instant(), instant(), (), True)

    async def read_balance(self) -> ev.KernelEvent:
        await self._asked("balance")
        return ev.BalanceRead(instant(), instant(), 0)

    async def read_settlements(self, since: Nanos) -> ev.KernelEvent:
        await self._asked("settlements")
        return ev.SettlementsRead(instant(), instant(), (), True)

    async def read_queue(self, tickers: Sequence[str]) -> ev.KernelEvent:
        await self._asked("queue")
        return ev.QueueRead(instant(), {})

    async def read_markets(self, tickers: Sequence[str]) -> ev.KernelEvent:
        await self._asked("markets")
        return ev.MarketsRead(instant(), ())

    async def read_calendar(self) -> ev.KernelEvent:
        await self._asked("calendar")
        return ev.CalendarRead(instant(), ())

    async def read_exchange_status(self) -> ev.KernelEvent:
        await self._asked("status")
        now = instant()
        return ev.ExchangeStatusRead(now, now, True, True)


class FakeFeed:
    def __init__(self, log: list[str]) -> None:
        self.log = log

    def want(self, tickers: Iterable[str]) -> None:
        self.log.append(f"want {' '.join(tickers)}")

    def request_snapshots(self, conn: int, sid: int, tickers: Sequence[str]) -> None:
        self.log.append(f"snapshots {' '.join(tickers)}")

    def resubscribe(self, conn: int, sid: int) -> None:
        self.log.append(f"resubscribe {sid}")

    def reconnect(self, conn: int, why: str) -> None:
        self.log.append(f"reconnect {conn}")
