"""Damaged frames against the decoder and the feed, judged by a strict parser and a model made of dictionaries.

Nothing may be raised; a key that comes twice must never pass; what is decoded must be what the strict parser
reads; no level may fall below zero; a book that says it is valid must be the model's.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.frames import Stream
from benchmarks.mutate import mutate
from benchmarks.registry import Options
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol.effects import RequestSnapshots
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import ONE, Side
from kalshi_tui.protocol.wire import Message, decode
from kalshi_tui.protocol.wire_messages import AnyDelta, BookSnapshot, InvalidFrame, UnknownFrame
from kalshi_tui.storage.tape_read import open_tapes

ABOUT = "mutated frames: nothing raised, nothing wrong believed"
MILLION = 1_000_000
_MARKETS = 6
_REOPEN = 300
"""Frames after which the feed that only gets damaged ones starts anew."""

Parsed = dict[str, Any]
Levels = dict[tuple[Side, int], Decimal]


class Wrong(AssertionError):
    """A finding; the message says what was expected of which frame."""


class _Repeated(ValueError):
    pass


def run(options: Options) -> bool:
    """Prints what the damage was taken for; False on the first finding, with seed and frame."""
    wanted = options.frames or MILLION
    recorded = [raw for tape in options.tapes for raw in _frames_of(Path(tape))]
    print(f"seed {options.seed}, {wanted} mutated frames, {len(recorded)} recorded ones among the originals")
    fuzz = Fuzz(options.seed, recorded)
    started = time.monotonic()
    for number in range(wanted):
        try:
            fuzz.step()
        except Exception as error:  # whatever it is, it is a finding
            print(f"frame {number}: {type(error).__name__}: {error}\n{fuzz.last!r}")
            return False
    spent = time.monotonic() - started
    taken = ", ".join(f"{kind} {n}" for kind, n in fuzz.taken.most_common())
    feed = fuzz.books.feed.counters
    print(f"{wanted} frames in {spent:.0f} s: {taken}")
    print(
        f"feed: {feed.gaps} gaps, {feed.resyncs} resyncs, {feed.book_checks} checks, {fuzz.compared} books compared"
    )
    return True


class Watched:
    """A feed and the model of it: levels in decimals, taken from the strict parser's reading of each frame."""

    def __init__(self, stream: Stream) -> None:
        self.feed = BookFeed()
        self.model: dict[str, Levels] = {}
        for market in stream.markets:
            self.feed.follow(market.ticker, TickGrid.of([(0, ONE, market.step)]))

    def apply(self, message: Message, parsed: Parsed | None, at: Instant) -> None:
        changed = self.feed.apply(1, message, at)
        for ticker in self.feed.turned():
            if not self.feed.status(ticker).valid:
                self.model.pop(ticker, None)
        if changed is None or not self.feed.status(changed).valid:
            return
        if parsed is None or not isinstance(message, AnyDelta | BookSnapshot):
            raise Wrong(f"{changed} changed by a frame that is no change")
        body = parsed["msg"]
        if isinstance(message, BookSnapshot):
            self.model[changed] = {
                key: size
                for side, leg in ((Side.BID, "yes_dollars_fp"), (Side.ASK, "no_dollars_fp"))
                for key, size in ((_key(side, price), Decimal(size)) for price, size in body.get(leg) or ())
                if size
            }
            return
        levels = self.model[changed]
        key = _key(Side.BID if body["side"] == "yes" else Side.ASK, body["price_dollars"])
        size = levels.get(key, Decimal(0)) + Decimal(body["delta_fp"])
        if size < 0:
            raise Wrong(f"{changed} {key} fell to {size} and is believed")
        levels[key] = size
        if not size:
            del levels[key]

    def compare(self) -> int:
        compared = 0
        for ticker in self.feed.tickers:
            book = self.feed.book(ticker)
            assert book is not None
            ours = {
                (side, price): Decimal(count) / 100 for side in Side for price, count in book.levels(side)
            }
            if any(size < 0 for size in ours.values()):
                raise Wrong(f"{ticker} holds a level below zero")
            if self.feed.status(ticker).valid:
                compared += 1
                if ours != self.model[ticker]:
                    raise Wrong(f"{ticker} is not the model's")
        return compared


