"""Moments: a monotonic reading for intervals and a wall reading for exchange time. Never mixed."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.protocol.units import Nanos


class Instant(Struct, frozen=True, gc=False):
    """One reading of both clocks, taken together by a shell; the core only ever receives them."""

    mono: Nanos
    """Nanoseconds of the monotonic clock: time to live, ages, cool-downs."""
    wall: Nanos
    """Nanoseconds since 1970 UTC: exchange time, expirations, the New York day."""

    def plus(self, nanos: Nanos) -> Instant:
        return Instant(self.mono + nanos, self.wall + nanos)
