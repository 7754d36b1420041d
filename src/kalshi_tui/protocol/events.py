"""Everything the kernel can be told. A recorded list of these replays a whole day.

Each carries ``at``, the instant a shell observed it; the kernel reads no clock of its own.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from kalshi_tui.protocol.calendar import ScheduledPrint
from kalshi_tui.protocol.commands import AnyCommand
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Event as MarketEvent
from kalshi_tui.protocol.market import Market, Series
from kalshi_tui.protocol.orders import Fill, Settlement, VenueError, VenueOrder, VenuePosition
from kalshi_tui.protocol.text import SafeText
from kalshi_tui.protocol.units import Count, Money, Nanos
from kalshi_tui.protocol.wire import Message


class FrameReceived(Struct, frozen=True, gc=False):
    """One decoded WebSocket message. ``conn`` numbers connections upward from 1."""

    at: Instant
    conn: int
    message: Message


class FeedOpened(Struct, frozen=True):
    at: Instant
    conn: int


class FeedClosed(Struct, frozen=True):
    at: Instant
    conn: int
    why: str


class FeedHeard(Struct, frozen=True):
    """Bytes that are no frame (pings, pongs): the connection lives."""

    at: Instant
    conn: int


class MarketsRead(Struct, frozen=True):
    """Facts from REST or a tape; replaces what was known of these tickers."""

    at: Instant
    markets: tuple[Market, ...]
    events: tuple[MarketEvent, ...] = ()
    series: tuple[Series, ...] = ()


class CreateAccepted(Struct, frozen=True):
    at: Instant
    client_order_id: str
    order_id: str
    filled: Count
    remaining: Count


class CreateRefused(Struct, frozen=True):
    """The venue answered, definitely not accepted (4xx with a known meaning)."""

    at: Instant
    client_order_id: str
    error: VenueError


class CreateUnknown(Struct, frozen=True):
    """No answer, 5xx, or an answer that names no order: it may rest, be filled, or not exist."""

    at: Instant
    client_order_id: str
    why: SafeText


class CancelAccepted(Struct, frozen=True):
    at: Instant
    order_id: str
    reduced_by: Count


class CancelRefused(Struct, frozen=True):
    """404 proves "not resting", never "not filled"."""

    at: Instant
    order_id: str
    error: VenueError


class CancelUnknown(Struct, frozen=True):
    at: Instant
    order_id: str
    why: SafeText


class AmendAccepted(Struct, frozen=True):
    at: Instant
    order_id: str
    remaining: Count | None
    filled: Count | None


class AmendRefused(Struct, frozen=True):
    at: Instant
    order_id: str
    error: VenueError


class AmendUnknown(Struct, frozen=True):
    at: Instant
    order_id: str
    why: SafeText


class OrdersRead(Struct, frozen=True):
    """A read of own orders. Only a complete one is evidence of absence.

    ``asked`` is when the request left: orders sent after it prove nothing by being absent.
    """

    at: Instant
    asked: Instant
    orders: tuple[VenueOrder, ...]
    complete: bool
    resting_only: bool


class FillsRead(Struct, frozen=True):
    at: Instant
    asked: Instant
    fills: tuple[Fill, ...]
    complete: bool
    since: Nanos


class PositionsRead(Struct, frozen=True):
    at: Instant
    asked: Instant
    positions: tuple[VenuePosition, ...]
    complete: bool


class BalanceRead(Struct, frozen=True):
    at: Instant
    asked: Instant
    balance: Money


class SettlementsRead(Struct, frozen=True):
    at: Instant
    asked: Instant
    settlements: tuple[Settlement, ...]
    complete: bool


class QueueRead(Struct, frozen=True):
    """Contracts ahead of own resting orders, by order id."""

    at: Instant
    ahead: dict[str, Count]


class ExchangeStatusRead(Struct, frozen=True):
    at: Instant
    asked: Instant
    exchange_active: bool
    trading_active: bool
    resume: Nanos | None = None


class ReadFailed(Struct, frozen=True):
    """A read that gave no evidence: never counted as "not found"."""

    at: Instant
    what: str
    error: VenueError


class CommandReceived(Struct, frozen=True):
    """``session`` 0 is the command line, signals and the kill file."""

    at: Instant
    session: int
    command: AnyCommand
    in_control: bool


class SessionChanged(Struct, frozen=True):
    """Screens came, went or changed control. ``controller`` None is: detached."""

    at: Instant
    sessions: int
    controller: int | None


class CalendarRead(Struct, frozen=True):
    """Scheduled prints, from milestones and the trader's configuration; replaces the calendar."""

    at: Instant
    prints: tuple[ScheduledPrint, ...]


class BudgetRead(Struct, frozen=True):
    """What the write bucket holds, from the one place that spends it."""

    at: Instant
    tokens: int
    capacity: int
    rate: int = 100
    """Tokens a second."""


class MarketsChanged(Struct, frozen=True):
    """The set of markets the desk follows."""

    at: Instant
    tickers: tuple[str, ...]


KernelEvent: TypeAlias = (
    FrameReceived
    | FeedOpened
    | FeedClosed
    | FeedHeard
    | MarketsRead
    | MarketsChanged
    | CreateAccepted
    | CreateRefused
    | CreateUnknown
    | CancelAccepted
    | CancelRefused
    | CancelUnknown
    | AmendAccepted
    | AmendRefused
    | AmendUnknown
    | OrdersRead
    | FillsRead
    | PositionsRead
    | BalanceRead
    | SettlementsRead
    | QueueRead
    | ExchangeStatusRead
    | ReadFailed
    | CommandReceived
    | SessionChanged
    | BudgetRead
    | CalendarRead
)
