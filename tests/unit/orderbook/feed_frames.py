"""Messages and moments for the tests of the feed."""

from __future__ import annotations

from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import MILLISECOND
from kalshi_tui.protocol.wire_messages import (
    BookDelta,
    BookSnapshot,
    ChannelBody,
    DeltaBody,
    ErrorBody,
    ErrorMessage,
    MarketsBody,
    Ok,
    SnapshotBody,
    Subscribed,
    Trade,
    TradeBody,
)

CENT = TickGrid.named("linear_cent")
CONN = 1
WALL = 1_795_000_000_000 * MILLISECOND
LEVELS = ([("0.4000", "10.00")], [("0.5500", "3.00")])

Side = list[tuple[str, str]] | None


def at(ms: float = 0) -> Instant:
    return Instant(int(ms * MILLISECOND), WALL + int(ms * MILLISECOND))


def snapshot(
    ticker: str,
    seq: int | None,
    yes: Side = LEVELS[0],
    no: Side = LEVELS[1],
    *,
    sid: int | None = 1,
    clock: int | None = None,
) -> BookSnapshot:
    return BookSnapshot(SnapshotBody(ticker, clock, yes, no), sid=sid, seq=seq)


def delta(
    ticker: str,
    seq: int | None,
    change: str = "1.00",
    price: str = "0.4000",
    side: str = "yes",
    *,
    sid: int | None = 1,
    clock: int | None = None,
    ts_ms: int | None = None,
    sent_ms: int | None = None,
) -> BookDelta:
    body = DeltaBody(
        market_ticker=ticker,
        price_dollars=price,
        delta_fp=change,
        side=side,  # type: ignore[arg-type]
        clock=clock,
        ts_ms=ts_ms,
    )
    return BookDelta(msg=body, sid=sid, seq=seq, sending_ts_ms=sent_ms)


def trade(seq: int, sid: int = 2) -> Trade:
    return Trade(TradeBody("A", "0.4000", "1.00"), sid=sid, seq=seq)


def subscribed(sid: int = 1, channel: str = "orderbook_delta") -> Subscribed:
    return Subscribed(ChannelBody(channel, sid), id=1)


def ok(seq: int, tickers: list[str] | None = None, sid: int = 1) -> Ok:
    return Ok(MarketsBody(tickers), id=3, sid=sid, seq=seq)


def error(code: int, seq: int | None = None, sid: int | None = 1) -> ErrorMessage:
    return ErrorMessage(ErrorBody(code, "said"), sid=sid, seq=seq)


def opened(*tickers: str, check_every: int | None = None) -> BookFeed:
    """A feed whose markets are all live: snapshots took the numbers from 1."""
    feed = BookFeed(check_every=check_every)
    for ticker in tickers:
        feed.follow(ticker, CENT)
    feed.open(CONN, at())
    feed.apply(CONN, subscribed(), at())
    for number, ticker in enumerate(tickers, 1):
        feed.apply(CONN, snapshot(ticker, number), at())
    feed.turned()
    return feed


def reasons(feed: BookFeed) -> dict[str, str]:
    return {ticker: feed.status(ticker).reason for ticker in feed.tickers}
