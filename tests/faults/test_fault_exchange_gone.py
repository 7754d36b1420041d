"""The exchange disappears under a desk without a screen: it ends, and says that its quotes may still rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from fault_bench import bench
from msgspec import json

from kalshi_tui.desk import exit_codes, life
from kalshi_tui.kernel import ending
from kalshi_tui.protocol.units import MILLISECOND, SECOND

pytestmark = pytest.mark.fault


async def test_f28_without_a_feed_the_quotes_are_pulled_and_the_desk_ends(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(life, "FEED_PATIENCE", 500 * MILLISECOND)
    async with bench(short_folder, monkeypatch) as on:
        await on.start(headless=True, json=True)
        on.relay.refusing = True
        on.relay.cut()
        assert await on.task == exit_codes.FEED_LOST
        assert on.relay.turned_away >= 1
        assert on.resting() == []
        out, err = capfd.readouterr()
        summary = json.decode(out.splitlines()[-1])
        assert (summary["exit"], summary["orders_live"], summary["unreconciled"]) == (4, 0, 0)
        assert "may still rest" not in err


async def test_f27_f28_without_any_exchange_it_says_what_could_not_be_cancelled(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(life, "FEED_PATIENCE", 500 * MILLISECOND)
    monkeypatch.setattr(ending, "PATIENCE", 2 * SECOND)
    async with bench(short_folder, monkeypatch) as on:
        await on.start(headless=True, json=True)
        on.reins.down = on.relay.refusing = True
        on.relay.cut()
        assert await on.task == exit_codes.FEED_LOST
        assert on.reins.refused >= 1 and on.relay.turned_away >= 1
        assert len(on.resting()) == 2  # the truth, which nobody here can know any more
        out, err = capfd.readouterr()
        summary = json.decode(out.splitlines()[-1])
        assert summary["exit"] == 4
        assert summary["orders_live"] + summary["orders_unknown"] == 2
        assert "2 orders may still rest and fill: what you do not want, cancel at the exchange" in err
        assert "Traceback" not in err
