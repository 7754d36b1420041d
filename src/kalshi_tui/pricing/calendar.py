"""Scheduled prints: when quotes must be gone, and when a market may be quoted again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from kalshi_tui.protocol.calendar import PULL_MARGIN, ScheduledPrint
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import SECOND, Nanos

__all__ = ["NEW_YORK", "PULL_MARGIN", "PrintGate", "ScheduledPrint", "new_york", "next_pull"]

NEW_YORK = ZoneInfo("America/New_York")


def new_york(text: str) -> Nanos:
    """Wall nanoseconds of ``2026-12-10 08:30`` in New York; ``ValueError`` on anything else."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=NEW_YORK)
    except ValueError:
        raise ValueError(f"{safe_text(text, 40)!r} is not a New York time like '2026-12-10 08:30'") from None
    return round(moment.timestamp()) * SECOND


def next_pull(prints: Iterable[ScheduledPrint], series_ticker: str, wall: Nanos) -> Nanos | None:
    """When this series' markets must next be empty of quotes, after ``wall``; None if nothing is
    scheduled.
    """
    pulls = [one.pull_at for one in prints if one.concerns(series_ticker) and one.pull_at > wall]
    return min(pulls, default=None)


class PrintGate:
    """Whether one market is inside the window of a print. Opens once per print, and only when healthy."""

    __slots__ = ("_prints", "_reopened", "_trades", "series")

    def __init__(self, series_ticker: str, prints: Iterable[ScheduledPrint]) -> None:
        self.series = series_ticker
        self._prints: tuple[ScheduledPrint, ...] = ()
        self._reopened: tuple[ScheduledPrint, ...] = ()
        self._trades: dict[Nanos, int] = {}
        self.schedule(prints)

    def schedule(self, prints: Iterable[ScheduledPrint]) -> None:
        """Replace the calendar; prints this market was reopened after stay reopened."""
        self._prints = tuple(sorted((p for p in prints if p.concerns(self.series)), key=lambda p: p.at))

    def closed_by(self, wall: Nanos, trades: int, spread_ratio: float | None) -> ScheduledPrint | None:
        """The print whose window this is, or None. ``trades`` is the market's running count of trades.

        A market the print determines never comes back. Others come back after ``post_s`` once the spread is
        below twice its usual one and they have traded, or stayed quiet long enough.
        """
        for one in self._prints:
            if wall < one.pull_at:
                break
            if one in self._reopened:
                continue
            if wall < one.at:
                return one
            before = self._trades.setdefault(one.at, trades)
            if self.series in one.determines:
                return one
            since = wall - one.at
            alive = trades - before >= one.trades or since >= one.quiet_s * SECOND
            calm = spread_ratio is not None and spread_ratio < 2.0
            if since < one.post_s * SECOND or not alive or not calm:
                return one
            self._reopened = (*self._reopened, one)
        return None
