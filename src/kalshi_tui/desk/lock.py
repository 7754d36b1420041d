"""One desk per venue and account, and one demo or prod desk per user: ``flock``, freed by the kernel on any
death.

The file's text says who holds it; it is read only to name the holder, never to decide anything.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import msgspec
from msgspec import Struct

from kalshi_tui.locations import LocationError

PATIENCE_S = 0.5
"""Whoever asks "is a desk running?" holds the lock shared for microseconds; a desk that starts waits this
out."""


class Holder(Struct, frozen=True):
    """What a desk writes into its lock for others to read."""

    pid: int
    venue: str
    execution: str
    socket: str


class LockHeldError(Exception):
    """Another desk runs. ``holder`` is None when its note cannot be read (it is just starting)."""

    def __init__(self, path: Path, holder: Holder | None) -> None:
        self.holder = holder
        who = f"a {holder.venue} desk with process id {holder.pid}" if holder else "another desk"
        super().__init__(
            f"{who} already runs here (lock {path}); "
            "`kalshi-tui attach` opens a screen on it, `kalshi-tui stop` ends it."
        )


class DeskLock:
    """Holds one lock file, or several, from ``acquire`` until ``release`` or the end of the process."""

    def __init__(self, descriptors: Sequence[int]) -> None:
        self._descriptors = list(descriptors)

    @staticmethod
    def acquire(paths: Sequence[Path], holder: Holder) -> DeskLock:
        """Take all locks or none; ``LockHeldError`` names the process that holds one of them."""
        taken: list[int] = []
        try:
            for path in paths:
                taken.append(_take(path))
            for descriptor in taken:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, msgspec.json.encode(holder), 0)
        except BaseException:
            DeskLock(taken).release()
            raise
        return DeskLock(taken)

    def release(self) -> None:
        """Let go. The files stay: removing one would let two desks hold "the" lock of different files."""
        while self._descriptors:
            os.close(self._descriptors.pop())

    def __enter__(self) -> DeskLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def holder_of(path: Path) -> Holder | None:
    """Who holds the lock now, or None where nobody does (a note left by a dead desk counts for nothing)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _read_note(descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


def _take(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise LocationError(f"the lock {path} cannot be opened ({reason}); look at that path.") from None
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                os.close(descriptor)
                raise LocationError(f"the lock {path} cannot be taken ({error.strerror}).") from None
        if time.monotonic() > deadline:
            holder = _read_note(descriptor)
            os.close(descriptor)
            raise LockHeldError(path, holder)
        time.sleep(0.02)


def _read_note(descriptor: int) -> Holder | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, 4096, 0), type=Holder)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
