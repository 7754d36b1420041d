"""A whole desk in this process on a served practice exchange, with faults to switch on between the two.

Everything is real: journal, signatures, HTTP, WebSocket, control socket. The feed goes through ``Relay``, a TCP
relay that can freeze or cut it; requests pass ``Reins``, which can hold, refuse or lose them; frames can be taken
out or doubled where the exchange queues them. Each counts what it did, so that a test can show that it was done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from practice_served import TICKER, Served

from kalshi_tui.desk import assembly
from kalshi_tui.desk.assembly import Endpoint, run_desk
from kalshi_tui.desk.client import DeskClient
from kalshi_tui.desk.life import live
from kalshi_tui.desk.loop import Desk
from kalshi_tui.desk.plan import Plan
from kalshi_tui.kernel.kernel import Kernel
from kalshi_tui.kernel.state import DeskState
from kalshi_tui.practice.auth import make_key
from kalshi_tui.practice.matching import Order as VenueOrder
from kalshi_tui.practice.server import drive
from kalshi_tui.practice.sockets import REST_ROOT, WS_PATH, make_app
from kalshi_tui.practice.ws_session import Session, Subscription
from kalshi_tui.protocol.commands import AnyCommand
from kalshi_tui.protocol.units import DOLLAR, Side
from kalshi_tui.protocol.views import DeskView

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ORDERS = "/portfolio/events/orders"


class Relay:
    """A TCP relay in front of the feed."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.frozen = False
        """Nothing is passed on either way, and no connection is closed."""
        self.refusing = False
        self.swallowed = 0
        """Bytes that came while frozen."""
        self.turned_away = 0
        self.dialed = 0
        self._target = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Every connection through it breaks now."""
        for writer in self._writers:
            writer.transport.abort()

    async def close(self) -> None:
        self.cut()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            self.turned_away += 1
            writer.transport.abort()
            return
        self.dialed += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        pair = {writer, far_writer}
        self._writers |= pair
        try:
            await asyncio.gather(self._pass(reader, far_writer, pair), self._pass(far_reader, writer, pair))
        finally:
            self._writers -= pair

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, pair: set[asyncio.StreamWriter]
    ) -> None:
        frozen = False
        with suppress(OSError):
            while data := await source.read(65_536):
                # A connection that was frozen once never thaws: bytes are missing in it.
                frozen = frozen or self.frozen
                if frozen:
                    self.swallowed += len(data)
                    continue
                sink.write(data)
                await sink.drain()
        for writer in pair:
            writer.transport.abort()


class Reins:
    """Between the desk's requests and the exchange."""

    def __init__(self) -> None:
        self.down = False
        """Every request breaks before the exchange sees it."""
        self.refused = 0
        self.lose_answers = 0
        """This many more creates are carried out and never answered."""
        self.lost = 0
        self.hold: asyncio.Event | None = None
        """Creates wait for this before the exchange sees them."""
        self.held = 0
        self.creates = 0
        """Creates whose bytes reached the exchange's door."""
        self.asked: list[str] = []
        """Method and path of every request, in order."""

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def rein(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not request.path.startswith(REST_ROOT):
                return await handler(request)
            create = request.method == "POST" and request.path == REST_ROOT + ORDERS
            self.creates += create
            self.asked.append(f"{request.method} {request.path.removeprefix(REST_ROOT)}")
            if self.down:
                self.refused += 1
                return _broken(request)
            if create and self.hold is not None:
                self.held += 1
                await self.hold.wait()
            answer = await handler(request)
            if create and self.lose_answers:
                self.lose_answers -= 1
                self.lost += 1
                return _broken(request)
            return answer

        return rein


def _broken(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


class FrameFault:
    """Takes the next frames of a kind out of the stream, or doubles them, where the exchange queues them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.drop = self.double = 0
        self.dropped = self.doubled = 0
        self.kind = b'"orderbook_delta"'
        original = Session._queue

        def queue(session: Session, sub: Subscription | None, frame: bytes) -> None:
            if frame.startswith(b'{"type":' + self.kind):
                if self.drop:
                    self.drop -= 1
                    self.dropped += 1
                    # It counts as written, or its subscription would be ended as one nobody reads.
                    assert sub is not None
                    sub.queued -= 1
                    return
                if self.double:
                    self.double -= 1
                    self.doubled += 1
                    original(session, None, frame)
            original(session, sub, frame)

        monkeypatch.setattr(Session, "_queue", queue)


class Bench:
    """The exchange, what stands between, and the desk once ``start`` was called."""

    def __init__(self, venue: Served, relay: Relay, reins: Reins, monkeypatch: pytest.MonkeyPatch) -> None:
        self.venue = venue
        self.relay = relay
        self.reins = reins
        self.desk: Desk
        self.task: asyncio.Task[int]
        self._monkeypatch = monkeypatch

    # -- the desk ------------------------------------------------------------------------------------

    def plan(self, **fields: Any) -> Plan:
        pair = self.venue.pair
        key = {"rest": self.venue.root, "ws": self.venue.ws, "key_id": pair.api_key.key_id}
        given = {
            "engine": "m1",
            "engine_params": {},
            "bankroll": 1_000 * DOLLAR,
            "quote": True,
            "record": False,
        }
        return Plan(
            venue="practice", execution="venue", key_file=str(pair.path), **{**key, **given, **fields}
        )

    async def start(self, **fields: Any) -> None:
        """A desk from nothing until it quotes (or, with ``quote=False``, until it is reconciled)."""
        plan = self.plan(**fields)
        plan.folder.make()
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def caught(desk: Desk, *args: Any) -> int:
            self.desk = desk
            return await live(desk, *args)

        self._monkeypatch.setattr(assembly, "live", caught)
        feed = f"ws://127.0.0.1:{self.relay.port}{WS_PATH}"
        endpoint = Endpoint(self.venue.root, feed, plan.key_id, plan.key_file)
        self.task = asyncio.create_task(run_desk(plan, endpoint, lambda step: None, ready.set_result))
        await asyncio.wait((self.task, ready), return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            self.task.result()
        if plan.quote:
            await self.until(lambda: len(self.resting()) == 2, 8.0)
        else:
            await self.until(lambda: not self.state.recovery.missing)

    async def stop(self) -> int:
        """Ask the desk to end; its exit code."""
        if not self.task.done():
            self.desk.end(0, "the test is over")
        async with asyncio.timeout(20):
            return await self.task

    @property
    def state(self) -> DeskState:
        core = self.desk.core
        assert isinstance(core, Kernel)
        return core.state

    async def ask(self, command: AnyCommand) -> tuple[bool, str]:
        """A command over the control socket, as the command line gives it."""
        client = await DeskClient.open(self.desk.facts.socket)
        try:
            ack = await client.request(command)
            return ack.ok, ack.text
        finally:
            await client.close()

    async def view(self) -> DeskView:
        client = await DeskClient.open(self.desk.facts.socket)
        try:
            return await client.status()
        finally:
            await client.close()

    async def until(self, condition: Callable[[], object], seconds: float = 5.0) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError("it never happened") from None

    # -- the exchange's truth ------------------------------------------------------------------------

    def resting(self) -> list[VenueOrder]:
        """Our orders that rest at the exchange."""
        return [order for order in self.venue.account.orders.values() if order.status == "resting"]

    def hit(self, contracts: float) -> None:
        """A stranger sells into our best bid."""
        best = max(order.price for order in self.resting() if order.side is Side.BID)
        self.venue.trade(Side.ASK, best // 100, contracts)

    def position(self) -> int:
        return self.venue.account.position(TICKER)

    def book_is_true(self) -> bool:
        """Whether the desk's book is the exchange's own."""
        mine = self.state.feed.book(TICKER)
        theirs = self.venue.exchange
        return mine is not None and all(
            mine.levels(side) == theirs.levels(TICKER, side, 99) for side in (Side.BID, Side.ASK)
        )


@asynccontextmanager
async def bench(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """An exchange with one market and a stranger's book in it; the desk is ended at the end."""
    reins = Reins()
    venue = Served(make_key("ed25519", "me", folder), "prestige")
    app = make_app(venue.service)
    app.middlewares.append(reins.middleware)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    venue.root, venue.ws = f"http://127.0.0.1:{port}{REST_ROOT}", f"ws://127.0.0.1:{port}{WS_PATH}"
    assert urlsplit(venue.root).port == port
    for n in range(4):
        venue.trade(Side.BID, 44 - n, 40)
        venue.trade(Side.ASK, 50 + n, 40)
    relay = Relay(port)
    await relay.start()
    driver = asyncio.create_task(drive(venue.service))
    one = Bench(venue, relay, reins, monkeypatch)
    try:
        yield one
    finally:
        reins.down, reins.hold = False, None
        if hasattr(one, "task"):
            await one.stop()
        driver.cancel()
        await relay.close()
        await venue.http.aclose()
        await runner.cleanup()
