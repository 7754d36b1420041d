"""The way out: pull, verify by reading back, compare everything exactly, end."""

from __future__ import annotations

from kalshi_tui.execution.gate import StopKind
from kalshi_tui.kernel import recovery, stops
from kalshi_tui.kernel.state import DeskState, Ending
from kalshi_tui.protocol.commands import Scope
from kalshi_tui.protocol.effects import EndDesk
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Nanos
from kalshi_tui.risk.r1_machine import DayState

PATIENCE: Nanos = 12 * SECOND
"""After this the desk ends with what it knows; the summary says what was not confirmed."""
READ_AGAIN: Nanos = 1200 * MILLISECOND
"""Not faster than the venue lets a balance be read: once a second."""


def begin(desk: DeskState, reason: str, exit_code: int) -> None:
    if desk.ending is None:
        desk.ending = Ending(reason, exit_code, desk.now)
        stops.stop(desk, StopKind.PULL, Scope(), reason)
        desk.feed.check_all()


def step(desk: DeskState) -> None:
    ending = desk.ending
    if ending is None or ending.done:
        return
    now = desk.now
    if now.mono - ending.since.mono > PATIENCE:
        _end(desk, ending)
        return
    if stops.unconfirmed(desk) or desk.orders.unresolved() or desk.recovery.missing:
        return
    if ending.asked is None or now.mono - ending.asked.mono > READ_AGAIN:
        if ending.asked is not None and _compared(desk, ending):
            _end(desk, ending)
            return
        ending.asked = now
        recovery.ask_all(desk)
        desk.feed.check_all()


def _compared(desk: DeskState, ending: Ending) -> bool:
    """Every kind was compared on a read asked since everything was gone, and agreed."""
    asked = ending.asked
    compared = desk.recovery.compared
    return asked is not None and all(
        kind in compared and compared[kind].mono >= asked.mono and not desk.recovery.differences.get(kind)
        for kind in ("orders", "fills", "positions", "balance")
    )


def _end(desk: DeskState, ending: Ending) -> None:
    ending.done = True
    stopped = desk.gate.latches.killed or desk.chain.r1.state is DayState.HALT
    code = 5 if ending.exit_code == 0 and stopped else ending.exit_code
    desk.others.append(EndDesk(ending.reason, code))
