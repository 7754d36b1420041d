"""What the view says: the feed's word, ages, queue places, what a stop was and who asked for it."""

from __future__ import annotations

from kernel_bench import Bench

from kalshi_tui.kernel.lag import LAGGING
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.commands import Tilt
from kalshi_tui.protocol.quotes import QuoteSides
from kalshi_tui.protocol.units import MILLISECOND, Side
from kalshi_tui.protocol.views import LadderView, OwnOrder


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
