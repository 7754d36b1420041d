"""What the kernel holds of the relations of an event, or of several that are bound together: their outcomes, the
last scan, the basket in flight."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from msgspec import Struct

from kalshi_tui.execution.basket import BasketRun, Phase
from kalshi_tui.pricing.baskets import Basket, Leg, LegBook
from kalshi_tui.pricing.outcomes import OutcomeSpace
from kalshi_tui.protocol.market import Market
from kalshi_tui.protocol.units import CENT, Nanos, Price, Side
from kalshi_tui.risk.base import Multipliers


class Link(Struct, frozen=True):
    """Events that a ticked relation names, and whether it holds now."""

    name: str
    events: tuple[str, ...]
    space: OutcomeSpace | None
    off: str = ""
    """The sentence why it is off; empty while it is in force."""
    one_number: bool = False
    """All strikes are on one number: risk takes its events as one."""
    step: Decimal | None = None
    """The steps that number is published in."""


@dataclass(slots=True)
class EventRelations:
    """One event, or several that a ticked relation binds: these share one of it. Kept from the first time one of
    its markets is quoted by M3."""

    events: tuple[str, ...]
    note: str = ""
    """What a trader must know beside the scan: the sentence of a relation that is off."""
    facts: tuple[Market, ...] = ()
    """What ``space`` was built from: it is built again when one of these is replaced."""
    space: OutcomeSpace | None = None
    scanned: Nanos | None = None
    """Monotonic time of the last scan."""
    rest_until: Nanos = 0
    """No basket starts before this monotonic time: a pause after the last one."""
    saving_until: Nanos = 0
    """New quotes wait until this monotonic time, so that a basket gets its write tokens."""
    saving_since: Nanos | None = None
    """Monotonic time since when they have waited for one."""
    books: dict[str, LegBook] = field(default_factory=dict)
    """As last scanned; the same books give the same answer."""
    coherent: dict[str, float] = field(default_factory=dict)
    """Fair values (dollars) that no relation contradicts, by ticker."""
    reason: str = ""
    """What the last scan said."""
    run: BasketRun | None = None
    """The basket in flight: at most one."""
    limits: dict[str, Multipliers] = field(default_factory=dict)
    """R2's multipliers of the legs when the basket's risk was reserved."""

    @property
    def name(self) -> str:
        return "+".join(self.events)

    def has_right_of_way(self, mono: Nanos) -> bool:
        """Whether new quotes wait: the tokens and the order rate are this basket's."""
        return self.run is not None or mono < self.saving_until

    def reserved(self, ticker: str) -> Leg | None:
        """The leg of the basket in flight that has not been sent: it counts as if it were."""
        if self.run is None:
            return None
        return next((leg for leg in self.run.unsent if leg.ticker == ticker), None)

    def in_the_way(self, ticker: str, side: Side, price: Price) -> bool:
        """Whether an own order here could trade with the basket in flight."""
        run = self.run
        if run is None:
            return False
        leg = next((leg for leg in run.basket.legs if leg.ticker == ticker), None)
        if leg is None:
            return False
        if run.phase is Phase.CLOSING:
            return True  # either side may be taken to finish or to undo it
        return side is leg.side.opposite and could_meet(run.planned, leg, price)


def could_meet(basket: Basket, leg: Leg, price: Price) -> bool:
    """Whether a leg could trade with an order at ``price``: it may pay all that the basket earns."""
    reach = max(basket.profit, 0) // basket.lots + CENT
    return (price - leg.limit) * leg.side.sign <= reach
