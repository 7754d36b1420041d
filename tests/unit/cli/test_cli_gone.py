"""Desks that are gone: what is said, what may rest, and what a kill without a desk does."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_bench import COMMAND, CONTROL, call, lines, start, until

from kalshi_tui.cli.aftermath import what_rests
from kalshi_tui.locations import EMBEDDED, DeskFolder, next_latches
from kalshi_tui.storage.latches import LatchFile

TERMINAL = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLUMNS": "120", "LINES": "36"}


@pytest.fixture
def desk() -> Iterator[subprocess.Popen[str]]:
    process = start("--no-ui", "--no-record")
    until(lambda: call("status").returncode == 0)
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.kill()
    process.communicate()


def screen_until(word: bytes, *args: str) -> tuple[int, int]:
    """Process id and terminal of a screen that has drawn ``word``."""
    pid, master = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [*COMMAND, *args], os.environ | TERMINAL)
    seen = b""
    while word not in seen:
        seen += os.read(master, 65_536)
    return pid, master


def rest_of(pid: int, master: int) -> tuple[int, str]:
    """Exit code and what the terminal shows after the screen was left."""
    text, deadline = b"", time.monotonic() + 20
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.1)[0]:
            try:
                text += os.read(master, 65_536)
            except OSError:
                break
    os.close(master)
    after = text.rpartition(b"\x1b[?1049l")[2].decode()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), after


def test_a_screen_says_that_its_desk_was_killed_and_fails(desk: subprocess.Popen[str]) -> None:
    pid, master = screen_until(b" help", "attach")
    desk.kill()
    desk.wait()
    code, text = rest_of(pid, master)
    assert code == 1
    assert f"the practice desk (process id {desk.pid}) has died" in text
    assert "nothing rests anywhere" in text and "`kalshi-tui run` starts a new one" in text
    assert "Traceback" not in text


def test_status_of_a_desk_that_dies_while_it_waits(desk: subprocess.Popen[str]) -> None:
    desk.send_signal(signal.SIGSTOP)  # it holds its lock and answers nothing
    waiting = start("status", "--json")
    time.sleep(1.0)
    assert waiting.poll() is None
    desk.kill()
    out, err = waiting.communicate(timeout=20)
    assert (waiting.returncode, out) == (1, "")
    assert f"kalshi-tui: the practice desk (process id {desk.pid}) has died; nothing trades" in err
    assert len(err.splitlines()) == 1 and not CONTROL.search(err.rstrip("\n"))


def test_a_kill_that_a_desk_does_not_answer_lays_the_kill_file(desk: subprocess.Popen[str]) -> None:
    folder = DeskFolder.of("practice", EMBEDDED)
    desk.send_signal(signal.SIGSTOP)
    done = call("kill")
    assert done.returncode == 1
    assert "the desk at" in done.stderr and f"The kill file {folder.kill_file} is laid" in done.stderr
    desk.send_signal(signal.SIGCONT)
    until(lambda: call("status", "--json").stdout.count('"latch":"KILLED"'))
    assert call("clear").returncode == 1  # the file is still there
    folder.kill_file.unlink()
    assert call("clear").returncode == 0


@pytest.mark.parametrize(
    ("venue", "execution", "words"),
    [
        ("prod", "venue", "Its orders may still rest at prod and fill: engines' quotes expire"),
        ("prod", "paper", "It never sent an order to prod"),
        ("demo", "none", "It never sent an order to demo"),
    ],
)
def test_what_rests_is_said_by_venue_and_execution(venue: str, execution: str, words: str) -> None:
    assert what_rests(venue, execution, embedded=False).startswith(words)


def test_a_kill_of_prod_without_a_desk_is_for_the_next_boot_and_says_what_it_did_not_do() -> None:
    done = call("kill", "--venue", "prod")
    assert (done.returncode, done.stdout) == (0, "")
    assert "the next prod desk will start killed until `kalshi-tui clear`" in done.stderr
    assert "nothing was sent to the exchange" in done.stderr
    assert "what rests there is not known" in done.stderr
    assert LatchFile(next_latches("prod")).read(1)[""].stop == "kill"
    assert not next_latches("practice").exists()


def test_a_kill_of_an_account_no_desk_ever_ran_reaches_the_next_boot_once() -> None:
    folder = DeskFolder.of("practice", EMBEDDED)
    [said] = lines(call("kill", "--market", "PRNONE-1", "--json").stdout)
    assert (said["ok"], said["running"], said["latched"]) == (True, 0, 3)
    assert list(LatchFile(next_latches("practice")).read(1)) == ["market PRNONE-1"]
    assert call("--no-ui", "--no-record", "--for", "1s").returncode == 0
    assert not next_latches("practice").exists()
    assert list(LatchFile(folder.latches).read(1)) == ["market PRNONE-1"]


def test_alerts_are_told_in_new_york_time(tmp_path: Path) -> None:
    assert call("kill", "--venue", "practice").returncode == 0
    process = start("--no-ui", "--no-record")
    try:
        until(lambda: call("status").returncode == 0)
        assert call("kill").returncode == 0
        done = call("alerts")
        header, *rows = done.stdout.splitlines()
        assert header.split() == ["time", "level", "market", "alert"]
        assert rows and all(row[8:11] == " ET" for row in rows)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
