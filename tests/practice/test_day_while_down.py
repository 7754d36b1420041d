"""A desk that dies with orders resting: what they do until the next boot is in its day, to the micro-dollar."""

from __future__ import annotations

import json

from virtual_desk import VirtualDesk, made, settings

from kalshi_tui.kernel.pnl import day_pnl, mark_of
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol.units import DOLLAR, ONE, Money
from kalshi_tui.risk.r1_machine import DayState


class LastRow:
    """The newest day row, as a journal gives it back."""

    def __init__(self) -> None:
        self.day: dict[str, object] = {}

    def __call__(self, desk: VirtualDesk, effects: list[ef.Effect]) -> None:
        for row in made(effects, ef.Journal):
            if row.kind == "day":
                self.day = json.loads(json.dumps(row.payload))


def truth(desk: VirtualDesk) -> Money:
    """What the account has made by the exchange's own books, its lots at the desk's marks."""
    total = sum(desk.account.cash.values()) - desk.account.deposited
    for held in desk.account.positions.values():
        if held.count:
            mark = mark_of(desk.kernel.state, held.ticker)
            assert mark is not None, held.ticker
            total += held.count * mark + max(-held.count, 0) * ONE
    return total


def withdraw(desk: VirtualDesk, amount: Money) -> None:
    desk.account.cash[0] -= amount
    desk.account.deposited -= amount


def test_a_day_of_several_lives_is_the_exchanges_day() -> None:
    row = LastRow()
    desk = VirtualDesk("calm", 4, settings(default_engine="m0"), watch=row)
    meanwhile = settled = 0
    for life in range(3):
        desk.run(30.0)
        r1 = desk.kernel.state.chain.r1
        assert day_pnl(desk.kernel.state) == truth(desk)
        assert r1.remembered is not None and r1.remembered <= truth(desk) + DOLLAR
        desk.kill()
        fills, payouts = desk.account.fills_made, desk.account.settlements_made
        withdraw(desk, 1_000 * DOLLAR)
        desk.stay_down(60)
        meanwhile += desk.account.fills_made - fills
        settled += desk.account.settlements_made - payouts
        desk.start_again(settings(default_engine="m0", boot=f"b{life}"), row.day)
        desk.run(1.0)
        assert desk.kernel.state.chain.r1.account is None
        assert day_pnl(desk.kernel.state) == truth(desk)
        assert desk.kernel.state.chain.r1.state is DayState.NORMAL, "money taken out is no loss"
    assert meanwhile > 20 and settled > 0, "nothing happened while it was down"
