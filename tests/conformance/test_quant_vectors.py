"""Every reference vector of features, portfolio and pricing, through the product's public functions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import quant_recipes as recipes

from kalshi_tui.features import formulas, volatility
from kalshi_tui.portfolio import fees
from kalshi_tui.pricing import ladder, lp, pairs, theory

Check = Callable[[dict[str, Any]], Any]

ELSEWHERE = {
    "binary_variance": "risk.r3",
    "brier_and_log_score": "research",
    "component_sd": "risk.r3",
    "et_trading_day_": "risk.r1",
    "flatten_sweep": "execution.flatten",
    "frechet_": "risk.r3",
    "gaussian_copula_cov_": "risk.r3",
    "higham_2002_example": "risk.r3",
    "max_drawdown": "risk.r1",
    "paired_sample_size": "research",
    "phi2_": "risk.r3",
    "portfolio_variance_": "risk.r3",
    "probabilistic_sharpe": "research",
    "queue_": "execution.queue_models",
    "r0_": "risk.r0",
    "r1_": "risk.r1",
    "r2_": "risk.r2",
    "sign_flip_exact_p": "research",
    "stp_internal_cross": "risk.controls",
    "token_bucket": "risk.controls",
    "worst_case_": "risk.r0",
}
"""Vectors of other rooms (name or its beginning) and the room that asserts them."""

TABLE: dict[str, Check] = {
    "avellaneda_stoikov_prob": recipes.avellaneda,
    "bachelier_binary_vol": lambda i: volatility.bachelier_vol(i["p"], i["tau_days"]),
    "bipower": lambda i: {
        "rv": sum(r * r for r in i["returns"]),
        "bv": volatility.bipower_variation(i["returns"]),
    },
    "bracket_vs_threshold": recipes.bracket,
    "delta_method_vol": lambda i: volatility.delta_method_vol(i["p"], i["sigma_x_per_sqrt_h"]),
    "dutch_all_yes_100": recipes.dutch,
    "ew_variance_rate": recipes.variance_rate,
    "ewma_irregular": recipes.decayed_mean,
    "fee_accumulator_official": recipes.accumulator,
    "fee_cent_ceiling": recipes.cent_fee,
    "fee_maker_cpi_roundtrip": lambda i: (
        2 * fees.maker_fee_per_contract(recipes.maker_schedule(i["rate"]), i["p"])
    ),
    "fee_pdf_table": recipes.cent_fee,
    "fee_rounding": recipes.rounding,
    "fee_three_one_lots": recipes.three_lots,
    "glft_ticks": recipes.glft,
    "glosten_milgrom": recipes.glosten,
    "gm_expected_pnl_per_trade": lambda i: theory.expected_maker_pnl(i["p"], i["informed"], i["half_spread"]),
    "imbalance_multilevel": lambda i: formulas.multilevel_imbalance(
        recipes.levels(i["bids"]), recipes.levels(i["asks"]), i["lam"]
    ),
    "kalman_hedge_ratio_step": recipes.kalman,
    "ladder_isotonic": lambda i: ladder.isotonic(i["p_by_increasing_strike"], i["weights"]),
    "lee_mykland_constants": recipes.lee_mykland,
    "logit_0": lambda i: formulas.logit(i["p"]),
    "logit_avellaneda_stoikov": recipes.logit_avellaneda,
    "logit_martingale_drift": lambda i: volatility.logit_drift(i["p"], i["sigma_x"]),
    "lp_ladder_violation": recipes.ladder_lp,
    "m0_quote": recipes.m0_quote,
    "m2_regime_hysteresis": recipes.regimes,
    "maker_roundtrip_breakeven": lambda i: fees.maker_breakeven_half_spread(
        recipes.maker_schedule(i["maker_rate"]), i["p"], i["adverse"]
    ),
    "mark_conventions": recipes.four_marks,
    "markout_maker_buy": recipes.markouts,
    "ofi_cks": recipes.ofi,
    "ou_half_life": lambda i: pairs.half_life(i["phi"], i["dt_s"]),
    "parkinson_logit": lambda i: volatility.parkinson_variance(
        formulas.logit(i["high"]), formulas.logit(i["low"])
    ),
    "parkinson_prob": lambda i: volatility.parkinson_variance(i["high"], i["low"]),
    "pnl_attribution": recipes.attributed,
    "pnl_average_cost_flip": recipes.average_cost,
    "realized_spread_decomposition": recipes.spread_parts,
    "remaining_quadratic_variation": lambda i: volatility.remaining_variance(i["p"]),
    "round_out": recipes.round_out,
    "rv_prob_and_logit": lambda i: {
        "rv_p": volatility.realised_variance(i["path"]),
        "rv_x": volatility.realised_logit_variance(i["path"]),
    },
    "stoikov_2state": recipes.stoikov,
    "stoikov_2state_six_moves": recipes.stoikov_moves,
    "taker_exit_breakeven": lambda i: fees.taker_exit_edge(
        recipes.maker_schedule(i["maker_rate"]), i["p"], i["spread"]
    ),
    "vpin_volume_buckets": recipes.vpin,
    "weighted_mid": recipes.weighted,
}
"""Vector name, or the beginning of several, to the function that recomputes ``expected``; the longest wins."""


def longest(name: str, table: dict[str, Any]) -> str | None:
    return max((key for key in table if name.startswith(key)), key=len, default=None)


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


def test_every_vector_of_these_rooms_holds(shared_reference: Path) -> None:
    records = json.loads((shared_reference / "quant_vectors.json").read_text())
    asserted = skipped = 0
    for record in records:
        name = record["name"]
        key = longest(name, TABLE)
        if key is None:
            continue
        if "lp_" in key and not lp.solver_available():
            skipped += 1
            continue
        assert_close(TABLE[key](record["inputs"]), record["expected"], record["tolerance"], name)
        asserted += 1
    assert asserted + skipped == 73


def test_no_vector_is_left_without_an_owner(shared_reference: Path) -> None:
    records = json.loads((shared_reference / "quant_vectors.json").read_text())
    names = [record["name"] for record in records]
    assert [n for n in names if longest(n, TABLE) is None and longest(n, ELSEWHERE) is None] == []
    assert [n for n in names if longest(n, TABLE) is not None and longest(n, ELSEWHERE) is not None] == []
    unused = [key for key in {**TABLE, **ELSEWHERE} if not any(n.startswith(key) for n in names)]
    assert unused == []
