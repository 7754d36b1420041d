"""What the day's loss engine is told of the day before a start, from the journal as it is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from kalshi_tui.desk import assembly
from kalshi_tui.desk.plan import Plan
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.units import DOLLAR, SECOND
from kalshi_tui.risk.r1 import R1, R1Params
from kalshi_tui.risk.r1_machine import DayState
from kalshi_tui.storage.journal import Journal
from kalshi_tui.storage.journal_db import Entry

NOW = Instant(SECOND, 1_790_000_000 * SECOND)
PARAMS = R1Params(day_loss=100 * DOLLAR, drawdown=120 * DOLLAR)
PLAN = Plan("demo", "venue", "m0", {}, 1000 * DOLLAR, key_id="k")


async def written(path: Path) -> None:
    journal = await Journal.open(path, "b", "1", NOW)
    day = R1(PARAMS, NOW).to_state(NOW)
    await journal.append([Entry(NOW.wall, NOW.mono, "day", day), Entry(NOW.wall, NOW.mono, "state", {})])
    await journal.close()


async def remembered(path: Path, plan: Plan = PLAN) -> R1 | None:
    journal = await Journal.open(path, "c", "1", NOW)
    saved = await assembly._saved_day(plan, journal)
    await journal.close()
    return None if saved is None else R1.from_state(PARAMS, saved, NOW)


async def test_the_last_row_is_what_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    assert await remembered(path) is None
    await written(tmp_path / "b" / "journal.sqlite")
    engine = await remembered(tmp_path / "b" / "journal.sqlite")
    assert engine is not None and engine.state is DayState.NORMAL


@pytest.mark.parametrize("damage", ["garbage", "gone"])
async def test_a_journal_that_cannot_be_trusted_is_a_halt_a_person_ends(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "journal.sqlite"
    await written(path)
    for name in ("journal.sqlite-wal", "journal.sqlite-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"x" * 4096)
    engine = await remembered(path)
    assert engine is not None and engine.state is DayState.HALT
    engine.reset("looked at it")
    assert engine.state.value == "warn"


async def test_a_world_that_is_new_at_every_start_has_no_day_before(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    await written(path)
    assert await remembered(path, Plan("practice", "venue", "m0", {}, 1000 * DOLLAR)) is None
