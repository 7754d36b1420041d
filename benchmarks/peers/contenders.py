"""What is raced: bytes of a frame to a book, each client by its own code, fed the same frames.

Runs in the peers' environment. A contender whose library is not there is left out. Each has ``feed(frames)``
(decode and apply), ``feed_best(frames)`` (and read the best YES bid and ask after every frame) and ``final()``
(every book as ``{ticker: {"yes": {price: size}, "no": {...}}}`` in 1/10,000 dollar and 1/100 contract, NO prices
as NO).
"""

from __future__ import annotations

import json
import time
from decimal import Decimal

import msgspec

Books = dict[str, dict[str, dict[int, int]]]


class Ours:
    """``BookFeed.apply`` with the stamps given, as the kernel calls it: single keys proven, sequence checked,
    standing kept."""

    name = "kalshi-tui"

    def __init__(self, grids: dict[str, int]) -> None:
        from kalshi_tui.orderbook.feed import BookFeed
        from kalshi_tui.protocol.instant import Instant
        from kalshi_tui.protocol.ticks import TickGrid
        from kalshi_tui.protocol.wire import decode

        self.decode, self.instant = decode, Instant
        self.book_feed = BookFeed()
        for ticker, step in grids.items():
            self.book_feed.follow(ticker, TickGrid.of([(0, 10_000, step)]))
        self.book_feed.open(1, self.now())
        self.books = {ticker: self.book_feed.book(ticker) for ticker in grids}

    def now(self) -> object:
        return self.instant(time.monotonic_ns(), time.time_ns())

    def feed(self, frames: list[bytes]) -> None:
        apply, decode, at = self.book_feed.apply, self.decode, self.now()
        for raw in frames:
            apply(1, decode(raw), at)

    def feed_best(self, frames: list[bytes]) -> None:
        apply, decode, books, at = self.book_feed.apply, self.decode, self.books, self.now()
        for raw in frames:
            ticker = apply(1, decode(raw), at)
            if ticker is not None:
                book = books[ticker]
                book.best_bid, book.best_ask  # noqa: B018

    def final(self) -> Books:
        from kalshi_tui.protocol.units import ONE, Side

        out: Books = {}
        for ticker in self.book_feed.tickers:
            assert self.book_feed.status(ticker).valid, (ticker, self.book_feed.status(ticker))
            book = self.book_feed.book(ticker)
            out[ticker] = {
                "yes": dict(book.levels(Side.BID)),
                "no": {ONE - price: count for price, count in book.levels(Side.ASK)},
            }
        return out


class OursClocked(Ours):
    """The same, reading both clocks for every frame, as the socket shell does."""

    name = "+ clocks"

    def feed(self, frames: list[bytes]) -> None:
        apply, decode, instant = self.book_feed.apply, self.decode, self.instant
        mono, wall = time.monotonic_ns, time.time_ns
        for raw in frames:
            apply(1, decode(raw), instant(mono(), wall()))

    def feed_best(self, frames: list[bytes]) -> None:
        apply, decode, instant = self.book_feed.apply, self.decode, self.instant
        mono, wall, books = time.monotonic_ns, time.time_ns, self.books
        for raw in frames:
            ticker = apply(1, decode(raw), instant(mono(), wall()))
            if ticker is not None:
                book = books[ticker]
                book.best_bid, book.best_ask  # noqa: B018


class Pykalshi:
    """pykalshi: ``Feed._dispatch`` to the handler of ``OrderbookManager``'s docstring."""

    name = "pykalshi"

    def __init__(self, grids: dict[str, int]) -> None:
        from pykalshi.feed import Feed
        from pykalshi.orderbook import OrderbookManager

        self.books: dict[str, OrderbookManager] = {}
        self.last = None
        self.client_feed = Feed(_NoClient())

        @self.client_feed.on("orderbook_delta")
        def handle_book(msg):  # type: ignore[no-untyped-def]
            ticker = msg.market_ticker
            if ticker not in self.books:
                self.books[ticker] = OrderbookManager(ticker)
            self.last = self.books[ticker]
            if hasattr(msg, "yes_dollars"):
                self.last.apply_snapshot(msg.yes_dollars, msg.no_dollars)
            else:
                self.last.apply_delta(msg.side, msg.price_dollars, msg.delta_fp)

    def feed(self, frames: list[bytes]) -> None:
        dispatch = self.client_feed._dispatch
        for raw in frames:
            dispatch(raw)

    def feed_best(self, frames: list[bytes]) -> None:
        dispatch = self.client_feed._dispatch
        for raw in frames:
            dispatch(raw)
            self.last.best_bid, self.last.best_ask  # noqa: B018

    def final(self) -> Books:
        return {t: {"yes": _whole(b.yes), "no": _whole(b.no)} for t, b in self.books.items()}


class _NoClient:
    """The feed is never started; making one only asks where it would connect to."""

    api_base = ""


