"""``--no-ui`` told to end, whenever that comes: the right code, and nothing that it started is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_bench import COMMAND, call, children, lines, start, until

from kalshi_tui.desk.boot import is_alive


def of_this_home(home: Path) -> list[int]:
    """Every process that was started with this HOME."""
    mark, found = f"HOME={home}".encode(), []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and mark in Path(f"/proc/{name}/environ").read_bytes().split(b"\0"):
                found.append(int(name))
        except OSError:
            continue
    return [pid for pid in found if is_alive(pid)]


@pytest.fixture(autouse=True)
def nothing_survives(sealed_home: Path) -> Iterator[None]:
    yield
    for pid in of_this_home(sealed_home):
        os.kill(pid, signal.SIGKILL)


def begin(*more: str) -> subprocess.Popen[str]:
    return start("--no-ui", "--json", "--no-record", *more)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_told_to_end_while_its_exchange_comes_up(
    number: signal.Signals, code: int, sealed_home: Path
) -> None:
    desk = begin()
    [exchange] = until(lambda: children(desk.pid))
    desk.send_signal(number)
    out, err = desk.communicate(timeout=20)
    assert (desk.returncode, out) == (code, "")
    assert not is_alive(exchange) and of_this_home(sealed_home) == []
    assert "Traceback" not in err


@pytest.mark.parametrize("wait", [0.0, 0.2, 0.5, 0.8])
def test_told_to_end_at_any_moment_of_its_start(wait: float, sealed_home: Path) -> None:
    """Before there is a desk, while it reads, and right after: an end in order or none begun."""
    desk = begin("--quote")
    until(lambda: (sealed_home / ".local/state/kalshi-tui/desks").exists())  # from here on it is the program
    time.sleep(wait)
    desk.send_signal(signal.SIGINT)
    out, err = desk.communicate(timeout=30)
    assert desk.returncode == 130, err
    assert of_this_home(sealed_home) == []
    assert "Traceback" not in err
    if out:
        assert lines(out)[-1]["type"] == "summary" and lines(out)[-1]["orders_live"] == 0


def test_told_twice_it_ends_at_once_and_says_what_may_rest(sealed_home: Path) -> None:
    desk = begin("--quote")
    until(lambda: len(lines(call("orders", "--json").stdout)) > 4)
    desk.send_signal(signal.SIGINT)
    time.sleep(0.1)
    began = time.monotonic()
    desk.send_signal(signal.SIGINT)
    out, err = desk.communicate(timeout=20)
    assert time.monotonic() - began < 2.0  # a pull with its proof takes more
    assert desk.returncode == 130
    summary = lines(out)[-1]
    assert (summary["type"], summary["exit"]) == ("summary", 130)
    left = summary["orders_live"] + summary["orders_unknown"]
    assert ("may still rest and fill" in err) == (left > 0)
    assert of_this_home(sealed_home) == []


def test_told_to_terminate_while_it_stops_it_still_ends_in_order(sealed_home: Path) -> None:
    desk = begin("--quote", "--for", "3s")
    began = time.monotonic()
    assert desk.stdout is not None
    for line in desk.stdout:
        if "will end" in line:
            break
    desk.send_signal(signal.SIGTERM)
    out, err = desk.communicate(timeout=20)
    assert time.monotonic() - began > 3.0
    summary = lines(out)[-1]
    assert (desk.returncode, summary["exit"]) == (143, 143)
    assert (summary["orders_live"], summary["orders_unknown"], summary["unreconciled"]) == (0, 0, 0)
    assert "Traceback" not in err
    assert of_this_home(sealed_home) == []


def test_a_signal_after_the_summary_leaves_no_exchange(sealed_home: Path) -> None:
    desk = begin("--for", "1s")
    assert desk.stdout is not None
    for line in desk.stdout:
        if '"summary"' in line:
            break
    desk.send_signal(signal.SIGTERM)
    desk.communicate(timeout=20)
    assert desk.returncode == 0
    assert of_this_home(sealed_home) == []


def test_under_nohup_it_outlives_its_terminal(sealed_home: Path) -> None:
    desk = subprocess.Popen(
        ["nohup", *COMMAND, "--no-ui", "--json", "--no-record"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until(lambda: call("status").returncode == 0)
    desk.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert call("status").returncode == 0 and desk.poll() is None
    desk.send_signal(signal.SIGTERM)
    desk.communicate(timeout=20)
    assert desk.returncode == 143
    assert of_this_home(sealed_home) == []
