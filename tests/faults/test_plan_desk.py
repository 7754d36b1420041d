"""Real desks, each on an exchange process that has a bad day by plan."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.fault
COMMAND = (sys.executable, "-m", "kalshi_tui")
EAGER = {"KALSHI_TUI__ENGINES__M0__EDGE": "0.005", "KALSHI_TUI__ENGINES__M0__MIN_EDGE": "0.0"}
"""Quotes close enough to be traded with in seconds."""
IN_FLIGHT_S = 1.0
"""What left before it was known may still arrive; a busy machine takes its time."""
QUOTE = 3.0
"""Contracts the engine quotes a side on this bankroll, at most."""
Row = dict[str, Any]

FEED = "lose@4s,dup@5s:3,silence@7s+8s"
PAUSES = "drop@5s+2s,halt@11s+2s"
ORDERS = """\
[[fault]]
do = "mute"
at = "1s"
for = "1m"

[[fault]]
do = "unanswered"
at = "4s"
times = 2

[[fault]]
do = "limit"
at = "11s"
for = "3s"
share = 0.7
"""


class Day:
    """An exchange with a plan and a quoting desk on it."""

    def __init__(self, home: Path, plan: str, seconds: int) -> None:
        self.env = os.environ | EAGER | {"HOME": str(home), "KALSHI_TUI__RISK__BANKROLL": "1000"}
        self.plan, self.seconds = plan, seconds
        self.exchange: Process
        self.ready: Row
        self.began = 0.0
        """Wall seconds at which the plan's clock was 0."""
        self.rows: list[Row] = []
        self.counts: Row = {}
        self.truth: Row = {}
        self._done: asyncio.Task[tuple[bytes, bytes]]
        self._http = httpx.AsyncClient()

    async def start(self) -> None:
        serve = ("exchange", "--seed", "7", "--faults", self.plan)
        self.exchange = await asyncio.create_subprocess_exec(
            *COMMAND, *serve, stdout=PIPE, stderr=PIPE, env=self.env
        )
        assert self.exchange.stdout is not None
        self.ready = json.loads(await self.exchange.stdout.readline())
        self.began = time.time()
        where = [f"--{n.replace('_', '-')}={self.ready[n]}" for n in ("rest", "ws", "key_id", "key_file")]
        run = ("--no-ui", "--json", "--quote", "--engine", "m0", "--no-record", f"--for={self.seconds}s")
        desk = await asyncio.create_subprocess_exec(
            *COMMAND, *run, *where, stdout=PIPE, stderr=PIPE, env=self.env
        )
        self._done = asyncio.create_task(desk.communicate())

    async def at(self, second: float) -> None:
        """Wait until the plan's clock says so."""
        await asyncio.sleep(max(self.began + second - time.time(), 0.0))

    async def oracle(self) -> Row:
        """What is true at the exchange now."""
        root = self.ready["rest"].removesuffix("/trade-api/v2")
        truth: Row = (await self._http.get(f"{root}/practice/oracle")).json()
        return truth

    async def resting(self) -> dict[tuple[str, str], float]:
        """Market and side to the contracts that rest there at the exchange."""
        found: dict[tuple[str, str], float] = {}
        for order in (await self.oracle())["orders"]:
            if order["status"] == "resting":
                place = (order["ticker"], order["side"])
                found[place] = found.get(place, 0.0) + float(order["remaining"])
        return found

    async def command(self, *words: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, *words, stdout=PIPE, stderr=PIPE, env=self.env
        )
        _, said = await process.communicate()
        assert process.returncode == 0, said

    async def end(self) -> Row:
        """The desk's summary; the exchange is stopped, its truth and its counts kept."""
        out, said = await self._done
        self.rows = [json.loads(line) for line in out.splitlines()]
        assert self.rows and self.rows[-1]["type"] == "summary", said.decode()
        self.truth = await self.oracle()
        await self._http.aclose()
        self.exchange.terminate()
        out, err = await self.exchange.communicate()
        assert b"Traceback" not in err, err.decode()
        self.counts = json.loads(out.splitlines()[-1])["faults"]
        assert all(self.counts.values()), self.counts
        return self.rows[-1]

    def created(self) -> list[float]:
        """When, on the plan's clock, each order came to rest or trade."""
        return [order["created_ns"] / 1e9 - self.began for order in self.truth["orders"]]

    def said(self, words: str) -> list[float]:
        """When alerts with these words were raised, on the plan's clock."""
        alerts = [row for row in self.rows if row["type"] == "alert" and words in row["text"]]
        return [row["ts_ms"] / 1e3 - self.began for row in alerts]


