"""``run``: the practice exchange as a process. One ready line on stdout, then it serves until it is told to stop."""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import signal
import sys
import threading
from contextlib import AsyncExitStack, suppress
from random import SystemRandom

import msgspec
from aiohttp import web
from msgspec import Struct

from kalshi_tui.practice.auth import make_key
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.faults import FaultPlan
from kalshi_tui.practice.faults_kinds import Fault
from kalshi_tui.practice.service import Service
from kalshi_tui.practice.sockets import REST_ROOT, WS_PATH, make_app
from kalshi_tui.practice.world import World
from kalshi_tui.protocol.units import DOLLAR, SECOND, Money

HOST = "127.0.0.1"
"""Nobody else's machine can reach a practice exchange."""
USER_ID = "practice"
START_CASH: Money = 10_000 * DOLLAR
_PR_SET_PDEATHSIG = 1
"""From <sys/prctl.h>."""
_IDLE_S = 0.05
"""Longest sleep of the driver: a command may bring something nearer at any time."""


class Options(Struct, frozen=True):
    """What ``exchange`` takes on the command line. ``seed`` None draws one; ``parent_pipe`` ends the server when
    stdin reaches its end (its parent is gone, however it went)."""

    port: int = 0
    seed: int | None = None
    scenario: str = "default"
    speed: float = 1.0
    key: str = "ed25519"
    tier: str = "basic"
    parent_pipe: bool = False
    snapshot_on_add: bool = False
    faults: tuple[Fault, ...] = ()
    """What is to go wrong; then the last line counts what did."""


def run(options: Options) -> int:
    """Serve until SIGINT, SIGTERM or (``parent_pipe``) the end of stdin; the exit code.

    0 after a stop, 1 when the port is taken, 2 when an option means nothing. Says why on stderr.
    """
    try:
        return asyncio.run(_serve(options))
    except ValueError as error:
        sys.stderr.write(f"kalshi-tui exchange: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(
            f"kalshi-tui exchange: can not listen on {HOST}:{options.port}: {error.strerror}; try --port 0\n"
        )
        return 1


async def _serve(options: Options) -> int:
    stop = asyncio.Event()
    _stop_on_signals(stop)
    if options.parent_pipe:
        _stop_with_parent(stop)
    seed = SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    exchange = Exchange(seed=seed)
    service = Service(exchange, tier=options.tier, snapshot_on_add=options.snapshot_on_add)
    world = World(exchange, seed, options.scenario, options.speed, start=service.now())
    service.outside = world
    plan = FaultPlan(options.faults, seed, service.now(), _say)
    service.obey(plan, world.leave)
    service.open_account(USER_ID, START_CASH)
    pair = make_key(options.key, USER_ID)
    service.admit(pair.api_key)
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, pair.path.parent, ignore_errors=True)
        runner = web.AppRunner(make_app(service), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, HOST, options.port)
        await site.start()
        port = runner.addresses[0][1]
        driver = asyncio.create_task(drive(service))
        stack.callback(driver.cancel)
        ready = {
            "type": "ready",
            "rest": f"http://{HOST}:{port}{REST_ROOT}",
            "ws": f"ws://{HOST}:{port}{WS_PATH}",
            "key_id": pair.api_key.key_id,
            "key_file": str(pair.path),
            "seed": seed,
        }
        _print(ready)
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((driver, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if driver.done():
            await driver
        if options.faults:
            _print({"type": "summary", "seed": seed, "faults": plan.counts()})
    return 0


def _print(line: dict[str, object]) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


def _say(sentence: str) -> None:
    """Narration; whoever does not listen any more is no reason to stop."""
    with suppress(OSError):
        sys.stderr.write(f"kalshi-tui exchange: {sentence}\n")
        sys.stderr.flush()


async def drive(service: Service) -> None:
    """Let the world act when its time comes, for ever."""
    while True:
        now = service.now()
        service.catch_up(now)
        wake = service.next_wake()
        wait = _IDLE_S if wake is None else (wake - service.now()) / SECOND
        await asyncio.sleep(min(max(wait, 0.0), _IDLE_S))


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)


def _stop_with_parent(stop: asyncio.Event) -> None:
    """Stop at the end of stdin: a pipe whose other end only the parent holds, so its death closes it.

    Where the pipe was leaked to another process, Linux sends SIGTERM when the parent is gone.
    """
    loop = asyncio.get_running_loop()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    def watch() -> None:
        try:
            while os.read(0, 4096):
                pass
        except OSError:
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, name="parent-pipe", daemon=True).start()
