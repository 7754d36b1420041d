"""A desk on its own practice exchange, watched and stopped from the command line."""

from __future__ import annotations

import os
import pty
import signal
import sys
import time
from pathlib import Path
from subprocess import Popen

import pytest
from cli_bench import COMMAND, CONTROL, call, children, drained, lines, start, until

from kalshi_tui.desk.boot import is_alive


def up() -> bool:
    return call("status").returncode == 0


def ended(desk: Popen[str]) -> tuple[int, str, str]:
    out, err = desk.communicate(timeout=40)
    return desk.returncode, out, err


@pytest.fixture
def killed_after() -> list[Popen[str]]:
    """Desks to be gone after the test, whatever happened."""
    return []


@pytest.fixture(autouse=True)
def no_desk_survives(killed_after: list[Popen[str]]) -> object:
    yield
    for desk in killed_after:
        if desk.poll() is None:
            desk.kill()
        desk.communicate()


def test_a_headless_desk_from_start_to_summary(killed_after: list[Popen[str]]) -> None:
    desk = start("--no-ui", "--json", "--quote", "--seed", "7")
    killed_after.append(desk)
    until(up)
    [exchange] = children(desk.pid)

    second = call("--no-ui", "--for", "1s")
    assert second.returncode == 1
    assert f"practice desk with process id {desk.pid} already runs" in second.stderr

    [status] = lines(call("status", "--json").stdout)
    assert (status["pid"], status["venue"], status["mode"]) == (desk.pid, "practice", "PRACTICE")
    assert not CONTROL.search(call("status").stdout)
    until(lambda: lines(call("orders", "--json").stdout))

    pulled = call("pull", "--json")
    [answer] = lines(pulled.stdout)
    assert (pulled.returncode, answer["ok"], answer["unconfirmed"]) == (0, True, 0)
    assert lines(call("orders", "--json").stdout) == []
    refused = call("hold", "--market", "NOSUCH-1")
    assert refused.returncode == 1 and "NOSUCH-1 is not on this desk" in refused.stderr

    desk.send_signal(signal.SIGINT)
    code, out, err = ended(desk)
    rows = lines(out)
    assert code == 130
    assert [row["type"] for row in rows].count("summary") == 1
    summary = rows[-1]
    assert summary["type"] == "summary"
    assert (summary["exit"], summary["orders_live"], summary["orders_unknown"]) == (130, 0, 0)
    assert summary["book_checks"] > 0 and summary["book_mismatches"] == 0
    assert summary["unreconciled"] == 0
    assert all({"type", "ts_ms"} <= set(row) for row in rows)
    assert "Traceback" not in err and not CONTROL.search(err)
    assert not is_alive(exchange)


def test_kill_holds_through_restarts_until_clear(killed_after: list[Popen[str]]) -> None:
    latched = call("kill")
    assert latched.returncode == 0 and "will start killed" in latched.stderr
    desk = start("--no-ui", "--quote")
    killed_after.append(desk)
    until(up)
    [status] = lines(call("status", "--json").stdout)
    assert (status["latch"], status["engines_quoting"], status["open_orders"]) == ("KILLED", 0, 0)
    assert call("clear").returncode == 0
    [status] = lines(call("status", "--json").stdout)
    assert (status["latch"], status["engines_quoting"]) == (None, 0)
    assert call("kill").returncode == 0
    assert call("stop").returncode == 0
    assert ended(desk)[0] == 5
    again = start("--no-ui", "--for", "1s")
    killed_after.append(again)
    assert ended(again)[0] == 5


def test_kill_dash_nine_takes_the_exchange_along_and_frees_everything(
    killed_after: list[Popen[str]], sealed_home: Path
) -> None:
    desk = start("--no-ui")
    killed_after.append(desk)
    until(up)
    [exchange] = children(desk.pid)
    desk.send_signal(signal.SIGKILL)
    ended(desk)
    until(lambda: not is_alive(exchange), 5)
    assert call("status").returncode == 1
    again = start("--no-ui", "--json", "--for", "2s")
    killed_after.append(again)
    code, out, _ = ended(again)
    assert code == 0 and lines(out)[-1]["type"] == "summary"


