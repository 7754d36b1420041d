"""Runs the command as a user would: a process of its own, the sealed home, nothing of this test's terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

COMMAND = [sys.executable, "-m", "kalshi_tui"]
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def call(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """One command off a terminal."""
    return subprocess.run(
        [*COMMAND, *args],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | env,
        timeout=60,
    )


def start(*args: str) -> subprocess.Popen[str]:
    """A command that goes on."""
    return subprocess.Popen(
        [*COMMAND, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )


def on_terminal(*args: str, **env: str) -> tuple[int, str]:
    """One command on a pseudo-terminal of 120 by 36: exit code and everything it printed there."""
    pid, master = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [*COMMAND, *args], os.environ | {"COLUMNS": "120", "LINES": "36"} | env)
    text, deadline = b"", time.monotonic() + 30
    try:
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    data = os.read(master, 65536)
                except OSError:
                    break
                if not data:
                    break
                text += data
    finally:
        os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text.decode(errors="replace")


@contextmanager
def drained(master: int) -> Iterator[None]:
    """Read a pseudo-terminal in the background, as a terminal does."""
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            if select.select([master], [], [], 0.1)[0]:
                try:
                    os.read(master, 65536)
                except OSError:
                    return

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def children(pid: int) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as stat:
                    if int(stat.read().rpartition(")")[2].split()[1]) == pid:
                        found.append(int(name))
            except OSError:
                continue
    return found


def until(condition: Any, seconds: float = 20.0) -> Any:
    """The first true value of ``condition``."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)
    return value
