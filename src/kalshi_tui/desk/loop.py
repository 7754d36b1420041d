"""The desk: events in, kernel, effects out, and the sessions that look on.

Everything that happens is one event in one inbox. When the loop has taken what was ready it applies all of
it and decides once; a tick decides when nothing happens. The kernel alone knows what to do; this only
carries. ``life`` starts it and brings it to its end.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from kalshi_tui import __version__
from kalshi_tui.desk import exit_codes
from kalshi_tui.desk.executor import Executor
from kalshi_tui.desk.meter import LagMeter, LatencyMeter
from kalshi_tui.desk.narrate import sentence
from kalshi_tui.desk.output import Output
from kalshi_tui.desk.ports import FeedPort, JournalPort, SimulatedVenue, TapePort, VenuePort
from kalshi_tui.desk.server import ControlServer
from kalshi_tui.desk.sessions import COMMAND_LINE
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.commands import Ack, AnyCommand, Clear, EndDesk, Focus, Stop
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.times import clock_time
from kalshi_tui.protocol.units import SECOND, Nanos
from kalshi_tui.protocol.views import DeskView, Hello
from kalshi_tui.storage.kernel_rows import Decided

log = logging.getLogger(__name__)

MAX_BATCH = 5_000
"""Events applied before one decision; more wait for the next turn so that sessions and answers get theirs."""
END_PATIENCE_S = 20.0
"""More than the kernel's own patience: only reached when the kernel itself is stuck."""


def instant() -> Instant:
    """Both clocks, read together."""
    return Instant(time.monotonic_ns(), time.time_ns())


class Core(Protocol):
    """The kernel, as the loop sees it."""

    def apply(self, event: ev.KernelEvent) -> None: ...

    def decide(self, now: Instant) -> list[ef.Effect]: ...

    def view(self, now: Instant, focus: Focus | None = None, full: bool = False) -> DeskView: ...

    def summary(self) -> dict[str, object]: ...


class DeskFacts(Struct, frozen=True):
    """What this desk is."""

    venue: str
    execution: str
    mode: str
    socket: Path
    kill_file: Path
    headless: bool
    """No screen will come: the desk ends when its feed stays away, and says what it does."""
    json: bool = False
    seconds: float | None = None
    """End by itself after this long."""
    refresh_hz: int = 10


class Parts(Struct, frozen=True):
    """The shells around the core."""

    journal: JournalPort
    venue: VenuePort
    feed: FeedPort
    run_feed: Callable[[], Coroutine[Any, Any, None]]
    tape: TapePort | None = None
    simulated: SimulatedVenue | None = None
    """Paper: takes the venue's place for everything but facts."""
    output: Output | None = None


