"""A recording through the whole desk: the same kernel, a simulated venue, the tape's own clock.

``decide`` is called after each distinct receive stamp, whatever the speed, so that two replays of one tape decide
the same. No look-ahead: of a market's facts only what was fixed beforehand is told before the tape gets there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from kalshi_tui.execution.paper import PaperParams, PaperVenue
from kalshi_tui.kernel.kernel import Kernel
from kalshi_tui.kernel.recovery import cash_explained
from kalshi_tui.kernel.settings import KernelSettings
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.commands import AnyCommand, EndDesk
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Event, Market
from kalshi_tui.protocol.units import MILLISECOND, ONE, SECOND, Nanos, Side, format_count, format_price
from kalshi_tui.protocol.wire import Message, decode
from kalshi_tui.protocol.wire_convert import trade_from
from kalshi_tui.protocol.wire_messages import (
    AnyDelta,
    BookSnapshot,
    FillMessage,
    MarketLifecycle,
    MarketPosition,
    Trade,
    UserOrder,
)
from kalshi_tui.research.tape_facts import TapeFacts
from kalshi_tui.storage import kernel_rows
from kalshi_tui.storage.tape_read import open_tapes, read_tapes
from kalshi_tui.storage.tape_rows import KernelRow, TapeError, TapeRow, WatchMarket

SCREEN = 1
"""The session of a screen that looks on."""
END_STEPS = 2000
END_STEP: Nanos = 20 * MILLISECOND

PAPER_REQUESTS = (
    ef.CreateOrder,
    ef.CancelOrder,
    ef.AmendOrder,
    ef.ReadOrders,
    ef.ReadFills,
    ef.ReadPositions,
    ef.ReadBalance,
    ef.ReadSettlements,
    ef.ReadQueue,
)


class ReplayOptions(Struct, frozen=True):
    tapes: tuple[Path, ...]
    settings: KernelSettings
    events: tuple[Path, ...] = ()
    """REST event bodies with facts of the markets."""
    price_structure: str = ""
    """Grid of markets whose own is not known from anywhere."""
    paper: PaperParams = PaperParams()


class Replay:
    """One run over one set of tapes; ``TapeError`` where none of them is one.

    ``steps`` yields after each decision; ``summary`` when it is through.
    """

    def __init__(self, options: ReplayOptions, say: Callable[[str, int, dict[str, object]], None]) -> None:
        self.options = options
        self.damage: list[TapeError] = []
        """What of the tapes could not be read; everything else of them is replayed."""
        self.tapes = open_tapes(options.tapes, self.damage)
        if not self.tapes:
            raise self.damage[0]
        self.facts = TapeFacts(options.events, options.price_structure)
        self.paper = PaperVenue(options.paper)
        self.first: Nanos | None = None
        self.now = Instant(0, 0)
        self.ended: ef.EndDesk | None = None
        self.answers: list[ef.Answer] = []
        """What commands were answered, for a screen that looks on."""
        self._say = say
        self._hash = hashlib.sha256()
        self._conn = 0
        self._kernel: Kernel | None = None

    @property
    def kernel(self) -> Kernel:
        if self._kernel is None:
            raise RuntimeError("the replay has not begun")
        return self._kernel

    @property
    def begun(self) -> bool:
        """Whether a row was taken in."""
        return self._kernel is not None

    def command(self, command: AnyCommand) -> ef.Answer:
        """What a screen asks, at the tape's present instant."""
        self.kernel.apply(ev.CommandReceived(self.now, SCREEN, command, True))
        self._decide()
        return self.answers.pop()

    def attach(self) -> None:
        """A screen looks on and is in control."""
        self.kernel.apply(ev.SessionChanged(self.now, 1, SCREEN))

    def steps(self) -> Iterator[Instant]:
        """Replay the tapes; each yield is an instant at which everything received so far was decided on."""
        for row in read_tapes(self.tapes, self.damage):
            at = Instant(row.recv_ns if row.mono_ns is None else row.mono_ns, row.recv_ns)
            if self._kernel is None:
                self._begin(at)
            elif at.wall != self.now.wall:
                self._decide()
                yield self.now
            self.now = at if at.mono >= self.now.mono else Instant(self.now.mono, at.wall)
            self._row(row)
        if self._kernel is not None:
            self._decide()
            yield self.now
            yield from self._finish()

    # -- the tape ------------------------------------------------------------------------------------

    def _begin(self, at: Instant) -> None:
        tape = self.tapes[0]
        feed = BookFeed(sparse=not tape.dense, use_yes_price=tape.use_yes_price)
        self._kernel = Kernel(self.options.settings, feed, at)
        self.first = at.wall
        self.now = at
        self._markets(self.facts.known(at.wall))

    def _row(self, row: TapeRow) -> None:
        if isinstance(row.fact, WatchMarket):
            self.facts.watch(row.fact)
        elif isinstance(row.fact, KernelRow):
            self._recorded(row.fact)
        self._markets(self.facts.due(self.now.wall))
        if row.raw is None:
            return
        if row.conn != self._conn:
            if self._conn:
                self.kernel.apply(ev.FeedClosed(self.now, self._conn, "the recorder reconnected"))
            self._conn = row.conn
            self.kernel.apply(ev.FeedOpened(self.now, row.conn))
        self._frame(decode(row.raw))

    def _recorded(self, row: KernelRow) -> None:
        """What a desk of ours was told beside its frames: of that only facts of markets; orders were its own."""
        try:
            event = kernel_rows.decode(row.body)
        except ValueError:
            return
        if isinstance(event, ev.MarketsRead):
            read = msgspec.structs.replace(event, at=self.now)
            self.kernel.apply(read)
            for market in read.markets:
                self.facts.told(market)
                self.paper.on_market(market, self.now)

    def _frame(self, message: Message) -> None:
        if isinstance(message, FillMessage | UserOrder | MarketPosition):
            return  # the recorded desk's own account, not ours
        kernel, now = self.kernel, self.now
        ticker = _ticker(message)
        if ticker is not None and ticker not in kernel.state.markets:
            self._markets(self.facts.first_seen(ticker, now.wall))
        kernel.apply(ev.FrameReceived(now, self._conn, message))
        if isinstance(message, AnyDelta | BookSnapshot) and ticker is not None:
            book = kernel.state.feed.book(ticker)
            if book is not None and kernel.state.feed.status(ticker).valid:
                self.paper.on_book(ticker, book, now)
        elif isinstance(message, Trade):
            self.paper.on_trade(trade_from(message), now)
        elif isinstance(message, MarketLifecycle) and ticker is not None:
            self.paper.on_market(kernel.state.markets[ticker].facts, now)

    def _markets(self, found: tuple[tuple[Market, ...], tuple[Event, ...]]) -> None:
        markets, events = found
        if markets or events:
            self.kernel.apply(ev.MarketsRead(self.now, markets, events))
            for market in markets:
                self.paper.on_market(market, self.now)

    # -- decisions -----------------------------------------------------------------------------------

    def _decide(self) -> None:
        kernel = self.kernel
        for event in self.paper.poll(self.now):
            kernel.apply(event)
        for effect in kernel.decide(self.now):
            if isinstance(effect, PAPER_REQUESTS):
                self.paper.send(effect, self.now)
            elif isinstance(effect, ef.Report):
                self._say(effect.type, self.now.wall // MILLISECOND, effect.fields)
            elif isinstance(effect, ef.ReadExchangeStatus):
                kernel.apply(ev.ExchangeStatusRead(self.now, self.now, True, True))
            elif isinstance(effect, ef.Answer):
                self.answers.append(effect)
            elif isinstance(effect, ef.EndDesk):
                self.ended = effect
        for entry in kernel.take_trace():
            self._hash.update(msgspec.json.encode(entry, order="sorted"))

    def _finish(self) -> Iterator[Instant]:
        """The tape is over: pull, reconcile with the simulated venue, end."""
        self.last = self.now
        self.kernel.apply(ev.CommandReceived(self.now, 0, EndDesk(0), False))
        for _ in range(END_STEPS):
            self._decide()
            yield self.now
            if self.ended is not None:
                return
            self.now = self.now.plus(END_STEP)

    # -- the result ----------------------------------------------------------------------------------

    def summary(self) -> dict[str, object]:
        """Everything the summary line holds beyond what the kernel itself knows."""
        first, last = self.first or 0, self.last.wall
        figures = self.kernel.summary()
        figures["assumptions"] = [*self._assumed(figures), *self.facts.assumptions]
        figures["unreconciled"] = int(str(figures["unreconciled"])) + self._differences()
        return figures | {
            "seconds": round((last - first) / SECOND, 3),
            "latency_us": {"frame_to_decision": None},
            "max_lag_ms": None,
            "tape": [str(path) for path in self.options.tapes],
            "first_ts_ms": first // MILLISECOND,
            "last_ts_ms": last // MILLISECOND,
            "final_books": self._final_books(),
            "decisions_hash": self._hash.hexdigest(),
            "exit": 5 if self.ended is not None and self.ended.exit_code == 5 else 0,
        }

    @staticmethod
    def _assumed(figures: dict[str, object]) -> list[object]:
        found = figures["assumptions"]
        return list(found) if isinstance(found, list) else []

    def _differences(self) -> int:
        """Our ledger against the simulated venue's own books, to the millionth of a dollar."""
        totals = self.paper.totals()
        theirs = {p.ticker: (p.position, p.realized_pnl, p.fees_paid) for p in totals.positions}
        ours = {p.ticker: (p.position, p.realized, p.fees) for p in self.kernel.state.ledger}
        flat = (0, 0, 0)
        wrong = sum(1 for t in {**theirs, **ours} if theirs.get(t, flat) != ours.get(t, flat))
        explained = self.options.paper.cash + cash_explained(self.kernel.state)
        return wrong + (explained != totals.balance)

    def _final_books(self) -> dict[str, object]:
        books: dict[str, object] = {}
        for ticker in self.kernel.state.feed.tickers:
            book = self.kernel.state.feed.book(ticker)
            if book is None:
                continue
            yes = [[format_price(p), format_count(c)] for p, c in reversed(book.levels(Side.BID))]
            no = [[format_price(ONE - p), format_count(c)] for p, c in reversed(book.levels(Side.ASK))]
            books[ticker] = {"yes": yes, "no": no}
        return books


def _ticker(message: Message) -> str | None:
    if isinstance(message, AnyDelta | BookSnapshot | Trade | MarketLifecycle):
        return message.msg.market_ticker
    return None
