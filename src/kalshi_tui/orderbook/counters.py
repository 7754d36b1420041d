"""What the feed counts; the names and meanings are those of the summary line."""

from __future__ import annotations

from msgspec import Struct


class Counters(Struct, gc=False):
    frames: int = 0
    """Everything handed in, whatever its kind."""
    deltas: int = 0
    snapshots: int = 0
    trades: int = 0
    invalid_frames: int = 0
    """Bytes that were no message, and messages whose numbers no book can hold."""
    gaps: int = 0
    """Sequence gaps or regressions seen."""
    resyncs: int = 0
    """Snapshots taken to recover a book that was lost."""
    duplicates: int = 0
    """Frames dropped as already seen."""
    book_checks: int = 0
    """Books compared with an in-stream snapshot of the same epoch."""
    book_mismatches: int = 0
    negative_levels: int = 0
    crossed_settled: int = 0
    """Crosses that outlived their exchange timestamp by 50 ms."""


class BookCheck(Struct, frozen=True, gc=False):
    """How often a market's book was compared, for whoever reports it per market."""

    checks: int
    mismatches: int
