"""One followed market as the feed sees it: its book and whether that book may be believed."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.orderbook.book import Book
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import Nanos

FINEST = TickGrid.named("center_centi_edge_centi_cent")
"""Every price there is: where a market is booked whose own grid is unknown."""


class BookStatus(Struct, frozen=True, gc=False):
    """``valid`` says that the book is known to be the exchange's. ``reason`` is one of: live, waiting (for a
    snapshot), gap, negative, crossed, bad frame, off grid, no grid, channel error, unsubscribed, feed dead,
    closed, not followed."""

    valid: bool
    reason: str
    since: Instant | None
    """None where the feed has heard of no time yet."""


class Followed:
    """Mutable state of one market; owned and changed by ``BookFeed`` alone."""

    __slots__ = (
        "_wanting",
        "asked",
        "book",
        "close",
        "compared",
        "grid",
        "lost",
        "reason",
        "sid",
        "since",
        "ticker",
        "tries",
    )

    def __init__(
        self,
        ticker: str,
        grid: TickGrid | None,
        close: Nanos | None,
        use_yes_price: bool,
        since: Instant | None,
        wanting: dict[str, None],
    ) -> None:
        """``wanting`` is shared by all markets of a feed: those of which a snapshot is to be asked for."""
        self._wanting = wanting
        self.ticker = ticker
        self.grid = grid
        self.close = close
        """When it stops trading, wall: from then on an empty snapshot is the sweep, not a mismatch."""
        self.book = Book(ticker, grid or FINEST, use_yes_price)
        self.reason = "waiting"
        self.since = since
        self.sid: int | None = None
        """The subscription it was last seen on."""
        self.lost = False
        """It was true on this connection and is not now: the next snapshot is a recovery."""
        self.asked: Nanos | None = None
        """Monotonic instant of the request that is not answered yet."""
        self.tries = 0
        """Requests in a row without an answer."""
        self.compared: Nanos = 0
        """Monotonic instant of the last snapshot."""

    @property
    def wanted(self) -> bool:
        """Whether a snapshot is to be asked for."""
        return self.ticker in self._wanting

    @wanted.setter
    def wanted(self, wanted: bool) -> None:
        if wanted:
            self._wanting[self.ticker] = None
        else:
            self._wanting.pop(self.ticker, None)

    def turn(self, reason: str, at: Instant | None) -> None:
        self.reason = reason
        self.since = at

    def await_snapshot(self, reason: str, at: Instant | None) -> None:
        """A new beginning: nothing asked, nothing owed."""
        self.turn(reason, at)
        self.sid = None
        self.lost = self.wanted = False
        self.asked = None
        self.tries = 0

    def answered(self, at: Instant) -> None:
        self.wanted = self.lost = False
        self.asked = None
        self.tries = 0
        self.compared = at.mono

    def swept(self, at: Instant) -> bool:
        """Whether the market is past its close, as far as is known: then the exchange empties the book."""
        return self.close is None or at.wall >= self.close - _CLOCKS_APART


_CLOCKS_APART: Nanos = 1_000_000_000
"""The exchange's clock may run this much ahead of ours."""
