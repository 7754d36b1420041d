"""The fit finds what is there, is judged on what it has not seen, and is refused where nothing is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from calibrate_kit import state, tapes, watched

from kalshi_tui.features.market import MarketFeatures
from kalshi_tui.features.microprice import MicroTable
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CENT, CONTRACT, ONE
from kalshi_tui.research.calibrate_m1 import Comparison, Errors, errors, fair, samples
from kalshi_tui.research.calibrate_main import chosen
from kalshi_tui.research.calibrate_report import MixedMarketsError, Report, calibrate
from kalshi_tui.research.calibrate_tape import observe
from kalshi_tui.research.tape_facts import FactsError

TABLE = MicroTable(((-2.0, -0.25, 0.0, 0.25, 2.0),) * 2, (True, True))


def measured(folder: Path, events: int, *, telling: bool) -> Report:
    return calibrate("m1", observe(tapes(folder, events, telling), [], ""), 1)


def test_what_is_there_is_found_and_blessed(tmp_path: Path) -> None:
    report = measured(tmp_path, 8, telling=True)
    assert report.reason == ""
    table = report.measured.table
    assert table is not None
    assert table.fitted[1]
    # A long bid queue sends the mid down by a tick; then it is drawn anew.
    assert table.rows[1][-1] == pytest.approx(-1.0, abs=0.15)
    assert [c["beats"] for c in report.of("comparison")] == [True, True]


def test_what_is_not_there_is_refused_with_the_reason(tmp_path: Path) -> None:
    report = measured(tmp_path, 8, telling=False)
    assert "not shown to beat the mid 30 s ahead" in report.reason
    assert "held-out events" not in report.reason


def test_four_held_out_events_bless_nothing(tmp_path: Path) -> None:
    report = measured(tmp_path, 5, telling=True)
    assert "4 held-out events can show nothing" in report.reason
    assert "not shown to beat" in report.reason  # 1/16 is not 1/20


@pytest.mark.parametrize(
    ("interval", "p", "beats"),
    [
        ((-2.0, -0.1), 0.03, True),
        ((-2.0, -0.1), 0.06, False),
        ((-2.0, 0.0), 0.03, False),
        (None, 0.03, False),
    ],
)
def test_interval_and_sign_flip_must_agree(
    interval: tuple[float, float] | None, p: float, beats: bool
) -> None:
    assert Comparison("mid", 6, 100, 1.0, 2.0, -1.0, interval, p).beats is beats


def test_the_seed_changes_the_interval_alone(tmp_path: Path) -> None:
    observed = observe(tapes(tmp_path, 12), [], "")
    one, same, other = (calibrate("m1", observed, seed) for seed in (1, 1, 2))
    assert one == same
    assert one.measured == other.measured
    first, second = one.of("comparison")[0], other.of("comparison")[0]
    assert first["interval"] != second["interval"]
    assert first["difference"] == second["difference"]


def test_later_events_change_no_earlier_fold(tmp_path: Path) -> None:
    paths = tapes(tmp_path, 4)
    few, all_ = (calibrate("m1", observe(part, [], ""), 1).of("fold") for part in (paths[:3], paths))
    assert all_[:2] == few
    assert len(all_) == 3


def test_steps_leave_jumps_and_holes_out() -> None:
    market = watched(
        [state(0, 50, share=0.9), state(1, 50.5), state(2, 51, event=True), state(3, 52), state(4, None)],
        [state(20, 70), state(21, 69)],
    )
    assert [(s.share, s.spread, s.half_ticks) for s in samples([market])] == [(0.9, 2, 1), (0.5, 2, -2)]


def test_the_forecast_is_what_the_features_and_m1_make_of_the_table() -> None:
    features = MarketFeatures(TickGrid.named("linear_cent"), table=TABLE)
    for share in (0.02, 0.3, 0.55, 0.9):
        one = state(0, 50, share=share)
        sizes = round(1000 * share) * CONTRACT, round(1000 * (1 - share)) * CONTRACT
        now = Instant(0, 0)
        features.on_top(one.bid, sizes[0], one.ask, sizes[1], now)
        seen = features.snapshot(now)
        assert seen.mid is not None and seen.micro_shift is not None and seen.steady_share is not None
        held = min(max((seen.mid + seen.micro_shift) * ONE, one.bid), one.ask)
        assert fair(TABLE, state(0, 50, share=seen.steady_share)) == pytest.approx(held, abs=1e-6)
    assert fair(TABLE, state(0, 50, share=1.0)) == 51 * CENT  # held at the ask


def test_errors_look_30_seconds_ahead_and_count_what_is_missing() -> None:
    path = [state(s, 50 if s < 30 else 52) for s in range(40)]
    found = errors(TABLE, "E", [watched(path)])
    assert (found.points, found.missing) == (10, 30)
    assert found.mid == pytest.approx(10 * 4.0)
    assert errors(TABLE, "E", [watched([state(0, 50), *(state(s, None) for s in range(1, 31))])]) == Errors(
        "E", missing=1
    )


def test_the_weighted_mid_leans_by_the_sizes_on_show() -> None:
    path = [state(s, 50, share=0.75) for s in range(31)]
    found = errors(MicroTable(((0.0,),), (True,)), "E", [watched(path)])
    assert found.points == 1
    assert found.weighted == pytest.approx(0.25)


def test_different_grids_are_not_mixed_and_the_options_that_part_them_are_named(tmp_path: Path) -> None:
    observed = observe(tapes(tmp_path, 2), [], "")
    observed.markets[0].grid = TickGrid.named("deci_cent")
    one, other = "--markets KXTEST-26E0-T", "--markets KXTEST-26E1-T"
    with pytest.raises(MixedMarketsError, match=f"2 price grids; calibrate one: {one}, or {other}"):
        calibrate("m1", observed, 1)
    observed.markets[1].series = "KXOTHER"
    with pytest.raises(MixedMarketsError, match="one: --markets KXTEST, or --markets KXOTHER"):
        calibrate("m1", observed, 1)


def test_markets_are_chosen_by_ticker_event_or_series(tmp_path: Path) -> None:
    first, second = observe(tapes(tmp_path, 2), [], "").markets
    assert chosen([first, second], ()) == [first, second]
    assert chosen([first, second], [first.ticker]) == [first]
    assert chosen([first, second], [second.event]) == [second]
    assert chosen([first, second], ["KXTEST"]) == [first, second]
    with pytest.raises(FactsError, match="--markets KXNO: the tapes hold no such"):
        chosen([first, second], ["KXTEST", "KXNO"])