async def feed_day(day: Day) -> None:
    """A lost frame, doubled ones, and a connection that is open and dead."""
    await day.start()
    await day.at(7.0 + 7.3)  # dead five seconds after the last byte; then every quote is cancelled
    assert await day.resting() == {}
    summary = await day.end()
    assert summary["gaps"] == 1 and summary["resyncs"] >= 22
    assert summary["duplicates"] >= 3
    assert (summary["book_mismatches"], summary["crossed_settled"]) == (0, 0)
    assert 3.9 <= min(day.said("the book lost a frame; no quotes until its snapshot arrives")) < 7.0
    (dead,) = day.said(
        "feed lost: no"
    )  # "no byte" if the core was first, "not a byte" if the socket's watch was
    assert 11.0 < dead < 7.0 + 5.0 + IN_FLIGHT_S
    assert not [at for at in day.created() if dead + IN_FLIGHT_S < at < 15.0]
    assert [at for at in day.created() if at > 15.0], "it never quoted again"
    agrees(summary)


async def orders_day(day: Day) -> None:
    """Nothing is told by the feed, two creates are never answered, and a pull meets a storm of 429."""
    await day.start()
    while time.time() < day.began + 11.0:
        # A second order may fill up what is left of one that traded; together they are never more than a quote.
        assert max((await day.resting()).values(), default=0.0) <= QUOTE, "an order was sent twice"
        await asyncio.sleep(0.2)
    assert await day.resting()
    await day.command("pull")
    await day.at(11.0 + 3.0 + 1.5)
    assert await day.resting() == {}
    summary = await day.end()
    ids = Counter(order["client_order_id"] for order in day.truth["orders"])
    assert set(ids.values()) == {1}
    refused = [row for row in day.rows if row["type"] == "order" and row["state"] == "rejected"]
    unplaced = {row["client_order_id"] for row in refused}
    assert not unplaced & set(ids), "called refused, and the exchange has it"
    assert summary["orders_sent"] == len(ids) + len(unplaced), "a create was repeated"
    assert summary["fills"] == len(day.truth["fills"]) > 0
    assert len(day.said("a fill was found by reading it back")) > 0
    agrees(summary)


async def pauses_day(day: Day) -> None:
    """No connection for two seconds, then no trading for two."""
    await day.start()
    summary = await day.end()
    created = day.created()
    assert day.said("feed lost: ")[0] < 5.0 + IN_FLIGHT_S
    assert not [at for at in created if 5.0 + IN_FLIGHT_S < at < 7.0]
    (paused,) = day.said("the exchange has paused trading; nothing is sent until it resumes")
    assert 10.9 <= paused < 13.0
    refused = [row for row in day.rows if row["type"] == "order" and row["state"] == "rejected"]
    tried = [row["ts_ms"] / 1e3 - day.began for row in refused if row["why"] == "trading is paused"]
    assert tried and max(tried) < paused + IN_FLIGHT_S
    assert [at for at in created if 7.0 < at < 11.0], "it never quoted again after the connection broke"
    assert [at for at in created if at > 13.0], "it never quoted again after the pause"
    agrees(summary)


def agrees(summary: Row) -> None:
    """Everything the desk believes at the end is what the exchange says."""
    names = ("exit", "unreconciled", "orders_live", "orders_unknown", "negative_levels", "book_mismatches")
    assert {name: summary[name] for name in names} == dict.fromkeys(names, 0)
    assert summary["book_checks"] > 0


@pytest.mark.parametrize(
    ("check", "plan", "seconds"), [(feed_day, FEED, 17), (orders_day, ORDERS, 15), (pauses_day, PAUSES, 16)]
)
async def test_a_desk_comes_through_a_bad_day(
    short_folder: Path, check: Callable[[Day], Awaitable[None]], plan: str, seconds: int
) -> None:
    """What is asserted of each day stands with it, above."""
    written = short_folder / "plan.toml"
    if plan.startswith("["):
        written.write_text(plan)
    day = Day(short_folder / "home", str(written) if written.exists() else plan, seconds)
    try:
        async with asyncio.timeout(60):
            await check(day)
    finally:
        if hasattr(day, "exchange") and day.exchange.returncode is None:
            day.exchange.kill()
