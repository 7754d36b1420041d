"""One authenticated WebSocket, kept alive: frames become events, wishes become subscriptions.

**When the desk can not keep up.** Frames wait in a bounded buffer between socket and desk. When it is full,
or when the desk's own inbox stays longer than ``MAX_BACKLOG`` for so long that it fills, the connection is
dropped and opened again: books are re-based by fresh snapshots and private state by REST, and no frame is
ever left out silently in the middle of a sequence. What was dropped is on the tape.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Protocol

from kalshi_tui.protocol.events import FeedClosed, FeedHeard, FeedOpened, FrameReceived
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Nanos
from kalshi_tui.protocol.wire import decode
from kalshi_tui.protocol.wire_messages import BookDelta, BookSnapshot, FullDelta, Ticker, Trade
from kalshi_tui.ws_ingest.backoff import Backoff
from kalshi_tui.ws_ingest.subscriptions import Subscriptions
from kalshi_tui.ws_ingest.transport import Connection, Dial, Lost, Refused, dial, within

FeedEvent = FrameReceived | FeedOpened | FeedClosed | FeedHeard
Sign = Callable[[], Awaitable[Mapping[str, str]]]

MAX_BUFFER = 50_000
"""Frames between socket and desk: ten seconds of the busiest event window measured."""
MAX_BACKLOG = 20_000
"""Events the desk may have waiting before frames are held back in the buffer."""
_SLICE: Nanos = 4 * MILLISECOND
"""How long frames are handed over before others on the loop get their turn."""
_TICK_S = 0.25
_PING_AFTER: Nanos = 2 * SECOND
_DEAD_AFTER: Nanos = 5 * SECOND
_HEARD_EVERY: Nanos = SECOND
_SEND_S = 3.0
_MARKET_DATA = (FullDelta, BookDelta, BookSnapshot, Trade, Ticker)
_AUTH_RETRY_S = (5.0, 10.0, 20.0)


class FrameSink(Protocol):
    """Where raw frames go before they are decoded (the tape)."""

    def frame(self, at: Instant, conn: int, raw: bytes) -> None: ...


class FeedAuthError(Exception):
    """The exchange refuses the key at the handshake; dialing on would only hammer it."""


class FeedClient:
    """``run`` until cancelled; every other method may be called at any time from the same loop."""

    def __init__(
        self,
        url: str,
        sign: Sign,
        deliver: Callable[[FeedEvent], None],
        now: Callable[[], Instant],
        random: Random,
        *,
        tape: FrameSink | None = None,
        backlog: Callable[[], int] = lambda: 0,
        account: bool = True,
        dial: Dial = dial,
    ) -> None:
        self.conn = 0
        """Number of the present or last connection; the first is 1."""
        self.problem = ""
        """Why there is no connection, in a sentence; empty while there is one."""
        self._url = url
        self._sign = sign
        self._deliver = deliver
        self._now = now
        self._random = random
        self._tape = tape
        self._backlog = backlog
        self._dial = dial
        self._subscriptions = Subscriptions(account)
        self._backoff = Backoff(random)
        self._wake = asyncio.Event()
        self._frames: deque[tuple[Instant, bytes]] = deque()
        self._arrived = asyncio.Event()
        self._socket: Connection | None = None
        self._drop: str | None = None
        self._framed: Nanos = 0
        """Monotonic stamp of the last frame: bytes after it were no frame."""

    @property
    def problems(self) -> dict[str, str]:
        """Channel to a sentence, for subscriptions the exchange refused on this connection."""
        return self._subscriptions.problems

    def want(self, tickers: Iterable[str]) -> None:
        """Follow exactly these markets from now on, over every reconnect."""
        self._subscriptions.want(tickers)
        self._wake.set()

    def request_snapshots(self, conn: int, sid: int, tickers: Sequence[str]) -> None:
        """``get_snapshot``; without effect when ``conn`` is not the present connection."""
        if self._is_present(conn):
            self._subscriptions.request_snapshots(sid, tickers)
            self._wake.set()

    def resubscribe(self, conn: int, sid: int) -> None:
        if self._is_present(conn):
            self._subscriptions.resubscribe(sid)
            self._wake.set()

    def reconnect(self, conn: int, why: str) -> None:
        """Drop the connection and dial again; without effect when ``conn`` is already gone."""
        if self._is_present(conn):
            self._drop = why
            self._wake.set()

    async def run(self) -> None:
        """Connect, and connect again, for ever. Raises ``FeedAuthError`` when the key is refused for good:
        at once when it never worked, else after a few spaced attempts."""
        refusals = 0
        while True:
            try:
                socket = await self._connect()
            except Lost as error:
                self.problem = f"No feed: {error}."
            except Refused as error:
                self.problem = _refusal(error)
                if error.status in (401, 403):
                    if self.conn == 0 or refusals == len(_AUTH_RETRY_S):
                        raise FeedAuthError(self.problem) from None
                    refusals += 1
                    await asyncio.sleep(_AUTH_RETRY_S[refusals - 1])
                    continue
            else:
                refusals = 0
                await self._serve(socket)
            await asyncio.sleep(self._backoff.delay(self._now().mono) / SECOND)

    async def _connect(self) -> Connection:
        self._backoff.dialed(self._now().mono)
        headers = await self._sign()
        return await self._dial(self._url, headers, lambda: self._now().mono)

    async def _serve(self, socket: Connection) -> None:
        """One connection from its first byte to its ``FeedClosed``."""
        self.conn += 1
        self.problem = ""
        self._drop = None
        self._frames.clear()
        self._subscriptions.opened()
        self._socket = socket
        self._deliver(FeedOpened(self._now(), self.conn))
        self._wake.set()
        why = "closed by the desk"
        tasks = [
            asyncio.ensure_future(job(socket))
            for job in (self._read, self._hand_over, self._tend, self._watch)
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            lost = next(task for task in tasks if task in done).exception()
            if not isinstance(lost, Lost):
                raise lost or AssertionError("a connection's task ended without saying why")
            why = str(lost)
        finally:
            self._socket = None
            socket.abort()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.problem = f"No feed: {why}."
            self._deliver(FeedClosed(self._now(), self.conn, why))

    async def _read(self, socket: Connection) -> None:
        while True:
            try:
                raw = await socket.recv()
            except Lost:
                # The end of the stream: what arrived before it is still true.
                self._hand_over_slice(until=None)
                raise
            at = self._now()
            self._framed = at.mono
            if self._tape is not None:
                self._tape.frame(at, self.conn, raw)
            if len(self._frames) >= MAX_BUFFER:
                self._frames.clear()
                raise Lost(f"the desk fell {MAX_BUFFER} frames behind")
            self._frames.append((at, raw))
            self._arrived.set()

    async def _hand_over(self, socket: Connection) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._frames:
                if self._backlog() > MAX_BACKLOG:
                    await asyncio.sleep(_SLICE / SECOND)
                    continue
                self._hand_over_slice(until=self._now().mono + _SLICE)
                await asyncio.sleep(0)

    def _hand_over_slice(self, until: Nanos | None) -> None:
        """Decode and deliver buffered frames; ``until`` None takes them all."""
        frames = self._frames
        while frames:
            at, raw = frames.popleft()
            message = decode(raw)
            self._deliver(FrameReceived(at, self.conn, message))
            if isinstance(message, _MARKET_DATA):
                self._backoff.useful()
            else:
                self._subscriptions.on_message(message, at.mono)
                self._wake.set()
            if until is not None and self._now().mono >= until:
                return

    async def _tend(self, socket: Connection) -> None:
        """Send what the subscriptions need: at once when something changed, else a few times a second."""
        while True:
            try:
                async with asyncio.timeout(_TICK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            for command in self._subscriptions.commands(self._now().mono):
                await within(_SEND_S, socket.send(command))

    async def _watch(self, socket: Connection) -> None:
        """The heartbeat: ask after two silent seconds, give up three seconds later."""
        last = listening = heard_said = self._now().mono
        pinged: Nanos = 0
        while True:
            await asyncio.sleep(_TICK_S)
            if self._drop is not None:
                raise Lost(self._drop)
            at = self._now()
            overdue = self._subscriptions.overdue(at.mono)
            if overdue is not None:
                raise Lost(overdue)
            heard = socket.heard
            if heard > max(heard_said, self._framed) and at.mono - heard_said >= _HEARD_EVERY:
                heard_said = at.mono
                self._deliver(FeedHeard(Instant(heard, at.wall - (at.mono - heard)), self.conn))
            if at.mono - last > SECOND:
                # This process itself stood still: silence before now proves nothing.
                listening = at.mono
            last = at.mono
            silent = at.mono - max(heard, listening)
            if silent >= _DEAD_AFTER:
                raise Lost(f"not a byte for {(at.mono - heard) / SECOND:.1f} s")
            if silent >= _PING_AFTER and pinged <= max(heard, listening):
                pinged = at.mono
                await within(_SEND_S, socket.ping())

    def _is_present(self, conn: int) -> bool:
        return self._socket is not None and conn == self.conn


def _refusal(error: Refused) -> str:
    if error.status in (401, 403):
        return (
            f"The exchange refuses this key at the feed (HTTP {error.status}): check the key id, "
            "that key and venue belong together, and this machine's clock."
        )
    said = f" ({error})" if str(error) else ""
    return f"No feed: the exchange answers HTTP {error.status}{said}."
