"""Invariants of regimes, of limits that follow them, and of the day's hysteresis, for any sequence of inputs."""

from __future__ import annotations

from itertools import pairwise
from math import nan

from hypothesis import given
from hypothesis import strategies as st

from kalshi_tui.pricing.regime import RegimeMachine, RegimeParams
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.units import SECOND
from kalshi_tui.risk.base import MarketExposure, Multipliers, effective_limit
from kalshi_tui.risk.r1_machine import DayLevels, DayMachine, DayState
from kalshi_tui.risk.r2 import R2, Conditions, R2Params, target_multipliers

RANK = {regime: n for n, regime in enumerate((Regime.CALM, Regime.ACTIVE, Regime.EVENT))}
RATIO = st.floats(0.1, 1.19) | st.floats(0.1, 5.0)
STALE = st.sampled_from([None, nan, float("inf")])
WALK = st.lists(st.tuples(st.floats(0.1, 40.0), RATIO, RATIO, st.booleans()), min_size=1, max_size=40)


@given(WALK, st.floats(0.1, 1000.0), STALE | RATIO, STALE)
def test_no_single_stale_input_relaxes_the_regime(
    walk: list[tuple[float, float, float, bool]], wait: float, one: float | None, missing: float | None
) -> None:
    """After any history, however long ago: half the evidence missing may tighten, never relax."""
    for ratios in ((one, missing), (missing, one)):
        machine, now = RegimeMachine(), 0.0
        for step, spread, vol, event in walk:
            now += step
            machine.update(now, spread, vol, event)
        before = machine.state
        after = machine.update(now + wait, *ratios, event=False)
        if before is Regime.EVENT:  # its end is told by the calendar, not by a ratio; it leads to active
            assert after is Regime.ACTIVE
        else:
            assert RANK[after] >= RANK[before]


@given(WALK)
def test_at_most_one_relaxation_a_dwell(walk: list[tuple[float, float, float, bool]]) -> None:
    machine, now, relaxed = RegimeMachine(), 0.0, []
    for step, spread, vol, event in walk:
        now += step
        before = machine.state
        if RANK[machine.update(now, spread, vol, event)] < RANK[before] and before is Regime.ACTIVE:
            relaxed.append(now)
    assert all(b - a >= RegimeParams().dwell_s for a, b in pairwise(relaxed))


conditions = st.builds(
    Conditions,
    regime=st.sampled_from([None, *Regime]),
    seconds_to_close=st.none() | st.floats(-10, 10_000),
    life_s=st.none() | st.floats(60, 100_000),
    seconds_to_event=st.none() | st.floats(-100, 4000),
)
COLUMNS = ("position", "size", "loss", "rate")


@given(st.lists(st.tuples(st.integers(0, 200), conditions), min_size=1, max_size=25))
def test_limits_tighten_at_once_and_loosen_a_tenth_a_minute(path: list[tuple[int, Conditions]]) -> None:
    engine, market, params = R2(R2Params()), MarketExposure("A", "E"), R2Params()
    now = Instant(SECOND, 1_790_000_000 * SECOND)
    last: Multipliers | None = None
    slack = 0
    for wait, circumstances in path:
        now = now.plus(wait * SECOND)
        limits, target = engine.scale(market, circumstances, now), target_multipliers(params, circumstances)
        slack = wait + min(slack, 60)  # what had not been used of the last minute
        for column in COLUMNS:
            here, wanted = getattr(limits, column), getattr(target, column)
            assert 0 <= here <= wanted
            if last is None or wanted <= getattr(last, column):
                assert here == wanted, "tightening waited"
            else:
                assert here - getattr(last, column) <= params.loosen_per_minute * slack / 60
        last = limits


@given(st.integers(0, 10**9), st.lists(st.integers(0, 1250), max_size=6))
def test_a_limit_is_the_least_multiplier_never_the_product(base: int, multipliers: list[int]) -> None:
    assert effective_limit(base, multipliers) == base * min(multipliers, default=1000) // 1000


@given(st.lists(st.tuples(st.integers(0, 400), st.floats(0.0, 0.99)), max_size=40))
def test_the_day_falls_back_only_past_the_lower_level(path: list[tuple[int, float]]) -> None:
    levels = DayLevels()
    machine, now = DayMachine(levels), 0
    for wait, used in path:
        before, now = machine.state, now + wait * SECOND
        after = machine.step(now, used, used)
        if before is DayState.WARN and after is DayState.NORMAL:
            assert used < levels.warn_off
        if before is DayState.COOLDOWN and after is DayState.WARN:
            assert used < levels.cooldown_off
        if before is DayState.NORMAL and levels.warn <= used < levels.cooldown:
            assert after is DayState.WARN
        if before in (DayState.NORMAL, DayState.WARN) and used >= levels.cooldown:
            assert after in (DayState.COOLDOWN, DayState.HALT)
        if before is DayState.WARN and levels.warn_off <= used < levels.warn:
            assert after is DayState.WARN
