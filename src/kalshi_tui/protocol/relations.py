"""Relations across events: what a person has read in the rules of two events and ticked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from kalshi_tui.protocol.market import Market, StrikeType
from kalshi_tui.protocol.units import Nanos


class RelationKind(StrEnum):
    SAME_NUMBER = "same_number"
    """The strikes of all events are strikes on one number."""
    NESTED = "nested"
    """What makes the first event's market pay makes the next one's pay, too: {by June} within {by December}."""


class TickedRelation(Struct, frozen=True):
    """One relation, and the proof that a person has read what it rests on."""

    kind: RelationKind
    series: tuple[str, ...] = ()
    """Events of these series that end at the same time belong together."""
    events: tuple[str, ...] = ()
    """Or these very events; of nested ones the innermost first."""
    rules_sha256: tuple[str, ...] = ()
    """``rules_hash`` of every market whose rules were read."""
    step: Decimal | None = None
    """The number is published in steps of this; None: any number can come."""
    proved: str = ""
    """Why no rules need reading. Empty wherever a person's word is needed."""

    @property
    def name(self) -> str:
        return "/".join(self.series or self.events)


class MarketRules(Struct, frozen=True):
    """What a person needs to read before binding a market to one of another event. Times are wall nanoseconds."""

    ticker: str
    event_ticker: str
    series_ticker: str
    label: str
    strike_type: StrikeType
    floor_strike: float | None
    cap_strike: float | None
    ends: Nanos | None
    """When it is expected to settle, or closes."""
    sources: tuple[str, ...]
    primary: str
    secondary: str
    sha256: str
    """``rules_hash``."""


def market_rules(market: Market, sources: Sequence[str]) -> MarketRules:
    """``sources`` are what its event, or else its series, settles by."""
    return MarketRules(
        market.ticker,
        market.event_ticker,
        market.series_ticker or market.ticker.partition("-")[0],
        market.label,
        market.strike_type,
        market.floor_strike,
        market.cap_strike,
        market.expected_expiration_time or market.close_time,
        tuple(sources),
        market.rules_primary,
        market.rules_secondary,
        rules_hash(market),
    )


def rules_hash(market: Market) -> str:
    """SHA-256 of a market's rule texts as the desk shows them: another text is another rule."""
    return hashlib.sha256(f"{market.rules_primary}\n{market.rules_secondary}".encode()).hexdigest()
