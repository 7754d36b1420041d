"""How old messages are when they reach us. A growing age is lag, whatever the offset of the two clocks."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Nanos
from kalshi_tui.protocol.wire_messages import AnyDelta


class Ages(Struct, frozen=True, gc=False):
    """Smoothed ages of recent deltas in nanoseconds, None before any. May be negative: clocks differ."""

    wire: Nanos | None
    """Receive minus ``sending_ts_ms``: the network and us."""
    exchange: Nanos | None
    """Receive minus ``ts_ms``: the exchange's own latency too."""
    lag: Nanos | None
    """How much older than the freshest seen on this connection: free of the clocks' offset."""


_SPAN: Nanos = SECOND


class AgeMeter:
    """Means that forget within about a second, however many samples that is: a sample weighs as much as the time
    since the one before it. Integers, so that replays agree to the nanosecond."""

    __slots__ = ("_freshest", "_taken", "_wire", "exchange")

    def __init__(self) -> None:
        self._wire: Nanos | None = None
        self.exchange: Nanos | None = None
        self._freshest: Nanos | None = None
        self._taken: Nanos = 0
        """Monotonic instant of the last sample."""

    def take(self, delta: AnyDelta, at: Instant) -> None:
        since, self._taken = at.mono - self._taken, at.mono
        if delta.sending_ts_ms is not None:
            self._wire = _mean(self._wire, at.wall - delta.sending_ts_ms * MILLISECOND, since)
        stamp = delta.msg.ts_ms
        if stamp is not None:
            age = at.wall - stamp * MILLISECOND
            self.exchange = _mean(self.exchange, age, since)
            if self._freshest is None or age < self._freshest:
                self._freshest = age

    def read(self) -> Ages:
        lag = None
        if self.exchange is not None and self._freshest is not None:
            lag = self.exchange - self._freshest
        return Ages(self._wire, self.exchange, lag)


def _mean(mean: Nanos | None, sample: Nanos, since: Nanos) -> Nanos:
    return sample if mean is None else mean + (sample - mean) * since // (since + _SPAN)
