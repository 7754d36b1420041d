from __future__ import annotations

from math import nan, sqrt

import numpy as np
import pytest
from risk_kit import market, order, state
from scipy import stats

from kalshi_tui.protocol.market import StrikeType
from kalshi_tui.protocol.quotes import Alert, Decision
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, Side
from kalshi_tui.risk.correlation import estimate, ledoit_wolf, nearest_correlation, repair_covariance
from kalshi_tui.risk.covariance import horizon_variance, tied_covariance, worst_sd
from kalshi_tui.risk.gaussian import joint_probability, quantile
from kalshi_tui.risk.r3 import R3, R3Params
from kalshi_tui.risk.r3_model import SettlementModel, outcome_probabilities

PARAMS = R3Params(sd=40 * DOLLAR, es99=100 * DOLLAR, theme_share=1000)


def no_correlation(*_: object) -> float:
    return 0.0


def test_the_joint_probability_agrees_with_scipy() -> None:
    generator = np.random.default_rng(7)
    for _ in range(60):
        p, q, rho = *generator.uniform(0.02, 0.98, 2), generator.uniform(-0.98, 0.98)
        mine = joint_probability(np.array(p), np.array(q), np.array(rho))
        normal = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]], abseps=1e-12, releps=1e-12)
        assert float(mine) == pytest.approx(normal.cdf([quantile(p), quantile(q)]), abs=1e-9)


def test_certain_events_stay_within_their_bounds() -> None:
    p = np.array([0.0, 1.0, 1.0, 0.5])
    q = np.array([0.4, 0.4, 1.0, 0.5])
    joint = joint_probability(p, q, np.array([0.9, -0.9, 0.5, 1.0]))
    assert joint == pytest.approx([0.0, 0.4, 1.0, 0.5], abs=5e-3)
    with pytest.raises(ValueError, match="not a probability"):
        quantile(nan)


def test_shrinkage_agrees_with_its_definition() -> None:
    """A second, slower reading of Ledoit and Wolf 2004: beta^2 / delta^2 by sums over observations."""
    samples = np.random.default_rng(3).normal(size=(40, 5)) @ np.diag([1, 2, 3, 1, 0.5])
    covariance, shrinkage = ledoit_wolf(samples)
    centred = samples - samples.mean(axis=0)
    n, width = centred.shape
    s = sum(np.outer(x, x) for x in centred) / n
    target = np.trace(s) / width * np.eye(width)
    delta = np.sum((s - target) ** 2)
    beta = min(sum(np.sum((np.outer(x, x) - s) ** 2) for x in centred) / n**2, delta)
    assert shrinkage == pytest.approx(beta / delta, rel=1e-9)
    assert covariance == pytest.approx((1 - shrinkage) * s + shrinkage * target)
    assert ledoit_wolf(np.eye(3)[[0, 1, 2]] * 0.0)[1] == 0.0


def test_an_estimate_leans_on_the_prior_until_it_has_seen_enough() -> None:
    generator = np.random.default_rng(11)
    prior = np.eye(2)
    mixed = generator.normal(size=(20_000, 2)) @ np.linalg.cholesky([[1, 0.8], [0.8, 1]]).T
    assert estimate(mixed, prior)[0, 1] == pytest.approx(0.8 * 20_000 / 20_500, abs=0.02)
    assert estimate(mixed[:100], prior)[0, 1] < 0.2
    assert estimate(mixed[:2], np.array([[1, 0.5], [0.5, 1]]))[0, 1] == 0.5
    mixed[5] = (1e6, -1e6)
    mixed[6] = (nan, 0.0)
    assert estimate(mixed, prior)[0, 1] > 0.7, "one print is no habit"


def test_repair_makes_matrices_valid() -> None:
    broken = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    nearest = nearest_correlation(broken)
    assert np.linalg.eigvalsh(nearest)[0] >= 0.0
    assert np.diag(nearest) == pytest.approx(np.ones(3))
    valid = np.array([[1, 0.3], [0.3, 1]])
    assert nearest_correlation(valid) is not broken
    assert nearest_correlation(valid) == pytest.approx(valid)
    assert np.linalg.eigvalsh(repair_covariance(broken))[0] >= -1e-12


