"""Five virtual minutes of the CPI day with each engine, judged by the exchange's own record."""

from __future__ import annotations

import pytest
from virtual_desk import START, VirtualDesk, made, settings

from kalshi_tui.kernel.recovery import cash_explained
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol.units import SECOND

PRINT_S, PULL_S, REARM_S = 150, 120, 60
GRACE_S = 1
"""Between the pull and its cancels' arrival."""


class Record:
    """What must never happen, noted while it runs."""

    def __init__(self) -> None:
        self.untrue: list[str] = []
        self.creates = 0

    def __call__(self, desk: VirtualDesk, effects: list[ef.Effect]) -> None:
        for create in made(effects, ef.CreateOrder):
            self.creates += 1
            if not desk.kernel.state.feed.status(create.order.ticker).valid:
                self.untrue.append(create.order.ticker)


def resting(desk: VirtualDesk) -> list[str]:
    return [o.ticker for o in desk.account.orders.values() if o.status == "resting"]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["m0", "m1", "m2", "m3", "all"])
def test_a_cpi_day_stays_true_and_inside_its_caps(engine: str) -> None:
    record = Record()
    desk = VirtualDesk(
        "cpi-day", 5, settings(default_engine="m0" if engine == "all" else engine), watch=record
    )
    if engine == "all":
        for number, market in enumerate(desk.kernel.state.markets.values()):
            market.engine = f"m{number % 4}"
    caught: list[tuple[float, str]] = []
    seen_before = seen_after = False
    cap = desk.kernel.state.chain.r0.params.market_cap
    for second in range(300):
        desk.run(1.0)
        at = (desk.now.wall - START) / SECOND
        here = resting(desk)
        if PRINT_S - PULL_S + GRACE_S <= at < PRINT_S + REARM_S:
            caught += [(at, ticker) for ticker in here]
        elif at < PRINT_S - PULL_S:
            seen_before = seen_before or bool(here)
        else:
            seen_after = seen_after or bool(here)
            caught += [(at, ticker) for ticker in here if ticker.startswith("PRCPI")]
        assert all(abs(p.count) <= cap for p in desk.account.positions.values()), second
    assert record.creates and not record.untrue
    assert seen_before and seen_after
    assert caught == []
    assert max((p.peak for p in desk.account.positions.values()), default=0) <= cap
    books_agree(desk)


def books_agree(desk: VirtualDesk) -> None:
    """Position by position and to the cent: the desk's record is the exchange's."""
    desk.run(1.0)
    state = desk.kernel.state
    theirs = {p.ticker: p.count for p in desk.account.positions.values() if p.count}
    assert {p.ticker: p.position for p in state.ledger if p.position} == theirs
    assert state.recovery.unreconciled == 0
    assert state.recovery.base_balance is not None
    assert state.recovery.base_balance + cash_explained(state) == sum(desk.account.cash.values())
    assert desk.exchange.audit() == []
