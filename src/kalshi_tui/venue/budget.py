"""The write budget: what the exchange's token bucket holds, computed here because a 429 says nothing.

Pure: time is given, never read. Tokens refill continuously at ``refill`` a second up to ``capacity``
(docs.kalshi.com, rate limits: Basic has 100 and 100). Costs are those of ``GET /account/endpoint_costs``.
Writes naming a shard bill that shard's own bucket of the same size; one bucket for all of them is the
cautious side. What to keep back for cancels is the kernel's decision, taken before an order gets here.
"""

from __future__ import annotations

from kalshi_tui.protocol.units import SECOND, Nanos

COST_CREATE = 10
COST_AMEND = 10
COST_CANCEL = 2
COST_GROUP = 10
COST_READ = 10


class TokenBucket:
    """A bucket that starts full. Holds whole token-nanoseconds, so no rounding adds up over a day."""

    __slots__ = ("_at", "_level", "capacity", "refill")

    def __init__(self, capacity: int, refill: int, now: Nanos) -> None:
        if capacity <= 0 or refill <= 0:
            raise ValueError("a token bucket needs a capacity and a refill above zero")
        self.capacity = capacity
        self.refill = refill
        self._level = capacity * SECOND
        self._at = now

    def tokens(self, now: Nanos) -> int:
        """Whole tokens at ``now`` (monotonic nanoseconds)."""
        self._advance(now)
        return self._level // SECOND

    def spend(self, cost: int, now: Nanos) -> bool:
        """Take ``cost`` if it is there; False takes nothing."""
        if self.tokens(now) < cost:
            return False
        self._level -= cost * SECOND
        return True

    def wait(self, cost: int, now: Nanos) -> Nanos:
        """Nanoseconds until ``spend`` can succeed; 0 when it can at once. ``cost`` is within the capacity."""
        self._advance(now)
        missing = cost * SECOND - self._level
        return max(0, -(-missing // self.refill))

    def drained(self, now: Nanos) -> None:
        """The exchange answered 429: whatever was thought to be there is not."""
        self._at = max(self._at, now)
        self._level = 0

    def resize(self, capacity: int, refill: int, now: Nanos) -> None:
        """The account's own limits, once read; keeps what was spent."""
        if capacity <= 0 or refill <= 0:
            raise ValueError("a token bucket needs a capacity and a refill above zero")
        self._advance(now)
        spent = self.capacity * SECOND - self._level
        self.capacity, self.refill = capacity, refill
        self._level = max(0, capacity * SECOND - spent)

    def _advance(self, now: Nanos) -> None:
        if now > self._at:
            self._level = min(self.capacity * SECOND, self._level + (now - self._at) * self.refill)
            self._at = now
