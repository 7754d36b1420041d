"""Facts about markets: their events (which net and override fees) and series (which set the fees) with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from kalshi_tui.protocol.events import MarketsRead, ReadFailed
from kalshi_tui.protocol.market import Event, Market, Series
from kalshi_tui.protocol.orders import VenueError
from kalshi_tui.protocol.rest import event_from_rest, market_from_rest, series_from_rest
from kalshi_tui.protocol.rest_read import cursor_of, rows
from kalshi_tui.protocol.text import SafeText, safe_text
from kalshi_tui.venue.paging import Pages, read_body, read_pages
from kalshi_tui.venue.transport import Transport

Body = dict[str, object]
T = TypeVar("T", Event, Series, Market)

_TICKERS = 100
_PAGE = 1000
_EVENTS_PAGE = 200
_SINGLE_SERIES = 40
"""More series than this are read as the exchange's whole list (13,000 rows, some 10 MB)."""


class Catalog:
    """Reads of facts, all or nothing. ``problems`` names what was left out because it can not be understood."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.problems: list[SafeText] = []

    async def read_markets(self, tickers: Sequence[str]) -> MarketsRead | ReadFailed:
        """These markets with their events and series; a ticker the exchange does not have is just absent."""
        markets = await self._named("markets", tickers)
        if isinstance(markets, ReadFailed):
            return markets
        events = await self._named("events", [str(body.get("event_ticker")) for body in markets])
        if isinstance(events, ReadFailed):
            return events
        return await self._together(markets, events)

    async def load_universe(self, series: Iterable[str] = ()) -> MarketsRead | ReadFailed:
        """Every open market of the venue (of these series, if any is named), combos left out."""
        events: list[Body] = []
        for name in list(series) or [""]:
            query: dict[str, str | int] = {
                "status": "open",
                "with_nested_markets": "true",
                "limit": _EVENTS_PAGE,
            }
            if name:
                query["series_ticker"] = name
            page = await self._pages("events", query)
            if isinstance(page, ReadFailed):
                return page
            events += page.rows
        return await self._together([m for body in events for m in _objects(body.get("markets"))], events)

    async def _named(self, what: str, tickers: Sequence[str]) -> list[Body] | ReadFailed:
        """Markets or events by ticker, each once."""
        names = list(dict.fromkeys(tickers))
        found: list[Body] = []
        for start in range(0, len(names), _TICKERS):
            limit = _PAGE if what == "markets" else _EVENTS_PAGE
            page = await self._pages(
                what, {"tickers": ",".join(names[start : start + _TICKERS]), "limit": limit}
            )
            if isinstance(page, ReadFailed):
                return page
            found += page.rows
        return found

    async def _pages(self, what: str, query: dict[str, str | int]) -> Pages[Body] | ReadFailed:
        key = "ticker" if what == "markets" else "event_ticker"

        def convert(body: Body) -> tuple[tuple[Body, ...], str]:
            return tuple(_objects(rows(body, what))), cursor_of(body)

        pages = await read_pages(
            self._transport, what, f"/{what}", query, convert, lambda row: str(row.get(key))
        )
        if isinstance(pages, ReadFailed) or pages.complete:
            return pages
        return ReadFailed(pages.at, what, VenueError(0, "incomplete", safe_text("a later page did not come")))

    async def _together(self, markets: list[Body], events: list[Body]) -> MarketsRead | ReadFailed:
        known = {event.ticker: event for event in self._understood(events, event_from_rest)}
        series = await self._series_of([event.series_ticker for event in known.values()])
        if isinstance(series, ReadFailed):
            return series
        read: list[Market] = []
        for body in markets:
            event = known.get(str(body.get("event_ticker")))
            of = series.get(event.series_ticker) if event is not None else None
            read += self._understood([body], partial(market_from_rest, series=of, event=event))
        return MarketsRead(self._transport.now(), tuple(read), tuple(known.values()), tuple(series.values()))

    async def _series_of(self, names: Iterable[str]) -> dict[str, Series] | ReadFailed:
        """One the exchange does not have is left out, and its markets' fees count as assumed."""
        wanted = [name for name in dict.fromkeys(names) if name]
        bodies: list[Body] = []
        if len(wanted) > _SINGLE_SERIES:
            read = await read_body(self._transport, "series", "/series", bulk=True)
            if isinstance(read, ReadFailed):
                return read
            bodies = [body for body in _objects(read[1].get("series")) if body.get("ticker") in set(wanted)]
        else:
            for name in wanted:
                read = await read_body(self._transport, "series", f"/series/{name}")
                if not isinstance(read, ReadFailed):
                    bodies.append(read[1])
                elif read.error.status != 404:
                    return read
        return {series.ticker: series for series in self._understood(bodies, series_from_rest)}

    def _understood(self, bodies: Iterable[Body], convert: Callable[[Body], T]) -> list[T]:
        """One bad body costs only itself."""
        found = []
        for body in bodies:
            try:
                found.append(convert(body))
            except ValueError as error:
                name = body.get("ticker") or body.get("event_ticker")
                self.problems.append(safe_text(f"{safe_text(name, 80) or 'a fact'}: {error}"))
        return found


def _objects(found: object) -> Iterator[Body]:
    return (row for row in found if isinstance(row, dict)) if isinstance(found, list) else iter(())
