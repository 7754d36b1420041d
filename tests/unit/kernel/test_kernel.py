"""The kernel as a whole: what it sends, what it refuses, what every stop leaves behind."""

from __future__ import annotations

import pytest
from kernel_bench import START, Bench

from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.commands import (
    Acknowledge,
    Arm,
    CancelOrders,
    Clear,
    EndDesk,
    PlaceOrder,
    Scope,
    SetEngine,
    SetQuoting,
    Stop,
)
from kalshi_tui.protocol.orders import OrderState, VenueError, VenueOrder
from kalshi_tui.protocol.text import SafeText
from kalshi_tui.protocol.units import DOLLAR, SECOND, Side, counted


def test_nothing_is_sent_before_orders_fills_positions_and_balance_were_read() -> None:
    bench = Bench(boot=False)
    bench.turn()
    assert not bench.made(ef.CreateOrder)
    assert bench.made(ef.ReadPositions)
    assert "reading" in bench.kernel.view(bench.now).markets[0].why
    bench.reads()
    bench.turn()
    assert len(bench.made(ef.CreateOrder)) == 2


def test_an_incomplete_read_opens_nothing() -> None:
    bench = Bench(boot=False)
    bench.turn()
    bench.kernel.apply(ev.OrdersRead(bench.now, bench.now, (), complete=False, resting_only=True))
    bench.kernel.apply(ev.FillsRead(bench.now, bench.now, (), complete=True, since=START.wall))
    bench.kernel.apply(ev.PositionsRead(bench.now, bench.now, (), complete=True))
    bench.kernel.apply(ev.BalanceRead(bench.now, bench.now, DOLLAR))
    bench.turn()
    assert not bench.made(ef.CreateOrder)


def test_every_order_is_journaled_before_it_is_sent_in_the_same_decision() -> None:
    bench = Bench()
    kinds = [type(e) for e in bench.effects]
    assert kinds.index(ef.Journal) < kinds.index(ef.CreateOrder)
    intents = [e.payload["client_order_id"] for e in bench.made(ef.Journal) if e.kind == "intent"]
    assert intents == [e.order.client_order_id for e in bench.made(ef.CreateOrder)]
    orders = [e.order for e in bench.made(ef.CreateOrder)]
    assert [(o.side, o.price, o.count) for o in orders] == [
        (Side.BID, 4300, 1000),
        (Side.ASK, 4700, 1000),
    ]
    assert all(o.post_only and o.cancel_on_pause and o.expiration_s for o in orders)


def test_own_orders_are_taken_out_of_the_book_before_it_is_priced() -> None:
    bench = Bench()
    bench.accept_all()
    # Our own bid arrives in the book one level above the others: the mid must not follow it.
    bench.kernel.state.orders.by_client_id["b-e1"].price = 4500
    bench.delta("0.4500", "10.00")
    bench.turn()
    fair = bench.kernel.state.markets["T-1"].intent
    assert fair is not None and fair.fair == 0.45


def test_a_gap_pulls_the_quotes_and_the_snapshot_brings_them_back() -> None:
    bench = Bench()
    bench.accept_all()
    bench.wait(1)
    bench.delta("0.4400", "5.00", skip=1)
    bench.turn()
    assert len(bench.made(ef.CancelOrder)) == 2 and not bench.made(ef.CreateOrder)
    assert bench.made(ef.RequestSnapshots)
    row = bench.kernel.view(bench.now).markets[0]
    assert (row.state, row.bid, row.book) == ("no book", None, "gap")
    bench.cancel_all()
    bench.snapshot()
    bench.turn()
    assert not bench.made(ef.CreateOrder)  # a side moves at most every 250 ms
    bench.turn(300)
    assert len(bench.made(ef.CreateOrder)) == 2


def test_kill_closes_the_gate_first_and_for_good() -> None:
    bench = Bench()
    first, _second = bench.accept_all()
    ack = bench.say(Stop(7, "kill"), session=3, in_control=False)
    assert ack.ok and "cancelling 2 orders" in ack.text
    assert len(bench.made(ef.CancelOrder)) == 2
    # A late answer, a new second, quoting on: nothing leaves any more.
    bench.kernel.apply(ev.CancelRefused(bench.now, first, VenueError(429, "too_many_requests")))
    bench.wait(1)
    bench.turn()
    assert [c.order_id for c in bench.made(ef.CancelOrder)] == [first]
    bench.arm()
    assert not bench.say(SetQuoting(2, True)).ok
    for _ in range(5):
        bench.wait(1)
        bench.delta("0.4400", "1.00")
        bench.turn()
        assert not bench.made(ef.CreateOrder) and not bench.made(ef.AmendOrder)
    status = bench.kernel.view(bench.now).status
    assert (status.latch, status.unconfirmed) == ("KILLED", 2)


