"""Target against working: few messages, queue place kept, never two orders where one was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_tui.execution.orders import Order, OrderRegistry
from kalshi_tui.execution.target import (
    Action,
    Cancel,
    Create,
    Renew,
    Shrink,
    SideClock,
    TargetRules,
    expiration,
    in_place,
    side_actions,
)
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import NewOrder, OrderState
from kalshi_tui.protocol.quotes import Quote
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import SECOND, Price, Side

GRID = TickGrid.named("linear_cent")
NOW = Instant(1_000 * SECOND, 2_000 * SECOND)


def working(
    price: Price, count: int = 1000, side: Side = Side.BID, name: str = "1", expires: int | None = None
) -> Order:
    registry = OrderRegistry()
    registry.submit(NewOrder(f"b-e{name}", "T", side, price, count, expiration_s=expires), NOW)
    registry.create_accepted(f"b-e{name}", f"o{name}", 0, count)
    return registry.by_client_id[f"b-e{name}"]


def actions(
    target: Quote | None,
    orders: list[Order],
    side: Side = Side.BID,
    *,
    threshold: int = 1,
    moved: int | None = None,
) -> list[Action]:
    return side_actions(
        side, target, orders, GRID, NOW,
        rules=TargetRules(), clock=SideClock(moved), threshold=threshold, expiration_s=2_060, why="test",
    )  # fmt: skip


def test_nothing_wanted_cancels_everything() -> None:
    order = working(4100)
    assert actions(None, [order]) == [Cancel(order, "test")]


def test_a_fresh_side_gets_one_order() -> None:
    assert actions(Quote(4100, 1000), []) == [Create(Side.BID, 4100, 1000)]


def test_an_order_at_its_target_stays() -> None:
    assert actions(Quote(4100, 1000), [working(4100)]) == []


@pytest.mark.parametrize(("side", "price", "target"), [(Side.BID, 4200, 4100), (Side.ASK, 4700, 4800)])
def test_an_order_the_market_moved_against_goes_first_and_nothing_is_sent_beside_it(
    side: Side, price: Price, target: Price
) -> None:
    order = working(price, side=side)
    # Even right after the last move: adverse moves do not wait.
    found = actions(Quote(target, 1000), [order], side, moved=NOW.mono)
    assert found == [Cancel(order, f"adverse: target moved to {target / 100:g}")]


def test_a_lagging_order_keeps_its_place_below_the_threshold_and_while_the_side_rests() -> None:
    order = working(4000)
    assert actions(Quote(4100, 1000), [order], threshold=2) == []
    assert actions(Quote(4100, 1000), [order], threshold=1, moved=NOW.mono) == []
    assert len(actions(Quote(4100, 1000), [order], threshold=1)) == 1


def test_the_new_order_waits_until_the_old_one_is_confirmed_gone() -> None:
    order = working(4200)
    order.state = OrderState.CANCELING
    assert actions(Quote(4100, 1000), [order]) == []


def test_too_much_is_cut_in_place_newest_first() -> None:
    old, new = working(4100, 600), working(4100, 600, name="2")
    assert actions(Quote(4100, 1000), [old, new]) == [Shrink(new, 400)]
    assert actions(Quote(4100, 500), [old, new]) == [Cancel(new, "size cut"), Shrink(old, 500)]


def test_too_little_is_topped_up_beside_it() -> None:
    assert actions(Quote(4100, 1000), [working(4100, 600)]) == []
    assert actions(Quote(4100, 1000), [working(4100, 400)]) == [Create(Side.BID, 4100, 600)]


def test_an_order_about_to_expire_is_renewed_in_place() -> None:
    order = working(4100, expires=2_010)
    assert actions(Quote(4100, 1000), [order]) == [Renew(order, 2_060)]
    assert actions(Quote(4100, 1000), [working(4100, expires=2_040)]) == []


def test_an_order_off_the_new_grid_goes() -> None:
    order = working(4150)
    assert [type(a) for a in actions(Quote(4100, 1000), [order])] == [Cancel]


def test_expiration_is_the_earliest_of_a_minute_the_pull_and_the_close() -> None:
    wall = NOW.wall
    assert expiration(NOW, None, None) == 2_060
    assert expiration(NOW, wall + 90 * SECOND, None) == 2_030
    assert expiration(NOW, None, wall + 20 * SECOND) == 2_019
    assert expiration(NOW, wall + 61 * SECOND, None) is None


@given(
    price=st.integers(40, 50).map(lambda cents: cents * 100),
    wanted=st.integers(40, 50).map(lambda cents: cents * 100),
    count=st.sampled_from((100, 400, 500, 1000, 1500)),
    expires=st.sampled_from((None, 2_010, 2_019, 2_020, 2_050)),
    side=st.sampled_from(Side),
    state=st.sampled_from((OrderState.LIVE, OrderState.SENT, OrderState.CANCELING, OrderState.AMENDING)),
    threshold=st.integers(1, 3),
)
def test_an_order_in_place_needs_nothing_now_or_after_its_pause(
    price: Price,
    wanted: Price,
    count: int,
    expires: int | None,
    side: Side,
    state: OrderState,
    threshold: int,
) -> None:
    order, rules, target = working(price, count, side, expires=expires), TargetRules(), Quote(wanted, 1000)
    order.state = state
    if in_place(side, target, [order], GRID, NOW, rules, threshold):
        for clock in (SideClock(), SideClock(NOW.mono)):
            found = side_actions(
                side,
                target,
                [order],
                GRID,
                NOW,
                rules=rules,
                clock=clock,
                threshold=threshold,
                expiration_s=2_060,
                why="",
            )
            assert found == []
    else:
        assert (price, state) != (wanted, OrderState.LIVE) or count != 1000 or (expires or 2_050) < 2_020
