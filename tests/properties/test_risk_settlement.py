"""R3's invariants and the scenario matrix against brute force."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import StrikeType
from kalshi_tui.protocol.orders import NewOrder
from kalshi_tui.protocol.quotes import Decision
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, ONE, SECOND, Side
from kalshi_tui.risk.base import MarketExposure, RiskState
from kalshi_tui.risk.correlation import nearest_correlation, repair_covariance
from kalshi_tui.risk.covariance import (
    component_sd,
    exclusive_covariance,
    frechet,
    nested_covariance,
    portfolio_variance,
    tied_covariance,
    worst_sd,
)
from kalshi_tui.risk.gaussian import Array, joint_probability
from kalshi_tui.risk.r3 import R3, R3Params
from kalshi_tui.risk.r3_model import SettlementModel, outcome_probabilities
from kalshi_tui.risk.scenarios import event_worst, groups, outcome_values

chances = st.floats(0.0, 1.0)
inner = st.floats(0.01, 0.99)
lots = st.integers(-50, 50)


@st.composite
def matrices(draw: st.DrawFn, size: int = 4) -> Array:
    values = draw(st.lists(st.floats(-1.0, 1.0), min_size=size * size, max_size=size * size))
    raw = np.array(values).reshape(size, size)
    matrix: Array = (raw + raw.T) / 2.0
    np.fill_diagonal(matrix, 1.0)
    return matrix


@given(chances, chances, st.floats(-1.0, 1.0))
def test_joint_probabilities_respect_the_frechet_bounds(p: float, q: float, rho: float) -> None:
    (low, high), _, _ = frechet(p, q)
    joint = float(joint_probability(np.array(p), np.array(q), np.array(rho)))
    assert low - 1e-12 <= joint <= high + 1e-12
    assert joint == pytest.approx(float(joint_probability(np.array(q), np.array(p), np.array(rho))))


@given(inner, inner, st.floats(-0.9, 0.9))
def test_relabelling_yes_and_no_flips_the_correlation(p: float, q: float, rho: float) -> None:
    joint = float(joint_probability(np.array(p), np.array(q), np.array(rho)))
    other = float(joint_probability(np.array(1 - p), np.array(q), np.array(-rho)))
    assert joint + other == pytest.approx(q, abs=1e-9)


@given(matrices())
def test_repaired_matrices_are_valid(matrix: Array) -> None:
    nearest = nearest_correlation(matrix)
    assert np.linalg.eigvalsh(nearest)[0] >= -1e-9
    assert np.allclose(np.diag(nearest), 1.0)
    assert (np.abs(nearest) <= 1.0 + 1e-9).all()
    assert np.linalg.eigvalsh(repair_covariance(matrix))[0] >= -1e-9


@given(st.lists(inner, min_size=2, max_size=6), st.data())
def test_a_complete_exclusive_set_held_evenly_has_no_risk(raw: list[float], data: st.DataObject) -> None:
    p = [x / sum(raw) for x in raw]
    n = np.full(len(p), float(data.draw(lots)))
    assert portfolio_variance(exclusive_covariance(p), n) == pytest.approx(0.0, abs=1e-9)


@given(st.lists(inner, min_size=2, max_size=5), st.data())
def test_components_sum_to_the_sd_and_order_does_not_matter(p: list[float], data: st.DataObject) -> None:
    n = np.array([float(data.draw(lots)) for _ in p])
    covariance = nested_covariance(sorted(p, reverse=True))
    sd, parts = component_sd(covariance, n)
    assert parts.sum() == pytest.approx(sd, abs=1e-9)
    order = data.draw(st.permutations(range(len(p))))
    shuffled, _ = component_sd(covariance[np.ix_(order, order)], n[list(order)])
    assert shuffled == pytest.approx(sd)


@given(st.lists(inner, min_size=2, max_size=5), st.data())
def test_relabelling_yes_and_no_of_a_position_leaves_its_variance(
    p: list[float], data: st.DataObject
) -> None:
    """A ladder whose first market is written as its NO: n YES at p is -n NO at 1 - p."""
    chances = sorted(p, reverse=True)
    n = np.array([float(data.draw(lots)) for _ in p])
    outcomes = np.array([[float(i < k) for i in range(len(p))] for k in range(len(p) + 1)])
    relabelled, mirror, held = outcomes.copy(), np.array(chances), n.copy()
    relabelled[:, 0], mirror[0], held[0] = 1.0 - outcomes[:, 0], 1.0 - chances[0], -n[0]
    ours = portfolio_variance(tied_covariance(np.array(chances), outcomes), n)
    theirs = portfolio_variance(tied_covariance(mirror, relabelled), held)
    assert ours == pytest.approx(theirs, abs=1e-6)


@given(
    st.lists(st.floats(-2, 2), min_size=16, max_size=16), st.lists(lots, min_size=4, max_size=4), st.data()
)
def test_a_hedge_lowers_the_sd_and_what_is_no_hedge_raises_it(
    raw: list[float], held: list[int], data: st.DataObject
) -> None:
    """The sign of the marginal says which: against it the sd falls up to twice the step that is best."""
    factor = np.array(raw).reshape(4, 4)
    covariance, n = factor @ factor.T, np.array(held, float)
    g = covariance @ n
    i = data.draw(st.integers(0, 3))
    assume(covariance[i, i] > 1e-3 and abs(g[i]) > 1e-3)
    best = -g[i] / covariance[i, i]
    sd, components = component_sd(covariance, n)
    assert np.sign(components[i]) == np.sign(g[i]) * np.sign(n[i])
    share = data.draw(st.floats(0.01, 1.99))
    for step, lower in ((share * best, True), (-share * best, False)):
        moved = n.copy()
        moved[i] += step
        after, _ = component_sd(covariance, moved)
        assert (after < sd) == lower


@settings(max_examples=60)
@given(inner, inner, st.integers(1, 200), st.integers(1, 200))
def test_r3_lets_pass_what_lowers_the_sd_and_nothing_else_past_its_cap(
    p: float, q: float, held: int, wanted: int
) -> None:
    """Two outcomes of one exclusive event; the cap is below what is held, so only a hedge may be sent."""
    assume(p + q < 0.99)
    sd = held * (p * (1 - p)) ** 0.5
    pair = [
        MarketExposure(t, "E", position=0, cost=0, fair=f, mutually_exclusive=True)
        for t, f in (("A", p), ("B", q))
    ]
    pair[0].position = held * CONTRACT
    engine = R3(R3Params(sd=max(round(sd * 0.9 * DOLLAR), 1), es99=10**9 * DOLLAR, theme_share=1000))
    now = RiskState(Instant(0, SECOND), {m.ticker: m for m in pair}, cash=10**12)
    covariance, n = exclusive_covariance([p, q]), np.array([float(held), 0.0])
    for side in Side:
        verdict = engine.review(now, NewOrder("c", "B", side, 5000, wanted * CONTRACT))
        after = portfolio_variance(covariance, n + np.array([0.0, wanted * float(side.sign)])) ** 0.5
        if after > sd * (1 + 1e-9):
            within = after <= sd * 0.9
            assert verdict.decision is Decision.REFUSE or within
        elif after < sd * (1 - 1e-9):
            assert verdict.decision is Decision.ALLOW


@settings(max_examples=50)
@given(st.data())
def test_the_bound_on_fills_holds_at_every_corner(data: st.DataObject) -> None:
    size = 5
    factor = np.array(data.draw(st.lists(st.floats(-2, 2), min_size=size**2, max_size=size**2))).reshape(
        size, size
    )
    covariance = factor @ factor.T
    n, bids, asks = (
        np.array([float(data.draw(st.integers(low, 30))) for _ in range(size)]) for low in (-30, 0, 0)
    )
    exact = max(
        component_sd(covariance, n + np.where(np.array(corner), bids, -asks))[0]
        for corner in product((0, 1), repeat=size)
    )
    assert worst_sd(covariance, n, bids, asks) == pytest.approx(
        max(exact, component_sd(covariance, n)[0]), rel=1e-6, abs=1e-6
    )
    # Padded beyond what is enumerated, the bounds take over: never below the truth.
    wide = np.zeros((12, 12))
    wide[:size, :size] = covariance
    pad = np.full(12 - size, 1e-9)
    padded = [np.concatenate([x, pad]) for x in (n, bids, asks)]
    for parts in ((), (slice(0, 3), slice(3, 12))):
        assert worst_sd(wide, padded[0], padded[1], padded[2], parts) >= exact - 1e-5


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["E1", "E2", "E3"]), inner, st.booleans()), min_size=1, max_size=6))
def test_models_are_valid_whatever_the_markets(rows: list[tuple[str, float, bool]]) -> None:
    markets = [
        MarketExposure(f"M{i}", event, position=0, fair=p, mutually_exclusive=exclusive)
        for i, (event, p, exclusive) in enumerate(rows)
    ]
    model = SettlementModel(markets, lambda a, b: 0.8 if a.event_ticker == b.event_ticker else 0.3)
    for covariance in (model.independent, model.related):
        assert np.linalg.eigvalsh(covariance)[0] >= -1e-9
    assert model.related.shape == (len(rows), len(rows))


@given(st.lists(inner, min_size=1, max_size=5))
def test_fitted_outcomes_reproduce_a_coherent_ladder(p: list[float]) -> None:
    chances = sorted(p, reverse=True)
    ladder = np.array([[1.0 if i < k else 0.0 for i in range(len(p))] for k in range(len(p) + 1)])
    weights = outcome_probabilities(ladder, np.array(chances))
    assert weights @ ladder == pytest.approx(chances, abs=0.02)
    assert weights.sum() == pytest.approx(1.0)


@st.composite
def ladders(draw: st.DrawFn) -> list[MarketExposure]:
    found = []
    for i in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from([StrikeType.GREATER, StrikeType.LESS_OR_EQUAL, StrikeType.BETWEEN]))
        low = draw(st.integers(0, 5))
        market = MarketExposure(
            f"M{i}",
            "E",
            position=draw(lots) * CONTRACT,
            cost=draw(st.integers(-50, 50)) * 100_000,
            strike_type=kind,
            floor_strike=float(low) if kind is not StrikeType.LESS_OR_EQUAL else None,
            cap_strike=float(low + draw(st.integers(0, 2))) if kind is not StrikeType.GREATER else None,
        )
        for side in Side:
            market.hold(side, draw(st.integers(1, 99)) * 100, draw(st.integers(0, 20)) * CONTRACT)
        found.append(market)
    return found


@given(ladders())
def test_the_scenario_matrix_is_every_number_settled_by_hand(markets: list[MarketExposure]) -> None:
    """Each half step of the line is tried: P&L with hurting orders filled, never below the matrix's least."""
    (group,) = groups(markets)
    listed = {(v.now, v.if_hit) for v in outcome_values(group)}
    tried = set()
    for half in range(-2, 18):
        x = half / 2.0
        now = hit = 0
        for m in markets:
            yes = _settles_yes(m, x)
            pnl = ((m.position or 0) * ONE if yes else 0) - (m.cost or 0)
            now += pnl
            hit += pnl - (m.open_ask_risk if yes else m.open_bid_risk)
        tried.add((now, hit))
    assert tried == listed
    assert event_worst(markets) == min(hit for _, hit in tried)


def _settles_yes(market: MarketExposure, x: float) -> bool:
    floor, cap = market.floor_strike, market.cap_strike
    if market.strike_type is StrikeType.GREATER:
        return floor is not None and x > floor
    if market.strike_type is StrikeType.LESS_OR_EQUAL:
        return cap is not None and x <= cap
    return floor is not None and cap is not None and floor <= x <= cap
