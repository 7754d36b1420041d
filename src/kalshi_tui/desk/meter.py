"""What the loop measures of itself: how late it runs, and how long a frame waits for its decision."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Callable

from kalshi_tui.protocol.units import MILLISECOND, Nanos

PERIOD_S = 0.05
JUMP: Nanos = 2_000_000_000
"""Wall and monotonic clocks that part by more than this within one period: the machine slept, or a clock was
set."""
STEPS = 64
"""Buckets for each doubling: a figure read from them is at most 1/128 off."""
_DOUBLINGS = 58
"""Up to 2^63 ns."""


class LatencyMeter:
    """Socket stamp to the end of ``decide``, of every frame since the start, in memory that never grows.

    Samples are counted in buckets whose width is 1/64 of their value (as HdrHistogram does).
    """

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * STEPS * _DOUBLINGS))
        self._samples = 0

    def add(self, nanos: Nanos) -> None:
        nanos = max(nanos, 0)
        shift = max(nanos.bit_length() - STEPS.bit_length(), 0)
        self._counts[shift * STEPS + (nanos >> shift)] += 1
        self._samples += 1

    def summary(self) -> dict[str, float] | None:
        """Median and 99th percentile in microseconds, by nearest rank; None before any frame."""
        if not self._samples:
            return None
        return {name: round(self._rank(share) / 1000, 1) for name, share in (("p50", 50), ("p99", 99))}

    def _rank(self, share: int) -> float:
        """The middle of the bucket in which the sample of this rank lies, nanoseconds."""
        left = min(self._samples * share // 100, self._samples - 1)
        for index, count in enumerate(self._counts):
            if left < count:
                shift = max(index // STEPS - 1, 0)
                return (index - shift * STEPS + 0.5) * (1 << shift) if shift else float(index)
            left -= count
        raise AssertionError("the buckets hold every sample")


class LagMeter:
    """Longest stall of the event loop, and jumps of the wall clock against the monotonic one."""

    def __init__(self, on_jump: Callable[[Nanos], None]) -> None:
        self.longest: Nanos = 0
        self._on_jump = on_jump

    async def run(self) -> None:
        while True:
            mono, wall = time.monotonic_ns(), time.time_ns()
            await asyncio.sleep(PERIOD_S)
            passed = time.monotonic_ns() - mono
            self.longest = max(self.longest, passed - int(PERIOD_S * 1e9))
            apart = time.time_ns() - wall - passed
            if abs(apart) > JUMP:
                self._on_jump(apart)

    @property
    def longest_ms(self) -> float:
        return round(self.longest / MILLISECOND, 1)
