"""Relations across events: what a person has read in the rules of two events and ticked."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from kalshi_tui.protocol.market import Market


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


def rules_hash(market: Market) -> str:
    """SHA-256 of a market's rule texts as the desk shows them: another text is another rule."""
    return hashlib.sha256(f"{market.rules_primary}\n{market.rules_secondary}".encode()).hexdigest()
