from __future__ import annotations

from msgspec.structs import replace
from risk_kit import START, market, order, state

from kalshi_tui.protocol.orders import Owner, TimeInForce
from kalshi_tui.protocol.quotes import Decision
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, MILLISECOND, SECOND, Side
from kalshi_tui.risk.base import Multipliers
from kalshi_tui.risk.controls import ControlParams, Controls

PARAMS = ControlParams(order_count=50 * CONTRACT, order_value=40 * DOLLAR)


def test_a_slip_of_units_is_refused_not_cut() -> None:
    controls = Controls(PARAMS)
    by_hand = controls.review(state(market()), order(Side.BID, 51, owner=Owner.MINE))
    assert (by_hand.code, by_hand.why) == ("CTRL_ORDER_SIZE", "a size of 51; one order may have 50")
    assert controls.review(state(market()), order(Side.BID, 1000)).code == "CTRL_ORDER_SIZE"
    dear = controls.review(state(market()), order(Side.ASK, 45, 5, owner=Owner.MINE))
    assert dear.code in ("CTRL_ORDER_VALUE", "CTRL_COLLAR")
    assert dear.decision is Decision.REFUSE


def test_an_engine_that_wants_more_than_one_order_may_have_is_cut() -> None:
    verdict = Controls(PARAMS).review(state(market()), order(Side.BID, 60))
    assert (verdict.decision, verdict.count) == (Decision.SHRINK, 50 * CONTRACT)
    active = market()
    active.limits = Multipliers(size=500, why="active ×0.5")
    verdict = Controls(PARAMS).review(state(active), order(Side.BID, 30))
    assert (verdict.code, verdict.count) == ("R2_ORDER_SIZE", 25 * CONTRACT)
    assert verdict.why == "orders here are at most 25 (active ×0.5)"
    killed = Controls(PARAMS).review(state(active), order(Side.BID, 30, tif=TimeInForce.FOK))
    assert killed.decision is Decision.REFUSE


def test_paying_far_beyond_the_market_is_refused_and_patience_is_not() -> None:
    controls = Controls(PARAMS)
    assert controls.review(state(market(mark=44)), order(Side.BID, 1, 54)).decision is Decision.ALLOW
    far = controls.review(state(market(mark=44)), order(Side.BID, 1, 55))
    assert (far.code, far.why) == ("CTRL_COLLAR", "55 is 11 beyond the market at 44; the limit is 10")
    assert controls.review(state(market(mark=44)), order(Side.ASK, 1, 33)).code == "CTRL_COLLAR"
    assert controls.review(state(market(mark=44)), order(Side.BID, 1, 2)).decision is Decision.ALLOW
    assert controls.review(state(market(mark=None)), order(Side.BID, 1)).code == "CTRL_COLLAR"


def test_on_a_fine_grid_the_collar_is_ten_cents_not_ten_levels() -> None:
    fine = market(mark=50)
    fine.grid = TickGrid.named("deci_cent")
    assert Controls(PARAMS).review(state(fine), order(Side.BID, 1, 60)).decision is Decision.ALLOW
    assert Controls(PARAMS).review(state(fine), order(Side.BID, 1, 60.1)).code == "CTRL_COLLAR"


def test_the_same_order_again_is_a_duplicate_for_half_a_second() -> None:
    controls, first = Controls(PARAMS), order(Side.BID, 10)
    controls.note_sent(first, START)
    again = replace(first, client_order_id="c2")
    assert controls.review(state(market()), again).code == "CTRL_DUPLICATE"
    other = replace(again, count=11 * CONTRACT)
    assert controls.review(state(market()), other).decision is Decision.ALLOW
    later = START.plus(501 * MILLISECOND)
    assert controls.review(state(market(), at=later), again).decision is Decision.ALLOW


def test_an_order_that_meets_our_own_gives_way() -> None:
    held = market()
    held.best_own_ask, held.best_own_bid = 5100, 4900
    controls = Controls(PARAMS)
    verdict = controls.review(state(held), order(Side.BID, 1, 51))
    assert (verdict.code, verdict.why) == ("CTRL_SELF_CROSS", "it would trade with our own ask at 51")
    assert controls.review(state(held), order(Side.ASK, 1, 49)).code == "CTRL_SELF_CROSS"
    assert controls.review(state(held), order(Side.BID, 1, 50)).decision is Decision.ALLOW


def test_messages_are_limited_per_market_and_in_all() -> None:
    controls = Controls(PARAMS)
    markets = [market(f"M{i}", f"E{i}") for i in range(10)]
    sent = 0
    for i in range(30):
        one = order(Side.BID, 1 + i, ticker=f"M{i % 5}")
        if controls.review(state(*markets), one).decision is Decision.ALLOW:
            controls.note_sent(one, START)
            sent += 1
    assert sent == 20
    assert controls.review(state(*markets), order(Side.BID, 1, ticker="M9")).code == "CTRL_RATE"
    later = START.plus(SECOND)
    assert controls.review(state(*markets, at=later), order(Side.BID, 40)).code == "CTRL_UNKNOWN_MARKET"
    assert (
        controls.review(state(*markets, at=later), order(Side.BID, 40, ticker="M9")).decision
        is Decision.ALLOW
    )
    busy = state(market())
    busy.in_flight = 20
    assert Controls(PARAMS).review(busy, order(Side.BID, 1)).code == "CTRL_IN_FLIGHT"


def test_one_market_may_not_use_the_whole_budget() -> None:
    controls = Controls(PARAMS)
    for i in range(5):
        controls.note_sent(order(Side.BID, 1 + i), START)
    assert "in this market" in controls.review(state(market()), order(Side.BID, 9)).why
    slow = market()
    slow.limits = Multipliers(rate=500)
    half = START.plus(SECOND // 2)
    assert controls.review(state(slow, at=half), order(Side.BID, 9)).code == "CTRL_RATE"


def test_a_price_the_venue_keeps_refusing_is_left_alone() -> None:
    controls, bid = Controls(PARAMS), order(Side.BID, 1)
    for _ in range(3):
        controls.note_refused(bid, START)
    assert controls.review(state(market()), bid).code == "CTRL_REFUSED_BEFORE"
    assert controls.review(state(market()), order(Side.BID, 1, 49)).decision is Decision.ALLOW
    assert controls.review(state(market(), at=START.plus(61 * SECOND)), bid).decision is Decision.ALLOW


def test_flatten_orders_carry_their_own_floors() -> None:
    held = market(held=500, mark=50)
    out = order(Side.ASK, 300, 36, owner=Owner.FLATTEN, tif=TimeInForce.IOC)
    assert Controls(PARAMS).review(state(held), out).decision is Decision.ALLOW
