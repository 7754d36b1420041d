"""Starting a desk as a process of its own, and finding the ones that run.

The new process gets its plan on stdin and tells on stdout how far it is: ``{"step": …}`` lines, then ``{"ready":
socket}`` or ``{"error": …, "code": n}``. It has a session of its own, so that closing the terminal does not reach it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from kalshi_tui.desk import exit_codes, plan
from kalshi_tui.desk.lock import Holder, holder_of
from kalshi_tui.locations import DeskFolder, known_desk_folders

MAX_LINES = 200
MAX_LINE = 64 * 1024


class Word(Struct, omit_defaults=True):
    """One line from a starting desk."""

    step: str = ""
    ready: str = ""
    error: str = ""
    code: int = exit_codes.ERROR


class BootError(Exception):
    """The desk did not come up. ``code`` is the exit code that says of what kind the reason is."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.code = code


class RunningDesk(Struct, frozen=True):
    """A desk that runs now."""

    folder: DeskFolder
    holder: Holder

    @property
    def socket(self) -> Path:
        return Path(self.holder.socket)


def running_desks(venue: str | None = None) -> list[RunningDesk]:
    """Every desk of this user that runs, of one venue if named."""
    found = []
    for folder in known_desk_folders():
        holder = holder_of(folder.lock)
        if holder is not None and venue in (None, folder.venue):
            found.append(RunningDesk(folder, holder))
    return found


def is_alive(pid: int) -> bool:
    """Whether the process still runs; one that has ended and was not collected by its parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state != "Z"


def start_desk(what: plan.Plan, command: Sequence[str], on_step: Callable[[str], None]) -> tuple[int, Path]:
    """Start ``command`` detached with this plan; its process id and socket once it answers. ``BootError``."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None
    with process.stdout as words:
        try:
            with process.stdin as stdin:
                stdin.write(plan.encode(what))
        except BrokenPipeError:
            pass  # it died already; what it said, or its exit code, tells why
        for _ in range(MAX_LINES):
            line = words.readline(MAX_LINE)
            if not line:
                break
            word = _word(line)
            if word.step:
                on_step(word.step)
            elif word.ready:
                return process.pid, Path(word.ready)
            elif word.error:
                process.wait()
                raise BootError(word.error, word.code)
    code = process.wait()
    raise BootError(
        f"the desk process ended while starting (exit code {code}){_last_words(what.folder.log)}",
        exit_codes.ERROR,
    )


def tell(word: Word) -> None:
    """Called by the starting desk: one line to whoever started it, if that one still listens."""
    try:
        sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
        sys.stdout.buffer.flush()
    except OSError:
        pass


def _word(line: bytes) -> Word:
    try:
        return msgspec.json.decode(line, type=Word)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Word()


def _last_words(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return f"; the last line of {log} is: {lines[-1]}" if lines else f"; {log} is empty"
