"""Kills and holds outlive the process; pulls do not; a damaged file is a kill."""

from __future__ import annotations

from pathlib import Path

import pytest

from kalshi_tui.desk.stops_file import LatchKeeper, is_killed, restore
from kalshi_tui.execution.gate import Latches
from kalshi_tui.storage.latches import LatchFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "latches.json"


def after_restart(path: Path) -> Latches:
    latches = Latches()
    restore(LatchFile(path).read(1), latches)
    return latches


def test_a_kill_and_a_hold_come_back(path: Path) -> None:
    latches = Latches()
    keeper = LatchKeeper(LatchFile(path), latches)
    keeper.keep(5)
    assert not path.exists()
    latches.killed, latches.kill_why = True, "by key"
    latches.held["market KXA-1"] = "by command"
    latches.pulled[""] = "asked to stop"
    keeper.keep(6)
    assert is_killed(LatchFile(path).read(1))
    back = after_restart(path)
    assert (back.killed, back.kill_why, back.reduce_only) == (True, "by key", False)
    assert back.held == {"market KXA-1": "by command"}
    assert back.pulled == {}
    latches.reduce_only = True
    keeper.keep(7)
    assert after_restart(path).reduce_only
    latches.killed = latches.reduce_only = False
    latches.held.clear()
    keeper.keep(8)
    assert after_restart(path) == Latches()


def test_nothing_is_written_while_nothing_changes(path: Path) -> None:
    latches = Latches(killed=True, kill_why="by key")
    keeper = LatchKeeper(LatchFile(path), latches)
    keeper.keep(5)
    assert not path.exists()


def test_a_damaged_file_is_a_kill(path: Path) -> None:
    path.write_text('{"latches":{},"sha256":"0"}')
    assert after_restart(path).killed