def test_an_order_in_flight_at_the_kill_is_cancelled_when_its_answer_comes() -> None:
    bench = Bench()
    creates = bench.made(ef.CreateOrder)
    bench.say(Stop(7, "kill"))
    assert not bench.made(ef.CancelOrder)
    bench.kernel.apply(ev.CreateAccepted(bench.now, creates[0].order.client_order_id, "late", 0, 1000))
    bench.turn()
    assert [c.order_id for c in bench.made(ef.CancelOrder)] == ["late"]


def test_clear_after_a_kill_opens_the_gate_but_quoting_stays_off() -> None:
    bench = Bench()
    bench.accept_all()
    bench.say(Stop(7, "kill"))
    bench.cancel_all()
    assert bench.say(Clear(8)).ok
    bench.delta("0.4400", "1.00")
    bench.turn()
    assert not bench.made(ef.CreateOrder)
    bench.arm()
    bench.say(SetQuoting(9, True, "T-1"))
    bench.turn()
    assert bench.kernel.state.markets["T-1"].word == "quoting"


def test_pull_latches_engines_off_in_its_scope_only() -> None:
    bench = Bench(("T-1", "T-2"))
    bench.accept_all()
    assert bench.say(Stop(1, "pull", Scope(ticker="T-1")), in_control=False).ok
    assert {c.ticker for c in bench.made(ef.CancelOrder)} == {"T-1"}
    bench.cancel_all()
    bench.delta("0.4400", "1.00")
    bench.delta("0.4400", "1.00", ticker="T-2")
    bench.turn()
    rows = {r.ticker: r.state for r in bench.kernel.view(bench.now).markets}
    assert rows == {"T-1": "pulled", "T-2": "quoting"}


def test_a_kill_of_one_market_leaves_the_others_quoting_and_is_lifted_by_name() -> None:
    bench = Bench(("T-1", "T-2"))
    bench.accept_all()
    assert "T-1" in bench.say(Stop(1, "kill", Scope(ticker="T-1"))).text
    assert {c.ticker for c in bench.made(ef.CancelOrder)} == {"T-1"}
    bench.cancel_all()
    bench.arm()
    bench.say(SetQuoting(2, True, "T-1"))
    bench.wait(1)
    bench.delta("0.4400", "1.00")
    bench.delta("0.4400", "1.00", ticker="T-2")
    bench.turn()
    rows = {r.ticker: r.state for r in bench.kernel.view(bench.now).markets}
    assert rows == {"T-1": "killed", "T-2": "quoting"}
    assert not any(c.order.ticker == "T-1" for c in bench.made(ef.CreateOrder))
    assert "lifted kill" in bench.say(Clear(3, scope=Scope(ticker="T-1"))).text


def test_switching_one_market_on_leaves_the_others_pulled() -> None:
    bench = Bench(("T-1", "T-2"))
    bench.accept_all()
    bench.say(Stop(1, "pull"))
    bench.cancel_all()
    bench.arm()
    bench.say(SetQuoting(2, True, "T-1"))
    bench.turn()
    latches = bench.kernel.state.gate.latches
    assert list(latches.pulled) == ["market T-2"]


def test_what_adds_needs_an_armed_hand_in_control() -> None:
    bench = Bench(quote_at_start=False)
    assert "armed hand" in bench.say(SetQuoting(1, True, "T-1")).text
    assert "control" in bench.say(Arm(2, True), in_control=False).text
    bench.arm()
    assert "control" in bench.say(SetQuoting(3, True, "T-1"), in_control=False).text
    assert bench.say(SetQuoting(4, True, "T-1")).ok
    # Going safe leaves the engines as they are; swapping one that quotes is then refused, switching off is not.
    assert bench.say(Arm(5, False)).ok
    assert bench.kernel.state.markets["T-1"].quoting
    assert not bench.say(SetEngine(6, "T-1", "m0")).ok
    assert bench.say(SetQuoting(7, False)).ok


