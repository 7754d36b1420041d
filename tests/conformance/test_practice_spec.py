"""Every reply and every frame of the practice exchange against the official specifications."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from practice_schema import Judge, load
from practice_served import EVENT, SERIES, TICKER, Served, served
from websockets.asyncio.client import connect

from kalshi_tui.protocol.units import DOLLAR, Side

ORDERS = "/portfolio/events/orders"


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as one:
        one.trade(Side.BID, 47, 30)
        one.trade(Side.ASK, 52, 30)
        one.exchange.add_milestone(
            {
                "id": "m-1",
                "category": "Economics",
                "type": "release",
                "start_date": "2026-12-01T13:30:00Z",
                "related_event_tickers": [EVENT],
                "primary_event_tickers": [EVENT],
                "title": "t",
                "notification_message": "",
                "details": {},
                "last_updated_ts": "2026-11-01T00:00:00Z",
            }
        )
        yield one


@pytest.fixture
def rest(shared_reference: Path) -> Judge:
    return Judge(load(shared_reference / "openapi.yaml.gz"))


@pytest.fixture
def feed(shared_reference: Path) -> Judge:
    return Judge(load(shared_reference / "asyncapi.yaml.gz"))


def order(side: str = "bid", price: str = "0.4000", **fields: Any) -> dict[str, Any]:
    return {
        "ticker": TICKER,
        "side": side,
        "price": price,
        "count": "2.00",
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        **fields,
    }


async def test_writes(exchange: Served, rest: Judge) -> None:
    async def check(status: int, schema: str, method: str, path: str, body: object = None) -> Any:
        answer = await exchange.call(method, path, json=body)
        assert answer.status_code == status, answer.text
        assert rest.faults(answer.json(), rest.schemas[schema]) == []
        return answer.json()

    made = await check(201, "CreateOrderV2Response", "POST", ORDERS, order(client_order_id="a"))
    path = f"{ORDERS}/{made['order_id']}"
    await check(201, "CreateOrderV2Response", "POST", ORDERS, order(price="0.6000"))
    change = {
        "ticker": TICKER,
        "side": "bid",
        "price": "0.4000",
        "count": "2.00",
        "expiration_time": 4102444800,
    }
    kept = await check(200, "AmendOrderV2Response", "POST", path + "/amend", change)
    assert (kept["remaining_count"], kept["fill_count"]) == (None, None)
    moved = await check(200, "AmendOrderV2Response", "POST", path + "/amend", {**change, "price": "0.5300"})
    assert (moved["fill_count"], moved["remaining_count"]) == ("2.00", "0.00")
    made = await check(201, "CreateOrderV2Response", "POST", ORDERS, order())
    path = f"{ORDERS}/{made['order_id']}"
    less = await check(200, "DecreaseOrderV2Response", "POST", path + "/decrease", {"reduce_by": "0.50"})
    assert less["remaining_count"] == "1.50"
    await check(200, "CancelOrderV2Response", "DELETE", path)
    batch = {"orders": [order(), order(price="0.4050"), order(count=2), order(side="ask", price="0.4500")]}
    rows = (await check(201, "BatchCreateOrdersV2Response", "POST", ORDERS + "/batched", batch))["orders"]
    assert [row.get("error", {}).get("code") for row in rows] == [None, "invalid_price", "bad_request", None]
    ids = {"orders": [{"order_id": rows[0]["order_id"]}, {"order_id": "nope"}]}
    gone = (await check(200, "BatchCancelOrdersV2Response", "DELETE", ORDERS + "/batched", ids))["orders"]
    assert [(row["reduced_by"], "error" in row) for row in gone] == [("2.00", False), ("0.00", True)]
    answer = await exchange.call("DELETE", ORDERS)
    assert (answer.status_code, answer.content) == (204, b"")


async def test_private_reads(exchange: Served, rest: Judge) -> None:
    resting = (await exchange.call("POST", ORDERS, json=order(client_order_id="r"))).json()["order_id"]
    await exchange.call("POST", ORDERS, json=order(price="0.5200", time_in_force="immediate_or_cancel"))
    for path, schema in (
        ("/portfolio/balance", "GetBalanceResponse"),
        ("/portfolio/positions", "GetPositionsResponse"),
        ("/portfolio/orders", "GetOrdersResponse"),
        (f"/portfolio/orders/{resting}", "GetOrderResponse"),
        (f"/portfolio/orders/queue_positions?market_tickers={TICKER}", "GetOrderQueuePositionsResponse"),
        (f"/portfolio/orders/{resting}/queue_position", "GetOrderQueuePositionResponse"),
        ("/portfolio/fills", "GetFillsResponse"),
        ("/portfolio/summary/total_resting_order_value", "GetPortfolioRestingOrderTotalValueResponse"),
        ("/account/limits", "GetAccountApiLimitsResponse"),
    ):
        answer = await exchange.call("GET", path)
        assert (answer.status_code, rest.faults(answer.json(), rest.schemas[schema])) == (200, []), path


async def test_settled_reads(exchange: Served, rest: Judge) -> None:
    await exchange.call("POST", ORDERS, json=order(price="0.5200"))
    now = exchange.service.now()
    exchange.exchange.close_market(TICKER, now)
    exchange.exchange.determine(TICKER, "yes", DOLLAR, now)
    exchange.exchange.settle(TICKER, now)
    for path, schema in (
        ("/portfolio/settlements", "GetSettlementsResponse"),
        (f"/markets/{TICKER}", "GetMarketResponse"),
        ("/markets?status=settled", "GetMarketsResponse"),
    ):
        answer = await exchange.call("GET", path)
        assert rest.faults(answer.json(), rest.schemas[schema]) == [], path
    (record,) = (await exchange.call("GET", "/portfolio/settlements")).json()["settlements"]
    assert (record["yes_count_fp"], record["revenue"], record["fee_cost"]) == ("2.00", 200, "0.035000")
    positions = (await exchange.call("GET", "/portfolio/positions")).json()["market_positions"]
    settled = (await exchange.call("GET", "/portfolio/positions?settlement_status=settled")).json()
    assert (positions, len(settled["market_positions"])) == ([], 1)


async def test_public_reads(exchange: Served, rest: Judge) -> None:
    exchange.trade(Side.BID, 52, 1)
    for path, schema in (
        ("/exchange/status", "ExchangeStatus"),
        ("/exchange/schedule", "GetExchangeScheduleResponse"),
        ("/exchange/user_data_timestamp", "GetUserDataTimestampResponse"),
        ("/series", "GetSeriesListResponse"),
        (f"/series/{SERIES}", "GetSeriesResponse"),
        ("/events", "GetEventsResponse"),
        ("/events?with_nested_markets=true&with_milestones=true", "GetEventsResponse"),
        (f"/events/{EVENT}", "GetEventResponse"),
        ("/markets?status=open", "GetMarketsResponse"),
        (f"/markets/{TICKER}", "GetMarketResponse"),
        (f"/markets/{TICKER}/orderbook", "GetMarketOrderbookResponse"),
        (f"/markets/orderbooks?tickers={TICKER}", "GetMarketOrderbooksResponse"),
        ("/markets/trades", "GetTradesResponse"),
        ("/milestones?limit=5", "GetMilestonesResponse"),
        ("/milestones/m-1", "GetMilestoneResponse"),
        ("/account/endpoint_costs", "GetAccountEndpointCostsResponse"),
    ):
        answer = await exchange.call("GET", path, headers={})
        assert (answer.status_code, rest.faults(answer.json(), rest.schemas[schema])) == (200, []), path


async def test_order_groups(exchange: Served, rest: Judge) -> None:
    groups = "/portfolio/order_groups"
    made = await exchange.call("POST", groups + "/create", json={"contracts_limit": 5})
    assert made.status_code == 201
    assert rest.faults(made.json(), rest.schemas["CreateOrderGroupResponse"]) == []
    path = f"{groups}/{made.json()['order_group_id']}"
    await exchange.call("POST", ORDERS, json=order(order_group_id=path.rpartition("/")[2]))
    one = (await exchange.call("GET", path)).json()
    assert rest.faults(one, rest.schemas["GetOrderGroupResponse"]) == []
    assert len(one["orders"]) == 1
    listed = (await exchange.call("GET", groups)).json()
    assert rest.faults(listed, rest.schemas["GetOrderGroupsResponse"]) == []
    limit = await exchange.call("PUT", path + "/limit", json={"contracts_limit_fp": "7.50"})
    assert (limit.status_code, limit.json()) == (200, {})
    trigger = await exchange.call("PUT", path + "/trigger")
    assert (trigger.status_code, trigger.json()) == (200, {})
    assert (await exchange.call("GET", path)).json()["orders"] == []
    refused = await exchange.call("POST", ORDERS, json=order(order_group_id=path.rpartition("/")[2]))
    assert refused.json()["error"]["code"] == "order_group_triggered"
    assert (await exchange.call("PUT", path + "/reset", json={})).status_code == 200
    assert (await exchange.call("DELETE", path)).status_code == 200
    assert (await exchange.call("GET", path)).status_code == 404


FRAMES = {
    "subscribed": "subscribedResponsePayload",
    "unsubscribed": "unsubscribedResponsePayload",
    "ok": "okResponsePayload",
    "error": "errorResponsePayload",
    "orderbook_snapshot": "orderbookSnapshotPayload",
    "orderbook_delta": "orderbookDeltaPayload",
    "ticker": "tickerPayload",
    "trade": "tradePayload",
    "fill": "fillPayload",
    "user_order": "userOrderPayload",
    "market_position": "marketPositionPayload",
    "order_group_updates": "orderGroupUpdatesPayload",
    "market_lifecycle_v2": "marketLifecycleV2Payload",
    "event_lifecycle": "eventLifecyclePayload",
    "event_fee_update": "eventFeeUpdatePayload",
}
CHANNELS = [
    "orderbook_delta",
    "ticker",
    "trade",
    "fill",
    "user_orders",
    "market_positions",
    "order_group_updates",
    "market_lifecycle_v2",
]


async def _live(exchange: Served, send: Any) -> None:
    """Make every kind of message happen once."""
    subscribe = {"channels": CHANNELS, "market_tickers": [TICKER]}
    await send({"id": 1, "cmd": "subscribe", "params": subscribe})
    await send({"id": 2, "cmd": "nonsense"})
    update = {"sid": 1, "action": "get_snapshot", "market_tickers": [TICKER]}
    await send({"id": 3, "cmd": "update_subscription", "params": update})
    await send({"id": 4, "cmd": "update_subscription", "params": {**update, "action": "add_markets"}})
    await asyncio.sleep(0.05)
    group = (
        await exchange.call("POST", "/portfolio/order_groups/create", json={"contracts_limit": 5})
    ).json()
    expiring = order(order_group_id=group["order_group_id"], expiration_time=4102444800, client_order_id="x")
    await exchange.call("POST", ORDERS, json=expiring)
    await exchange.call("POST", ORDERS, json=order(price="0.5200"))
    engine, now = exchange.exchange, exchange.service.now()
    event = {"event_ticker": "NEW", "series_ticker": SERIES, "title": "t", "sub_title": "s"}
    engine.add_event(event, now)
    engine.set_event_fee("NEW", "quadratic", 1, now)
    engine.add_market(
        Served.market("NEW-A", event_ticker="NEW", strike_type="greater", floor_strike=1.5), now
    )
    engine.set_price_ranges(TICKER, "linear_cent", Served.market()["price_ranges"], now)
    engine.pause_market(TICKER, now)
    engine.resume_market(TICKER, now)
    engine.close_market(TICKER, now)
    engine.determine(TICKER, "yes", DOLLAR, now)
    engine.settle(TICKER, now)
    exchange.service.hub.publish(now)
    await send({"id": 5, "cmd": "unsubscribe", "params": {"sids": [2]}})


async def test_every_kind_of_frame(exchange: Served, feed: Judge) -> None:
    seen: dict[str, int] = {}
    last_seq: dict[int, int] = {}
    async with connect(exchange.ws, additional_headers=exchange.headers("GET", "/trade-api/ws/v2")) as socket:
        await _live(exchange, lambda command: socket.send(json.dumps(command)))
        while True:
            try:
                frame = json.loads(await asyncio.wait_for(socket.recv(), 0.3))
            except TimeoutError:
                break
            kind = frame["type"]
            seen[kind] = seen.get(kind, 0) + 1
            assert feed.faults(frame, feed.schemas[FRAMES[kind]]) == [], frame
            if "seq" in frame:
                assert frame["seq"] == last_seq.get(frame["sid"], 0) + 1
                last_seq[frame["sid"]] = frame["seq"]
    assert seen.keys() == FRAMES.keys()
