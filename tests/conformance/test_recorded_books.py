"""Our books against real recordings, and against a second opinion on one of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_feed import CENT, TAPERED, feed_for, frames, tickers

from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import ONE, Side
from kalshi_tui.protocol.wire_messages import AnyDelta, BookSnapshot, InvalidFrame, Trade, UnknownFrame

GOLD = "gold15m/KXGOLD15M-26AUG"
BTC = "btc15m/KXBTC15M-20260513T"
TAPES = [
    # tape, grid, connections, later snapshots that must equal our book
    (GOLD + "050800-00.ndjson.gz", CENT, 1, 0),
    (GOLD + "101815-15.ndjson.gz", CENT, 1, 1),
    (GOLD + "102030-30.ndjson.gz", CENT, 2, 1),
    (GOLD + "102045-45.ndjson.gz", CENT, 1, 1),
    (GOLD + "102130-30.ndjson.gz", CENT, 2, 1),
    (BTC + "1333Z.ndjson.gz", TAPERED, 2, 1),
    (BTC + "1541Z.ndjson.gz", TAPERED, 2, 1),
]


@pytest.mark.parametrize(("name", "grid", "connections", "checks"), TAPES)
def test_recorded_market_stays_true(
    shared_data: Path, name: str, grid: TickGrid, connections: int, checks: int
) -> None:
    recording = list(frames(shared_data / name))
    messages = [message for _, _, message in recording]
    feed = feed_for(shared_data / name, grid, tickers(messages))
    conn, epochs = None, 0
    for at, number, message in recording:
        assert not isinstance(message, (InvalidFrame, UnknownFrame))
        if number != conn:
            conn = number
            feed.open(conn, at)
        waiting = isinstance(message, BookSnapshot) and not feed.status(message.msg.market_ticker).valid
        feed.apply(conn, message, at)
        feed.expire(at)
        if isinstance(message, BookSnapshot):
            # A cut tape's reconnect shows in its numbers alone: its first snapshot is told from `checks`.
            epochs += waiting
            assert feed.status(message.msg.market_ticker).valid
    counted = feed.counters
    assert counted.frames == len(messages)
    assert counted.deltas == sum(isinstance(m, AnyDelta) for m in messages)
    assert counted.trades == sum(isinstance(m, Trade) for m in messages)
    assert (counted.gaps, counted.negative_levels, counted.crossed_settled) == (0, 0, 0)
    assert (counted.invalid_frames, counted.duplicates, counted.resyncs) == (0, 0, 0)
    assert (counted.book_checks, counted.book_mismatches) == (checks, 0)
    if name.startswith("btc15m"):
        assert epochs == connections


def test_a_cut_tape_notices_its_reconnect(shared_data: Path) -> None:
    """Without the numbers going back the second snapshot would be a check, and would not match."""
    path = shared_data / (GOLD + "102030-30.ndjson.gz")
    recording = list(frames(path))[:4080]
    feed = feed_for(path, CENT, tickers([recording[0][2]]))
    feed.open(1, recording[0][0])
    for at, conn, message in recording[:-1]:
        feed.apply(conn, message, at)
    at, conn, last = recording[-1]
    assert isinstance(last, BookSnapshot)
    book = feed.book(last.msg.market_ticker)
    assert book is not None
    assert not book.holds(book.read(last.msg.yes_dollars_fp, last.msg.no_dollars_fp))
    feed.apply(conn, last, at)
    assert feed.counters.book_checks == 0
    assert book.holds(book.read(last.msg.yes_dollars_fp, last.msg.no_dollars_fp))


def test_momentary_crosses_are_not_settled(shared_data: Path) -> None:
    """The tape holds momentary crosses; each is over with its exchange stamp, and none counts."""
    path = shared_data / (BTC + "1541Z.ndjson.gz")
    recording = list(frames(path))
    feed = feed_for(path, TAPERED, tickers([message for _, _, message in recording]))
    conn, crosses, was_crossed = None, 0, False
    for at, number, message in recording:
        if number != conn:
            conn = number
            feed.open(conn, at)
        ticker = feed.apply(conn, message, at)
        if ticker is None:
            continue
        book = feed.book(ticker)
        assert book is not None
        assert feed.settled(ticker) is not book.crossed
        crosses += book.crossed and not was_crossed
        was_crossed = book.crossed
    assert crosses >= 53
    assert feed.counters.crossed_settled == 0


def test_second_opinion(shared_data: Path) -> None:
    """An independent reconstruction of one book on a grid of 100 ms agrees with ours, level by level."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is a test dependency")
    table = parquet.read_table(shared_data / (GOLD + "102130-30.book-100ms.parquet")).to_pydict()
    points: dict[int, dict[tuple[Side, int], int]] = {}
    for stamp, side, price, size in zip(
        table["ts_ms"], table["side"], table["price_1e4"], table["size_1e2"], strict=True
    ):
        point = points.setdefault(stamp, {})
        if size:
            point[(Side.BID, price) if side == "yes" else (Side.ASK, ONE - price)] = size
    path = shared_data / (GOLD + "102130-30.ndjson.gz")
    (ticker,) = set(table["ticker"])
    feed = feed_for(path, CENT, [ticker])
    recording = list(frames(path))
    feed.open(1, recording[0][0])
    place = 0
    differing: list[int] = []
    for stamp in sorted(points):
        while place < len(recording) and recording[place][0].wall <= stamp * 1_000_000:
            moment, conn, message = recording[place]
            feed.apply(conn, message, moment)
            place += 1
        if levels(feed, ticker) != points[stamp]:
            differing.append(stamp)
    assert len(points) == 8845
    # Three ties: frames of the stamp's own millisecond, of which the other side read a different part.
    stamps = {moment.wall // 1_000_000 for moment, _, _ in recording}
    assert len(differing) == 3
    assert all(stamp in stamps for stamp in differing)


def levels(feed: BookFeed, ticker: str) -> dict[tuple[Side, int], int]:
    book = feed.book(ticker)
    assert book is not None
    return {(side, price): count for side in Side for price, count in book.levels(side)}


@pytest.mark.parametrize("name", ["ws/demo-no-leg-prices.jsonl", "ws/demo-use-yes-price.jsonl"])
def test_both_ways_of_pricing_no_give_one_kind_of_book(shared_data: Path, name: str) -> None:
    recording = [message for _, _, message in frames(shared_data / name)]
    (ticker,) = tickers(recording)
    feed = BookFeed(use_yes_price="use-yes" in name)
    feed.follow(ticker, CENT)
    first = next(at for at, _, _ in frames(shared_data / name))
    feed.open(1, first)
    for message in recording:
        feed.apply(1, message, first)
        if isinstance(message, BookSnapshot):
            book = feed.book(ticker)
            assert book is not None
            assert (book.best_bid, book.best_ask) == (4700, 5200)
    assert feed.counters.gaps == feed.counters.negative_levels == 0
    book = feed.book(ticker)
    assert book is not None and not book.crossed
