"""Recording: the desk hands over frames and events in half a microsecond each, a thread does the rest.

The tape never holds the desk up. What the thread can not take in time, or the disk has no room for, is left
out, counted, and noted on the tape at the place where it is missing.

**What a crash costs.** Rows reach the file in blocks, at most ``BLOCK_S`` after they were handed over, each
block ended so that it can be read without the next. A process that dies loses the rows handed over since the
last block (``BLOCK_S`` at the longest); power that fails also what the system had not written back yet. A file
torn anywhere gives all rows before the tear.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections import deque
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Struct

from kalshi_tui.protocol.events import KernelEvent
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.units import Nanos
from kalshi_tui.storage.kernel_rows import Decided, encode
from kalshi_tui.storage.tape_rows import TapeStart
from kalshi_tui.storage.tape_segments import Segments

log = logging.getLogger(__name__)

BLOCK_S = 0.05
MAX_ROWS = 100_000
MAX_HELD = 64 * 1024 * 1024
"""Rows and bytes of frames that may wait for the thread."""
_ROOM_EVERY = 40
"""Blocks between two looks at the disk."""
_CLOSE_S = 5.0

_Waiting: TypeAlias = tuple[Instant, int, bytes | KernelEvent | Decided]


class _FrameRow(Struct, gc=False):
    recv_ns: Nanos
    mono_ns: Nanos
    conn: int
    raw: str


class _BytesRow(Struct, gc=False):
    recv_ns: Nanos
    mono_ns: Nanos
    conn: int
    raw_b64: str


class Tape:
    """A recording under way. ``frame`` and ``kernel_event`` are for one thread, the event loop's."""

    def __init__(
        self,
        folder: Path,
        start: TapeStart,
        cap: int = 5 * 1024**3,
        floor: int = 1024**3,
        segment_bytes: int = 64 * 1024**2,
    ) -> None:
        """``cap``: bytes all segments in the folder may take; ``floor``: bytes left free on its disk."""
        self.problem = ""
        """Why rows are being left out, in a sentence; empty while recording."""
        self._folder = folder
        self._segments = Segments(folder, start, cap, floor, segment_bytes)
        self._waiting: deque[_Waiting] = deque()
        # Each counter is written by one thread only: the first two by the loop's, the others by ours.
        self._bytes_in = 0
        self._refused = 0
        self._bytes_out = 0
        self._lost = 0
        self._noted_refused = 0
        self._noted_lost = 0
        self._blocks = 0
        self._last = Instant(0, 0)
        self._encoder = msgspec.json.Encoder()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tape", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Rows left out so far."""
        return self._refused + self._lost

    def frame(self, at: Instant, conn: int, raw: bytes) -> None:
        """A frame as it came, before anyone decoded it."""
        if len(self._waiting) >= MAX_ROWS or self._bytes_in - self._bytes_out > MAX_HELD:
            self._refused += 1
            return
        self._bytes_in += len(raw)
        self._waiting.append((at, conn, raw))

    def kernel_event(self, event: KernelEvent | Decided) -> None:
        """An event the kernel was told that is no frame, at the moment it is applied."""
        if len(self._waiting) >= MAX_ROWS:
            self._refused += 1
            return
        self._waiting.append((event.at, 0, event))

    def close(self) -> None:
        """Write what waits and end the segment; waits a few seconds at most."""
        self._stop.set()
        self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        try:
            while not self._stop.wait(BLOCK_S):
                self._write_block()
            self._write_block()
            self._segments.close()
        except Exception:
            # A recording is worth no trade: the desk goes on without it, and says so.
            log.exception("the tape failed")
            self.problem = "Recording has failed; the desk's log has the details."
            self._waiting = deque(maxlen=0)

    def _write_block(self) -> None:
        count, refused, lost = len(self._waiting), self._refused, self._lost
        if not count and (refused, lost) == (self._noted_refused, self._noted_lost):
            return
        taken = [self._waiting.popleft() for _ in range(count)]
        first = taken[0][0] if taken else self._last
        self._last = taken[-1][0] if taken else self._last
        self._bytes_out += sum(len(row[2]) for row in taken if isinstance(row[2], bytes))
        # Lost to the disk: before these rows. Refused because the queue was full: after them.
        rows = self._gap(first, lost - self._noted_lost)
        rows += [self._row(*row) for row in taken]
        rows += self._gap(self._last, refused - self._noted_refused)
        if self._write(b"".join(rows), first):
            self._noted_refused, self._noted_lost = refused, lost
        else:
            self._lost += count

    def _gap(self, at: Instant, missing: int) -> list[bytes]:
        if not missing:
            return []
        return [b'{"recv_ns":%d,"mono_ns":%d,"dropped":%d}\n' % (at.wall, at.mono, missing)]

    def _write(self, block: bytes, at: Instant) -> bool:
        self._blocks += 1
        try:
            if (self._blocks % _ROOM_EVERY == 1 or self.problem) and not self._segments.has_room():
                self.problem = f"Recording pauses: the disk of {self._folder} is nearly full."
                return False
            self._segments.write(block, at)
        except OSError as error:
            self.problem = f"Recording pauses: {self._folder} can not be written ({error.strerror})."
            return False
        self.problem = ""
        return True

    def _row(self, at: Instant, conn: int, what: bytes | KernelEvent | Decided) -> bytes:
        if not isinstance(what, bytes):
            head = b'{"recv_ns":%d,"mono_ns":%d,"kernel":' % (at.wall, at.mono)
            return head + encode(what) + b"}\n"
        try:
            row: Struct = _FrameRow(at.wall, at.mono, conn, what.decode())
        except UnicodeDecodeError:
            row = _BytesRow(at.wall, at.mono, conn, base64.b64encode(what).decode("ascii"))
        return self._encoder.encode(row) + b"\n"
