"""The money journal for an event loop: one writer thread, and an ``await`` that ends when rows are durable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.storage.journal_db import Entry, JournalError, JournalFile, Row

T = TypeVar("T")

MAX_WAITING = 256
"""Calls that may wait for the writer; more means the disk does not keep up: refuse, never drop."""
STALL_S = 2.0
"""A commit that takes longer is a failure for those who wait, although it may still be written."""


class Journal:
    """Made by ``open``; all methods are for one event loop."""

    def __init__(self, file: JournalFile, writer: ThreadPoolExecutor) -> None:
        self._file = file
        self._writer = writer
        self._waiting = 0

    @staticmethod
    async def open(path: Path, boot: str, version: str, at: Instant) -> Journal:
        """Open and verify; ``JournalError`` in one sentence. See ``quarantined`` for what was found."""
        writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        loop = asyncio.get_running_loop()
        try:
            file = await loop.run_in_executor(writer, JournalFile, path, boot, version, at)
        except JournalError:
            writer.shutdown(wait=False)
            raise
        return Journal(file, writer)

    @property
    def quarantined(self) -> Path | None:
        """Where a predecessor that did not verify was moved; ``fault`` says what was wrong with it."""
        return self._file.quarantined

    @property
    def fault(self) -> str:
        return self._file.fault

    async def append(self, entries: Sequence[Entry]) -> list[int]:
        """Write rows together; on return they are on disk. Their sequence numbers, in order.

        ``JournalError`` when the disk refuses, stalls, or too many callers already wait: then nothing may be
        done that needed these rows.
        """
        return await self._run(lambda: self._file.append(entries))

    async def rows(self, kinds: Iterable[str] = (), after: int = 0) -> list[Row]:
        """Rows of these kinds (of all, if none is named), oldest first."""
        named = tuple(kinds)
        return await self._run(lambda: self._file.rows(named, after), stall_s=60.0)

    async def close(self) -> None:
        """Waits for what is under way."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._file.close)
        self._writer.shutdown(wait=False)

    async def _run(self, work: Callable[[], T], stall_s: float = STALL_S) -> T:
        if self._waiting >= MAX_WAITING:
            raise JournalError(
                f"The journal {self._file.path} does not keep up: {MAX_WAITING} writes are waiting."
            )
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._writer, work)
        future.add_done_callback(self._done)
        try:
            # Shielded: a caller that gives up must not take a half-done write with it.
            async with asyncio.timeout(stall_s):
                return await asyncio.shield(future)
        except TimeoutError:
            raise JournalError(f"The journal {self._file.path} takes longer than {stall_s:.0f} s.") from None

    def _done(self, future: asyncio.Future[T]) -> None:
        self._waiting -= 1
        if not future.cancelled():
            future.exception()
