"""What the exchange did, typed, in order: the server turns these into frames for whoever subscribed."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

from kalshi_tui.practice.accounts import ClientFill, Position
from kalshi_tui.practice.matching import Order
from kalshi_tui.protocol.units import Count, Nanos, Price, Side


class LevelChanged(Struct, frozen=True, gc=False):
    """A signed change of one price level. Changes of one matching action share ``clock`` and ``at``.

    ``user_id`` and ``client_order_id`` name the order whose action caused it; only its owner is shown them.
    """

    ticker: str
    side: Side
    price: Price
    delta: Count
    clock: int
    at: Nanos
    user_id: str
    client_order_id: str


class BookCleared(Struct, frozen=True, gc=False):
    """The book was emptied at close: subscribers get an empty snapshot instead of a storm of deltas."""

    ticker: str
    clock: int
    at: Nanos


class Traded(Struct, frozen=True, gc=False):
    trade_id: str
    ticker: str
    price: Price
    count: Count
    taker: Side
    at: Nanos


class OrderUpdated(Struct, frozen=True):
    """``order`` is a copy: what was true at that moment."""

    user_id: str
    order: Order


class Filled(Struct, frozen=True):
    user_id: str
    fill: ClientFill


class PositionChanged(Struct, frozen=True):
    """``position`` is a copy."""

    user_id: str
    position: Position


class GroupUpdated(Struct, frozen=True):
    user_id: str
    group_id: str
    event_type: str
    limit: Count | None
    at: Nanos


class MarketEvent(Struct, frozen=True):
    """A ``market_lifecycle_v2`` message: ``fields`` beside ticker and ``event_type``."""

    ticker: str
    event_type: str
    fields: dict[str, Any]
    at: Nanos


class EventCreated(Struct, frozen=True):
    fields: dict[str, Any]
    at: Nanos


class EventFeeChanged(Struct, frozen=True):
    event_ticker: str
    fee_type: str | None
    multiplier: float | None
    at: Nanos


class MarketMoved(Struct, frozen=True, gc=False):
    """Something the ticker channel shows of this market changed outside its book (status, settlement)."""

    ticker: str
    at: Nanos


Happening: TypeAlias = (
    LevelChanged
    | BookCleared
    | Traded
    | OrderUpdated
    | Filled
    | PositionChanged
    | GroupUpdated
    | MarketEvent
    | EventCreated
    | EventFeeChanged
    | MarketMoved
)
