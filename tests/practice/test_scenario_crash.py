"""A losing session through the real path: fills lose money, R1 hears of it, halts, and remembers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from virtual_desk import VirtualDesk, made, settings

from kalshi_tui.kernel.kernel import Kernel
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol.units import DOLLAR
from kalshi_tui.risk.chain import RiskParams
from kalshi_tui.risk.r1 import R1Params
from kalshi_tui.risk.r1_machine import DayState

RISK = replace(
    RiskParams.from_bankroll(10_000 * DOLLAR), r1=R1Params(day_loss=2 * DOLLAR, drawdown=5 * DOLLAR // 2)
)


class Watch:
    """The journal's day rows, and whatever was sent after the halt."""

    def __init__(self) -> None:
        self.day: dict[str, object] = {}
        self.late: list[str] = []

    def __call__(self, desk: VirtualDesk, effects: list[ef.Effect]) -> None:
        for row in made(effects, ef.Journal):
            if row.kind == "day":
                self.day = dict(row.payload)
        if desk.kernel.state.chain.r1.state is DayState.HALT:
            position = desk.kernel.state.ledger.position
            for create in made(effects, ef.CreateOrder):
                order = create.order
                if position(order.ticker) * order.side.sign >= 0:
                    self.late.append(order.client_order_id)


@pytest.mark.slow
def test_a_losing_session_halts_and_the_halt_survives_a_restart() -> None:
    watch = Watch()
    desk = VirtualDesk("crash", 4, settings(default_engine="m0", risk=RISK), watch=watch)
    r1 = desk.kernel.state.chain.r1
    for _ in range(300):
        desk.run(1.0)
        if r1.state is DayState.HALT:
            break
    assert r1.state is DayState.HALT, f"only {r1.used:.2f} of the day's limit was lost"
    assert desk.kernel.summary()["fills"] != 0
    desk.run(20.0)
    assert watch.late == []
    assert all(o.status != "resting" for o in desk.account.orders.values())

    # kill -9: nothing is left but the journal; a new kernel of another boot remembers.
    now = desk.now
    again = Kernel(settings(default_engine="m0", risk=RISK), BookFeed(), now, saved_day=watch.day)
    assert again.state.chain.r1.state is DayState.HALT
    again.state.chain.r1.reset("looked at it")
    assert again.state.chain.r1.state is not DayState.HALT
