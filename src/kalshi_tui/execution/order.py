"""One order, and what an event did to it."""

from __future__ import annotations

from dataclasses import dataclass

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import Fill, OrderState, Owner, TimeInForce
from kalshi_tui.protocol.units import Count, Price, Side


@dataclass(slots=True)
class Order:
    """One order. ``count`` is the total it may fill; ``filled`` what trades have shown us."""

    client_order_id: str
    ticker: str
    side: Side
    price: Price
    count: Count
    owner: Owner
    engine: str
    state: OrderState
    sent: Instant
    """When it was handed to the shell (or first seen, for a found one)."""
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    order_id: str = ""
    filled: Count = 0
    venue_filled: Count = 0
    """The most the venue has ever reported as filled: never goes down."""
    expiration_s: int | None = None
    exchange_index: int = 0
    intended: Instant | None = None
    """When its target was last confirmed by a decision: what time to live bounds."""
    cancel_sent: Instant | None = None
    cancel_attempts: int = 0
    amend_sent: Instant | None = None
    asked_count: Count | None = None
    """Total asked for by an amend whose answer is outstanding."""
    asked_expiration_s: int | None = None
    absences: int = 0
    last_absence: Instant | None = None
    look_up: bool = False
    """An answer was lost: only a read of the venue's records can tell."""
    ahead: Count | None = None
    in_book: bool = False
    """A delta of ours has shown it in the book, perhaps before its answer came."""
    why: str = ""

    @property
    def is_open(self) -> bool:
        return self.state.is_open

    @property
    def remaining(self) -> Count:
        """What may still trade as far as we know."""
        return max(self.count - max(self.filled, self.venue_filled), 0) if self.is_open else 0

    @property
    def exposure(self) -> Count:
        """What may still change our position: unfilled while open, and fills reported but not yet seen."""
        if self.is_open:
            return max(self.count - self.filled, 0)
        return max(self.venue_filled - self.filled, 0)


@dataclass(slots=True)
class Change:
    """What an event did to an order: for the log, the journal and the JSON stream."""

    order: Order
    what: str
    """accepted, rejected, unknown, filled, part filled, canceled, amended, resolved, found, ..."""
    why: str = ""


@dataclass(slots=True)
class FillResult:
    fill: Fill
    order: Order | None
    """None for a trade of an order this desk never knew."""
    duplicate: bool = False
    anomaly: str = ""
    """A sentence when the trade contradicts the order (overfill, wrong side)."""
