"""How good a forecast or a strategy was, and how much data a claim about it needs: published definitions, for
reports and for whoever works on recorded tapes."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log, sqrt
from statistics import NormalDist

NORMAL = NormalDist()


def brier(chances: Sequence[float], outcomes: Sequence[int]) -> float:
    """Mean squared distance of the forecast probability from the outcome (0 or 1). ``ValueError`` for none."""
    return _mean([(p - y) ** 2 for p, y in zip(chances, outcomes, strict=True)])


def log_score(chances: Sequence[float], outcomes: Sequence[int]) -> float:
    """Mean of minus the log of the probability given to what happened (nats); infinite for a sure miss."""
    given = [p if y else 1.0 - p for p, y in zip(chances, outcomes, strict=True)]
    return _mean([-log(p) if p > 0.0 else float("inf") for p in given])


def probabilistic_sharpe(
    sharpe: float, days: int, skew: float = 0.0, kurtosis: float = 3.0, benchmark: float = 0.0
) -> float:
    """Chance that the true Sharpe ratio exceeds ``benchmark`` (both per day), after ``days`` returns with this
    skew and kurtosis (3 for a normal). Bailey and Lopez de Prado, 2012."""
    if days < 2:
        raise ValueError("a Sharpe ratio needs at least two days")
    spread = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    return NORMAL.cdf((sharpe - benchmark) * sqrt(days - 1) / sqrt(spread))


def paired_sample_size(deviation: float, difference: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Independent pairs that a one-sided test at ``alpha`` needs to see a mean ``difference`` with this chance,
    where single differences have this standard ``deviation``: ``((z_alpha + z_power) sd / difference)^2``."""
    if difference == 0.0:
        raise ValueError("no number of pairs shows a difference of nothing")
    z = NORMAL.inv_cdf(1.0 - alpha) + NORMAL.inv_cdf(power)
    return ceil((z * deviation / difference) ** 2)


def _mean(values: Sequence[float]) -> float:
    if not values:
        raise ValueError("there is nothing to score")
    return sum(values) / len(values)