class Fuzz:
    def __init__(self, seed: int, recorded: list[bytes]) -> None:
        self.random = random.Random(seed)
        self.stream = Stream(seed, _MARKETS)
        self.recorded = recorded
        self.taken: Counter[str] = Counter()
        self.compared = 0
        self.last = b""
        self.count = 0
        self.books = Watched(self.stream)
        """Gets the real frames, and one in twenty damaged in its place."""
        self.hostile = Watched(self.stream)
        """Gets nothing but damaged frames after its snapshots."""
        self._open(self.books)

    def step(self) -> None:
        self.count += 1
        at = self._now()
        if self.count % _REOPEN == 1:
            self.hostile.feed.open(1, at)
            self.hostile.model.clear()
            copy = Stream(self.count, _MARKETS)
            for raw in copy.snapshots():
                self.hostile.apply(decode(raw), strict(raw), at)
        original = self._real()
        if self.recorded and self.random.random() < 0.3:
            damaged = mutate(self.random.choice(self.recorded), self.random)
        else:
            damaged = mutate(original, self.random)
        message = self._judged(damaged)
        self.hostile.apply(message, strict_or_none(damaged), at)
        if self.random.random() < 0.05:
            self.books.apply(message, strict_or_none(damaged), at)
        else:
            self.last = original
            self.books.apply(decode(original), strict(original), at)
        self.books.feed.expire(at)
        self._answer(at)
        if self.count % 50 == 0:
            self.compared += self.books.compare() + self.hostile.compare()

    def _judged(self, raw: bytes) -> Message:
        """Decode a damaged frame and hold it against the strict parser."""
        self.last = raw
        message = decode(raw)
        self.taken[type(message).__name__] += 1
        try:
            parsed = strict(raw)
        except _Repeated:
            if not isinstance(message, InvalidFrame):
                raise Wrong("a key came twice and the frame passed") from None
            return message
        except (ValueError, RecursionError):
            if not isinstance(message, InvalidFrame):
                raise Wrong("no JSON, and the frame passed") from None
            return message
        if isinstance(message, InvalidFrame):
            return message
        if isinstance(message, UnknownFrame):
            same = (message.sid, message.seq) == (parsed.get("sid"), parsed.get("seq"))
        else:
            same = all(
                getattr(message, name, None) == parsed.get(name)
                for name in ("sid", "seq", "id", "sending_ts_ms")
            )
        if isinstance(message, AnyDelta | BookSnapshot):
            same &= _same_body(message, parsed["msg"])
        if not same:
            raise Wrong(f"decoded as {message}")
        return message

    def _answer(self, at: Instant) -> None:
        by_ticker = {market.ticker: market for market in self.stream.markets}
        for request in self.books.feed.requests():
            if isinstance(request, RequestSnapshots):
                for ticker in request.tickers:
                    raw = self.stream.snapshot(by_ticker[ticker])
                    self.books.apply(decode(raw), strict(raw), at)
            else:
                self._open(self.books)

    def _open(self, watched: Watched) -> None:
        at = self._now()
        watched.feed.open(1, at)
        watched.model.clear()
        for raw in self.stream.snapshots():
            watched.apply(decode(raw), strict(raw), at)

    def _real(self) -> bytes:
        market = self.random.choice(self.stream.markets)
        return self.stream.snapshot(market) if self.random.random() < 0.02 else self.stream.delta(market)

    def _now(self) -> Instant:
        # A millisecond a frame: a damaged frame that crosses a book is found out within fifty.
        return Instant(self.count * 1_000_000, self.count * 1_000_000)


def strict(raw: bytes) -> Parsed:
    """The object, every key once, no constants beyond JSON's; ``ValueError`` for anything else."""
    parsed = json.loads(raw.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    if not isinstance(parsed, dict):
        raise ValueError("no object")
    return parsed


def strict_or_none(raw: bytes) -> Parsed | None:
    try:
        return strict(raw)
    except (ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> Parsed:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Repeated
    return found


def _no_constant(word: str) -> None:
    raise ValueError(word)


def _key(side: Side, price: str) -> tuple[Side, int]:
    level = int(Decimal(price) * ONE)
    return side, level if side is Side.BID else ONE - level


def _same_body(message: AnyDelta | BookSnapshot, body: Parsed) -> bool:
    if isinstance(message, AnyDelta):
        names = ("market_ticker", "price_dollars", "delta_fp", "side", "clock", "ts_ms", "client_order_id")
        return all(getattr(message.msg, name, None) == body.get(name) for name in names)
    sides = (message.msg.yes_dollars_fp, message.msg.no_dollars_fp)
    said = (body.get("yes_dollars_fp"), body.get("no_dollars_fp"))
    return all(
        [list(level) for level in ours or ()] == (theirs or [])
        for ours, theirs in zip(sides, said, strict=True)
    )


def _frames_of(path: Path) -> list[bytes]:
    return [row.raw for tape in open_tapes([path]) for row in tape.rows() if row.raw is not None]
