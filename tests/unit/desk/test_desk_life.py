"""A desk from start to end with a core that does as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
import time
from pathlib import Path

import pytest
from desk_fakes import FakeFeed, FakeJournal, FakeVenue, an_order
from test_desk_server import a_view

from kalshi_tui.desk import exit_codes, life, loop, panic
from kalshi_tui.desk.client import DeskClient
from kalshi_tui.desk.life import live
from kalshi_tui.desk.loop import Desk, DeskFacts, Parts, instant
from kalshi_tui.desk.output import Output
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.commands import Ack, Clear, EndDesk, Focus, Stop
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import VenueOrder
from kalshi_tui.protocol.units import Side
from kalshi_tui.protocol.views import DeskView, Goodbye
from kalshi_tui.ws_ingest.feed import FeedAuthError


class FakeCore:
    """Answers commands, ends when asked, says what it was told. ``next`` are effects of the next decision."""

    def __init__(self) -> None:
        self.events: list[ev.KernelEvent] = []
        self.next: list[ef.Effect] = []
        self.raises = False
        self.ends = True

    def apply(self, event: ev.KernelEvent) -> None:
        self.events.append(event)
        if isinstance(event, ev.CommandReceived):
            self.next.append(ef.Answer(event.session, Ack(event.command.id, True, "done")))
            if isinstance(event.command, EndDesk) and self.ends:
                self.next.append(ef.EndDesk("asked to stop", 0))

    def decide(self, now: Instant) -> list[ef.Effect]:
        if self.raises:
            raise RuntimeError("a bug in the core")
        effects, self.next = self.next, []
        return effects

    def view(self, now: Instant, focus: Focus | None = None, full: bool = False) -> DeskView:
        return a_view(1)

    def summary(self) -> dict[str, object]:
        names = ("fills", "orders_live", "orders_unknown", "unreconciled")
        money = ("volume_contracts", "realized_pnl_dollars", "unrealized_pnl_dollars", "fees_dollars")
        return dict.fromkeys(names, 0) | dict.fromkeys(money, "0.00") | {"risk_refusals": {}}

    def stops(self) -> list[str]:
        commands = (event.command for event in self.events if isinstance(event, ev.CommandReceived))
        return [command.kind for command in commands if isinstance(command, Stop)]


class Bench:
    def __init__(self, folder: Path, seconds: float | None = None, headless: bool = True) -> None:
        self.core = FakeCore()
        self.log: list[str] = []
        self.venue = FakeVenue(self.log)
        self.out, self.words = io.StringIO(), io.StringIO()
        self.output = Output(self.out, self.words, lambda: None)
        facts = DeskFacts(
            "practice",
            "venue",
            "PRACTICE",
            folder / "s",
            folder / "KILL",
            headless,
            json=True,
            seconds=seconds,
        )
        self.desk = Desk(facts, self.core)
        self.feed_error: Exception | None = None
        self.desk.attach(
            Parts(FakeJournal(self.log), self.venue, FakeFeed(self.log), self.feed, output=self.output)
        )
        self.task = asyncio.create_task(live(self.desk, [], "boot"))

    async def feed(self) -> None:
        if self.feed_error is not None:
            raise self.feed_error
        self.desk.receive(ev.FeedOpened(instant(), 1))
        await asyncio.Event().wait()

    async def code(self) -> int:
        async with asyncio.timeout(5):
            code = await self.task
        self.output.close()
        return code

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


async def test_it_ends_by_itself_and_the_last_line_is_the_summary(tmp_path: Path) -> None:
    bench = Bench(tmp_path, seconds=0.1)
    bench.core.next = [ef.Report("state", {"ticker": "A", "state": "quoting", "why": "bid 41"})]
    assert await bench.code() == exit_codes.OK
    first, last = bench.lines()
    assert (first["type"], first["state"]) == ("state", "quoting")
    assert abs(int(str(first["ts_ms"])) - time.time() * 1000) < 5000
    assert (last["type"], last["exit"], last["latency_us"]) == ("summary", 0, {"frame_to_decision": None})
    assert 0.1 <= float(str(last["seconds"])) < 3
    assert not bench.desk.facts.socket.exists()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, exit_codes.SIGINT), (signal.SIGTERM, exit_codes.SIGTERM)]
)
async def test_signals_pull_and_end(tmp_path: Path, number: int, code: int) -> None:
    bench = Bench(tmp_path)
    await asyncio.sleep(0.05)
    os.kill(os.getpid(), number)
    assert await bench.code() == code
    assert bench.lines()[-1]["exit"] == code
    assert any(
        isinstance(e, ev.CommandReceived) and isinstance(e.command, EndDesk) for e in bench.core.events
    )


async def test_a_second_sigint_ends_at_once_with_the_gate_closed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.core.ends = False
    bench.venue.delay = 3.0
    await asyncio.sleep(0.05)
    bench.desk.executor.submit([ef.ReadBalance()])
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(0.05)
    assert not bench.task.done()
    started = time.monotonic()
    os.kill(os.getpid(), signal.SIGINT)
    assert await bench.code() == exit_codes.SIGINT
    assert time.monotonic() - started < 1.5
    bench.desk.executor.submit([ef.CreateOrder(an_order("1"))])
    assert "create 1" not in bench.log


async def test_a_core_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "END_PATIENCE_S", 0.1)
    bench = Bench(tmp_path, seconds=0.05)
    bench.core.ends = False
    assert await bench.code() == exit_codes.ERROR


async def test_the_kill_file_kills_and_clear_is_refused_while_it_lies_there(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await asyncio.sleep(0.05)
    assert bench.core.stops() == []
    bench.desk.facts.kill_file.touch()
    await asyncio.sleep(2 * life.KILL_FILE_S + 0.1)
    assert bench.core.stops() == ["kill"]
    commands = (event.command for event in bench.core.events if isinstance(event, ev.CommandReceived))
    [why] = [command.why for command in commands if isinstance(command, Stop)]
    # A small screen shows the beginning: what to do stands there, and the path behind it.
    assert why == f"KILL file: remove it, then clear: {bench.desk.facts.kill_file}"
    client = await DeskClient.open(bench.desk.facts.socket)
    ack = await client.request(Clear(0))
    assert not ack.ok and "remove it first" in ack.text
    bench.desk.facts.kill_file.unlink()
    assert (await client.request(Clear(0))).ok
    assert (await client.request(EndDesk(0))).ok
    messages = [message async for message in client.messages()]
    assert messages[-1] == Goodbye("asked to stop", 0)
    assert await bench.code() == exit_codes.OK
    await client.close()


async def test_no_order_decided_before_a_stop_arrives_leaves_after_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await asyncio.sleep(0.02)
    journal = bench.desk.parts.journal
    assert isinstance(journal, FakeJournal)
    journal.delay = 0.2
    bench.core.next = [ef.Journal("intent", {"client_order_id": "1"}), ef.CreateOrder(an_order("1"))]
    await asyncio.sleep(0.15)  # decided, and its row is on the way to the disk
    client = await DeskClient.open(bench.desk.facts.socket)
    assert (await client.request(Stop(0, "kill"))).ok
    await client.close()
    bench.desk.end(exit_codes.OK, "done")
    await bench.code()
    assert "durable 1" in bench.log
    assert "create 1" not in bench.log


async def test_a_core_that_fails_sends_nothing_and_its_orders_are_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panic, "PAUSE_S", 0.01)
    bench = Bench(tmp_path)
    bench.venue.resting = [
        VenueOrder(f"v{who}", f"{who}-e1", "A", Side.BID, 4400, 100, 0, 100, "resting")
        for who in ("boot", "other")
    ]
    await asyncio.sleep(0.05)
    bench.core.raises = True
    assert await bench.code() == exit_codes.ERROR
    assert [line for line in bench.log if line.startswith("cancel")] == ["cancel vboot"]
    assert [order.client_order_id for order in bench.venue.resting] == ["other-e1"]
    assert "the desk's core failed" in bench.words.getvalue()
    assert "its orders are confirmed gone" in bench.words.getvalue()


async def test_a_refused_key_ends_with_authentication(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.feed_error = FeedAuthError("The exchange refuses this key.")
    assert await bench.code() == exit_codes.AUTHENTICATION
    assert "refuses this key" in bench.words.getvalue()


async def test_headless_without_a_feed_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "FEED_PATIENCE", 200_000_000)
    bench = Bench(tmp_path)
    await asyncio.sleep(0.3)
    assert not bench.task.done()
    bench.desk.receive(ev.FeedClosed(instant(), 1, "cut"))
    assert await bench.code() == exit_codes.FEED_LOST


def test_a_reader_that_stops_holds_nobody_up_and_one_that_goes_is_noticed() -> None:
    read, write = os.pipe()
    closed: list[bool] = []
    stream = os.fdopen(write, "w")
    output = Output(stream, io.StringIO(), lambda: closed.append(True))
    started = time.monotonic()
    for number in range(5000):  # far more than a pipe holds
        output.data("state", 0, {"text": "x" * 100, "n": number})
    assert time.monotonic() - started < 1.0
    assert closed == []
    os.close(read)
    output.close()
    assert closed == [True]
    with contextlib.suppress(BrokenPipeError):
        stream.close()


def test_a_path_under_home_is_shown_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert life.shown(tmp_path / "state" / "KILL") == "~/state/KILL"
    assert life.shown(Path("/var/KILL")) == "/var/KILL"
