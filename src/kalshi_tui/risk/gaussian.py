"""The normal distribution in two dimensions, without scipy.

Source: Plackett 1954, d Phi2 / d rho = phi2; with rho = sin(theta) the integrand is smooth up to |rho| = 1, and 20
Gauss-Legendre nodes agree with adaptive quadrature to 1e-12 for |rho| <= 0.99.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_NORMAL = NormalDist()
TINY = 1e-12
"""Probabilities are kept this far from 0 and 1, where the quantile is infinite."""
MOST_RHO = 0.9999


def quantile(p: float) -> float:
    """The standard normal quantile of a probability; ``ValueError`` unless it is a number in 0..1."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{p!r} is not a probability")
    return _NORMAL.inv_cdf(min(max(p, TINY), 1.0 - TINY))


def quantiles(p: Array) -> Array:
    """``quantile`` of every element; ``ValueError`` unless all are in 0..1."""
    if not ((p >= 0.0) & (p <= 1.0)).all():
        raise ValueError("not every one of these is a probability")
    inside = np.clip(p, TINY, 1.0 - TINY).ravel().tolist()
    found: Array = np.fromiter(map(_NORMAL.inv_cdf, inside), float, len(inside)).reshape(p.shape)
    return found


def joint_probability(p: Array, q: Array, rho: Array) -> Array:
    """P(A and B) of events with probabilities ``p``, ``q`` and latent normal correlation ``rho``; elementwise.

    Always within the Frechet bounds max(0, p + q - 1) and min(p, q).
    """
    p, q, rho = np.asarray(p, float), np.asarray(q, float), np.asarray(rho, float)
    # The quantiles before broadcasting: they are the dear part, and a matrix repeats them.
    return joint_beyond(p, q, quantiles(p), quantiles(q), rho)


def joint_beyond(p: Array, q: Array, p_quantile: Array, q_quantile: Array, rho: Array) -> Array:
    """``joint_probability`` where the quantiles of ``p`` and ``q`` are known."""
    h, k = p_quantile[..., None], q_quantile[..., None]
    end = np.arcsin(np.clip(rho, -MOST_RHO, MOST_RHO))[..., None]
    theta = end * (_NODES + 1.0) / 2.0
    exponent = -(h * h + k * k - 2.0 * h * k * np.sin(theta)) / (2.0 * np.cos(theta) ** 2)
    integral = (np.exp(exponent) * _WEIGHTS).sum(axis=-1) * end[..., 0] / 2.0
    joint = p * q + integral / (2.0 * np.pi)
    bounded: Array = np.clip(joint, np.maximum(p + q - 1.0, 0.0), np.minimum(p, q))
    return bounded
