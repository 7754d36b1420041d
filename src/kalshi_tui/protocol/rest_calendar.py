"""Milestones as the calendar's prints: only economic releases, the moments at which a number is told."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.protocol.calendar import ScheduledPrint
from kalshi_tui.protocol.rest_read import cursor_of, optional_time, rows, shaped
from kalshi_tui.protocol.text import safe_text

RELEASES = "Economics"
"""The category whose milestones are releases; a game's start or a market's close prints nothing."""


class _MilestoneBody(Struct):
    category: str = ""
    type: str = ""
    title: str = ""
    start_date: str | None = None
    primary_event_tickers: list[str] | None = None
    related_event_tickers: list[str] | None = None


def prints_from_rest(body: dict[str, object]) -> tuple[tuple[ScheduledPrint, ...], str]:
    """One page of ``GET /milestones`` as (prints, cursor). Event tickers stand where a series may."""
    found = []
    for row in rows(body, "milestones"):
        read = shaped(row, _MilestoneBody)
        at = optional_time(read.start_date)
        if read.category != RELEASES or at is None:
            continue
        primary = tuple(read.primary_event_tickers or ())
        found.append(
            ScheduledPrint(
                label=safe_text(read.title, 60),
                at=at,
                series=tuple(dict.fromkeys((*primary, *(read.related_event_tickers or ())))),
                determines=primary,
            )
        )
    return tuple(found), cursor_of(body)
