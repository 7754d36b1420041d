"""Correlation matrices: estimated, shrunk toward what is known of the events, and made valid.

Sources: Ledoit and Wolf 2004 (shrinkage toward a scaled identity); Higham 2002 (nearest correlation matrix by
alternating projections with Dykstra's correction).
"""

from __future__ import annotations

import numpy as np

from kalshi_tui.risk.gaussian import Array

FLOOR = 1e-8
"""Smallest eigenvalue of a repaired matrix."""
PRIOR_WEIGHT = 500
"""Observations the prior is worth."""
WINSOR = 5.0
"""Increments beyond this many standard deviations (of a robust estimate) are pulled in: prints are no habit."""


def ledoit_wolf(samples: Array) -> tuple[Array, float]:
    """(shrunk covariance, shrinkage in 0..1) of ``samples`` (observations x variables), means removed."""
    n, width = samples.shape
    centred = samples - samples.mean(axis=0)
    covariance = centred.T @ centred / n
    mean_variance = np.trace(covariance) / width
    target = mean_variance * np.eye(width)
    distance = ((covariance - target) ** 2).sum() / width
    squares = centred**2
    noise = ((squares.T @ squares) / n - covariance**2).sum() / (n * width)
    shrinkage = 0.0 if distance <= 0.0 else min(max(noise / distance, 0.0), 1.0)
    return (1.0 - shrinkage) * covariance + shrinkage * target, float(shrinkage)


def estimate(increments: Array, prior: Array) -> Array:
    """The correlation of logit ``increments`` (observations x events), blended with ``prior``.

    Large increments are winsorised, the sample is shrunk, then weighs n / (n + 500) against the prior. Rows with
    a missing value are left out; with fewer than three rows, or a silent column, the prior stands there.
    """
    rows = increments[np.isfinite(increments).all(axis=1)]
    n = len(rows)
    if n < 3:
        return nearest_correlation(prior)
    scale = 1.4826 * np.median(np.abs(rows - np.median(rows, axis=0)), axis=0)
    scale = np.where(scale > 0.0, scale, rows.std(axis=0))
    covariance, _ = ledoit_wolf(np.clip(rows, -WINSOR * scale, WINSOR * scale))
    sd = np.sqrt(np.diag(covariance))
    known = np.outer(scale > 0.0, scale > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        sample = np.where(known, covariance / np.outer(sd, sd), prior)
    weight = n / (n + PRIOR_WEIGHT)
    return nearest_correlation(weight * sample + (1.0 - weight) * prior)


def nearest_correlation(matrix: Array, rounds: int = 200, tolerance: float = 1e-9) -> Array:
    """The correlation matrix nearest to ``matrix`` (Frobenius); eigenvalues at least ``FLOOR``."""
    symmetric = (matrix + matrix.T) / 2.0
    if np.linalg.eigvalsh(symmetric)[0] >= FLOOR and np.allclose(np.diag(symmetric), 1.0):
        return symmetric
    correction = np.zeros_like(symmetric)
    nearest = symmetric.copy()
    for _ in range(rounds):
        shifted = nearest - correction
        projected = _positive(shifted, 0.0)
        correction = projected - shifted
        previous, nearest = nearest, projected.copy()
        np.fill_diagonal(nearest, 1.0)
        if np.abs(nearest - previous).max() < tolerance:
            break
    return _unit_diagonal(_positive(nearest, FLOOR))


def repair_covariance(covariance: Array) -> Array:
    """``covariance`` with negative eigenvalues lifted to zero: pairwise bounds alone do not make it valid."""
    symmetric = (covariance + covariance.T) / 2.0
    if not len(symmetric) or np.linalg.eigvalsh(symmetric)[0] >= 0.0:
        return symmetric
    return _positive(symmetric, 0.0)


def _positive(matrix: Array, floor: float) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    raised: Array = (vectors * np.maximum(values, floor)) @ vectors.T
    return (raised + raised.T) / 2.0


def _unit_diagonal(matrix: Array) -> Array:
    sd = np.sqrt(np.diag(matrix))
    scaled: Array = matrix / np.outer(sd, sd)
    return scaled
