"""A token bucket in exact integers: how fast messages may leave."""

from __future__ import annotations

from kalshi_tui.protocol.units import SECOND, Nanos
from kalshi_tui.risk.base import FULL


class Throttle:
    """``rate`` tokens a second, ``capacity`` at most, full at the start. One message takes one token."""

    __slots__ = ("_level", "_read", "capacity", "rate")

    def __init__(self, rate: int, capacity: int) -> None:
        self.rate = rate
        self.capacity = capacity
        self._level = capacity * SECOND * FULL
        """In thousandths of a billionth of a token, so that nothing is rounded."""
        self._read: Nanos | None = None

    def allows(self, now: Nanos, scale: int = FULL) -> bool:
        """Whether a message may leave now; ``scale`` (thousandths) slows the refill down since the last call."""
        if self._read is not None and now > self._read:
            self._level = min(
                self._level + (now - self._read) * self.rate * scale, self.capacity * SECOND * FULL
            )
        self._read = now if self._read is None else max(self._read, now)
        return self._level >= SECOND * FULL

    def take(self, now: Nanos) -> None:
        """A message left (whether or not it was allowed)."""
        self.allows(now)
        self._level = max(self._level - SECOND * FULL, 0)
