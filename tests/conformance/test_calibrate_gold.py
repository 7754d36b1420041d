"""Calibration on recorded markets: a comparison on events it has not seen, whatever it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kalshi_tui.research.calibrate_report import calibrate
from kalshi_tui.research.calibrate_tape import Observed, observe

EVENTS = ("050800", "101815", "102030", "102045", "102130")


@pytest.fixture(scope="module")
def observed(shared_data: Path) -> Observed:
    folder = shared_data / "gold15m"
    return observe(sorted(folder.glob("*.ndjson.gz")), sorted(folder.glob("*.event.json")), "")


def test_every_event_is_seen_from_open_to_close(observed: Observed) -> None:
    assert [market.event[-6:] for market in observed.markets] == list(EVENTS)
    assert observed.problem == "" and observed.assumptions == []
    for market in observed.markets:
        assert 800e9 < market.ended - market.begun <= 900e9
    reconnected = [len(m.segments) > 1 for m in observed.markets if m.event.endswith(("102030", "102130"))]
    assert reconnected == [True, True]


def test_m1_is_compared_on_events_it_has_not_seen(observed: Observed) -> None:
    report = calibrate("m1", observed, 1)
    folds = report.of("fold")
    assert [fold["test"][-6:] for fold in folds] == list(EVENTS[1:])
    # 20:30 ends when 20:45 begins: too near to train on.
    assert [event[-6:] for event in folds[2]["train"]] == ["050800", "101815"]
    assert all(fold["points"] > 500 for fold in folds)
    for one in report.of("comparison"):
        low, high = one["interval"]
        assert low <= one["difference"] <= high
        assert one["events"] == 4
    # Four events can not carry a verdict, so these tapes alone never put a table into a desk.
    assert "4 held-out events can show nothing" in report.reason
    table = report.measured.table
    assert table is not None and all(table.fitted)
    assert all(row[0] < 0.0 < row[-1] for row in table.rows)


def test_m2_reports_its_confusion_and_is_refused(observed: Observed) -> None:
    report = calibrate("m2", observed, 1)
    for fold in report.of("fold"):
        cells = fold["confusion"]
        assert cells["windows"] > 0
        assert cells["jump_active"] + cells["jump_calm"] > 60
    assert [rate["name"] for rate in report.of("comparison")] == ["recall", "active in quiet"]
    assert "held-out events can show nothing" in report.reason


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (
            "m1",
            r"micro-price against mid: .* difference [+-][\d.]+ ¢² \[95 %: [+-][\d.]+, [+-][\d.]+\], 4 events",
        ),
        ("m2", r"recall: \d+% \[95 %: \d+%, \d+%\], target 95%"),
    ],
)
def test_the_command_prints_the_held_out_comparison_with_its_interval(
    engine: str, words: str, shared_data: Path, tmp_path: Path
) -> None:
    folder = shared_data / "gold15m"
    tapes = [str(path) for path in sorted(folder.glob("*.ndjson.gz"))]
    facts = [f"--event={path}" for path in sorted(folder.glob("*.event.json"))]
    command = [sys.executable, "-m", "kalshi_tui", "calibrate", *tapes, *facts]
    done = subprocess.run(
        [*command, f"--engine={engine}", f"--out={tmp_path / 'out.json'}"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    assert re.search(f"held out, .*{words}", printed), printed
    assert "REFUSED, not for trading: 4 held-out events can show nothing" in printed
