"""The synchronized books of one connection at a time.

Everything that can make a book untrue is judged here: the sequence of each subscription over all its markets
and replies, levels below zero, crosses that stay, a silent connection. A book that can not be trusted says so
(``status``) and is rebuilt from a snapshot (``requests``); nothing is ever patched.
"""

from __future__ import annotations

from kalshi_tui.orderbook.ages import AgeMeter, Ages
from kalshi_tui.orderbook.book import Book
from kalshi_tui.orderbook.counters import Counters
from kalshi_tui.orderbook.followed import Followed
from kalshi_tui.orderbook.memo import BookFault
from kalshi_tui.orderbook.recovery import Recovery
from kalshi_tui.orderbook.standing import Standing
from kalshi_tui.orderbook.streams import Place, Stream
from kalshi_tui.protocol.effects import Reconnect, RequestSnapshots, Resubscribe
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.units import SECOND, Nanos
from kalshi_tui.protocol.wire import KnownMessage, Message
from kalshi_tui.protocol.wire_messages import (
    AnyDelta,
    BookDelta,
    BookSnapshot,
    ErrorMessage,
    FullDelta,
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


class BookFeed(Standing):
    """Books by ticker, kept true or marked untrue.

    ``sparse``: the frames are cut out of a wider subscription (a tape of one market): only numbers that go
    back count, as a reconnect. ``use_yes_price``: the subscription was made with that option.
    ``check_every``: ask for a snapshot of every live market that often and compare before applying (None:
    never by itself).
    """

    def __init__(
        self, sparse: bool = False, use_yes_price: bool = False, check_every: Nanos | None = None
    ) -> None:
        super().__init__(use_yes_price)
        self._counters = Counters()
        self._sparse = sparse
        self._ages = AgeMeter()
        self._recovery = Recovery(check_every)

    @property
    def counters(self) -> Counters:
        """Up to the last frame."""
        self._count()
        return self._counters

    def _count(self) -> None:
        for stream in self._streams.values():
            self._counters.deltas += stream.uncounted()

    # -- the connection -----------------------------------------------------------------------------

    def open(self, conn: int, at: Instant) -> None:
        """A new connection: a new epoch, in which nothing of the old one counts."""
        self._conn = conn
        self._heard = at
        self._dead_since = None
        self._count()
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
        self._count()
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
        if (type(message) is not FullDelta and type(message) is not BookDelta) or conn != self._conn:
            return self._apply_other(conn, message, at)
        self._heard = at
        stream: Stream | None
        try:
            stream = self._streams[message.sid]
        except KeyError:
            stream = None
        seq = message.seq
        if stream is not None and seq == stream.next:
            stream.next = seq + 1
            stream.last = message
        else:
            self._counters.deltas += 1
            stream = self._misplaced(message, at)
            if stream is None:
                return None
        body = message.msg
        ticker = body.market_ticker
        try:
            book = stream.live[ticker]
        except KeyError:
            self._delta_without_book(stream, ticker)
            return None
        clock = body.clock
        if clock:  # 0 is "no recorded change" and orders nothing
            if clock <= book.snapshot_clock:
                self._counters.duplicates += 1
                return None
            book.clock = clock
        try:
            book.change(body)
        except BookFault as fault:
            return self._fault(self._markets[ticker], fault, at)
        book.last_change = at
        if book.best_bid_level >= book.best_ask_level or self._open_crosses:
            self._watch_cross(book, body.ts_ms, at)
        return ticker

    def _apply_other(self, conn: int, message: Message, at: Instant) -> str | None:
        if isinstance(message, AnyDelta):
            self._counters.deltas += 1  # of a connection that is gone
        else:
            self._counters.others += 1
        if conn != self._conn:
            return None
        self._heard = at
        if isinstance(message, InvalidFrame):
            self._counters.invalid_frames += 1
            # Its subscription is unknown: any answer will tell by its number whether something was lost.
            self._recovery.probe = True
            return None
        if isinstance(message, BookSnapshot):
            self._counters.snapshots += 1
        elif isinstance(message, Trade):
            self._counters.trades += 1
        elif isinstance(message, Subscribed):
            self._begin(message)
            return None
        stream = self._misplaced(message, at)
        if stream is None:
            return None
        if isinstance(message, BookSnapshot):
            return self._snapshot(stream, message, at)
        if isinstance(message, Ok):
            self._listed(stream, message, at)
        elif isinstance(message, Unsubscribed):
            self._end(stream, "unsubscribed", at, resubscribe=False)
        elif isinstance(message, ErrorMessage) and message.msg.code in _TERMINAL:
            self._end(stream, "channel error", at, resubscribe=True)
        return None

    def _misplaced(self, message: KnownMessage | UnknownFrame, at: Instant) -> Stream | None:
        """The stream of a frame not known to be the next, moved on behind it; None: drop the frame."""
        sid, seq = message.sid, message.seq
        if sid is None and not isinstance(message, AnyDelta | BookSnapshot):
            return None  # a reply to a command that concerns no subscription
        stream = self._streams.get(sid)
        if stream is None:
            stream = self._streams[sid] = Stream(sid, None, self._sparse)
        if stream.ended:
            return None
        if seq is None:
            return stream
        self._counters.deltas += stream.uncounted()
        place = stream.place(seq, message)
        stream.counted = stream.next
        if place is Place.SEEN:
            self._counters.duplicates += 1
            return None
        if place is Place.LATE:
            return None
        if place is Place.GAP:
            self._gap(stream, at)
        return stream

    def _gap(self, stream: Stream, at: Instant) -> None:
        if not self._sparse:
            self._counters.gaps += 1
        for ticker in stream.tickers:
            followed = self._markets.get(ticker)
            if followed is None or followed.sid != stream.sid:
                continue
            if self._sparse:
                self._drop_live(followed)
                followed.await_snapshot("waiting", at)
                self._turned[ticker] = None
            elif ticker in stream.live:
                self._lose(followed, "gap", at)
            elif followed.asked is not None:
                # What is missing may have been the answer.
                followed.asked, followed.wanted = None, True

    def _begin(self, message: Subscribed) -> None:
        sid = message.msg.sid
        stream = self._streams.get(sid)
        if message.msg.channel == BOOK_CHANNEL:
            self._recovery.subscribed(sid)
            if stream is None or stream.ended:
                self._count()
                stream = self._streams[sid] = Stream(sid, 1, self._sparse)
                self._free_of_ended()
            stream.carries_books = True

    def _free_of_ended(self) -> None:
        """Markets whose subscription ended may be asked for on the new one."""
        for followed in self._markets.values():
            former = self._streams.get(followed.sid)
            if former is not None and former.ended:
                followed.sid = None

    def _listed(self, stream: Stream, message: Ok, at: Instant) -> None:
        """The whole list of a subscription's markets after a change of it: what is not on it is not told."""
        if not stream.carries_books or not isinstance(message.msg, MarketsBody):
            return
        listed = message.msg.market_tickers
        if listed is None:
            return
        for ticker in listed:
            followed = self._markets.get(ticker)
            if followed is not None and followed.sid is None:
                self._belongs(stream, ticker)
        for ticker in [t for t in stream.live if t not in listed]:
            self._lose(self._markets[ticker], "unsubscribed", at)
            self._markets[ticker].sid = None

    def _end(self, stream: Stream, why: str, at: Instant, resubscribe: bool) -> None:
        stream.ended = why
        for ticker in list(stream.live):
            self._lose(self._markets[ticker], why, at)
        for ticker in stream.tickers:
            followed = self._markets.get(ticker)
            if followed is not None and followed.sid == stream.sid:
                # It keeps the subscription that ended, so that no other one is asked for it.
                followed.asked, followed.wanted = None, True
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
            stream.carries_books = True
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
            held = book.clock
            older = body.clock is not None and held is not None and body.clock < held
            if not swept and not older:
                self._counters.book_checks += 1
                self._counters.book_mismatches += not same
        elif followed.lost:
            self._counters.resyncs += 1
        followed.answered(at)
        book.snapshot_clock = body.clock or 0
        book.clock = body.clock or None
        if not live:
            stream.live[ticker] = book
            self._turn(followed, "live", at)
        if same and book.last_change is not None:
            return None if live else ticker
        book.replace(ladders)
        book.last_change = at
        self._watch_cross(book, None, at)
        return ticker

    def _watch_cross(self, book: Book, stamp: int | None, at: Instant) -> None:
        if self._crosses.watch(book, stamp, at):
            self._crossed(book.ticker, at)

    def _crossed(self, ticker: str, at: Instant) -> None:
        self._counters.crossed_settled += 1
        self._lose(self._markets[ticker], "crossed", at)

    def _fault(self, followed: Followed, fault: BookFault, at: Instant) -> str:
        """A frame that can not be true of the book: the book is lost, and the market is told so."""
        if fault.word == "negative":
            self._counters.negative_levels += 1
        else:
            self._counters.invalid_frames += 1
        self._lose(followed, fault.word, at)
        return followed.ticker

    # -- time ---------------------------------------------------------------------------------------

    def expire(self, at: Instant) -> None:
        """What only the passing of time can tell: crosses that stay, answers that do not come, silence."""
        for ticker in self._crosses.outlived(at):
            self._crossed(ticker, at)
        if self._conn is None or self._heard is None:
            return
        for stream in self._streams.values():
            if stream.last is not stream.sampled and isinstance(stream.last, AnyDelta):
                self._ages.take(stream.last, self._heard)
                stream.sampled = stream.last
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
        return self._recovery.requests(self._conn, self._markets.values(), self._streams, bool(self._wanting))

    def check_all(self) -> None:
        """Ask for a snapshot of every live market, to be compared before it is applied."""
        for stream in self._streams.values():
            for ticker in stream.live:
                self._markets[ticker].wanted = True

    @property
    def exchange_age(self) -> Nanos | None:
        """``ages().exchange`` alone."""
        return self._ages.exchange

    def ages(self) -> Ages:
        return self._ages.read()
