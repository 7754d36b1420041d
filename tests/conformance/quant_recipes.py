"""How each reference vector is recomputed with the product's public functions: vector inputs in, expected out."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from kalshi_tui.features import formulas, volatility
from kalshi_tui.features.decay import DecayedMean, VarianceRate
from kalshi_tui.features.flow import VolumeBuckets
from kalshi_tui.features.market import MarketFeatures
from kalshi_tui.features.microprice_fit import after_moves, fixed_point
from kalshi_tui.portfolio import attribution, fees, marks
from kalshi_tui.portfolio.positions import Ledger
from kalshi_tui.pricing import ladder, lp, pairs, theory
from kalshi_tui.pricing.base import MarketSnapshot, quote
from kalshi_tui.pricing.baskets import LegBook, price_basket
from kalshi_tui.pricing.m0 import M0Params
from kalshi_tui.pricing.outcomes import OutcomeSpace
from kalshi_tui.pricing.regime import RegimeMachine, RegimeParams
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import FeeSchedule, FeeType
from kalshi_tui.protocol.orders import Fill
from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, ONE, Side, parse_count, parse_money, parse_price

QUADRATIC = FeeSchedule()
NOON = Instant(10_000_000_000, 1_800_000_000_000_000_000)


def schedule_of(rate: str) -> tuple[FeeSchedule, bool]:
    """The schedule and role (is taker) with this published rate."""
    if rate == "0.07":
        return QUADRATIC, True
    assert rate == "0.0175"
    return FeeSchedule(FeeType.QUADRATIC_WITH_MAKER_FEES), False


def cent_fee(inputs: dict[str, Any]) -> float:
    schedule, taker = schedule_of(inputs["rate"])
    price, count = parse_price(inputs["price"]), int(inputs["contracts"]) * CONTRACT
    return fees.trade_fee(schedule, price, count, taker, NOON.wall, rule=fees.PUBLISHED_NON_DIRECT) / DOLLAR


def rounding(inputs: dict[str, Any]) -> dict[str, float]:
    rule = fees.PUBLISHED if inputs["g"] == "0.0001" else fees.PUBLISHED_NON_DIRECT
    order = fees.FeeAccumulator(rule)
    price, count = parse_price(inputs["price"]), parse_count(inputs["contracts"])
    charge = order.charge(QUADRATIC, price, count, True, NOON.wall)
    return {
        "trade_fee": charge.trade_fee / DOLLAR,
        "rounding_fee": charge.rounding_fee / DOLLAR,
        "rebate": charge.rebate / DOLLAR,
        "net_fee": charge.net / DOLLAR,
        "balance_change": -(price * count + charge.net) / DOLLAR,
        "accumulator": order.carry / DOLLAR,
    }


def accumulator(inputs: dict[str, Any]) -> dict[str, Any]:
    order = fees.FeeAccumulator(fees.PUBLISHED_NON_DIRECT)
    rebates = [order.add(parse_money(fee), most=DOLLAR) / DOLLAR for fee in inputs["rounding_fees"]]
    return {"rebates": rebates, "carry": order.carry / DOLLAR}


def three_lots(inputs: dict[str, Any]) -> dict[str, Any]:
    order = fees.FeeAccumulator(fees.PUBLISHED_NON_DIRECT)
    price, count = parse_price(inputs["price"]), parse_count(inputs["contracts"])
    net = [
        order.charge(QUADRATIC, price, count, True, NOON.wall).net / DOLLAR for _ in range(inputs["fills"])
    ]
    return {"net_fees": net, "accumulator": order.carry / DOLLAR}


def dutch(inputs: dict[str, Any]) -> float:
    tickers = ("A", "B", "C")
    pays = tuple(tuple(int(i == j) for j in range(3)) for i in range(3))
    space = OutcomeSpace("E", tickers, tickers, pays, (), "")
    lots = inputs["n"] * CONTRACT
    books = {
        ticker: LegBook(ticker, (), ((parse_price(ask), lots),), QUADRATIC)
        for ticker, ask in zip(tickers, inputs["yes_asks"], strict=True)
    }
    unit = tuple((ticker, Side.BID) for ticker in tickers)
    return price_basket(space, "", unit, books, lots, NOON.wall, fees.PUBLISHED_NON_DIRECT).profit / DOLLAR


def ladder_lp(inputs: dict[str, Any]) -> dict[str, Any]:
    prices = [float(leg.split("@")[1]) for leg in inputs["legs"]]
    costs = [
        price + (fees.taker_fee_per_contract(QUADRATIC, price) if "taker_rate" in inputs else 0.0)
        for price in prices
    ]
    result = lp.solve(inputs["payoff_state_by_leg"], costs, inputs["depth"])
    assert result is not None
    found: dict[str, Any] = {"worst_profit": result.profit}
    return found if "taker_rate" in inputs else {**found, "lots": list(result.lots)}


def features_at(grid: TickGrid, bid: int, ask: int) -> MarketFeatures:
    features = MarketFeatures(grid)
    features.on_top(bid, 1000, ask, 1000, NOON)
    return features


def m0_quote(inputs: dict[str, Any]) -> dict[str, float | None]:
    tick = parse_price(inputs["tick"])
    grid = TickGrid.of([(0, ONE, tick)])
    bid, ask = parse_price(inputs["best_bid"]), parse_price(inputs["best_ask"])
    snapshot = MarketSnapshot(
        "T",
        grid,
        bid,
        1000,
        ask,
        1000,
        features_at(grid, bid, ask).snapshot(NOON),
        0,
        4000,
        QUADRATIC,
        NOON.wall,
    )
    # The vector is the bare formula: the rules about wide books and the edges of the range are switched off.
    params = M0Params(edge=float(inputs["edge"]), max_spread=1.0, tail=0.0, edge_levels=1)
    intent = quote("m0", snapshot, params)
    return {
        "bid": intent.bid.price / ONE if intent.bid else None,
        "ask": intent.ask.price / ONE if intent.ask else None,
    }


def regimes(inputs: dict[str, Any]) -> list[str]:
    machine = RegimeMachine(RegimeParams(inputs["up"], inputs["down"], inputs["dwell_s"]), start=Regime.CALM)
    return [machine.update(t, s, v, event).value for t, s, v, event in inputs["t_spreadratio_volratio_event"]]


def four_marks(inputs: dict[str, Any]) -> dict[str, float]:
    position = inputs["position"] * CONTRACT
    bid, ask = parse_price(str(inputs["bid"])), parse_price(str(inputs["ask"]))
    bids = [(parse_price(str(price)), count * CONTRACT) for price, count in inputs["depth_bids"]]
    cost = position * parse_price(str(inputs["avg"]))
    # The vector leaves the fee unrounded; in whole millionths of a dollar it is exact.
    finest = fees.RoundingRule("none", since=0, fee_step=1, balance_step=1)
    before, fee = marks.liquidate(position, bids, [], 0, QUADRATIC, NOON.wall, finest)
    sizes = inputs["bid_size"] * CONTRACT, inputs["ask_size"] * CONTRACT
    return {
        "mid": (marks.at_mid(position, bid, ask) - cost) / DOLLAR,
        "weighted_mid": (marks.at_weighted_mid(position, bid, sizes[0], ask, sizes[1]) - cost) / DOLLAR,
        "touch": (marks.at_touch(position, bid, ask) - cost) / DOLLAR,
        "liquidation_before_fee": (before - cost) / DOLLAR,
        "liquidation_after_fee": (before - fee - cost) / DOLLAR,
    }


def fill(side: str, contracts: float, price: str) -> Fill:
    ours = Side.BID if side == "buy" else Side.ASK
    return Fill("t", "o", "T", ours, parse_price(price), parse_count(str(contracts)), 0, False, 0)


def average_cost(inputs: dict[str, Any]) -> dict[str, float | None]:
    ledger = Ledger()
    for one in inputs["fills"]:
        ledger.apply_fill(fill(*one))
    held = ledger.of("T")
    return {"position": held.position / CONTRACT, "avg": held.entry, "realized": held.realized / DOLLAR}


def attributed(inputs: dict[str, Any]) -> dict[str, float]:
    rows = inputs["fills_side_n_price_midatfill"]
    parts = attribution.attribute(
        [fill(side, n, str(price)) for side, n, price, _ in rows],
        [2 * parse_price(str(mid)) for *_, mid in rows],
        2 * parse_price(str(inputs["final_mid"])),
    )
    paid = parse_money(str(inputs["fees"]))
    return {
        "spread_capture": parts.spread2 / 2 / DOLLAR,
        "inventory": parts.inventory2 / 2 / DOLLAR,
        "fees": -paid / DOLLAR,
        "total": (parts.total2 // 2 - paid) / DOLLAR,
    }


def markouts(inputs: dict[str, Any]) -> dict[str, float]:
    price = parse_price(str(inputs["fill"]))
    after = inputs["mid_after"]
    return {
        name: attribution.markout2(Side.BID, price, 2 * parse_price(str(after[key]))) / 2 / ONE
        for name, key in (("m1", "1s"), ("m30", "30s"))
    }


def spread_parts(inputs: dict[str, Any]) -> dict[str, float]:
    price, mid, later = (parse_price(str(inputs[name])) for name in ("fill", "mid0", "mid_h"))
    parts = attribution.realized_spread2(Side.BID, price, 2 * mid, 2 * later)
    names = ("effective_half", "impact_cost", "realized_half")
    return {name: part / 2 / ONE for name, part in zip(names, parts, strict=True)}


def ofi(inputs: dict[str, Any]) -> dict[str, Any]:
    quotes = inputs["quotes_bid_qb_ask_qa"]
    steps = [formulas.order_flow(*old, *new) for old, new in pairwise(quotes)]
    return {"e": steps, "total": sum(steps)}


def vpin(inputs: dict[str, Any]) -> dict[str, Any]:
    buckets = VolumeBuckets(inputs["bucket"])
    for side, count in inputs["trades"]:
        buckets.add(1 if side == "buy" else -1, count)
    return {"buckets": buckets.buckets, "vpin": buckets.value}


def decayed_mean(inputs: dict[str, Any]) -> list[float]:
    mean = DecayedMean(inputs["tau"])
    found = []
    before = inputs["obs"][0][0]
    for t, x in inputs["obs"]:
        mean.update(t - before, x)
        before = t
        assert mean.mean is not None
        found.append(mean.mean)
    return found


def variance_rate(inputs: dict[str, Any]) -> float | None:
    rate = VarianceRate(inputs["tau"])
    for dt, change in inputs["dt_r"]:
        rate.update(dt, change)
    return rate.value


def lee_mykland(inputs: dict[str, Any]) -> dict[str, float]:
    c_n, s_n = volatility.lee_mykland_constants(inputs["n"])
    assert inputs["alpha"] == 0.01
    return {
        "C_n": c_n,
        "S_n": s_n,
        "beta": volatility.LEE_MYKLAND_1_PERCENT,
        "abs_L_threshold": volatility.lee_mykland_threshold(inputs["n"]),
    }


def chain(inputs: dict[str, Any]) -> tuple[Any, Any, Any]:
    q, r, t = (np.asarray(inputs[name], dtype=float) for name in ("Q", "R1", "R2"))
    return fixed_point(q, r, inputs["k_ticks"], t)


def stoikov(inputs: dict[str, Any]) -> dict[str, Any]:
    first, b, star = chain(inputs)
    return {"g1": first.tolist(), "B": b.tolist(), "Gstar": star.tolist()}


def stoikov_moves(inputs: dict[str, Any]) -> list[float]:
    first, b, _ = chain(inputs)
    moved: list[float] = after_moves(first, b, inputs["n"]).tolist()
    return moved


def round_out(inputs: dict[str, Any]) -> dict[str, float | None]:
    if "structure" in inputs:
        grid = TickGrid.named(inputs["structure"])
    else:
        grid = TickGrid.from_ranges({"start": a, "end": b, "step": c} for a, b, c in inputs["price_ranges"])
    raw = float(Decimal(inputs["price"]) * ONE)
    bid, ask = grid.floor(raw), grid.ceil(raw)
    return {"bid": bid and bid / ONE, "ask": ask and ask / ONE}


def weighted(inputs: dict[str, Any]) -> float:
    return formulas.weighted_mid(inputs["bid"], inputs["bid_size"], inputs["ask"], inputs["ask_size"])


def levels(sizes: list[float]) -> list[tuple[float, float]]:
    return [(float(distance), size) for distance, size in enumerate(sizes)]


def glft(inputs: dict[str, Any]) -> dict[str, float]:
    shape = (inputs["xi"], inputs["gamma"], inputs["Delta"], inputs["A"], inputs["k"])
    c1, c2 = theory.glft_constants(*shape)
    half, skew = theory.glft(*shape, inputs["sigma_ticks"])
    return {"c1": c1, "c2": c2, "half_spread": half, "skew_per_contract": skew}


def avellaneda(inputs: dict[str, Any]) -> dict[str, float]:
    variance = inputs["sigma2"] * inputs["T"]
    r, half = theory.avellaneda_stoikov(inputs["s"], inputs["q"], inputs["gamma"], variance, inputs["k"])
    return {"reservation": r, "half_spread": half}


def logit_avellaneda(inputs: dict[str, Any]) -> dict[str, float]:
    variance = inputs["sigma_b2"] * inputs["T"]
    band = theory.logit_avellaneda_stoikov(inputs["p"], inputs["q"], inputs["gamma"], variance, inputs["k"])
    return {"bid": band.bid, "reservation": band.reservation, "ask": band.ask}


def glosten(inputs: dict[str, Any]) -> dict[str, float]:
    band = theory.glosten_milgrom(inputs["p"], inputs["informed"])
    half = theory.glosten_milgrom_logit_half(inputs["informed"])
    return {"bid": band.bid, "ask": band.ask, "logit_half_spread": half}


def kalman(inputs: dict[str, Any]) -> dict[str, float]:
    step = pairs.kalman_hedge(inputs["beta"], inputs["P"], inputs["y"], inputs["x"], inputs["R"], inputs["Q"])
    return {
        "beta": step.beta,
        "P": step.variance,
        "innovation": step.innovation,
        "S": step.innovation_variance,
    }


def bracket(inputs: dict[str, Any]) -> dict[str, float]:
    implied = ladder.bracket_price(inputs["p_gt_a"], inputs["p_gt_b"])
    return {"implied": implied, "residual": inputs["bracket_ab"] - implied}


def maker_schedule(rate: float) -> FeeSchedule:
    return FeeSchedule(FeeType.QUADRATIC_WITH_MAKER_FEES) if rate else QUADRATIC


def bipower(inputs: dict[str, Any]) -> dict[str, float]:
    path = list(accumulate(inputs["returns"], initial=0.0))
    return {"rv": volatility.realised_variance(path), "bv": volatility.bipower_variation(inputs["returns"])}


def both_realised(inputs: dict[str, Any]) -> dict[str, float]:
    path = inputs["path"]
    return {"rv_p": volatility.realised_variance(path), "rv_x": volatility.realised_logit_variance(path)}


def imbalance(inputs: dict[str, Any]) -> float | None:
    return formulas.multilevel_imbalance(levels(inputs["bids"]), levels(inputs["asks"]), inputs["lam"])


def parkinson_logit(inputs: dict[str, Any]) -> float:
    high, low = formulas.logit(inputs["high"]), formulas.logit(inputs["low"])
    return volatility.parkinson_variance(high, low)


def maker_roundtrip(inputs: dict[str, Any]) -> float:
    return 2 * fees.maker_fee_per_contract(maker_schedule(inputs["rate"]), inputs["p"])


def maker_breakeven(inputs: dict[str, Any]) -> float:
    schedule = maker_schedule(inputs["maker_rate"])
    return fees.maker_breakeven_half_spread(schedule, inputs["p"], inputs["adverse"])


def taker_exit(inputs: dict[str, Any]) -> float:
    return fees.taker_exit_edge(maker_schedule(inputs["maker_rate"]), inputs["p"], inputs["spread"])
