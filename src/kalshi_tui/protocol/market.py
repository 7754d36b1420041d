"""Facts about series, events and markets, as the desk uses them."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field

from kalshi_tui.protocol.text import SafeText
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import Money, Nanos, Price


class MarketStatus(StrEnum):
    """``kalshi-api`` lifecycle; UNKNOWN is a value the exchange sent that we do not know: never quoted."""

    INITIALIZED = "initialized"
    ACTIVE = "active"
    INACTIVE = "inactive"
    CLOSED = "closed"
    DETERMINED = "determined"
    DISPUTED = "disputed"
    AMENDED = "amended"
    FINALIZED = "finalized"
    UNKNOWN = "unknown"


class FeeType(StrEnum):
    QUADRATIC = "quadratic"
    QUADRATIC_WITH_MAKER_FEES = "quadratic_with_maker_fees"
    QUADRATIC_WITH_COMBO_MAKER_FEES = "quadratic_with_combo_maker_fees"
    FLAT = "flat"
    UNKNOWN = "unknown"


class FeeSchedule(Struct, frozen=True):
    """Which fee formula applies to a market. ``multiplier`` is in millionths (1_000_000 = 1)."""

    type: FeeType = FeeType.QUADRATIC
    multiplier: int = 1_000_000
    waived_until: Nanos | None = None
    assumed: bool = False
    """True where no source named the fee: shown to the trader and listed in ``assumptions``."""


class StrikeType(StrEnum):
    GREATER = "greater"
    GREATER_OR_EQUAL = "greater_or_equal"
    LESS = "less"
    LESS_OR_EQUAL = "less_or_equal"
    BETWEEN = "between"
    FUNCTIONAL = "functional"
    CUSTOM = "custom"
    STRUCTURED = "structured"
    UNKNOWN = "unknown"


class Series(Struct, frozen=True):
    ticker: str
    title: SafeText = SafeText("")
    category: SafeText = SafeText("")
    fee: FeeSchedule = field(default_factory=FeeSchedule)
    settlement_sources: tuple[SafeText, ...] = ()
    exchange_index: int = 0


class Event(Struct, frozen=True):
    ticker: str
    series_ticker: str
    title: SafeText = SafeText("")
    sub_title: SafeText = SafeText("")
    mutually_exclusive: bool = False
    """At most one YES among its markets, not exactly one."""
    collateral_return_type: str = ""
    strike_date: Nanos | None = None
    fee_type_override: FeeType | None = None
    fee_multiplier_override: int | None = None
    settlement_sources: tuple[SafeText, ...] = ()
    exchange_index: int = 0


class Market(Struct, frozen=True):
    """One market. Times are wall nanoseconds; ``grid`` is None where no price ranges are known
    (such a market is booked, never quoted)."""

    ticker: str
    event_ticker: str
    series_ticker: str = ""
    title: SafeText = SafeText("")
    yes_sub_title: SafeText = SafeText("")
    no_sub_title: SafeText = SafeText("")
    market_type: str = "binary"
    status: MarketStatus = MarketStatus.ACTIVE
    grid: TickGrid | None = None
    price_level_structure: str = ""
    fee: FeeSchedule = field(default_factory=FeeSchedule)
    open_time: Nanos | None = None
    close_time: Nanos | None = None
    expected_expiration_time: Nanos | None = None
    latest_expiration_time: Nanos | None = None
    settlement_timer_s: int = 0
    can_close_early: bool = False
    result: str = ""
    """yes, no, scalar or empty."""
    settlement_value: Money | None = None
    """What one YES contract paid."""
    strike_type: StrikeType = StrikeType.UNKNOWN
    floor_strike: float | None = None
    cap_strike: float | None = None
    notional: Money = 1_000_000
    last_price: Price | None = None
    volume: int = 0
    open_interest: int = 0
    rules_primary: SafeText = SafeText("")
    rules_secondary: SafeText = SafeText("")
    exchange_index: int = 0

    @property
    def label(self) -> SafeText:
        """The shortest name that tells this market from its siblings."""
        return self.yes_sub_title or self.title or SafeText(self.ticker)
