"""The socket behind a small interface, so that a faster library can be tried without touching the feed."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic_ns
from typing import Any, Protocol
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from kalshi_tui.protocol.rest_errors import error_from_rest
from kalshi_tui.protocol.text import SafeText, safe_text
from kalshi_tui.protocol.units import Nanos
from kalshi_tui.protocol.wire import MAX_FRAME

Mono = Callable[[], Nanos]
"""The monotonic clock ``heard`` is read from: the same that stamps the frames."""

_OPEN_S = 10.0
_QUEUE = 1024
"""Frames parsed ahead of the reader; beyond that the socket is not read (TCP slows the sender down)."""

# The library's own loggers print the key id and the signature at DEBUG; this one prints nothing at any level.
_SILENT = logging.getLogger("kalshi_tui.ws_ingest.silent")
_SILENT.disabled = True


class Refused(Exception):
    """The handshake was answered, and not with a connection; ``status`` is the HTTP status."""

    def __init__(self, status: int, why: SafeText) -> None:
        super().__init__(why)
        self.status = status


class Lost(Exception):
    """There is no connection, or no longer; the message says why in a few words."""


class Connection(Protocol):
    """A connected socket. ``heard`` is the monotonic stamp of the last inbound byte, pongs included."""

    @property
    def heard(self) -> Nanos: ...

    async def recv(self) -> bytes:
        """The next frame; ``Lost`` once there is none."""

    async def send(self, data: bytes) -> None:
        """One text frame; ``Lost`` on a dead socket."""

    async def ping(self) -> None:
        """A ping; the answer shows as ``heard``."""

    def abort(self) -> None:
        """Drop the socket at once."""


class Dial(Protocol):
    async def __call__(self, url: str, headers: Mapping[str, str], mono: Mono) -> Connection: ...


class _Heard(ClientConnection):
    """Notes when bytes came, whatever they were."""

    heard: Nanos = 0
    mono: Mono = staticmethod(monotonic_ns)

    def data_received(self, data: bytes) -> None:
        self.heard = self.mono()
        super().data_received(data)


class _DirectConnect(connect):
    """Follows no redirect: the signed headers are meant for one host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class WebSocket:
    """``Connection`` over ``websockets``."""

    def __init__(self, inner: _Heard) -> None:
        self._inner = inner

    @property
    def heard(self) -> Nanos:
        return self._inner.heard

    async def recv(self) -> bytes:
        try:
            return await self._inner.recv(decode=False)
        except ConnectionClosed as error:
            raise Lost(_closed(error)) from None

    async def send(self, data: bytes) -> None:
        try:
            await self._inner.send(data, text=True)
        except ConnectionClosed as error:
            raise Lost(_closed(error)) from None

    async def ping(self) -> None:
        try:
            await self._inner.ping()
        except ConnectionClosed as error:
            raise Lost(_closed(error)) from None

    def abort(self) -> None:
        self._inner.transport.abort()


async def dial(url: str, headers: Mapping[str, str], mono: Mono = monotonic_ns) -> Connection:
    """Connect with these handshake headers. ``Refused`` for an HTTP answer, ``Lost`` for none."""
    parts = urlsplit(url)
    options: dict[str, Any] = {}
    if parts.scheme == "wss":
        options["ssl"] = ssl.create_default_context()
        options["ssl"].minimum_version = ssl.TLSVersion.TLSv1_2
    elif parts.scheme != "ws" or parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("a feed is wss, or ws on loopback")
    try:
        inner = await _DirectConnect(
            url,
            additional_headers=dict(headers),
            user_agent_header="kalshi-tui",
            compression=None,
            proxy=None,
            open_timeout=_OPEN_S,
            ping_interval=None,
            max_size=MAX_FRAME,
            max_queue=_QUEUE,
            logger=_SILENT,
            create_connection=_Heard,
            **options,
        )
    except InvalidStatus as error:
        # What was said, not the body around it: that names code and status again.
        said = error_from_rest(error.response.status_code, bytes(error.response.body))
        raise Refused(said.status, safe_text(said.message, 120)) from None
    except TimeoutError:
        raise Lost(f"no handshake within {_OPEN_S:.0f} s") from None
    except ssl.SSLError as error:
        raise Lost(safe_text(f"the exchange's certificate is not accepted ({error.reason})")) from None
    except OSError as error:
        raise Lost(
            safe_text(f"the feed can not be reached ({error.strerror or type(error).__name__})")
        ) from None
    except (InvalidHandshake, ConnectionClosed, EOFError):
        raise Lost("the answer to the handshake is no WebSocket") from None
    assert isinstance(inner, _Heard)
    inner.mono = mono
    inner.heard = mono()
    return WebSocket(inner)


def _closed(error: ConnectionClosed) -> str:
    if error.rcvd is not None:
        reason = safe_text(error.rcvd.reason, 80)
        return f"closed by the exchange (code {error.rcvd.code}{', ' + reason if reason else ''})"
    if error.sent is not None:
        return f"closed by us (code {error.sent.code}, {safe_text(error.sent.reason, 80)})"
    return "the connection broke"


async def within(seconds: float, action: Awaitable[None]) -> None:
    """Await ``action``, at most so long; ``Lost`` when it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            await action
    except TimeoutError:
        raise Lost(f"the connection takes no data for {seconds:.0f} s") from None
