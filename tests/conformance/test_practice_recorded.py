"""The practice exchange answers a recorded session of Kalshi's demo as the demo did (June 2026)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from practice_served import TICKER, Served, served

from kalshi_tui.protocol.units import Side

# Left the bodies since: ``service`` in August 2026, the others in July.
GONE = {"service", "resting_orders_count", "fractional_trading_enabled", "response_price_units"}
GONE_FROM_MARKET = GONE | {"liquidity_dollars", "primary_participant_key", "early_close_condition"}
VARIES = {
    "order_id",
    "client_order_id",
    "ts_ms",
    "ts",
    "created_time",
    "last_update_time",
    "last_updated_ts",
    "ticker",
    "market_ticker",
    "event_ticker",
    "user_id",
    "fill_id",
    "trade_id",
    "updated_ts",
}


class Recording:
    """The bodies and requests of the recorded session."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def body(self, name: str) -> Any:
        return _without_gone(json.loads((self._folder / f"{name}.json").read_text()))

    def meta(self, name: str) -> dict[str, Any]:
        meta: dict[str, Any] = json.loads((self._folder / f"{name}.meta.json").read_text())
        return meta


def _without_gone(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_gone(item) for key, item in value.items() if key not in GONE}
    return [_without_gone(item) for item in value] if isinstance(value, list) else value


def steady(body: dict[str, Any]) -> dict[str, Any]:
    """What must be the same on every exchange."""
    return {key: value for key, value in body.items() if key not in VARIES}


@pytest.fixture
def recording(shared_data: Path) -> Recording:
    return Recording(shared_data / "rest" / "demo-2026-06")


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Served]:
    """The book of the recording: 0.47 for 3, 0.52 for 3."""
    async with served(tmp_path) as one:
        one.trade(Side.BID, 47, 3)
        one.trade(Side.ASK, 52, 3)
        yield one


async def again(exchange: Served, recording: Recording, name: str) -> Any:
    """Send the recorded order request; the status must be the recorded one."""
    meta = recording.meta(name)
    body = {**meta["request_body"], "ticker": TICKER}
    answer = await exchange.call("POST", "/portfolio/events/orders", json=body)
    assert answer.status_code == meta["status"], answer.text
    return answer.json()


async def test_the_book_and_the_account(exchange: Served, recording: Recording) -> None:
    book = await exchange.call("GET", f"/markets/{TICKER}/orderbook", headers={})
    assert book.json() == recording.body("orderbook__base")
    for name, path in (("auth__balance_ok", "/portfolio/balance"), ("account__limits", "/account/limits")):
        answer = await exchange.call("GET", path)
        assert answer.json().keys() == recording.body(name).keys()
    costs = (await exchange.call("GET", "/account/endpoint_costs")).json()
    recorded = recording.body("account__endpoint_costs")
    assert costs["default_cost"] == recorded["default_cost"]
    known = {(row["method"], row["path"]): row["cost"] for row in recorded["endpoint_costs"]}
    for row in costs["endpoint_costs"]:
        assert known.get((row["method"], row["path"]), row["cost"]) == row["cost"]


async def test_creating_cancelling_and_reusing_an_id(exchange: Served, recording: Recording) -> None:
    made = await again(exchange, recording, "orders__create_v2_maker")
    recorded = recording.body("orders__create_v2_maker")
    assert made.keys() == recorded.keys()
    assert steady(made) == steady(recorded)
    one = (await exchange.call("GET", f"/portfolio/orders/{made['order_id']}")).json()["order"]
    want = recording.body("orders__get_after_create")["order"]
    assert steady(one).items() >= steady(want).items()

    name = "orders__duplicate_client_order_id"
    assert await again(exchange, recording, name) == recording.body(name)
    path = f"/portfolio/events/orders/{made['order_id']}"
    gone = (await exchange.call("DELETE", path)).json()
    assert steady(gone) == steady(recording.body("orders__cancel_v2"))
    for name, order_id in (
        ("orders__cancel_already_canceled", made["order_id"]),
        ("orders__cancel_unknown_id", "00000000-0000-0000-0000-000000000000"),
    ):
        answer = await exchange.call("DELETE", f"/portfolio/events/orders/{order_id}")
        assert (answer.status_code, answer.json()) == (404, recording.body(name))
    name = "orders__reuse_canceled_client_id"
    assert await again(exchange, recording, name) == recording.body(name)


async def test_taking_filling_and_holding(exchange: Served, recording: Recording) -> None:
    name = "orders__create_v2_taker_ioc"
    taken = await again(exchange, recording, name)
    assert taken.keys() == recording.body(name).keys()
    assert steady(taken) == steady(recording.body(name))
    fill = (await exchange.call("GET", "/portfolio/fills")).json()["fills"][0]
    assert steady(fill).items() >= steady(recording.body("fills__after_taker")["fills"][0]).items()
    order = (await exchange.call("GET", "/portfolio/orders")).json()["orders"][0]
    assert steady(order).items() >= steady(recording.body("portfolio__orders_list")["orders"][0]).items()
    held, recorded = (
        (await exchange.call("GET", "/portfolio/positions")).json(),
        recording.body("portfolio__positions"),
    )
    for kind in ("market_positions", "event_positions"):
        assert held[kind][0].keys() >= recorded[kind][0].keys()
    answer = await exchange.call("DELETE", f"/portfolio/events/orders/{taken['order_id']}")
    assert (answer.status_code, answer.json()) == (404, recording.body("orders__cancel_executed"))
    settled = await exchange.call("GET", "/portfolio/settlements?limit=10")
    assert settled.json() == recording.body("settlements__page")


