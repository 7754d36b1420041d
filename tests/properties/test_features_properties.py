"""Invariants of the features, for any sequence of books, trades and seconds."""

from __future__ import annotations

from math import exp, isfinite
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from book_changes import change
from kalshi_tui.features.decay import DecayedMean, DecayedRatio, DecayedSum
from kalshi_tui.features.flow import Markouts, VolumeBuckets
from kalshi_tui.features.formulas import (
    clipped_logit,
    expit,
    logit,
    multilevel_imbalance,
    order_flow,
    tick_around,
    weighted_mid,
)
from kalshi_tui.features.market import FeatureParams, MarketFeatures
from kalshi_tui.features.microprice import MicroTable
from kalshi_tui.features.snapshot import FeatureSnapshot
from kalshi_tui.orderbook.book import Book
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import PublicTrade
from kalshi_tui.protocol.ticks import STRUCTURES, TickGrid
from kalshi_tui.protocol.units import CONTRACT, ONE, SECOND, Side

Top: TypeAlias = tuple[int | None, int, int | None, int]
Step: TypeAlias = tuple[int, str, Any]
"""Wait, what, and its content: a touch, a trade as (price, count, side), or the ladders of both sides."""

GRID = TickGrid.named("tapered_deci_cent")
TABLE = MicroTable(((-0.4, -0.1, 0.0, 0.1, 0.4), (-0.8, -0.3, 0.0, 0.3, 0.8)), (True, True))
COUNTS = st.integers(1, 500_000)
LEVELS = st.integers(0, GRID.size - 1)
LADDERS = st.lists(st.tuples(LEVELS.map(GRID.price), COUNTS), max_size=4)
NEGATED = ("micro_shift", "imbalance", "depth_imbalance", "ofi", "ofi_norm", "trade_imbalance")
MIRRORED = ("mid", "weighted_mid", "microprice", "steady_share")
SAME = ("problem", "tick", "spread", "spread_levels", "jump", "book_age", "trade_age", "trades")
SAME_NUMBERS = ("var_fast", "var_slow", "vol_ratio", "spread_ratio", "vpin", "toxicity", "seconds_to_close")


