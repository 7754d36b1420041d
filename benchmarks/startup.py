"""How long a person waits: for ``--version``, and from typing ``run`` to the first price on the screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter

from benchmarks.registry import Options

ABOUT = "milliseconds to start, warm disk: --version, run on a pty until the first price is there"
COMMAND = str(Path(sys.executable).with_name("kalshi-tui"))
APP = (
    "from textual.app import App\nclass A(App):\n    def on_mount(self): self.exit()\nA().run(headless=True)"
)
CONTENDERS: dict[str, list[str]] = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "kalshi-tui --version": [COMMAND, "--version"],
    "a bare Textual app, start to end": [sys.executable, "-c", APP],
}
GOALS = {"kalshi-tui --version": 120, "kalshi-tui run, first price": 2_000}
"""Milliseconds."""
PRICE = re.compile(rb"quoting\s+\d")
"""A row of the list of markets: its state, then its best bid."""
ESCAPE = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")
PATIENCE_S = 20.0
SCREEN = struct.pack("HHHH", 36, 120, 0, 0)


def run(options: Options) -> bool:
    times: dict[str, list[float]] = {name: [] for name in (*CONTENDERS, "kalshi-tui run, first price")}
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": folder,
            "XDG_RUNTIME_DIR": folder,
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }
        first_price(environment)  # the disk is warm from here on
        for _ in range(options.rounds):
            for name, command in CONTENDERS.items():
                times[name].append(_ended(command, environment))
            times["kalshi-tui run, first price"].append(first_price(environment))
    for name, found in times.items():
        goal = f"   goal <={GOALS[name]}" if name in GOALS else ""
        print(f"{name:34} {median(found):8.0f} ms   (least {min(found):.0f}, most {max(found):.0f}){goal}")
    return all(value < PATIENCE_S * 1e3 for value in times["kalshi-tui run, first price"])


def _ended(command: list[str], environment: dict[str, str]) -> float:
    began = perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return (perf_counter() - began) * 1e3


def first_price(environment: dict[str, str]) -> float:
    """Milliseconds from exec to the first price byte on a terminal; the desk is ended afterwards."""
    began = perf_counter()
    pid, screen = pty.fork()
    if pid == 0:
        os.execve(COMMAND, [COMMAND, "run", "--venue", "practice", "--quote"], environment)
    fcntl.ioctl(screen, termios.TIOCSWINSZ, SCREEN)
    try:
        return (_until_price(screen) - began) * 1e3
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(screen)
        subprocess.run([COMMAND, "stop"], env=environment, capture_output=True, check=False)


def _until_price(screen: int) -> float:
    seen, end = b"", monotonic() + PATIENCE_S
    while monotonic() < end:
        ready, _, _ = select.select([screen], [], [], 0.1)
        if ready:
            seen += os.read(screen, 65536)
            if PRICE.search(ESCAPE.sub(b"", seen)):
                return perf_counter()
    return perf_counter()
