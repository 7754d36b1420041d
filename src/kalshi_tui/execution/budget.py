"""The write budget: what the venue lets us say a second, and what must stay in reserve for pulling.

Kalshi bills writes from a token bucket with continuous refill (``rate_limits``: create 10, amend 10, cancel 2).
The core keeps its own copy so that a decision never asks for more than there is; cancels may always use the reserve.
"""

from __future__ import annotations

from dataclasses import dataclass

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.units import SECOND, Nanos

CREATE_COST = 10
AMEND_COST = 10
CANCEL_COST = 2
GROUP_COST = 10


@dataclass(slots=True)
class WriteBudget:
    """``capacity`` tokens at most, ``rate`` a second. Basic tier: 100 and 100.

    The level is kept in billionths of a token, so that it does not depend on how often it was refilled.
    """

    capacity: int = 100
    rate: int = 100
    _level: int = 100 * SECOND
    _read: Nanos | None = None

    def configure(self, capacity: int, rate: int) -> None:
        self.capacity, self.rate = capacity, rate
        self._level = min(self._level, capacity * SECOND)

    def refill(self, now: Instant) -> None:
        if self._read is not None and now.mono > self._read:
            self._level = min(self.capacity * SECOND, self._level + (now.mono - self._read) * self.rate)
        self._read = now.mono

    @property
    def tokens(self) -> int:
        return self._level // SECOND

    def spend(self, cost: int) -> None:
        """A write leaves: the bucket may go below zero only by cancels of an emergency."""
        self._level -= cost * SECOND

    def affords(self, cost: int, reserve: int) -> bool:
        """Whether ``cost`` leaves at least ``reserve`` (what pulling everything would take)."""
        return self._level >= (cost + min(reserve, self.capacity // 2)) * SECOND

    def when(self, cost: int, reserve: int) -> Nanos:
        """Monotonic time from which ``affords`` says yes if nothing is spent; never before the last refill."""
        missing = (cost + min(reserve, self.capacity // 2)) * SECOND - self._level
        return (self._read or 0) + max(-(-missing // self.rate), 0)

    def affords_cancel(self) -> bool:
        return self._level >= CANCEL_COST * SECOND


def pull_cost(open_orders: int, groups: int = 0) -> int:
    """Tokens that cancelling everything costs."""
    return CANCEL_COST * open_orders + GROUP_COST * groups
