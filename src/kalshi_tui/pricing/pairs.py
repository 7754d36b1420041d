"""Statistical pairs, in log-odds. Shown as statistical, never mixed with proved relations.

Two binaries are not cointegrated through their resolution: a pair is a habit between prints, with its own
book and cap.
"""

from __future__ import annotations

from math import inf, log, sqrt

from msgspec import Struct


class KalmanStep(Struct, frozen=True, gc=False):
    """A hedge ratio after one observation."""

    beta: float
    variance: float
    innovation: float
    innovation_variance: float


def kalman_hedge(beta: float, variance: float, y: float, x: float, noise: float, drift: float) -> KalmanStep:
    """One step of ``y = beta x + e`` with a random-walk beta: ``noise`` is Var(e), ``drift`` Var of a
    step.
    """
    prior = variance + drift
    innovation = y - beta * x
    total = x * x * prior + noise
    gain = prior * x / total
    return KalmanStep(beta + gain * innovation, (1.0 - gain * x) * prior, innovation, total)


def half_life(phi: float, dt: float) -> float:
    """``-ln 2 / ln phi`` samples of ``dt``: how long an AR(1) spread takes to halve. Infinite unless 0 <
    phi < 1.
    """
    if phi <= 0.0:
        return 0.0
    return -log(2.0) / log(phi) * dt if phi < 1.0 else inf


def hedge_contracts(contracts_y: float, p_y: float, p_x: float, beta: float) -> float:
    """Contracts of x against ``contracts_y`` of y: ``n_x p_x (1 - p_x) = -beta n_y p_y (1 - p_y)``."""
    return -beta * contracts_y * p_y * (1.0 - p_y) / (p_x * (1.0 - p_x))


class PairRules(Struct, frozen=True):
    """When a pair may be traded. The defaults are not fitted."""

    enter: float = 2.0
    leave: float = 0.5
    stop: float = 4.0
    least_samples: int = 500
    least_half_life_s: float = 30.0
    most_half_life_s: float = 7200.0
    quiet_before_event_s: float = 900.0


class PairSpec(Struct, frozen=True):
    """A pair as it was measured on recordings: ``logit y = alpha + beta logit x``."""

    y: str
    x: str
    beta: float
    mean_y: float
    """Log-odds, on the recordings."""
    mean_x: float
    sd: float
    """Of the residual, log-odds."""
    half_life_s: float
    samples: int
    p: float
    """Of Engle and Granger's test, adjusted for every pair that was tried."""


class Pair:
    """``logit y = alpha + beta logit x`` by recursive filtering, and the residual's z-score.

    Feed synchronised micro-prices in log-odds at a fixed interval of ``dt`` seconds, outside event windows.
    Levels are taken from their decayed means, so alpha needs no state of its own.
    """

    __slots__ = (
        "_last",
        "_mean_x",
        "_mean_y",
        "_n",
        "_s",
        "_sxx",
        "_sxy",
        "beta",
        "drift",
        "dt",
        "noise",
        "variance",
    )

    MEMORY = 0.995
    """Kept of the old moments per sample: about 200 samples."""

    def __init__(self, dt: float, noise: float = 4e-4, drift: float = 1e-6) -> None:
        self.dt = dt
        self.noise = noise
        self.drift = drift
        self.beta = 1.0
        self.variance = 1.0
        self._mean_y = self._mean_x = 0.0
        self._s = self._sxx = self._sxy = 0.0
        self._last: float | None = None
        self._n = 0

    @classmethod
    def measured(cls, spec: PairSpec, dt: float) -> Pair:
        """A pair that begins with what recordings have taught, ``dt`` seconds a sample."""
        pair = cls(dt)
        pair.beta, pair._n = spec.beta, spec.samples
        pair._mean_y, pair._mean_x = spec.mean_y, spec.mean_x
        pair._s = spec.sd * spec.sd
        pair.noise = pair._s
        pair.variance = 0.0  # the measured ratio moves by ``drift`` alone
        memory = 1.0 / (1.0 - cls.MEMORY)
        pair._sxx = memory * pair._s
        pair._sxy = 0.5 ** (dt / spec.half_life_s) * pair._sxx
        return pair

    @property
    def residual(self) -> float | None:
        """The last, log-odds; None before any observation."""
        return self._last

    def update(self, y: float, x: float) -> None:
        """One synchronised observation of both log-odds."""
        self._n += 1
        weight = max(1.0 - self.MEMORY, 1.0 / self._n)
        self._mean_y += weight * (y - self._mean_y)
        self._mean_x += weight * (x - self._mean_x)
        y, x = y - self._mean_y, x - self._mean_x
        step = kalman_hedge(self.beta, self.variance, y, x, self.noise, self.drift)
        self.beta, self.variance = step.beta, step.variance
        residual = y - self.beta * x
        self._s += weight * (residual * residual - self._s)
        if self._last is not None:
            self._sxx = self.MEMORY * self._sxx + self._last * self._last
            self._sxy = self.MEMORY * self._sxy + self._last * residual
        self._last = residual

    @property
    def alpha(self) -> float:
        return self._mean_y - self.beta * self._mean_x

    @property
    def half_life_s(self) -> float | None:
        """Of the residual; None before there is anything to fit."""
        return half_life(self._sxy / self._sxx, self.dt) if self._sxx > 0.0 else None

    @property
    def z(self) -> float | None:
        """The residual in standard deviations from its mean; None before it has varied."""
        return self._last / sqrt(self._s) if self._last is not None and self._s > 0.0 else None

    def signal(self, rules: PairRules, holding: int, seconds_to_event: float | None = None) -> int:
        """+1 buy the residual, -1 sell it, 0 be out; ``holding`` is what is held now (same signs)."""
        z, life = self.z, self.half_life_s
        if z is None or life is None or self._n < rules.least_samples or abs(z) >= rules.stop:
            return 0
        if seconds_to_event is not None and seconds_to_event < rules.quiet_before_event_s:
            return 0
        if not rules.least_half_life_s <= life <= rules.most_half_life_s:
            return 0
        if holding:
            return holding if abs(z) > rules.leave and (z < 0) == (holding > 0) else 0
        return 0 if abs(z) < rules.enter else (-1 if z > 0 else 1)
