"""What a regime is read from: the usual spread, and jumps."""

from __future__ import annotations

from collections import deque
from math import sqrt

from kalshi_tui.features.decay import DecayedMean
from kalshi_tui.protocol.units import CENT, ONE, SECOND, Nanos, Price


class SpreadBaseline:
    """The 30-second mean spread against the median of the last half hour, in levels."""

    __slots__ = ("_counts", "_samples", "mean", "median")

    WIDEST = 200
    """Levels; a wider spread counts as this in the median."""

    def __init__(self, mean_tau: float, samples: int) -> None:
        self.mean = DecayedMean(mean_tau)
        self._samples: deque[int] = deque(maxlen=samples)
        self._counts = [0] * (self.WIDEST + 1)
        self.median: int | None = None

    def add(self, dt: float, levels: int, hold: bool) -> None:
        """One sample of the grid. ``hold`` leaves the baseline alone (an event must not become normal)."""
        self.mean.update(dt, levels)
        if hold:
            return
        if len(self._samples) == self._samples.maxlen:
            self._counts[self._samples[0]] -= 1
        capped = min(levels, self.WIDEST)
        self._samples.append(capped)
        self._counts[capped] += 1
        self.median = self._lower_median()

    def _lower_median(self) -> int:
        """The first number of levels that half of the samples do not exceed: usually one of the first few."""
        missing = (len(self._samples) + 1) // 2
        for levels, count in enumerate(self._counts):
            missing -= count
            if missing <= 0:
                return levels
        return self.WIDEST

    @property
    def ratio(self) -> float | None:
        """Mean over median, but 1 unless the mean is also two levels above it; None before any sample.

        One level more in a quiet market is no regime.
        """
        mean, median = self.mean.mean, self.median
        if mean is None or not median:
            return None
        return max(mean / median, 1.0) if mean >= median + 2.0 else 1.0


class JumpFlag:
    """Latched for 20 s by a move, a spread or a sweep no diffusion makes.

    A move within one second of at least ``max(3 ticks, 2 cents, 6 sigma)``; a spread that trebles against its
    baseline in one update; three levels taken by one order. Spread and sweep must also span
    ``max(2 cents, 6 sigma)``: three levels are nothing on a fine grid, and everyday in a market that moves a
    cent a second (on recorded 15-minute markets they alone would latch it most of the time).
    """

    __slots__ = ("_least", "_mids", "_threshold2", "until")

    LATCH: Nanos = 20 * SECOND
    WINDOW: Nanos = SECOND
    FLOOR: Price = 2 * CENT

    def __init__(self) -> None:
        self._mids: deque[tuple[Nanos, int]] = deque()
        self._least = float(self.FLOOR)
        self._threshold2 = 2.0 * self.FLOOR
        self.until: Nanos = -1

    def calibrate(self, tick: Price, variance_rate: float | None) -> None:
        """Set the thresholds; ``variance_rate`` is the slow one, squared dollars per second."""
        sigma = 0.0 if variance_rate is None else sqrt(variance_rate) * ONE
        self._least = max(self.FLOOR, 6.0 * sigma)
        self._threshold2 = 2.0 * max(3 * tick, self._least)

    def on_mid(self, mid2: int, mono: Nanos) -> None:
        """A changed doubled mid, from now on in force."""
        mids = self._mids
        # Keep the newest mid that is a second old or more: it is the one in force a second ago.
        while len(mids) > 1 and mids[1][0] <= mono - self.WINDOW:
            mids.popleft()
        if mids and abs(mid2 - mids[0][1]) >= self._threshold2:
            self.until = mono + self.LATCH
        mids.append((mono, mid2))

    def on_spread(self, levels: int, spread: Price, before: Price, baseline: int | None, mono: Nanos) -> None:
        """The spread changed from ``before`` to ``spread`` in one update."""
        if baseline and levels >= 3 * baseline and spread - before >= self._least:
            self.until = mono + self.LATCH

    def on_sweep(self, levels: int, span: Price, mono: Nanos) -> None:
        if levels >= 3 and span >= self._least:
            self.until = mono + self.LATCH

    def forget(self) -> None:
        """The book was gone: what it is now is no move from what it was."""
        self._mids.clear()
