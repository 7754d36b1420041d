"""Bodies of series, events, markets and milestones as the exchange's REST shows them, field names and all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from kalshi_tui.practice.clockwork import rfc3339, stable_uuid
from kalshi_tui.practice.world_belief import Number, Strike
from kalshi_tui.protocol.ticks import STRUCTURES
from kalshi_tui.protocol.units import SECOND, Nanos, format_price

Body = dict[str, Any]

_SOURCE = [{"name": "Practice world", "url": "https://practice.invalid/numbers"}]
_NOTICE = (
    "Practice market: the number is drawn by a seeded simulation and has nothing to do with the real world. "
    "No money changes hands."
)
_DYNAMIC: Body = {
    "yes_bid_dollars": "0.0000",
    "yes_bid_size_fp": "0.00",
    "yes_ask_dollars": "1.0000",
    "yes_ask_size_fp": "0.00",
    "no_bid_dollars": "0.0000",
    "no_ask_dollars": "1.0000",
    "last_price_dollars": "0.0000",
    "previous_yes_bid_dollars": "0.0000",
    "previous_yes_ask_dollars": "1.0000",
    "previous_price_dollars": "0.0000",
    "volume_fp": "0.00",
    "volume_24h_fp": "0.00",
    "open_interest_fp": "0.00",
    "result": "",
    "expiration_value": "",
}
"""What a market shows before anybody has traded; the exchange keeps these current afterwards."""


class Times(Struct, frozen=True):
    """The life of an event's markets in nanoseconds: world time where planned, wall time in bodies."""

    created: Nanos
    opens: Nanos
    prints: Nanos
    """When the number is published. A release is before the close, a fixing at the close."""
    closes: Nanos
    determines: Nanos
    settles: Nanos


class MarketListing(Struct, frozen=True):
    ticker: str
    strike: Strike
    body: Body


class Listing(Struct, frozen=True):
    """One event with its markets, the number they settle on and when."""

    series: str
    event_ticker: str
    number: Number
    times: Times
    event: Body
    markets: tuple[MarketListing, ...]


def ranges_of(structure: str) -> list[dict[str, str]]:
    """``price_ranges`` of a named price structure."""
    return [
        {"start": format_price(start), "end": format_price(end), "step": format_price(step)}
        for start, end, step in STRUCTURES[structure]
    ]


def series_body(
    ticker: str,
    title: str,
    category: str,
    *,
    frequency: str,
    fee_type: str,
    fee_multiplier: float = 1,
    tags: Sequence[str] = (),
) -> Body:
    return {
        "ticker": ticker,
        "frequency": frequency,
        "title": title,
        "category": category,
        "categories": [category],
        "tags": list(tags),
        "settlement_sources": _SOURCE,
        "contract_url": "https://practice.invalid/contract",
        "contract_terms_url": "https://practice.invalid/terms",
        "fee_type": fee_type,
        "fee_multiplier": fee_multiplier,
        "additional_prohibitions": [],
        "exchange_index": 0,
    }


def event_body(
    ticker: str,
    series: str,
    title: str,
    sub_title: str,
    times: Times,
    *,
    collateral: str = "",
    cadence: str = "",
) -> Body:
    """``collateral`` is MECNET (at most one YES), DIRECNET (thresholds) or empty."""
    body: Body = {
        "event_ticker": ticker,
        "series_ticker": series,
        "title": title,
        "sub_title": sub_title,
        "collateral_return_type": collateral,
        "mutually_exclusive": collateral == "MECNET",
        "strike_date": rfc3339(times.prints),
        "strike_period": "",
        "settlement_sources": _SOURCE,
        "last_updated_ts": rfc3339(times.created),
        "exchange_index": 0,
    }
    if cadence:
        body["product_metadata"] = {"cadence": cadence}
    return body


def market_body(
    ticker: str,
    event_ticker: str,
    title: str,
    label: str,
    rules: str,
    strike: Strike,
    number: Number,
    times: Times,
    *,
    structure: str,
    round_digits: int,
) -> Body:
    """A market before its first trade: ``initialized`` until its opening, else ``active``."""
    timer = max(1, round((times.settles - times.determines) / SECOND))
    body: Body = {
        "ticker": ticker,
        "event_ticker": event_ticker,
        "market_type": "binary",
        "title": title,
        "yes_sub_title": label,
        "no_sub_title": label,
        "status": "initialized" if times.opens > times.created else "active",
        "created_time": rfc3339(times.created),
        "updated_time": rfc3339(times.created),
        "open_time": rfc3339(times.opens),
        "close_time": rfc3339(times.closes),
        "expected_expiration_time": rfc3339(times.determines),
        "occurrence_datetime": rfc3339(times.prints),
        "expiration_time": rfc3339(times.settles + 7 * 86_400 * SECOND),
        "latest_expiration_time": rfc3339(times.settles + 7 * 86_400 * SECOND),
        "settlement_timer_seconds": timer,
        "settlement_bounds_type": "default",
        "can_close_early": False,
        "notional_value_dollars": "1.0000",
        "strike_type": strike.kind.value,
        "custom_strike": {"round_digits": str(round_digits)},
        "rules_primary": rules,
        "rules_secondary": _NOTICE,
        "price_level_structure": structure,
        "price_ranges": ranges_of(structure),
        "exchange_index": 0,
        **_DYNAMIC,
    }
    if strike.floor is not None:
        body["floor_strike"] = number.native(strike.floor)
    if strike.cap is not None:
        body["cap_strike"] = number.native(strike.cap)
    return body


def milestone_body(
    kind: str,
    category: str,
    title: str,
    at: Nanos,
    updated: Nanos,
    primary: Sequence[str],
    related: Sequence[str],
) -> Body:
    """A scheduled moment (``GET /milestones``): ``at`` is when it happens, ``primary`` the events it decides,
    ``related`` those and the ones it moves."""
    return {
        "id": stable_uuid(f"milestone/{primary[0]}"),
        "category": category,
        "type": kind,
        "start_date": rfc3339(at),
        "end_date": None,
        "title": title,
        "notification_message": f"{title} (practice)",
        "details": {"status": "scheduled"},
        "primary_event_tickers": list(primary),
        "related_event_tickers": list(related),
        "source_id": None,
        "last_updated_ts": rfc3339(updated),
    }
