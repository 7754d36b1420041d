"""What a calibration looks at: the features of each recorded market at every change of its touch and every second.

The same books and the same features as the desk's, fed as the kernel feeds them, without a kernel. Nothing is
looked at before its market opened or after it closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from kalshi_tui.features.market import MarketFeatures
from kalshi_tui.kernel.calibration import series_of
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Market
from kalshi_tui.protocol.ticks import STRUCTURES, TickGrid
from kalshi_tui.protocol.units import SECOND, Count, Nanos, Price, UnitError, parse_price
from kalshi_tui.protocol.wire import decode
from kalshi_tui.protocol.wire_convert import trade_from
from kalshi_tui.protocol.wire_messages import AnyDelta, BookSnapshot, Trade
from kalshi_tui.research.tape_facts import TapeFacts
from kalshi_tui.storage.tape_read import Form, Recording, open_tapes
from kalshi_tui.storage.tape_rows import TapeError, TapeRow, WatchMarket

LONGEST_SILENCE: Nanos = 5 * SECOND
"""Of a whole tape. Over a longer one nothing is known, and no step, label or forecast reaches across it."""


class State(Struct, frozen=True, gc=False):
    """One market at one moment."""

    at: Nanos
    """Monotonic."""
    beat: bool
    """A sample of the one-second clock; the others are changes of the touch."""
    mid2: int | None
    """bid + ask; None while there is no mid."""
    bid: Price
    bid_size: Count
    ask: Price
    ask_size: Count
    share: float
    """The table's argument: the bid's steady share of the touch."""
    spread: int | None
    """Levels; None off the grid."""
    tick: Price
    event: bool
    """A jump is latched or there is no mid: the slow baselines are held."""
    spread_ratio: float | None
    vol_ratio: float | None


class Watched(Struct):
    """Everything seen of one market; a segment is a stretch without a hole."""

    ticker: str
    event: str
    series: str
    grid: TickGrid
    segments: list[list[State]]
    begun: Nanos = 0
    """Wall, of the first state."""
    ended: Nanos = 0
    offsets: list[Nanos] = []
    """Wall less monotonic time at the begin of each segment: recordings have clocks of their own."""


class Observed(Struct):
    """All tapes read. ``problem`` says what of them could not be; everything else of them stands."""

    markets: list[Watched]
    first: Nanos
    """Wall."""
    last: Nanos
    assumptions: list[str]
    problem: str = ""


def observe(tapes: Sequence[Path], events: Sequence[Path], price_structure: str) -> Observed:
    """Read the tapes, each by itself. ``FactsError``, ``UnitError`` for what can not be used."""
    facts = TapeFacts(tuple(events), price_structure)
    damage: list[TapeError] = []
    recordings = open_tapes(tapes, damage)
    found: dict[str, Watched] = {}
    stamps: list[Nanos] = []
    assumptions: list[str] = []
    for recording in recordings:
        watch = _Watch(recording, facts, found)
        watch.run(damage)
        assumptions += watch.assumptions
        stamps += [stamp for stamp in (watch.first, watch.last) if stamp is not None]
    if any(recording.form is Form.OURS for recording in recordings):
        assumptions.append(
            "own orders that rested while a tape of ours was recorded count as part of its books"
        )
    markets = [market for market in found.values() if market.segments]
    problem = " ".join(map(str, damage))
    return Observed(markets, min(stamps, default=0), max(stamps, default=0), assumptions, problem)


def guess_structure(recording: Recording, ticker: str) -> str:
    """The coarsest known price structure that holds every price the recording shows of this market."""
    prices: set[Price] = set()
    # What of the tape can not be read is told by the pass that follows; the rest will do.
    for row in recording.rows([]):
        message = decode(row.raw) if row.raw is not None else None
        try:
            if isinstance(message, AnyDelta) and message.msg.market_ticker == ticker:
                prices.add(parse_price(message.msg.price_dollars))
            elif isinstance(message, BookSnapshot) and message.msg.market_ticker == ticker:
                levels = [*(message.msg.yes_dollars_fp or ()), *(message.msg.no_dollars_fp or ())]
                prices.update(parse_price(price) for price, _ in levels)
        except UnitError:
            continue
    coarse = sorted(STRUCTURES, key=lambda name: TickGrid.named(name).size)
    return next((name for name in coarse if all(map(TickGrid.named(name).is_valid, prices))), coarse[-1])


class _Follow:
    """One market while its recording runs."""

    __slots__ = ("features", "held", "market", "open", "second", "watched")

    def __init__(self, market: Market, grid: TickGrid, watched: Watched) -> None:
        self.market = market
        self.features = MarketFeatures(grid, market.close_time)
        self.watched = watched
        self.open = False
        """Whether the last segment goes on."""
        self.second = -1
        """Of the last beat."""
        self.held = False
        """Whether the last state was an event."""

    def add(self, now: Instant, beat: bool) -> None:
        features, seen = self.features, self.features.snapshot(now)
        state = State(
            now.mono,
            beat,
            seen.mid2,
            features.bid or 0,
            features.bid_size,
            features.ask or 0,
            features.ask_size,
            0.5 if seen.steady_share is None else seen.steady_share,
            seen.spread_levels,
            seen.tick or 0,
            seen.jump or bool(seen.problem),
            seen.spread_ratio,
            seen.vol_ratio,
        )
        watched = self.watched
        if not watched.segments:
            watched.begun = now.wall
        watched.begun, watched.ended = min(watched.begun, now.wall), max(watched.ended, now.wall)
        if not self.open:
            watched.segments.append([])
            watched.offsets.append(now.wall - now.mono)
            self.open = True
        watched.segments[-1].append(state)
        self.held = state.event


class _Watch:
    """One pass over one recording."""

    def __init__(self, recording: Recording, facts: TapeFacts, found: dict[str, Watched]) -> None:
        self.first: Nanos | None = None
        self.last: Nanos | None = None
        self.assumptions: list[str] = []
        self._recording = recording
        self._facts = facts
        self._found = found
        self._feed = BookFeed(sparse=not recording.dense, use_yes_price=recording.use_yes_price)
        self._known: dict[str, Market] = {}
        self._follows: dict[str, _Follow] = {}
        self._dirty: dict[str, None] = {}
        self._conn = 0
        self._now = Instant(0, 0)

    def run(self, damage: list[TapeError]) -> None:
        """To the tape's end; a hole in it or its end closes all segments. ``damage`` as ``Recording.rows`` has it."""
        try:
            for row in self._recording.rows(damage):
                at = Instant(row.recv_ns if row.mono_ns is None else row.mono_ns, row.recv_ns)
                if self.first is None:
                    self.first, self._now = at.wall, at
                    self._known = {market.ticker: market for market in self._facts.known(at.wall)[0]}
                elif at.wall != self._now.wall:
                    self._settle()
                    self._wait(at)
                self.last = at.wall
                self._now = at if at.mono >= self._now.mono else Instant(self._now.mono, at.wall)
                self._row(row)
        finally:
            self._settle()

    def _row(self, row: TapeRow) -> None:
        if isinstance(row.fact, WatchMarket):
            self._facts.watch(row.fact)
        if row.raw is None:
            return
        if row.conn != self._conn:
            if self._conn:
                self._feed.close(self._conn, self._now)
            self._conn = row.conn
            self._feed.open(row.conn, self._now)
        message = decode(row.raw)
        if isinstance(message, AnyDelta | BookSnapshot | Trade):
            ticker = message.msg.market_ticker
            follow = self._follows.get(ticker)
            if isinstance(message, Trade):
                if follow is not None:
                    follow.features.on_trade(trade_from(message), self._now)
            elif follow is None:
                self._take_up(ticker)
        changed = self._feed.apply(self._conn, message, self._now)
        if changed is not None:
            self._dirty[changed] = None

    def _take_up(self, ticker: str) -> None:
        market = self._known.get(ticker)
        if market is None:
            ((market,), _) = self._facts.first_seen(ticker, self._now.wall)
        grid = market.grid
        if grid is None:
            name = guess_structure(self._recording, ticker)
            grid = TickGrid.named(name)
            self.assumptions.append(
                f"{ticker} is taken to trade on the grid {name}: every price on the tape is on it"
            )
        event = market.event_ticker
        if event == ticker:  # nobody said which; by the exchange's way of naming
            event = ticker.rpartition("-")[0] or event
        watched = self._found.setdefault(ticker, Watched(ticker, event, series_of(market), grid, []))
        watched.grid = max(watched.grid, grid, key=lambda one: one.size)
        self._follows[ticker] = _Follow(market, grid, watched)
        self._feed.follow(ticker, grid, market.close_time)

    # -- time ----------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Everything received at one stamp is in: look at what it changed, and at all once a second."""
        now = self._now
        self._feed.expire(now)
        for ticker in self._feed.turned():  # lost or begun anew: what was before is cut off
            if ticker in self._follows:
                self._follows[ticker].open = False
                self._dirty[ticker] = None
        dirty, self._dirty = self._dirty, {}
        for ticker in dirty:
            follow = self._follows.get(ticker)
            if follow is not None:
                self._touch(follow)
        self._beat()

    def _touch(self, follow: _Follow) -> None:
        ticker = follow.market.ticker
        if not self._in_hours(follow) or not self._feed.status(ticker).valid:
            follow.open = False
            return
        book = self._feed.book(ticker)
        if book is None or not self._feed.settled(ticker):
            return
        top = book.top_without({})
        features = follow.features
        before = (features.bid, features.bid_size, features.ask, features.ask_size)
        features.on_top(*top, self._now)
        if before != tuple(top):
            follow.add(self._now, beat=False)

    def _beat(self) -> None:
        """The one-second clock, once in each second."""
        now = self._now
        second = now.mono // SECOND
        for follow in self._follows.values():
            if follow.second == second:
                continue
            if not self._in_hours(follow) or not self._feed.status(follow.market.ticker).valid:
                follow.open = False
            elif self._feed.settled(follow.market.ticker):
                follow.second = second
                follow.features.on_grid(now, hold_baselines=follow.held)
                follow.add(now, beat=True)

    def _wait(self, until: Instant) -> None:
        """The seconds between two stamps, as a running desk would count them."""
        if until.mono - self._now.mono > LONGEST_SILENCE:
            for follow in self._follows.values():
                follow.open = False
            return
        while (left := SECOND - self._now.mono % SECOND) < until.mono - self._now.mono:
            self._now = self._now.plus(left)
            self._beat()

    def _in_hours(self, follow: _Follow) -> bool:
        market, wall = follow.market, self._now.wall
        opened = market.open_time is None or wall >= market.open_time
        return opened and (market.close_time is None or wall < market.close_time)
