"""stdout and stderr of a desk without a screen, written by a thread of their own.

A pipe that nobody reads, or a terminal that is held with ctrl+s, must never hold up trading: lines queue
(bounded, then dropped and counted) and the thread waits in the loop's place.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TextIO

import msgspec

from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import MILLISECOND, Nanos

MAX_LINES = 20_000
LAST_WORD_S = 5.0
SENTENCE = 400


class Output:
    """``data`` lines go to stdout as JSON objects, ``say`` lines to stderr in words."""

    def __init__(self, data: TextIO, words: TextIO, on_closed: Callable[[], object]) -> None:
        self._streams = {"data": data, "words": words}
        self._on_closed = on_closed
        self._queue: queue.Queue[tuple[str, str] | None] = queue.Queue(MAX_LINES)
        self.dropped = 0
        self._thread = threading.Thread(target=self._write, name="output", daemon=True)
        self._thread.start()

    @staticmethod
    def standard(on_closed: Callable[[], object]) -> Output:
        return Output(sys.stdout, sys.stderr, on_closed)

    def data(self, kind: str, wall: Nanos, fields: Mapping[str, object]) -> None:
        """One JSON line: ``type`` and ``ts_ms`` first."""
        line = msgspec.json.encode({"type": kind, "ts_ms": wall // MILLISECOND, **fields}).decode()
        self._put("data", line)

    def say(self, sentence: str) -> None:
        self._put("words", safe_text(sentence, SENTENCE))

    def close(self) -> None:
        """Write what is queued; give up after ``LAST_WORD_S`` when nobody reads."""
        try:
            self._queue.put(None, timeout=LAST_WORD_S)
        except queue.Full:
            return
        self._thread.join(LAST_WORD_S)

    def _put(self, stream: str, line: str) -> None:
        try:
            self._queue.put_nowait((stream, line))
        except queue.Full:
            self.dropped += 1

    def _write(self) -> None:
        while (item := self._queue.get()) is not None:
            name, line = item
            stream = self._streams.get(name)
            if stream is None:
                continue
            try:
                stream.write(line + "\n")
                stream.flush()
            except (OSError, ValueError):
                # Nobody reads any more. Losing the words is fine; who lost the data wants the desk to end.
                del self._streams[name]
                if name == "data":
                    self._on_closed()
