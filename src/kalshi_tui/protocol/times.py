"""The exchange's times as text (RFC 3339, UTC) to wall nanoseconds and back; exact to the microsecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import SECOND, Nanos

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
NEW_YORK = ZoneInfo("America/New_York")
"""The exchange's own zone: its hours, its days and every time a trader reads."""


def parse_time(text: str) -> Nanos | None:
    """Wall nanoseconds; None for the exchange's "never" (year 1). ``ValueError`` when it is no time in UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{safe_text(text, 40)!r} is not a time") from None
    if moment.tzinfo is None:
        raise ValueError(f"{safe_text(text, 40)!r} is a time without a zone")
    if moment.year < 1970:
        return None
    return (moment - _EPOCH) // _MICROSECOND * 1000


def format_time(wall: Nanos) -> str:
    """As the exchange writes it: ``2026-11-22T18:45:00Z``, with microseconds where there are any."""
    moment = _EPOCH + timedelta(microseconds=wall // 1000)
    return moment.isoformat().replace("+00:00", "Z")


def clock_time(wall: Nanos) -> str:
    """Time of day in New York with its zone: ``16:56:53 ET``."""
    return datetime.fromtimestamp(wall // SECOND, NEW_YORK).strftime("%H:%M:%S ET")
