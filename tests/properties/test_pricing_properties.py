"""Invariants of the engines and the regime machine, for any market."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kalshi_tui.features.market import MarketFeatures
from kalshi_tui.features.microprice import MicroTable
from kalshi_tui.portfolio.fees import maker_fee_per_contract
from kalshi_tui.pricing import theory
from kalshi_tui.pricing.base import engines, parameter_models, quote
from kalshi_tui.pricing.m0 import M0Params
from kalshi_tui.pricing.m1 import M1Params
from kalshi_tui.pricing.m2 import M2Params
from kalshi_tui.pricing.regime import RegimeMachine, RegimeParams
from kalshi_tui.pricing.snapshot import MarketSnapshot
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import FeeSchedule, FeeType
from kalshi_tui.protocol.quotes import Quote, QuoteIntent, QuoteSides, Regime
from kalshi_tui.protocol.ticks import STRUCTURES, TickGrid
from kalshi_tui.protocol.units import ONE

NOW = Instant(10**9, 1_800_000_000_000_000_000)
TABLE = MicroTable(((-0.4, -0.1, 0.0, 0.1, 0.4), (-0.9, -0.3, 0.0, 0.3, 0.9)), (True, True))
GRIDS = st.sampled_from(sorted(STRUCTURES)).map(TickGrid.named)
MIRROR_SIDES = {QuoteSides.BID_ONLY: QuoteSides.ASK_ONLY, QuoteSides.ASK_ONLY: QuoteSides.BID_ONLY}


def snapshot_of(
    grid: TickGrid, bid: int, bid_size: int, ask: int, ask_size: int, toxicity: float | None, **rest: Any
) -> MarketSnapshot:
    book = MarketFeatures(grid, table=TABLE)
    book.on_top(bid, bid_size, ask, ask_size, NOW)
    features = msgspec.structs.replace(book.snapshot(NOW), toxicity=toxicity)
    return MarketSnapshot("T", grid, bid, bid_size, ask, ask_size, features, wall=NOW.wall, **rest)


@st.composite
def snapshots(draw: st.DrawFn) -> MarketSnapshot:
    grid = draw(GRIDS)
    low = draw(st.integers(0, grid.size - 2))
    high = draw(st.integers(low + 1, min(grid.size - 1, low + 12)))
    size = st.integers(1, 1_000_000)
    cap = draw(st.integers(0, 50_000))
    return snapshot_of(
        grid,
        grid.price(low),
        draw(size),
        grid.price(high),
        draw(size),
        draw(st.none() | st.floats(-0.05, 0.05)),
        position=draw(st.integers(-60_000, 60_000)),
        max_position=cap,
        fee=FeeSchedule(draw(st.sampled_from(list(FeeType))), draw(st.sampled_from([0, 500_000, 1_000_000]))),
        regime=draw(st.sampled_from(list(Regime))),
        seconds_to_close=draw(st.none() | st.floats(0, 10_000)),
        life_s=draw(st.none() | st.floats(900, 1e6)),
        size_scale=draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])),
        edge_scale=draw(st.sampled_from([1.0, 1.5, 4.0])),
        sides=draw(st.sampled_from(list(QuoteSides))),
        lean_levels=draw(st.integers(-3, 3)),
        widen=draw(st.sampled_from([0.0, 0.5, 2.0])),
        coherent=draw(st.none() | st.floats(0.01, 0.99)),
    )


def mirrored(one: MarketSnapshot) -> MarketSnapshot:
    assert one.grid is not None and one.best_bid is not None and one.best_ask is not None
    rest = {
        name: getattr(one, name) for name in ("max_position", "fee", "regime", "seconds_to_close", "life_s")
    }
    rest |= {name: getattr(one, name) for name in ("size_scale", "edge_scale", "widen")}
    return snapshot_of(
        one.grid,
        ONE - one.best_ask,
        one.ask_size,
        ONE - one.best_bid,
        one.bid_size,
        one.features.toxicity,
        position=-one.position,
        sides=MIRROR_SIDES.get(one.sides, one.sides),
        lean_levels=-one.lean_levels,
        coherent=None if one.coherent is None else 1.0 - one.coherent,
        **rest,
    )


@st.composite
def any_quote(draw: st.DrawFn) -> tuple[str, Any, MarketSnapshot]:
    name = draw(st.sampled_from(engines()))
    changes: dict[str, Any] = {
        "size": draw(st.integers(1, 500)),
        "min_edge": draw(st.sampled_from([0.0, 0.005, 0.02])),
    }
    if name == "m2":
        changes["quote_events"] = draw(st.booleans())
    return name, parameter_models()[name](**changes), draw(snapshots())


@given(any_quote())
def test_quotes_are_valid_passive_worth_it_and_within_the_cap(case: tuple[str, Any, MarketSnapshot]) -> None:
    name, params, one = case
    intent = quote(name, one, params)
    grid = one.grid
    assert grid is not None and one.best_bid is not None and one.best_ask is not None
    assert intent.reason
    for side, sign in ((intent.bid, 1), (intent.ask, -1)):
        if side is None:
            continue
        assert intent.fair is not None
        assert grid.is_valid(side.price)
        assert side.count > 0
        after = one.position + sign * side.count
        # Never beyond the cap, unless it was beyond before and this brings it back.
        assert abs(after) <= max(one.max_position, abs(one.position))
        edge = sign * (intent.fair - side.price / ONE) - maker_fee_per_contract(one.fee, side.price / ONE)
        assert edge >= params.min_edge - 1e-9
        stated = intent.bid_edge if sign > 0 else intent.ask_edge
        assert stated == pytest.approx(edge, abs=1e-12)
    if intent.bid is not None:
        assert intent.bid.price < one.best_ask
    if intent.ask is not None:
        assert intent.ask.price > one.best_bid
    if intent.bid is not None and intent.ask is not None:
        assert intent.bid.price < intent.ask.price


@given(any_quote())
def test_quoting_is_idempotent(case: tuple[str, Any, MarketSnapshot]) -> None:
    name, params, one = case
    assert quote(name, one, params) == quote(name, one, params)


@given(any_quote())
def test_relabelling_yes_and_no_mirrors_the_quote(case: tuple[str, Any, MarketSnapshot]) -> None:
    name, params, one = case
    ours, theirs = quote(name, one, params), quote(name, mirrored(one), params)

    def flipped(side: Quote | None) -> Quote | None:
        return None if side is None else Quote(ONE - side.price, side.count)

    assert (ours.bid, ours.ask) == (flipped(theirs.ask), flipped(theirs.bid))
    assert (ours.ttl_ms, ours.requote_levels) == (theirs.ttl_ms, theirs.requote_levels)
    if ours.fair is not None:
        assert theirs.fair is not None and ours.fair == pytest.approx(1.0 - theirs.fair, abs=1e-12)


@given(any_quote())
def test_reduce_only_never_adds_or_flips(case: tuple[str, Any, MarketSnapshot]) -> None:
    name, params, one = case
    intent = quote(name, msgspec.structs.replace(one, sides=QuoteSides.REDUCE), params)
    if intent.bid is not None:
        assert one.position < 0 and intent.bid.count <= -one.position
    if intent.ask is not None:
        assert one.position > 0 and intent.ask.count <= one.position


def plain(one: MarketSnapshot, **changes: Any) -> MarketSnapshot:
    """The same book without the desk's and the trader's own adjustments."""
    neutral: dict[str, Any] = {
        "position": 0,
        "max_position": 1_000_000,
        "fee": FeeSchedule(),
        "seconds_to_close": None,
        "size_scale": 1.0,
        "edge_scale": 1.0,
        "sides": QuoteSides.BOTH,
        "lean_levels": 0,
        "widen": 0.0,
    }
    return msgspec.structs.replace(one, **{**neutral, **changes})


OPEN: dict[str, Any] = {"tail": 0.0, "edge_levels": 1, "max_spread": 1.0}


@given(snapshots(), st.sampled_from([0.005, 0.015, 0.03]))
def test_m0_is_two_edges_wide_and_less_than_two_levels_more(one: MarketSnapshot, edge: float) -> None:
    intent = quote("m0", plain(one), M0Params(edge=edge, min_edge=0.0, **OPEN))
    assume(intent.bid is not None and intent.ask is not None)
    assert intent.bid is not None and intent.ask is not None and one.features.mid is not None
    assert one.grid is not None and one.best_bid is not None and one.best_ask is not None
    mid, e = one.features.mid * ONE, edge * ONE
    assert intent.bid.price <= mid - e + 1e-6 and intent.ask.price >= mid + e - 1e-6
    width = intent.ask.price - intent.bid.price
    assert width >= 2 * e - 1e-6
    if intent.bid.price < (one.grid.previous(one.best_ask) or 0) and intent.ask.price > (
        one.grid.next(one.best_bid) or ONE
    ):
        steps = max(b - a for a, b in pairwise(one.grid.prices))
        assert width < 2 * e + 2 * steps


@given(snapshots(), st.lists(st.integers(-1_000_000, 1_000_000), min_size=2, max_size=6))
def test_m1s_prices_fall_as_its_inventory_grows(one: MarketSnapshot, positions: list[int]) -> None:
    intents = [quote("m1", plain(one, position=q), M1Params(**OPEN)) for q in sorted(positions)]
    assert len({intent.fair for intent in intents}) == 1
    for before, after in pairwise(intents):
        if before.bid and after.bid:
            assert after.bid.price <= before.bid.price
        if before.ask and after.ask:
            assert after.ask.price <= before.ask.price


@given(snapshots(), st.lists(st.integers(1, 1_000_000), min_size=2, max_size=6))
def test_m1s_fair_rises_with_the_bids_weight_inside_the_touch(one: MarketSnapshot, sizes: list[int]) -> None:
    fairs = []
    for size in sorted(sizes):
        assert one.grid is not None and one.best_bid is not None and one.best_ask is not None
        heavier = snapshot_of(
            one.grid, one.best_bid, size, one.best_ask, one.ask_size, None,
            position=0, max_position=1_000, fee=FeeSchedule(),
        )  # fmt: skip
        fair = quote("m1", heavier, M1Params(**OPEN)).fair
        assert fair is not None
        assert one.best_bid / ONE - 1e-12 <= fair <= one.best_ask / ONE + 1e-12
        fairs.append(fair)
    assert all(a <= b + 1e-12 for a, b in pairwise(fairs))


@given(snapshots())
def test_m1_balanced_and_flat_is_centred_like_m0(one: MarketSnapshot) -> None:
    assert one.grid is not None and one.best_bid is not None and one.best_ask is not None
    even = snapshot_of(
        one.grid,
        one.best_bid,
        500,
        one.best_ask,
        500,
        None,
        position=0,
        max_position=1_000,
        fee=FeeSchedule(),
    )
    m0, m1 = quote("m0", even, M0Params(edge=0.02, **OPEN)), quote("m1", even, M1Params(edge=0.02, **OPEN))
    assert m0.fair == m1.fair
    assert (m0.bid, m0.ask) == (m1.bid, m1.ask)


def width(intent: QuoteIntent) -> float:
    """Infinite where a side is gone."""
    if intent.bid is None or intent.ask is None:
        return float("inf")
    return intent.ask.price - intent.bid.price


@given(snapshots())
def test_m2_is_wider_smaller_and_shorter_lived_the_wilder_the_regime(one: MarketSnapshot) -> None:
    params = M2Params(quote_events=True, **OPEN)
    calm, active, event = (quote("m2", plain(one, regime=regime), params) for regime in Regime)
    assert width(calm) <= width(active) <= width(event)
    assert calm.ttl_ms >= active.ttl_ms >= event.ttl_ms
    for name in ("bid", "ask"):
        counts = [side.count if (side := getattr(intent, name)) else 0 for intent in (calm, active, event)]
        if counts[0] and counts[1]:
            assert counts[0] >= counts[1] >= counts[2]


RATIOS = st.none() | st.floats(0.1, 5.0)


@given(st.lists(st.tuples(st.floats(0.1, 20), RATIOS, RATIOS, st.booleans()), max_size=60))
def test_the_regime_relaxes_at_most_once_a_dwell_and_never_from_event_to_calm(
    steps: list[tuple[float, float | None, float | None, bool]],
) -> None:
    machine = RegimeMachine(RegimeParams())
    now, before, tightened = 0.0, machine.state, 0.0
    for wait, spread, vol, event in steps:
        now += wait
        state = machine.update(now, spread, vol, event)
        if event:
            assert state is Regime.EVENT
        if state is Regime.CALM and before is not Regime.CALM:
            assert before is Regime.ACTIVE
            assert now - tightened >= RegimeParams().dwell_s
        if state is not Regime.CALM and (before is not state or max(spread or 0.0, vol or 0.0) >= 1.2):
            tightened = now
        before = state


@given(st.lists(st.tuples(st.floats(0.5, 3), st.floats(0.0, 1.0)), max_size=50))
def test_more_stress_is_never_a_calmer_regime(steps: list[tuple[float, float]]) -> None:
    order = list(Regime)
    low, high = RegimeMachine(start=Regime.CALM), RegimeMachine(start=Regime.CALM)
    for second, (x, extra) in enumerate(steps):
        mild, wild = low.update(second, x, 1.0, False), high.update(second, x + extra, 1.0, False)
        assert order.index(wild) >= order.index(mild)


@given(st.floats(0.02, 0.98), st.floats(1e-6, 0.3))
def test_the_adverse_half_spread_is_half_the_glosten_milgrom_spread(p: float, markout: float) -> None:
    band = theory.glosten_milgrom(p, theory.informed_share(markout, p))
    assert theory.adverse_half_spread(markout, p) == pytest.approx((band.ask - band.bid) / 2, rel=1e-9)
    assert theory.adverse_half_spread(-markout, p) == 0.0


@given(st.floats(0.02, 0.98), st.floats(0.0, 0.95))
def test_glosten_milgrom_is_even_in_log_odds_and_breaks_even(p: float, informed: float) -> None:
    band, other = theory.glosten_milgrom(p, informed), theory.glosten_milgrom(1.0 - p, informed)
    assert band.ask == pytest.approx(1.0 - other.bid, abs=1e-12)
    # The ask's zero profit: what the informed take equals what the uninformed give.
    gain = (1.0 - informed) / 2 * (band.ask - p)
    loss = informed * p * (1.0 - band.ask)
    bought = (1.0 - informed) / 2 + informed * p
    assert bought * band.ask - ((1.0 - informed) / 2 * p + informed * p) == pytest.approx(
        gain - loss, abs=1e-12
    )
    assert gain == pytest.approx(loss, abs=1e-12)


@given(st.floats(0.01, 0.99), st.floats(-50, 50), st.floats(0.01, 1), st.floats(0, 1), st.floats(0.5, 50))
def test_log_odds_quotes_stay_inside_the_dollar(
    p: float, q: float, gamma: float, variance: float, k: float
) -> None:
    band = theory.logit_avellaneda_stoikov(p, q, gamma, variance, k)
    assert 0.0 <= band.bid <= band.reservation <= band.ask <= 1.0
    assert theory.horizon_variance(p, variance, 1e9) <= p * (1.0 - p)
    assert theory.fill_intensity(2.0, k, 0.0) == 2.0
