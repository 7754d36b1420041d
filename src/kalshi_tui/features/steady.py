"""Size that has been there: what flickers for less than half a second says nothing."""

from __future__ import annotations

from kalshi_tui.protocol.units import MILLISECOND, Count, Nanos


class SteadySize:
    """The least size a level showed over the last 0.5 to 1 s, in O(1): two buckets, the older one whole."""

    __slots__ = ("_newer", "_older", "_since", "size")

    WINDOW: Nanos = 500 * MILLISECOND

    def __init__(self) -> None:
        self.size: Count = 0
        self._older: Count = 0
        self._newer: Count = 0
        self._since: Nanos = 0

    def start(self, size: Count, mono: Nanos) -> None:
        """Another price is the best one now."""
        self.size = self._older = self._newer = size
        self._since = mono

    def update(self, size: Count, mono: Nanos) -> None:
        """The same level's size changed."""
        elapsed = mono - self._since
        if elapsed >= self.WINDOW:
            self._older = self._newer if elapsed < 2 * self.WINDOW else self.size
            self._newer = self.size
            self._since = mono
        self.size = size
        if size < self._newer:
            self._newer = size

    def read(self, mono: Nanos) -> Count:
        elapsed = mono - self._since
        if elapsed >= 2 * self.WINDOW:
            return self.size
        if elapsed >= self.WINDOW:
            return min(self._newer, self.size)
        return min(self._older, self._newer)