@st.composite
def tops(draw: st.DrawFn) -> Top:
    """Any book's touch, also one-sided, empty and (briefly) crossed."""
    bid = draw(st.none() | LEVELS)
    ask = draw(st.none() | LEVELS)
    return (
        None if bid is None else GRID.price(bid),
        0 if bid is None else draw(COUNTS),
        None if ask is None else GRID.price(ask),
        0 if ask is None else draw(COUNTS),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    trade = st.tuples(LEVELS.map(GRID.price), COUNTS, st.sampled_from(list(Side)))
    what = st.one_of(
        st.tuples(st.just("top"), tops()),
        st.tuples(st.just("trade"), trade),
        st.tuples(st.just("grid"), tops()),
        st.tuples(st.just("depth"), st.tuples(LADDERS, LADDERS)),
    )
    gap = st.sampled_from([0, 1_000_000, 40_000_000, 300_000_000, SECOND, 31 * SECOND])
    return [
        (wait, kind, content) for wait, (kind, content) in draw(st.lists(st.tuples(gap, what), max_size=40))
    ]


def replay(history: list[Step], mirror: bool = False, scale: int = 1, look: bool = False) -> FeatureSnapshot:
    params = FeatureParams(vpin_bucket=1_000 * CONTRACT * scale, queue_prior=10 * CONTRACT * scale)
    features = MarketFeatures(GRID, close_time=10**15, params=params, table=TABLE)
    now = Instant(0, 0)
    for wait, kind, content in history:
        now = now.plus(wait)
        if kind == "grid":
            features.on_grid(now)
        elif kind == "depth":
            bids, asks = ([(price, count * scale) for price, count in side] for side in content)
            if mirror:
                bids, asks = ([(ONE - price, count) for price, count in side] for side in (asks, bids))
            features.on_depth(bids, asks)
        elif len(content) == 3:
            price, count, side = content
            if mirror:
                price, side = ONE - price, side.opposite
            features.on_trade(PublicTrade("T", price, count * scale, side, now.wall), now)
        else:
            bid, bid_size, ask, ask_size = content
            if mirror:
                bid, ask = (None if ask is None else ONE - ask), (None if bid is None else ONE - bid)
                bid_size, ask_size = ask_size, bid_size
            features.on_top(bid, bid_size * scale, ask, ask_size * scale, now)
        if look:
            features.snapshot(now.plus(7 * SECOND))
    return features.snapshot(now)


def close(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return a == pytest.approx(b, rel=1e-9, abs=1e-12)


@given(histories())
def test_relabelling_yes_and_no_mirrors_every_feature(history: list[Step]) -> None:
    ours, theirs = replay(history), replay(history, mirror=True)
    every = {"mid2", "var_logit", *MIRRORED, *NEGATED, *SAME, *SAME_NUMBERS}
    assert every == set(FeatureSnapshot.__struct_fields__)
    for name in MIRRORED:
        here, there = getattr(ours, name), getattr(theirs, name)
        assert close(here, None if there is None else 1.0 - there), name
    for name in NEGATED:
        here, there = getattr(ours, name), getattr(theirs, name)
        assert close(here, None if there is None else -there), name
    assert (ours.mid2 is None) == (theirs.mid2 is None)
    assert ours.mid2 is None or theirs.mid2 is None or ours.mid2 + theirs.mid2 == 2 * ONE
    for name in SAME:
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in SAME_NUMBERS:
        assert close(getattr(ours, name), getattr(theirs, name)), name
    # The log-odds round differently near 0 and near 1.
    assert ours.var_logit == pytest.approx(theirs.var_logit, rel=1e-6, abs=1e-9)


@given(histories(), st.sampled_from([2, 7, 100]))
def test_the_unit_of_size_does_not_matter(history: list[Step], scale: int) -> None:
    ours, theirs = asdict(replay(history)), asdict(replay(history, scale=scale))
    assert theirs.pop("ofi") == pytest.approx(ours.pop("ofi") * scale, rel=1e-9, abs=1e-9)
    for name, value in ours.items():
        if isinstance(value, float):
            assert close(value, theirs[name]), name
        else:
            assert value == theirs[name], name


@given(histories())
def test_no_feature_is_ever_nan_or_infinite(history: list[Step]) -> None:
    for name, value in asdict(replay(history)).items():
        assert not isinstance(value, float) or isfinite(value), name


@given(histories())
def test_the_same_events_give_the_same_features_and_reading_changes_nothing(history: list[Step]) -> None:
    features = replay(history)
    assert features == replay(history)
    assert features == replay(history, look=True)


@given(histories(), tops())
def test_an_unchanged_top_changes_nothing(history: list[Step], top: Top) -> None:
    once = replay([*history, (SECOND, "top", top)])
    again = replay([*history, (SECOND, "top", top), (0, "top", top)])
    assert once == again


@given(LADDERS, LADDERS, st.integers(1, 40), st.integers(1, 40))
def test_depth_imbalance_counts_levels_from_the_mid_on_both_sides_alike(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]], half: int, off: int
) -> None:
    low, high = (5_000 + (off - half) * 100, 5_000 + (off + half) * 100)
    found = []
    for mirror in (False, True):
        features = MarketFeatures(CENT_GRID)
        bid, ask = (ONE - high, ONE - low) if mirror else (low, high)
        features.on_top(bid, 100, ask, 100, Instant(0, 0))
        here, there = (
            [(low - n * 100, q) for n, (_, q) in enumerate(bids)],
            [(high + n * 100, q) for n, (_, q) in enumerate(asks)],
        )
        if mirror:
            here, there = ([(ONE - price, q) for price, q in side] for side in (there, here))
        features.on_depth(here, there)
        found.append(features.snapshot(Instant(0, 0)).depth_imbalance)
    assert close(found[0], None if found[1] is None else -found[1])
    if bids and asks:
        assert found[0] is not None and (found[0] > 0) >= (len(asks) == 1 and bids[0][1] > asks[0][1])


CENT_GRID = TickGrid.named("linear_cent")


