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
MAX_SAMPLES = 100_000


class LatencyMeter:
    """Socket stamp to the end of ``decide``, per frame. Keeps the newest ``MAX_SAMPLES``."""

    def __init__(self) -> None:
        self._samples = array("q")
        self._next = 0

    def add(self, nanos: Nanos) -> None:
        if len(self._samples) < MAX_SAMPLES:
            self._samples.append(nanos)
        else:
            self._samples[self._next] = nanos
            self._next = (self._next + 1) % MAX_SAMPLES

    def summary(self) -> dict[str, float] | None:
        """Median and 99th percentile in microseconds, by nearest rank; None before any frame."""
        if not self._samples:
            return None
        ordered = sorted(self._samples)
        return {
            name: round(ordered[min(len(ordered) * share // 100, len(ordered) - 1)] / 1000, 1)
            for name, share in (("p50", 50), ("p99", 99))
        }


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
