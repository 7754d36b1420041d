"""The practice exchange as a state machine: pure, synchronous, every call told the time. Signatures first."""

from __future__ import annotations

from typing import Any

from kalshi_tui.practice.happenings import Happening
from kalshi_tui.practice.refusals import Refusal
from kalshi_tui.protocol.orders import SelfTradePrevention, TimeInForce
from kalshi_tui.protocol.units import Count, Money, Nanos, Price, Side


class Account:
    """``user_id``, ``house`` (bool), ``cash`` by shard."""

    user_id: str
    house: bool


class Order:
    """``order_id, account, ticker, side, price, initial, filled, remaining, status, expiration, ...``"""

    order_id: str
    ticker: str
    side: Side
    price: Price
    initial: Count
    filled: Count
    remaining: Count
    status: str
    """resting, canceled or executed."""


class Fill:
    """``price, count`` (and ids, fee) of one execution of the order placed."""

    price: Price
    count: Count


class PlaceResult:
    """``order`` is None and ``error`` set when refused; ``fills`` are those of the incoming order."""

    order: Order | None
    fills: list[Fill]
    error: Refusal | None


class Exchange:
    """Every ``now`` is wall ns. Nothing raises for a refusal: results carry ``error``."""

    outbox: list[Happening]

    def __init__(self, *, seed: int = 0) -> None:
        raise NotImplementedError

    def add_series(self, body: dict[str, Any]) -> None:
        raise NotImplementedError

    def add_event(self, body: dict[str, Any]) -> None:
        raise NotImplementedError

    def add_market(self, body: dict[str, Any]) -> None:
        """REST-shaped; needs ticker, event_ticker, status (initialized|active), price_ranges, close_time."""
        raise NotImplementedError

    def add_milestone(self, body: dict[str, Any]) -> None:
        raise NotImplementedError

    def set_event_fee(
        self, event_ticker: str, fee_type: str | None, multiplier: float | None, now: Nanos
    ) -> None:
        raise NotImplementedError

    def house_account(self, name: str) -> Account:
        """Unlimited cash, no fees, no limits, no self-trade prevention (it stands for many strangers)."""
        raise NotImplementedError

    def account(self, user_id: str, cash: Money) -> Account:
        raise NotImplementedError

    def place(
        self,
        account: Account,
        ticker: str,
        side: Side,
        price: Price,
        count: Count,
        *,
        now: Nanos,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        expiration_s: int | None = None,
        client_order_id: str = "",
        stp: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS,
        order_group_id: str = "",
        cancel_on_pause: bool = False,
    ) -> PlaceResult:
        raise NotImplementedError

    def cancel(self, account: Account, order_id: str, *, now: Nanos) -> tuple[Count, Refusal | None]:
        """Contracts taken off the book, or why not (404 unknown or not resting)."""
        raise NotImplementedError

    def expire(self, now: Nanos) -> None:
        raise NotImplementedError

    def open_market(self, ticker: str, now: Nanos) -> None:
        raise NotImplementedError

    def close_market(self, ticker: str, now: Nanos) -> None:
        raise NotImplementedError

    def pause_market(self, ticker: str, now: Nanos) -> None:
        raise NotImplementedError

    def resume_market(self, ticker: str, now: Nanos) -> None:
        raise NotImplementedError

    def move_close(self, ticker: str, close_ns: Nanos, now: Nanos) -> None:
        raise NotImplementedError

    def determine(self, ticker: str, result: str, value: Money, now: Nanos) -> None:
        """``value`` is what one YES contract pays (0..1_000_000)."""
        raise NotImplementedError

    def settle(self, ticker: str, now: Nanos) -> None:
        raise NotImplementedError

    def set_price_ranges(
        self, ticker: str, structure: str, ranges: list[dict[str, str]], now: Nanos
    ) -> None:
        raise NotImplementedError

    def best(self, ticker: str) -> tuple[Price | None, Price | None]:
        raise NotImplementedError

    def levels(self, ticker: str, side: Side, limit: int) -> list[tuple[Price, Count]]:
        """Best first."""
        raise NotImplementedError

    def orders_of(self, account: Account, ticker: str) -> list[Order]:
        """Resting ones, oldest first."""
        raise NotImplementedError

    def position(self, account: Account, ticker: str) -> Count:
        """YES-positive."""
        raise NotImplementedError
