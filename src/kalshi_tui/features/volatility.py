"""Volatility of a probability, as pure functions of returns. Prices are dollars 0..1, times seconds or as
said.

Never feed these last-trade prices: bid-ask bounce dominates any horizon under minutes. Use the mid or
micro-price.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log, pi, sqrt
from statistics import NormalDist

from kalshi_tui.features.formulas import logit

_NORMAL = NormalDist()
_C = sqrt(2.0 / pi)
LEE_MYKLAND_1_PERCENT = 4.600149226776579
"""``-ln(-ln(0.99))``: the 1 % critical value of the Gumbel law."""


def realised_variance(path: Sequence[float]) -> float:
    """Sum of squared changes of a path of prices."""
    return sum((after - before) ** 2 for before, after in pairwise(path))


def realised_logit_variance(path: Sequence[float]) -> float:
    """The same of the log-odds; every price must be inside (0, 1)."""
    return realised_variance([logit(p) for p in path])


def delta_method_vol(p: float, logit_vol: float) -> float:
    """``sigma_p = p (1 - p) sigma_x``: volatility of the price from that of its log-odds (Ito)."""
    return p * (1.0 - p) * logit_vol


def logit_drift(p: float, logit_vol: float) -> float:
    """``(p - 1/2) sigma_x^2``: the drift of the log-odds that makes the price a martingale."""
    return (p - 0.5) * logit_vol * logit_vol


def remaining_variance(p: float) -> float:
    """``p (1 - p)``: expected quadratic variation left until settlement, for any martingale ending in {0,
    1}.
    """
    return p * (1.0 - p)


def bachelier_vol(p: float, time_left: float) -> float:
    """``phi(Phi^-1(p)) / sqrt(T - t)`` per root unit of ``time_left``: a Gaussian number against a strike.

    A prior and a bound: without news in one print, volatility must rise like this towards the close.
    """
    return _NORMAL.pdf(_NORMAL.inv_cdf(p)) / sqrt(time_left)


def parkinson_variance(high: float, low: float) -> float:
    """``(H - L)^2 / (4 ln 2)`` of one bar (Parkinson 1980, additive). Low where prices move seldom: display
    only.
    """
    return (high - low) ** 2 / (4.0 * log(2.0))


def bipower_variation(returns: Sequence[float]) -> float:
    """``(pi / 2) sum |r_i| |r_(i-1)|`` (Barndorff-Nielsen, Shephard 2004): variance without the jumps."""
    return pi / 2.0 * sum(abs(a) * abs(b) for a, b in pairwise(returns))


def jump_share(returns: Sequence[float]) -> float | None:
    """``max(0, 1 - BV / RV)``: how much of the variance came in jumps; None without any movement."""
    total = sum(r * r for r in returns)
    return max(0.0, 1.0 - bipower_variation(returns) / total) if total > 0.0 else None


def lee_mykland_constants(n: int) -> tuple[float, float]:
    """``(C_n, S_n)`` for ``n`` tested returns (Lee, Mykland 2008, RFS 21, 2535-2563)."""
    root = sqrt(2.0 * log(n))
    c_n = root / _C - (log(pi) + log(log(n))) / (2.0 * _C * root)
    return c_n, 1.0 / (_C * root)


def lee_mykland_threshold(n: int, critical: float = LEE_MYKLAND_1_PERCENT) -> float:
    """The ``|L|`` above which one of ``n`` returns is a jump."""
    c_n, s_n = lee_mykland_constants(n)
    return c_n + s_n * critical


def is_jump(change: float, window: Sequence[float], tick: float, tested: int) -> bool:
    """Whether ``change`` is a jump against the returns before it, with the noise floor a tick demands.

    Lee-Mykland on local bipower volatility, but that volatility is at least half a tick per sample and the
    change at least three ticks: without the floor a third of all one-tick moves of a quiet, continuous price
    are flagged. ``window`` holds at least three earlier returns; ``tick`` is in the unit of the returns.
    """
    if abs(change) < 3.0 * tick:
        return False
    products = sum(abs(a) * abs(b) for a, b in pairwise(window))
    sigma = max(sqrt(products / (len(window) - 1)), tick / 2.0)
    return abs(change) / sigma > lee_mykland_threshold(tested)
