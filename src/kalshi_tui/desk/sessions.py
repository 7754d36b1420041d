"""Who is attached and who is in control: plain state, no sockets.

A connection becomes a *screen* with its first ``Focus`` or ``Heartbeat``; one that never sends either is
the command line asking something. Control belongs to the screen that attached first and whose terminal
still answers; it passes on when that one leaves or falls silent.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from kalshi_tui.protocol.commands import Ack, AnyCommand, Clear, Describe, EndDesk, Focus, ReadStatus, Stop
from kalshi_tui.protocol.units import SECOND, Nanos

SILENCE: Nanos = 10 * SECOND
"""A terminal that has not answered for this long cannot be seen by anybody."""
MAX_PENDING = 256
COMMAND_LINE = 0
"""The session number the kernel sees for the command line, signals and the kill file."""
FROM_COMMAND_LINE = (Stop, Clear, EndDesk, ReadStatus, Describe)


@dataclass
class Session:
    """One connection. ``outbox`` holds encoded frames that must not be lost; a view is made when it is
    sent."""

    number: int
    heard: Nanos
    is_screen: bool = False
    focus: Focus | None = None
    view_due: bool = False
    outbox: deque[bytes] = field(default_factory=deque)
    pending: set[int] = field(default_factory=set)
    """Ids of commands the kernel has not answered yet."""


class SessionTable:
    """Attached sessions in the order they came, the one in control, and whose question each answer is."""

    def __init__(self) -> None:
        self.sessions: dict[int, Session] = {}
        self.controller: int | None = None
        self._next_session = 1
        self._next_line_id = 1
        self._line_owners: dict[int, tuple[int, int]] = {}

    @property
    def screens(self) -> list[Session]:
        return [session for session in self.sessions.values() if session.is_screen]

    def attach(self, now: Nanos) -> Session:
        session = Session(self._next_session, heard=now)
        self._next_session += 1
        self.sessions[session.number] = session
        return session

    def detach(self, number: int) -> None:
        self.sessions.pop(number, None)
        self._line_owners = {key: owner for key, owner in self._line_owners.items() if owner[0] != number}

    def heard_from(self, session: Session, now: Nanos) -> None:
        """Proof that this session's terminal draws."""
        session.is_screen = True
        session.heard = now

    def settle_control(self, now: Nanos) -> bool:
        """Choose who is in control; True when that changed."""
        answering = [s.number for s in self.screens if now - s.heard <= SILENCE]
        before = self.controller
        if before not in answering:
            self.controller = answering[0] if answering else None
        return self.controller != before

    def line_id(self) -> int:
        """A number for a command from the command line, a signal or the kill file."""
        self._next_line_id += 1
        return self._next_line_id

    def ask(self, session: Session, command: AnyCommand) -> tuple[int, int] | Ack:
        """As (session, id) the kernel shall see for this command, or the refusal it gets here."""
        if len(session.pending) >= MAX_PENDING:
            return Ack(command.id, False, "too many commands are unanswered; wait for the desk's answers")
        if session.is_screen:
            if command.id in session.pending:
                return Ack(command.id, False, "this command number is still unanswered")
            session.pending.add(command.id)
            return session.number, command.id
        if not isinstance(command, FROM_COMMAND_LINE):
            return Ack(command.id, False, "only a screen may do that; others can stop, clear and read")
        session.pending.add(command.id)
        number = self.line_id()
        self._line_owners[number] = (session.number, command.id)
        return COMMAND_LINE, number

    def owner_of(self, session: int, number: int) -> tuple[Session, int] | None:
        """Whose question an answer belongs to and the number it was asked under; None if nobody waits."""
        if session == COMMAND_LINE:
            session, number = self._line_owners.pop(number, (COMMAND_LINE, 0))
        owner = self.sessions.get(session)
        if owner is None or number not in owner.pending:
            return None
        owner.pending.discard(number)
        return owner, number
