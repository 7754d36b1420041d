"""Regimes: hysteresis, missing numbers, the calendar, the trader's pin."""

from __future__ import annotations

from math import nan

import pytest

from kalshi_tui.features.snapshot import FeatureSnapshot
from kalshi_tui.pricing.calendar import PrintGate, ScheduledPrint, new_york, next_pull
from kalshi_tui.pricing.regime import MarketRegime, RegimeMachine, RegimeParams
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.text import SafeText
from kalshi_tui.protocol.units import SECOND

T = new_york("2026-12-10 08:30")
CPI = ScheduledPrint(SafeText("CPI"), T, series=("KXCPI", "KXFED"), determines=("KXCPI",))


def calm_features(**changes: object) -> FeatureSnapshot:
    values: dict[str, object] = {"spread_ratio": 1.0, "vol_ratio": 1.0, **changes}
    return FeatureSnapshot("", **values)  # type: ignore[arg-type]


def test_new_york_times_follow_daylight_saving() -> None:
    assert new_york("2026-07-01 08:30") % (24 * 3600 * SECOND) == 12.5 * 3600 * SECOND
    assert T % (24 * 3600 * SECOND) == 13.5 * 3600 * SECOND
    with pytest.raises(ValueError, match="is not a New York time"):
        new_york("08:30 tomorrow")


def test_the_machine_starts_careful() -> None:
    machine = RegimeMachine()
    assert machine.update(0.0, None, None, False) is Regime.ACTIVE
    assert machine.update(29.0, 1.0, 1.0, False) is Regime.ACTIVE
    assert machine.update(59.0, 1.0, 1.0, False) is Regime.CALM


@pytest.mark.parametrize("missing", [None, nan])
def test_a_missing_ratio_never_relaxes_and_restarts_the_dwell(missing: float | None) -> None:
    machine = RegimeMachine()
    machine.update(0.0, 1.0, 1.0, False)
    assert machine.update(20.0, 1.0, missing, False) is Regime.ACTIVE
    assert machine.update(31.0, 1.0, 1.0, False) is Regime.ACTIVE
    assert machine.update(60.0, 1.0, 1.0, False) is Regime.ACTIVE
    assert machine.update(61.0, 1.0, 1.0, False) is Regime.CALM
    assert machine.update(62.0, missing, 1.0, False) is Regime.CALM
    assert machine.update(63.0, missing, 1.6, False) is Regime.ACTIVE  # but half the evidence may tighten


def test_bad_thresholds_are_refused() -> None:
    with pytest.raises(ValueError, match="1 <= down <= up"):
        RegimeParams(up=1.1, down=1.2)
    with pytest.raises(ValueError, match="dwell"):
        RegimeParams(dwell_s=0.0)


@pytest.mark.parametrize("jitter_s", [0.0, 0.5, 1.9])
def test_the_pull_comes_before_the_print_even_with_a_late_decision(jitter_s: float) -> None:
    gate = PrintGate("KXFED", [CPI])
    wall = T - 125 * SECOND
    while gate.closed_by(wall, 0, 1.0) is None:
        wall += SECOND // 10
    assert wall + round(jitter_s * SECOND) <= T - 120 * SECOND


def test_a_related_market_reopens_when_it_is_healthy() -> None:
    gate = PrintGate("KXFED", [CPI])
    assert gate.closed_by(T, 100, 1.0) is CPI
    assert gate.closed_by(T + 59 * SECOND, 150, 1.0) is CPI  # alive, but too early
    assert gate.closed_by(T + 61 * SECOND, 119, 1.0) is CPI  # too quiet
    assert gate.closed_by(T + 62 * SECOND, 120, 2.0) is CPI  # too wide
    assert gate.closed_by(T + 62 * SECOND, 120, None) is CPI  # width unknown
    assert gate.closed_by(T + 63 * SECOND, 120, 1.9) is None
    assert gate.closed_by(T + 64 * SECOND, 120, 9.0) is None  # once open it stays open


def test_a_quiet_related_market_reopens_after_two_minutes() -> None:
    gate = PrintGate("KXFED", [CPI])
    assert gate.closed_by(T + 1, 7, 1.0) is CPI
    assert gate.closed_by(T + 119 * SECOND, 7, 1.0) is CPI
    assert gate.closed_by(T + 120 * SECOND, 7, 1.0) is None


def test_a_market_the_print_determines_never_reopens() -> None:
    gate = PrintGate("KXCPI", [CPI])
    assert gate.closed_by(T + 3_600 * SECOND, 10_000, 1.0) is CPI


def test_a_print_concerns_only_its_series() -> None:
    gate = PrintGate("KXHIGHNY", [CPI])
    assert gate.closed_by(T, 0, 1.0) is None
    everyone = ScheduledPrint(SafeText("maintenance"), T)
    assert PrintGate("KXHIGHNY", [everyone]).closed_by(T, 0, 1.0) is everyone


def test_the_next_pull_bounds_every_expiration() -> None:
    later = ScheduledPrint(SafeText("FOMC"), T + 3_600 * SECOND)
    assert next_pull([later, CPI], "KXFED", T - 3_600 * SECOND) == CPI.pull_at == T - 122 * SECOND
    assert next_pull([later, CPI], "KXFED", T) == later.pull_at
    assert next_pull([CPI], "KXHIGHNY", 0) is None


def test_a_new_calendar_does_not_close_what_reopened() -> None:
    gate = PrintGate("KXFED", [CPI])
    gate.closed_by(T, 0, 1.0)
    assert gate.closed_by(T + 120 * SECOND, 0, 1.0) is None
    gate.schedule([CPI, ScheduledPrint(SafeText("FOMC"), T + 7_200 * SECOND)])
    assert gate.closed_by(T + 121 * SECOND, 0, 1.0) is None


def test_what_makes_an_event_is_said() -> None:
    market = MarketRegime("KXFED", [CPI], start=Regime.CALM)
    now = Instant(0, T - 3_600 * SECOND)
    assert market.update(now, calm_features()) is Regime.CALM and market.why == ""
    assert market.update(now.plus(1), calm_features(jump=True)) is Regime.EVENT and market.why == "jump"
    gone = FeatureSnapshot("book one-sided", spread_ratio=1.0, vol_ratio=1.0)
    assert market.update(now.plus(2), gone) is Regime.EVENT and market.why == "book one-sided"
    assert market.update(now.plus(3), calm_features()) is Regime.ACTIVE
    window = Instant(10, T - 60 * SECOND)
    assert market.update(window, calm_features()) is Regime.EVENT and market.why == "CPI window"


def test_the_traders_pin_holds_until_it_expires() -> None:
    market = MarketRegime(start=Regime.CALM)
    now = Instant(0, 0)
    market.pin(Regime.CALM, 10 * SECOND)
    assert market.update(now.plus(SECOND), calm_features(jump=True)) is Regime.CALM
    assert market.why == "pinned calm by hand"
    assert market.update(now.plus(10 * SECOND), calm_features(jump=True)) is Regime.EVENT
    market.pin(Regime.EVENT, 100 * SECOND)
    assert market.update(now.plus(11 * SECOND), calm_features()) is Regime.EVENT
    market.unpin()
    assert market.update(now.plus(12 * SECOND), calm_features()) is Regime.ACTIVE
