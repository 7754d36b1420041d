"""One change of a book, said as the feed says it."""

from __future__ import annotations

from kalshi_tui.orderbook.book import Book
from kalshi_tui.protocol.wire_messages import DeltaBody


def change(book: Book, side: str, price: str, delta: str) -> None:
    """A signed change of one level; ``side`` yes or no, price and delta as the exchange writes them."""
    book.change(DeltaBody(market_ticker=book.ticker, side=side, price_dollars=price, delta_fp=delta))  # type: ignore[arg-type]
