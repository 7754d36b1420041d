"""The venue's own calendar: milestones of the days ahead."""

from __future__ import annotations

from kalshi_tui.protocol.events import CalendarRead, ReadFailed
from kalshi_tui.protocol.rest_calendar import prints_from_rest
from kalshi_tui.protocol.times import format_time
from kalshi_tui.protocol.units import SECOND, Nanos
from kalshi_tui.venue.paging import read_pages
from kalshi_tui.venue.transport import Transport

LOOK_BACK: Nanos = 6 * 3600 * SECOND
"""A release this recent may still keep its markets from being quoted."""


async def read_calendar(transport: Transport, wall: Nanos) -> CalendarRead | ReadFailed:
    """Economic releases from a few hours ago on."""
    query: dict[str, str | int] = {"limit": 500, "minimum_start_date": format_time(wall - LOOK_BACK)}
    pages = await read_pages(
        transport, "milestones", "/milestones", query, prints_from_rest, lambda p: (p.label, p.at, p.series)
    )
    if isinstance(pages, ReadFailed):
        return pages
    return CalendarRead(pages.at, pages.rows)
