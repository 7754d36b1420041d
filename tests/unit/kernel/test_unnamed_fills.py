"""A read that shows a trade of an order whose own answer is still out: it waits until it is known whose it is."""

from __future__ import annotations

from kernel_bench import START, Bench

from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.orders import Fill, NewOrder, VenueOrder, VenuePosition
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import SECOND


def lost(on: Bench) -> NewOrder:
    """The engine's first order; its answer never comes."""
    while not on.made(ef.CreateOrder):
        on.turn(after_ms=100)
        assert on.now.mono < START.mono + 5 * SECOND
    order = on.made(ef.CreateOrder)[0].order
    unknown = ev.CreateUnknown(on.now, order.client_order_id, safe_text("timeout"))
    on.kernel.apply(unknown)
    return order


def trade_of(on: Bench, order: NewOrder) -> Fill:
    return Fill("t1", "o1", order.ticker, order.side, order.price, order.count, 0, False, on.now.wall)


def read(on: Bench, fill: Fill) -> None:
    on.wait(1)
    on.kernel.apply(ev.FillsRead(on.now, on.now, (fill,), complete=True, since=START.wall))


def test_it_is_not_booked_as_a_strangers_and_nothing_is_compared_meanwhile() -> None:
    on = Bench()
    order = lost(on)
    fill = trade_of(on, order)
    read(on, fill)
    state = on.kernel.state
    assert state.ledger.position("T-1") == 0
    held = VenuePosition("T-1", fill.signed)
    on.kernel.apply(ev.PositionsRead(on.now, on.now, (held,), complete=True))
    assert not state.recovery.differences.get("positions")
    on.wait(1)
    on.turn()
    assert on.made(ef.ReadFills), "it is asked for again at once"


def test_once_the_order_is_named_the_trade_is_its_own() -> None:
    on = Bench()
    order = lost(on)
    fill = trade_of(on, order)
    read(on, fill)
    count = order.count
    report = VenueOrder(
        "o1", order.client_order_id, "T-1", order.side, order.price, count, count, 0, "executed"
    )
    on.kernel.apply(ev.OrdersRead(on.now, on.now, (report,), complete=True, resting_only=False))
    read(on, fill)
    state = on.kernel.state
    (held,) = (p for p in state.ledger if p.position)
    assert (held.own, held.found) == (fill.signed, 0)
    assert order.client_order_id not in state.orders.live.get("T-1", {})


def test_after_policy_gave_the_order_up_the_trade_is_booked_all_the_same() -> None:
    on = Bench()
    order = lost(on)
    fill = trade_of(on, order)
    for _ in range(8):
        on.wait(2)
        on.kernel.apply(ev.OrdersRead(on.now, on.now, (), complete=True, resting_only=True))
        read(on, fill)
    assert on.kernel.state.ledger.position("T-1") == fill.signed
    assert on.now.wall > START.wall + SECOND
