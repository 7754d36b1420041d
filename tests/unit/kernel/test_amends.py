"""Amends are orders that go on: no stop that closes the gate lets one through."""

from __future__ import annotations

import pytest
from kernel_bench import Bench

from kalshi_tui.kernel.sending import amend
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol.commands import Scope, Stop
from kalshi_tui.protocol.orders import OrderState
from kalshi_tui.protocol.units import Side


@pytest.mark.parametrize(
    ("scope", "leaves"),
    [(Scope(ticker="T-1"), False), (Scope(event="E"), False), (Scope(), False), (Scope(ticker="T-2"), True)],
)
def test_no_amend_leaves_under_a_kill_of_its_market_its_event_or_everything(
    scope: Scope, leaves: bool
) -> None:
    bench = Bench(("T-1", "T-2"))
    bench.accept_all()
    desk = bench.kernel.state
    order = desk.orders.by_order_id[bench.resting(Side.BID)[0]]
    assert bench.say(Stop(2, "kill", scope)).ok
    # The kill has asked for it to go; the venue refused that, and it rests as before.
    order.state = OrderState.LIVE
    assert amend(desk, order, order.count, None, "renewed before it expires") is leaves
    assert bool([effect for effect in desk.sends if isinstance(effect, ef.AmendOrder)]) is leaves
