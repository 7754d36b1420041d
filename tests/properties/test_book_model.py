"""The book and the feed against models that are too simple to be wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

import hypothesis.strategies as st
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from book_changes import change
from kalshi_tui.orderbook.book import Book
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.orderbook.memo import BookFault
from kalshi_tui.protocol.effects import RequestSnapshots
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.ticks import STRUCTURES, TickGrid
from kalshi_tui.protocol.units import ONE, Count, Price, Side, format_count, format_price
from kalshi_tui.protocol.wire import KnownMessage
from kalshi_tui.protocol.wire_messages import BookDelta, BookSnapshot, DeltaBody, SnapshotBody

GRIDS = st.sampled_from(["linear_cent", "tapered_deci_cent", "deci_cent"]).map(TickGrid.named)
LEGS = st.sampled_from(["yes", "no"])


def leg_price(leg: str, price: Price) -> str:
    return format_price(price if leg == "yes" else ONE - price)


class BookMachine(RuleBasedStateMachine):
    """Every operation of a book, and a dictionary that does the same."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = TickGrid.named("tapered_deci_cent")
        self.book = Book("A", self.grid)
        self.model: dict[tuple[Side, Price], Count] = {}

    @rule(leg=LEGS, level=st.integers(0, 30), count=st.integers(-500, 500))
    def change(self, leg: str, level: int, count: Count) -> None:
        price = self.grid.prices[level * 9]
        key = (Side.BID if leg == "yes" else Side.ASK, price)
        after = self.model.get(key, 0) + count
        try:
            change(self.book, leg, leg_price(leg, price), format_count(count))
        except BookFault as fault:
            assert after < 0 and fault.word == "negative"
            return
        assert after >= 0
        self._set(key, after)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove_a_level(self, data: st.DataObject) -> None:
        side, price = data.draw(st.sampled_from(sorted(self.model)))
        leg = "yes" if side is Side.BID else "no"
        change(self.book, leg, leg_price(leg, price), format_count(-self.model.pop((side, price))))

    @rule(levels=st.dictionaries(st.tuples(LEGS, st.integers(0, 278)), st.integers(0, 10**9), max_size=12))
    def snapshot(self, levels: dict[tuple[str, int], Count]) -> None:
        sides: dict[str, list[tuple[str, str]]] = {"yes": [], "no": []}
        self.model = {}
        for (leg, level), count in levels.items():
            price = self.grid.prices[level]
            sides[leg].append((leg_price(leg, price), format_count(count)))
            self._set((Side.BID if leg == "yes" else Side.ASK, price), count)
        ladders = self.book.read(sides["yes"], sides["no"])
        self.book.replace(ladders)
        assert self.book.holds(self.book.read(sides["yes"], sides["no"]))

    @rule(name=st.sampled_from(sorted(STRUCTURES)))
    def regrid(self, name: str) -> None:
        grid = TickGrid.named(name)
        fits = all(grid.is_valid(price) for _, price in self.model)
        try:
            moved = self.book.on_grid(grid)
        except BookFault:
            assert not fits
            return
        assert fits
        assert moved.state() == self.book.state()

    @rule(
        own=st.dictionaries(
            st.tuples(st.sampled_from(Side), st.integers(0, 278)), st.integers(0, 400), max_size=6
        )
    )
    def top_without(self, own: dict[tuple[Side, int], Count]) -> None:
        mine = {(side, self.grid.prices[level]): count for (side, level), count in own.items()}
        left = {key: count - mine.get(key, 0) for key, count in self.model.items()}
        bids = {price: count for (side, price), count in left.items() if side is Side.BID and count > 0}
        asks = {price: count for (side, price), count in left.items() if side is Side.ASK and count > 0}
        bid, ask = max(bids, default=None), min(asks, default=None)
        expected = (bid, bids[bid] if bid is not None else 0, ask, asks[ask] if ask is not None else 0)
        assert self.book.top_without(mine) == expected

    @invariant()
    def agree(self) -> None:
        bids = sorted(((p, c) for (s, p), c in self.model.items() if s is Side.BID), reverse=True)
        asks = sorted((p, c) for (s, p), c in self.model.items() if s is Side.ASK)
        book = self.book
        assert book.state() == (tuple(bids), tuple(asks))
        assert (book.best_bid, book.bid_size) == (bids[0] if bids else (None, 0))
        assert (book.best_ask, book.ask_size) == (asks[0] if asks else (None, 0))
        assert book.crossed == bool(bids and asks and bids[0][0] >= asks[0][0])
        assert book.empty == (not self.model)
        assert book.depth(Side.BID, self.grid.size) == sum(count for _, count in bids)
        assert book.depth(Side.ASK, self.grid.size) == sum(count for _, count in asks)
        for (side, price), count in self.model.items():
            assert book.size_at(side, price) == count

    def _set(self, key: tuple[Side, Price], count: Count) -> None:
        if count:
            self.model[key] = count
        else:
            self.model.pop(key, None)


