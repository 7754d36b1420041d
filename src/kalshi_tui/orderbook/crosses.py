"""Momentary and real crosses.

One exchange action reaches us as several deltas with one stamp, and between them the book may be crossed: in
recordings up to 20 cents deep, never beyond the stamp and never longer than 15 ms. A cross that is still
there 50 ms of receive time after the last frame of its stamp means that something was lost.
"""

from __future__ import annotations

from kalshi_tui.orderbook.book import Book
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.units import MILLISECOND, Nanos

GRACE: Nanos = 50 * MILLISECOND


class Crosses:
    """The crosses that are open now, by market."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open: dict[str, tuple[int | None, Nanos]] = {}
        """Ticker to (exchange stamp in ms, the monotonic instant until which it is normal)."""

    def watch(self, book: Book, stamp: int | None, at: Instant) -> bool:
        """Look at a book that just changed at the exchange's ``stamp`` in ms, None where that is not known.

        True when its cross outlived its stamp (it is then forgotten).
        """
        began = self.open.get(book.ticker)
        if began is not None and began[0] != stamp and at.mono > began[1]:
            del self.open[book.ticker]
            return True
        if not book.crossed:
            self.open.pop(book.ticker, None)
        elif began is None or (began[0] is not None and began[0] == stamp):
            self.open[book.ticker] = (stamp, at.mono + GRACE)
        return False

    def outlived(self, at: Instant) -> list[str]:
        """The markets whose cross is real by now; each is told once."""
        if not self.open:
            return []
        tickers = [ticker for ticker, (_, until) in self.open.items() if at.mono > until]
        for ticker in tickers:
            del self.open[ticker]
        return tickers
