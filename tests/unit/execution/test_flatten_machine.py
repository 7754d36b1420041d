from __future__ import annotations

import pytest
from msgspec.structs import replace

from kalshi_tui.execution.flatten import Flatten, FlattenState
from kalshi_tui.execution.flatten_prices import (
    CancelThis,
    FlattenAction,
    FlattenRules,
    FlattenView,
    LookUp,
    Rest,
    Take,
    next_clip,
    resting_price,
)
from kalshi_tui.execution.orders import Order
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import FeeSchedule
from kalshi_tui.protocol.orders import OrderState, Owner, TimeInForce
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CONTRACT, MILLISECOND, SECOND, Side

GRID = TickGrid.named("linear_cent")
FREE = FeeSchedule(multiplier=0)
START = Instant(SECOND, 1_790_000_000 * SECOND)
BIDS = [(4400, 60 * CONTRACT), (4300, 100 * CONTRACT), (4200, 100 * CONTRACT)]
ASKS = [(4600, 50 * CONTRACT), (4700, 80 * CONTRACT)]


def view(position: float = 12, **changes: object) -> FlattenView:
    base = FlattenView(
        now=START,
        position=round(position * CONTRACT),
        bids=BIDS,
        asks=ASKS,
        orders=(),
        grid=GRID,
        closable=True,
        fee=FREE,
    )
    return replace(base, **changes)


def resting(
    side: Side, count: float, owner: Owner = Owner.ENGINE, state: OrderState = OrderState.LIVE
) -> Order:
    return Order(
        "c1", "A", side, 4500, round(count * CONTRACT), owner, "", state, START, order_id="o1"
    )  # fmt: skip


def sweeping(machine: Flatten, shown: FlattenView) -> list[FlattenAction]:
    """Run an order-free machine to its first clip."""
    assert machine.step(shown) == []
    return machine.step(shown)


def test_a_long_is_sold_in_clips_the_book_bears() -> None:
    machine = Flatten("A", 0, FlattenRules())
    (take,) = sweeping(machine, view(200))
    # A quarter of the displayed depth, three levels down but not below five cents under the mid.
    assert take == Take(Side.ASK, 4100, 65 * CONTRACT)
    assert machine.status == "flattening 200 of 200: selling 65 down to 41"
    assert machine.step(view(135)) == [], "half a second between clips"
    (second,) = machine.step(view(135, now=START.plus(500 * MILLISECOND)))
    assert second == Take(Side.ASK, 4100, 65 * CONTRACT)


def test_a_short_is_bought_back_and_small_positions_in_one_clip() -> None:
    machine = Flatten("A", 0, FlattenRules())
    assert sweeping(machine, view(-8)) == [Take(Side.BID, 4900, 8 * CONTRACT)]
    assert machine.step(view(0, now=START.plus(SECOND))) == []
    assert (machine.state, machine.status) == (FlattenState.DONE, "flat")


def test_orders_are_cancelled_and_confirmed_first() -> None:
    machine, bid = Flatten("A", 0, FlattenRules()), resting(Side.BID, 10)
    found = replace_owner(resting(Side.ASK, 2), Owner.FOUND)
    assert machine.step(view(orders=(bid, found))) == [CancelThis(bid)]
    bid.state = OrderState.CANCELING
    assert machine.step(view(orders=(bid, found), now=START.plus(900 * MILLISECOND))) == []
    late = machine.step(view(orders=(bid, found), now=START.plus(SECOND)))
    assert late == [LookUp(), CancelThis(bid)]
    # What is resting here from elsewhere stays, and counts: ten of twelve may go.
    assert machine.step(view(orders=(found,), now=START.plus(2 * SECOND))) == [
        Take(Side.ASK, 4100, 10 * CONTRACT)
    ]


def replace_owner(order: Order, owner: Owner) -> Order:
    order.owner = owner
    return order


def test_patience_with_cancels_ends_and_what_is_unconfirmed_counts() -> None:
    machine, ask = Flatten("A", 0, FlattenRules()), resting(Side.ASK, 5)
    machine.step(view(orders=(ask,)))
    ask.state = OrderState.UNKNOWN
    taken = machine.step(view(orders=(ask,), now=START.plus(3 * SECOND)))
    assert taken == [Take(Side.ASK, 4100, 7 * CONTRACT)]