class KalshiSdk:
    """kalshi-sdk's receive loop: ``json.loads``, sequence, model, book in place; its hand-off queue is left out."""

    name = "kalshi-sdk"

    def __init__(self, grids: dict[str, int]) -> None:
        from kalshi.ws.models.orderbook_delta import OrderbookDeltaMessage, OrderbookSnapshotMessage
        from kalshi.ws.orderbook import OrderbookManager
        from kalshi.ws.sequence import SequenceTracker

        self.manager, self.tracker = OrderbookManager(), SequenceTracker()
        self.delta_model, self.snapshot_model = OrderbookDeltaMessage, OrderbookSnapshotMessage
        self.tickers = list(grids)

    def feed(self, frames: list[bytes]) -> None:
        loads, track = json.loads, self.tracker.track_sync
        for raw in frames:
            data = loads(raw)
            kind = data["type"]
            ok, gap = track(data["sid"], data["seq"], kind)
            assert ok and gap is None
            if kind == "orderbook_delta":
                self.manager._apply_delta_inplace(self.delta_model.model_validate(data))
            else:
                message = self.snapshot_model.model_validate(data)
                self.manager._apply_snapshot_inplace(message, sid=message.sid)

    feed_best = None

    def final(self) -> Books:
        out: Books = {}
        for ticker in self.tickers:
            book = self.manager.get(ticker)
            out[ticker] = {
                "yes": {int(lv.price * 10_000): int(lv.quantity * 100) for lv in book.yes},
                "no": {int(lv.price * 10_000): int(lv.quantity * 100) for lv in book.no},
            }
        return out


class _Body(msgspec.Struct, gc=False):
    market_ticker: str
    price_dollars: str | None = None
    delta_fp: str | None = None
    side: str | None = None
    ts_ms: int = 0
    yes_dollars_fp: list[tuple[str, str]] = []
    no_dollars_fp: list[tuple[str, str]] = []


class _Frame(msgspec.Struct, gc=False):
    type: str
    sid: int
    seq: int
    msg: _Body


class Nautilus:
    """nautilus_trader's Python ``OrderBook``, fed as its Polymarket adapter does: one ``BookOrder`` and one
    ``OrderBookDelta`` a change. It has no Kalshi decoder: ours of msgspec (without checks) stands in, prices are
    remembered by text, and a dict turns signed changes into the sizes it wants."""

    name = "nautilus"

    def __init__(self, grids: dict[str, int]) -> None:
        from nautilus_trader.model.book import OrderBook
        from nautilus_trader.model.data import BookOrder, OrderBookDelta
        from nautilus_trader.model.enums import BookAction, BookType, OrderSide
        from nautilus_trader.model.identifiers import InstrumentId
        from nautilus_trader.model.objects import Price, Quantity

        self.order, self.delta, self.action, self.side = BookOrder, OrderBookDelta, BookAction, OrderSide
        self.price, self.quantity = Price, Quantity
        self.ids = {t: InstrumentId.from_str(f"{t}.KALSHI") for t in grids}
        self.books = {t: OrderBook(i, BookType.L2_MBP) for t, i in self.ids.items()}
        self.sizes: dict[str, dict[str, dict[str, int]]] = {t: {"yes": {}, "no": {}} for t in grids}
        self.prices: dict[tuple[str, str], Price] = {}
        self.decode = msgspec.json.Decoder(_Frame).decode
        self.seq = 0
        self.book = None
        self.stamp = time.time_ns()

    def _one(self, raw: bytes) -> None:
        frame = self.decode(raw)
        if frame.seq != self.seq + 1:
            raise AssertionError("gap")
        self.seq = frame.seq
        body = frame.msg
        self.book = self.books[body.market_ticker]
        if frame.type == "orderbook_delta":
            self._level(
                body.market_ticker, body.side, body.price_dollars, body.delta_fp, frame.seq, body.ts_ms
            )
        else:
            for price, size in body.yes_dollars_fp:
                self._level(body.market_ticker, "yes", price, size, frame.seq, 0)
            for price, size in body.no_dollars_fp:
                self._level(body.market_ticker, "no", price, size, frame.seq, 0)

    def _level(self, ticker: str, leg: str, price: str, change: str, seq: int, ts_ms: int) -> None:
        sizes = self.sizes[ticker][leg]
        size = sizes.get(price, 0) + int(change.replace(".", ""))
        side = self.side.BUY if leg == "yes" else self.side.SELL
        known = self.prices.get((leg, price))
        if known is None:
            number = float(price) if leg == "yes" else 1 - float(price)
            known = self.prices[(leg, price)] = self.price(number, 4)
        if size:
            sizes[price] = size
            action = self.action.UPDATE
        else:
            del sizes[price]
            action = self.action.DELETE
        order = self.order(side, known, self.quantity(size / 100, 2), 0)
        self.book.apply_delta(
            self.delta(self.ids[ticker], action, order, 128, seq, ts_ms * 1_000_000, self.stamp)
        )

    def feed(self, frames: list[bytes]) -> None:
        one = self._one
        for raw in frames:
            one(raw)

    def feed_best(self, frames: list[bytes]) -> None:
        one = self._one
        for raw in frames:
            one(raw)
            self.book.best_bid_price()
            self.book.best_ask_price()

    def final(self) -> Books:
        out: Books = {}
        for ticker, book in self.books.items():
            out[ticker] = {
                "yes": {round(float(lv.price) * 10_000): round(lv.size() * 100) for lv in book.bids()},
                "no": {
                    10_000 - round(float(lv.price) * 10_000): round(lv.size() * 100) for lv in book.asks()
                },
            }
        return out


def _whole(levels: dict[str, str]) -> dict[int, int]:
    return {int(Decimal(p) * 10_000): int(Decimal(q) * 100) for p, q in levels.items()}


ALL = (Ours, OursClocked, Pykalshi, KalshiSdk, Nautilus)
