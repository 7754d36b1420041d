"""A practice exchange served on loopback inside the test, and a client that signs."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kalshi_tui.practice.accounts import Account
from kalshi_tui.practice.auth import KeyPair, make_key
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.service import Service
from kalshi_tui.practice.sockets import REST_ROOT, WS_PATH, make_app
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, Side

TICKER = "KXTEST-26-A"
ORDERS = "/portfolio/events/orders"
ORDER = {
    "ticker": TICKER,
    "side": "bid",
    "price": "0.4000",
    "count": "1.00",
    "time_in_force": "good_till_canceled",
    "self_trade_prevention_type": "taker_at_cross",
}
EVENT = "KXTEST-26"
SERIES = "KXTEST"


class Served:
    """A running exchange with one market, an account of 100 dollars, and a stranger to trade with."""

    def __init__(self, pair: KeyPair, tier: str) -> None:
        self.exchange = Exchange(seed=1)
        self.service = Service(self.exchange, tier=tier)
        self.pair = pair
        self._list_market()
        self.account: Account = self.service.open_account(pair.api_key.user_id, 100 * DOLLAR)
        self.service.admit(pair.api_key)
        self.stranger = self.exchange.house_account("stranger")
        self.http = httpx.AsyncClient(timeout=5)
        self.root = self.ws = ""
        key = load_pem_private_key(pair.path.read_bytes(), None)
        assert isinstance(key, Ed25519PrivateKey)
        self._key = key

    def _list_market(self) -> None:
        source = {"name": "n", "url": "https://example.com"}
        self.exchange.add_series(
            {
                "ticker": SERIES,
                "frequency": "custom",
                "title": "Test",
                "category": "Economics",
                "categories": ["Economics"],
                "tags": [],
                "settlement_sources": [source],
                "contract_url": "",
                "contract_terms_url": "",
                "fee_type": "quadratic",
                "fee_multiplier": 1,
                "additional_prohibitions": [],
            }
        )
        self.exchange.add_event(
            {
                "event_ticker": EVENT,
                "series_ticker": SERIES,
                "title": "Test",
                "sub_title": "",
                "collateral_return_type": "",
                "mutually_exclusive": False,
                "settlement_sources": [source],
            }
        )
        self.exchange.add_market(self.market())

    @staticmethod
    def market(ticker: str = TICKER, **fields: Any) -> dict[str, Any]:
        return {
            "ticker": ticker,
            "event_ticker": EVENT,
            "status": "active",
            "price_level_structure": "linear_cent",
            "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
            "created_time": "2026-01-01T00:00:00Z",
            "open_time": "2026-01-01T00:00:00Z",
            "close_time": "2036-01-01T00:00:00Z",
            "expected_expiration_time": "2036-01-01T00:00:00Z",
            "latest_expiration_time": "2036-01-01T00:00:00Z",
            **fields,
        }

    def headers(self, method: str, path: str, skew_s: float = 0.0) -> dict[str, str]:
        stamp = str(int((time.time() + skew_s) * 1000))
        signature = self._key.sign(f"{stamp}{method}{path}".encode())
        return {
            "KALSHI-ACCESS-KEY": self.pair.api_key.key_id,
            "KALSHI-ACCESS-TIMESTAMP": stamp,
            "KALSHI-ACCESS-SIGNATURE": b64encode(signature).decode(),
        }

    async def call(
        self, method: str, path: str, json: object = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """A signed call of a path below ``/trade-api/v2`` (``headers``: sent instead of a signature)."""
        if headers is None:
            headers = self.headers(method, REST_ROOT + path.partition("?")[0])
        return await self.http.request(method, self.root + path, json=json, headers=dict(headers))

    def trade(self, side: Side, cents: int, contracts: float) -> None:
        """The stranger's order."""
        now = self.service.now()
        result = self.exchange.place(
            self.stranger, TICKER, side, cents * 100, round(contracts * CONTRACT), now=now
        )
        assert result.error is None
        self.service.hub.publish(now)


@asynccontextmanager
async def served(folder: Path, tier: str = "prestige") -> AsyncIterator[Served]:
    one = Served(make_key("ed25519", "me", folder), tier)
    runner = web.AppRunner(make_app(one.service), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    one.root, one.ws = f"http://127.0.0.1:{port}{REST_ROOT}", f"ws://127.0.0.1:{port}{WS_PATH}"
    try:
        yield one
    finally:
        await one.http.aclose()
        await runner.cleanup()
