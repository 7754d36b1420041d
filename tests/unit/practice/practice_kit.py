"""A small exchange for tests: one series, one event, a few markets, people to trade."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kalshi_tui.practice.accounts import Account
from kalshi_tui.practice.auth import KeyPair
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.happenings import Happening
from kalshi_tui.practice.matching import Order
from kalshi_tui.practice.placing import PlaceResult
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, MILLISECOND, SECOND, Nanos, Side

NOW: Nanos = 1_795_000_000 * SECOND
"""2026-11-18."""
CENTS = [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}]
TENTHS = [{"start": "0.0000", "end": "1.0000", "step": "0.0010"}]
BID, ASK = Side.BID, Side.ASK


def market(ticker: str = "MKT-A", **fields: Any) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "event_ticker": "EVT",
        "status": "active",
        "price_level_structure": "linear_cent",
        "price_ranges": CENTS,
        "open_time": "2026-11-01T00:00:00Z",
        "close_time": "2027-01-01T00:00:00Z",
        **fields,
    }


def exchange(*tickers: str, fee_type: str = "quadratic", multiplier: float = 1, **fields: Any) -> Exchange:
    made = Exchange(seed=1)
    made.add_series({"ticker": "SER", "title": "s", "fee_type": fee_type, "fee_multiplier": multiplier})
    made.add_event({"event_ticker": "EVT", "series_ticker": "SER", "title": "e"}, NOW)
    for ticker in tickers or ("MKT-A",):
        made.add_market(market(ticker, **fields), NOW)
    made.drain()
    return made


class Trader:
    """An account with the arguments that seldom change filled in."""

    def __init__(self, exchange: Exchange, name: str, dollars: int | None = 1_000) -> None:
        self.exchange = exchange
        self.account: Account = (
            exchange.house_account(name) if dollars is None else exchange.account(name, dollars * DOLLAR)
        )

    def place(
        self, side: Side, cents: float, contracts: float = 1, ticker: str = "MKT-A", **options: Any
    ) -> PlaceResult:
        options.setdefault("now", NOW)
        price, count = round(cents * 100), round(contracts * CONTRACT)
        return self.exchange.place(self.account, ticker, side, price, count, **options)

    def rest(self, side: Side, cents: float, contracts: float = 1, **options: Any) -> Order:
        """Place an order that must be accepted."""
        result = self.place(side, cents, contracts, **options)
        assert result.error is None, result.error
        assert result.order is not None
        return result.order

    def position(self, ticker: str = "MKT-A") -> float:
        return self.account.position(ticker) / CONTRACT

    @property
    def cash(self) -> int:
        return sum(self.account.cash.values())


def of_kind(happened: list[Happening], kind: type) -> list[Any]:
    return [one for one in happened if isinstance(one, kind)]


def sign(pair: KeyPair, method: str = "GET", path: str = "/", at: int = NOW) -> dict[str, str]:
    """The three headers of a signed call."""
    stamp = str(at // MILLISECOND)
    message = f"{stamp}{method}{path}".encode()
    key = load_pem_private_key(pair.path.read_bytes(), None)
    if isinstance(key, RSAPrivateKey):
        raw = key.sign(message, PSS(mgf=MGF1(hashes.SHA256()), salt_length=32), hashes.SHA256())
    else:
        assert isinstance(key, Ed25519PrivateKey)
        raw = key.sign(message)
    return {
        "KALSHI-ACCESS-KEY": pair.api_key.key_id,
        "KALSHI-ACCESS-TIMESTAMP": stamp,
        "KALSHI-ACCESS-SIGNATURE": b64encode(raw).decode(),
    }
