"""The trading day: a calendar date in New York, 23, 24 or 25 hours long."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from kalshi_tui.protocol.units import SECOND, Nanos

NEW_YORK = ZoneInfo("America/New_York")


def new_york_day(wall: Nanos) -> str:
    """The New York date of an instant, ``2026-11-22``. Dates compare as text."""
    return _date_of_minute(wall // (60 * SECOND))


@lru_cache(maxsize=64)
def _date_of_minute(minute: int) -> str:
    # Every zone change of New York falls on a whole minute.
    return datetime.fromtimestamp(minute * 60, NEW_YORK).date().isoformat()


def day_start(wall: Nanos) -> Nanos:
    """Midnight in New York at or before ``wall``."""
    date = datetime.fromtimestamp(wall // SECOND, NEW_YORK).date()
    return round(datetime.combine(date, time(), NEW_YORK).timestamp()) * SECOND


def day_end(wall: Nanos) -> Nanos:
    """The next midnight in New York after ``wall``."""
    date = datetime.fromtimestamp(wall // SECOND, NEW_YORK).date() + timedelta(days=1)
    return round(datetime.combine(date, time(), NEW_YORK).timestamp()) * SECOND
