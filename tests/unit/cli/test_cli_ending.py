"""A desk that ends is told from one that died, and a stop says what became of its orders."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kalshi_tui.cli import stops
from kalshi_tui.cli.aftermath import what_became
from kalshi_tui.cli.common import DeskSilent, Fault, with_client
from kalshi_tui.desk import wire
from kalshi_tui.desk.boot import RunningDesk
from kalshi_tui.desk.lock import Holder
from kalshi_tui.locations import EMBEDDED, DeskFolder
from kalshi_tui.protocol.commands import Ack
from kalshi_tui.protocol.views import Goodbye, Hello


def desk(pid: int, socket: Path) -> RunningDesk:
    return RunningDesk(DeskFolder.of("practice", EMBEDDED), Holder(pid, "practice", "venue", str(socket)))


@pytest.fixture
def over() -> int:
    """The id of a process that is no more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


@pytest.fixture
def alive() -> Iterator[int]:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield child.pid
    child.communicate()


def test_a_desk_that_took_its_socket_away_has_ended_and_one_that_left_it_died(
    over: int, tmp_path: Path
) -> None:
    socket = tmp_path / "desk.sock"
    assert f"the practice desk (process id {over}) has ended" in str(what_became(desk(over, socket)))
    socket.touch()
    assert f"the practice desk (process id {over}) has died" in str(what_became(desk(over, socket)))


def test_a_desk_without_its_socket_is_starting_or_ending(
    alive: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kalshi_tui.cli.aftermath.DIES_S", 0.05)
    with pytest.raises(DeskSilent, match=rf"\(process id {alive}\) is just starting or ending"):
        with_client(desk(alive, tmp_path / "desk.sock"), lambda client: client.status())


@contextmanager
def leaving(path: Path) -> Iterator[None]:
    """A desk that says hello, and goodbye to whatever it is asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wire.encode(Hello("1", "practice", "venue", "PRACTICE", 7, 1, False)))
        await reader.read(1)
        writer.write(wire.encode(Goodbye("asked to stop", 0)))
        await writer.drain()
        writer.close()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_unix_server(serve, path=path), loop).result(5)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_goodbye_instead_of_an_answer_is_an_ending(over: int, tmp_path: Path) -> None:
    path = tmp_path / "d.sock"
    with leaving(path), pytest.raises(Fault) as told:
        with_client(desk(over, path), lambda client: client.status())
    assert told.value.message == f"the practice desk (process id {over}) is ending: asked to stop."


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("left", "words"),
    [([3, 1, 0], "; orders confirmed gone"), ([3] * 99, "order")],
    ids=("gone", "still there"),
)
def test_a_stop_says_what_became_of_its_orders(
    over: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    as_json: bool,
    left: list[int],
    words: str,
) -> None:
    monkeypatch.setattr(stops, "CONFIRM_S", 0.5)
    left = list(left)

    class Client:
        async def request(self, command: Any) -> Ack:
            return Ack(1, True, "pulled everything: cancelling 3 orders")

        async def status(self) -> Any:
            return SimpleNamespace(status=SimpleNamespace(unconfirmed=left.pop(0)))

    monkeypatch.setattr(stops, "with_client", lambda desk, work: asyncio.run(work(Client())))
    asked = (desk(over, tmp_path), "pull", None, None, as_json)
    if words == "order":
        with pytest.raises(Fault, match="3 orders not confirmed gone"):
            stops._stop(*asked)
        words = "cancelling 3 orders"
    else:
        assert stops._stop(*asked) == 0
    out, err = capsys.readouterr()
    assert words in (out if as_json else err)
    assert ("orders confirmed gone" in out + err) == (not left)
