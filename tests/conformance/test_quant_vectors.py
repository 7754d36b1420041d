"""Every reference vector, through the product's public functions: vector -> function -> how it is called.

A check also sees that the function its row names has really run: no row may be satisfied by the recipe alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeAlias

import pytest
import quant_recipes as q
import risk_recipes as r

from kalshi_tui.features import formulas, volatility
from kalshi_tui.pricing import ladder, lp, pairs, theory
from kalshi_tui.risk.covariance import copula_covariance
from kalshi_tui.risk.marks import max_drawdown

Case: TypeAlias = dict[str, Any]
Check: TypeAlias = Callable[[Case], Any]


def one(function: Callable[..., Any], *names: str) -> Check:
    """The function called with these inputs, and nothing else."""
    return lambda case: function(*(case[name] for name in names))


TABLE: dict[str, tuple[str, Check]] = {
    "avellaneda_stoikov_prob": ("pricing.theory.avellaneda_stoikov", q.avellaneda),
    "bachelier_binary_vol": (
        "features.volatility.bachelier_vol",
        one(volatility.bachelier_vol, "p", "tau_days"),
    ),
    "bachelier_binary_vol_p10": (
        "features.volatility.bachelier_vol",
        one(volatility.bachelier_vol, "p", "tau_days"),
    ),
    "binary_variance": ("risk.covariance.binary_variance", r.variance_of_one),
    "bipower": ("features.volatility.bipower_variation", q.bipower),
    "bracket_vs_threshold": ("pricing.ladder.bracket_price", q.bracket),
    "brier_and_log_score": ("research.scores.brier", r.scored),
    "component_sd": ("risk.covariance.component_sd", r.components),
    "delta_method_vol": (
        "features.volatility.delta_method_vol",
        one(volatility.delta_method_vol, "p", "sigma_x_per_sqrt_h"),
    ),
    "dutch_all_yes_100": ("pricing.baskets.price_basket", q.dutch),
    "dutch_all_yes_100_profitable": ("pricing.baskets.price_basket", q.dutch),
    "et_trading_day_2026-03-08T04:59:59+00:00": ("risk.day.new_york_day", r.day_of),
    "et_trading_day_2026-03-08T05:00:00+00:00": ("risk.day.new_york_day", r.day_of),
    "et_trading_day_2026-03-09T04:00:00+00:00": ("risk.day.new_york_day", r.day_of),
    "et_trading_day_2026-11-01T03:59:59+00:00": ("risk.day.new_york_day", r.day_of),
    "et_trading_day_2026-11-02T05:00:00+00:00": ("risk.day.new_york_day", r.day_of),
    "ew_variance_rate_irregular": ("features.decay.VarianceRate.update", q.variance_rate),
    "ew_variance_rate_tau_inf": ("features.decay.VarianceRate.update", q.variance_rate),
    "ewma_irregular": ("features.decay.DecayedMean.update", q.decayed_mean),
    "fee_cent_ceiling_0.07_1_0.50": ("portfolio.fees.trade_fee", q.cent_fee),
    "fee_cent_ceiling_0.07_100_0.50": ("portfolio.fees.trade_fee", q.cent_fee),
    "fee_cent_ceiling_0.07_100_0.05": ("portfolio.fees.trade_fee", q.cent_fee),
    "fee_cent_ceiling_0.07_100_0.10": ("portfolio.fees.trade_fee", q.cent_fee),
    "fee_cent_ceiling_0.0175_100_0.25": ("portfolio.fees.trade_fee", q.cent_fee),
    "fee_cent_ceiling_0.0175_100_0.05": ("portfolio.fees.trade_fee", q.cent_fee),
    "fee_rounding_official_nondirect": ("portfolio.fees.FeeAccumulator.charge", q.rounding),
    "fee_rounding_direct_member": ("portfolio.fees.FeeAccumulator.charge", q.rounding),
    "fee_accumulator_official": ("portfolio.fees.FeeAccumulator.add", q.accumulator),
    "fee_three_one_lots": ("portfolio.fees.FeeAccumulator.charge", q.three_lots),
    "fee_pdf_table_1_0.50": ("portfolio.fees.trade_fee", q.cent_fee),
    "fee_pdf_table_1_0.15": ("portfolio.fees.trade_fee", q.cent_fee),
    "fee_maker_cpi_roundtrip": ("portfolio.fees.maker_fee_per_contract", q.maker_roundtrip),
    "flatten_sweep": ("execution.flatten_prices.sweep", r.swept),
    "frechet_0.2_0.5": ("risk.covariance.frechet", r.bounds),
    "frechet_0.9_0.8": ("risk.covariance.frechet", r.bounds),
    "gaussian_copula_cov_half_half": (
        "risk.covariance.copula_covariance",
        one(copula_covariance, "p", "q", "rho"),
    ),
    "gaussian_copula_cov_half_half_neg": (
        "risk.covariance.copula_covariance",
        one(copula_covariance, "p", "q", "rho"),
    ),
    "glft_ticks": ("pricing.theory.glft", q.glft),
    "glosten_milgrom_0.5_0.2": ("pricing.theory.glosten_milgrom", q.glosten),
    "glosten_milgrom_0.2_0.5": ("pricing.theory.glosten_milgrom", q.glosten),
    "gm_expected_pnl_per_trade": (
        "pricing.theory.expected_maker_pnl",
        one(theory.expected_maker_pnl, "p", "informed", "half_spread"),
    ),
    "higham_2002_example": ("risk.correlation.nearest_correlation", r.higham),
    "imbalance_multilevel": ("features.formulas.multilevel_imbalance", q.imbalance),
    "kalman_hedge_ratio_step": ("pricing.pairs.kalman_hedge", q.kalman),
    "ladder_isotonic": ("pricing.ladder.isotonic", one(ladder.isotonic, "p_by_increasing_strike", "weights")),
    "lee_mykland_constants_n100": ("features.volatility.lee_mykland_constants", q.lee_mykland),
    "lee_mykland_constants_n1000": ("features.volatility.lee_mykland_constants", q.lee_mykland),
    "logit_0.5": ("features.formulas.logit", one(formulas.logit, "p")),
    "logit_0.9": ("features.formulas.logit", one(formulas.logit, "p")),
    "logit_martingale_drift": (
        "features.volatility.logit_drift",
        one(volatility.logit_drift, "p", "sigma_x"),
    ),
    "logit_avellaneda_stoikov": ("pricing.theory.logit_avellaneda_stoikov", q.logit_avellaneda),
    "lp_ladder_violation": ("pricing.lp.solve", q.ladder_lp),
    "lp_ladder_violation_after_fees": ("pricing.lp.solve", q.ladder_lp),
    "m0_quote_0.42_0.45_0.015": ("pricing.m0.quote", q.m0_quote),
    "m0_quote_0.40_0.41_0.010": ("pricing.m0.quote", q.m0_quote),
    "m0_quote_0.97_0.99_0.020": ("pricing.m0.quote", q.m0_quote),
    "m0_quote_0.30_0.50_0.010": ("pricing.m0.quote", q.m0_quote),
    "m2_regime_hysteresis": ("pricing.regime.RegimeMachine.update", q.regimes),
    "maker_roundtrip_breakeven_half_spread": (
        "portfolio.fees.maker_breakeven_half_spread",
        q.maker_breakeven,
    ),
    "mark_conventions": ("portfolio.marks.liquidate", q.four_marks),
    "markout_maker_buy": ("portfolio.attribution.markout2", q.markouts),
    "max_drawdown": ("risk.marks.max_drawdown", one(max_drawdown, "equity")),
    "ofi_cks": ("features.formulas.order_flow", q.ofi),
    "ou_half_life": ("pricing.pairs.half_life", one(pairs.half_life, "phi", "dt_s")),
    "paired_sample_size": ("research.scores.paired_sample_size", r.sample_size),
    "parkinson_prob": (
        "features.volatility.parkinson_variance",
        one(volatility.parkinson_variance, "high", "low"),
    ),
    "parkinson_logit": ("features.volatility.parkinson_variance", q.parkinson_logit),
    "phi2_0.2_0.6_0.4": ("risk.gaussian.joint_probability", r.joint),
    "phi2_0.05_0.95_-0.7": ("risk.gaussian.joint_probability", r.joint),
    "pnl_average_cost_flip": ("portfolio.positions.Ledger.apply_fill", q.average_cost),
    "pnl_attribution": ("portfolio.attribution.attribute", q.attributed),
    "portfolio_variance_exclusive": ("risk.covariance.exclusive_covariance", r.exclusive),
    "portfolio_variance_ladder": ("risk.covariance.nested_covariance", r.ladder),
    "probabilistic_sharpe": ("research.scores.probabilistic_sharpe", r.sharpe),
    "probabilistic_sharpe_negskew": ("research.scores.probabilistic_sharpe", r.sharpe),
    "queue_power_n1": ("execution.queue_models.power_front", r.queue),
    "queue_power_n2": ("execution.queue_models.power_front", r.queue),
    "queue_log": ("execution.queue_models.log_front", r.queue_log),
    "queue_trade_then_depth": ("execution.queue_models.power_front", r.queue),
    "r0_room": ("risk.r0.R0.review", r.room),
    "r0_room_over_cap": ("risk.r0.R0.review", r.room),
    "r1_state_machine": ("risk.r1_machine.DayMachine.step", r.day_states),
    "r2_effective_limit": ("risk.base.effective_limit", r.limit),
    "realized_spread_decomposition": ("portfolio.attribution.realized_spread2", q.spread_parts),
    "remaining_quadratic_variation": (
        "features.volatility.remaining_variance",
        one(volatility.remaining_variance, "p"),
    ),
    "round_out_linear_cent_0.4372": ("protocol.ticks.TickGrid.floor", q.round_out),
    "round_out_tapered_deci_cent_0.0478": ("protocol.ticks.TickGrid.floor", q.round_out),
    "round_out_tapered_deci_cent_0.9333": ("protocol.ticks.TickGrid.floor", q.round_out),
    "round_out_deci_cent_0.4372": ("protocol.ticks.TickGrid.floor", q.round_out),
    "round_out_ranges_0.3333": ("protocol.ticks.TickGrid.floor", q.round_out),
    "round_out_ranges_0.04996": ("protocol.ticks.TickGrid.floor", q.round_out),
    "round_out_ranges_0.95004": ("protocol.ticks.TickGrid.floor", q.round_out),
    "rv_prob_and_logit": ("features.volatility.realised_variance", q.both_realised),
    "sign_flip_exact_p": ("research.calibrate_stats.sign_flip_p", r.flipped),
    "stoikov_2state": ("features.microprice_fit.fixed_point", q.stoikov),
    "stoikov_2state_six_moves": ("features.microprice_fit.after_moves", q.stoikov_moves),
    "stp_internal_cross": ("risk.controls.self_cross", r.crosses_itself),
    "taker_exit_breakeven": ("portfolio.fees.taker_exit_edge", q.taker_exit),
    "token_bucket": ("risk.throttle.Throttle.take", r.throttle),
    "vpin_volume_buckets": ("features.flow.VolumeBuckets.add", q.vpin),
    "weighted_mid_BAC_20_471": ("features.formulas.weighted_mid", q.weighted),
    "weighted_mid_BAC_25_148": ("features.formulas.weighted_mid", q.weighted),
    "weighted_mid_BAC_29_92": ("features.formulas.weighted_mid", q.weighted),
    "weighted_mid_BAC_21_65": ("features.formulas.weighted_mid", q.weighted),
    "weighted_mid_stoikov_paper_10.02_27": ("features.formulas.weighted_mid", q.weighted),
    "weighted_mid_stoikov_paper_10.01_1": ("features.formulas.weighted_mid", q.weighted),
    "worst_case_exclusive_kalshi_help": ("risk.scenarios.event_worst", r.netted),
    "worst_case_naive_sum": ("risk.scenarios.naive_worst", r.unnetted),
}


def code_of(path: str) -> CodeType:
    """The code of a function by its dotted name below the package."""
    room, module, *names = path.split(".")
    found: Any = import_module(f"kalshi_tui.{room}.{module}")
    for name in names:
        found = getattr(found, name)
    code: CodeType = found.__code__
    return code


def watched(check: Check, case: Case) -> tuple[Any, set[CodeType]]:
    """What the check found, and all code that ran for it."""
    ran: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            ran.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        return check(case), ran
    finally:
        sys.setprofile(before)


def assert_close(found: Any, expected: Any, tolerance: float, where: str) -> None:
    if isinstance(expected, dict):
        assert isinstance(found, dict) and found.keys() == expected.keys(), where
        for key, value in expected.items():
            assert_close(found[key], value, tolerance, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for index, value in enumerate(expected):
            assert_close(found[index], value, tolerance, f"{where}[{index}]")
    elif isinstance(expected, float | int) and not isinstance(expected, bool):
        assert found == pytest.approx(expected, rel=0.0, abs=max(tolerance, 1e-12)), where
    else:
        assert found == expected, where


@pytest.fixture(scope="module")
def vectors(shared_reference: Path) -> dict[str, Case]:
    records = json.loads((shared_reference / "quant_vectors.json").read_text())
    return {record["name"]: record for record in records}


@pytest.mark.parametrize("name", TABLE)
def test_the_vector_holds(name: str, vectors: dict[str, Case]) -> None:
    function, check = TABLE[name]
    if function.startswith("pricing.lp.") and not lp.solver_available():
        pytest.skip("the linear program needs scipy")
    record = vectors[name]
    found, ran = watched(check, record["inputs"])
    assert_close(found, record["expected"], record["tolerance"], name)
    assert code_of(function) in ran, f"{function} did not run"


def test_the_table_is_the_whole_file(vectors: dict[str, Case]) -> None:
    assert list(TABLE) == list(vectors)
    assert len(TABLE) == 108
