"""Bodies the exchange really sent: every one is read, money to the last digit."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from kalshi_tui.protocol import rest, rest_account, rest_orders
from kalshi_tui.protocol.market import FeeType, MarketStatus
from kalshi_tui.protocol.orders import NewOrder
from kalshi_tui.protocol.rest_errors import error_from_rest
from kalshi_tui.protocol.rest_read import parse_body
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import Side

DEMO = "rest/demo-2026-06"


def body(folder: Path, name: str) -> dict[str, Any]:
    return parse_body((folder / f"{name}.json").read_bytes())


def test_every_refusal_has_its_code_and_words(shared_data: Path) -> None:
    found = {}
    for path in sorted((shared_data / DEMO).glob("*.meta.json")):
        meta = json.loads(path.read_bytes())
        answer = path.with_name(path.name.replace(".meta", ""))
        if answer.exists() and meta["status"] >= 400:
            found[path.name.split(".")[0]] = error_from_rest(meta["status"], answer.read_bytes())
    assert len(found) >= 17
    assert all(error.code and error.message for error in found.values())
    codes = {name: (error.status, error.code) for name, error in found.items()}
    assert codes["orders__duplicate_client_order_id"] == (409, "order_already_exists")
    assert codes["orders__insufficient_balance"] == (400, "insufficient_balance")
    assert codes["orders__numeric_field_types"] == (400, "bad_request")
    assert codes["orders__cancel_executed"] == (404, "not_found")
    assert codes["auth__skew_minus30s"] == (401, "header_timestamp_expired")
    assert codes["markets__limit_over_max"] == (400, "http_400")
    assert found["orders__post_only_cross"].message == "invalid order: post only cross"


def test_every_page_of_markets_is_read_whole(shared_data: Path) -> None:
    pages = [p for p in (shared_data / DEMO).glob("markets__*.json*") if ".meta." not in p.name]
    count = 0
    for path in pages:
        raw = path.read_bytes()
        page = parse_body(gzip.decompress(raw) if path.suffix == ".gz" else raw)
        if "markets" in page:
            markets, problems = rest.markets_from_rest(page)
            assert problems == ()
            assert all(market.grid is not None and market.close_time for market in markets)
            assert all(market.status is not MarketStatus.UNKNOWN for market in markets)
            count += len(markets)
    assert count >= 240


def test_an_order_from_create_to_cancel(shared_data: Path) -> None:
    folder = shared_data / DEMO
    placed = rest_orders.placed_from_rest(body(folder, "orders__create_v2_maker"))
    assert (placed.filled, placed.remaining) == (0, 100)
    order = rest_orders.order_from_rest(body(folder, "orders__get_after_create"))
    assert (order.order_id, order.client_order_id) == (placed.order_id, placed.client_order_id)
    assert (order.side, order.price, order.status, order.remaining) == (Side.BID, 100, "resting", 100)
    canceled = rest_orders.canceled_from_rest(body(folder, "orders__cancel_v2"))
    assert (canceled.order_id, canceled.reduced_by) == (placed.order_id, 100)


def test_a_taker_order_its_fill_position_and_balance(shared_data: Path) -> None:
    folder = shared_data / DEMO
    placed = rest_orders.placed_from_rest(body(folder, "orders__create_v2_taker_ioc"))
    fills, cursor = rest_orders.fills_from_rest(body(folder, "fills__after_taker"))
    assert cursor == ""
    (fill,) = [fill for fill in fills if fill.order_id == placed.order_id]
    assert (fill.side, fill.price, fill.count, fill.fee, fill.is_taker) == (Side.BID, 5200, 100, 17_500, True)
    orders, _ = rest_orders.orders_from_rest(body(folder, "portfolio__orders_list"))
    (order,) = [order for order in orders if order.order_id == placed.order_id]
    assert (order.status, order.filled, order.remaining) == ("executed", 100, 0)
    (position,), _ = rest_account.positions_from_rest(body(folder, "portfolio__positions"))
    assert (position.position, position.fees_paid, position.exposure) == (300, 18_900, 2_500_000)
    assert rest_account.balance_from_rest(body(folder, "auth__balance_ok")) == 98_018_600


def test_what_is_asked_of_the_exchange_is_what_it_accepted(shared_data: Path) -> None:
    """Our create body holds every field the recorded request had, spelled the same."""
    meta = json.loads((shared_data / DEMO / "orders__create_v2_maker.meta.json").read_bytes())
    sent = meta["request_body"]
    order = rest_orders.order_from_rest(body(shared_data / DEMO, "orders__get_after_create"))
    ours = rest_orders.create_body(
        NewOrder(
            sent["client_order_id"],
            order.ticker,
            order.side,
            order.price,
            order.initial,
            post_only=sent["post_only"],
        )
    )
    assert {key: ours.get(key) for key in sent} == sent


def test_account_and_exchange(shared_data: Path) -> None:
    folder = shared_data / DEMO
    limits = rest_account.account_limits_from_rest(body(folder, "account__limits"))
    assert (limits.usage_tier, limits.read.refill_rate, limits.write.bucket_capacity) == ("basic", 200, 100)
    costs = rest_account.endpoint_costs_from_rest(body(folder, "account__endpoint_costs"))
    cancel = [
        c
        for c in costs.endpoint_costs
        if c.method == "DELETE" and c.path.endswith("/events/orders/:order_id")
    ]
    assert (costs.default_cost, [c.cost for c in cancel]) == (10, [2])
    assert rest_account.exchange_status_from_rest(body(folder, "exchange__status")).trading_active
    book = rest.book_from_rest(body(folder, "orderbook__base"), "A")
    assert (book.bids, book.asks) == (((4700, 300),), ((5200, 300),))
    trades, cursor = rest.trades_from_rest(body(folder, "trades__public_recorded"))
    assert trades[0].count == 777 and trades[0].taker_side is Side.BID and cursor


@pytest.mark.parametrize(
    ("name", "structure"),
    [
        ("tapered_deci_cent", "tapered_deci_cent"),
        ("center_deci_edge_centi_cent", "center_deci_edge_centi_cent"),
    ],
)
def test_sent_price_ranges_are_the_grids_we_know_by_name(
    shared_data: Path, name: str, structure: str
) -> None:
    sent = json.loads((shared_data / f"rest/tick-structures/market_{name}.json").read_bytes())
    market = rest.market_from_rest(sent.get("response", sent))
    assert market.grid == TickGrid.named(structure)
    assert market.price_level_structure == structure


def test_fees_of_real_series(shared_data: Path) -> None:
    payloads = json.loads((shared_data / "fees/series_fee_fields.json").read_bytes())["payloads"]
    series = {ticker: rest.series_from_rest(sent) for ticker, sent in payloads.items()}
    assert len(series) == 4
    for ticker, read in series.items():
        sent = payloads[ticker]["series"]
        assert read.fee.type is FeeType(sent["fee_type"])
        assert read.fee.multiplier == sent["fee_multiplier"] * 1_000_000
        assert not read.fee.assumed


def test_real_fills_and_settlements(shared_data: Path) -> None:
    fills, _ = rest_orders.fills_from_rest(parse_body((shared_data / "fees/fills.json").read_bytes()))
    assert len(fills) == 17 and all(fill.fee >= 0 and fill.is_taker for fill in fills)
    raw = (shared_data / "fees/settlements.json").read_bytes()
    settlements, _ = rest_account.settlements_from_rest(parse_body(raw))
    assert len(settlements) == 22
    for settlement in settlements:
        # Settlement pays what the counts and the value say, in whole cents.
        paid = settlement.yes_count * settlement.value + settlement.no_count * (1_000_000 - settlement.value)
        assert settlement.revenue == paid // 100 // 10_000 * 10_000


def test_older_bodies_where_they_overlap(shared_data: Path) -> None:
    """January 2026, before the decimal counts: what has them is read, what has not is refused, not zero."""
    folder = shared_data / "rest/prod-2026-01"

    def old(name: str) -> dict[str, Any]:
        response: dict[str, Any] = json.loads((folder / f"{name}_response.json").read_bytes())["response"]
        return response

    page = old("event_single")
    event = rest.event_from_rest(page)
    (market,), problems = rest.markets_from_rest(page, event=event)
    assert (event.series_ticker, market.series_ticker, problems) == ("KXELONMARS", "KXELONMARS", ())
    assert market.last_price == 600
    with gzip.open(folder / "series_list_response.json.gz") as file:
        listed = json.load(file)["response"]["series"]
    assert len([rest.series_from_rest(row) for row in listed]) == 241
    for read, name in (
        (rest_account.positions_from_rest, "portfolio_positions"),
        (rest.trades_from_rest, "trades_list"),
        (rest_account.queue_from_rest, "order_queue_positions"),
    ):
        with pytest.raises(ValueError, match="missing required field"):
            read(old(name))
