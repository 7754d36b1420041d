"""The transport on real sockets: nothing leaves that was taken back, nothing endless is read."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kalshi_tui.protocol.events import CreateAccepted, CreateRefused, CreateUnknown
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import NewOrder
from kalshi_tui.protocol.units import Side
from kalshi_tui.venue import transport as transport_module
from kalshi_tui.venue.client import VenueClient
from kalshi_tui.venue.hosts import Endpoints, endpoints
from kalshi_tui.venue.signer import Signer
from kalshi_tui.venue.transport import NoAnswer, Transport

ORDER = NewOrder("coid-1", "A-B", Side.BID, 100, 100)
PLACED = b'{"order_id":"o","fill_count":"0.00","remaining_count":"1.00"}'


def now() -> Instant:
    return Instant(time.monotonic_ns(), time.time_ns())


def reply(status: str, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Server:
    """Reads requests and does with the connection what the test says."""

    def __init__(self, act: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> None:
        self.act = act
        self.requests: list[bytes] = []
        self.connections = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(line[15:])
                        for line in head.lower().split(b"\r\n")
                        if line.startswith(b"content-length:")
                    ),
                    0,
                )
                self.requests.append(head + await reader.readexactly(length))
                await self.act(writer)
                await writer.drain()
        writer.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Endpoints]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            yield endpoints(
                "practice", f"http://127.0.0.1:{port}/trade-api/v2", f"ws://127.0.0.1:{port}/trade-api/ws/v2"
            )
        finally:
            server.close()


def answering(content: bytes) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(content)

    return act


@contextlib.asynccontextmanager
async def opened(where: Endpoints, signer: Signer | None = None) -> AsyncIterator[Transport]:
    transport = Transport(where, signer, now)
    try:
        yield transport
    finally:
        await transport.close()


async def test_a_connection_is_kept_and_the_signed_path_is_the_sent_one(ed_key: Ed25519PrivateKey) -> None:
    server = Server(answering(reply("200 OK", b"{}")))
    async with server.running() as where, opened(where, Signer("kid", ed_key)) as transport:
        for _ in range(3):
            answer = await transport.read("/portfolio/orders", {"limit": 5})
    assert (answer.status, answer.body) == (200, b"{}")
    assert answer.asked.mono < answer.at.mono
    assert server.connections == 1
    assert server.requests[0].startswith(b"GET /trade-api/v2/portfolio/orders?limit=5 HTTP/1.1\r\n")


@pytest.mark.fault
async def test_f60_an_order_taken_back_while_its_connection_was_made_never_leaves() -> None:
    server = Server(answering(reply("201 Created", PLACED)))
    async with server.running() as where, opened(where) as transport:
        client = VenueClient(transport)
        asked: list[int] = []

        def withheld() -> str | None:
            asked.append(server.connections)
            return "killed"

        event = await client.create(ORDER, withheld)
        assert isinstance(event, CreateRefused)
        assert (event.error.code, event.error.message) == ("not_sent", "killed")
        assert server.requests == []
        assert len(asked) == 1
        assert isinstance(await client.create(ORDER), CreateAccepted)
        assert len(server.requests) == 1


@pytest.mark.fault
async def test_f31_an_answer_that_breaks_off_is_unknown() -> None:
    async def half(writer: asyncio.StreamWriter) -> None:
        writer.write(reply("201 Created", PLACED)[:-10])
        await writer.drain()
        writer.close()

    server = Server(half)
    async with server.running() as where, opened(where) as transport:
        assert isinstance(await VenueClient(transport).create(ORDER), CreateUnknown)
    assert len(server.requests) == 1


@pytest.mark.fault
async def test_f31_an_answer_that_drips_is_given_up_as_a_whole() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 100000\r\n\r\n")
        for _ in range(100):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    server = Server(drip)
    async with server.running() as where, opened(where) as transport:
        with pytest.raises(NoAnswer, match="no whole answer") as caught:
            await transport.send("POST", "/x", body=b"{}", deadline_s=0.2)
    assert caught.value.sent


async def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "MAX_BODY", 1000)
    server = Server(answering(reply("200 OK", b"x" * 5000)))
    async with server.running() as where, opened(where) as transport:
        with pytest.raises(NoAnswer):
            await transport.read("/x")


async def test_a_redirect_is_not_followed() -> None:
    other = Server(answering(reply("200 OK", b"{}")))
    async with other.running() as elsewhere:
        server = Server(answering(reply("307 Temporary Redirect", b"", f"location: {elsewhere.rest}/x")))
        async with server.running() as where, opened(where) as transport:
            answer = await transport.read("/x")
    assert answer.status == 307
    assert other.requests == []


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    server = Server(answering(reply("200 OK", b"{}")))
    async with server.running() as where, opened(where) as transport:
        assert (await transport.read("/x")).status == 200


async def test_nobody_there_is_known_to_be_unsent() -> None:
    where = endpoints("practice", "http://127.0.0.1:1/trade-api/v2", "ws://127.0.0.1:1/trade-api/ws/v2")
    async with opened(where) as transport:
        with pytest.raises(NoAnswer, match="can not be reached") as caught:
            await transport.read("/x")
    assert not caught.value.sent


def test_plain_http_is_for_loopback_practice_only() -> None:
    for where in (
        Endpoints("prod", "http://127.0.0.1:9/trade-api/v2", ""),
        Endpoints("practice", "http://10.0.0.1:9/trade-api/v2", ""),
    ):
        with pytest.raises(ValueError, match="https only"):
            Transport(where, None, now)


async def test_nothing_about_a_request_is_logged(
    ed_key: Ed25519PrivateKey, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(answering(reply("200 OK", b"{}", "set-cookie: CANARY=1")))
    with caplog.at_level(logging.DEBUG):
        async with server.running() as where, opened(where, Signer("CANARY-KEY", ed_key)) as transport:
            await transport.read("/x", {"secret": "CANARY"})
    assert not [record for record in caplog.records if record.name.startswith("http")]
    assert "CANARY" not in caplog.text


async def test_reads_are_spaced_by_their_bucket() -> None:
    server = Server(answering(reply("200 OK", b"{}")))
    async with server.running() as where:
        transport = Transport(where, None, now, read_tokens=50)
        began = time.monotonic()
        for _ in range(8):
            await transport.read("/x")
        await transport.close()
    assert time.monotonic() - began >= 0.55
