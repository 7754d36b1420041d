"""What a restart knows of the day: journaled as it moves, and not overwritten before the venue was read."""

from __future__ import annotations

from kernel_bench import START, Bench

from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol.units import DOLLAR
from kalshi_tui.risk.base import DayPnl, RiskState
from kalshi_tui.risk.r1 import R1, R1Params
from kalshi_tui.risk.r1_machine import DayState

LIMIT = 500 * DOLLAR
"""Of the bench's bankroll."""


def day_of(dollars: int) -> dict[str, object]:
    """What R1 saves of a day that stands at this."""
    engine = R1(R1Params.from_bankroll(10_000 * DOLLAR), START)
    engine.watch(RiskState(START, {}, day=DayPnl(dollars * DOLLAR, dollars * DOLLAR)))
    return engine.to_state(START)


def saved(bench: Bench) -> list[object]:
    return [row.payload["pnl"] for row in bench.made(ef.Journal) if row.kind == "day"]


def test_looking_before_the_venue_was_read_forgets_nothing() -> None:
    bench = Bench(boot=False, saved_day=day_of(-300))
    for _ in range(3):  # the reads take their time: whole seconds pass
        bench.wait(1)
        bench.turn()
        assert bench.kernel.state.chain.r1.remembered == -300 * DOLLAR
    bench.reads()
    for _ in range(3):
        bench.wait(1)
        bench.turn()
    assert bench.kernel.state.chain.r1.remembered == -300 * DOLLAR
    assert bench.kernel.state.chain.r1.used == 0.6


def test_a_day_that_moved_is_journaled_within_a_second() -> None:
    bench = Bench()
    r1 = bench.kernel.state.chain.r1
    bench.wait(1)
    bench.turn()
    for loss, kept in ((LIMIT // 50 - 1, []), (LIMIT // 50, [-LIMIT // 50]), (LIMIT // 50 + 5, [])):
        r1.handicap = loss
        bench.wait(1)
        bench.turn()  # watched
        bench.wait(1)
        bench.turn()
        assert saved(bench) == [] or saved(bench) == kept, loss
        assert bench.kernel.state.day_kept == (-LIMIT // 50 if loss >= LIMIT // 50 else 0)
    bench.wait(60)
    bench.turn()
    assert saved(bench) == [-(LIMIT // 50 + 5)]


def test_what_was_lost_before_halts_while_nothing_is_known_yet() -> None:
    bench = Bench(boot=False, saved_day=day_of(-499))
    assert bench.kernel.state.chain.r1.state is not DayState.HALT
    poorer = R1.from_state(R1Params.from_bankroll(9_000 * DOLLAR), day_of(-499), START)
    assert poorer.state is DayState.HALT
    assert poorer.why.startswith("day −$499.00 of −$450.00 before the restart")
