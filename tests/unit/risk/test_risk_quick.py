"""R3's quick answers: never kinder than the slow ones they stand for."""

from __future__ import annotations

from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_tui.risk.covariance import worst_sd, worst_sd_bound
from kalshi_tui.risk.r3_model import outcome_probabilities


@given(seed=st.integers(0, 100_000), markets=st.integers(1, 6))
def test_the_quick_bound_is_never_below_the_worst_corner(seed: int, markets: int) -> None:
    draw = np.random.default_rng(seed)
    root = draw.normal(size=(markets, markets)) * 0.4
    covariance = root @ root.T
    n = draw.integers(-30, 30, markets).astype(float)
    bids, asks = draw.integers(0, 20, markets).astype(float), draw.integers(0, 20, markets).astype(float)
    worst = 0.0
    for corner in product((0, 1, 2), repeat=markets):
        at = n + np.choose(np.array(corner), [np.zeros(markets), bids, -asks])
        worst = max(worst, sqrt(max(float(at @ covariance @ at), 0.0)))
    assert worst_sd(covariance, n, bids, asks) == pytest.approx(worst, rel=1e-9, abs=1e-9)
    assert worst_sd_bound(covariance, np.abs(covariance), n, bids, asks) >= worst - 1e-9


def test_coherent_prices_are_met_exactly() -> None:
    ladder = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]], float)
    chances = np.array([0.7, 0.4, 0.15])
    assert outcome_probabilities(ladder, chances) == pytest.approx([0.3, 0.3, 0.25, 0.15])


def test_prices_that_contradict_each_other_get_a_compromise() -> None:
    exclusive = np.array([[1, 0], [0, 1], [0, 0]], float)
    weights = outcome_probabilities(exclusive, np.array([0.7, 0.6]))
    assert weights.sum() == pytest.approx(1.0)
    assert weights.min() >= 0.0
