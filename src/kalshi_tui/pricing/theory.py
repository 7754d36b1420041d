"""Market-making theory as pure functions. Prices are dollars 0..1 unless a formula is in ticks or
log-odds.
"""

from __future__ import annotations

from math import exp, log1p, sqrt, tanh

from msgspec import Struct

from kalshi_tui.features.formulas import expit, logit
from kalshi_tui.features.volatility import remaining_variance


class Band(Struct, frozen=True, gc=False):
    """A bid and an ask around the price a maker is indifferent at."""

    bid: float
    reservation: float
    ask: float


def avellaneda_stoikov(
    mid: float, position: float, gamma: float, variance: float, k: float
) -> tuple[float, float]:
    """``(reservation, half-spread)`` (Avellaneda, Stoikov 2008).

    r = s - q gamma V, half = gamma V / 2 + ln(1 + gamma / k) / gamma, with ``position`` in contracts,
    ``gamma`` per dollar, ``k`` per dollar, and ``variance`` V the variance in squared dollars per contract
    over the horizon: ``horizon_variance`` for a binary.
    """
    return mid - position * gamma * variance, gamma * variance / 2.0 + log1p(gamma / k) / gamma


def horizon_variance(p: float, variance_rate: float, horizon: float) -> float:
    """``min(sigma^2 H, p (1 - p))``: no martingale that ends in {0, 1} can vary more."""
    return min(variance_rate * horizon, remaining_variance(p))


def glft(
    xi: float, gamma: float, size: float, intensity: float, k: float, sigma: float
) -> tuple[float, float]:
    """``(half-spread, skew per contract)`` of the stationary solution (Gueant 2016, arXiv 1605.01862,
    4.6-4.7).

    Orders of ``size`` contracts fill at ``intensity * exp(-k delta)``; ``sigma`` and the results are in
    ticks.
    """
    c1, c2 = glft_constants(xi, gamma, size, intensity, k)
    return c1 + size * sigma * c2 / 2.0, sigma * c2


def glft_constants(xi: float, gamma: float, size: float, intensity: float, k: float) -> tuple[float, float]:
    """``(c1, c2)`` of ``glft``."""
    ratio = xi * size / k
    c1 = log1p(ratio) / (xi * size)
    c2 = sqrt(gamma / (2.0 * intensity * size * k) * (1.0 + ratio) ** (1.0 / ratio + 1.0))
    return c1, c2


def logit_avellaneda_stoikov(p: float, position: float, gamma: float, variance: float, k: float) -> Band:
    """The same in log-odds: always inside (0, 1). ``gamma`` and ``k`` are per unit of log-odds,
    ``variance`` the belief's over the horizon (Dalen 2025, arXiv 2510.15205)."""
    x = logit(p) - position * gamma * variance
    half = gamma * variance / 2.0 + log1p(gamma / k) / gamma
    return Band(expit(x - half), expit(x), expit(x + half))


def glosten_milgrom(p: float, informed: float) -> Band:
    """Zero-profit quotes against a share ``informed`` (0..1) of takers who know the outcome."""
    up, down = 1.0 + informed, 1.0 - informed
    bid = p * down / (p * down + (1.0 - p) * up)
    ask = p * up / (p * up + (1.0 - p) * down)
    return Band(bid, p, ask)


def glosten_milgrom_logit_half(informed: float) -> float:
    """``ln((1 + a) / (1 - a))``: the half-spread in log-odds, the same at every price."""
    return log1p(informed) - log1p(-informed)


def informed_share(markout: float, p: float) -> float:
    """``tanh(d / 2)``, ``d = markout / (p (1 - p))``: the informed share whose Glosten-Milgrom half-spread in
    log-odds is d. ``markout`` is the mean run against a maker in dollars; 0 where it is not positive."""
    return tanh(markout / (2.0 * p * (1.0 - p))) if markout > 0.0 else 0.0


def adverse_half_spread(markout: float, p: float) -> float:
    """Half the Glosten-Milgrom spread (dollars) for an observed ``markout`` at price ``p``, 0 < p < 1.

    Half of ask - bid = 4 p (1 - p) a / (1 - a^2 (2 p - 1)^2); close to ``markout`` itself while that is
    small.
    """
    informed = informed_share(markout, p)
    centred = 2.0 * p - 1.0
    return 2.0 * p * (1.0 - p) * informed / (1.0 - informed * informed * centred * centred)


def expected_maker_pnl(p: float, informed: float, half_spread: float) -> float:
    """Dollars a maker at ``p -+ half_spread`` earns per trade against Glosten-Milgrom takers.

    The uninformed pay the half-spread on either side; the informed buy when the outcome is YES (probability
    p) and sell otherwise. h - a / 2 at p = 1/2.
    """
    against_informed = p * (p + half_spread - 1.0) + (1.0 - p) * (half_spread - p)
    return (1.0 - informed) * half_spread + informed * against_informed


def fill_intensity(intensity: float, k: float, distance: float) -> float:
    """``A exp(-k delta)``: fills per unit of time at ``distance`` from the mid (same unit as 1 / k)."""
    return intensity * exp(-k * distance)
