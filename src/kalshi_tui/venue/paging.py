"""Reads of many pages: all of them, or the honest word that they are not complete."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from msgspec import Struct

from kalshi_tui.protocol.events import ReadFailed
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import VenueError
from kalshi_tui.protocol.rest_errors import error_from_rest
from kalshi_tui.protocol.rest_read import parse_body
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.venue.transport import Answer, NoAnswer, Query, Transport

T = TypeVar("T")

_MAX_PAGES = 500


class Pages(Struct, Generic[T]):
    """The rows of all pages read. ``asked`` is when the first request left, ``at`` when the last answer came."""

    asked: Instant
    at: Instant
    rows: tuple[T, ...]
    complete: bool


async def read_body(
    transport: Transport, what: str, path: str, query: Query | None = None, bulk: bool = False
) -> tuple[Answer, dict[str, object]] | ReadFailed:
    """One GET and its JSON object; every other outcome is a ``ReadFailed``, which is evidence of nothing."""
    try:
        answer = await transport.read(path, query, bulk)
    except NoAnswer as error:
        return ReadFailed(error.at, what, VenueError(0, "no_answer", error.why))
    if answer.status != 200:
        return ReadFailed(answer.at, what, error_from_rest(answer.status, answer.body))
    try:
        return answer, parse_body(answer.body)
    except ValueError as error:
        return unreadable(answer, what, error)


def unreadable(answer: Answer, what: str, error: ValueError) -> ReadFailed:
    """The answer came and says nothing that can be understood."""
    return ReadFailed(answer.at, what, VenueError(answer.status, "unreadable", safe_text(error)))


async def read_pages(
    transport: Transport,
    what: str,
    path: str,
    query: Query,
    convert: Callable[[dict[str, object]], tuple[tuple[T, ...], str]],
    key: Callable[[T], Hashable],
) -> Pages[T] | ReadFailed:
    """Every page to the empty cursor. ``ReadFailed`` when not even the first came; a later page that fails,
    a cursor that comes again and too many pages leave the read incomplete. Rows are once by ``key``."""
    found: dict[Hashable, T] = {}
    seen: set[str] = set()
    cursor = ""
    asked = at = None
    while True:
        page = await read_body(transport, what, path, {**query, "cursor": cursor} if cursor else query)
        if not isinstance(page, ReadFailed):
            answer, body = page
            asked, at = asked or answer.asked, answer.at
            try:
                rows, cursor = convert(body)
            except ValueError as error:
                page = unreadable(answer, what, error)
        if isinstance(page, ReadFailed):
            if asked is None or at is None or not seen:
                return page
            return Pages(asked, at, tuple(found.values()), False)
        found.update((key(row), row) for row in rows)
        if not cursor or cursor in seen or len(seen) >= _MAX_PAGES:
            assert asked is not None and at is not None
            return Pages(asked, at, tuple(found.values()), not cursor)
        seen.add(cursor)
