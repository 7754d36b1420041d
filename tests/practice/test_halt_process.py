"""Money lost through a real desk process halts the day, and no kill -9 and no restart forgets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from kalshi_tui.locations import DeskFolder
from kalshi_tui.protocol.times import parse_time
from kalshi_tui.protocol.units import DOLLAR, MILLISECOND, Money, parse_count, parse_money
from kalshi_tui.venue.signer import Signer

COMMAND = [sys.executable, "-m", "kalshi_tui"]
RICH, POOR = "4000", "200"
"""Bankrolls: a day of the second may lose 10 dollars, and starts to be over at 7."""
EAGER = {"EDGE": "0.005", "MIN_EDGE": "0.0", "SIZE": "50"}
"""An engine that the crash takes money from."""
LOST: Money = -20 * DOLLAR
Row = dict[str, Any]


class Venue:
    """An exchange process in which everything falls, and our own signed reads of it."""

    def __init__(self, ready: Row) -> None:
        self.ready = ready
        self._signer = Signer.load(ready["key_id"], Path(ready["key_file"]))

    def read(self, path: str, name: str) -> list[Row]:
        path = f"/trade-api/v2/portfolio/{path}"
        headers = self._signer.headers("GET", path, time.time_ns() // MILLISECOND)
        host = self.ready["rest"].removesuffix("/trade-api/v2")
        answer = httpx.get(f"{host}{path}", params={"limit": 1000}, headers=headers)
        rows: list[Row] = answer.raise_for_status().json()[name]
        return rows

    @property
    def folder(self) -> DeskFolder:
        return DeskFolder.of("practice", self.ready["key_id"])


@contextmanager
def crash() -> Iterator[Venue]:
    serve = [*COMMAND, "exchange", "--scenario", "crash", "--seed", "4", "--speed", "5"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Venue(json.loads(process.stdout.readline()))
        finally:
            process.terminate()


@contextmanager
def desk(venue: Venue, bankroll: str) -> Iterator[Iterator[Row]]:
    """The lines of a quoting desk; killed without a word at the end."""
    where = [
        f"--{name.replace('_', '-')}={venue.ready[name]}" for name in ("rest", "ws", "key_id", "key_file")
    ]
    engine = {f"KALSHI_TUI__ENGINES__M0__{name}": value for name, value in EAGER.items()}
    env = os.environ | engine | {"KALSHI_TUI__RISK__BANKROLL": bankroll}
    command = [*COMMAND, "--no-ui", "--json", "--quote", "--no-record", *where]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env
    ) as process:
        assert process.stdout is not None
        try:
            yield map(json.loads, process.stdout)
        finally:
            process.send_signal(signal.SIGKILL)
            assert process.wait(5) == -signal.SIGKILL


def wait_for(lines: Iterator[Row], wanted: Callable[[Row], bool], seconds: float) -> list[Row]:
    """All lines up to the wanted one."""
    deadline, seen = time.monotonic() + seconds, []
    for line in lines:
        seen.append(line)
        if wanted(line):
            return seen
        assert time.monotonic() < deadline, "it never came"
    raise AssertionError(f"the desk ended: {seen[-1:]}")


def lost(status: subprocess.CompletedProcess[str]) -> bool:
    with suppress(json.JSONDecodeError, KeyError, TypeError):
        return parse_money(json.loads(status.stdout)["day_pnl_dollars"]) < LOST
    return False


def until_lost(lines: Iterator[Row]) -> None:
    """Let it trade until the desk itself says that this much is gone."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        wait_for(lines, lambda line: line["type"] == "quote", 30)
        if lost(subprocess.run([*COMMAND, "status", "--json"], capture_output=True, text=True, check=False)):
            return
    raise AssertionError("the crash took too little")


def halted(line: Row) -> bool:
    return line["type"] == "alert" and "halted for the day" in line["text"]


def boot_of(order: Row) -> str:
    return str(order["client_order_id"]).rpartition("-")[0]


def adding(venue: Venue, known: set[str]) -> list[Row]:
    """Orders of boots not ``known`` that could grow the position there was when the exchange took them."""
    fills = venue.read("fills", "fills")
    sides = {"bid": 1, "ask": -1}

    def held(ticker: str, at: int) -> int:
        until = (f for f in fills if f["ticker"] == ticker and when(f["created_time"]) <= at)
        return sum(parse_count(f["count_fp"]) * sides[f["book_side"]] for f in until)

    later = [order for order in venue.read("orders", "orders") if boot_of(order) not in known]
    return [o for o in later if held(o["ticker"], when(o["created_time"])) * sides[o["book_side"]] >= 0]


def when(text: str) -> int:
    wall = parse_time(text)
    assert wall is not None
    return wall


@pytest.mark.slow
def test_a_losing_day_halts_a_real_desk_for_good(sealed_home: Path) -> None:
    with crash() as venue:
        with desk(venue, RICH) as lines:
            until_lost(lines)
        assert venue.read("fills", "fills"), "nothing was traded"
        known = {boot_of(order) for order in venue.read("orders", "orders")}
        assert len(known) == 1
        # A smaller bankroll: what is lost is past its limit. Twice, with nothing but a kill -9 in between.
        for _ in range(2):
            with desk(venue, POOR) as lines:
                wait_for(lines, halted, 30)
                time.sleep(2.0)
            assert adding(venue, known) == []
            day = day_rows(venue)[-1]
            assert day["state"] == "halt" and day["pnl"] < LOST // 2
        # The halt is remembered, not worked out again: with the larger bankroll it is still there.
        with desk(venue, RICH) as lines:
            wait_for(lines, halted, 30)
            time.sleep(2.0)
        assert adding(venue, known) == []


def day_rows(venue: Venue) -> list[Row]:
    from kalshi_tui.storage.journal_db import trusted_rows

    return [json.loads(row.payload) for row in trusted_rows(venue.folder.journal) if row.kind == "day"]
