"""The stops that outlive the process: from the kernel's gate to its file, and back at boot.

Kills and holds are kept. A pull is not: every end of a desk is a pull, and engines start switched off anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kalshi_tui.execution.gate import Latches, StopKind
from kalshi_tui.protocol.units import Nanos
from kalshi_tui.storage.latches import Latch, LatchError, LatchFile


def restore(recorded: Mapping[str, Latch], latches: Latches) -> None:
    """Put the recorded stops in force."""
    for scope, latch in recorded.items():
        if latch.stop == StopKind.KILL and scope:
            latches.kills[scope] = latch.why
        elif latch.stop == StopKind.KILL:
            latches.killed, latches.kill_why, latches.reduce_only = True, latch.why, latch.reduce_only
        else:
            latches.held[scope] = latch.why


def take_over(waiting: Path, own: LatchFile, wall: Nanos) -> dict[str, Latch]:
    """The stops in force at boot: our own, and those left for whichever desk boots next, which are ours from here
    on. ``LatchError`` where that can not be made durable."""
    recorded = own.read(wall)
    left = LatchFile(waiting).read(wall)
    if not left:
        return recorded
    own.write(recorded | left)
    try:
        waiting.unlink()
    except OSError as error:
        raise LatchError(f"The stops in {waiting} can not be removed ({error.strerror}).") from None
    return recorded | left


def is_killed(recorded: Mapping[str, Latch]) -> bool:
    """Whether everything is killed; a kill of one market leaves the others alone."""
    return any(latch.stop == StopKind.KILL and not scope for scope, latch in recorded.items())


class LatchKeeper:
    """Writes the file whenever a kill or a hold came or went."""

    def __init__(self, file: LatchFile, latches: Latches) -> None:
        self._file = file
        self._latches = latches
        self._written = self._recorded(0)

    def keep(self, wall: Nanos) -> None:
        """Make the present stops durable if they changed; ``LatchError`` when that fails."""
        now = self._recorded(0)
        if now == self._written:
            return
        self._file.write(self._recorded(wall))
        self._written = now

    def _recorded(self, wall: Nanos) -> dict[str, Latch]:
        latches = self._latches
        found = {scope: Latch(StopKind.HOLD.value, why, wall) for scope, why in latches.held.items()}
        found |= {scope: Latch(StopKind.KILL.value, why, wall) for scope, why in latches.kills.items()}
        if latches.killed or latches.reduce_only:
            found[""] = Latch(StopKind.KILL.value, latches.kill_why, wall, latches.reduce_only)
        return found