TestBookMachine = BookMachine.TestCase
TestBookMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@dataclass
class Venue:
    """Two markets on one subscription: what is true, and the frames that say so."""

    truth: dict[str, dict[tuple[str, Price], Count]] = field(default_factory=lambda: {"A": {}, "B": {}})
    seq: int = 0
    clock: int = 0

    def snapshot(self, ticker: str) -> KnownMessage:
        self.seq += 1
        sides: dict[str, list[tuple[str, str]]] = {"yes": [], "no": []}
        for (leg, price), count in self.truth[ticker].items():
            sides[leg].append((format_price(price), format_count(count)))
        body = SnapshotBody(ticker, self.clock, sides["yes"] or None, sides["no"] or None)
        return BookSnapshot(body, sid=1, seq=self.seq)

    def delta(self, ticker: str, leg: str, price: Price, count: Count) -> KnownMessage:
        levels = self.truth[ticker]
        count = max(count, -levels.get((leg, price), 0))
        self.seq += 1
        self.clock += 1
        levels[(leg, price)] = levels.get((leg, price), 0) + count
        if not levels[(leg, price)]:
            del levels[(leg, price)]
        body = DeltaBody(
            market_ticker=ticker,
            price_dollars=format_price(price),
            delta_fp=format_count(count),
            side=leg,  # type: ignore[arg-type]
            clock=self.clock,
        )
        return BookDelta(msg=body, sid=1, seq=self.seq)


STEP = st.tuples(
    st.sampled_from(["A", "B"]),
    LEGS,
    st.integers(1, 20),
    st.integers(-300, 300),
    st.sampled_from(["deliver"] * 12 + ["lose", "twice", "hold", "check"]),
)


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEP, min_size=1, max_size=60))
def test_a_valid_book_is_always_the_venues(steps: list[tuple[str, str, int, Count, str]]) -> None:
    """I6: frames are lost, doubled and delayed at will; a book that says it is valid is right, and in the end
    all are valid again."""
    venue, feed = Venue(), BookFeed()
    grid = TickGrid.named("linear_cent")
    at = Instant(0, 0)
    for ticker in venue.truth:
        feed.follow(ticker, grid)
    feed.open(1, at)
    known: dict[str, dict[tuple[str, Price], Count]] = {}

    def deliver(message: KnownMessage) -> None:
        feed.apply(1, message, at)

    for ticker in venue.truth:
        deliver(venue.snapshot(ticker))
    held: list[KnownMessage] = []
    for ticker, leg, cents, count, fate in steps:
        # Legs far apart, so that the book never crosses.
        message = venue.delta(ticker, leg, cents * 100, count) if fate != "check" else venue.snapshot(ticker)
        if fate == "hold":
            held.append(message)
            continue
        if fate != "lose":
            deliver(message)
        if fate == "twice":
            deliver(message)
        for late in held:
            deliver(late)
        held = []
        if fate != "lose":
            known = {name: dict(levels) for name, levels in venue.truth.items()}
            _check(feed, known)
    for _ in range(3):
        deliver(venue.snapshot("A"))
        for request in feed.requests():
            assert isinstance(request, RequestSnapshots)
            for ticker in request.tickers:
                deliver(venue.snapshot(ticker))
    assert all(feed.status(ticker).valid for ticker in venue.truth)
    _check(feed, venue.truth)
    assert feed.counters.book_mismatches == feed.counters.negative_levels == 0


def _check(feed: BookFeed, truth: dict[str, dict[tuple[str, Price], Count]]) -> None:
    for ticker, levels in truth.items():
        if feed.status(ticker).valid:
            book = feed.book(ticker)
            assert book is not None
            ours = {("yes", price): count for price, count in book.levels(Side.BID)}
            ours |= {("no", ONE - price): count for price, count in book.levels(Side.ASK)}
            assert ours == levels, ticker
