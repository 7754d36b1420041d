"""Alerts raised once per condition, and the log of orders, fills and alerts a screen shows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from kalshi_tui.protocol.quotes import Alert, AlertLevel
from kalshi_tui.protocol.units import Nanos
from kalshi_tui.protocol.views import LogLine

KEPT = 200


@dataclass(slots=True)
class AlertLog:
    """``raise_alert`` is idempotent while a condition lasts; ``over`` ends it, so that it may be raised again."""

    lines: deque[LogLine] = field(default_factory=lambda: deque(maxlen=KEPT))
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
        self.lines.appendleft(
            LogLine(wall, alert.level.value, alert.text, alert.ticker, self.raised, seen=not needs_eyes)
        )
        return True

    def over(self, key: str) -> None:
        self.active.pop(key, None)

    def note(self, wall: Nanos, kind: str, text: str, ticker: str = "") -> None:
        self.lines.appendleft(LogLine(wall, kind, text, ticker))

    def acknowledge(self, number: int) -> LogLine | None:
        """Mark one alert seen (0: the oldest unseen); the line, or None when there is none."""
        for index in range(len(self.lines) - 1, -1, -1):
            line = self.lines[index]
            if line.alert and not line.seen and number in (0, line.alert):
                self.lines[index] = LogLine(line.wall, line.kind, line.text, line.ticker, line.alert, True)
                return line
        return None

    def unseen(self) -> int:
        return sum(1 for line in self.lines if not line.seen)