def test_outcomes_say_how_markets_hang_together() -> None:
    ladder = np.array([[0, 0], [1, 0], [1, 1]], float)
    exclusive = np.array([[1, 0], [0, 1], [0, 0]], float)
    complete = np.array([[1, 0], [0, 1]], float)
    p = np.array([0.6, 0.3])
    assert tied_covariance(p, ladder)[0, 1] == pytest.approx(0.3 - 0.18)
    assert tied_covariance(p, exclusive)[0, 1] == pytest.approx(-0.18)
    halves = np.array([0.6, 0.4])
    assert tied_covariance(halves, complete) == pytest.approx(0.24 * np.array([[1, -1], [-1, 1]]))


def test_outcome_probabilities_reproduce_the_prices() -> None:
    ladder = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]], float)
    p = np.array([0.7, 0.4, 0.1])
    weights = outcome_probabilities(ladder, p)
    assert weights == pytest.approx([0.3, 0.3, 0.3, 0.1], abs=1e-6)
    incoherent = outcome_probabilities(ladder, np.array([0.3, 0.6, 0.1]))
    assert incoherent.sum() == pytest.approx(1.0)
    assert (incoherent >= 0.0).all()


def test_scenarios_agree_with_the_covariance() -> None:
    markets = [market(f"L{s}", "CPI", strike=s, fair=f) for s, f in ((0.2, 0.7), (0.3, 0.5), (0.4, 0.2))]
    markets += [market(f"C{i}", "FED", exclusive=True, fair=f) for i, f in enumerate((0.5, 0.3))]
    markets.append(market("X", "OTHER", fair=0.1))
    model = SettlementModel(markets, lambda a, b: 0.5)
    n = np.array([10.0, -20.0, 30.0, 15.0, -5.0, 40.0])
    results = model.payoffs() @ n
    independent = SettlementModel(markets, no_correlation)
    assert (independent.payoffs() @ n).std() == pytest.approx(sqrt(n @ independent.independent @ n), rel=0.02)
    # Inside a group the scenarios order the outcomes along one number, pairs of markets do not.
    assert results.std() == pytest.approx(sqrt(n @ model.related @ n), rel=0.2)
    assert (model.payoffs() == SettlementModel(markets, lambda a, b: 0.5).payoffs()).all()


def test_scenarios_of_single_markets_follow_their_correlation() -> None:
    model = SettlementModel([market("A", "E", fair=0.3), market("B", "F", fair=0.6)], lambda a, b: 0.7)
    covariance = np.cov(model.payoffs().T)
    assert covariance == pytest.approx(model.related, abs=0.003)


def test_the_sd_limit_counts_what_is_held_and_what_may_fill() -> None:
    held = market(held=60, fair=0.5)
    engine = R3(PARAMS)
    assert engine.review(state(held), order(Side.BID, 20)).decision is Decision.ALLOW  # 80 x 0.5 = $40
    verdict = engine.review(state(held), order(Side.BID, 21))
    assert (verdict.code, verdict.why) == ("R3_SD", "settlement sd $40.50 of $40.00")
    held.hold(Side.BID, 5000, 10 * CONTRACT)
    assert engine.review(state(held), order(Side.BID, 11)).code == "R3_SD"
    assert engine.review(state(held), order(Side.ASK, 60)).decision is Decision.ALLOW


def test_a_hedge_passes_even_over_the_limit() -> None:
    """Long an exclusive pair's first market: buying the second lowers the variance."""
    first = market("A", held=100, fair=0.5, exclusive=True)
    second = market("B", fair=0.5, exclusive=True)
    engine = R3(PARAMS)
    assert engine.review(state(first, second), order(Side.BID, 50, ticker="B")).decision is Decision.ALLOW
    assert engine.review(state(first, second), order(Side.ASK, 5, ticker="B")).code == "R3_SD"


def test_far_events_are_stressed_until_data_says_otherwise() -> None:
    markets = [market(f"M{i}", f"E{i}", held=40, fair=0.5) for i in range(3)]
    engine = R3(PARAMS)
    # Independent: sqrt(3) x 20 = $34.6; nearly comonotone: almost $60.
    assert engine.review(state(*markets), order(Side.BID, 1, ticker="M0")).code == "R3_SD"
    engine.learn({(f"E{i}", f"E{j}"): 0.0 for i in range(3) for j in range(i)}, hours=1.0)
    assert engine.review(state(*markets), order(Side.BID, 1, ticker="M0")).code == "R3_SD"
    engine.learn({(f"E{i}", f"E{j}"): 0.0 for i in range(3) for j in range(i)}, hours=3.0)
    assert engine.review(state(*markets), order(Side.BID, 1, ticker="M0")).decision is Decision.ALLOW


