"""Orders, fills, positions: what is asked of the venue and what the venue says."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from kalshi_tui.protocol.text import SafeText
from kalshi_tui.protocol.units import Count, Money, Nanos, Price, Side


class TimeInForce(StrEnum):
    GTC = "good_till_canceled"
    IOC = "immediate_or_cancel"
    FOK = "fill_or_kill"


class SelfTradePrevention(StrEnum):
    TAKER_AT_CROSS = "taker_at_cross"
    MAKER = "maker"


class Owner(StrEnum):
    """Who put an order or a lot there."""

    MINE = "mine"
    """The trader, by hand."""
    ENGINE = "engine"
    FLATTEN = "flatten"
    """The flatten machine: never part of an order group, never replaced by an engine."""
    FOUND = "found"
    """There at start or made elsewhere: counted, shown, never touched unless asked."""


class OrderState(StrEnum):
    """An order's life as the desk knows it. SENT and UNKNOWN count as live; terminal needs evidence."""

    SENT = "sent"
    LIVE = "live"
    UNKNOWN = "unknown"
    CANCELING = "canceling"
    AMENDING = "amending"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    RESOLVED = "resolved"
    """Ended by policy after repeated authoritative misses; shown as such."""

    @property
    def is_open(self) -> bool:
        """Whether it may still fill: everything that is not terminal."""
        return self not in _ENDED


_ENDED = frozenset((OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED, OrderState.RESOLVED))


class NewOrder(Struct, frozen=True):
    """An order as it is sent. ``client_order_id`` is minted and journaled before the first byte."""

    client_order_id: str
    ticker: str
    side: Side
    price: Price
    count: Count
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = True
    reduce_only: bool = False
    """Accepted by the exchange on IOC orders only."""
    expiration_s: int | None = None
    """Unix seconds; GTC only."""
    cancel_on_pause: bool = True
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS
    exchange_index: int = 0
    owner: Owner = Owner.ENGINE
    engine: str = ""
    order_group_id: str = ""


class VenueOrder(Struct, frozen=True):
    """An order as the venue reports it (REST read or ``user_order`` message)."""

    order_id: str
    client_order_id: str
    ticker: str
    side: Side
    price: Price
    initial: Count
    filled: Count
    remaining: Count
    status: str
    """resting, canceled, executed; anything else is unknown and counts as live."""
    expiration: Nanos | None = None
    updated: Nanos = 0
    reason: str = ""
    """``last_update_reason``: Trade, Amend, ExpiryCancel, SelfTradeCancel, ..."""
    exchange_index: int = 0


class Fill(Struct, frozen=True):
    """One trade of ours. ``side`` is ours on YES; ``fee`` is what the venue charged."""

    trade_id: str
    order_id: str
    ticker: str
    side: Side
    price: Price
    count: Count
    fee: Money
    is_taker: bool
    wall: Nanos
    client_order_id: str = ""
    """Empty on REST reads, which do not carry it."""

    @property
    def signed(self) -> Count:
        """YES-positive change of position."""
        return self.count * self.side.sign


class VenuePosition(Struct, frozen=True):
    ticker: str
    position: Count
    """YES-positive; negative is NO."""
    realized_pnl: Money = 0
    fees_paid: Money = 0
    exposure: Money = 0
    total_traded: Money = 0


class Settlement(Struct, frozen=True):
    ticker: str
    result: str
    value: Money
    """What one YES contract paid."""
    yes_count: Count
    no_count: Count
    revenue: Money
    fee: Money
    wall: Nanos


class PublicTrade(Struct, frozen=True):
    ticker: str
    price: Price
    count: Count
    taker_side: Side | None
    wall: Nanos | None
    trade_id: str = ""
    is_block: bool = False


class VenueError(Struct, frozen=True):
    """A refusal in whatever shape the venue sent it, cleaned."""

    status: int
    code: str
    message: SafeText = SafeText("")

    @property
    def said(self) -> str:
        """Code and message for a sentence; the message alone where it says the code in its own words."""
        if not self.message:
            return self.code
        named = self.code in self.message.lower().replace(" ", "_")
        return self.message if named else f"{self.code}: {self.message}"