def test_a_clip_without_an_answer_is_counted_until_it_has_one() -> None:
    machine = Flatten("A", 0, FlattenRules())
    sweeping(machine, view())
    lost = resting(Side.ASK, 12, Owner.FLATTEN, OrderState.UNKNOWN)
    lost.time_in_force = TimeInForce.IOC
    assert machine.step(view(orders=(lost,), now=START.plus(SECOND))) == [LookUp()]
    again = machine.step(view(orders=(lost,), now=START.plus(11 * SECOND)))
    assert again == [], "it may still have filled"
    assert machine.status == "12 of 12 left: open orders already cover it"


def test_fills_reported_but_not_booked_are_not_sold_twice() -> None:
    machine = Flatten("A", 0, FlattenRules())
    sweeping(machine, view())
    done = resting(Side.ASK, 12, Owner.FLATTEN, OrderState.FILLED)
    done.venue_filled, done.filled = 12 * CONTRACT, 0
    assert machine.step(view(orders=(done,), now=START.plus(SECOND))) == [LookUp()]
    assert machine.step(view(orders=(done,), now=START.plus(11 * SECOND))) == []


def test_where_there_is_no_bid_the_rest_is_said_aloud_and_worked_patiently() -> None:
    machine = Flatten("A", 0, FlattenRules())
    assert sweeping(machine, view(bids=())) == [Rest(Side.ASK, 4500, 12 * CONTRACT)]
    assert machine.status == "12 of 12 left: no bid here; resting 12 at 45"
    rest = resting(Side.ASK, 12, Owner.FLATTEN)
    assert machine.step(view(bids=(), orders=(rest,), now=START.plus(9 * SECOND))) == []
    assert machine.step(view(bids=(), orders=(rest,), now=START.plus(10 * SECOND))) == [CancelThis(rest)]
    # The bid came back: the next look sweeps.
    assert machine.step(view(now=START.plus(11 * SECOND))) == [Take(Side.ASK, 4100, 12 * CONTRACT)]


def test_the_floor_is_five_cents_under_the_mid_it_started_from() -> None:
    machine = Flatten("A", 0, FlattenRules())
    fallen = [(3000, 500 * CONTRACT)]
    sweeping(machine, view(200))
    (rest,) = machine.step(view(135, bids=fallen, asks=[(3200, 5)], now=START.plus(SECOND)))
    assert rest == Rest(Side.ASK, 3100, 135 * CONTRACT)
    urgent = Flatten("A", 0, FlattenRules(), emergency=True)
    sweeping(urgent, view(200))
    assert urgent.step(view(135, bids=fallen, asks=[(3200, 5)], now=START.plus(SECOND))) == [
        Take(Side.ASK, 3000, 125 * CONTRACT)
    ]


def test_a_lonely_bid_is_no_price_unless_it_is_an_emergency() -> None:
    joke = [(100, 1000 * CONTRACT)]
    machine = Flatten("A", 0, FlattenRules())
    (rest,) = sweeping(machine, view(bids=joke, asks=()))
    assert isinstance(rest, Rest)
    marked = Flatten("A", 0, FlattenRules())
    assert sweeping(marked, view(bids=[(4400, 1000 * CONTRACT)], asks=(), mark=4500)) == [
        Take(Side.ASK, 4100, 12 * CONTRACT)
    ]
    urgent = Flatten("A", 0, FlattenRules(), emergency=True)
    assert sweeping(urgent, view(bids=joke, asks=())) == [Take(Side.ASK, 100, 12 * CONTRACT)]


def test_nearly_certain_contracts_are_not_given_away_for_their_spread() -> None:
    """97 against 99: leaving costs 1 cent and the fee, the risk left is a few cents."""
    wide = view(bids=[(9500, 100 * CONTRACT)], asks=[(9900, 100 * CONTRACT)], fee=FeeSchedule())
    (rest,) = sweeping(Flatten("A", 0, FlattenRules(dearer_than_waiting=0.1)), wide)
    assert rest == Rest(Side.ASK, 9800, 12 * CONTRACT)
    (take,) = sweeping(Flatten("A", 0, FlattenRules(dearer_than_waiting=0.1), emergency=True), wide)
    assert isinstance(take, Take)


