"""Which markets are followed, and whether the book of each may be believed: one connection's view of them."""

from __future__ import annotations

from kalshi_tui.orderbook.book import Book
from kalshi_tui.orderbook.crosses import Crosses
from kalshi_tui.orderbook.followed import BookStatus, Followed
from kalshi_tui.orderbook.memo import BookFault
from kalshi_tui.orderbook.streams import Stream
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import Nanos


class Standing:
    """The half of ``BookFeed`` that is about markets; the other half is about frames and time.

    A book is true exactly while it is in its stream's ``live``.
    """

    def __init__(self, use_yes_price: bool) -> None:
        self._use_yes_price = use_yes_price
        self._markets: dict[str, Followed] = {}
        self._wanting: dict[str, None] = {}
        """Markets of which a snapshot is to be asked for."""
        self._streams: dict[int | None, Stream] = {}
        self._conn: int | None = None
        self._heard: Instant | None = None
        self._dead_since: Instant | None = None
        self._crosses = Crosses()
        self._open_crosses = self._crosses.open
        """Asked once a frame, hence by a name of its own."""
        self._turned: dict[str, None] = {}

    # -- what is followed ---------------------------------------------------------------------------

    def follow(self, ticker: str, grid: TickGrid | None, close: Nanos | None = None) -> None:
        """Keep a book of this market. Without a grid it is booked on the finest one and never valid."""
        if ticker in self._markets:
            self.regrid(ticker, grid)
            self._markets[ticker].close = close
            return
        self._markets[ticker] = Followed(ticker, grid, close, self._use_yes_price, self._heard, self._wanting)
        if self._conn is None:
            self._markets[ticker].reason = "closed"

    def unfollow(self, ticker: str) -> None:
        followed = self._markets.pop(ticker, None)
        if followed is not None:
            self._drop_live(followed)
            self._turned.pop(ticker, None)
            followed.wanted = False

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

    # -- reading ------------------------------------------------------------------------------------

    def book(self, ticker: str) -> Book | None:
        """The book as last known, true or not (``status`` says which); None when not followed."""
        try:
            return self._markets[ticker].book
        except KeyError:
            return None

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

    @property
    def has_turned(self) -> bool:
        """Whether ``turned`` has anything to tell."""
        return bool(self._turned)

    def turned(self) -> list[str]:
        """Markets whose status changed since the last call, in the order it happened."""
        if not self._turned:
            return []
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

    # -- changes of standing ------------------------------------------------------------------------

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
