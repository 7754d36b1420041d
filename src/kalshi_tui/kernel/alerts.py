"""Alerts raised once per condition, and the log of orders, fills and alerts a screen shows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from kalshi_tui.protocol.quotes import Alert, AlertLevel
from kalshi_tui.protocol.units import Nanos
from kalshi_tui.protocol.views import LogLine

KEPT = 200
ALERTS_KEPT = 100
"""Of those: a busy minute of orders and fills must not wash an alert away."""


@dataclass(slots=True)
class AlertLog:
    """``raise_alert`` is idempotent while a condition lasts; ``over`` ends it, so that it may be raised again."""

    clock: Callable[[], Nanos]
    """The desk's wall time: an alert that is over says since when."""
    lines: deque[LogLine] = field(default_factory=deque)
    """Newest first."""
    active: dict[str, int] = field(default_factory=dict)
    """condition key -> alert number"""
    raised: int = 0

    def raise_alert(self, alert: Alert, wall: Nanos) -> bool:
        """True when it is new."""
        if alert.key in self.active:
            return False
        self.raised += 1
        self.active[alert.key] = self.raised
        needs_eyes = alert.level is not AlertLevel.INFO
        self._put(
            LogLine(wall, alert.level.value, alert.text, alert.ticker, self.raised, seen=not needs_eyes)
        )
        return True

    def over(self, key: str) -> None:
        """The condition has ended: its line stays and says when, unless it was a thing that only happened."""
        number = self.active.pop(key, None)
        if number is None:
            return
        now = self.clock()
        for index, line in enumerate(self.lines):
            if line.alert == number:
                if now > line.wall:
                    self.lines[index] = replace(line, over=now)
                return

    def note(self, wall: Nanos, kind: str, text: str, ticker: str = "") -> None:
        self._put(LogLine(wall, kind, text, ticker))

    def acknowledge(self, number: int) -> LogLine | None:
        """Mark one alert seen (0: the oldest unseen); the line, or None when there is none."""
        for index in range(len(self.lines) - 1, -1, -1):
            line = self.lines[index]
            if line.alert and not line.seen and number in (0, line.alert):
                self.lines[index] = replace(line, seen=True)
                return line
        return None

    def unseen(self) -> int:
        return sum(1 for line in self.lines if not line.seen)

    def shown(self, most: int, every_alert: bool) -> tuple[LogLine, ...]:
        """The newest ``most`` lines, and behind them whatever alert still wants eyes, or every alert there is."""
        lines = list(self.lines)
        older = (line for line in lines[most:] if line.alert and (every_alert or not line.seen))
        return (*lines[:most], *older)

    def _put(self, line: LogLine) -> None:
        self.lines.appendleft(line)
        if len(self.lines) > KEPT:
            del self.lines[self._oldest()]

    def _oldest(self) -> int:
        """Which line goes: the oldest note, or where alerts are many the oldest of those that were seen; never a halt
        that nobody saw while there is anything else."""
        lines = self.lines
        places = range(len(lines) - 1, 0, -1)
        many = sum(1 for line in lines if line.alert) > ALERTS_KEPT
        notes = (place for place in places if bool(lines[place].alert) is many and lines[place].seen)
        calm = (place for place in places if lines[place].seen or lines[place].kind != "halt")
        return next(notes, next(calm, len(lines) - 1))
