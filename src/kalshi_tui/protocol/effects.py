"""Everything the kernel can ask of the shells. Carried out in the order given.

A ``Journal`` effect is durable before any later effect of the same list is carried out; that is what
"nothing is sent before its row is durable" means.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

from msgspec import Struct, field

from kalshi_tui.protocol.commands import Ack
from kalshi_tui.protocol.orders import NewOrder
from kalshi_tui.protocol.units import Count, Nanos, Price, Side
from kalshi_tui.protocol.views import EngineParams, MarketCard


class Journal(Struct, frozen=True):
    """One row of the money journal. ``payload`` is JSON-able: strings, integers, lists, objects."""

    kind: str
    payload: dict[str, object]


class CreateOrder(Struct, frozen=True):
    order: NewOrder


class CancelOrder(Struct, frozen=True):
    order_id: str
    client_order_id: str
    ticker: str
    exchange_index: int
    why: str


class AmendOrder(Struct, frozen=True):
    """``count`` is the total: filled plus wanted resting. Same price and no larger count keeps the place."""

    order_id: str
    client_order_id: str
    ticker: str
    side: Side
    price: Price
    count: Count
    expiration_s: int | None
    exchange_index: int
    why: str


class RequestSnapshots(Struct, frozen=True):
    """``get_snapshot`` on this subscription for these tickers."""

    conn: int
    sid: int
    tickers: tuple[str, ...]


class Resubscribe(Struct, frozen=True):
    """The subscription is beyond repair: unsubscribe and subscribe again."""

    conn: int
    sid: int
    why: str


class Reconnect(Struct, frozen=True):
    """The connection is beyond repair."""

    conn: int
    why: str


class ReadOrders(Struct, frozen=True):
    resting_only: bool = True
    since: Nanos | None = None


class ReadFills(Struct, frozen=True):
    since: Nanos


class ReadPositions(Struct, frozen=True):
    pass


class ReadBalance(Struct, frozen=True):
    pass


class ReadSettlements(Struct, frozen=True):
    since: Nanos


class ReadQueue(Struct, frozen=True):
    tickers: tuple[str, ...]


class ReadMarkets(Struct, frozen=True):
    """Facts of these markets again (after a lifecycle message that says they changed)."""

    tickers: tuple[str, ...]


class ReadCalendar(Struct, frozen=True):
    """Scheduled prints of the days ahead."""


class ReadExchangeStatus(Struct, frozen=True):
    pass


class Answer(Struct, frozen=True):
    """To the session that asked."""

    session: int
    ack: Ack
    card: MarketCard | EngineParams | None = None


class Listing(Protocol):
    """The fields of a report that few read, put together for those who do."""

    def fields(self) -> dict[str, object]: ...


class Report(Struct, frozen=True):
    """One JSON line of ``--json``: ``type`` and the fields of the contract, money as decimal strings."""

    type: str
    said: dict[str, object] | Listing = field(name="fields")

    @property
    def fields(self) -> dict[str, object]:
        return self.said if isinstance(self.said, dict) else self.said.fields()


class EndDesk(Struct, frozen=True):
    """Everything in scope is pulled and verified, or the patience for it ran out."""

    reason: str
    exit_code: int


Effect: TypeAlias = (
    Journal
    | CreateOrder
    | CancelOrder
    | AmendOrder
    | RequestSnapshots
    | Resubscribe
    | Reconnect
    | ReadOrders
    | ReadFills
    | ReadPositions
    | ReadBalance
    | ReadSettlements
    | ReadQueue
    | ReadMarkets
    | ReadCalendar
    | ReadExchangeStatus
    | Answer
    | Report
    | EndDesk
)