@given(
    st.lists(st.tuples(st.sampled_from(["yes", "no"]), st.integers(1, 49), st.integers(1, 900)), max_size=12),
    st.sampled_from(["yes", "no"]),
    st.integers(1, 48),
)
def test_a_change_below_the_touch_changes_nothing(
    levels: list[tuple[str, int, int]], side: str, cents: int
) -> None:
    book, features = Book("T", CENT_GRID), MarketFeatures(CENT_GRID, table=TABLE)
    for name, price, size in [("yes", 49, 5), ("no", 49, 7), *levels]:
        change(book, name, f"{price / 100:.4f}", f"{size}.00")
    features.on_top(*book.top_without({}), Instant(0, 0))
    before = features.snapshot(Instant(SECOND, SECOND))
    change(book, side, f"{cents / 100:.4f}", "123.00")
    features.on_top(*book.top_without({}), Instant(SECOND, SECOND))
    assert features.snapshot(Instant(SECOND, SECOND)) == before
    assert before.mid == 0.5


@given(histories())
def test_point_features_stay_inside_their_ranges(history: list[Step]) -> None:
    one = replay(history)
    if one.mid is not None and one.spread is not None and one.mid2 is not None:
        bid, ask = (one.mid2 - one.spread) / 2 / ONE, (one.mid2 + one.spread) / 2 / ONE
        assert one.weighted_mid is not None and bid - 1e-12 <= one.weighted_mid <= ask + 1e-12
        assert one.tick is not None and one.microprice is not None
        half_tick = one.tick / 2 / ONE
        assert bid - half_tick - 1e-12 <= one.microprice <= ask + half_tick + 1e-12
        assert one.spread_levels is not None and one.spread_levels >= 1
    for name, low, high in (
        ("imbalance", -1, 1),
        ("depth_imbalance", -1, 1),
        ("trade_imbalance", -1, 1),
        ("vpin", 0, 1),
        ("steady_share", 0, 1),
    ):
        value = getattr(one, name)
        assert value is None or low - 1e-12 <= value <= high + 1e-12, name


@given(st.floats(0.1, 1e4), st.floats(0, 1e3), st.floats(0, 1e3), st.floats(-1, 1), st.floats(-1, 1))
def test_decay_composes(tau: float, first: float, second: float, start: float, value: float) -> None:
    once, split = DecayedMean(tau), DecayedMean(tau)
    for mean in (once, split):
        mean.update(0.0, start)
    once.update(first + second, value)
    split.update(first, value)
    split.update(second, value)
    assert once.mean == pytest.approx(split.mean, rel=1e-12, abs=1e-12)
    one, two = DecayedRatio(tau), DecayedRatio(tau)
    for ratio in (one, two):
        ratio.add(0.0, start, 1.0)
    one.add(first + second, value, 1.0)
    two.add(first, 0.0, 0.0)
    two.add(second, value, 1.0)
    assert one.top == pytest.approx(two.top, rel=1e-9, abs=1e-12)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 5), st.floats(-10, 10)), max_size=200), st.floats(0.5, 50))
def test_a_decayed_sum_is_the_batch_sum(steps: list[tuple[float, float]], tau: float) -> None:
    total = DecayedSum(tau)
    now = 0
    seen = []
    for wait, value in steps:
        now += round(wait * SECOND)
        total.add(now, value)
        seen.append((now, value))
    batch = sum(value * exp((at - now) / SECOND / tau) for at, value in seen)
    assert total.read(now) == pytest.approx(batch, rel=1e-9, abs=1e-9)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.5, 3.0, 12.0, 40.0]), st.sampled_from([1, -1]), st.integers(1, 19_999)
        ),
        max_size=60,
    ),
    st.floats(5.0, 500.0),
)
def test_toxicity_is_the_batch_mean_of_what_followed_each_trade(
    steps: list[tuple[float, int, int]], tau: float
) -> None:
    """A trade before each move of the mid; every trade whose 30 seconds are over counts, by its age."""
    horizon, markouts, now = 30 * SECOND, Markouts(30.0, tau), 0
    path: list[tuple[int, int, int]] = []
    for wait, sign, mid2 in steps:
        now += round(wait * SECOND)
        markouts.settle(path[-1][2] if path else None, now)
        markouts.add(sign, mid2, now)
        path.append((now, sign, mid2))
    rows = []
    for at, sign, before in path:
        due = at + horizon
        if due <= now:
            later = [mid2 for when, _, mid2 in path if when < due]
            rows.append((due, sign * (later[-1] - before) / (2 * ONE)))
    weights = [exp((due - now) / SECOND / tau) for due, _ in rows]
    if sum(weights) > 1e-200:
        batch = sum(w * run for w, (_, run) in zip(weights, rows, strict=True)) / sum(weights)
        assert markouts.value == pytest.approx(batch, rel=1e-9, abs=1e-12)
    elif not rows:
        assert markouts.value is None


