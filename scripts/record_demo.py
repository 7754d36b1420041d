"""Record the workstation on the practice exchange as an asciicast: a demo that any asciinema player shows.

python scripts/record_demo.py [--out demo.cast] [--size 120x36] [--keys "3 a 1 q 8 ctrl+q 1 s"] [-- RUN OPTIONS]

``--keys`` is a story: seconds to wait, then a key, and so on; it should end by leaving (``ctrl+q``, then ``s`` for
stop). What stands behind ``--`` goes to ``kalshi-tui run`` (``--scenario cpi-day``). The desk gets a home of its own,
so nothing personal is on the recording.
"""

from __future__ import annotations

import argparse
import codecs
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import TextIO

STORY = "4 a 1 q 6 n 1 e 1 2 1 q 8 2 4 2 2 v 4 N 2 f 5 ! 3 ctrl+q 1 s"
NAMED = {"ctrl+q": "\x11", "ctrl+p": "\x10", "enter": "\r", "escape": "\x1b", "tab": "\t", "space": " "}
ENDS_S = 20.0
"""How long the end may take after the last key: quotes are pulled and verified first."""
_CURSOR_ASKED, _CURSOR = b"\x1b[6n", b"\x1b[1;1R"


def story(text: str) -> list[tuple[float, str]]:
    """(seconds to wait, what is typed) for each step; ``ValueError`` in a sentence."""
    words = text.split()
    if not words or len(words) % 2:
        raise ValueError("--keys wants pairs of seconds and key, such as: 3 a 1 q 5 ctrl+q 1 s")
    steps = []
    for wait, key in zip(words[::2], words[1::2], strict=True):
        try:
            steps.append((float(wait), NAMED.get(key, key)))
        except ValueError:
            raise ValueError(f"--keys: {wait!r} before {key!r} is no number of seconds") from None
    return steps


class Recording:
    """An asciicast of version 2, written as it comes."""

    def __init__(self, out: TextIO, columns: int, rows: int) -> None:
        self._out = out
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._began = time.monotonic()
        facts = {
            "version": 2,
            "width": columns,
            "height": rows,
            "timestamp": int(time.time()),
            "title": "kalshi-tui",
        }
        self._write(facts | {"env": {"TERM": "xterm-256color"}})

    def take(self, data: bytes) -> None:
        """What the program wrote now, without its question for the cursor: a player would answer it."""
        text = self._text.decode(data.replace(_CURSOR_ASKED, b""))
        if text:
            self._write([round(time.monotonic() - self._began, 3), "o", text])

    def _write(self, row: object) -> None:
        self._out.write(json.dumps(row, ensure_ascii=False) + "\n")


def play(master: int, steps: list[tuple[float, str]], recording: Recording) -> bool:
    """Type the story and record until the program ends; False when it did not end after its last key."""
    due = time.monotonic()
    for wait, typed in steps:
        due += wait
        if not _until(master, due, recording):
            return True
        os.write(master, typed.encode())
    return not _until(master, time.monotonic() + ENDS_S, recording)


def _until(master: int, due: float, recording: Recording) -> bool:
    """Record until then; False when the program ended before."""
    while (left := due - time.monotonic()) > 0:
        if not select.select([master], [], [], left)[0]:
            break
        try:
            data = os.read(master, 65_536)
        except OSError:
            return False
        if not data:
            return False
        recording.take(data)
        if _CURSOR_ASKED in data:
            os.write(master, _CURSOR)
    return True


def record(out: Path, columns: int, rows: int, steps: list[tuple[float, str]], options: list[str]) -> bool:
    """One demo into ``out``; False when the program had to be ended by force."""
    with tempfile.TemporaryDirectory(prefix="kt-", dir="/tmp", ignore_cleanup_errors=True) as home:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "KALSHI"))}
        env |= {"HOME": home, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        pid, master = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(sys.executable, [sys.executable, "-m", "kalshi_tui", "run", *options], env)
        try:
            with out.open("w", encoding="utf-8") as file:
                ended = play(master, steps, Recording(file, columns, rows))
        finally:
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                os.kill(pid, signal.SIGTERM)
                os.waitpid(pid, 0)
            os.close(master)
    return ended


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Record the workstation on the practice exchange as an asciicast."
    )
    parser.add_argument("--out", type=Path, default=Path("demo.cast"))
    parser.add_argument("--size", default="120x36", help="columns x rows")
    parser.add_argument("--keys", default=STORY, help="seconds and key in turn")
    parser.add_argument("options", nargs="*", help="for kalshi-tui run, behind --")
    given = parser.parse_args()
    try:
        steps = story(given.keys)
        columns, rows = (int(part) for part in given.size.split("x"))
    except ValueError as error:
        parser.error(str(error))
    if not record(given.out, columns, rows, steps, given.options):
        print("the program did not end after the last key: does the story leave it?", file=sys.stderr)
        return 1
    print(f"{given.out}: play it with any asciinema player")
    return 0


if __name__ == "__main__":
    sys.exit(main())
