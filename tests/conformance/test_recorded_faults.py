"""Every single frame of two recordings removed, duplicated, or swapped with the next, one at a time.

The exchange is played from the undamaged recording: it numbers its frames, puts the snapshots it is asked for
into the stream (they take numbers too), and ends with one more frame on each subscription, so that the loss of
the last one can show.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace
from recorded_feed import CENT, frames, tickers

from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol.effects import RequestSnapshots
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.units import ONE, Side, format_count, format_price
from kalshi_tui.protocol.wire import KnownMessage, Message
from kalshi_tui.protocol.wire_messages import AnyDelta, BookSnapshot, Ok, SnapshotBody

RECORDINGS = ["ws/sports-12-markets-one-sid.json", "ws/KXBTC-8-strikes-one-event.jsonl"]
CONN = 1
START = Instant(1, 1)


class Exchange:
    """The undamaged stream, with answers put in where they are asked for."""

    def __init__(self, recording: list[KnownMessage]) -> None:
        sids = sorted({m.sid for m in recording if m.sid is not None and m.seq is not None})
        self._rest: list[KnownMessage] = [*recording, *(Ok(sid=sid, seq=0) for sid in sids)]
        self._numbers: dict[int, int] = {}
        self.truth = BookFeed()
        for ticker in tickers(list(recording)):
            self.truth.follow(ticker, CENT)
        self.truth.open(CONN, START)

    def ask(self, request: RequestSnapshots) -> None:
        answers = [self._snapshot(request.sid, ticker) for ticker in request.tickers]
        self._rest[:0] = answers

    def _snapshot(self, sid: int, ticker: str) -> KnownMessage:
        return BookSnapshot(msg=SnapshotBody(market_ticker=ticker), sid=sid, seq=0)

    def stream(self) -> Iterator[KnownMessage]:
        while self._rest:
            message = self._rest.pop(0)
            if message.sid is not None and message.seq is not None:
                number = self._numbers.get(message.sid, 0) + 1
                self._numbers[message.sid] = number
                message = replace(message, seq=number)
            if isinstance(message, BookSnapshot) and self.truth.status(message.msg.market_ticker).valid:
                message = replace(message, msg=self._body(message.msg.market_ticker))
            self.truth.apply(CONN, message, START)
            yield message

    def _body(self, ticker: str) -> SnapshotBody:
        book = self.truth.book(ticker)
        assert book is not None
        yes = [(format_price(p), format_count(c)) for p, c in book.levels(Side.BID)]
        no = [(format_price(ONE - p), format_count(c)) for p, c in book.levels(Side.ASK)]
        return SnapshotBody(market_ticker=ticker, yes_dollars_fp=yes or None, no_dollars_fp=no or None)


class Outcome(Struct):
    feed: BookFeed
    went_invalid: set[str]
    """Markets that were live and lost it."""
    live_at_damage: set[str]
    """Markets that were live when the damaged frame was due."""
    damaged: list[Message]


def run(recording: list[KnownMessage], damage: str, place: int) -> Outcome:
    exchange = Exchange(recording)
    names = tickers(list(recording))
    feed = BookFeed()
    for ticker in names:
        feed.follow(ticker, CENT)
    feed.open(CONN, START)
    went: set[str] = set()
    live: set[str] = set()
    live_at_damage: set[str] = set()
    damaged: list[Message] = []
    held: KnownMessage | None = None
    at = START
    for index, message in enumerate(exchange.stream()):
        arriving = [message]
        if index == place:
            live_at_damage = set(live)
            damaged = [message]
            arriving = {"remove": [], "duplicate": [message, message], "swap": []}[damage]
            held = message if damage == "swap" else None
        elif held is not None:
            damaged.append(message)
            arriving, held = [message, held], None
        for frame in arriving:
            at = at.plus(100_000)
            feed.apply(CONN, frame, at)
            feed.expire(at)
            valid = {ticker for ticker in names if feed.status(ticker).valid}
            went |= live - valid
            live = valid
        for request in feed.requests():
            assert isinstance(request, RequestSnapshots)
            exchange.ask(request)
    # What never got a snapshot is asked for after a moment.
    for _ in range(2):
        at = at.plus(600_000_000)
        feed.expire(at)
        for request in feed.requests():
            assert isinstance(request, RequestSnapshots)
            exchange.ask(request)
        for message in exchange.stream():
            feed.apply(CONN, message, at)
    for ticker in names:
        ours, true = feed.book(ticker), exchange.truth.book(ticker)
        assert ours is not None and true is not None
        assert feed.status(ticker).valid, (damage, place, ticker)
        assert ours.state() == true.state(), (damage, place, ticker)
    assert feed.counters.book_mismatches == feed.counters.negative_levels == 0
    return Outcome(feed, went, live_at_damage, damaged)


def sequenced(message: Message) -> bool:
    return message.sid is not None and message.seq is not None  # type: ignore[union-attr]


def on_stream(message: Message, outcome: Outcome, recording: list[KnownMessage]) -> set[str]:
    """Markets of the damaged frame's subscription that were live when it was due."""
    sid = message.sid  # type: ignore[union-attr]
    names = {
        m.msg.market_ticker for m in recording if isinstance(m, BookSnapshot | AnyDelta) and m.sid == sid
    }
    return names & outcome.live_at_damage


