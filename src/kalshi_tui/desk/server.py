"""The control socket: sessions attach, ask, and are shown views. It decides nothing about trading.

A slow reader never holds the desk up: answers queue for it (bounded), and of views it only ever gets the
newest, made at the moment it can take one.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import struct
import time
from pathlib import Path
from typing import Protocol

import msgspec

from kalshi_tui.desk import wire
from kalshi_tui.desk.sessions import Session, SessionTable
from kalshi_tui.locations import LocationError
from kalshi_tui.protocol.commands import Ack, AnyCommand, Focus, Heartbeat, ReadStatus
from kalshi_tui.protocol.views import DeskView, EngineParams, FromDesk, Goodbye, Hello, MarketCard

log = logging.getLogger(__name__)

MAX_SESSIONS = 32
MAX_OUTBOX = 512
READ_CHUNK = 64 * 1024
GOODBYE_S = 1.0


class DeskSide(Protocol):
    """What the server needs of the desk."""

    def hello(self, session: int, in_control: bool) -> Hello: ...

    def view(self, focus: Focus | None, full: bool) -> DeskView: ...

    def command(self, session: int, command: AnyCommand, in_control: bool) -> None: ...

    def sessions_changed(self, screens: int, controller: int | None) -> None: ...


class ControlServer:
    """Serves one desk on a Unix socket (0600, callers of the same user only)."""

    def __init__(self, path: Path, desk: DeskSide, refresh_hz: int) -> None:
        self.table = SessionTable()
        self._path = path
        self._desk = desk
        self._period = 1 / refresh_hz
        self._wakes: dict[int, asyncio.Event] = {}
        self._serving: dict[asyncio.Task[None], asyncio.Task[None]] = {}
        """A connection's task and, under it, the one that reads: ending the reader ends the connection."""
        self._server: asyncio.Server | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._closing = False
        self._screens = 0

    async def start(self) -> None:
        """Listen. The caller holds the desk's lock, so a socket that is there already belongs to a dead
        desk, or to something that is none."""
        try:
            if self._path.is_socket():
                if _answers(self._path):
                    raise OSError(errno.EADDRINUSE, "another program listens on it")
                self._path.unlink()
            self._server = await asyncio.start_unix_server(self._serve, path=self._path)
            self._path.chmod(0o600)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise LocationError(
                f"the control socket {self._path} cannot be made ({reason}); remove what is there."
            ) from None
        self._ticker = asyncio.create_task(self._tick())

    async def close(self, goodbye: Goodbye) -> None:
        """Tell everybody why, wait a moment for them to take it, and go. Safe to call twice."""
        if self._server is None:
            return
        server, self._server = self._server, None
        self._closing = True
        if self._ticker is not None:
            self._ticker.cancel()
        server.close()
        for session in self.table.sessions.values():
            session.view_due = False
            self._send(session, goodbye)
        if self._serving:
            _, late = await asyncio.wait(self._serving, timeout=GOODBYE_S)
            for task in late:
                self._serving[task].cancel()
            await asyncio.gather(*late)
        self._path.unlink(missing_ok=True)

    def answer(self, session: int, ack: Ack, card: MarketCard | EngineParams | None = None) -> None:
        """The kernel's answer to whoever asked; nobody waiting (signals, gone sessions) is fine."""
        found = self.table.owner_of(session, ack.id)
        if found is None:
            return
        owner, number = found
        if card is not None:
            self._send(owner, card)
        self._send(owner, Ack(number, ack.ok, ack.text))
        # What the command changed is on screen with its answer, not up to a period later.
        self._show(owner)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._closing or len(self.table.sessions) >= MAX_SESSIONS or not _same_user(writer):
            writer.close()
            return
        session = self.table.attach(time.monotonic_ns())
        self._wakes[session.number] = asyncio.Event()
        writing = asyncio.create_task(self._write(session, writer))
        self._send(session, self._desk.hello(session.number, self.table.controller is None))
        self._serving[task] = reading = asyncio.create_task(self._read(session, reader))
        try:
            await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            reading.cancel()
            writing.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)
            self.table.detach(session.number)
            self._wakes.pop(session.number, None)
            self._settle()
            # A reader that takes nothing would keep a polite close waiting for ever.
            writer.transport.abort()
            del self._serving[task]

    async def _read(self, session: Session, reader: asyncio.StreamReader) -> None:
        frames = wire.command_reader()
        while data := await reader.read(READ_CHUNK):
            try:
                commands = frames.feed(data)
            except wire.WireError as error:
                log.warning("session %d closed: %s", session.number, error)
                return
            for command in commands:
                self._handle(session, command)
            await asyncio.sleep(0)

    def _handle(self, session: Session, command: AnyCommand) -> None:
        now = time.monotonic_ns()
        if isinstance(command, Heartbeat | Focus):
            self.table.heard_from(session, now)
            self._settle()
        if isinstance(command, Focus):
            session.focus = command
        if isinstance(command, Heartbeat):
            self._desk.command(session.number, command, self.table.controller == session.number)
        elif isinstance(command, ReadStatus):
            self._send(session, self._desk.view(session.focus, True))
        elif not isinstance(command, Focus):
            self._pass_on(session, command)
            return
        self._send(session, Ack(command.id, True))
        if isinstance(command, Focus):
            self._show(session)

    def _pass_on(self, session: Session, command: AnyCommand) -> None:
        asked = self.table.ask(session, command)
        if isinstance(asked, Ack):
            self._send(session, asked)
            return
        number, command_id = asked
        in_control = self.table.controller == session.number
        self._desk.command(number, msgspec.structs.replace(command, id=command_id), in_control)

    async def _write(self, session: Session, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(high=0)
        wake = self._wakes[session.number]
        try:
            while not (self._closing and not session.outbox):
                await wake.wait()
                wake.clear()
                while session.outbox:
                    writer.write(session.outbox.popleft())
                if session.view_due and not self._closing:
                    session.view_due = False
                    writer.write(wire.encode(self._desk.view(session.focus, False)))
                await writer.drain()
        except ConnectionError:
            return

    def _send(self, session: Session, message: FromDesk) -> None:
        wake = self._wakes.get(session.number)
        if wake is None:
            return
        if len(session.outbox) >= MAX_OUTBOX:
            # It asks and does not read: it keeps the oldest answers and gets no more.
            log.warning("session %d does not read its answers", session.number)
            return
        session.outbox.append(wire.encode(message))
        wake.set()

    def _show(self, session: Session) -> None:
        if session.is_screen:
            session.view_due = True
            self._wakes[session.number].set()

    def _settle(self) -> None:
        changed = self.table.settle_control(time.monotonic_ns())
        screens = len(self.table.screens)
        if changed or screens != self._screens:
            self._screens = screens
            self._desk.sessions_changed(screens, self.table.controller)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._period)
            self._settle()
            for session in self.table.screens:
                self._show(session)


def _answers(path: Path) -> bool:
    """Whether a living process listens there."""
    with socket.socket(socket.AF_UNIX) as caller:
        try:
            caller.connect(str(path))
        except OSError:
            return False
    return True


def _same_user(writer: asyncio.StreamWriter) -> bool:
    """Whether the caller runs under our user id (the folder's mode says so too; this is the second
    lock)."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    size = struct.calcsize("3i")
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, option, size)
    _, uid, _ = struct.unpack("3i", credentials)
    if uid != os.getuid():
        log.warning("a process of user id %d was turned away from the control socket", uid)
    return bool(uid == os.getuid())
