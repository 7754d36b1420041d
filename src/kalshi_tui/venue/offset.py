"""How far the exchange's clock is from ours, from the ``Date`` header of its answers.

The header has whole seconds, so one answer only bounds the offset; many answers narrow the bounds to the
round trip. Signatures are made with the offset applied: the exchange takes 5 s, refuses 30 s.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from kalshi_tui.protocol.units import MILLISECOND, Nanos


class ClockOffset:
    """Bounds in milliseconds on (exchange clock minus our wall clock)."""

    __slots__ = ("_high", "_low")

    def __init__(self) -> None:
        self._low: int | None = None
        self._high: int | None = None

    def observe(self, date: str, asked_wall: Nanos, answered_wall: Nanos) -> None:
        """One answer: its header and our wall clock when the request left and the answer came.

        The stamp was taken at some moment between the two and cut to whole seconds. An unreadable header
        and a clock that jumped while waiting teach nothing; bounds that contradict start afresh.
        """
        try:
            stamp = int(parsedate_to_datetime(date).timestamp()) * 1000
        except (ValueError, TypeError, OverflowError):
            return
        low = stamp - answered_wall // MILLISECOND
        high = stamp + 1000 - asked_wall // MILLISECOND
        if low > high:
            return
        if self._low is None or self._high is None or low > self._high or high < self._low:
            self._low, self._high = low, high
            return
        self._low, self._high = max(self._low, low), min(self._high, high)

    @property
    def skew_ms(self) -> int | None:
        """The offset: 0 while that is possible, else the middle of the bounds; None before any answer."""
        if self._low is None or self._high is None:
            return None
        if self._low <= 0 <= self._high:
            return 0
        return (self._low + self._high) // 2

    def apply(self, wall_ms: int) -> int:
        """Our wall clock as the exchange would read it."""
        return wall_ms + (self.skew_ms or 0)
