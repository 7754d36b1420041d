"""The screen on a real pseudo-terminal: what is written to it, how much, and how it is left behind."""

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
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

_ALLOWED = re.compile(rb"\x1b(\[[0-9;?<>=]*[ -/]*[mHhlKJunpct]|[78=>]|\]22;[a-z-]*\x07)")
"""Escape sequences Textual itself uses: cursor, colours, modes, queries, the shape of the mouse pointer."""
_TICK = os.sysconf("SC_CLK_TCK")


class Terminal:
    """A pty of 120 × 36 with the screen in it; answers the cursor question like a terminal does."""

    def __init__(self, kind: str, folder: Path, env: dict[str, str]) -> None:
        self.beats = folder / "beats"
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        child = Path(__file__).with_name("pty_child.py")
        plain = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLORTERM")}
        self.process = subprocess.Popen(
            [sys.executable, str(child), kind, str(folder / "crash.txt"), str(self.beats)],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**plain, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **env},
        )  # fmt: skip
        self.seen = b""

    def read(self, seconds: float, until: bytes = b"") -> bytes:
        """What the screen writes in ``seconds``, or until ``until`` was written."""
        got = b""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and (not until or until not in got):
            if not select.select([self.master], [], [], min(left, 0.2))[0]:
                continue
            try:
                data = os.read(self.master, 65_536)
            except OSError:
                break
            if b"\x1b[6n" in data:
                os.write(self.master, b"\x1b[10;10R")
            got += data
        self.seen += got
        return got

    def cpu(self) -> float:
        """Seconds of processor the screen has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def beat_count(self) -> int:
        return int(self.beats.read_text() or 0)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


Starter: TypeAlias = Callable[..., Terminal]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Starter]:
    opened: list[Terminal] = []

    def start(kind: str = "plain", **env: str) -> Terminal:
        made = Terminal(kind, tmp_path, env)
        opened.append(made)
        assert b"HAND" in made.read(15, until=b" help")
        return made

    yield start
    for each in opened:
        each.close()


def left_clean(terminal: Terminal) -> None:
    """The alternate screen is left, cursor and line modes are back, mouse and paste modes are off."""
    terminal.read(3, until=b"ENDED")
    terminal.process.wait(timeout=5)
    terminal.read(0.3)
    tail = terminal.seen
    for mode, off in ((b"1049", b"l"), (b"2004", b"l"), (b"1000", b"l"), (b"1003", b"l"), (b"25", b"h")):
        last = max(tail.rfind(b"\x1b[?" + mode + b"l"), tail.rfind(b"\x1b[?" + mode + b"h"))
        assert tail[last:].startswith(b"\x1b[?" + mode + off), mode
    assert termios.tcgetattr(terminal.slave) == terminal.before
    assert b"Traceback" not in tail


def test_ctrl_q_detaches_and_leaves_a_clean_terminal(terminal: Starter) -> None:
    on = terminal()
    os.write(on.master, b"\x11")
    on.read(0.5)
    os.write(on.master, b"d")
    left_clean(on)
    assert b"ENDED detach" in on.seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_a_clean_terminal(terminal: Starter, number: signal.Signals) -> None:
    on = terminal()
    on.process.send_signal(number)
    left_clean(on)
    assert b"ENDED detach" in on.seen
    assert on.process.returncode == 0


@pytest.mark.parametrize("kind", ["clean", "raw"])
def test_no_escape_of_a_stranger_reaches_the_terminal(terminal: Starter, kind: str) -> None:
    on = terminal(kind)
    on.read(1.0)
    assert b"EVIL" in on.seen
    rest = _ALLOWED.sub(b"", on.seen)
    assert b"\x1b" not in rest, rest[max(rest.find(b"\x1b") - 20, 0) :][:60]
    assert b"\x07" not in rest and "\u202e".encode() not in rest and "\x9b".encode() not in rest
    assert b"\x1b[31m" not in on.seen


def test_bytes_and_processor_stay_small(terminal: Starter) -> None:
    """20 KiB/s and 20 % of a core are the budget on a quiet machine; the test leaves room for a busy one."""
    on = terminal()
    on.read(1.0)
    started, used = time.monotonic(), on.cpu()
    written = len(on.read(5.0))
    seconds = time.monotonic() - started
    rate, share = written / seconds / 1024, (on.cpu() - used) / seconds
    print(f"{rate:.1f} KiB/s, {share:.0%} of a core")
    assert 0.5 < rate < 20
    assert share < 0.5


def test_no_color_writes_no_colour(terminal: Starter) -> None:
    on = terminal(NO_COLOR="1")
    on.read(1.0)
    colours = re.findall(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m", on.seen)
    assert not colours, colours[:3]


def test_a_terminal_that_takes_no_output_has_no_heartbeat(terminal: Starter) -> None:
    on = terminal()
    on.read(2.5)
    assert on.beat_count() >= 1
    time.sleep(4.5)
    stalled = on.beat_count()
    time.sleep(2.5)
    assert on.beat_count() == stalled
    on.read(5.0)
    assert on.beat_count() > stalled


def asked(on: Terminal) -> int:
    """Leave the screen; how many commands its keys became."""
    os.write(on.master, b"\x11")
    on.read(0.5)
    os.write(on.master, b"d")
    on.read(3, until=b"ASKED")
    on.read(0.3)
    return int(on.seen.rpartition(b"ASKED ")[2].split()[0])


@pytest.mark.parametrize("sheet", [b"\x10", b"e", b"?"], ids=("palette", "question", "help"))
def test_a_key_soon_after_escape_is_a_key_of_its_own(terminal: Starter, sheet: bytes) -> None:
    """Sixty milliseconds, as a quick hand does it: the sheet closes, and ``f`` flattens instead of being text."""
    on = terminal()
    for _ in range(5):
        os.write(on.master, sheet)
        on.read(0.3)
        os.write(on.master, b"\x1b")
        on.read(0.06)
        os.write(on.master, b"f")
        on.read(0.3)
    assert asked(on) == 5
    assert "arrived at once" not in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", on.seen.decode("utf-8", "replace"))


def test_arrows_are_sequences_and_no_escape(terminal: Starter) -> None:
    on = terminal()
    os.write(on.master, b"\x10")
    on.read(0.3)
    for _ in range(20):
        os.write(on.master, b"\x1b[B")
        on.read(0.02)
    os.write(on.master, b"flatten this\r")
    on.read(0.3)
    assert asked(on) == 1


@pytest.mark.parametrize("keys", [b"\x1b[200~bsBSq!FF\x1b[201~", b"bsBSq!FF"])
def test_a_paste_into_the_terminal_asks_for_nothing(terminal: Starter, keys: bytes) -> None:
    on = terminal()
    os.write(on.master, keys)
    written = on.read(1.0).decode("utf-8", "replace")
    assert "pasted text" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written)
    assert asked(on) == 0
