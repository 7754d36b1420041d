"""Covariance of what binaries pay: one dollar or nothing, tied together by how their events settle.

A lot is one contract, so variances are in dollars squared and ``n`` in contracts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from kalshi_tui.risk.gaussian import Array, joint_probability


def binary_variance(p: float) -> float:
    """p (1 - p), the variance of one contract; also all the quadratic variation it has left."""
    return p * (1.0 - p)


def exclusive_covariance(p: Sequence[float]) -> Array:
    """Of contracts of which at most one pays: -p_i p_j off the diagonal."""
    values = np.asarray(p, float)
    return np.diag(values) - np.outer(values, values)


def nested_covariance(p: Sequence[float]) -> Array:
    """Of a ladder, each event containing the next: min(p_i, p_j) - p_i p_j."""
    values = np.asarray(p, float)
    covariance: Array = np.minimum.outer(values, values) - np.outer(values, values)
    return covariance


def copula_covariance(p: float, q: float, rho: float) -> float:
    """Of contracts of different events whose latent normals correlate by ``rho``; Frechet-clipped."""
    return float(joint_probability(np.array(p), np.array(q), np.array(rho))) - p * q


def frechet(p: float, q: float) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
    """The least and most that two probabilities allow: (joint probability, covariance, correlation)."""
    low, high = max(0.0, p + q - 1.0), min(p, q)
    sd = sqrt(binary_variance(p) * binary_variance(q))
    covariance = (low - p * q, high - p * q)
    correlation = (covariance[0] / sd, covariance[1] / sd) if sd > 0.0 else (0.0, 0.0)
    return (low, high), covariance, correlation


def tied_covariance(p: Array, outcomes: Array) -> Array:
    """Of one group's contracts from its possible outcomes (outcomes x markets, 0/1), whatever their kind.

    Two markets of which one always pays with the other are nested, two that never pay together exclusive, two
    of which one always pays cover everything; anything else is taken as independent within those bounds.
    """
    size = len(p)
    joint = np.outer(p, p)
    for i in range(size):
        for j in range(size):
            a, b = outcomes[:, i] > 0, outcomes[:, j] > 0
            joint[i, j] = _joint(float(p[i]), float(p[j]), a, b)
    return joint - np.outer(p, p)


def _joint(p: float, q: float, a: np.ndarray, b: np.ndarray) -> float:
    low, high = max(0.0, p + q - 1.0), min(p, q)
    if not (a & ~b).any() or not (b & ~a).any():
        return high
    if not (a & b).any():
        return 0.0 if low <= 0.0 else low
    if not (~a & ~b).any():
        return low
    return min(max(p * q, low), high)


def portfolio_variance(covariance: Array, n: Array) -> float:
    """n' S n, never below zero."""
    return max(float(n @ covariance @ n), 0.0)


def component_sd(covariance: Array, n: Array) -> tuple[float, Array]:
    """(sd, each position's share of it): n_i (S n)_i / sd. The shares sum to sd; a negative one hedges."""
    g = covariance @ n
    sd = sqrt(max(float(n @ g), 0.0))
    return sd, (n * g / sd if sd > 0.0 else np.zeros_like(n))


def horizon_variance(sigma_p: Array, correlation: Array, n: Array, seconds: float) -> float:
    """n' D R D n H: the variance over a horizon, from volatilities (dollars per root second) of the prices."""
    scaled = n * sigma_p
    return portfolio_variance(correlation, scaled) * seconds


EXACT_MARKETS = 10
"""With at most this many markets carrying orders every combination of their fills is tried."""


def worst_sd(covariance: Array, n: Array, bids: Array, asks: Array, groups: Sequence[slice] = ()) -> float:
    """The largest sd that fills of open orders can lead to: each market anywhere in n - asks .. n + bids.

    The sd is convex, so the largest lies at a corner. Up to ``EXACT_MARKETS`` markets all corners are tried.
    Beyond that, the lesser of two upper bounds: sd(n) plus the larger side of each market times its own sd; and
    each group (``groups``, which cover all markets in order) at its own worst plus what the groups' largest
    positions can share.
    """
    busy = np.flatnonzero((bids > 0) | (asks > 0))
    if len(busy) <= EXACT_MARKETS:
        return sqrt(_largest_corner(covariance, n, bids, asks, busy))
    own = np.sqrt(np.diag(covariance))[busy]
    bound = component_sd(covariance, n)[0] + float((np.maximum(bids, asks)[busy] * own).sum())
    return min(bound, _grouped_bound(covariance, n, bids, asks, groups)) if groups else bound


def worst_sd_bound(covariance: Array, sizes: Array, n: Array, bids: Array, asks: Array) -> float:
    """Never below the true worst sd, and quick: what fills share with what is held is taken at its worst market by
    market, what they share with each other as if everything added up. ``sizes`` is the covariance without signs.
    """
    held = covariance @ n
    with_held = np.maximum(bids * held, -asks * held).sum()
    most = np.maximum(bids, asks)
    return sqrt(max(float(n @ held + 2.0 * with_held + most @ sizes @ most), 0.0))


def _largest_corner(covariance: Array, n: Array, bids: Array, asks: Array, busy: NDArray[np.intp]) -> float:
    """The largest variance over all corners of the markets in ``busy``: (n + c)' S (n + c) for every fill c."""
    held = covariance @ n
    fills = np.where(_corners(len(busy)), bids[busy], -asks[busy])
    inside = covariance[np.ix_(busy, busy)]
    changes = ((fills @ inside + 2.0 * held[busy]) * fills).sum(axis=1)
    return max(float(n @ held + changes.max()), 0.0)


@lru_cache(maxsize=EXACT_MARKETS + 1)
def _corners(markets: int) -> NDArray[np.bool_]:
    """Every combination of yes and no, one a row."""
    rows: NDArray[np.bool_] = ((np.arange(2**markets)[:, None] >> np.arange(markets)) & 1) == 1
    return rows


def _grouped_bound(covariance: Array, n: Array, bids: Array, asks: Array, groups: Sequence[slice]) -> float:
    apart = covariance.copy()
    total = 0.0
    for part in groups:
        block = covariance[part, part]
        total += worst_sd(block, n[part], bids[part], asks[part]) ** 2
        apart[part, part] = 0.0
    largest = np.maximum(np.abs(n + bids), np.abs(n - asks))
    return sqrt(total + float(largest @ np.abs(apart) @ largest))
