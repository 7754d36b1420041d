"""Faults of processes: the desk killed and started again, a second one, the screen killed or its terminal lost."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_bench import ORDERS, Bench, bench
from msgspec import json

from kalshi_tui.desk.boot import is_alive
from kalshi_tui.protocol.units import Side

pytestmark = pytest.mark.fault
COMMAND = [sys.executable, "-m", "kalshi_tui"]
SECONDS = 12.0


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes to be gone after the test, whatever happened."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def desk(on: Bench, *more: str) -> subprocess.Popen[bytes]:
    """A desk process on the served exchange, its feed through the relay."""
    plan = on.plan()
    feed = f"ws://127.0.0.1:{on.relay.port}/trade-api/ws/v2"
    where = ["--rest", plan.rest, "--ws", feed, "--key-id", plan.key_id, "--key-file", plan.key_file]
    return subprocess.Popen(
        [*COMMAND, "--no-ui", "--json", "--no-record", *where, *more],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"KALSHI_TUI__RISK__BANKROLL": "1000"},
    )  # fmt: skip


async def ended(process: subprocess.Popen[bytes]) -> tuple[int, list[dict[str, object]], str]:
    """Exit code, JSON lines and what was said."""
    out, err = await asyncio.wait_for(asyncio.to_thread(process.communicate), 30)
    return process.returncode, [json.decode(line) for line in out.splitlines()], err.decode()


def boots(on: Bench) -> set[str]:
    """Prefixes of the client ids the exchange has seen."""
    return {order.client_order_id.rpartition("-")[0] for order in on.venue.account.orders.values()}


async def test_f69_f73_killed_while_quoting_a_second_finds_what_rests_before_it_quotes(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[bytes]]
) -> None:
    async with bench(short_folder, monkeypatch) as on:
        first = desk(on, "--quote")
        started.append(first)
        await on.until(lambda: len(on.resting()) == 2, SECONDS)

        second = desk(on, "--quote")
        started.append(second)
        code, _, said = await ended(second)
        assert code == 1
        assert f"practice desk with process id {first.pid} already runs" in said
        assert len(said.splitlines()) == 1
        assert len(boots(on)) == 1

        first.send_signal(signal.SIGKILL)
        assert first.wait(5) == -signal.SIGKILL
        left = {order.client_order_id for order in on.resting()}
        assert len(left) == 2
        before = len(on.reins.asked)
        third = desk(on, "--quote", "--for", "3s")
        started.append(third)
        code, rows, said = await ended(third)
        assert code == 0, said
        asked = on.reins.asked[before:]
        # What it finds of its own it may keep where it stands; nothing is written before everything was read.
        first_write = next(i for i, call in enumerate(asked) if call.split()[1].startswith(ORDERS))
        for read in ("/portfolio/orders", "/portfolio/fills", "/portfolio/positions", "/portfolio/balance"):
            assert f"GET {read}" in asked[:first_write]
        ours = on.venue.account.orders.values()
        assert {o.status for o in ours if o.client_order_id in left} == {"canceled"}
        assert len(boots(on)) <= 2
        assert (on.resting(), rows[-1]["unreconciled"], rows[-1]["orders_live"]) == ([], 0, 0)


class Screen:
    """``attach`` in a pseudo-terminal of 120 × 36 that nobody reads."""

    def __init__(self) -> None:
        env = os.environ | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "COLUMNS": "120", "LINES": "36"}
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execve(sys.executable, [*COMMAND, "attach"], env)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))

    async def drawn(self) -> None:
        """Read until the whole screen was drawn; from then on nothing is read."""
        await asyncio.wait_for(asyncio.to_thread(self._read_until, b" help"), SECONDS)

    def _read_until(self, words: bytes) -> None:
        seen = b""
        while words not in seen:
            seen += os.read(self.master, 65_536)

    async def gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return True
            await asyncio.sleep(0.05)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return False


@pytest.mark.parametrize("how", ["killed", "terminal lost while it took no output"])
async def test_f71_the_desk_outlives_its_screen(
    how: str,
    short_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    started: list[subprocess.Popen[bytes]],
) -> None:
    async with bench(short_folder, monkeypatch) as on:
        process = desk(on, "--quote")
        started.append(process)
        await on.until(lambda: len(on.resting()) == 2, SECONDS)
        screen = Screen()
        await screen.drawn()
        if how == "killed":
            os.kill(screen.pid, signal.SIGKILL)
            assert await screen.gone_within(2.0)
            os.close(screen.master)
        else:
            for n in range(50):  # what it draws piles up unread
                on.venue.trade(Side.BID, 30 + n % 10, 1 + n % 7)
                await asyncio.sleep(0.02)
            os.close(screen.master)
            assert await screen.gone_within(6.0), "a screen without a terminal stays for ever"
        assert is_alive(process.pid)
        await on.until(lambda: len(on.resting()) == 2)
        process.send_signal(signal.SIGINT)
        code, rows, _ = await ended(process)
        assert (code, rows[-1]["orders_live"], on.resting()) == (130, 0, [])


def test_f71_a_screen_that_hangs_goes_with_its_terminal() -> None:
    """Stuck in its own output it hears no signal: what watches the terminal ends it all the same."""
    stuck = (
        "import signal, time; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from kalshi_tui.cli import screen; screen._LEAVES_S = 0.2; screen._end_with_terminal()\n"
        "print('stuck', flush=True); time.sleep(60)"
    )
    pid, master = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", stuck])
    assert b"stuck" in os.read(master, 64)
    time.sleep(0.3)
    assert os.waitpid(pid, os.WNOHANG) == (0, 0)
    os.close(master)
    deadline = time.monotonic() + 3.0
    while not (gone := os.waitpid(pid, os.WNOHANG)[0]) and time.monotonic() < deadline:
        time.sleep(0.02)
    if not gone:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert gone
