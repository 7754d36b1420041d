"""What engines propose and what risk says of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct, field

from kalshi_tui.protocol.units import Count, Price


class Regime(StrEnum):
    CALM = "calm"
    ACTIVE = "active"
    EVENT = "event"


class QuoteSides(StrEnum):
    """The trader's own restriction of an engine."""

    BOTH = "both"
    BID_ONLY = "bid only"
    ASK_ONLY = "ask only"
    REDUCE = "reduce"


class Quote(Struct, frozen=True, gc=False):
    price: Price
    count: Count


class Wording(Protocol):
    """A sentence kept as what it says: most are never read, and words cost more than the decision they explain."""

    def text(self) -> str: ...


class QuoteIntent(Struct, frozen=True):
    """One engine's proposal for one market: pure data, the same for the same inputs."""

    ticker: str
    engine: str
    bid: Quote | None
    ask: Quote | None
    ttl_ms: int
    said: str | Wording = field(name="reason")
    fair: float | None = None
    """Dollars, 0..1."""
    bid_edge: float | None = None
    """Dollars per contract the bid earns against fair after the maker fee."""
    ask_edge: float | None = None
    requote_levels: int = 1
    """How many levels the target must move before a working order gives up its place."""

    @property
    def reason(self) -> str:
        """One line in the trader's words, e.g. ``bid 41 = fair 44.6 - 2.6 to grid; ask 48``."""
        return self.said if isinstance(self.said, str) else self.said.text()


class Decision(StrEnum):
    ALLOW = "allow"
    SHRINK = "shrink"
    REFUSE = "refuse"


class Verdict(Struct, frozen=True, gc=False):
    """A risk engine's answer. ``count`` is what may be sent (0 when refused)."""

    decision: Decision
    count: Count
    code: str = ""
    """Stable, e.g. ``R0_MARKET_CAP``; counted in ``risk_refusals``."""
    why: str = ""

    @staticmethod
    def allow(count: Count) -> Verdict:
        return Verdict(Decision.ALLOW, count)

    @staticmethod
    def shrink(count: Count, code: str, why: str) -> Verdict:
        return Verdict(Decision.SHRINK, count, code, why)

    @staticmethod
    def refuse(code: str, why: str) -> Verdict:
        return Verdict(Decision.REFUSE, 0, code, why)


class AlertLevel(StrEnum):
    INFO = "info"
    WARN = "warn"
    HALT = "halt"


class Alert(Struct, frozen=True):
    """Something a person should know. ``key`` names the condition: raised once while it lasts."""

    key: str
    level: AlertLevel
    text: str
    ticker: str = ""
