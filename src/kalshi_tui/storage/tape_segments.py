"""The files of a tape: compressed segments, capped in size, oldest deleted first, room left on the disk."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import zstandard

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.units import SECOND
from kalshi_tui.storage.files import create_private, private_folder
from kalshi_tui.storage.tape_rows import TapeStart

SUFFIX = ".jsonl.zst"
_LEVEL = 3
_FRAME_BYTES = 8 * 1024 * 1024
"""Raw bytes in one zstandard frame: what a flipped bit can cost at most."""


class Segments:
    """Appends blocks of rows to the present segment. Every block is readable once ``write`` returned."""

    def __init__(self, folder: Path, start: TapeStart, cap: int, floor: int, segment_bytes: int) -> None:
        self._folder = folder
        self._start = start
        self._cap = cap
        self._floor = floor
        self._segment_bytes = min(segment_bytes, max(cap // 4, 1))
        self._fd: int | None = None
        self._path: Path | None = None
        self._size = 0
        self._framed = 0
        self._zstd: zstandard.ZstdCompressionObj | None = None

    def write(self, rows: bytes, at: Instant) -> None:
        """Whole rows. ``OSError`` when the disk takes none; then nothing of them is in the file."""
        if self._fd is None:
            self._open(at)
        assert self._fd is not None and self._zstd is not None
        self._put(self._zstd.compress(rows) + self._zstd.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        self._framed += len(rows)
        if self._framed >= _FRAME_BYTES:
            self._put(self._zstd.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH))
            self._begin_frame()
        if self._size >= self._segment_bytes:
            self.close()
            self._start = msgspec.structs.replace(self._start, segment=self._start.segment + 1)

    def has_room(self) -> bool:
        """Make room by the cap and the floor, oldest segments first; whether the floor is kept."""
        private_folder(self._folder)
        old = [path for path in sorted(self._folder.glob(f"*{SUFFIX}")) if path != self._path]
        sizes = {path: path.stat().st_size for path in old}
        over = sum(sizes.values()) + self._size - self._cap
        while old and (over > 0 or self._free() < self._floor):
            oldest = old.pop(0)
            oldest.unlink(missing_ok=True)
            over -= sizes[oldest]
        return self._free() >= self._floor

    def close(self) -> None:
        """End the segment: a whole file that any zstandard tool reads without complaint."""
        if self._fd is None or self._zstd is None:
            return
        try:
            self._put(self._zstd.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH))
            os.fsync(self._fd)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Leave the segment as it is; the next write begins a new one."""
        if self._fd is not None:
            os.close(self._fd)
        self._fd = self._zstd = self._path = None
        self._size = 0

    def _open(self, at: Instant) -> None:
        stamp = datetime.fromtimestamp(at.wall // SECOND, UTC).strftime("%Y%m%dT%H%M%SZ")
        while True:
            name = f"{stamp}-{self._start.session}-{self._start.segment:04d}{SUFFIX}"
            try:
                self._fd = create_private(self._folder / name)
                break
            except FileExistsError:
                self._start = msgspec.structs.replace(self._start, segment=self._start.segment + 1)
        self._path = self._folder / name
        self._size = 0
        self._begin_frame()
        facts = {"recv_ns": at.wall, "mono_ns": at.mono, "facts": self._start}
        assert self._zstd is not None
        first = self._zstd.compress(msgspec.json.encode(facts) + b"\n")
        self._put(first + self._zstd.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))

    def _begin_frame(self) -> None:
        compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self._zstd = compressor.compressobj()
        self._framed = 0

    def _put(self, data: bytes) -> None:
        assert self._fd is not None
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            # Not half a block: what stands in the file stays readable.
            os.ftruncate(self._fd, self._size)
            self.abandon()
            self._start = msgspec.structs.replace(self._start, segment=self._start.segment + 1)
            raise
        self._size += len(data)

    def _free(self) -> int:
        found = os.statvfs(self._folder)
        return found.f_bavail * found.f_frsize
