"""Recordings through the feed: what the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.wire import Message, decode
from kalshi_tui.protocol.wire_messages import BookSnapshot
from kalshi_tui.storage.tape_read import open_tapes

CENT = TickGrid.named("linear_cent")
TAPERED = TickGrid.named("tapered_deci_cent")


def frames(path: Path) -> Iterator[tuple[Instant, int, Message]]:
    """(received, connection, message) of every frame, in order."""
    (tape,) = open_tapes([path])
    for row in tape.rows():
        if row.raw is not None:
            yield Instant(row.recv_ns, row.recv_ns), row.conn, decode(row.raw)


def tickers(messages: list[Message]) -> list[str]:
    return list(dict.fromkeys(m.msg.market_ticker for m in messages if isinstance(m, BookSnapshot)))


def feed_for(path: Path, grid: TickGrid, names: list[str]) -> BookFeed:
    (tape,) = open_tapes([path])
    feed = BookFeed(sparse=not tape.dense)
    for ticker in names:
        feed.follow(ticker, grid)
    return feed
