"""The engines, case by case, and their reasons in the trader's words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from market_snapshots import CENTS, MAKER_FEES, TAPERED, TENTHS, market_snapshot

from kalshi_tui.features.microprice import MicroTable
from kalshi_tui.pricing.base import default_params, engines, parameter_models, quote, title
from kalshi_tui.pricing.m0 import M0Params
from kalshi_tui.pricing.m1 import M1Params
from kalshi_tui.pricing.m2 import M2Params
from kalshi_tui.pricing.m3 import M3Params
from kalshi_tui.pricing.pipeline import maker_edge
from kalshi_tui.pricing.words import cents, contracts
from kalshi_tui.protocol.quotes import Quote, QuoteIntent, QuoteSides, Regime
from kalshi_tui.protocol.units import CONTRACT, Side

TABLE = MicroTable(((-0.4, 0.0, 0.4), (-0.8, 0.0, 0.8)), (True, True))
HEAVY_BID = 1_000_000


def prices(intent: QuoteIntent) -> tuple[int | None, int | None]:
    return intent.bid.price if intent.bid else None, intent.ask.price if intent.ask else None


def test_the_engines_are_named_by_their_keys() -> None:
    assert engines() == ("m0", "m1", "m2", "m3")
    assert title("m0") == "fixed edge"
    with pytest.raises(ValueError, match="there is no engine 'm9'; the engines are m0, m1, m2, m3"):
        default_params("m9")
    with pytest.raises(TypeError, match="engine m0 takes M0Params"):
        quote("m0", market_snapshot(4400, 4500), M1Params())


@pytest.mark.parametrize("name", engines())
def test_parameters_are_frozen_documented_and_have_plain_defaults(name: str) -> None:
    model = parameter_models()[name]
    with pytest.raises(AttributeError):
        model().size = 5  # type: ignore[misc]
    for field in msgspec.structs.fields(model):
        assert isinstance(field.default, bool | int | float), field.name


@pytest.mark.parametrize(
    ("model", "values", "word"),
    [
        (M0Params, {"edge": 0.0}, "edge must be above 0"),
        (M0Params, {"size": 0}, "size must be 1 to 100000 contracts, not 0"),
        (M0Params, {"tail": 0.5}, "tail must be"),
        (M0Params, {"max_half": float("nan")}, "max_half must be"),
        (M1Params, {"kappa": 3.0}, "kappa must be 0 to 2, not 3.0"),
        (M1Params, {"skew_ticks": -1}, "skew_ticks must be"),
        (M2Params, {"edge_active": 5.0}, "edge_active <= edge_event"),
        (M2Params, {"size_event": 0.6}, "size_event <= size_active"),
        (M2Params, {"ttl_event_ms": 10}, "ttl_event_ms must be"),
        (M3Params, {"hurdle": -1.0}, "hurdle must be"),
        (M3Params, {"timeout_ms": 0}, "timeout_ms must be"),
    ],
)
def test_bad_parameters_are_refused_in_one_sentence(model: Any, values: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        model(**values)


def test_the_screens_example_in_the_screens_words() -> None:
    table = MicroTable(((-0.06, 0.0, 0.06),), (True,))
    snapshot = market_snapshot(4400, 4500, table=table, bid_size=HEAVY_BID)
    intent = quote("m1", snapshot, M1Params(edge=0.026))
    assert intent.reason == "bid 41 = fair 44.6 − 2.6 to grid; ask 48"
    assert prices(intent) == (4100, 4800)
    assert intent.fair == pytest.approx(0.4456)
    assert intent.bid_edge == pytest.approx(0.0356)
    assert intent.ask_edge == pytest.approx(0.0344)


@pytest.mark.parametrize("name", engines())
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"bid": None}, "no quote: book one-sided"),
        ({"bid": None, "ask": None}, "no quote: no book"),
        ({"bid": 4600}, "no quote: book crossed"),
        ({"grid": None}, "no quote: price grid unknown"),
        ({"bid": 3400}, "no quote: spread 11 wider than 10"),
        ({"seconds_to_close": 0.0}, "no quote: market past its close"),
    ],
)
def test_no_engine_quotes_what_it_can_not_price(name: str, changes: dict[str, Any], why: str) -> None:
    arguments: dict[str, Any] = {"bid": 4400, "ask": 4500, "coherent": 0.44, **changes}
    intent = quote(
        name, market_snapshot(arguments.pop("bid"), arguments.pop("ask"), **arguments), default_params(name)
    )
    assert (intent.bid, intent.ask, intent.reason) == (None, None, why)


def test_inventory_at_its_cap_leaves_the_side_that_reduces() -> None:
    intent = quote("m0", market_snapshot(4400, 4500, position=4000), M0Params())
    assert intent.bid is None and intent.ask == Quote(4600, 1000)
    assert intent.reason == "no bid: inventory 40/40; ask 46 = fair 44.5 + 1.5"
    short = quote("m0", market_snapshot(4400, 4500, position=-4000), M0Params())
    assert short.reason == "bid 43 = fair 44.5 − 1.5; no ask: inventory −40/40"


def test_size_is_cut_to_the_room_and_to_whole_contracts() -> None:
    intent = quote("m0", market_snapshot(4400, 4500, position=3650), M0Params())
    assert intent.bid == Quote(4300, 350)
    scaled = quote("m0", market_snapshot(4400, 4500, size_scale=0.37), M0Params())
    assert scaled.bid == Quote(4300, 300)
    tiny = quote("m0", market_snapshot(4400, 4500, size_scale=0.05), M0Params())
    assert tiny.reason == "no quote: size below one contract"


def test_a_cap_of_zero_reduces_and_never_flips() -> None:
    intent = quote("m0", market_snapshot(4400, 4500, position=550, max_position=0), M0Params())
    assert (intent.bid, intent.ask) == (None, Quote(4600, 550))


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ({"sides": QuoteSides.REDUCE}, "reduce only"),
        ({"seconds_to_close": 90.0, "life_s": 900.0}, "closes in 90 s"),
        ({"seconds_to_close": 600.0}, "closes in 600 s"),
        ({"size_scale": 0.0}, "size cut to 0"),
    ],
)
def test_reduce_only_quotes_what_is_held_and_no_more(rest: dict[str, Any], why: str) -> None:
    held = quote("m0", market_snapshot(4400, 4500, position=450, **rest), M0Params())
    assert (held.bid, held.ask) == (None, Quote(4600, 450))
    assert held.reason == f"no bid: {why}; ask 46 = fair 44.5 + 1.5"
    flat = quote("m0", market_snapshot(4400, 4500, **rest), M0Params())
    assert flat.reason == f"no quote: {why}"


def test_a_fifteen_minute_market_is_tradable_until_its_last_minute_and_a_half() -> None:
    intent = quote("m0", market_snapshot(4400, 4500, seconds_to_close=91.0, life_s=900.0), M0Params())
    assert intent.bid is not None and intent.ask is not None


def test_the_traders_side_is_respected() -> None:
    bid_only = quote("m0", market_snapshot(4400, 4500, sides=QuoteSides.BID_ONLY), M0Params())
    assert bid_only.reason == "bid 43 = fair 44.5 − 1.5; no ask: bid only"
    ask_only = quote("m0", market_snapshot(4400, 4500, sides=QuoteSides.ASK_ONLY, position=100), M0Params())
    assert ask_only.bid is None and ask_only.ask is not None


def test_the_edges_of_the_range_are_left_alone_unless_reducing() -> None:
    intent = quote("m0", market_snapshot(100, 300), M0Params())
    assert intent.reason == "no quote: fair 2.0 too near the edge"
    held = quote("m0", market_snapshot(100, 300, position=200), M0Params())
    assert (held.bid, held.ask) == (None, Quote(400, 200))
    # No bid on the lowest level: it could only ever be hit by somebody who knows.
    low = quote("m0", market_snapshot(200, 400), M0Params(edge=0.02))
    assert low.bid is None and "1 too near the edge" in low.reason


def test_maker_fees_widen_the_quote_to_its_least_edge() -> None:
    free = quote("m0", market_snapshot(4400, 4500), M0Params(edge=0.005, min_edge=0.005))
    assert prices(free) == (4400, 4500)
    fee = quote("m0", market_snapshot(4400, 4500, fee=MAKER_FEES), M0Params(edge=0.005, min_edge=0.005))
    # 0.0175 * 0.445 * 0.555 is 0.43 cents: half a cent of edge needs 0.93 from fair.
    assert prices(fee) == (4300, 4600)
    assert fee.bid_edge == pytest.approx(0.015 - 0.0175 * 0.43 * 0.57)
    assert fee.reason == "bid 43 = fair 44.5 − 0.9 to grid; ask 46"


def test_edge_is_what_the_ladder_shows() -> None:
    """The screen's example: fair 44.56, maker fees, the edge column at 44 and 41."""
    assert maker_edge(MAKER_FEES, 0.4456, 4400, Side.BID) * 100 == pytest.approx(0.13, abs=0.005)
    assert maker_edge(MAKER_FEES, 0.4456, 4100, Side.BID) * 100 == pytest.approx(3.14, abs=0.005)
    assert maker_edge(MAKER_FEES, 0.4456, 5000, Side.ASK) * 100 == pytest.approx(5.0, abs=0.01)