@pytest.fixture(scope="module", params=RECORDINGS)
def recording(request: pytest.FixtureRequest, shared_data: Path) -> list[KnownMessage]:
    found: list[KnownMessage] = []
    for _, _, message in frames(shared_data / request.param):
        assert not hasattr(message, "sha256") and hasattr(message, "sending_ts_ms")
        found.append(message)  # type: ignore[arg-type]
    assert len(found) >= 70
    return found


def test_as_recorded_nothing_is_lost(recording: list[KnownMessage]) -> None:
    outcome = run(recording, "none", -1)
    counted = outcome.feed.counters
    assert (counted.gaps, counted.duplicates, counted.resyncs, counted.invalid_frames) == (0, 0, 0, 0)
    assert outcome.went_invalid == set()


def test_every_frame_removed_once(recording: list[KnownMessage]) -> None:
    for place, original in enumerate(recording):
        outcome = run(recording, "remove", place)
        counted = outcome.feed.counters
        if not sequenced(original):
            assert counted.gaps == 0 and outcome.went_invalid == set(), place
            continue
        expected = on_stream(original, outcome, recording)
        assert counted.gaps == 1, place
        # The frame after the gap may itself be a first snapshot: live at once, never lost.
        assert expected <= outcome.went_invalid, place
        assert outcome.went_invalid == expected, place
        assert counted.resyncs == len(expected), place


def test_every_frame_duplicated_once(recording: list[KnownMessage]) -> None:
    for place, original in enumerate(recording):
        outcome = run(recording, "duplicate", place)
        counted = outcome.feed.counters
        assert (counted.gaps, counted.resyncs) == (0, 0), place
        assert counted.duplicates == sequenced(original), place
        assert outcome.went_invalid == set(), place


def test_every_frame_swapped_with_its_neighbour_once(recording: list[KnownMessage]) -> None:
    for place, original in enumerate(recording[:-1]):
        outcome = run(recording, "swap", place)
        counted = outcome.feed.counters
        neighbour = recording[place + 1]
        one_sequence = sequenced(original) and sequenced(neighbour) and original.sid == neighbour.sid
        assert counted.gaps == one_sequence, place
        assert counted.duplicates == 0, place
        expected = on_stream(original, outcome, recording) if one_sequence else set()
        if isinstance(neighbour, BookSnapshot):
            # A snapshot is whole in itself, wherever it arrives.
            expected.discard(neighbour.msg.market_ticker)
        assert outcome.went_invalid - expected == set(), place
        assert expected <= outcome.went_invalid, place