def place(bench: Bench, **changes: object) -> PlaceOrder:
    fields: dict[str, object] = {
        "id": 1, "ticker": "T-1", "side": Side.BID, "price": 4400, "count": 500, "view_wall": bench.now.wall,
    }  # fmt: skip
    return PlaceOrder(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"view_wall": START.wall - 2 * SECOND}, "look again"),
        ({"price": 4600}, "would cross"),
        ({"price": 4450}, "not a price"),
        ({"count": 90_000}, "a size of 900 is too large: one order by hand may have"),
        ({"ticker": "T-9"}, "not on this desk"),
    ],
)
def test_an_order_by_hand_is_refused_with_its_reason(changes: dict[str, object], words: str) -> None:
    bench = Bench(quote_at_start=False)
    bench.arm()
    ack = bench.say(place(bench, **changes))
    assert not ack.ok and words in ack.text
    assert not bench.made(ef.CreateOrder)


def test_an_order_by_hand_passes_the_same_limits_and_is_never_cut_in_silence() -> None:
    bench = Bench(quote_at_start=False)
    bench.arm()
    ack = bench.say(place(bench, count=10_000_000))
    assert not ack.ok and "one order by hand may have" in ack.text
    assert bench.say(place(bench)).ok
    assert bench.made(ef.CreateOrder)[0].order.expiration_s is None


def test_cancelling_an_engine_order_by_hand_pauses_its_side() -> None:
    bench = Bench()
    bench.accept_all()
    assert bench.say(CancelOrders(1, "T-1", price=4300, engines=True)).ok
    bench.cancel_all()
    bench.wait(2)
    bench.turn()
    assert not bench.made(ef.CreateOrder)
    assert "you cancelled" in bench.kernel.state.markets["T-1"].why
    assert bench.kernel.state.markets["T-1"].word == "quoting"  # the other side goes on


def test_fills_move_position_fees_and_pnl_exactly() -> None:
    bench = Bench()
    bid, ask = bench.accept_all()
    bench.fill(bid, 1000, "t1", fee=43_000)
    bench.fill(bid, 1000, "t1", fee=43_000)  # again: once
    bench.fill(ask, 400, "t2", fee=17_000)
    bench.turn()
    summary = bench.kernel.summary()
    assert summary["fills"] == 2 and summary["positions"] == {"T-1": "6.00"}
    assert summary["fees_dollars"] == "0.060000"
    assert summary["realized_pnl_dollars"] == "0.160000"  # 4 contracts from 43 to 47


def test_a_lost_answer_locks_the_side_until_the_venue_tells() -> None:
    bench = Bench()
    bid, ask = (c.order for c in bench.made(ef.CreateOrder))
    bench.kernel.apply(ev.CreateUnknown(bench.now, bid.client_order_id, SafeText("timeout")))
    bench.wait(2)
    bench.turn()
    assert bench.made(ef.ReadOrders)
    assert all(c.order.side is not Side.BID for c in bench.made(ef.CreateOrder))
    found = VenueOrder("x", bid.client_order_id, "T-1", Side.BID, 4300, 1000, 0, 1000, "resting")
    bench.kernel.apply(ev.OrdersRead(bench.now, bench.now, (found,), complete=True, resting_only=True))
    order = bench.kernel.state.orders.by_client_id[bid.client_order_id]
    assert order.state is OrderState.LIVE and order.order_id == "x"
    assert ask.side is Side.ASK


def test_orders_found_here_count_and_are_never_touched_not_even_by_kill() -> None:
    bench = Bench(boot=False, quote_at_start=False)
    bench.turn()
    found = VenueOrder("f", "someone-else", "T-1", Side.BID, 4000, 2000, 0, 2000, "resting")
    bench.kernel.apply(ev.OrdersRead(bench.now, bench.now, (found,), complete=True, resting_only=True))
    bench.reads()
    bench.turn()
    assert bench.kernel.state.markets["T-1"].risk.open_bid == 2000
    bench.say(Stop(1, "kill"))
    assert not bench.made(ef.CancelOrder)


def test_flatten_sells_what_is_held_and_says_so() -> None:
    bench = Bench()
    bid, _ = bench.accept_all()
    bench.fill(bid, 1000, "t1")
    assert bench.say(Stop(1, "flatten", Scope(ticker="T-1")), in_control=False).ok
    sent: list[ef.CreateOrder] = []
    for _ in range(20):
        bench.cancel_all()
        sent += bench.made(ef.CreateOrder)
        if sent:
            break
        bench.turn(100)
    order = sent[0].order
    assert order.side is Side.ASK and order.reduce_only and order.count <= 1000
    assert order.price >= 4100


