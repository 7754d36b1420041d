"""What a calibration sees: touches when they change, a beat each second, nothing across a hole."""

from __future__ import annotations

from pathlib import Path

from calibrate_kit import START, frame, row

from kalshi_tui.protocol.units import CENT, SECOND
from kalshi_tui.research.calibrate_tape import Observed, observe

T = "KXTEST-26E0-T50"


def seen(folder: Path, *rows: tuple[float, dict[str, object], int]) -> Observed:
    path = folder / "tape.ndjson"
    path.write_text("".join(row(START + round(s * SECOND), event, conn) for s, event, conn in rows))
    return observe([path], [], "")


def quote(seq: int, bid: int, size: int = 10) -> dict[str, object]:
    return frame(T, seq, bid, size, bid + 2, 10)


def test_touches_when_they_change_and_a_beat_each_second(tmp_path: Path) -> None:
    observed = seen(
        tmp_path,
        (0.0, quote(1, 50), 1),
        (0.2, quote(2, 50), 1),  # the same again
        (0.4, quote(3, 50, 20), 1),
        (3.5, quote(4, 51), 1),
    )
    (market,) = observed.markets
    (segment,) = market.segments
    found = [((s.at - START) / SECOND, s.beat, (s.mid2 or 0) // CENT, s.bid_size) for s in segment]
    assert found == [
        (0.0, False, 102, 1000),
        (0.0, True, 102, 1000),
        (0.4, False, 102, 2000),
        (1.0, True, 102, 2000),
        (2.0, True, 102, 2000),
        (3.0, True, 102, 2000),
        (3.5, False, 104, 2000 // 2),
    ]
    assert (market.event, market.series, market.begun, market.ended) == (
        "KXTEST-26E0",
        "KXTEST",
        START,
        START + 3_500_000_000,
    )


def test_silence_and_a_reconnect_end_a_segment(tmp_path: Path) -> None:
    observed = seen(
        tmp_path,
        (0.0, quote(1, 50), 1),
        (1.5, quote(2, 51), 1),
        (7.5, quote(3, 52), 1),
        (8.5, quote(1, 53), 2),
    )
    ends = [[(s.at - START) / SECOND for s in segment] for segment in observed.markets[0].segments]
    assert [(times[0], times[-1]) for times in ends] == [(0.0, 1.5), (7.5, 8.0), (8.5, 8.5)]


def test_the_grid_is_the_coarsest_that_holds_every_price_and_said(tmp_path: Path) -> None:
    fine = frame(T, 2, 50, 1, 52, 1)
    body = fine["msg"]
    assert isinstance(body, dict)
    body["yes_dollars_fp"] = [["0.0510", "4.00"]]
    observed = seen(tmp_path, (0.0, quote(1, 50), 1), (1.0, fine, 1))
    assert observed.markets[0].grid.is_valid(510) and not observed.markets[0].grid.is_valid(5010)
    assert "taken to trade on the grid tapered_deci_cent" in observed.assumptions[0]


def test_a_named_grid_is_used_and_nothing_assumed(tmp_path: Path) -> None:
    path = tmp_path / "tape.ndjson"
    path.write_text(row(START, quote(1, 50)))
    observed = observe([path], [], "deci_cent")
    assert observed.markets[0].grid.is_valid(5010) and observed.assumptions == []


def test_nothing_after_the_close(tmp_path: Path) -> None:
    body = {"close_time": "2027-01-15T08:00:02Z", "market_ticker": T, "status": "active", "strike": 1.0}
    observed = seen(
        tmp_path,
        (0.0, {"type": "watch_market", "seq": None, "msg": body}, 1),
        *((float(i), quote(i + 1, 50 + i), 1) for i in range(5)),
    )
    (segment,) = observed.markets[0].segments
    assert [(s.at - START) // SECOND for s in segment if not s.beat] == [0, 1]
    assert observed.last == START + 4 * SECOND


def test_damage_is_told_and_what_came_before_stands(tmp_path: Path) -> None:
    path = tmp_path / "tape.ndjson"
    path.write_text(row(START, quote(1, 50)) + row(START + SECOND, quote(2, 51)) + '{"recv_ns": 18')
    observed = observe([path], [], "linear_cent")
    assert "row 3" in observed.problem
    assert len(observed.markets[0].segments[0]) == 4


def test_a_torn_tape_does_not_take_the_later_ones_with_it(tmp_path: Path) -> None:
    """What cannot even be opened, a tear at the end, and a whole recording of a later boot."""
    paths = [tmp_path / f"{name}.ndjson" for name in "abc"]
    paths[0].write_text('{"recv')
    paths[1].write_text(row(START, quote(1, 50)) + '{"recv_ns": 18')
    paths[2].write_text(row(START + 60 * SECOND, quote(1, 52), 2) + row(START + 61 * SECOND, quote(2, 53), 2))
    observed = observe(paths, [], "linear_cent")
    assert f"{paths[0]}, row 1" in observed.problem and f"{paths[1]}, row 2" in observed.problem
    assert observed.last == START + 61 * SECOND
    assert [segment[-1].bid // 100 for segment in observed.markets[0].segments] == [50, 53]
