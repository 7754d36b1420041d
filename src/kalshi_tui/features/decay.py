"""Estimators that forget exponentially in time, for samples at irregular intervals. O(1) per sample.

Intervals are seconds of monotonic time, moments nanoseconds. Decay composes: an update split in two gives the
same result.
"""

from __future__ import annotations

from math import exp, expm1

from kalshi_tui.protocol.units import SECOND, Nanos


class DecayedMean:
    """Time-weighted mean ``m += w (x - m)``, ``w = 1 - exp(-dt / tau)``; ``x`` held during dt."""

    __slots__ = ("mean", "tau")

    def __init__(self, tau: float) -> None:
        self.tau = tau
        self.mean: float | None = None

    def update(self, dt: float, value: float) -> None:
        """Take in ``value``, ``dt >= 0`` seconds after the last one; a negative ``dt`` is refused."""
        if dt < 0.0:
            raise ValueError(f"time ran backwards by {-dt} s")
        if self.mean is None:
            self.mean = value
        else:
            self.mean -= expm1(-dt / self.tau) * (value - self.mean)


class DecayedRatio:
    """``N / D`` of two decayed sums: a rate or weighted mean without start-up bias."""

    __slots__ = ("bottom", "tau", "top")

    def __init__(self, tau: float) -> None:
        self.tau = tau
        self.top = 0.0
        self.bottom = 0.0

    def add(self, dt: float, top: float, bottom: float) -> None:
        """Decay both sums by ``dt`` seconds, then add."""
        keep = exp(-dt / self.tau)
        self.top = self.top * keep + top
        self.bottom = self.bottom * keep + bottom

    @property
    def value(self) -> float | None:
        return self.top / self.bottom if self.bottom > 0.0 else None


class VarianceRate:
    """Variance per second: ``N <- N e^{-dt/tau} + r^2``, ``D <- D e^{-dt/tau} + dt``, ``N / D``.

    Unbiased from the first sample; tends to realised variance over time as ``tau`` grows. Feed it on a fixed
    grid, zero returns included, and never with last-trade prices (bid-ask bounce would dominate).
    """

    __slots__ = ("_ratio",)

    def __init__(self, tau: float) -> None:
        self._ratio = DecayedRatio(tau)

    def update(self, dt: float, change: float) -> None:
        """Take in the ``change`` over the last ``dt > 0`` seconds."""
        self._ratio.add(dt, change * change, dt)

    @property
    def value(self) -> float | None:
        """Squared units per second; None before the first sample."""
        return self._ratio.value


class DecayedSum:
    """``S <- S e^{-dt/tau} + x``; keeps the time of the last change, so it reads at any later time."""

    __slots__ = ("_tau", "at", "total")

    def __init__(self, tau: float) -> None:
        self._tau = tau * SECOND
        self.total = 0.0
        self.at: Nanos = 0

    def add(self, now: Nanos, value: float) -> None:
        """Add ``value`` at ``now``; an earlier ``now`` than the last counts as the same moment."""
        if now > self.at:
            self.total *= exp((self.at - now) / self._tau)
            self.at = now
        self.total += value

    def read(self, now: Nanos) -> float:
        """The sum as decayed at ``now``."""
        return self.total * exp((self.at - now) / self._tau) if now > self.at else self.total
