"""What the view says: the feed's word, ages, queue places, what a stop was and who asked for it."""

from __future__ import annotations

import pytest
from kernel_bench import START, Bench
from msgspec.structs import replace

from kalshi_tui.execution.orders import Order
from kalshi_tui.kernel.lag import LAGGING
from kalshi_tui.kernel.panels import settlement_of
from kalshi_tui.kernel.words import refused, taken
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.commands import Clear, PlaceOrder, Scope, SetQuoting, Stop, Tilt
from kalshi_tui.protocol.market import StrikeType
from kalshi_tui.protocol.orders import OrderState, Owner
from kalshi_tui.protocol.quotes import QuoteSides
from kalshi_tui.protocol.units import MILLISECOND, Side
from kalshi_tui.protocol.views import LadderView, OwnOrder
from kalshi_tui.risk.base import MarketExposure
from kalshi_tui.risk.scenarios import groups


def ladder(bench: Bench) -> LadderView:
    found = bench.kernel.view(bench.now).ladder
    assert found is not None
    return found


def own(bench: Bench, side: Side) -> OwnOrder:
    return next(order for order in ladder(bench).orders if order.side is side)


def test_old_frames_stop_the_engines_and_say_so_until_fresh_ones_come() -> None:
    bench = Bench()
    bench.accept_all()
    bench.delta("0.4000", "1.00", age_ms=LAGGING // MILLISECOND + 100)
    bench.wait(1)
    bench.turn()
    assert len(bench.made(ef.CancelOrder)) == 2 and not bench.made(ef.CreateOrder)
    shown = bench.kernel.view(bench.now)
    assert shown.status.feed == "lagging"
    assert shown.markets[0].state == "lagging"
    assert "frames are 2.1 s old, over 2 s" in shown.markets[0].why
    bench.cancel_all()
    bench.turn(500)
    assert not bench.made(ef.CreateOrder)
    bench.delta("0.4000", "1.00")
    bench.wait(1)
    bench.turn()  # the round of the second marks the market, the next decision takes it up
    bench.turn()
    assert len(bench.made(ef.CreateOrder)) == 2
    assert bench.kernel.view(bench.now).status.feed == "live"


def test_a_feed_that_was_lost_is_dead_and_its_age_grows() -> None:
    bench = Bench()
    assert bench.kernel.view(bench.now).status.feed == "live"
    bench.kernel.apply(ev.FeedClosed(bench.now, 1, "refused"))
    bench.wait(3)
    bench.turn()
    status = bench.kernel.view(bench.now).status
    assert status.feed == "dead"
    assert status.feed_age_ms is not None and status.feed_age_ms >= 3_000


def test_no_more_is_ahead_than_the_level_holds() -> None:
    bench = Bench()
    bid, _ask = bench.accept_all()
    bench.delta("0.4300", "62.00")
    bench.kernel.apply(ev.QueueRead(bench.now, {bid: 5_200}))
    assert own(bench, Side.BID).ahead == 5_200
    bench.delta("0.4300", "-45.00")
    assert own(bench, Side.BID).ahead == 1_700
    bench.kernel.state.orders.by_order_id[bid].in_book = True  # ten of the seventeen are ours
    assert own(bench, Side.BID).ahead == 700


def test_the_view_carries_the_tilt_in_force() -> None:
    bench = Bench()
    bench.arm()
    assert (ladder(bench).lean_levels, ladder(bench).widen, ladder(bench).sides) == (0, 0.0, QuoteSides.BOTH)
    bench.say(Tilt(5, "T-1", 2, 0.5, QuoteSides.REDUCE))
    assert (ladder(bench).lean_levels, ladder(bench).widen, ladder(bench).sides) == (
        2,
        0.5,
        QuoteSides.REDUCE,
    )


def test_what_stands_in_for_fair_goes_by_its_own_name() -> None:
    bench = Bench(quote_at_start=False)
    assert ladder(bench).fair_name == "mark"
    assert ladder(bench).fair == bench.kernel.state.markets["T-1"].risk.fair
    assert Bench().kernel.view(bench.now).ladder is not None
    assert ladder(Bench()).fair_name == "fair"


def test_a_stop_says_who_asked_for_what_and_when() -> None:
    bench = Bench(("T-1", "T-2"))
    bench.say(Stop(2, "flatten"))
    latches = bench.kernel.state.gate.latches
    assert latches.pulled[""].startswith("flatten all by key at 10:")
    bench.turn()
    status = bench.kernel.view(bench.now).status
    assert status.latch == "FLATTENING" and status.latch_why.endswith("; 1 more")
    bench.say(Stop(3, "kill", why="the kill file /x/KILL is there"), session=0, in_control=False)
    assert bench.kernel.view(bench.now).status.latch_why.startswith("the kill file /x/KILL is there at 10:")
    bench.say(Clear(4))
    bench.say(Stop(5, "kill", why="not for a screen to say"), session=3)
    assert bench.kernel.view(bench.now).status.latch_why.startswith("by key at 10:")


def test_clearing_everything_leaves_no_market_pulled() -> None:
    bench = Bench(("T-1", "T-2"))
    bench.say(Stop(2, "flatten", Scope(ticker="T-1")))
    bench.say(Stop(3, "flatten"))
    bench.say(SetQuoting(4, False))
    bench.say(Clear(5))
    bench.turn()
    assert [row.state for row in bench.kernel.view(bench.now).markets] == ["off", "off"]


def test_an_order_that_took_nothing_says_where_the_offer_went() -> None:
    bench = Bench(quote_at_start=False)
    bench.arm()
    wall = bench.kernel.view(bench.now).wall
    assert bench.say(PlaceOrder(3, "T-1", Side.BID, 4600, 1000, wall, take=True)).ok
    (create,) = bench.made(ef.CreateOrder)
    bench.delta("0.5400", "-100.00", side="no")
    bench.kernel.apply(ev.CreateAccepted(bench.now, create.order.client_order_id, "o", 0, 0))
    bench.turn()
    text = bench.kernel.view(bench.now).log[0].text
    assert text == "took nothing up to 46: the ask is 50 now"


def order(side: Side, filled: int) -> Order:
    instant = START
    return Order(
        "c", "T-1", side, 4500, 1000, Owner.MINE, "", OrderState.CANCELED, instant, filled=filled
    )  # fmt: skip


@pytest.mark.parametrize(
    ("side", "filled", "touch", "words"),
    [
        (Side.BID, 0, 4600, "took nothing up to 45: the ask is 46 now"),
        (Side.BID, 400, 4650, "took 4 of 10 up to 45: the ask is 46.5 now"),
        (Side.ASK, 0, 4400, "took nothing down to 45: the bid is 44 now"),
        (Side.ASK, 0, None, "took nothing down to 45: no bid is left"),
        (Side.ASK, 0, 4500, "took nothing down to 45: the bid it was sent for was gone when it came"),
    ],
)
def test_the_end_of_a_taking_order_in_words(side: Side, filled: int, touch: int | None, words: str) -> None:
    assert taken(order(side, filled), touch) == words


def test_a_side_that_risk_refused_is_not_quoted_in_the_same_breath() -> None:
    reason = "bid 94 = fair 95.0 − 1.5 to grid; ask 97"
    said = "no bid: filled over 5 times in 60 s (R0)"
    assert refused(reason, Side.BID, said) == (
        "no bid: filled over 5 times in 60 s (R0) [94 = fair 95.0 − 1.5 to grid]; ask 97"
    )
    assert refused(reason, Side.ASK, "no ask: inventory (R0)").endswith("; no ask: inventory (R0) [97]")
    assert refused("no arb", Side.ASK, "no ask: x") == "no arb; no ask: x"


def test_what_pays_nobody_stands_last_under_its_own_name() -> None:
    strikes = (
        (StrikeType.LESS_OR_EQUAL, None, 0.1),
        (StrikeType.BETWEEN, 0.2, 0.2),
        (StrikeType.GREATER, 0.2, None),
    )
    markets = [
        MarketExposure(
            f"T{n}",
            "E",
            position=100,
            mutually_exclusive=True,
            strike_type=kind,
            floor_strike=low,
            cap_strike=high,
        )
        for n, (kind, low, high) in enumerate(strikes)
    ]
    (group,) = groups(markets)
    assert [row.label for row in settlement_of(group)] == ["≤ 0.1", "0.2", "> 0.2", "none of these"]
    (single,) = groups(markets[2:])
    assert [row.label for row in settlement_of(single)] == ["≤ 0.2", "> 0.2"]


def test_markets_of_an_event_stand_from_the_lowest_strike_up() -> None:
    bench = Bench(("T-1", "T-2", "T-3"))
    strikes = {"T-1": (0.3, None), "T-2": (None, 0.1), "T-3": (0.2, 0.2)}
    for ticker, (low, high) in strikes.items():
        kept = bench.kernel.state.markets[ticker]
        kept.facts = replace(kept.facts, floor_strike=low, cap_strike=high)
    assert [row.ticker for row in bench.kernel.view(bench.now).markets] == ["T-2", "T-3", "T-1"]
