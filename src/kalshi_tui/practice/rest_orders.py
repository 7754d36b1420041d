"""Order writes: ``/portfolio/events/orders`` and below."""

from __future__ import annotations

from typing import Any

from kalshi_tui.practice.bodies import Body, average, millis
from kalshi_tui.practice.calls import Call, Problem, Reply, Route, bad_request, refuse
from kalshi_tui.practice.engine import Execution
from kalshi_tui.practice.fields import Fields
from kalshi_tui.practice.matching import Order
from kalshi_tui.practice.placing import PlaceResult
from kalshi_tui.practice.refusals import MARKET_NOT_FOUND, NOT_FOUND, Refusal
from kalshi_tui.protocol.orders import SelfTradePrevention, TimeInForce
from kalshi_tui.protocol.units import Side, format_count

_SIDES = tuple(side.value for side in Side)
_TIMES = tuple(time.value for time in TimeInForce)
_PREVENTIONS = tuple(stp.value for stp in SelfTradePrevention)


def create(call: Call) -> Reply:
    result = _create(call, call.json("CreateOrderV2Request"))
    if result.error is not None or result.order is None:
        raise refuse(result.error or NOT_FOUND)
    return Reply(201, _created_body(result.order, result.fills, call))


def _create(call: Call, raw: dict[str, Any]) -> PlaceResult:
    fields = Fields("CreateOrderV2Request", raw)
    ticker = fields.text("ticker", required=True)
    side = fields.choice("side", _SIDES)
    time_in_force = fields.choice("time_in_force", _TIMES)
    stp = fields.choice("self_trade_prevention_type", _PREVENTIONS)
    count, price = fields.count("count"), fields.price("price")
    error = _wrong_shard(call, ticker, fields.integer("exchange_index")) or fields.not_primary()
    if error is not None:
        return PlaceResult(None, error=error)
    return call.exchange.place(
        call.caller,
        ticker,
        Side(side),
        price,
        count,
        now=call.now,
        time_in_force=TimeInForce(time_in_force),
        post_only=fields.flag("post_only"),
        reduce_only=fields.flag("reduce_only"),
        expiration_s=fields.integer("expiration_time") or None,
        client_order_id=fields.text("client_order_id"),
        stp=SelfTradePrevention(stp),
        order_group_id=fields.text("order_group_id"),
        cancel_on_pause=fields.flag("cancel_order_on_pause"),
    )


def _wrong_shard(call: Call, ticker: str, shard: int | None) -> Refusal | None:
    """An explicit shard that does not hold the market; none or -1 routes by ticker."""
    market = call.exchange.markets.get(ticker)
    if market is None:
        return MARKET_NOT_FOUND
    return MARKET_NOT_FOUND if shard is not None and shard >= 0 and shard != market.shard else None


def _created_body(order: Order, fills: list[Execution], call: Call) -> Body:
    body: Body = {"order_id": order.order_id}
    if order.client_order_id:
        body["client_order_id"] = order.client_order_id
    body["fill_count"] = format_count(sum(fill.count for fill in fills))
    body["remaining_count"] = format_count(order.remaining)
    body.update(_averages(fills))
    body["ts_ms"] = millis(call.now)
    return body


def _averages(fills: list[Execution]) -> Body:
    """``average_fill_price`` and ``average_fee_paid`` (per contract), only where something filled."""
    count = sum(fill.count for fill in fills)
    if not count:
        return {}
    paid, fees = sum(fill.price * fill.count for fill in fills), sum(fill.fee for fill in fills)
    return {"average_fill_price": average(paid, count), "average_fee_paid": average(fees, count)}


def create_batch(call: Call) -> Reply:
    rows: list[Body] = []
    for raw in batch_items(call):
        try:
            result = _create(call, raw)
        except Problem as problem:
            rows.append(_failed(raw, _flat(problem)))
            continue
        if result.error is not None or result.order is None:
            rows.append(_failed(raw, _error_fields(result.error or NOT_FOUND)))
        else:
            rows.append(_created_body(result.order, result.fills, call))
    return Reply(201, {"orders": rows})


def batch_items(call: Call) -> list[dict[str, Any]]:
    """The objects of a batch body's ``orders``."""
    items = call.json("BatchV2Request").get("orders")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise bad_request("orders must be an array of objects")
    if not items:
        raise bad_request("orders is empty")
    return items


def _failed(raw: dict[str, Any], error: Body) -> Body:
    client_id = raw.get("client_order_id")
    return {
        "client_order_id": client_id if isinstance(client_id, str) else None,
        "fill_count": None,
        "remaining_count": None,
        "ts_ms": None,
        "error": error,
    }


def _error_fields(refusal: Refusal) -> Body:
    return {"code": refusal.code, "message": refusal.message, "details": refusal.details}


def _flat(problem: Problem) -> Body:
    """The error of a single call as the item of a batch."""
    body = problem.reply.body
    if not isinstance(body, dict):
        raise problem
    error: Body = body.get("error", body)
    return error


