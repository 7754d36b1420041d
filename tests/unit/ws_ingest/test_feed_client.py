"""The feed's shell against a small WebSocket server of the tests: real sockets on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from random import Random
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from kalshi_tui.protocol.events import FeedClosed, FeedHeard, FeedOpened, FrameReceived
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.units import SECOND
from kalshi_tui.protocol.wire_messages import AnyDelta, ErrorMessage, InvalidFrame
from kalshi_tui.ws_ingest import feed as feed_module
from kalshi_tui.ws_ingest.feed import FeedAuthError, FeedClient, FeedEvent
from kalshi_tui.ws_ingest.transport import Lost, Refused, dial

CANARY = "CANARY-SIGNATURE"


def now() -> Instant:
    return Instant(time.monotonic_ns(), time.time_ns())


async def sign() -> Mapping[str, str]:
    return {"KALSHI-ACCESS-KEY": "kid", "KALSHI-ACCESS-SIGNATURE": CANARY}


class NoWait(Random):
    """No pause between dials, so that storms are quick."""

    def uniform(self, a: float, b: float) -> float:
        return 0.0


class Exchange:
    """Answers every command with ``subscribed``; a test says what else it does."""

    def __init__(self, script: Callable[[ServerConnection, int], Any] | None = None) -> None:
        self.script = script
        self.headers: list[Mapping[str, str]] = []
        self.commands: list[list[dict[str, Any]]] = []
        self.refuse: http.HTTPStatus | None = None
        self.refusal = "no"
        self.dials = 0
        self.open = 0
        self.url = ""

    def on_request(self, connection: ServerConnection, request: Request) -> Response | None:
        self.dials += 1
        self.headers.append(dict(request.headers.raw_items()))
        return None if self.refuse is None else connection.respond(self.refuse, self.refusal)

    async def on_connection(self, socket: ServerConnection) -> None:
        self.commands.append([])
        mine = self.commands[-1]
        self.open += 1
        task = asyncio.ensure_future(self.script(socket, len(self.commands))) if self.script else None
        try:
            async for text in socket:
                command = json.loads(text)
                mine.append(command)
                reply = {
                    "id": command["id"],
                    "type": "subscribed",
                    "msg": {"channel": command["params"]["channels"][0], "sid": len(mine)},
                }
                await socket.send(json.dumps(reply))
        except ConnectionClosed:
            pass
        finally:
            self.open -= 1
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                    await task

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Exchange]:
        server: Server
        async with serve(
            self.on_connection, "127.0.0.1", 0, process_request=self.on_request, ping_interval=None
        ) as server:
            self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/trade-api/ws/v2"
            yield self


class Desk:
    """Collects events; ``until`` waits for one."""

    def __init__(self) -> None:
        self.events: list[FeedEvent] = []

    def deliver(self, event: FeedEvent) -> None:
        self.events.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, ready: Callable[[], bool], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not ready():
                await asyncio.sleep(0.005)

    def deltas(self) -> list[int | None]:
        return [e.message.seq for e in self.of(FrameReceived) if isinstance(e.message, AnyDelta)]


@contextlib.asynccontextmanager
async def running(
    exchange_url: str, desk: Desk, random: Random | None = None, **options: Any
) -> AsyncIterator[FeedClient]:
    client = FeedClient(exchange_url, sign, desk.deliver, now, random or NoWait(), **options)
    task = asyncio.ensure_future(client.run())
    try:
        yield client
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, FeedAuthError):
            await task


def delta(seq: int) -> str:
    body = {"market_ticker": "A", "price_dollars": "0.5000", "delta_fp": "1.00", "side": "yes"}
    return json.dumps({"type": "orderbook_delta", "sid": 1, "seq": seq, "msg": body})


class Tape:
    def __init__(self) -> None:
        self.raw: list[tuple[int, bytes]] = []

    def frame(self, at: Instant, conn: int, raw: bytes) -> None:
        self.raw.append((conn, raw))


async def test_frames_come_in_order_are_stamped_and_taped_before_they_are_decoded() -> None:
    async def script(socket: ServerConnection, conn: int) -> None:
        for seq in range(500):
            await socket.send(delta(seq))
        await socket.send("this is no JSON")

    desk, tape = Desk(), Tape()
    async with Exchange(script).running() as exchange, running(exchange.url, desk, tape=tape) as client:
        client.want(["A"])
        await desk.until(lambda: len(desk.deltas()) == 500 and len(exchange.commands[0]) == 8)
        await desk.until(lambda: len(tape.raw) == 501 + 8)
    assert desk.deltas() == list(range(500))
    assert isinstance(desk.events[0], FeedOpened)
    assert sum(isinstance(e.message, InvalidFrame) for e in desk.of(FrameReceived)) == 1
    assert (1, b"this is no JSON") in tape.raw
    stamps = [e.at.mono for e in desk.of(FrameReceived)]
    assert stamps == sorted(stamps)
    assert exchange.headers[0]["KALSHI-ACCESS-SIGNATURE"] == CANARY
    assert "Sec-WebSocket-Extensions" not in exchange.headers[0]


async def test_a_closed_connection_is_dialed_again_with_the_same_wish() -> None:
    async def script(socket: ServerConnection, conn: int) -> None:
        await socket.send(delta(conn))
        if conn == 1:
            await asyncio.sleep(0.1)
            await socket.close(1012, "restart\x1b[2J")

    desk = Desk()
    async with Exchange(script).running() as exchange, running(exchange.url, desk) as client:
        client.want(["A", "B"])
        await desk.until(lambda: len(exchange.commands) == 2 and len(exchange.commands[1]) == 8)
        [closed] = desk.of(FeedClosed)
        assert (closed.conn, client.conn, exchange.open) == (1, 2, 1)
    assert "closed by the exchange (code 1012" in closed.why
    assert "\x1b" not in closed.why
    wishes = [
        {tuple(c["params"].get("market_tickers", ())) for c in commands} for commands in exchange.commands
    ]
    assert wishes == [{("A", "B"), ()}] * 2
    assert desk.deltas() == [1, 2]


@pytest.mark.fault
async def test_f23_a_storm_of_closed_connections_is_dialed_with_patience() -> None:
    async def script(socket: ServerConnection, conn: int) -> None:
        await socket.close()

    desk = Desk()
    async with Exchange(script).running() as exchange, running(exchange.url, desk, Random(5)) as client:
        client.want(["A"])
        await asyncio.sleep(2.0)
        assert 2 <= exchange.dials <= 12
        assert exchange.open <= 1
        assert len(desk.of(FeedOpened)) - len(desk.of(FeedClosed)) in (0, 1)
    assert len(desk.of(FeedOpened)) == len(desk.of(FeedClosed))
    assert max(len(commands) for commands in exchange.commands) <= 8


@pytest.mark.fault
async def test_f24_a_refused_key_ends_the_feed_at_once_and_says_what_to_check() -> None:
    exchange = Exchange()
    exchange.refuse = http.HTTPStatus.UNAUTHORIZED
    async with exchange.running():
        client = FeedClient(exchange.url, sign, Desk().deliver, now, NoWait())
        with pytest.raises(FeedAuthError, match=r"key id.*venue.*clock"):
            await client.run()
    assert exchange.dials == 1


@pytest.mark.fault
async def test_f24_a_key_refused_after_it_worked_is_tried_a_few_times_and_then_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed_module, "_AUTH_RETRY_S", (0.01, 0.01, 0.01))

    async def script(socket: ServerConnection, conn: int) -> None:
        exchange.refuse = http.HTTPStatus.FORBIDDEN
        await socket.close()

    exchange, desk = Exchange(script), Desk()
    async with exchange.running():
        with pytest.raises(FeedAuthError, match="403"):
            await FeedClient(exchange.url, sign, desk.deliver, now, NoWait()).run()
    assert exchange.dials == 1 + 1 + 3


async def test_other_answers_to_the_handshake_are_named_and_tried_again() -> None:
    exchange, desk = Exchange(), Desk()
    exchange.refuse = http.HTTPStatus.SERVICE_UNAVAILABLE
    exchange.refusal = '{"error":{"code":"service_unavailable","message":"service unavailable"}}'
    async with exchange.running(), running(exchange.url, desk) as client:
        await desk.until(lambda: exchange.dials >= 3)
        assert client.problem == "No feed: the exchange answers HTTP 503 (service unavailable)."
        exchange.refuse = None
        await desk.until(lambda: client.conn == 1)
        assert client.problem == ""


async def test_a_redirect_is_not_followed_with_signed_headers() -> None:
    other = Exchange()

    def redirect(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(http.HTTPStatus.FOUND, "")
        response.headers["Location"] = other.url
        return response

    async with (
        other.running(),
        serve(other.on_connection, "127.0.0.1", 0, process_request=redirect) as server,
    ):
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/trade-api/ws/v2"
        with pytest.raises(Refused) as caught:
            await dial(url, await sign())
    assert caught.value.status == 302
    assert other.dials == 0


@pytest.mark.parametrize("url", ["ws://example.com/trade-api/ws/v2", "http://127.0.0.1/x"])
async def test_only_wss_and_loopback_are_dialed(url: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        await dial(url, {})


async def test_nobody_listening_is_said() -> None:
    with pytest.raises(Lost, match="can not be reached"):
        await dial("ws://127.0.0.1:1/trade-api/ws/v2", {})


class Valve:
    """A proxy that can go silent while its TCP connections stay open (half-open); new ones still work."""

    def __init__(self) -> None:
        self.shut: set[asyncio.StreamReader] = set()
        self.pipes: list[asyncio.StreamReader] = []
        self.swallowed = 0

    def close(self) -> None:
        self.shut.update(self.pipes)

    async def pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pipes.append(reader)
        while data := await reader.read(65536):
            if reader in self.shut:
                self.swallowed += 1
                continue
            writer.write(data)
        writer.close()

    @contextlib.asynccontextmanager
    async def before(self, url: str) -> AsyncIterator[str]:
        port = int(url.split(":")[2].split("/")[0])
        tasks: list[asyncio.Future[None]] = []

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
            tasks.append(asyncio.ensure_future(self.pipe(reader, up_writer)))
            tasks.append(asyncio.ensure_future(self.pipe(up_reader, writer)))

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        try:
            yield url.replace(str(port), str(server.sockets[0].getsockname()[1]))
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.fault
async def test_f09_a_half_open_socket_is_asked_and_dropped_and_dialed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A tenth of the real patience, in the same proportions.
    monkeypatch.setattr(feed_module, "_PING_AFTER", SECOND // 5)
    monkeypatch.setattr(feed_module, "_DEAD_AFTER", SECOND // 2)
    monkeypatch.setattr(feed_module, "_TICK_S", 0.025)

    async def script(socket: ServerConnection, conn: int) -> None:
        await socket.send(delta(conn))

    desk, valve = Desk(), Valve()
    async with (
        Exchange(script).running() as exchange,
        valve.before(exchange.url) as url,
        running(url, desk) as client,
    ):
        await desk.until(lambda: desk.deltas() == [1])
        # Silence of the market is no silence of the socket: pongs keep it alive.
        await asyncio.sleep(1.2)
        assert client.conn == 1
        assert desk.of(FeedClosed) == []
        valve.close()
        shut = time.monotonic()
        await desk.until(lambda: len(desk.of(FeedClosed)) == 1)
        assert 0.2 <= time.monotonic() - shut <= 1.5
        assert valve.swallowed >= 1
        await desk.until(lambda: desk.deltas() == [1, 2])
    assert "not a byte for" in desk.of(FeedClosed)[0].why


async def test_bytes_that_are_no_frame_are_reported_at_most_once_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed_module, "_TICK_S", 0.02)

    async def script(socket: ServerConnection, conn: int) -> None:
        while True:
            await socket.ping(b"heartbeat")
            await asyncio.sleep(0.01)

    desk = Desk()
    async with Exchange(script).running() as exchange, running(exchange.url, desk, account=False):
        await desk.until(lambda: len(desk.of(FeedHeard)) == 2)
    first, second = desk.of(FeedHeard)
    assert second.at.mono - first.at.mono >= 0.9 * SECOND


async def test_a_quiet_socket_is_kept_although_this_process_stood_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed_module, "_TICK_S", 0.02)
    monkeypatch.setattr(feed_module, "_PING_AFTER", SECOND // 10)
    monkeypatch.setattr(feed_module, "_DEAD_AFTER", SECOND // 2)
    desk = Desk()
    async with Exchange().running() as exchange, running(exchange.url, desk) as client:
        await desk.until(lambda: client.conn == 1)
        time.sleep(1.3)
        await asyncio.sleep(0.3)
        assert desk.of(FeedClosed) == []


@pytest.mark.fault
async def test_f12_a_terminal_error_resubscribes_on_the_same_connection() -> None:
    async def script(socket: ServerConnection, conn: int) -> None:
        await asyncio.sleep(0.1)
        error = {
            "type": "error",
            "sid": 1,
            "seq": 5,
            "msg": {"code": 25, "msg": "Subscription buffer overflow"},
        }
        await socket.send(json.dumps(error))

    desk = Desk()
    async with Exchange(script).running() as exchange, running(exchange.url, desk) as client:
        client.want(["A"])
        await desk.until(lambda: bool(exchange.commands) and len(exchange.commands[0]) == 9)
        assert exchange.dials == 1
    assert exchange.commands[0][8]["params"]["channels"] == exchange.commands[0][0]["params"]["channels"]
    assert any(isinstance(e.message, ErrorMessage) for e in desk.of(FrameReceived))


@pytest.mark.fault
async def test_f22_a_desk_that_falls_behind_loses_the_connection_never_a_frame_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed_module, "MAX_BUFFER", 300)
    monkeypatch.setattr(feed_module, "MAX_BACKLOG", 100)

    async def script(socket: ServerConnection, conn: int) -> None:
        for seq in range(5000 if conn == 1 else 50):
            await socket.send(delta(seq))

    desk, stuck = Desk(), True

    def backlog() -> int:
        return len(desk.events) if stuck else 0

    async with Exchange(script).running() as exchange, running(exchange.url, desk, backlog=backlog) as client:
        await desk.until(lambda: len(desk.of(FeedClosed)) == 1)
        stuck = False
        await desk.until(lambda: client.conn == 2 and len(desk.deltas()) >= 50 and desk.deltas()[-1] == 49)
    assert "fell 300 frames behind" in desk.of(FeedClosed)[0].why
    for conn in (1, 2):
        seqs = [
            e.message.seq
            for e in desk.of(FrameReceived)
            if e.conn == conn and isinstance(e.message, AnyDelta)
        ]
        assert seqs == list(range(len(seqs)))


@pytest.mark.fault
async def test_f14_a_frame_over_the_limit_closes_the_connection() -> None:
    async def script(socket: ServerConnection, conn: int) -> None:
        if conn == 1:
            await socket.send("x" * (5 * 1024 * 1024))
        else:
            await socket.send(delta(1))

    desk = Desk()
    async with Exchange(script).running() as exchange, running(exchange.url, desk):
        await desk.until(lambda: desk.deltas() == [1])
    assert "1009" in desk.of(FeedClosed)[0].why


async def test_commands_for_a_connection_that_is_gone_do_nothing() -> None:
    desk = Desk()
    async with Exchange().running() as exchange, running(exchange.url, desk, account=False) as client:
        await desk.until(lambda: client.conn == 1)
        client.request_snapshots(7, 1, ["A"])
        client.resubscribe(7, 1)
        client.reconnect(7, "old")
        await asyncio.sleep(0.4)
        assert exchange.commands == [[]]
        assert desk.of(FeedClosed) == []
        client.reconnect(1, "the book is beyond repair")
        await desk.until(lambda: client.conn == 2)
    assert desk.of(FeedClosed)[0].why == "the book is beyond repair"


async def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    with caplog.at_level(logging.DEBUG):
        async with Exchange().running() as exchange, running(exchange.url, desk) as client:
            client.want(["A"])
            await desk.until(lambda: bool(exchange.commands) and len(exchange.commands[0]) == 8)
    ours = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    assert not any(CANARY in record.getMessage() for record in ours)
    assert not any(record.name == "websockets.client" for record in ours)