def test_the_tail_is_limited_beside_the_sd() -> None:
    """1,200 contracts sold at 1 cent: the sd is small, the worst hundredth is not."""
    params = R3Params(sd=500 * DOLLAR, es99=200 * DOLLAR)
    verdict = R3(params).review(state(market(mark=1, fair=0.01)), order(Side.ASK, 1200, 1))
    assert verdict.code == "R3_ES99"


def test_one_theme_may_not_have_all_the_risk_once_there_is_much() -> None:
    inflation = market("A", "CPI", held=30, fair=0.5, theme="Economics")
    sport = market("B", "NFL", held=30, fair=0.5, theme="Sports")
    engine = R3(R3Params(sd=60 * DOLLAR, es99=200 * DOLLAR, theme_share=600))
    assert engine.review(state(inflation), order(Side.BID, 20)).decision is Decision.ALLOW  # 25 < half
    engine.learn({("CPI", "NFL"): 0.0}, hours=3.0)
    verdict = engine.review(state(inflation, sport), order(Side.BID, 40))
    assert verdict.code == "R3_THEME"
    assert "Economics has" in verdict.why
    other = engine.review(state(inflation, sport), order(Side.BID, 5, ticker="B"))
    assert other.decision is Decision.ALLOW


def test_a_market_that_cannot_be_priced_is_refused() -> None:
    engine = R3(PARAMS)
    for bad in (nan, 1.5, -0.1):
        assert engine.review(state(market(fair=bad)), order(Side.BID, 1)).code == "R3_NO_FAIR"
    assert engine.review(state(market(mark=None)), order(Side.BID, 1)).code == "R3_NO_FAIR"
    unpriced = market("B", "F", held=70, mark=None)
    assert engine.review(state(market(fair=0.5), unpriced), order(Side.BID, 30)).code == "R3_SD"


def test_the_pane_shows_the_figures() -> None:
    cheap = market("A", held=12, entry=41, fair=0.4456, mark=44.56)
    measure = R3(PARAMS).measure(state(cheap))
    assert measure is not None
    assert measure.sd == pytest.approx(12 * sqrt(0.4456 * 0.5544) * DOLLAR, abs=DOLLAR // 50)
    assert measure.worst == round(-12 * 0.4456 * DOLLAR)
    ((theme, share),) = measure.themes
    assert (theme, round(share, 9)) == ("E", 1.0)
    assert R3(PARAMS).measure(state(market())) is None


def test_watch_tells_when_prices_alone_carry_the_book_past_a_limit() -> None:
    held = market(held=90, fair=0.05)
    engine = R3(PARAMS)
    assert engine.watch(state(held)) == []
    held.fair = 0.5
    (alert,) = engine.watch(state(held))
    assert isinstance(alert, Alert) and alert.key == "r3_sd"


def test_many_markets_with_orders_are_bounded_not_enumerated() -> None:
    generator = np.random.default_rng(5)
    for _ in range(20):
        factor = generator.normal(size=(9, 9))
        covariance = factor @ factor.T / 9.0
        n, bids, asks = generator.normal(size=9) * 5, generator.uniform(0, 3, 9), generator.uniform(0, 3, 9)
        exact = worst_sd(covariance, n, bids, asks)
        wide = np.zeros((12, 12))
        wide[:9, :9], wide[9:, 9:] = covariance, np.eye(3) * 1e-6
        n, bids, asks = (np.concatenate([x, np.full(3, 1e-3)]) for x in (n, bids, asks))
        for groups in ((), (slice(0, 9), slice(9, 12)), (slice(0, 4), slice(4, 12))):
            assert worst_sd(wide, n, bids, asks, groups) >= exact - 1e-3


def test_horizon_variance_grows_with_time() -> None:
    sigma, n = np.array([0.01, 0.02]), np.array([10.0, -5.0])
    assert horizon_variance(sigma, np.eye(2), n, 4.0) == pytest.approx(4 * (0.1**2 + 0.1**2))


def test_less_strikes_move_against_greater_ones() -> None:
    high = market("H", "A", strike=3.0, fair=0.5)
    low = market("L", "B", strike=3.0, kind=StrikeType.LESS, fair=0.5)
    model = SettlementModel([high, low], lambda a, b: 0.8)
    assert model.related[0, 1] < -0.1