def test_the_end_pulls_verifies_compares_and_only_then_ends() -> None:
    bench = Bench()
    bench.accept_all()
    bench.say(EndDesk(1))
    assert len(bench.made(ef.CancelOrder)) == 2
    cancels = bench.effects
    bench.turn(100)
    assert not bench.made(ef.EndDesk)
    bench.effects = cancels
    bench.cancel_all()
    for _ in range(10):
        bench.turn(200)
        if bench.made(ef.EndDesk):
            break
        bench.reads()
    assert [e.exit_code for e in bench.made(ef.EndDesk)] == [0]
    summary = bench.kernel.summary()
    assert summary["unreconciled"] == 0
    bench.kernel.apply(ev.FeedClosed(bench.now, 1, "closed by the desk"))
    assert bench.kernel.summary()["alerts"] == summary["alerts"], "it closes its feed on purpose"


def test_a_position_that_differs_from_the_venues_is_counted_and_alarmed() -> None:
    bench = Bench()
    bid, _ = bench.accept_all()
    bench.fill(bid, 300, "t1")
    bench.wait(2)
    bench.reads()  # the venue says flat
    bench.turn()
    assert int(str(bench.kernel.summary()["unreconciled"])) >= 1
    assert not told_of_position(bench), "one read may cross a trade"
    bench.made(ef.ReadPositions)
    bench.wait(3)
    bench.turn()
    assert bench.made(ef.ReadPositions), "it is asked again at once, not with the next round"
    bench.reads()
    bench.turn()
    assert told_of_position(bench)


def told_of_position(bench: Bench) -> bool:
    return any("the venue says position" in line.text for line in bench.kernel.view(bench.now).log)


def test_detached_quotes_are_pulled_after_the_hold() -> None:
    bench = Bench(detached_hold_s=10)
    bench.accept_all()
    bench.arm()
    bench.kernel.apply(ev.SessionChanged(bench.now, 0, None))
    for _ in range(9):
        bench.wait(1)
        bench.kernel.apply(ev.FeedHeard(bench.now, 1))
        bench.turn()
        assert not bench.made(ef.CancelOrder)
    bench.wait(2)
    bench.kernel.apply(ev.FeedHeard(bench.now, 1))
    bench.turn()
    assert len(bench.made(ef.CancelOrder)) == 2
    assert not bench.kernel.state.hand.armed


def test_alerts_stay_until_acknowledged() -> None:
    bench = Bench()
    bench.kernel.apply(ev.FeedClosed(bench.now, 1, "test"))
    bench.turn()
    unseen = [line for line in bench.kernel.view(bench.now).log if not line.seen]
    assert len(unseen) == 1
    assert bench.say(Acknowledge(1)).ok
    assert not bench.say(Acknowledge(2)).ok


def test_the_same_events_give_the_same_decisions_to_the_byte() -> None:
    def run() -> list[object]:
        bench = Bench(("T-1", "T-2"), trace=True)
        bench.accept_all()
        for n in range(40):
            bench.delta("0.4500" if n % 3 else "0.4400", "7.00" if n % 2 else "-7.00" if n > 3 else "8.00")
            bench.turn(60)
            bench.cancel_all()
        return bench.kernel.take_trace()

    first, second = run(), run()
    assert first == second and len(first) > 20


def test_stops_are_said_by_number_and_a_hold_under_a_kill_promises_nothing() -> None:
    bench = Bench(("T-1", "T-2"))
    assert bench.say(Stop(2, "hold")).text == "holding everything: only orders that reduce may go"
    assert bench.say(Stop(3, "flatten", Scope(ticker="T-1"))).text.startswith("flattening 0 positions in T-1")
    assert bench.say(Stop(4, "kill", Scope(ticker="T-1"))).ok
    assert "holding T-1: it is killed as well (by key" in bench.say(Stop(5, "hold", Scope(ticker="T-1"))).text
    assert "only orders that reduce" in bench.say(Stop(6, "hold", Scope(ticker="T-2"))).text
    assert bench.say(Stop(7, "kill")).ok
    assert bench.say(Stop(8, "hold")).text.endswith("so nothing may go")
    assert (counted(1, "order"), counted(2, "order")) == ("1 order", "2 orders")
