"""What a market costs in memory: its book and what the feed keeps about it, alone and with its features."""

from __future__ import annotations

import gc
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from benchmarks.frames import CENT_STEP, Stream
from benchmarks.registry import Options
from kalshi_tui.features.market import MarketFeatures
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import SECOND
from kalshi_tui.protocol.wire import Message, decode
from kalshi_tui.protocol.wire_messages import BookSnapshot

ABOUT = "KiB a market, about 50 live levels: books, books with half an hour of features, a process with 1,000"
T = TypeVar("T")
_GRIDS = ("linear_cent", "tapered_deci_cent", "deci_cent", "center_centi_edge_centi_cent")
_MARKETS = 200
_WATCHED = 10
"""Of these so many get features: half an hour of each takes a while."""
_MANY = 1_000
_HALF_HOUR_S = 1_800
"""What the features' longest window holds."""
GOAL_KIB = 30.0
GOAL_MIB = 60.0


def run(options: Options) -> bool:
    for name in _GRIDS:
        grid = TickGrid.named(name)
        messages = _snapshots(options.seed, _MARKETS)
        _followed(grid, messages[:1])  # the shared memo of prices is not a market's
        books, feed = _traced(partial(_followed, grid, messages))
        features, _ = _traced(partial(_features, grid, feed, _WATCHED))
        live = sum(feed.status(ticker).valid for ticker in feed.tickers)
        wanted = f"   goal <={GOAL_KIB:g}" if name == "linear_cent" else ""
        print(
            f"{name:30} {grid.size:6} prices {books / _MARKETS:8.1f} KiB, with features "
            f"{books / _MARKETS + features / _WATCHED:8.1f} KiB   ({live} of {_MARKETS} live){wanted}"
        )
    bare, full = (_resident(options.seed, count) for count in (0, _MANY))
    print(
        f"{_MANY} cent markets with features: {full - bare:.1f} MiB over the bare process   goal <={GOAL_MIB:g}"
    )
    return True


def hold(seed: int, markets: int) -> float:
    """MiB resident in this process once it holds so many cent markets with full features; run in one of its own."""
    if markets:
        grid = TickGrid.named("linear_cent")
        feed = _followed(grid, _snapshots(seed, markets))
        kept = _features(grid, feed, markets)
        assert len(kept) == markets
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def _resident(seed: int, markets: int) -> float:
    code = f"from benchmarks.memory import hold; print(hold({seed}, {markets}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def _traced(build: Callable[[], T]) -> tuple[float, T]:
    """(KiB that what it builds holds, the thing itself)."""
    gc.collect()
    tracemalloc.start()
    built = build()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / 1024, built


def _snapshots(seed: int, markets: int) -> list[Message]:
    """Whole cents are valid on every grid, and so the same books fit all of them."""
    stream = Stream(seed, 2 * markets)
    return [decode(stream.snapshot(m)) for m in stream.markets if m.step == CENT_STEP][:markets]


def _followed(grid: TickGrid, messages: list[Message]) -> BookFeed:
    at = Instant(1, 1)
    feed = BookFeed()
    for message in messages:
        if isinstance(message, BookSnapshot):
            feed.follow(message.msg.market_ticker, grid)
    feed.open(1, at)
    for message in messages:
        feed.apply(1, message, at)
    return feed


def _features(grid: TickGrid, feed: BookFeed, markets: int) -> list[MarketFeatures]:
    """Features of the first markets, that have looked at their books for half an hour."""
    kept = []
    for ticker in feed.tickers[:markets]:
        book, features = feed.book(ticker), MarketFeatures(grid)
        if book is None:
            continue
        features.on_top(book.best_bid, book.bid_size, book.best_ask, book.ask_size, Instant(1, 1))
        for second in range(_HALF_HOUR_S):
            features.on_grid(Instant(second * SECOND + 1, second * SECOND + 1))
        kept.append(features)
    return kept
