"""How each reference vector of risk, flatten, queue models and research is recomputed: inputs in, expected out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np

from kalshi_tui.execution.flatten_prices import sweep
from kalshi_tui.execution.queue_models import log_front, power_front
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import NewOrder
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, ONE, SECOND, Side
from kalshi_tui.research import scores
from kalshi_tui.research.calibrate_stats import sign_flip_p
from kalshi_tui.risk.base import FULL, MarketExposure, RiskState, effective_limit
from kalshi_tui.risk.controls import self_cross
from kalshi_tui.risk.correlation import nearest_correlation
from kalshi_tui.risk.covariance import (
    binary_variance,
    component_sd,
    exclusive_covariance,
    frechet,
    nested_covariance,
    portfolio_variance,
)
from kalshi_tui.risk.day import new_york_day
from kalshi_tui.risk.gaussian import joint_probability
from kalshi_tui.risk.r0 import R0, R0Params
from kalshi_tui.risk.r1_machine import DayLevels, DayMachine
from kalshi_tui.risk.scenarios import event_worst, naive_worst
from kalshi_tui.risk.throttle import Throttle

Case = dict[str, Any]
WALL = 1_786_000_000 * SECOND
"""August 2026."""


def money(value: int) -> float:
    return value / DOLLAR


def contracts(n: float) -> int:
    return round(n * CONTRACT)


def price(dollars: float) -> int:
    return round(dollars * ONE)


def variance_of_one(case: Case) -> float:
    return float(binary_variance(case["p"]) * case["n"] ** 2)


def components(case: Case) -> dict[str, Any]:
    sd, parts = component_sd(np.array(case["cov"]), np.array(case["position"], float))
    return {"sd": sd, "component": list(parts)}


def day_of(case: Case) -> str:
    return new_york_day(round(datetime.fromisoformat(case["utc"]).timestamp()) * SECOND)


def swept(case: Case) -> dict[str, float]:
    bids = [(price(p), contracts(n)) for p, n in case["bids"]]
    result = sweep(bids, Side.ASK, contracts(case["qty"]), price(case["floor"]))
    return {
        "filled": result.filled / CONTRACT,
        "residual": result.residual / CONTRACT,
        "vwap": result.cost / result.filled / ONE,
    }


def bounds(case: Case) -> dict[str, Any]:
    joint, cov, corr = frechet(case["p"], case["q"])
    return {"joint": list(joint), "cov": list(cov), "corr": list(corr)}


def higham(case: Case) -> list[float]:
    nearest = nearest_correlation(np.array(case["A"], float))
    return [float(nearest[0, 1]), float(nearest[0, 2])]


def joint(case: Case) -> float:
    return float(joint_probability(*(np.array(case[name]) for name in ("p", "q", "rho"))))


def exclusive(case: Case) -> dict[str, Any]:
    cov = exclusive_covariance(case["p"])
    return {"cov": cov.tolist(), "var": portfolio_variance(cov, np.array(case["n"], float))}


def ladder(case: Case) -> dict[str, Any]:
    cov = nested_covariance(case["p_gt"])
    return {"cov": cov.tolist(), "var": portfolio_variance(cov, np.array(case["n"], float))}


def queue(case: Case) -> float:
    front, trade = case["front"], case.get("trade", 0)
    return power_front(front - trade, case["prev"], case["new"], trade, case["n"])


def queue_log(case: Case) -> float:
    return log_front(case["front"], case["prev"], case["new"], 0)


def room(case: Case) -> dict[str, float]:
    """What R0 leaves of an order far too large, on each side."""
    market = MarketExposure("A", "E", position=contracts(case["position"]), cost=0, mark=0)
    market.open_bid = contracts(case["resting_bid_qty"])
    market.open_ask = contracts(case["resting_ask_qty"])
    state = RiskState(Instant(0, WALL), {"A": market}, cash=10**15)
    rich = 10**9 * DOLLAR
    engine = R0(
        R0Params(
            market_cap=contracts(case["cap"]),
            market_loss=rich,
            event_loss=rich,
            global_loss=rich,
            cash_reserve=0,
        )
    )
    return {
        name: engine.review(state, NewOrder("c", "A", side, 5000, contracts(10_000))).count / CONTRACT
        for name, side in (("max_new_buy", Side.BID), ("max_new_sell", Side.ASK))
    }


def day_states(case: Case) -> list[str]:
    machine = DayMachine(
        DayLevels(
            warn=case["warn"],
            warn_off=case["warn_off"],
            cooldown=case["cooldown"],
            cooldown_off=case["cooldown_off"],
            cooldown_s=case["cooldown_s"],
            max_cooldowns=case["max_cooldowns"],
        )
    )
    return [machine.step(t * SECOND, u, u).name for t, u in case["time_utilisation"]]


def limit(case: Case) -> float:
    return effective_limit(case["base"], [round(m * FULL) for m in case["multipliers"].values()])


def crosses_itself(case: Case) -> bool:
    market = MarketExposure("A", "E", best_own_ask=price(case["own_asks"][0]))
    return self_cross(NewOrder("c", "A", Side.BID, price(case["own_bids"][0]), 100), market) is not None


def throttle(case: Case) -> list[bool]:
    bucket = Throttle(case["rate_per_s"], case["capacity"])
    sent = []
    for second in case["times"]:
        now = round(second * SECOND)
        allowed = bucket.allows(now)
        if allowed:
            bucket.take(now)
        sent.append(allowed)
    return sent


def short_lots(positions: dict[str, Any]) -> list[MarketExposure]:
    """One NO lot each in an exclusive event; the case gives its cost, alone or with a count."""
    lots = []
    for name, held in positions.items():
        cost = held["cost"] if isinstance(held, dict) else held
        ticker = name.removeprefix("NO ")
        # n NO at c is n YES sold at 1 - c.
        lots.append(
            MarketExposure(
                ticker, "E", position=-CONTRACT, cost=-CONTRACT * price(1 - cost), mutually_exclusive=True
            )
        )
    return lots


def netted(case: Case) -> float:
    return money(event_worst(short_lots(case["positions"])))


def unnetted(case: Case) -> float:
    return money(naive_worst(short_lots(case["positions"])))


def scored(case: Case) -> dict[str, float]:
    return {"brier": scores.brier(case["p"], case["y"]), "log": scores.log_score(case["p"], case["y"])}


def sharpe(case: Case) -> float:
    return scores.probabilistic_sharpe(
        case["sr_per_day"], case["n"], case["skew"], case["kurt"], case["benchmark"]
    )


def sample_size(case: Case) -> int:
    return scores.paired_sample_size(case["sd_diff"], case["delta"], case["alpha_one_sided"], case["power"])


def flipped(case: Case) -> float:
    # The product's test is of errors, where less is better.
    return sign_flip_p([-difference for difference in case["daily_diffs"]], seed=1)
