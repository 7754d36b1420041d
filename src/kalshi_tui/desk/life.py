"""A desk's life around its turns: signals, ticks, kill file, feed; the way out and the last word."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from kalshi_tui.desk import allocator, exit_codes
from kalshi_tui.desk.loop import Desk, instant
from kalshi_tui.desk.narrate import farewell, refusals_said
from kalshi_tui.desk.panic import pull_without_core
from kalshi_tui.protocol.events import KernelEvent
from kalshi_tui.protocol.units import SECOND, Nanos
from kalshi_tui.protocol.views import Goodbye
from kalshi_tui.ws_ingest.feed import FeedAuthError

log = logging.getLogger(__name__)

TICK_S = 0.1
"""The kernel decides at least this often, frames or not."""
KILL_FILE_S = 0.25
FEED_PATIENCE: Nanos = 30 * SECOND
"""Headless, this long without a feed ends the desk."""
TIDY_EVERY_S = 10.0
ANSWERS_S = 5.0
"""How long the end waits for answers that are still under way."""


async def live(
    desk: Desk, first: Iterable[KernelEvent], boot: str, on_ready: Callable[[], None] = lambda: None
) -> int:
    """Run the desk until it is told to end; the exit code.

    ``first`` is what was read before (markets, budget); ``boot`` the prefix of this boot's client order ids;
    ``on_ready`` is called once sessions can attach.
    """
    started = time.monotonic_ns()
    await desk.server.start()
    on_ready()
    for event in first:
        desk.receive(event)
    # What boot made lives as long as the process: the collector need never look at it again.
    gc.collect()
    gc.freeze()
    jobs = (desk.executor.run(), desk.lag.run(), _tick(desk), _watch_kill_file(desk), _feed(desk), _tidy())
    work = [asyncio.create_task(job) for job in jobs]
    for job in work:
        job.add_done_callback(lambda task: _job_ended(desk, task))
    _take_signals(desk)
    if desk.facts.seconds is not None:
        asyncio.get_running_loop().call_later(desk.facts.seconds, desk.end, exit_codes.OK, "the time is over")
    try:
        reason, code = await desk.ended
        await _last_answers(desk)
        if desk.failed:
            pulled = await pull_without_core(desk.parts.venue, boot)
            gone = "are confirmed gone" if pulled else "may still rest: look at the exchange"
            reason = f"{reason}; its orders {gone}"
    finally:
        for job in work:
            job.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await desk.executor.close()
    if code == exit_codes.ERROR and desk.parts.output is not None:
        desk.parts.output.say(reason)
    _say_summary(desk, code, started)
    await desk.server.close(Goodbye(reason, code))
    return code


async def _last_answers(desk: Desk) -> None:
    """Take in what is still under way; nothing that follows from it is sent."""
    if desk.at_once:
        return
    try:
        async with asyncio.timeout(ANSWERS_S):
            await desk.executor.settle()
    except TimeoutError:
        log.warning("some answers of the venue did not come in before the end")
    desk.executor.shut("the desk has ended")
    desk.turn()


async def _tidy() -> None:
    """Collect cycles in time: little has piled up then, memory stays level and every pause is short."""
    while True:
        await asyncio.sleep(TIDY_EVERY_S)
        gc.collect()
        allocator.give_back()


async def _tick(desk: Desk) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        desk.wake()
        lost = desk.feed_lost
        if desk.facts.headless and lost is not None and time.monotonic_ns() - lost > FEED_PATIENCE:
            desk.feed_lost = None
            desk.end(exit_codes.FEED_LOST, f"no feed for {FEED_PATIENCE // SECOND} s")


async def _watch_kill_file(desk: Desk) -> None:
    """A kill when the file appears (or lies there at start); its removal alone opens nothing."""
    there = False
    while True:
        if desk.facts.kill_file.exists() and not there:
            # What to do stands first: a small screen cuts the rest.
            desk.kill(f"KILL file: remove it, then clear: {shown(desk.facts.kill_file)}")
        there = desk.facts.kill_file.exists()
        await asyncio.sleep(KILL_FILE_S)


def shown(path: Path) -> str:
    """A path under the user's home as a shell takes it too: ``~/.local/state/…``."""
    with contextlib.suppress(ValueError, RuntimeError):
        return f"~/{path.relative_to(Path.home())}"
    return str(path)


async def _feed(desk: Desk) -> None:
    try:
        await desk.parts.run_feed()
    except FeedAuthError as error:
        if desk.parts.output is not None:
            desk.parts.output.say(str(error))
        desk.end(exit_codes.AUTHENTICATION, str(error))


def _job_ended(desk: Desk, task: asyncio.Task[None]) -> None:
    """A background job that dies takes the desk with it, in order: nothing works half."""
    if task.cancelled() or task.exception() is None:
        return
    log.error("a part of the desk failed", exc_info=task.exception())
    desk.end(exit_codes.ERROR, "a part of the desk failed; its log has the details")


def _take_signals(desk: Desk) -> None:
    """Until the loop is closed: one that comes while the desk is on its way out must not cut that short."""
    meanings = (
        (signal.SIGINT, exit_codes.SIGINT, "interrupted"),
        (signal.SIGTERM, exit_codes.SIGTERM, "terminated"),
        # The terminal of a desk without a screen is gone: nobody sees what it says.
        (signal.SIGHUP, exit_codes.SIGTERM, "hung up"),
    )
    loop = asyncio.get_running_loop()
    for number, code, why in meanings:
        if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
            continue  # started with nohup: it is to outlive its terminal
        loop.add_signal_handler(number, desk.end, code, why)


def _say_summary(desk: Desk, code: int, started: Nanos) -> None:
    if desk.failed:
        return
    fields = desk.core.summary() | {
        "seconds": round((time.monotonic_ns() - started) / SECOND, 3),
        "latency_us": {"frame_to_decision": desk.latency.summary()},
        "max_lag_ms": desk.lag.longest_ms,
        "exit": code,
    }
    log.info("%s", farewell(fields))
    output = desk.parts.output
    if output is None:
        return
    for line in (*refusals_said(fields), farewell(fields)):
        output.say(line)
    if desk.facts.json:
        output.data("summary", instant().wall, fields)
