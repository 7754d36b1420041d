"""What ``doctor`` finds out about a venue without an account: is it there, is it open, do the clocks agree."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from urllib.parse import urlsplit

from msgspec import Struct

from kalshi_tui.desk.loop import instant
from kalshi_tui.protocol.events import ExchangeStatusRead
from kalshi_tui.venue import account
from kalshi_tui.venue.hosts import Endpoints
from kalshi_tui.venue.transport import Transport

PATIENCE_S = 4.0
"""A venue that takes longer to answer is as good as away."""
MAX_SKEW_MS = 2_000
"""The exchange takes a signature up to five seconds old; the way there and the rounding of its clock need some."""


class Reach(Struct, frozen=True):
    """One venue as it was found. A problem is empty where there is none."""

    rest_problem: str
    feed_problem: str
    rest_ms: int
    skew_ms: int | None
    """The exchange's clock minus ours; None where it was not told."""
    closed: str
    """Why nothing trades there now; empty while it is open."""

    def sentence(self) -> str:
        """All of it in words."""
        if self.rest_problem:
            return f"REST {self.rest_problem}"
        feed = self.feed_problem or "reachable"
        return (
            f"REST answers in {self.rest_ms} ms{f' ({self.closed})' if self.closed else ''}, feed {feed}, "
            f"{self._clock()}"
        )

    @property
    def ok(self) -> bool:
        """Whether a desk could trade there."""
        skewed = self.skew_ms is not None and abs(self.skew_ms) > MAX_SKEW_MS
        return not (self.rest_problem or self.feed_problem or skewed)

    def _clock(self) -> str:
        if self.skew_ms is None:
            return "its clock was not told"
        if abs(self.skew_ms) <= MAX_SKEW_MS:
            return f"clocks agree within {max(abs(self.skew_ms), 1000) / 1000:.0f} s"
        which = "behind" if self.skew_ms > 0 else "ahead"
        return (
            f"this machine's clock is {abs(self.skew_ms) / 1000:.1f} s {which}: signatures will be refused; "
            "switch on time synchronization (timedatectl set-ntp true)"
        )


async def reach(where: Endpoints, transport: Transport | None = None) -> Reach:
    """Look at one venue, unsigned; never raises for what is not there."""
    transport = transport or Transport(where, None, instant)
    began = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE_S):
            status = await account.read_exchange_status(transport)
    except TimeoutError:
        return Reach(f"gave no answer within {PATIENCE_S:.0f} s", "", 0, None, "")
    finally:
        await transport.close()
    took = round((time.monotonic() - began) * 1000)
    if not isinstance(status, ExchangeStatusRead):
        why = re.sub(r"\[Errno -?\d+\] ", "", str(status.error.message)).rstrip(".")
        return Reach(why, "", took, None, "")
    closed = ""
    if not status.exchange_active:
        closed = "the exchange is paused"
    elif not status.trading_active:
        closed = "trading is paused"
    return Reach("", await _feed_problem(where.ws), took, transport.offset.skew_ms, closed)


async def _feed_problem(address: str) -> str:
    """Why no connection to the feed's host comes about; empty when one does (TLS included)."""
    parts = urlsplit(address)
    secure = parts.scheme == "wss"
    try:
        async with asyncio.timeout(PATIENCE_S):
            _, writer = await asyncio.open_connection(
                parts.hostname,
                parts.port or (443 if secure else 80),
                ssl=ssl.create_default_context() if secure else None,
            )
    except TimeoutError:
        return f"gives no answer within {PATIENCE_S:.0f} s"
    except OSError as error:
        return f"can not be reached ({(error.strerror or type(error).__name__).lower()})"
    writer.transport.abort()
    return ""
