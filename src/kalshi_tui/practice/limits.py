"""Token buckets: continuous refill, no windows, no penalty for asking too early."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.protocol.units import SECOND, Nanos

DEFAULT_COST = 10


class Tier(Struct, frozen=True):
    """Tokens a second, what each bucket holds, and calls a second of ``GET /portfolio/balance``."""

    read: int
    read_capacity: int
    write: int
    write_capacity: int
    balance: int = 5


TIERS: dict[str, Tier] = {
    # Basic and Advanced read, and write above Basic, hold two seconds of budget; the others one.
    "basic": Tier(200, 400, 100, 100, balance=1),
    "advanced": Tier(300, 600, 300, 600, balance=1),
    "expert": Tier(600, 600, 600, 1_200),
    "premier": Tier(1_000, 1_000, 1_000, 2_000),
    "paragon": Tier(2_000, 2_000, 2_000, 4_000),
    "prime": Tier(4_000, 4_000, 4_000, 8_000),
    "prestige": Tier(10_000, 10_000, 8_000, 16_000),
}


class Bucket:
    """``rate`` tokens a second up to ``capacity``. Counted in tokens times a second's nanoseconds: exact."""

    def __init__(self, rate: int, capacity: int) -> None:
        self.rate = rate
        self.capacity = capacity
        self._level = capacity * SECOND
        self._at: Nanos | None = None

    def take(self, cost: int, now: Nanos) -> bool:
        """Whether ``cost`` tokens were there; they are gone then."""
        if self._at is not None:
            self._level = min(self.capacity * SECOND, self._level + max(0, now - self._at) * self.rate)
        self._at = now
        if cost * SECOND > self._level:
            return False
        self._level -= cost * SECOND
        return True


class Allowance:
    """The buckets of one account."""

    def __init__(self, tier: Tier) -> None:
        self.buckets = {
            "read": Bucket(tier.read, tier.read_capacity),
            "write": Bucket(tier.write, tier.write_capacity),
            # One call costs one; a capacity of one means no burst.
            "balance": Bucket(tier.balance, 1),
        }

    def take(self, bucket: str, cost: int, now: Nanos) -> bool:
        return self.buckets[bucket].take(cost, now)
