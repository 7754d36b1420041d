"""What the loop needs of the shells around it. The real ones are in ``venue``, ``ws_ingest`` and
``storage``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from kalshi_tui.protocol.effects import (
    AmendOrder,
    CancelOrder,
    CreateOrder,
    Journal,
    ReadBalance,
    ReadFills,
    ReadOrders,
    ReadPositions,
    ReadQueue,
    ReadSettlements,
)
from kalshi_tui.protocol.events import KernelEvent
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import NewOrder
from kalshi_tui.protocol.units import Nanos
from kalshi_tui.storage.kernel_rows import Decided

Simulated = (
    AmendOrder
    | CancelOrder
    | CreateOrder
    | ReadBalance
    | ReadFills
    | ReadOrders
    | ReadPositions
    | ReadQueue
    | ReadSettlements
)
"""What a simulated venue takes over; facts and the exchange's state are always read from the real one."""

Withheld = Callable[[], str | None]


class VenuePort(Protocol):
    """REST, or a simulated venue: every call ends in exactly one event and raises nothing.

    ``withheld`` is asked right before the first byte leaves; a reason takes the order back.
    """

    async def create(self, order: NewOrder, withheld: Withheld) -> KernelEvent: ...

    async def cancel(self, cancel: CancelOrder) -> KernelEvent: ...

    async def amend(self, amend: AmendOrder, withheld: Withheld) -> KernelEvent: ...

    async def read_orders(self, resting_only: bool, since: Nanos | None) -> KernelEvent: ...

    async def read_fills(self, since: Nanos) -> KernelEvent: ...

    async def read_positions(self) -> KernelEvent: ...

    async def read_balance(self) -> KernelEvent: ...

    async def read_settlements(self, since: Nanos) -> KernelEvent: ...

    async def read_queue(self, tickers: Sequence[str]) -> KernelEvent: ...

    async def read_markets(self, tickers: Sequence[str]) -> KernelEvent: ...

    async def read_calendar(self) -> KernelEvent: ...

    async def read_exchange_status(self) -> KernelEvent: ...


class FeedPort(Protocol):
    """The live feed."""

    def want(self, tickers: Iterable[str]) -> None: ...

    def request_snapshots(self, conn: int, sid: int, tickers: Sequence[str]) -> None: ...

    def resubscribe(self, conn: int, sid: int) -> None: ...

    def reconnect(self, conn: int, why: str) -> None: ...


class JournalPort(Protocol):
    """The money journal. ``append`` returns when the rows are durable; ``JournalError`` when they are not."""

    async def append(self, rows: Sequence[Journal]) -> None: ...


class SimulatedVenue(Protocol):
    """A venue inside this process: takes requests at once, answers through the core."""

    def send(self, request: Simulated, now: Instant) -> None: ...


class TapePort(Protocol):
    """The recording; never waited for."""

    def kernel_event(self, event: KernelEvent | Decided) -> None: ...