def test_post_only_never_touches_the_other_side() -> None:
    table = MicroTable(((-0.5, 0.0, 0.5), (-2.0, 0.0, 2.0)), (True, True))
    snapshot = market_snapshot(4400, 4600, table=table, bid_size=HEAVY_BID)
    params = M1Params(edge=0.001, min_edge=0.0, clamp_fair=False)
    intent = quote("m1", snapshot, params)
    assert intent.fair == pytest.approx(0.465)  # the table says beyond the ask; half a tick is the most
    assert prices(intent) == (4500, 4700)
    clamped = quote("m1", snapshot, M1Params(edge=0.001, min_edge=0.0))
    assert clamped.fair == 0.46 and clamped.reason.endswith("fair held at the touch")


def test_lean_and_widen_are_the_traders_own() -> None:
    base = market_snapshot(4400, 4500)
    leaned = quote("m0", msgspec.structs.replace(base, lean_levels=2), M0Params())
    assert prices(leaned) == (4400, 4800)  # fair 46.5, but the ask at 45 must not be hit
    assert leaned.reason == "bid 44 = fair 46.5 (lean +2) − 1.5 kept passive; ask 48"
    wide = quote("m0", msgspec.structs.replace(base, widen=1.0), M0Params())
    assert prices(wide) == (4100, 4800)
    assert prices(quote("m0", msgspec.structs.replace(base, edge_scale=2.0), M0Params())) == (4100, 4800)


