"""Bytes of a frame to a decision: the whole kernel beside decoding and applying the same frames alone."""

from __future__ import annotations

import gc
import platform
from array import array
from collections.abc import Sequence
from statistics import median
from time import perf_counter_ns, process_time_ns
from typing import NamedTuple

from benchmarks.kernel_day import AMPLE, DEFAULT, START, Day, Means, booted, turned, written
from benchmarks.registry import Options
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.wire import decode

ABOUT = "bytes to decision against bytes to book, 20 markets quoting, M1, risk R0-R3, one decision a frame"
FRAMES = 20_000
GOAL = 6.0
"""Kernel over decode and apply, at most."""


class Turns(NamedTuple):
    total: int
    """Nanoseconds of processor time, all turns together."""
    spent: array[int]
    """Nanoseconds from bytes to the decision, by turn."""


def run(options: Options) -> bool:
    """Prints both and their ratio, by budget; always True: it measures, it does not judge."""
    print(
        f"Python {platform.python_version()}, seed {options.seed}, {options.rounds} rounds; every frame decided on"
    )
    print("Means are processor time, ratios to the books of the same round; percentiles are by the clock")
    for means in (DEFAULT, AMPLE):
        _measured(written(options.seed, options.frames or FRAMES, means), means, options.rounds)
    return True


def _measured(day: Day, means: Means, rounds: int) -> None:
    frames = sum(len(batch.frames) for batch in day.batches)
    books: list[float] = []
    turns: list[Turns] = []
    for _ in range(rounds):
        books.append(_books(day) / frames)
        turns.append(_kernel(day, means))
    share = sum(day.traffic) / len(day.batches)
    print(f"\n{means.name}; {frames} frames in {len(day.batches)} turns")
    print(
        f"orders rested {day.rested:.0%} of the time on a side; {share:.1%} of the turns sent or took an answer"
    )
    print(f"{'decode + apply':37} {median(books):9.0f} ns")
    _row("decode -> decision, mean a frame", [t.total / frames for t in turns], books, GOAL)
    quiet = [
        [spent for spent, traffic in zip(t.spent, day.traffic, strict=True) if not traffic] for t in turns
    ]
    _row("  without order traffic, by the clock", [sum(spent) / len(spent) for spent in quiet], books)
    for name, part in (("p50", 0.50), ("p99", 0.99)):
        _row(f"frame -> decision {name}", [sorted(t.spent)[int(len(t.spent) * part)] for t in turns], books)


def _row(name: str, values: Sequence[float], books: Sequence[float], goal: float | None = None) -> None:
    ratio = median(value / base for value, base in zip(values, books, strict=True))
    wanted = f"   goal <={goal:g}" if goal else ""
    print(f"{name:37} {median(values):9.0f} ns {ratio:7.2f} times{wanted}")


def _books(day: Day) -> int:
    """Nanoseconds of processor time for the frames of the day through a feed of books alone."""
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
    began = process_time_ns()
    for batch in day.batches:
        for raw in batch.frames:
            feed.apply(1, decode(raw), batch.at)
    return process_time_ns() - began


def _kernel(day: Day, means: Means) -> Turns:
    """The same frames with a decision a turn."""
    kernel = booted(day.tickers, day.snapshots, means)
    for batch in day.warm_up:
        turned(kernel, batch)
    gc.collect()
    gc.freeze()  # as a desk does once it runs
    spent = array("q")
    began = process_time_ns()
    last = perf_counter_ns()
    for batch in day.batches:
        turned(kernel, batch)
        now = perf_counter_ns()
        spent.append(now - last)
        last = now
    total = process_time_ns() - began
    gc.unfreeze()
    return Turns(total, spent)
