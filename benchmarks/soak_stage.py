"""What the soak runs and looks at: exchange, desk and a screen on a pseudo-terminal, as processes of their own."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_CURSOR_ASKED, _CURSOR = b"\x1b[6n", b"\x1b[1;1R"
_LEAVES_S = 6.0
_LAST = 600
COMMAND = (sys.executable, "-m", "kalshi_tui")


class Process:
    """One process, as ``/proc`` tells about it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._root = Path(f"/proc/{pid}")

    def cpu(self) -> float:
        """Seconds of processor used so far, user and system."""
        fields = (self._root / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def rss(self) -> float:
        """Resident memory in MiB."""
        return int((self._root / "statm").read_text().split()[1]) * _PAGE / 2**20

    def files(self) -> int:
        return len(os.listdir(self._root / "fd"))

    def threads(self) -> int:
        return len(os.listdir(self._root / "task"))


@contextmanager
def exchange(rate: float, seed: int, errors: Path) -> Iterator[tuple[Process, dict[str, Any]]]:
    """The exchange and its ready line."""
    command = [sys.executable, "-m", "benchmarks.soak_exchange", str(rate), str(seed)]
    with errors.open("wb") as log:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    assert child.stdin is not None and child.stdout is not None
    try:
        yield Process(child.pid), json.loads(child.stdout.readline())
    finally:
        child.stdin.close()
        child.wait(10)
        child.stdout.close()


@contextmanager
def desk(
    ready: dict[str, Any], seconds: float, out: Path, env: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A desk without a screen that quotes everything; its JSON lines go to ``out``."""
    command = [
        *COMMAND, "run", "--no-ui", "--json", "--quote", "--for", f"{seconds}s",
        "--rest", ready["rest"], "--ws", ready["ws"], "--key-id", ready["key_id"], "--key-file", ready["key_file"],
    ]  # fmt: skip
    with out.open("wb") as lines, out.with_suffix(".err").open("wb") as errors:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=lines, stderr=errors, env=env)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
        child.wait(40)


class Screen:
    """``kalshi-tui attach`` in a pseudo-terminal of 120 × 36 that answers the cursor question and counts bytes."""

    def __init__(self, env: dict[str, str]) -> None:
        self.written = 0
        self.last = b""
        """The end of what it wrote, for when it ends before its time."""
        pid, self._master = pty.fork()
        if pid == 0:
            os.execve(sys.executable, [*COMMAND, "attach"], env)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        self.process = Process(pid)
        self._stop = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def close(self) -> bool:
        """Close the terminal under it; whether the screen went by itself within a few seconds."""
        self._stop.set()
        self._reader.join()
        os.close(self._master)
        deadline = time.monotonic() + _LEAVES_S
        while time.monotonic() < deadline:
            if os.waitpid(self.process.pid, os.WNOHANG)[0]:
                return True
            time.sleep(0.05)
        os.kill(self.process.pid, signal.SIGKILL)
        os.waitpid(self.process.pid, 0)
        return False

    def _read(self) -> None:
        while not self._stop.is_set():
            if not select.select([self._master], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(self._master, 65_536)
            except OSError:
                return
            self.written += len(data)
            self.last = (self.last + data)[-_LAST:]
            if _CURSOR_ASKED in data:
                os.write(self._master, _CURSOR)


def wait_for(path: Path, child: subprocess.Popen[bytes], errors: Path, seconds: float = 30.0) -> None:
    """Until ``path`` exists; ``RuntimeError`` with the child's last words when it ended or takes too long."""
    deadline = time.monotonic() + seconds
    while not path.exists():
        if child.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the desk did not come up: {errors.read_text()[-500:]}")
        time.sleep(0.05)
