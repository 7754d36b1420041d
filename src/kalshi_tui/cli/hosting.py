"""A desk in this process: lock, its own practice exchange if it brings one, then the desk until its end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from kalshi_tui.cli.ahead import load_ahead
from kalshi_tui.cli.common import Fault
from kalshi_tui.desk.exit_codes import SIGTERM

if TYPE_CHECKING:
    from kalshi_tui.desk.plan import Plan

EXCHANGE_S = 30.0
"""How long the embedded exchange may take to come up, and to go once its pipe is closed."""
GONE_S = 3.0
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def host(
    plan: Plan,
    on_step: Callable[[str], None] = lambda step: None,
    on_ready: Callable[[str], None] = lambda socket: None,
) -> int:
    """Be the desk until it ends; its exit code. What keeps it from starting is a ``Fault``."""
    from kalshi_tui import logs
    from kalshi_tui.desk.lock import DeskLock, Holder, LockHeldError
    from kalshi_tui.locations import LocationError, user_lock

    signal.signal(signal.SIGTERM, _leave)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup leaves it
        signal.signal(signal.SIGHUP, _leave)
    # The desk's libraries load while the exchange comes up.
    load_ahead("kalshi_tui.desk.assembly")
    try:
        folder = plan.folder.make()
        holder = Holder(os.getpid(), plan.venue, plan.execution, str(folder.socket))
        paths = [folder.lock] if plan.venue == "practice" else [folder.lock, user_lock(plan.venue)]
        with DeskLock.acquire(paths, holder):
            logs.log_to(folder.log, secrets=[plan.key_id])
            with _exchange(plan, on_step) as ready:
                return _live(plan, ready, on_step, on_ready)
    except (LockHeldError, LocationError) as error:
        raise Fault(str(error)) from None


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """Told to end before there is a desk: the way out is the same, and takes the exchange along."""
    raise SystemExit(SIGTERM)


def _live(
    plan: Plan,
    ready: dict[str, str] | None,
    on_step: Callable[[str], None],
    on_ready: Callable[[str], None],
) -> int:
    """The desk on its own exchange where it brought one, else where the plan says."""
    from kalshi_tui.desk.assembly import DeskStartError, Endpoint, run_desk

    endpoint = Endpoint(plan.rest, plan.ws, plan.key_id, plan.key_file)
    if ready is not None:
        endpoint = Endpoint(ready["rest"], ready["ws"], ready["key_id"], ready["key_file"])
    try:
        return asyncio.run(run_desk(plan, endpoint, on_step, on_ready))
    except DeskStartError as error:
        raise Fault(str(error), error.code) from None


@contextmanager
def _exchange(plan: Plan, on_step: Callable[[str], None]) -> Iterator[dict[str, str] | None]:
    """The embedded practice exchange as our child: it ends when the pipe to it does, however we end."""
    if not plan.embedded:
        yield None
        return
    on_step("starting the practice exchange")
    command = [
        sys.executable, "-m", "kalshi_tui.practice", "--port", "0", "--seed", str(plan.seed),
        "--scenario", plan.scenario, "--speed", str(plan.speed), "--parent-pipe",
    ]  # fmt: skip
    with ExitStack() as stack:
        with (plan.folder.path / "exchange.log").open("wb") as errors, _undisturbed():
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                # Ctrl+C must reach the desk alone: it needs the exchange to pull its orders.
                start_new_session=True,
            )
            stack.callback(_end, child)
        yield _ready_line(plan, child)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold signals back for a moment: what is begun in it is not lost half done."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, frame: came.append(number)) for number in ENDS}
    try:
        yield
    finally:
        for end, handler in before.items():
            signal.signal(end, handler)
        for number in came:
            signal.raise_signal(number)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Let the exchange go, which its closed pipe tells it to; it is not left behind."""
    # Nothing may cut this short: it is bounded, and what it leaves would be left running.
    for end in ENDS:
        signal.signal(end, signal.SIG_IGN)
    assert child.stdin is not None and child.stdout is not None
    child.stdin.close()
    child.stdout.close()
    try:
        child.wait(GONE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _ready_line(plan: Plan, child: subprocess.Popen[bytes]) -> dict[str, str]:
    """Addresses and key of the exchange, from the one line it prints when it serves."""
    import selectors

    import msgspec

    assert child.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        line = child.stdout.readline() if selector.select(EXCHANGE_S) else b""
    try:
        ready = msgspec.json.decode(line, type=dict[str, object])
        return {name: str(ready[name]) for name in ("rest", "ws", "key_id", "key_file")}
    except (msgspec.MsgspecError, KeyError):
        child.kill()
        log = plan.folder.path / "exchange.log"
        said = log.read_text(errors="replace").strip().splitlines()
        why = said[-1] if said else "it said nothing"
        raise Fault(f"the practice exchange did not start: {why}", 2 if child.wait() == 2 else 1) from None
