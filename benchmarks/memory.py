"""What a market costs in memory: its book and what the feed keeps about it."""

from __future__ import annotations

import gc
import tracemalloc

from benchmarks.frames import CENT_STEP, Stream
from benchmarks.registry import Options
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.wire import Message, decode

ABOUT = "KiB a market, about 50 live levels, books only"
_GRIDS = ("linear_cent", "tapered_deci_cent", "deci_cent", "center_centi_edge_centi_cent")
_MARKETS = 200


def run(options: Options) -> bool:
    for name in _GRIDS:
        grid = TickGrid.named(name)
        stream = Stream(options.seed, 2 * _MARKETS)
        # Whole cents are valid on every grid, and so the same books fit all of them.
        markets = [market for market in stream.markets if market.step == CENT_STEP][:_MARKETS]
        messages = [decode(stream.snapshot(market)) for market in markets]
        tickers = [market.ticker for market in markets]
        _followed(grid, tickers[:1], messages[:1])  # the shared memo of prices is not a market's
        gc.collect()
        tracemalloc.start()
        feed = _followed(grid, tickers, messages)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        live = sum(feed.status(ticker).valid for ticker in tickers)
        print(
            f"{name:30} {grid.size:6} prices {size / 1024 / _MARKETS:8.1f} KiB   ({live} of {_MARKETS} live)"
        )
    return True


def _followed(grid: TickGrid, tickers: list[str], messages: list[Message]) -> BookFeed:
    at = Instant(1, 1)
    feed = BookFeed()
    for ticker in tickers:
        feed.follow(ticker, grid)
    feed.open(1, at)
    for message in messages:
        feed.apply(1, message, at)
    return feed