@pytest.mark.parametrize(
    "name",
    [
        "orders__insufficient_balance",
        "orders__invalid_price_structure",
        "orders__numeric_field_types",
        "orders__post_only_cross",
    ],
)
async def test_refusals_word_for_word(exchange: Served, recording: Recording, name: str) -> None:
    assert await again(exchange, recording, name) == recording.body(name)


async def test_self_trade_prevention(exchange: Served, recording: Recording) -> None:
    mine = await again(exchange, recording, "orders__stp_setup")
    crossed = await again(exchange, recording, "orders__stp_self_cross")
    assert steady(crossed) == steady(recording.body("orders__stp_self_cross"))
    assert crossed.keys() == recording.body("orders__stp_self_cross").keys()
    order = (await exchange.call("GET", f"/portfolio/orders/{mine['order_id']}")).json()["order"]
    assert steady(order).items() >= steady(recording.body("orders__stp_resting_after")["order"]).items()


async def test_refused_callers_word_for_word(exchange: Served, recording: Recording) -> None:
    path = "/trade-api/v2/portfolio/balance"
    good = exchange.headers("GET", path)
    unsigned = {name: value for name, value in good.items() if "SIGNATURE" not in name}
    cases = {
        "auth__bad_signature": exchange.headers("GET", path + "/other"),
        "auth__missing_signature_header": unsigned,
        "auth__unknown_key_id": {**good, "KALSHI-ACCESS-KEY": "00000000-0000-0000-0000-000000000000"},
        "auth__skew_minus30s": exchange.headers("GET", path, -30),
        "auth__skew_minus5min": exchange.headers("GET", path, -300),
        "auth__skew_plus5min": exchange.headers("GET", path, 300),
    }
    for name, headers in cases.items():
        answer = await exchange.call("GET", "/portfolio/balance", headers=headers)
        assert (answer.status_code, answer.json()) == (
            recording.meta(name)["status"],
            recording.body(name),
        ), name
    for name, skew in (("auth__skew_minus5s", -5), ("auth__skew_plus5s", 5)):
        # Another path than the balance, which may be read once at a time only.
        headers = exchange.headers("GET", "/trade-api/v2/portfolio/fills", skew)
        answer = await exchange.call("GET", "/portfolio/fills", headers=headers)
        assert answer.status_code == recording.meta(name)["status"]


async def test_public_reads_and_their_paging(exchange: Served, recording: Recording) -> None:
    for number in range(7):
        exchange.exchange.add_market(Served.market(f"KXTEST-26-B{number}", status="initialized"))
    one = (await exchange.call("GET", f"/markets/{TICKER}", headers={})).json()["market"]
    recorded = recording.body("markets__unauth_single")["market"]
    specific = {"custom_strike", "strike_type", "title", "expiration_time", "occurrence_datetime"}
    assert recorded.keys() - GONE_FROM_MARKET - specific <= one.keys()
    too_many = await exchange.call("GET", "/markets?limit=1001", headers={})
    assert (too_many.status_code, too_many.json()) == (400, recording.body("markets__limit_over_max"))

    first = (await exchange.call("GET", "/markets?limit=5", headers={})).json()
    garbage = (
        await exchange.call("GET", "/markets?limit=5&cursor=garbage-cursor-fixture", headers={})
    ).json()
    assert garbage == first
    rest = (await exchange.call("GET", f"/markets?limit=5&cursor={first['cursor']}", headers={})).json()
    seen = [market["ticker"] for market in first["markets"] + rest["markets"]]
    assert (seen, rest["cursor"]) == (list(exchange.exchange.markets), "")
    only = (await exchange.call("GET", f"/markets?tickers={TICKER}", headers={})).json()
    assert (only["cursor"], len(only["markets"])) == (
        recording.body("markets__single_filter_lastpage")["cursor"],
        1,
    )
    changes = await exchange.call("GET", "/series/fee_changes", headers={})
    assert changes.json() == recording.body("series__fee_changes")


async def test_public_trades(exchange: Served, recording: Recording) -> None:
    exchange.trade(Side.BID, 52, 1)
    exchange.trade(Side.ASK, 47, 2)
    shown = (await exchange.call("GET", f"/markets/trades?ticker={TICKER}", headers={})).json()
    recorded = recording.body("trades__public_recorded")
    assert shown.keys() == recorded.keys()
    assert shown["trades"][0].keys() == recorded["trades"][0].keys()
    prices = [(trade["yes_price_dollars"], trade["taker_book_side"]) for trade in shown["trades"]]
    assert prices == [("0.4700", "ask"), ("0.5200", "bid")]
