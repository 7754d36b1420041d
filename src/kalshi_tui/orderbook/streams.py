"""The sequence of one subscription: one number a frame, shared by all its markets and by command replies."""

from __future__ import annotations

from enum import Enum

from kalshi_tui.orderbook.book import Book
from kalshi_tui.protocol.wire import KnownMessage
from kalshi_tui.protocol.wire_messages import UnknownFrame


class Place(Enum):
    """Where a frame stands in its subscription's sequence."""

    NEXT = "next"
    SEEN = "seen"
    """The last frame once more, to the letter."""
    LATE = "late"
    """One of those that were missing: what it said is in no book, and a snapshot is on its way."""
    GAP = "gap"
    """Frames are missing before it, or the numbers went back: no book of the subscription can be trusted."""


_MOST_MISSING = 16
"""Missing numbers remembered, to tell a late frame from numbers that start again."""


class Stream:
    """One subscription of one connection. ``live`` holds the books that are known to be true."""

    __slots__ = (
        "_missing",
        "_sparse",
        "carries_books",
        "counted",
        "ended",
        "last",
        "live",
        "next",
        "sampled",
        "sid",
        "tickers",
    )

    def __init__(self, sid: int | None, first: int | None, sparse: bool) -> None:
        """``first`` is the number the first frame must have, None when the subscription is joined midway."""
        self.sid = sid
        self.next = first if first is not None else -1
        self.counted = self.next
        """Deltas with lower numbers are in the counters: a delta in its place only moves ``next``, for speed."""
        self.live: dict[str, Book] = {}
        self.tickers: dict[str, None] = {}
        """Markets known to be on this subscription, in the order they came."""
        self.ended: str = ""
        """Why nothing more is expected of it, empty while it lives."""
        self.carries_books = False
        """A reply on the trade channel lists markets too: it says nothing about books."""
        self._sparse = sparse
        self.last: KnownMessage | UnknownFrame | None = None
        self.sampled: KnownMessage | UnknownFrame | None = None
        """The last one whose age was taken."""
        self._missing: list[int] = []

    def uncounted(self) -> int:
        """Deltas that came in their places since this was last asked."""
        fresh, self.counted = self.next - self.counted, self.next
        return fresh

    def place(self, seq: int, message: KnownMessage | UnknownFrame) -> Place:
        """Judge a frame and move on behind it. A sparse stream only ever sees numbers go back."""
        if seq == self.next or self.next < 0 or (self._sparse and seq > self.next):
            self.next = seq + 1
            self.last = message
            return Place.NEXT
        if seq == self.next - 1 and message == self.last:
            return Place.SEEN
        if seq in self._missing:
            self._missing.remove(seq)
            return Place.LATE
        self._missing = list(range(self.next, seq)) if seq - self.next <= _MOST_MISSING else []
        self.next = seq + 1
        self.last = message
        return Place.GAP