def test_a_market_that_does_not_trade_ends_it_with_a_sentence() -> None:
    machine = Flatten("A", 0, FlattenRules())
    assert machine.step(view(closable=False)) == []
    assert (machine.state, machine.status) == (FlattenState.STUCK, "12 of 12 left: the market does not trade")
    assert machine.step(view()) == []


def test_an_untrue_book_is_waited_for_but_not_for_ever() -> None:
    machine, now = Flatten("A", 0, FlattenRules(max_attempts=3)), START
    for _ in range(200):
        assert machine.step(view(book_valid=False, now=now)) == []
        now = now.plus(SECOND)
    assert (machine.state, machine.status) == (
        FlattenState.STUCK,
        "12 of 12 left: not done after 3 attempts",
    )


def test_giving_up_takes_the_machines_own_order_back() -> None:
    machine = Flatten("A", 0, FlattenRules(max_attempts=1))
    sweeping(machine, view(bids=()))
    rest = resting(Side.ASK, 12, Owner.FLATTEN)
    later = START.plus(10 * SECOND)
    assert machine.step(view(bids=(), orders=(rest,), now=later)) == [CancelThis(rest)]
    gone = machine.step(view(bids=(), orders=(rest,), now=later.plus(3 * SECOND)))
    assert gone == [CancelThis(rest)]
    assert machine.state is FlattenState.STUCK


def test_asking_again_starts_nothing_over() -> None:
    machine = Flatten("A", 36 * CONTRACT, FlattenRules(), cause="R0")
    sweeping(machine, view(50))
    machine.ask(40 * CONTRACT)
    assert machine.target == 36 * CONTRACT
    machine.ask(0, emergency=True, cause="key F")
    assert (machine.target, machine.emergency, machine.cause) == (0, True, "key F")
    assert machine.state is FlattenState.WAIT


def test_a_partial_flatten_stops_at_its_target_and_cancels_what_is_left() -> None:
    machine = Flatten("A", 36 * CONTRACT, FlattenRules())
    assert sweeping(machine, view(50)) == [Take(Side.ASK, 4100, 14 * CONTRACT)]
    rest = resting(Side.ASK, 3, Owner.FLATTEN)
    assert machine.step(view(36, orders=(rest,), now=START.plus(SECOND))) == [CancelThis(rest)]
    machine.step(view(36, now=START.plus(2 * SECOND)))
    assert machine.status == "reduced to 36"


@pytest.mark.parametrize(("position", "target"), [(0, 0), (10, 10), (5, 20), (-5, -9)])
def test_nothing_to_reduce_is_done_at_once(position: int, target: int) -> None:
    machine = Flatten("A", target * CONTRACT, FlattenRules())
    assert machine.step(view(position)) == []
    assert machine.over


def test_a_target_on_the_far_side_of_zero_is_zero() -> None:
    machine = Flatten("A", -5 * CONTRACT, FlattenRules())
    assert sweeping(machine, view(12)) == [Take(Side.ASK, 4100, 12 * CONTRACT)]


def test_flat_with_cancels_that_nobody_confirms_is_not_called_done() -> None:
    machine, bid = Flatten("A", 0, FlattenRules()), resting(Side.BID, 10)
    assert machine.step(view(0, orders=(bid,))) == [CancelThis(bid)]
    bid.state = OrderState.UNKNOWN
    bid.order_id = ""
    assert machine.step(view(0, orders=(bid,), now=START.plus(5 * SECOND))) == [LookUp()]
    machine.step(view(0, orders=(bid,), now=START.plus(10 * SECOND)))
    assert (machine.state, machine.status) == (
        FlattenState.STUCK,
        "flat, but 1 order not confirmed gone",
    )


