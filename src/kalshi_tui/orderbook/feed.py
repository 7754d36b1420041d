"""The synchronized books of one connection at a time.

Everything that can make a book untrue is judged here: the sequence of each subscription over all its markets
and replies, levels below zero, crosses that stay, a silent connection. A book that can not be trusted says so
(``status``) and is rebuilt from a snapshot (``requests``); nothing is ever patched.
"""

from __future__ import annotations

from kalshi_tui.orderbook.ages import AgeMeter, Ages
from kalshi_tui.orderbook.book import Book
from kalshi_tui.orderbook.counters import Counters
from kalshi_tui.orderbook.crosses import Crosses
from kalshi_tui.orderbook.followed import BookStatus, Followed
from kalshi_tui.orderbook.memo import BookFault
from kalshi_tui.orderbook.recovery import Recovery
from kalshi_tui.orderbook.streams import Place, Stream
from kalshi_tui.protocol.effects import Reconnect, RequestSnapshots, Resubscribe
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import SECOND, Nanos
from kalshi_tui.protocol.wire import KnownMessage, Message
from kalshi_tui.protocol.wire_messages import (
    BookDelta,
    BookSnapshot,
    ErrorMessage,
    InvalidFrame,
    MarketsBody,
    Ok,
    Subscribed,
    Trade,
    UnknownFrame,
    Unsubscribed,
)

BOOK_CHANNEL = "orderbook_delta"
DEAD_AFTER: Nanos = 5 * SECOND
"""Of silence. The exchange pings every 10 s and the client must ping in between to be heard in time."""
_TERMINAL = (10, 17, 25)
"""Error codes that end a subscription: channel error, its older number, buffer overflow."""


