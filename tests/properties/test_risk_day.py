"""R1's and R2's invariants."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.units import DOLLAR, SECOND
from kalshi_tui.risk.base import DayPnl, MarketExposure, RiskState
from kalshi_tui.risk.r1 import R1, R1Params
from kalshi_tui.risk.r1_machine import DayLevels, DayMachine, DayState
from kalshi_tui.risk.r2 import R2, Conditions, R2Params, target_multipliers

RANK = list(DayState)
START = Instant(SECOND, 1_790_000_000 * SECOND)
PARAMS = R1Params(day_loss=100 * DOLLAR, drawdown=120 * DOLLAR)

used = st.floats(0.0, 1.5)
steps = st.lists(st.tuples(st.integers(0, 400), used), max_size=40)
moves = st.lists(st.tuples(st.integers(1, 400), st.integers(-110, 60), st.integers(0, 60)), max_size=25)


@given(st.lists(used, max_size=30))
def test_rising_use_never_lowers_the_state(uses: list[float]) -> None:
    machine = DayMachine(DayLevels())
    states = [machine.step(i, u, u) for i, u in enumerate(sorted(uses))]
    ranks = [RANK.index(s) for s in states]
    assert ranks == sorted(ranks)


@given(steps)
def test_only_a_person_leads_out_of_a_halt_and_a_cooldown_takes_its_time(
    path: list[tuple[int, float]],
) -> None:
    machine, now, halted, cooled = DayMachine(DayLevels()), 0, False, 0
    for wait, u in path:
        before, now = machine.state, now + wait * SECOND
        state = machine.step(now, u, u)
        if state is DayState.COOLDOWN and before is not DayState.COOLDOWN:
            cooled = now
        if before is DayState.COOLDOWN and state not in (DayState.COOLDOWN, DayState.HALT):
            assert now - cooled >= 300 * SECOND
            assert state is DayState.WARN
        halted = halted or state is DayState.HALT
        assert (state is DayState.HALT) == halted


def run(path: list[tuple[int, int, int]], restart_at: int | None = None) -> list[DayState]:
    engine, now, seen = R1(PARAMS, START), START, []
    for i, (wait, pnl, spread) in enumerate(path):
        now = now.plus(wait * SECOND)
        engine.roll(now)
        day = DayPnl(pnl * DOLLAR, (pnl - spread) * DOLLAR)
        engine.watch(RiskState(now, {"A": MarketExposure("A", "E")}, day=day))
        seen.append(engine.state)
        if i == restart_at:
            engine = R1.from_state(PARAMS, engine.to_state(now), now)
    return seen


@given(moves)
def test_the_same_day_again_is_the_same(path: list[tuple[int, int, int]]) -> None:
    assert run(path) == run(path)


@given(moves, st.integers(0, 24))
def test_a_restart_at_any_point_changes_nothing(path: list[tuple[int, int, int]], at: int) -> None:
    assert run(path) == run(path, at)


conditions = st.builds(
    Conditions,
    regime=st.sampled_from([None, *Regime]),
    seconds_to_close=st.none() | st.floats(-10, 10_000),
    life_s=st.none() | st.floats(60, 100_000),
    seconds_to_event=st.none() | st.floats(-100, 4000),
    calm_s=st.floats(0, 10_000),
)


@given(st.lists(st.tuples(st.integers(0, 120), conditions), min_size=1, max_size=20), st.booleans())
def test_limits_never_exceed_their_target_and_loosen_slowly(
    path: list[tuple[int, Conditions]], warn: bool
) -> None:
    engine, market, now, params = R2(R2Params()), MarketExposure("A", "E"), START, R2Params()
    last: int | None = None
    for wait, circumstances in path:
        now = now.plus(wait * SECOND)
        limits = engine.scale(market, circumstances, now, r1_warn=warn)
        target = target_multipliers(params, circumstances, r1_warn=warn)
        assert 0 <= limits.position <= target.position <= 1000
        assert limits.size <= target.size and limits.loss <= target.loss and limits.rate <= target.rate
        assert limits.reduce_only == target.reduce_only
        if last is not None and wait < 60:
            assert limits.position <= last + 100 * 2
        last = limits.position


@given(conditions)
def test_an_unknown_regime_is_never_looser_than_any_known_one(known: Conditions) -> None:
    unknown = Conditions(None, known.seconds_to_close, known.life_s, known.seconds_to_event)
    a, b = target_multipliers(R2Params(), unknown), target_multipliers(R2Params(), known)
    assert a.position <= b.position and a.size <= b.size and a.loss <= b.loss
