"""One kept HTTPS connection to the exchange: signs, sends once, caps the answer, times everything.

Nothing is retried here. A request that may have left and got no answer is ``NoAnswer(sent=True)``; only the
callers know whether that is a read (try later) or an order (unknown until looked up).
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import ssl
import sys
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import cast
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.text import SafeText, safe_text
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Nanos
from kalshi_tui.venue.budget import COST_READ, TokenBucket
from kalshi_tui.venue.hosts import Endpoints, is_loopback
from kalshi_tui.venue.offset import ClockOffset
from kalshi_tui.venue.signer import Signer

Clock = Callable[[], Instant]
Query = Mapping[str, str | int]
Withheld = Callable[[], str | None]
"""Why a request may not leave any more; None while it may."""

# Below WARNING these print whole addresses with their queries, and cookies.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

# httpcore tries to import sniffio for every lock it makes, several a request. Where it is not installed that
# costs 50 us each time, and Python 3.11 can fail inside its import lock when a collection runs meanwhile.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = cast(ModuleType, None)

MAX_BODY = 64 * 1024 * 1024
"""Bytes of one answer; the whole list of series is about 10 MB."""
_TIMEOUT = httpx.Timeout(connect=3.0, read=5.0, write=3.0, pool=2.0)
_DEADLINE_S = 10.0
"""For one exchange in full: a peer that sends a byte a second passes every single timeout."""
_BULK_DEADLINE_S = 60.0


class Answer(Struct, frozen=True):
    """What came back, whatever its status; ``asked`` is when the request left."""

    status: int
    body: bytes
    asked: Instant
    at: Instant


class Withdrawn(Exception):
    """The request was taken back before its first byte; the message says why."""


class NoAnswer(Exception):
    """No whole answer came. ``sent`` is False only where not one byte of the request can have left."""

    def __init__(self, why: SafeText, sent: bool, at: Instant) -> None:
        super().__init__(why)
        self.why = why
        self.sent = sent
        self.at = at


class Transport:
    """Requests against one venue; holds the read bucket and the measured clock offset."""

    def __init__(
        self,
        where: Endpoints,
        signer: Signer | None,
        now: Clock,
        read_tokens: int = 200,
        inner: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        parts = urlsplit(where.rest)
        if parts.scheme != "https" and not (where.venue == "practice" and is_loopback(parts.hostname)):
            raise ValueError("requests are signed over https only; plain http is for practice on loopback")
        self.now = now
        self.offset = ClockOffset()
        self.reads = TokenBucket(read_tokens, read_tokens, now().mono)
        self._root = parts.path
        self._signer = signer
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._http = httpx.AsyncClient(
            base_url=f"{parts.scheme}://{parts.netloc}",
            verify=context,
            trust_env=False,
            follow_redirects=False,
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=8, keepalive_expiry=60.0),
            headers={"accept": "application/json", "user-agent": "kalshi-tui"},
            transport=inner,
        )

    async def read(self, path: str, query: Query | None = None, bulk: bool = False) -> Answer:
        """A GET; waits for read tokens first."""
        await patience(self.reads, COST_READ, self.now)
        return await self.send("GET", path, query=query, deadline_s=_BULK_DEADLINE_S if bulk else _DEADLINE_S)

    async def send(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: bytes | None = None,
        deadline_s: float = _DEADLINE_S,
        withheld: Withheld = lambda: None,
    ) -> Answer:
        """One request, once. ``path`` is below ``/trade-api/v2``; raises ``NoAnswer``.

        ``withheld`` is asked at the last moment, when a connection stands and the first byte would go:
        a reason instead of None takes the request back, as ``Withdrawn``.
        """
        full = self._root + path
        asked = self.now()
        headers = await self._sign(method, full, asked.wall)
        if body is not None:
            headers["content-type"] = "application/json"
        request = self._http.build_request(
            method,
            full,
            params=dict(query) if query else None,
            content=body,
            headers=headers,
            extensions={"trace": _last_look(withheld)},
        )
        try:
            async with asyncio.timeout(deadline_s):
                return await self._exchange(request, asked)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NoAnswer(_reason(error), sent=False, at=self.now()) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoAnswer(_reason(error), sent=True, at=self.now()) from None
        except TimeoutError:
            why = safe_text(f"no whole answer within {deadline_s:.0f} s")
            raise NoAnswer(why, sent=True, at=self.now()) from None

    async def _exchange(self, request: httpx.Request, asked: Instant) -> Answer:
        response = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BODY:
                    raise httpx.ReadError(
                        f"the answer is over {MAX_BODY // 1024 // 1024} MiB", request=request
                    )
        finally:
            await response.aclose()
        at = self.now()
        date = response.headers.get("date")
        if date is not None:
            self.offset.observe(date, asked.wall, at.wall)
        return Answer(response.status_code, bytes(body), asked, at)

    async def _sign(self, method: str, path: str, wall: Nanos) -> dict[str, str]:
        if self._signer is None:
            return {}
        return await self._signer.sign(method, path, self.offset.apply(wall // MILLISECOND))

    async def close(self) -> None:
        await self._http.aclose()


def _last_look(withheld: Withheld) -> Callable[[str, Mapping[str, object]], Awaitable[None]]:
    """A hook of httpcore: called at each step of a request, right before its headers are written too."""

    async def look(step: str, facts: Mapping[str, object]) -> None:
        if step.endswith("send_request_headers.started"):
            why = withheld()
            if why is not None:
                raise Withdrawn(why)

    return look


async def patience(bucket: TokenBucket, cost: int, now: Clock) -> None:
    """Spend ``cost``, waiting for the bucket to refill where it has to."""
    delay = bucket.wait(cost, now().mono)
    while delay:
        await asyncio.sleep(delay / SECOND)
        delay = bucket.wait(cost, now().mono)
    bucket.spend(cost, now().mono)


def _reason(error: Exception) -> SafeText:
    """A sentence of ours about a library's error: its own text may hold addresses and nothing useful."""
    names: dict[type[Exception], str] = {
        httpx.ConnectTimeout: "the exchange can not be reached (connection timed out)",
        httpx.ConnectError: "the exchange can not be reached",
        httpx.PoolTimeout: "no free connection to the exchange",
        httpx.ReadTimeout: "no answer in time",
        httpx.WriteTimeout: "the request could not be sent in time",
        httpx.RemoteProtocolError: "the exchange closed the connection",
        httpx.ReadError: "the connection broke while waiting for the answer",
        httpx.WriteError: "the connection broke while sending",
    }
    plain = names.get(type(error), "the connection failed")
    detail = safe_text(error, 120)
    return safe_text(f"{plain} ({detail})" if detail and type(error) is httpx.ConnectError else plain)
