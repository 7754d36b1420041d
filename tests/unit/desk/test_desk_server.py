"""The control socket end to end: sessions, control, views, hostile callers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import stat
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from kalshi_tui.desk import sessions, wire
from kalshi_tui.desk.client import DeskClient, DeskGoneError
from kalshi_tui.desk.server import ControlServer
from kalshi_tui.locations import LocationError
from kalshi_tui.protocol.commands import (
    Ack,
    AnyCommand,
    Arm,
    Focus,
    Heartbeat,
    PlaceOrder,
    Stop,
)
from kalshi_tui.protocol.units import Side
from kalshi_tui.protocol.views import DeskView, Goodbye, Hello, StatusView


def a_view(version: int, ticker: str = "", full: bool = False) -> DeskView:
    status = StatusView(
        venue="practice", execution="venue", mode="PRACTICE", armed=False, engines_quoting=0, feed="live",
        feed_age_ms=1, lag_ms=None, gaps=0, day_pnl=None, drawdown=None, drawdown_limit=None, balance=None,
        latch="", latch_why="", unconfirmed=0, write_tokens=100, write_capacity=100, pull_cost=0,
        next_event=ticker, next_event_at=None, sessions=0, controller=None,
    )  # fmt: skip
    return DeskView(version, version, status, (), None, (), (), "full" if full else "", (), ())


class FakeDesk:
    """Answers every command at once, like a kernel that agrees with everything."""

    def __init__(self) -> None:
        self.commands: list[tuple[int, AnyCommand, bool]] = []
        self.changes: list[tuple[int, int | None]] = []
        self.views = 0
        self.silent = False
        self.server: ControlServer

    def hello(self, session: int, in_control: bool) -> Hello:
        return Hello("0", "practice", "venue", "PRACTICE", os.getpid(), session, in_control)

    def view(self, focus: Focus | None, full: bool) -> DeskView:
        self.views += 1
        return a_view(self.views, focus.ticker if focus else "", full)

    def command(self, session: int, command: AnyCommand, in_control: bool) -> None:
        self.commands.append((session, command, in_control))
        if not self.silent:
            self.server.answer(session, Ack(command.id, True, type(command).__name__))

    def sessions_changed(self, screens: int, controller: int | None) -> None:
        self.changes.append((screens, controller))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "desk.sock"


@pytest.fixture
async def desk(path: Path) -> AsyncIterator[FakeDesk]:
    desk = FakeDesk()
    desk.server = ControlServer(path, desk, refresh_hz=30)
    await desk.server.start()
    yield desk
    await desk.server.close(Goodbye("over", 0))


async def until(condition: Callable[[], bool], seconds: float = 2.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.005)


async def screen(path: Path, ticker: str = "A") -> DeskClient:
    client = await DeskClient.open(path)
    await client.request(Focus(0, ticker))
    return client


async def test_the_socket_is_the_users_alone(desk: FakeDesk, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_screen_sees_views_of_its_market_and_answers(desk: FakeDesk, path: Path) -> None:
    client = await screen(path, "KXA")
    assert client.hello.in_control
    views = []
    async for message in client.messages():
        assert isinstance(message, DeskView)
        views.append(message)
        if len(views) == 3:
            break
    assert {view.status.next_event for view in views} == {"KXA"}
    assert [view.version for view in views] == sorted({view.version for view in views})
    ack = await client.request(Arm(0, True))
    assert (ack.ok, ack.text) == (True, "Arm")
    assert desk.commands[-1][2] is True
    await client.close()


async def test_control_goes_to_the_first_and_passes_on(desk: FakeDesk, path: Path) -> None:
    first, second = await screen(path), await screen(path)
    assert first.hello.in_control and not second.hello.in_control
    await second.request(Arm(0, True))
    await first.close()
    await until(lambda: desk.changes[-1] == (1, second.hello.session))
    await second.request(Arm(0, True))
    assert [in_control for _, _, in_control in desk.commands] == [False, True]
    await second.close()
    await until(lambda: desk.changes[-1] == (0, None))


async def test_a_silent_terminal_loses_control_and_gets_it_back(
    desk: FakeDesk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await screen(path)
    monkeypatch.setattr(sessions, "SILENCE", 50_000_000)
    await until(lambda: desk.changes[-1] == (1, None))
    await client.request(Heartbeat(0, keys=1))
    assert desk.changes[-1] == (1, client.hello.session)
    assert isinstance(desk.commands[-1][1], Heartbeat)
    await client.close()


async def test_the_command_line_can_stop_but_not_trade(desk: FakeDesk, path: Path) -> None:
    client = await DeskClient.open(path)
    ack = await client.request(Stop(0, "pull"))
    assert ack.ok
    assert (desk.commands[-1][0], desk.commands[-1][2]) == (sessions.COMMAND_LINE, False)
    refused = await client.request(PlaceOrder(0, "A", Side.BID, 4400, 100, view_wall=0))
    assert not refused.ok and "only a screen" in refused.text
    assert len(desk.commands) == 1
    assert desk.changes == []
    await client.close()


async def test_status_is_a_full_view(desk: FakeDesk, path: Path) -> None:
    client = await DeskClient.open(path)
    assert (await client.status()).settlement_title == "full"
    await client.close()


async def test_a_reader_that_stops_gets_only_the_newest_view(desk: FakeDesk, path: Path) -> None:
    _, writer = await asyncio.open_unix_connection(path, limit=1024)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(wire.encode(Focus(1, "A" * 16_000)))
    await until(lambda: desk.views > 3)
    # What fits into the socket's own buffers is sent; after that no view is even made for it.
    await asyncio.sleep(1.0)
    stalled = desk.views
    await asyncio.sleep(0.5)
    assert desk.views == stalled
    other = await DeskClient.open(path)
    assert (await other.request(Stop(0, "kill"))).ok
    await other.close()
    writer.close()


async def test_unanswered_commands_are_bounded(desk: FakeDesk, path: Path) -> None:
    desk.silent = True
    client = await screen(path)
    asks = [asyncio.create_task(client.request(Arm(0, True))) for _ in range(sessions.MAX_PENDING + 5)]
    await until(lambda: sum(ask.done() for ask in asks) >= 5)
    refused = [ask.result() for ask in asks if ask.done()]
    assert all(not ack.ok and "unanswered" in ack.text for ack in refused)
    assert len(desk.commands) == sessions.MAX_PENDING
    await client.close()
    unanswered = await asyncio.gather(*asks[:3], return_exceptions=True)
    assert all(isinstance(error, DeskGoneError) for error in unanswered)


async def test_hostile_callers_change_nothing(desk: FakeDesk, path: Path) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    source = random.Random(seed)
    for _ in range(60):
        _, writer = await asyncio.open_unix_connection(path)
        with contextlib.suppress(ConnectionError):
            writer.write(source.randbytes(source.randrange(1, 2000)))
            if source.random() < 0.3:
                writer.write(len(b"\x91" * 9000).to_bytes(4, "big") + b"\x91" * 9000)
            await writer.drain()
        writer.close()
    client = await DeskClient.open(path)
    assert (await client.request(Stop(0, "hold"))).ok
    await client.close()
    await until(lambda: not desk.server.table.sessions)
    assert [command for _, command, _ in desk.commands if not isinstance(command, Heartbeat)] == [
        command for _, command, _ in desk.commands if isinstance(command, Stop)
    ]


async def test_goodbye_reaches_everyone_and_the_socket_goes(path: Path) -> None:
    desk = FakeDesk()
    desk.server = ControlServer(path, desk, refresh_hz=10)
    await desk.server.start()
    client = await screen(path)
    await desk.server.close(Goodbye("stopped", 0))
    messages = [message async for message in client.messages()]
    assert messages[-1] == Goodbye("stopped", 0)
    with pytest.raises(DeskGoneError):
        await client.request(Arm(0, True))
    await client.close()
    with pytest.raises(DeskGoneError, match="no desk answers"):
        await DeskClient.open(path)


async def test_a_dead_desks_socket_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    desk = FakeDesk()
    desk.server = ControlServer(path, desk, refresh_hz=10)
    await desk.server.start()
    client = await DeskClient.open(path)
    await client.close()
    await desk.server.close(Goodbye("over", 0))
    assert not path.exists()


async def test_anything_else_in_the_sockets_place_is_left_alone(path: Path) -> None:
    path.write_text("a file of somebody's")
    with pytest.raises(LocationError, match=r"control socket .* cannot be made"):
        await ControlServer(path, FakeDesk(), refresh_hz=10).start()
    assert path.read_text() == "a file of somebody's"