def test_stop_ends_the_desk_and_leaves_no_process(killed_after: list[Popen[str]]) -> None:
    desk = start("--no-ui")
    killed_after.append(desk)
    until(up)
    family = [desk.pid, *children(desk.pid)]
    started = time.monotonic()
    done = call("stop", "--json")
    assert done.returncode == 0
    assert lines(done.stdout)[0]["pid"] == desk.pid
    assert time.monotonic() - started < 20
    assert ended(desk)[0] == 0
    assert [pid for pid in family if is_alive(pid)] == []


def test_files_are_private_and_hold_no_key(sealed_home: Path, killed_after: list[Popen[str]]) -> None:
    desk = start("--no-ui", "--for", "2s", "--quote")
    killed_after.append(desk)
    assert ended(desk)[0] == 0
    folder = next((sealed_home / ".local/state/kalshi-tui/desks").iterdir())
    assert os.stat(folder).st_mode & 0o777 == 0o700
    for path in [*folder.iterdir(), *(sealed_home / ".local/share/kalshi-tui").rglob("*.zst")]:
        assert os.stat(path).st_mode & 0o777 == 0o600, path
    log = (folder / "desk.log").read_text()
    assert "PRIVATE KEY" not in log and "KALSHI-ACCESS" not in log


def test_a_lost_terminal_leaves_the_desk_and_attach_finds_it(killed_after: list[Popen[str]]) -> None:
    env = os.environ | {"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLUMNS": "120", "LINES": "36"}
    pid, master = pty.fork()
    if pid == 0:
        os.execve(sys.executable, COMMAND, env)
    try:
        with drained(master):
            until(lambda: up() and lines(call("status", "--json").stdout)[0]["controller"] is not None)
            [status] = lines(call("status", "--json").stdout)
            assert status["engines_quoting"] == 0
            different = call("--no-ui", "--for", "1s")
            assert different.returncode == 1 and str(status["pid"]) in different.stderr
        os.close(master)
        os.waitpid(pid, 0)
        until(lambda: lines(call("status", "--json").stdout)[0]["sessions"] == 0)
        assert is_alive(status["pid"])
        family = [status["pid"], *children(status["pid"])]
    finally:
        stopped = call("stop")
    assert stopped.returncode == 0
    assert [pid for pid in family if is_alive(pid)] == []


def test_an_exchange_that_already_runs(killed_after: list[Popen[str]]) -> None:
    exchange = start("exchange", "--port", "0", "--seed", "11")
    killed_after.append(exchange)
    assert exchange.stdout is not None
    [ready] = lines(exchange.stdout.readline())
    assert (ready["type"], ready["seed"]) == ("ready", 11)
    there = [
        "--rest",
        ready["rest"],
        "--ws",
        ready["ws"],
        "--key-id",
        ready["key_id"],
        "--key-file",
        ready["key_file"],
    ]

    wrong = call("--no-ui", "--for", "2s", *there, "--key-id", "0000-not-the-key")
    assert wrong.returncode == 3
    assert "practice refuses this key (HTTP 401" in wrong.stderr and "not-the-key" not in wrong.stderr
    absent = call("--no-ui", "--for", "2s", "--markets", "NOSUCH-1", *there)
    assert absent.returncode == 2 and "NOSUCH-1: no such market on practice" in absent.stderr

    first = call("--no-ui", "--for", "3s", "--json", "--quote", "--execution", "paper", *there)
    summary = lines(first.stdout)[-1]
    assert (first.returncode, summary["execution"], summary["unreconciled"]) == (0, "paper", 0)
    assert summary["orders_sent"] > 0
    only = next(row["ticker"] for row in lines(first.stdout) if row["type"] == "state")
    second = call(
        "--no-ui", "--for", "2s", "--json", "--execution", "none", "--quote", "--markets", only, *there
    )
    rows = lines(second.stdout)
    assert second.returncode == 0
    assert {row["ticker"] for row in rows if row["type"] == "state"} == {only}
    assert rows[-1]["orders_sent"] == 0 and rows[-1]["book_checks"] > 0

    exchange.send_signal(signal.SIGTERM)
    assert ended(exchange)[0] in (0, 143)


def test_a_reader_of_stdout_that_leaves_ends_the_desk_in_order(killed_after: list[Popen[str]]) -> None:
    desk = start("--no-ui", "--json", "--quote")
    killed_after.append(desk)
    assert desk.stdout is not None and desk.stdout.readline()
    desk.stdout.close()
    desk.wait(40)
    assert desk.returncode == 1
    assert call("status").returncode == 1
