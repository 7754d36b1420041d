"""What the engines do at their edges: half a book, no table, full inventory, whatever the market."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from test_pricing_properties import OPEN, TABLE, plain, snapshots

from kalshi_tui.features.market import MarketFeatures
from kalshi_tui.pricing.base import engines, parameter_models, quote
from kalshi_tui.pricing.m1 import M1Params, centre
from kalshi_tui.pricing.snapshot import MarketSnapshot
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.units import ONE

NOW = Instant(10**9, 1_800_000_000_000_000_000)


@pytest.mark.parametrize("name", engines())
@given(one=snapshots(), missing=st.sampled_from(["bid", "ask", "both", "crossed"]))
def test_half_a_book_or_a_crossed_one_is_never_quoted(name: str, one: MarketSnapshot, missing: str) -> None:
    bid: int | None = one.best_bid
    ask: int | None = one.best_ask
    if missing == "crossed":
        bid, ask = ask, bid
    else:
        bid = None if missing in ("bid", "both") else bid
        ask = None if missing in ("ask", "both") else ask
    book = MarketFeatures(one.grid, table=TABLE)
    book.on_top(bid, one.bid_size if bid else 0, ask, one.ask_size if ask else 0, NOW)
    broken = replace(one, best_bid=bid, best_ask=ask, features=book.snapshot(NOW))
    intent = quote(name, broken, parameter_models()[name](**OPEN))
    assert (intent.bid, intent.ask) == (None, None)
    assert intent.reason.startswith("no quote: ") and "book" in intent.reason


@given(snapshots(), st.integers(0, 50), st.floats(0.0, 5.0), st.integers(-100_000, 100_000))
def test_m1s_skew_opposes_the_inventory_and_is_capped_in_ticks(
    one: MarketSnapshot, ticks: int, eta: float, position: int
) -> None:
    held = replace(one, position=position)
    around = centre(held, M1Params(skew_ticks=ticks, eta=eta, **OPEN))
    assert around is not None and one.features.tick is not None
    assert abs(around.skew) <= ticks * one.features.tick / ONE + 1e-12
    assert around.skew * position <= 0.0


@given(snapshots(), st.floats(0.1, 2.0))
def test_m1_without_a_table_is_m1_with_kappa_zero_and_says_so(one: MarketSnapshot, kappa: float) -> None:
    bare = plain(replace(one, features=replace(one.features, micro_shift=None)))
    without, zero = (quote("m1", bare, M1Params(kappa=k, **OPEN)) for k in (kappa, 0.0))
    assert (without.bid, without.ask, without.fair) == (zero.bid, zero.ask, zero.fair)
    assert "no micro-price table: mid used" in without.reason
    assert "no micro-price table" not in zero.reason


@given(snapshots(), st.sampled_from(["m1", "m2"]), st.sampled_from([0.02, 0.05]), st.floats(0.04, 0.2))
def test_no_half_spread_exceeds_its_cap(one: MarketSnapshot, name: str, most: float, toxicity: float) -> None:
    """However dear the takers were. Rounding outward adds less than a level; the schedule has no maker fee."""
    changes: dict[str, Any] = {"max_half": most, "min_edge": 0.0, "eta": 0.0, **OPEN}
    params = parameter_models()[name](**changes)
    poisoned = replace(one.features, toxicity=toxicity)
    intent = quote(name, plain(one, features=poisoned, regime=Regime.CALM), params)
    assert one.best_bid is not None and one.best_ask is not None and intent.fair is not None
    for side, sign, far in ((intent.bid, 1, one.best_ask), (intent.ask, -1, one.best_bid)):
        if side is not None:
            held_back = sign * (intent.fair - far / ONE) + 0.01  # one level behind the other side, post-only
            assert sign * (intent.fair - side.price / ONE) < max(most, held_back) + 0.01 + 1e-9