def test_no_half_spread_is_wider_than_its_cap() -> None:
    intent = quote("m0", market_snapshot(4400, 4500, edge_scale=50.0), M0Params())
    assert prices(intent) == (3400, 5500)


def test_requote_thresholds_are_half_a_cent_on_fine_grids() -> None:
    assert quote("m0", market_snapshot(4400, 4500), M0Params()).requote_levels == 1
    assert quote("m0", market_snapshot(4400, 4500, grid=TENTHS), M0Params()).requote_levels == 5
    assert quote("m0", market_snapshot(400, 500, grid=TAPERED), M0Params()).requote_levels == 5
    assert quote("m2", market_snapshot(4400, 4500, grid=CENTS), M2Params()).requote_levels == 2


def test_m1_without_a_table_quotes_the_mid_and_says_so() -> None:
    intent = quote("m1", market_snapshot(4400, 4500, bid_size=HEAVY_BID), M1Params())
    assert intent.fair == 0.445
    assert intent.reason.endswith("; no micro-price table: mid used")


def test_m1_follows_the_heavy_side() -> None:
    balanced = quote("m1", market_snapshot(4400, 4600, table=TABLE), M1Params())
    heavy = quote("m1", market_snapshot(4400, 4600, table=TABLE, bid_size=HEAVY_BID), M1Params())
    assert balanced.fair == 0.45
    assert heavy.fair == pytest.approx(0.458)


