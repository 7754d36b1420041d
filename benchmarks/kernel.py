"""Bytes of a frame to a decision: the whole kernel beside decoding and applying the same frames alone."""

from __future__ import annotations

import gc
import platform
from array import array
from collections.abc import Sequence
from statistics import median
from time import perf_counter_ns
from typing import NamedTuple

from benchmarks.kernel_day import START, Day, booted, turned, written
from benchmarks.registry import Options
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.wire import decode

ABOUT = "bytes to decision against bytes to book, 20 markets quoting, M1, risk R0-R3, one decision a frame"
FRAMES = 20_000
REQUESTS = (ef.CreateOrder, ef.CancelOrder, ef.AmendOrder)
GOAL = 6.0
"""Kernel over decode and apply, at most."""


class Turns(NamedTuple):
    spent: array[int]
    """Nanoseconds from bytes to the decision, by turn."""
    orders: bytearray
    """Whether the turn sent an order or took an answer."""


def run(options: Options) -> bool:
    """Prints both and their ratio; always True: it measures, it does not judge."""
    day = written(options.seed, options.frames or FRAMES)
    frames = sum(len(batch.frames) for batch in day.batches)
    print(
        f"Python {platform.python_version()}, seed {options.seed}, {frames} frames in {len(day.batches)} turns, "
        f"{options.rounds} rounds; orders of ours rested {day.rested:.0%} of the time on a side"
    )
    books: list[float] = []
    turns: list[Turns] = []
    for _ in range(options.rounds):
        books.append(_books(day) / frames)
        turns.append(_kernel(day))
    base = median(books)
    print(f"{'decode + apply':34} {base:9.0f} ns")
    _row("decode -> decision, mean a frame", [sum(t.spent) / frames for t in turns], books, GOAL)
    quiet = [[spent for spent, orders in zip(t.spent, t.orders, strict=True) if not orders] for t in turns]
    _row("  turns without order traffic", [sum(spent) / len(spent) for spent in quiet], books, GOAL)
    for name, share in (("p50", 0.50), ("p99", 0.99)):
        _row(f"frame -> decision {name}", [sorted(t.spent)[int(len(t.spent) * share)] for t in turns], books)
    share = sum(turns[0].orders) / len(day.batches)
    print(f"{share:.1%} of the turns sent an order or took an answer")
    return True


def _row(name: str, values: Sequence[float], books: Sequence[float], goal: float | None = None) -> None:
    ratio = median(value / base for value, base in zip(values, books, strict=True))
    wanted = f"   goal <={goal:g}" if goal else ""
    print(f"{name:34} {median(values):9.0f} ns {ratio:7.2f} times{wanted}")


def _books(day: Day) -> int:
    """Nanoseconds for the frames of the day through a feed of books alone."""
    feed = BookFeed()
    for ticker, step in day.tickers.items():
        feed.follow(ticker, TickGrid.named("linear_cent" if step == 100 else "deci_cent"))
    feed.open(1, START)
    for raw in day.snapshots:
        feed.apply(1, decode(raw), START)
    for batch in day.warm_up:
        for raw in batch.frames:
            feed.apply(1, decode(raw), batch.at)
    gc.collect()
    began = perf_counter_ns()
    for batch in day.batches:
        for raw in batch.frames:
            feed.apply(1, decode(raw), batch.at)
    return perf_counter_ns() - began


def _kernel(day: Day) -> Turns:
    """The same frames with a decision a turn."""
    kernel = booted(day.tickers, day.snapshots, "m1")
    for batch in day.warm_up:
        turned(kernel, batch)
    gc.collect()
    gc.freeze()  # as a desk does once it runs
    spent, orders = array("q"), bytearray()
    last = perf_counter_ns()
    for batch in day.batches:
        effects = turned(kernel, batch)
        now = perf_counter_ns()
        spent.append(now - last)
        orders.append(bool(batch.answers) or any(isinstance(effect, REQUESTS) for effect in effects))
        last = perf_counter_ns()
    gc.unfreeze()
    return Turns(spent, orders)
