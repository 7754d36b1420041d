from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from risk_kit import START, market, order, state

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.quotes import Alert, AlertLevel, Decision
from kalshi_tui.protocol.units import DOLLAR, SECOND, Side
from kalshi_tui.risk.base import DayPnl, PullRequest
from kalshi_tui.risk.day import day_end, day_start, new_york_day
from kalshi_tui.risk.r1 import R1, R1Params
from kalshi_tui.risk.r1_machine import DayLevels, DayMachine, DayState

PARAMS = R1Params(day_loss=100 * DOLLAR, drawdown=120 * DOLLAR)


def wall(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def seen(
    engine: R1, micro: float, liquidation: float | None = None, *, at: Instant = START, event: bool = False
) -> DayState:
    low = micro if liquidation is None else liquidation
    day = DayPnl(round(micro * DOLLAR), round(low * DOLLAR), event)
    engine.watch(state(market(), day=day, at=at))
    return engine.state


def test_losing_seventy_percent_warns_and_the_limit_halts() -> None:
    engine = R1(PARAMS, START)
    assert seen(engine, -69) is DayState.NORMAL
    assert seen(engine, -70) is DayState.WARN
    assert seen(engine, -100) is DayState.HALT
    verdict = engine.review(state(market()), order(Side.BID, 1))
    assert (verdict.code, verdict.why) == (
        "R1_HALT",
        "halted for the day: day −$100.00 of −$100.00, high $0.00",
    )
    assert engine.review(state(market(held=3)), order(Side.ASK, 3)).decision is Decision.ALLOW
    assert engine.review(state(market(held=3)), order(Side.ASK, 5)).count == 300
    assert seen(engine, 50) is DayState.HALT


def test_giving_back_the_days_high_counts_like_a_loss() -> None:
    engine = R1(PARAMS, START)
    seen(engine, 200)
    assert seen(engine, 200 - 119) is DayState.COOLDOWN
    assert engine.drawdown == 119 * DOLLAR
    assert seen(engine, 80) is DayState.HALT


def test_entering_a_stop_pulls_the_quotes_once() -> None:
    engine = R1(PARAMS, START)
    day = DayPnl(-90 * DOLLAR, -90 * DOLLAR)
    first = engine.watch(state(market(), day=day))
    assert [type(f) for f in first] == [Alert, PullRequest]
    assert [type(f) for f in engine.watch(state(market(), day=day))] == [Alert]
    assert "cooling down for 5:00, reducing only" in engine.review(state(market()), order(Side.BID, 1)).why


def test_the_book_alone_halts_only_when_it_lasts() -> None:
    engine = R1(PARAMS, START)
    assert seen(engine, -10, -150) is DayState.COOLDOWN
    assert seen(engine, -10, -150, at=START.plus(59 * SECOND)) is DayState.COOLDOWN
    assert seen(engine, -10, -150, at=START.plus(60 * SECOND)) is DayState.HALT
    spared = R1(PARAMS, START)
    for second in range(0, 200, 10):
        assert seen(spared, -10, -150, at=START.plus(second * SECOND), event=True) is DayState.COOLDOWN
    gap = R1(PARAMS, START)
    seen(gap, -10, -150)
    seen(gap, -10, -20, at=START.plus(30 * SECOND))
    assert seen(gap, -10, -150, at=START.plus(65 * SECOND)) is DayState.COOLDOWN


def test_without_a_number_nothing_is_added_and_nothing_is_judged() -> None:
    engine = R1(PARAMS, START)
    for day in (None, DayPnl(None, 0), DayPnl(0, None)):
        blind = state(market(held=2), day=day)
        assert engine.watch(blind) == []
        assert engine.review(blind, order(Side.BID, 1)).code == "R1_NO_PNL"
        assert engine.review(blind, order(Side.ASK, 2)).decision is Decision.ALLOW
    seen(engine, 0)
    assert engine.review(state(market()), order(Side.BID, 1)).decision is Decision.ALLOW


def test_the_fourth_cooldown_of_a_day_halts() -> None:
    machine = DayMachine(DayLevels(cooldown_s=1))
    for i in range(3):
        assert machine.step(i * 10 * SECOND, 0.9, 0.9) is DayState.COOLDOWN
        assert machine.step((i * 10 + 5) * SECOND, 0.1, 0.1) is DayState.WARN
        machine.step((i * 10 + 6) * SECOND, 0.1, 0.1)
    assert machine.step(99 * SECOND, 0.9, 0.9) is DayState.HALT


def test_a_number_that_is_none_counts_as_full_use() -> None:
    assert DayMachine(DayLevels()).step(0, float("nan"), 0.0) is DayState.COOLDOWN
    assert DayMachine(DayLevels()).step(0, 0.0, float("nan")) is DayState.HALT


def test_only_a_reason_in_words_ends_a_halt() -> None:
    engine = R1(PARAMS, START)
    seen(engine, -100)
    with pytest.raises(ValueError, match="reason in words"):
        engine.reset("  ")
    engine.reset("limit raised after review")
    assert engine.state is DayState.WARN
    assert seen(engine, -100) is DayState.HALT


def test_midnight_in_new_york_starts_a_day_once_even_when_clocks_change() -> None:
    # 2026-11-01 has 25 hours in New York; 01:30 comes twice, and midnight is 04:00 then 05:00 UTC.
    before = Instant(0, wall("2026-11-01T03:59:59"))
    engine = R1(PARAMS, before)
    seen(engine, -30, at=before)
    rolls = [engine.roll(Instant(s * SECOND, before.wall + s * SECOND)) for s in range(0, 27 * 3600, 60)]
    assert sum(rolls) == 2
    assert engine.past == (("2026-10-31", -30 * DOLLAR),)
    assert engine.day == "2026-11-02"
    assert not engine.roll(Instant(0, before.wall)), "a clock set back starts no day"
    assert day_end(before.wall) - day_start(before.wall) == 24 * 3600 * SECOND
    assert day_end(before.wall + 2 * SECOND) - day_start(before.wall + 2 * SECOND) == 25 * 3600 * SECOND


def test_a_halt_outlives_midnight_unless_told_otherwise() -> None:
    tomorrow = START.plus(24 * 3600 * SECOND)
    for auto, after in ((False, DayState.HALT), (True, DayState.WARN)):
        engine = R1(R1Params(PARAMS.day_loss, PARAMS.drawdown, auto_reset=auto), START)
        seen(engine, -150)
        engine.roll(tomorrow)
        assert engine.state is after


def test_a_restart_at_any_point_gives_the_same_state() -> None:
    path = [0, -40, -72, -50, -88, -80, -60, 10, -75, -90, -20, -101, 0]
    straight, restarted = R1(PARAMS, START), R1(PARAMS, START)
    for i, pnl in enumerate(path):
        now = START.plus(i * 200 * SECOND)
        assert seen(straight, pnl, at=now) is seen(restarted, pnl, at=now)
        saved = json.loads(json.dumps(restarted.to_state(now)))
        # The monotonic clock starts anew with the process; wall time goes on.
        restarted = R1.from_state(PARAMS, saved, now)
        assert restarted.to_state(now) == straight.to_state(now)
    assert straight.state is DayState.HALT


def test_a_cooldown_goes_on_after_a_restart_with_another_monotonic_clock() -> None:
    engine = R1(PARAMS, START)
    seen(engine, -90)
    saved = engine.to_state(START.plus(100 * SECOND))
    boot = Instant(5, START.wall + 150 * SECOND)
    again = R1.from_state(PARAMS, saved, boot)
    assert seen(again, -10, at=boot.plus(149 * SECOND)) is DayState.COOLDOWN
    assert seen(again, -10, at=boot.plus(150 * SECOND)) is DayState.WARN


@pytest.mark.parametrize("damage", [{"day": 7}, {"version": 2}, {"surprise": 1}, {"state": "fine"}])
def test_a_memory_that_cannot_be_read_is_a_halt(damage: dict[str, object]) -> None:
    saved = {**R1(PARAMS, START).to_state(START), **damage}
    engine = R1.from_state(PARAMS, saved, START)
    assert engine.state is DayState.HALT
    assert "cannot be read" in engine.review(state(market()), order(Side.BID, 1)).why


def test_the_worse_of_memory_and_venue_counts() -> None:
    engine = R1(PARAMS, START)
    seen(engine, -60)
    again = R1.from_state(PARAMS, engine.to_state(START), START)
    again.conserve(-20 * DOLLAR)  # the venue's fills alone look better by 40
    assert seen(again, -35) is DayState.WARN
    assert again.remembered == -75 * DOLLAR
    worse = R1.from_state(PARAMS, engine.to_state(START), START)
    worse.conserve(-80 * DOLLAR)
    assert seen(worse, -80) is DayState.WARN
    assert worse.remembered == -80 * DOLLAR


def test_recent_days_show_their_drawdown() -> None:
    engine, now = R1(PARAMS, START), START
    for pnl in (30, -20, -25, 5, -1, 2):
        seen(engine, pnl, at=now)
        now = now.plus(24 * 3600 * SECOND)
        engine.roll(now)
    assert [pnl // DOLLAR for _, pnl in engine.past] == [-20, -25, 5, -1, 2]
    assert engine.recent_drawdown == 45 * DOLLAR


def test_alerts_name_their_level() -> None:
    engine = R1(PARAMS, START)
    (warn,) = engine.watch(state(market(), day=DayPnl(-75 * DOLLAR, -75 * DOLLAR)))
    assert isinstance(warn, Alert)
    assert (warn.level, warn.text) == (
        AlertLevel.WARN,
        "near the day's limit, sizes halved: day −$75.00 of −$100.00, high $0.00",
    )


def test_dates_are_new_yorks() -> None:
    assert new_york_day(wall("2026-07-01T03:59:59")) == "2026-06-30"
    assert new_york_day(wall("2026-07-01T04:00:00")) == "2026-07-01"
