"""Fair values that agree across the strikes of one event. A smoothing, not an arbitrage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from kalshi_tui.pricing.outcomes import OutcomeSpace


def isotonic(values: Sequence[float], weights: Sequence[float], increasing: bool = False) -> list[float]:
    """The weighted least-squares fit that never rises (or never falls): pool adjacent violators, O(n).

    ``P(X > a)`` must not rise with ``a``. Weights are positive, for instance touch depth over spread.
    """
    if len(values) != len(weights) or any(not weight > 0.0 for weight in weights):
        raise ValueError("isotonic needs one positive weight per value")
    sign = 1.0 if increasing else -1.0
    pools: list[tuple[float, float, int]] = []  # (mean, weight, length)
    for value, weight in zip(values, weights, strict=True):
        mean, total, length = sign * value, weight, 1
        while pools and pools[-1][0] > mean:
            before, heavy, count = pools.pop()
            mean = (before * heavy + mean * total) / (heavy + total)
            total, length = heavy + total, length + count
        pools.append((mean, total, length))
    return [sign * mean for mean, _, length in pools for _ in range(length)]


def bracket_price(p_above_low: float, p_above_high: float) -> float:
    """``P(a < X <= b) = P(X > a) - P(X > b)``."""
    return p_above_low - p_above_high


def coherent_fairs(
    space: OutcomeSpace, fairs: Mapping[str, float], weights: Mapping[str, float]
) -> dict[str, float]:
    """Fair values nearest to ``fairs`` (weighted least squares) that no relation of ``space`` contradicts.

    A nested ladder is made monotone; an exclusive set must not sum above 1, an exhaustive one not below.
    Markets without a fair value are left out. Empty where the event is neither (nothing is claimed).
    """
    known = [ticker for ticker in space.tickers if ticker in fairs]
    if len(known) < 2:
        return {}
    columns = {ticker: [row[i] for row in space.pays] for i, ticker in enumerate(space.tickers)}
    narrow_first = sorted(known, key=lambda ticker: sum(columns[ticker]))
    if all(space.implies(a, b) for a, b in pairwise(narrow_first)):
        fitted = isotonic(
            [fairs[t] for t in narrow_first], [weights[t] for t in narrow_first], increasing=True
        )
        return dict(zip(narrow_first, fitted, strict=True))
    if not space.exclusive:
        return {}
    total = sum(fairs[t] for t in known)
    complete = space.exhaustive and len(known) == len(space.tickers)
    if total <= 1.0 and not complete:
        return {ticker: fairs[ticker] for ticker in known}
    return _onto_simplex({t: fairs[t] for t in known}, weights)


def _onto_simplex(fairs: Mapping[str, float], weights: Mapping[str, float]) -> dict[str, float]:
    """The weighted nearest point with sum 1 and no negative part: shift by lambda / weight, drop what goes
    under.
    """
    active = list(fairs)
    while True:
        excess = (sum(fairs[t] for t in active) - 1.0) / sum(1.0 / weights[t] for t in active)
        moved = {t: fairs[t] - excess / weights[t] for t in active}
        under = [t for t in active if moved[t] < 0.0]
        if not under:
            return {t: moved.get(t, 0.0) for t in fairs}
        active = [t for t in active if t not in under]
