"""How a screen ended, and the file for whoever repairs it when it ended badly."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from msgspec import Struct


class ScreenResult(Struct, frozen=True):
    """``exit`` is ``detach``, ``stop``, ``desk gone`` or ``error``; ``message`` is one sentence for the shell."""

    exit: str
    message: str


def failure(error: BaseException, crash_file: Path | None) -> ScreenResult:
    """The sentence for an error of the screen itself; the desk is another process and goes on."""
    where = f" Details: {crash_file}" if crash_file and write_crash(crash_file, error) else ""
    kind = type(error).__name__
    text = f"The screen failed ({kind}); the desk goes on. `kalshi-tui attach` opens a new one.{where}"
    return ScreenResult("error", text)


def write_crash(path: Path, error: BaseException) -> bool:
    """The traceback of ``error`` to ``path`` (0600, replaced), without the values of variables.

    False when it can not be written.
    """
    text = "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return False
    return True