def through_zero(target: float, after: float) -> tuple[Flatten, list[FlattenAction]]:
    """Three or more long with an ask of its own that fills whole while it is being cancelled."""
    machine, ask = Flatten("A", round(target * CONTRACT), FlattenRules()), resting(Side.ASK, 60)
    before = target + 3
    assert machine.step(view(before, orders=(ask,))) == [CancelThis(ask)]
    ask.state, ask.venue_filled, ask.filled = OrderState.FILLED, 60 * CONTRACT, 0
    for tenths in range(1, 5):  # what is filled and not booked yet is waited for: nothing is sent against it
        now = START.plus(tenths * 100 * MILLISECOND)
        assert machine.step(view(before, orders=(ask,), now=now)) == []
    now = START.plus(5 * SECOND)
    return machine, [
        *machine.step(view(after, now=now)),
        *machine.step(view(after, now=now.plus(SECOND))),
    ]


def test_an_order_under_way_that_goes_through_zero_turns_it_round() -> None:
    machine, actions = through_zero(0, -1)
    assert actions == [Take(Side.BID, 4900, CONTRACT)]
    assert machine.step(view(0, now=START.plus(10 * SECOND))) == []
    assert (machine.state, machine.status) == (FlattenState.DONE, "flat")


def test_turning_round_says_so_and_takes_back_what_would_make_it_worse() -> None:
    machine, rest = Flatten("A", 0, FlattenRules()), resting(Side.ASK, 3, Owner.FLATTEN)
    sweeping(machine, view(3, bids=()))
    assert machine.step(view(-1, orders=(rest,), now=START.plus(SECOND))) == [CancelThis(rest)]
    assert machine.status.startswith("went through zero to −1 by an order under way; flattening 1 of 1")


@pytest.mark.parametrize(
    ("after", "taken"), [(-30, []), (-36, []), (-40, [Take(Side.BID, 4900, 4 * CONTRACT)])]
)
def test_past_zero_a_partial_target_asks_only_for_its_size(after: float, taken: list[FlattenAction]) -> None:
    machine, actions = through_zero(36, after)
    assert actions == taken
    assert machine.over is not bool(taken)


def test_an_adding_order_that_fills_from_flat_is_reduced_too() -> None:
    machine, bid = Flatten("A", 0, FlattenRules()), resting(Side.BID, 5)
    assert machine.step(view(0, orders=(bid,))) == [CancelThis(bid)]
    assert machine.step(view(5, now=START.plus(SECOND))) == [Take(Side.ASK, 4100, 5 * CONTRACT)]


def test_flat_is_not_said_while_a_fill_is_not_booked() -> None:
    machine, bid = Flatten("A", 0, FlattenRules()), resting(Side.BID, 4, state=OrderState.FILLED)
    bid.venue_filled = 4 * CONTRACT
    assert machine.step(view(0, orders=(bid,))) == []
    assert machine.step(view(0, orders=(bid,), now=START.plus(SECOND))) == [LookUp()]
    assert not machine.over


def test_what_bars_the_way_is_what_it_says_and_its_own_order_goes() -> None:
    machine, rest = Flatten("A", 0, FlattenRules()), resting(Side.ASK, 12, Owner.FLATTEN)
    sweeping(machine, view(bids=()))
    shut = view(orders=(rest,), closable=False, bar="killed (by key)", now=START.plus(SECOND))
    assert machine.step(shut) == [CancelThis(rest)]
    assert (machine.state, machine.status) == (FlattenState.STUCK, "12 of 12 left: killed (by key)")


def test_resting_prices_never_cross() -> None:
    tight = view(bids=[(4400, 1)], asks=[(4500, 1)])
    assert resting_price(tight, GRID, Side.ASK, None) == 4500
    assert resting_price(tight, GRID, Side.BID, None) == 4400
    assert resting_price(view(asks=()), GRID, Side.ASK, None) == 4500
    assert resting_price(view(bids=(), asks=()), GRID, Side.ASK, 4550) is None
    assert resting_price(view(bids=(), asks=()), GRID, Side.ASK, 4500) == 4500
    assert resting_price(view(bids=(), asks=(), book_valid=False), GRID, Side.ASK, 4500) is None


def test_a_clip_is_at_least_one_contract_where_the_book_has_one() -> None:
    thin = view(bids=[(4400, 2 * CONTRACT)])
    rules = FlattenRules()
    assert next_clip(thin, GRID, Side.ASK, 500, reference=4500, rules=rules, emergency=False)[0] == CONTRACT
