"""What the practice world knows: latent numbers, and what a contract on one of them is worth.

A latent is a Gaussian martingale whose information arrives on a schedule fixed beforehand: a steady variance
rate and jumps at known instants (an economic release is a jump). With ``m`` its mean at ``t`` and ``v`` the
variance still to come before the fixing, a contract that pays between ``low`` and ``high`` is worth
Phi((m - low) / sqrt(v)) - Phi((m - high) / sqrt(v)), Bachelier's formula. Each such probability is itself a
martingale that ends in {0, 1}, and brackets and thresholds of one number agree with each other at every
instant, because all are read from the same ``m`` and ``v``.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from msgspec import Struct

from kalshi_tui.protocol.market import StrikeType
from kalshi_tui.protocol.units import SECOND, Nanos

_SQRT2 = math.sqrt(2.0)
_LEAST_APPETITE = 0.08
_PAUSE_AFTER_PRINT_S = 2.0
"""Makers stay as small as at the print for this long after it."""


class Latent:
    """A number nobody sees yet: its conditional mean, moved by ``advance``.

    ``rate`` is variance per second of world time; ``jumps`` are (instant, variance). With a ``parent`` it
    also moves ``beta`` times as far as the parent does. ``waves`` are (instant, shift)
    and break the martingale on purpose: only the crash scenario has them. Instants are nanoseconds of world time.
    """

    __slots__ = ("_at", "_own", "_rng", "beta", "jumps", "parent", "rate", "waves")

    def __init__(
        self,
        value: float,
        rate: float,
        rng: random.Random,
        *,
        at: Nanos = 0,
        jumps: Sequence[tuple[Nanos, float]] = (),
        parent: Latent | None = None,
        beta: float = 1.0,
        waves: Sequence[tuple[Nanos, float]] = (),
    ) -> None:
        self._own = value - (beta * parent.mean if parent is not None else 0.0)
        self._at = at
        self._rng = rng
        self.rate = rate
        self.jumps = tuple(jumps)
        self.parent = parent
        self.beta = beta
        self.waves = tuple(waves)

    @property
    def mean(self) -> float:
        """The conditional mean at the last ``advance``."""
        if self.parent is None:
            return self._own
        return self._own + self.beta * self.parent.mean

    def advance(self, now: Nanos) -> None:
        """Draw what became known until ``now``, the parent's news first."""
        if self.parent is not None:
            self.parent.advance(now)
        if now <= self._at:
            return
        variance = self._between(self._at, now)
        self._own += sum(size for at, size in self.waves if self._at < at <= now)
        self._at = now
        if variance > 0.0:
            self._own += self._rng.gauss(0.0, math.sqrt(variance))

    def remaining(self, now: Nanos, until: Nanos) -> float:
        """The variance that arrives in (now, until], the parent's share included."""
        own = self._between(now, until)
        if self.parent is None:
            return own
        return own + self.beta * self.beta * self.parent.remaining(now, until)

    def _between(self, start: Nanos, end: Nanos) -> float:
        if end <= start:
            return 0.0
        steady = self.rate * (end - start) / SECOND
        return steady + sum(variance for at, variance in self.jumps if start < at <= end)


class Strike(Struct, frozen=True):
    """Which published values pay. ``floor`` and ``cap`` count steps of the number's reporting grid."""

    kind: StrikeType
    floor: int | None = None
    cap: int | None = None

    def bounds(self) -> tuple[int | None, int | None]:
        """The lowest and the highest published value that pay, None where there is no bound."""
        low, high = self.floor, self.cap
        if self.kind is StrikeType.GREATER and low is not None:
            low += 1
        if self.kind is StrikeType.LESS and high is not None:
            high -= 1
        return low, high

    def pays(self, published: int) -> bool:
        """Whether a published value, in steps of the grid, settles YES."""
        low, high = self.bounds()
        return (low is None or published >= low) and (high is None or published <= high)


class Number:
    """The number an event settles on: a latent, when it is fixed, and the grid it is published on.

    One step of the grid is ``numerator / denominator`` of the number's own unit (CPI: 1/10 of a percent). The
    published value is the latent rounded half up to whole steps; ``published`` is None until the fixing.
    """

    __slots__ = ("denominator", "fixing", "latent", "numerator", "published")

    def __init__(self, latent: Latent, fixing: Nanos, numerator: int = 1, denominator: int = 1) -> None:
        self.latent = latent
        self.fixing = fixing
        self.numerator = numerator
        self.denominator = denominator
        self.published: int | None = None

    def native(self, steps: int) -> float:
        """A count of grid steps in the number's own unit, as the exchange's JSON shows strikes."""
        return steps * self.numerator / self.denominator

    def steps(self, value: float) -> int:
        """A value in its own unit, rounded half up to whole steps of the grid."""
        return math.floor(value * self.denominator / self.numerator + 0.5)

    def text(self, steps: int) -> str:
        """A count of grid steps with the decimals of the grid, as ``expiration_value`` shows it."""
        return f"{self.native(steps):.{len(str(self.denominator)) - 1}f}"

    def fix(self, now: Nanos) -> int:
        """Publish the number, once: what the latent says at its fixing, in steps of the grid."""
        if self.published is None:
            self.latent.advance(now)
            self.published = self.steps(self.latent.mean)
        return self.published

    def probability(self, strike: Strike, now: Nanos) -> float:
        """The chance, given all that is known at ``now``, that ``strike`` settles YES."""
        if self.published is not None:
            return 1.0 if strike.pays(self.published) else 0.0
        variance = self.latent.remaining(now, self.fixing)
        if variance <= 0.0:
            return 1.0 if strike.pays(self.steps(self.latent.mean)) else 0.0
        scale = self.denominator / self.numerator
        mean = self.latent.mean * scale
        deviation = math.sqrt(variance) * scale
        low, high = strike.bounds()
        # A published value v stands for the half-open interval [v - 1/2, v + 1/2) of the unrounded number.
        above_low = 1.0 if low is None else _normal_cdf((mean - (low - 0.5)) / deviation)
        above_high = 0.0 if high is None else _normal_cdf((mean - (high + 0.5)) / deviation)
        return max(above_low - above_high, 0.0)


class Moment(Struct, frozen=True):
    """A scheduled instant makers fear, in world time, and how long before and after it they step back."""

    at: Nanos
    before_s: float
    after_s: float

    def appetite(self, now: Nanos) -> float:
        """1 far from it, least at it, linear between."""
        if now < self.at:
            share = (self.at - now) / SECOND / self.before_s
        else:
            share = ((now - self.at) / SECOND - _PAUSE_AFTER_PRINT_S) / self.after_s
        return min(max(share, _LEAST_APPETITE), 1.0)


def _normal_cdf(z: float) -> float:
    return 0.5 * math.erfc(-z / _SQRT2)