def test_m1_skews_against_its_inventory_and_shrinks_the_side_that_adds() -> None:
    flat = quote("m1", market_snapshot(4400, 4600, table=TABLE), M1Params())
    long = quote("m1", market_snapshot(4400, 4600, table=TABLE, position=2000), M1Params())
    assert prices(flat) == (4400, 4600)
    assert prices(long) == (4300, 4600)
    assert long.bid is not None and long.bid.count == 5 * CONTRACT
    assert long.ask is not None and long.ask.count == 10 * CONTRACT
    assert "− 0.5 skew" in long.reason
    assert long.fair == flat.fair  # the opinion does not change with the position


def test_m1_widens_to_what_takers_have_cost() -> None:
    snapshot = market_snapshot(4400, 4600, table=TABLE)
    features = msgspec.structs.replace(snapshot.features, toxicity=0.03)
    toxic = quote("m1", msgspec.structs.replace(snapshot, features=features), M1Params())
    assert prices(toxic) == (4200, 4800)
    kind = msgspec.structs.replace(snapshot.features, toxicity=-0.03)
    assert prices(quote("m1", msgspec.structs.replace(snapshot, features=kind), M1Params())) == (4400, 4600)


def test_m1s_longshot_term_is_shown_and_moves_fair_outward() -> None:
    cheap = quote("m1", market_snapshot(900, 1100, table=TABLE), M1Params(longshot=0.1))
    assert cheap.fair is not None and cheap.fair < 0.10
    assert "longshot +0.1" in cheap.reason


def test_m2_widens_shrinks_and_hurries_when_active_and_pulls_in_events() -> None:
    calm, active, event = (
        quote("m2", market_snapshot(4400, 4600, table=TABLE, regime=regime), M2Params()) for regime in Regime
    )
    assert prices(calm) == (4400, 4600) and calm.ttl_ms == 30_000
    assert prices(active) == (4300, 4700) and active.ttl_ms == 8_000
    assert calm.bid is not None and active.bid is not None
    assert (calm.bid.count, active.bid.count) == (1000, 500)
    assert (event.bid, event.ask, event.ttl_ms) == (None, None, 2_000)
    assert event.reason == "no quote: event window, quotes pulled"
    gone = quote("m2", market_snapshot(4400, None, regime=Regime.EVENT), M2Params())
    assert gone.reason == "no quote: book one-sided"


def test_m2_quotes_events_only_to_reduce_and_only_if_told() -> None:
    snapshot = market_snapshot(4400, 4600, table=TABLE, regime=Regime.EVENT, position=700)
    intent = quote("m2", snapshot, M2Params(quote_events=True))
    assert intent.bid is None
    assert intent.ask == Quote(4800, 100)  # 45 + 4 cents, less 1 of skew; one contract
    assert intent.reason.startswith("no bid: event window")


def test_m3_quotes_around_what_the_siblings_say() -> None:
    snapshot = market_snapshot(4400, 4600, coherent=0.46, relation="no arb: no relation is broken")
    intent = quote("m3", snapshot, M3Params())
    assert prices(intent) == (4400, 4800) and intent.fair == 0.46
    assert intent.reason.endswith("no arb: no relation is broken")
    alone = quote("m3", market_snapshot(4400, 4600), M3Params())
    assert alone.reason == "no quote: no relation to another market is proved"
    odd = quote("m3", market_snapshot(4400, 4600, coherent=0.55), M3Params())
    assert odd.reason == "no quote: siblings say 55.0, the book 45.0"


def test_numbers_in_the_traders_words() -> None:
    assert [cents(price) for price in (4400, 4450, 4456, 5, 9990)] == ["44", "44.5", "44.56", "0.05", "99.9"]
    assert [contracts(count) for count in (4000, 1250, -1234, 0)] == ["40", "12.5", "−12.34", "0"]