def cancel(call: Call) -> Reply:
    order_id = call.path["order_id"]
    body, error = _cancel(call, order_id, call.number("exchange_index"), call.query.get("market_ticker"))
    if error is not None:
        raise refuse(error)
    return Reply(200, body)


def _cancel(call: Call, order_id: str, shard: int | None, ticker: str | None) -> tuple[Body, Refusal | None]:
    """Without a shard the ticker routes; without either only shard 0 is asked."""
    order = call.caller.orders.get(order_id)
    if order is None or not _routed(order, shard, ticker):
        return {}, NOT_FOUND
    reduced, error = call.exchange.cancel(call.caller, order_id, now=call.now)
    if error is not None:
        return {}, error
    body: Body = {"order_id": order_id}
    if order.client_order_id:
        body["client_order_id"] = order.client_order_id
    return body | {"reduced_by": format_count(reduced), "ts_ms": millis(call.now)}, None


def _routed(order: Order, shard: int | None, ticker: str | None) -> bool:
    if shard is not None and shard >= 0:
        return shard == order.shard
    return ticker == order.ticker if ticker else order.shard == 0


def cancel_batch(call: Call) -> Reply:
    rows: list[Body] = []
    for raw in batch_items(call):
        fields = Fields("BatchCancelOrdersV2Request", raw)
        order_id = fields.text("order_id", required=True)
        ticker = fields.text("market_ticker") or None
        body, error = _cancel(call, order_id, fields.integer("exchange_index"), ticker)
        if error is not None:
            body = {
                "order_id": order_id,
                "reduced_by": "0.00",
                "ts_ms": None,
                "error": _error_fields(error),
            }
        rows.append(body)
    return Reply(200, {"orders": rows})


def cancel_all(call: Call) -> Reply:
    """204. The documented tail (orders of the next minute may be cancelled too) is not imitated."""
    error = call.exchange.cancel_all(call.caller, now=call.now)
    if error is not None:
        raise refuse(error)
    return Reply(204, None)


def decrease(call: Call) -> Reply:
    fields = Fields("DecreaseOrderV2Request", call.json("DecreaseOrderV2Request"))
    order = call.caller.orders.get(call.path["order_id"])
    ticker = fields.text("market_ticker") or None
    if order is None or not _routed(order, fields.integer("exchange_index"), ticker):
        raise refuse(NOT_FOUND)
    by, to = fields.optional_count("reduce_by"), fields.optional_count("reduce_to")
    _, error = call.exchange.decrease(call.caller, order.order_id, now=call.now, reduce_by=by, reduce_to=to)
    if error is not None:
        raise refuse(error)
    body: Body = {"order_id": order.order_id}
    if order.client_order_id:
        body["client_order_id"] = order.client_order_id
    return Reply(200, body | {"remaining_count": format_count(order.remaining), "ts_ms": millis(call.now)})


def amend(call: Call) -> Reply:
    fields = Fields("AmendOrderV2Request", call.json("AmendOrderV2Request"))
    ticker = fields.text("ticker", required=True)
    error = _wrong_shard(call, ticker, fields.integer("exchange_index"))
    if error is not None:
        raise refuse(error)
    result = call.exchange.amend(
        call.caller,
        call.path["order_id"],
        ticker,
        Side(fields.choice("side", _SIDES)),
        fields.price("price"),
        fields.count("count"),
        now=call.now,
        client_order_id=fields.text("client_order_id") or None,
        updated_client_order_id=fields.text("updated_client_order_id") or None,
        expiration_s=fields.integer("expiration_time"),
    )
    order = result.order
    if result.error is not None or order is None:
        raise refuse(result.error or NOT_FOUND)
    # Counts are told only when the amend traded or changed the size.
    told = result.resized or bool(result.fills)
    body: Body = {
        "order_id": order.order_id,
        "remaining_count": format_count(order.remaining) if told else None,
        "fill_count": format_count(sum(fill.count for fill in result.fills)) if told else None,
        "average_fill_price": None,
        "average_fee_paid": None,
        "ts_ms": millis(call.now),
    }
    if order.client_order_id:
        body["client_order_id"] = order.client_order_id
    return Reply(200, body | _averages(result.fills))


_ORDERS = "/portfolio/events/orders"
ROUTES = [
    Route("POST", _ORDERS, create, bucket="write"),
    Route("DELETE", _ORDERS, cancel_all, bucket="write", cost=2),
    Route("POST", _ORDERS + "/batched", create_batch, bucket="write", batch=True),
    Route("DELETE", _ORDERS + "/batched", cancel_batch, bucket="write", cost=2, batch=True),
    Route("DELETE", _ORDERS + "/{order_id}", cancel, bucket="write", cost=2),
    Route("POST", _ORDERS + "/{order_id}/amend", amend, bucket="write"),
    Route("POST", _ORDERS + "/{order_id}/decrease", decrease, bucket="write"),
]
