"""What the feed counts; the names and meanings are those of the summary line."""

from __future__ import annotations


class Counters:
    """Plain slots rather than a struct: one of these grows with every frame."""

    __slots__ = (
        "book_checks",
        "book_mismatches",
        "crossed_settled",
        "deltas",
        "duplicates",
        "gaps",
        "invalid_frames",
        "negative_levels",
        "others",
        "resyncs",
        "snapshots",
        "trades",
    )

    def __init__(self) -> None:
        self.deltas = 0
        self.others = 0
        """Everything handed in that was no delta."""
        self.snapshots = 0
        self.trades = 0
        self.invalid_frames = 0
        """Bytes that were no message, and messages whose numbers no book can hold."""
        self.gaps = 0
        """Sequence gaps or regressions seen."""
        self.resyncs = 0
        """Snapshots taken to recover a book that was lost."""
        self.duplicates = 0
        """Frames dropped as already seen."""
        self.book_checks = 0
        """Books compared with an in-stream snapshot of the same epoch."""
        self.book_mismatches = 0
        self.negative_levels = 0
        self.crossed_settled = 0
        """Crosses that outlived their exchange timestamp by 50 ms."""

    @property
    def frames(self) -> int:
        """Everything handed in, whatever its kind."""
        return self.deltas + self.others