def test_time_never_runs_backwards_in_a_mean() -> None:
    mean = DecayedMean(1.0)
    with pytest.raises(ValueError, match="backwards"):
        mean.update(-0.1, 1.0)


@given(tops(), tops())
def test_order_flow_flips_with_the_sides_and_is_zero_without_change(old: Top, new: Top) -> None:
    def swap(top: Top) -> Top:
        bid, bid_size, ask, ask_size = top
        return (None if ask is None else -ask), ask_size, (None if bid is None else -bid), bid_size

    assert order_flow(*old, *old) == 0
    assert order_flow(*swap(old), *swap(new)) == -order_flow(*old, *new)


@given(st.lists(st.tuples(st.sampled_from([1, -1]), COUNTS), max_size=30), st.data())
def test_splitting_trades_does_not_change_vpin(trades: list[tuple[int, int]], data: st.DataObject) -> None:
    whole, split = VolumeBuckets(1_000 * CONTRACT, 5), VolumeBuckets(1_000 * CONTRACT, 5)
    for sign, count in trades:
        whole.add(sign, count)
        part = data.draw(st.integers(0, count))
        split.add(sign, part)
        split.add(sign, count - part)
    assert whole.buckets == split.buckets
    assert whole.value == split.value
    expected = sum(whole.buckets) / len(whole.buckets) if whole.buckets else None
    assert close(whole.value, expected)


@given(st.floats(0.001, 0.999))
def test_logit_and_expit_are_inverse_and_antisymmetric(p: float) -> None:
    assert expit(logit(p)) == pytest.approx(p, rel=1e-12)
    assert logit(1.0 - p) == pytest.approx(-logit(p), rel=1e-9, abs=1e-12)
    assert expit(800.0) == 1.0 and expit(-800.0) == 0.0
    assert clipped_logit(0.0, 0.01) == pytest.approx(-clipped_logit(1.0, 0.01))


@given(st.floats(0.01, 0.5), st.floats(0.0, 0.4), COUNTS, COUNTS)
def test_the_weighted_mid_leans_to_the_thin_side(
    bid: float, width: float, bid_size: int, ask_size: int
) -> None:
    ask = bid + width
    found = weighted_mid(bid, bid_size, ask, ask_size)
    assert bid - 1e-12 <= found <= ask + 1e-12
    assert found + weighted_mid(bid, ask_size, ask, bid_size) == pytest.approx(bid + ask)


@given(
    st.lists(st.tuples(st.floats(0, 20), st.floats(0.01, 1e4)), min_size=1),
    st.lists(st.tuples(st.floats(0, 20), st.floats(0.01, 1e4)), min_size=1),
    st.floats(0.1, 10),
)
def test_multilevel_imbalance_is_bounded_scale_free_and_antisymmetric(
    bids: list[tuple[float, float]], asks: list[tuple[float, float]], scale: float
) -> None:
    found = multilevel_imbalance(bids, asks)
    assert found is not None and -1.0 <= found <= 1.0
    swapped = multilevel_imbalance(asks, bids)
    assert swapped is not None and found == pytest.approx(-swapped, abs=1e-12)
    scaled = multilevel_imbalance([(d, q * scale) for d, q in bids], [(d, q * scale) for d, q in asks])
    assert found == pytest.approx(scaled, abs=1e-9)
    assert multilevel_imbalance([], []) is None


@given(st.sampled_from(sorted(STRUCTURES)), st.integers(1, 2 * ONE - 1))
def test_the_tick_is_the_same_from_yes_and_from_no(structure: str, mid2: int) -> None:
    grid = TickGrid.named(structure)
    assert tick_around(grid, mid2 / 2) == tick_around(grid, ONE - mid2 / 2)