class BookFeed:
    """Books by ticker, kept true or marked untrue.

    ``sparse``: the frames are cut out of a wider subscription (a tape of one market): only numbers that go
    back count, as a reconnect. ``use_yes_price``: the subscription was made with that option.
    ``check_every``: ask for a snapshot of every live market that often and compare before applying (None:
    never by itself).
    """

    def __init__(
        self, sparse: bool = False, use_yes_price: bool = False, check_every: Nanos | None = None
    ) -> None:
        self.counters = Counters()
        self._sparse = sparse
        self._use_yes_price = use_yes_price
        self._markets: dict[str, Followed] = {}
        self._streams: dict[int | None, Stream] = {}
        self._conn: int | None = None
        self._heard: Instant | None = None
        self._dead_since: Instant | None = None
        self._crosses = Crosses()
        self._ages = AgeMeter()
        self._last_delta: BookDelta | None = None
        self._recovery = Recovery(check_every)
        self._turned: dict[str, None] = {}

    # -- what is followed ---------------------------------------------------------------------------

    def follow(self, ticker: str, grid: TickGrid | None, close: Nanos | None = None) -> None:
        """Keep a book of this market. Without a grid it is booked on the finest one and never valid."""
        if ticker in self._markets:
            self.regrid(ticker, grid)
            self._markets[ticker].close = close
            return
        self._markets[ticker] = Followed(ticker, grid, close, self._use_yes_price, self._heard)
        if self._conn is None:
            self._markets[ticker].reason = "closed"

    def unfollow(self, ticker: str) -> None:
        followed = self._markets.pop(ticker, None)
        if followed is not None:
            self._drop_live(followed)
            self._turned.pop(ticker, None)

    def regrid(self, ticker: str, grid: TickGrid | None) -> None:
        """The market's prices changed: the book moves to the new grid, or is rebuilt if it does not fit."""
        followed = self._markets.get(ticker)
        if followed is None or grid is None or grid == followed.grid:
            return
        followed.grid = grid
        stream = self._streams.get(followed.sid)
        live = stream is not None and ticker in stream.live
        try:
            followed.book = followed.book.on_grid(grid)
        except BookFault as fault:
            followed.book = Book(ticker, grid, self._use_yes_price)
            if live:
                self._lose(followed, fault.word, self._heard)
            return
        if live and stream is not None:
            stream.live[ticker] = followed.book
            self._turn(followed, "live", self._heard)

    # -- the connection -----------------------------------------------------------------------------

    def open(self, conn: int, at: Instant) -> None:
        """A new connection: a new epoch, in which nothing of the old one counts."""
        self._conn = conn
        self._heard = at
        self._dead_since = None
        self._last_delta = None
        self._streams.clear()
        self._crosses.open.clear()
        self._ages = AgeMeter()
        self._recovery.restart(at)
        for followed in self._markets.values():
            followed.await_snapshot("waiting", at)
            self._turned[followed.ticker] = None

    def close(self, conn: int, at: Instant) -> None:
        """The connection is gone; its books stay readable and are not valid."""
        if conn != self._conn:
            return
        self._conn = None
        self._dead_since = None
        self._streams.clear()
        self._crosses.open.clear()
        for followed in self._markets.values():
            followed.await_snapshot("closed", at)
            self._turned[followed.ticker] = None

    def heard(self, at: Instant) -> None:
        """Bytes that are no frame came in: the connection lives."""
        self._heard = at

    # -- frames -------------------------------------------------------------------------------------

    def apply(self, conn: int, message: Message, at: Instant) -> str | None:
        """Take one frame; the ticker whose book changed, None when none did.

        The path of a delta is written out here, for it is the busiest of the program.
        """
        counters = self.counters
        counters.frames += 1
        if conn != self._conn:
            return None
        self._heard = at
        if type(message) is not BookDelta:
            return self._apply_other(message, at)
        counters.deltas += 1
        stream = self._streams.get(message.sid)
        if stream is None or message.seq != stream.next:
            stream = self._misplaced(message, at)
            if stream is None:
                return None
        else:
            stream.next += 1
            stream.last = message
        body = message.msg
        ticker = body.market_ticker
        book = stream.live.get(ticker)
        if book is None:
            self._delta_without_book(stream, ticker)
            return None
        clock = body.clock
        if clock is not None:
            if clock <= book.snapshot_clock:
                counters.duplicates += 1
                return None
            book.clock = clock
        try:
            book.change(body.side, body.price_dollars, body.delta_fp)
        except BookFault as fault:
            return self._fault(self._markets[ticker], fault, at)
        book.last_change = at
        book.exchange_ms = body.ts_ms
        self._last_delta = message
        if book.best_bid_level >= book.best_ask_level or self._crosses.open:
            self._watch_cross(book, at)
        return ticker

    def _apply_other(self, message: Message, at: Instant) -> str | None:
        if isinstance(message, InvalidFrame):
            self.counters.invalid_frames += 1
            # Its subscription is unknown: any answer will tell by its number whether something was lost.
            self._recovery.probe = True
            return None
        if isinstance(message, BookSnapshot):
            self.counters.snapshots += 1
        elif isinstance(message, Trade):
            self.counters.trades += 1
        elif isinstance(message, Subscribed):
            self._begin(message)
            return None
        stream = self._misplaced(message, at)
        if stream is None:
            return None
        if isinstance(message, BookSnapshot):
            return self._snapshot(stream, message, at)
        if isinstance(message, Ok):
            if isinstance(message.msg, MarketsBody):
                for ticker in message.msg.market_tickers or ():
                    self._belongs(stream, ticker)
        elif isinstance(message, Unsubscribed):
            self._end(stream, "unsubscribed", at, resubscribe=False)
        elif isinstance(message, ErrorMessage) and message.msg.code in _TERMINAL:
            self._end(stream, "channel error", at, resubscribe=True)
        return None

    def _misplaced(self, message: KnownMessage | UnknownFrame, at: Instant) -> Stream | None:
        """The stream of a frame not known to be the next, moved on behind it; None: drop the frame."""
        sid, seq = message.sid, message.seq
        if sid is None and not isinstance(message, (BookDelta, BookSnapshot)):
            return None  # a reply to a command that concerns no subscription
        stream = self._streams.get(sid)
        if stream is None:
            stream = self._streams[sid] = Stream(sid, None, self._sparse)
        if stream.ended:
            return None
        if seq is None:
            return stream
        place = stream.place(seq, message)
        if place is Place.SEEN:
            self.counters.duplicates += 1
            return None
        if place is Place.LATE:
            return None
        if place is Place.GAP:
            if not self._sparse:
                self.counters.gaps += 1
            for ticker in list(stream.live):
                self._lose(self._markets[ticker], "gap", at)
                if self._sparse:
                    self._markets[ticker].await_snapshot("waiting", at)
        return stream

    def _begin(self, message: Subscribed) -> None:
        sid = message.msg.sid
        stream = self._streams.get(sid)
        if message.msg.channel == BOOK_CHANNEL:
            self._recovery.subscribed(sid)
            if stream is None or stream.ended:
                self._streams[sid] = Stream(sid, 1, self._sparse)

    def _end(self, stream: Stream, why: str, at: Instant, resubscribe: bool) -> None:
        stream.ended = why
        for ticker in list(stream.live):
            self._lose(self._markets[ticker], why, at)
        for ticker in stream.tickers:
            followed = self._markets.get(ticker)
            if followed is not None and followed.sid == stream.sid:
                followed.sid = None
                followed.asked = None
        if resubscribe and stream.sid is not None:
            self._recovery.resubscribe(stream.sid, why)

    def _belongs(self, stream: Stream, ticker: str) -> Followed | None:
        """Note that a followed market is on this stream."""
        followed = self._markets.get(ticker)
        if followed is None:
            return None
        if ticker not in stream.tickers or followed.sid != stream.sid:
            if followed.sid is not None and followed.sid != stream.sid:
                self._drop_live(followed)
            followed.sid = stream.sid
            stream.tickers[ticker] = None
        return followed

    # -- content ------------------------------------------------------------------------------------

    def _delta_without_book(self, stream: Stream, ticker: str) -> None:
        """A change of a book we do not have: the snapshot that will come has it in."""
        followed = self._belongs(stream, ticker)
        if followed is not None and followed.asked is None:
            followed.wanted = True

    def _snapshot(self, stream: Stream, message: BookSnapshot, at: Instant) -> str | None:
        body = message.msg
        followed = self._belongs(stream, body.market_ticker)
        if followed is None:
            return None
        ticker, book = followed.ticker, followed.book
        try:
            ladders = book.read(body.yes_dollars_fp, body.no_dollars_fp)
        except BookFault as fault:
            fault_in = self._fault(followed, fault, at)
            # Asking again at once would bring the same snapshot: it counts as asked.
            followed.wanted, followed.asked, followed.tries = False, at.mono, followed.tries + 1
            return fault_in
        same = book.holds(ladders)
        live = ticker in stream.live
        if live:
            swept = not same and not any(ladders.bids) and not any(ladders.asks) and followed.swept(at)
            older = body.clock is not None and book.clock is not None and body.clock < book.clock
            if not swept and not older:
                self.counters.book_checks += 1
                self.counters.book_mismatches += not same
        elif followed.lost:
            self.counters.resyncs += 1
        followed.answered(at)
        book.snapshot_clock = book.clock = body.clock or 0
        if not live:
            stream.live[ticker] = book
            self._turn(followed, "live", at)
        if same and book.last_change is not None:
            return None if live else ticker
        book.replace(ladders)
        book.last_change = at
        book.exchange_ms = None
        self._watch_cross(book, at)
        return ticker

    def _watch_cross(self, book: Book, at: Instant) -> None:
        if self._crosses.watch(book, at):
            self._crossed(book.ticker, at)

    def _crossed(self, ticker: str, at: Instant) -> None:
        self.counters.crossed_settled += 1
        self._lose(self._markets[ticker], "crossed", at)

    def _fault(self, followed: Followed, fault: BookFault, at: Instant) -> str:
        """A frame that can not be true of the book: the book is lost, and the market is told so."""
        if fault.word == "negative":
            self.counters.negative_levels += 1
        else:
            self.counters.invalid_frames += 1
        self._lose(followed, fault.word, at)
        return followed.ticker

    def _lose(self, followed: Followed, word: str, at: Instant | None) -> None:
        self._drop_live(followed)
        followed.lost = followed.wanted = True
        followed.asked = None
        self._turn(followed, word, at)

    def _drop_live(self, followed: Followed) -> None:
        stream = self._streams.get(followed.sid)
        if stream is not None:
            stream.live.pop(followed.ticker, None)
        self._crosses.open.pop(followed.ticker, None)

    def _turn(self, followed: Followed, word: str, at: Instant | None) -> None:
        followed.turn(word, at)
        self._turned[followed.ticker] = None

    # -- time ---------------------------------------------------------------------------------------

    def expire(self, at: Instant) -> None:
        """What only the passing of time can tell: crosses that stay, answers that do not come, silence."""
        for ticker in self._crosses.outlived(at):
            self._crossed(ticker, at)
        if self._conn is None or self._heard is None:
            return
        if self._last_delta is not None:
            self._ages.take(self._last_delta, self._heard)
            self._last_delta = None
        dead = at.mono - self._heard.mono > DEAD_AFTER
        if dead != (self._dead_since is not None):
            self._dead_since = at if dead else None
            self._turned.update(dict.fromkeys(self._markets))
            if dead:
                self._recovery.reconnect(f"no byte for {DEAD_AFTER // SECOND} s")
        for stream in self._recovery.scan(self._markets.values(), self._streams, at):
            self._end(stream, "no snapshot", at, resubscribe=True)

    def requests(self) -> list[RequestSnapshots | Resubscribe | Reconnect]:
        """What to ask the exchange now, each thing once; empty without a connection."""
        if self._conn is None:
            return []
        return self._recovery.requests(self._conn, self._markets.values(), self._streams)

    def check_all(self) -> None:
        """Ask for a snapshot of every live market, to be compared before it is applied."""
        for stream in self._streams.values():
            for ticker in stream.live:
                self._markets[ticker].wanted = True

    # -- reading ------------------------------------------------------------------------------------

    def book(self, ticker: str) -> Book | None:
        """The book as last known, true or not (``status`` says which); None when not followed."""
        followed = self._markets.get(ticker)
        return followed.book if followed is not None else None

    def status(self, ticker: str) -> BookStatus:
        followed = self._markets.get(ticker)
        if followed is None:
            return BookStatus(False, "not followed", None)
        if self._dead_since is not None:
            return BookStatus(False, "feed dead", self._dead_since)
        if followed.reason == "live" and followed.grid is None:
            return BookStatus(False, "no grid", followed.since)
        return BookStatus(followed.reason == "live", followed.reason, followed.since)

    def settled(self, ticker: str) -> bool:
        """Whether the book is true and not inside an exchange action (crossed): the only one to quote on."""
        followed = self._markets.get(ticker)
        return (
            followed is not None
            and followed.reason == "live"
            and followed.grid is not None
            and self._dead_since is None
            and not followed.book.crossed
        )

    def turned(self) -> list[str]:
        """Markets whose status changed since the last call, in the order it happened."""
        tickers = list(self._turned)
        self._turned.clear()
        return tickers

    @property
    def tickers(self) -> tuple[str, ...]:
        return tuple(self._markets)

    @property
    def alive(self) -> bool:
        """Whether the connection is open and was heard of lately."""
        return self._conn is not None and self._dead_since is None

    @property
    def heard_at(self) -> Instant | None:
        """The last inbound byte."""
        return self._heard

    def ages(self) -> Ages:
        return self._ages.read()