class Desk:
    """One desk from its first event to its last word. ``run`` returns the exit code."""

    def __init__(self, facts: DeskFacts, core: Core, after_turn: Callable[[], None] = lambda: None) -> None:
        self.facts = facts
        self.latency = LatencyMeter()
        self.lag = LagMeter(self._clock_jumped)
        self.server = ControlServer(facts.socket, self, facts.refresh_hz)
        self.core = core
        self.ended: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
        """Reason and exit code, once the desk may go."""
        self.failed = False
        """The core raised: nothing it says counts any more."""
        self.at_once = False
        """Asked twice to end: nothing is waited for."""
        self.feed_lost: Nanos | None = time.monotonic_ns()
        """Monotonic time since when there is no feed."""
        self.parts: Parts
        self.executor: Executor
        self._after_turn = after_turn
        self._inbox: deque[ev.KernelEvent] = deque()
        self._turning = False
        self._exit_code: int | None = None
        self._ending = False
        self._conn = 0

    def attach(self, parts: Parts) -> None:
        """Take the shells, which were made with this desk's own ``receive``."""
        self.parts = parts
        self.executor = Executor(
            parts.journal,
            parts.venue,
            parts.feed,
            self.receive,
            self._local,
            self.kill,
            instant,
            parts.simulated,
        )

    # -- events ---------------------------------------------------------------------------------------

    def receive(self, event: ev.KernelEvent) -> None:
        """Take one event; it is applied in the next turn of the loop."""
        self._inbox.append(event)
        self.wake()

    def wake(self) -> None:
        """Have a turn soon, events or not."""
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self.turn)

    @property
    def backlog(self) -> int:
        return len(self._inbox)

    def turn(self) -> None:
        """Apply what is there, decide once, hand on what follows."""
        self._turning = False
        if self.failed:
            return
        stamps: list[Nanos] = []
        try:
            for _ in range(min(len(self._inbox), MAX_BATCH)):
                event = self._inbox.popleft()
                if isinstance(event, ev.FrameReceived):
                    stamps.append(event.at.mono)
                else:
                    self._notice(event)
                self.core.apply(event)
            at = instant()
            effects = self.core.decide(at)
        except Exception:
            # Nothing that follows from a broken core may be sent; what rests is pulled without it.
            log.exception("the core failed")
            self.failed = True
            self.executor.shut("the desk's core failed")
            self._finish("the desk's core failed; its log has the details", exit_codes.ERROR)
            return
        decided = time.monotonic_ns()
        for stamp in stamps:
            self.latency.add(decided - stamp)
        if self.parts.tape is not None:
            self.parts.tape.kernel_event(Decided(at))
        self.executor.submit(effects)
        if effects:
            self._after_turn()
        if self._inbox:
            self.wake()

    def _notice(self, event: ev.KernelEvent) -> None:
        """What the loop itself wants to know, before the kernel does."""
        if self.parts.tape is not None:
            self.parts.tape.kernel_event(event)
        match event:
            case ev.CommandReceived(command=Stop()):
                # Again: a decision may have been taken between its arrival and now.
                self.executor.close_gate()
            case ev.FeedOpened(conn=conn):
                self._conn, self.feed_lost = conn, None
            case ev.FeedClosed():
                self.feed_lost = time.monotonic_ns()

    # -- the control socket's side ----------------------------------------------------------------------

    def hello(self, session: int, in_control: bool) -> Hello:
        facts = self.facts
        return Hello(__version__, facts.venue, facts.execution, facts.mode, os.getpid(), session, in_control)

    def view(self, focus: Focus | None, full: bool) -> DeskView:
        return self.core.view(instant(), focus, full)

    def command(self, session: int, command: AnyCommand, in_control: bool) -> None:
        if isinstance(command, Stop):
            # Before anything else, the inbox included: no order decided until now leaves any more.
            self.executor.close_gate()
        if isinstance(command, Clear) and self.facts.kill_file.exists():
            text = f"the kill file {self.facts.kill_file} is still there; remove it first"
            self.server.answer(session, Ack(command.id, False, text))
            return
        if isinstance(command, EndDesk) and not self._ending:
            self._ending = True
            asyncio.get_running_loop().call_later(END_PATIENCE_S, self._give_up)
        self.receive(ev.CommandReceived(instant(), session, command, in_control))

    def sessions_changed(self, screens: int, controller: int | None) -> None:
        self.receive(ev.SessionChanged(instant(), screens, controller))

    # -- effects that need no shell -----------------------------------------------------------------------

    def _local(self, effect: ef.Answer | ef.Report | ef.EndDesk) -> None:
        match effect:
            case ef.Answer(session, ack, card):
                self.server.answer(session, ack, card)
            case ef.EndDesk(reason, code):
                self._finish(reason, code or (self._exit_code or exit_codes.OK))
            case ef.Report():
                self._report(effect)

    def _report(self, report: ef.Report) -> None:
        output = self.parts.output
        if output is not None and self.facts.json:
            output.data(report.type, time.time_ns(), report.fields)
        elif output is not None:
            output.say(f"{clock_time(time.time_ns())} {sentence(report)}")
        if report.type != "quote":
            log.info("%s", sentence(report))

    # -- the way out --------------------------------------------------------------------------------------

    def end(self, code: int, why: str) -> None:
        """Pull, verify, reconcile, end. A second signal does not wait for any of it; a first one that comes while
        the desk ends by itself only changes the exit code."""
        signals = (exit_codes.SIGINT, exit_codes.SIGTERM)
        if self._exit_code is not None and code in signals and self._exit_code not in signals:
            self._exit_code = code
            return
        if self._exit_code is not None:
            self.at_once = True
            self.executor.shut(why)
            self._finish(f"{why}: ended at once", code)
            return
        self._exit_code = code
        log.info("ending: %s", why)
        self.command(COMMAND_LINE, EndDesk(self.server.table.line_id()), False)

    def kill(self, why: str) -> None:
        log.warning("kill: %s", why)
        self.command(COMMAND_LINE, Stop(self.server.table.line_id(), "kill", why=why), False)

    def _give_up(self) -> None:
        self.executor.shut("the desk did not end in time")
        self._finish("the desk did not end in time; look at what still rests", exit_codes.ERROR)

    def _finish(self, reason: str, code: int) -> None:
        if not self.ended.done():
            self.ended.set_result((reason, code))

    def _clock_jumped(self, apart: Nanos) -> None:
        log.warning("the wall clock moved %.1f s against the monotonic one", apart / SECOND)
        if self._conn:
            self.parts.feed.reconnect(self._conn, f"the clock jumped by {apart / SECOND:.1f} s")
