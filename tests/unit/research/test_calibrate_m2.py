"""Labels by hand, the confusion of a known path, and thresholds where they separate."""

from __future__ import annotations

from calibrate_kit import state, watched

from kalshi_tui.pricing.regime import RegimeParams
from kalshi_tui.research.calibrate_m2 import (
    Confusion,
    FoldResult,
    fit,
    judge,
    label,
    rates,
    refusal,
    seconds,
)
from kalshi_tui.research.calibrate_stats import Fold
from kalshi_tui.research.calibrate_tape import State


def path(ratio: float = 2.0, noise: float = 1.0) -> list[State]:
    """Five minutes still, a run of five cents during which the volatility ratio is ``ratio``, ten minutes still."""
    return [
        state(s, 50 if s < 300 else min(50 + s - 300, 55), vol_ratio=ratio if 300 <= s < 320 else noise)
        for s in range(900)
    ]


def test_a_window_lasts_until_the_old_price_is_a_minute_old() -> None:
    labelled = label(path())
    # 55 is reached at 305; 50 was last seen at 300.
    assert [int(s.at) for s in labelled if s.jump] == list(range(305, 361))
    assert [int(s.at) for s in labelled if not s.quiet] == list(range(245, 421))


def test_seconds_without_a_mid_are_neither() -> None:
    (one,) = label([state(0, None)])
    assert not one.jump and not one.quiet


def test_confusion_of_a_known_path() -> None:
    found = judge(RegimeParams(up=1.5, down=1.2, dwell_s=30.0), [label(path())], "E")
    # Born active, calm from 30 on; active 300..349 (20 s of run, then 30 s below).
    assert found == Confusion(
        "E", jump_active=45, jump_calm=11, quiet_active=30, quiet_calm=694, windows=1, caught=1
    )
    missed = judge(RegimeParams(up=2.5, down=1.2, dwell_s=30.0), [label(path())], "E")
    assert (missed.windows, missed.caught, missed.jump_active) == (1, 0, 0)


def test_the_fit_separates_a_run_from_noise() -> None:
    segments = [label(path(ratio=2.0, noise=1.0 + 0.4 * (n % 2))) for n in range(6)]
    params = fit(segments)
    found = judge(params, segments)
    assert 1.4 < params.up <= 2.0
    assert (found.windows, found.caught) == (6, 6)
    assert found.quiet_active == 6 * 30  # no more than the birth costs


def results(events: int, held: Confusion) -> list[FoldResult]:
    params = RegimeParams()
    return [FoldResult(Fold(f"E{n}", ()), params, held, held) for n in range(events)]


GOOD = Confusion("", jump_active=50, quiet_active=4, quiet_calm=96, windows=2, caught=2)


def test_targets_met_held_out_are_blessed() -> None:
    assert refusal(rates(results(5, GOOD), 1)) == ""


def test_each_way_to_fail_is_said() -> None:
    few = refusal(rates(results(4, GOOD), 1))
    assert few.startswith("4 held-out events can show nothing")
    deaf = Confusion("", quiet_active=4, quiet_calm=96, windows=2, caught=1)
    assert refusal(rates(results(5, deaf), 1)) == "held out it catches 50% of the moves, not 95%"
    nervous = Confusion("", quiet_active=10, quiet_calm=90, windows=2, caught=2)
    assert refusal(rates(results(5, nervous), 1)) == "held out it is active in 10% of the quiet time, not 5%"
    wild = Confusion("", jump_active=50, windows=2, caught=2)
    assert refusal(rates(results(5, wild), 1)) == "no held-out event has a quiet stretch"
    still = Confusion("", quiet_calm=100)
    assert refusal(rates(results(5, still), 1)) == "no held-out event has a move of 5 cents in a minute"
    once = [*results(4, wild), *results(1, GOOD)]
    assert refusal(rates(once, 1)) == "too few held-out events have a quiet stretch"


def test_a_window_a_segment_begins_in_is_not_counted() -> None:
    held = label(path())[305:]
    assert judge(RegimeParams(), [held]).windows == 0
    assert len(seconds([watched(path(), path())])) == 2
