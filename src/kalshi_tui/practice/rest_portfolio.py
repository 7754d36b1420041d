"""Private reads: balance, positions, orders, queue, fills, settlements, limits."""

from __future__ import annotations

from kalshi_tui.practice.accounts import Position
from kalshi_tui.practice.bodies import (
    cents,
    event_position_bodies,
    fill_body,
    order_body,
    position_body,
    settlement_body,
)
from kalshi_tui.practice.calls import Call, Reply, Route, bad_request, found
from kalshi_tui.practice.clockwork import order_number, rfc3339
from kalshi_tui.practice.matching import Order
from kalshi_tui.protocol.units import (
    SECOND,
    Money,
    format_count,
    format_money,
    format_price,
)


def _dollars(money: Money) -> str:
    """4 decimals where exact (recorded), else 6."""
    return format_price(money // 100) if money % 100 == 0 else format_money(money)


def balance(call: Call) -> Reply:
    account, shard = call.caller, call.number("exchange_index")
    cash = {index: money for index, money in account.cash.items() if shard in (None, index)}
    total = sum(cash.values())
    body = {
        "balance": cents(total),
        "balance_dollars": _dollars(total),
        "portfolio_value": cents(call.exchange.portfolio_value(account)),
        "updated_ts": (account.updated or call.now) // SECOND,
        "balance_breakdown": [
            {"exchange_index": index, "balance": _dollars(money)} for index, money in sorted(cash.items())
        ],
    }
    return Reply(200, body)


def positions(call: Call) -> Reply:
    ticker, event = call.query.get("ticker"), call.query.get("event_ticker")
    wanted = call.query.get("settlement_status") or "unsettled"
    if wanted not in ("unsettled", "settled", "all"):
        raise bad_request("settlement_status must be one of unsettled, settled, all")
    counted = call.listed("count_filter") or []
    rows = [
        (key, position)
        for key, position in enumerate(call.caller.positions.values())
        if ticker in (None, "", position.ticker)
        and event in (None, "", position.event_ticker)
        and (wanted == "all" or position.settled == (wanted == "settled"))
        and all(_non_zero(position, name) for name in counted)
    ]
    shown, cursor = call.page(rows, "GetPositions", most=1000, default=100)
    bodies = [position_body(position) for position in shown]
    return Reply(
        200, {"market_positions": bodies, "event_positions": event_position_bodies(shown), "cursor": cursor}
    )


def _non_zero(position: Position, name: str) -> bool:
    if name == "position":
        return position.count != 0
    if name == "total_traded":
        return position.spent != 0
    raise bad_request("count_filter takes position and total_traded")


def orders(call: Call) -> Reply:
    status, ticker, events = call.query.get("status"), call.query.get("ticker"), call.listed("event_ticker")
    if status not in (None, "", "resting", "canceled", "executed"):
        raise bad_request("status must be one of resting, canceled, executed")
    markets = call.exchange.markets
    # The resting ones are few, all of them grow for as long as the desk quotes.
    every = _resting(call) if status == "resting" else call.caller.orders.values()
    rows = [
        (order_number(order.order_id), order)
        for order in every
        if status in (None, "", order.status)
        and ticker in (None, "", order.ticker)
        and (events is None or markets[order.ticker].event_ticker in events)
        and call.within(order.created)
    ]
    shown, cursor = call.page(rows, "GetOrders", most=1000, default=100, newest_first=True)
    return Reply(200, {"orders": [order_body(order) for order in shown], "cursor": cursor})


def _resting(call: Call) -> list[Order]:
    """The caller's resting orders, oldest first."""
    resting = [order for orders in call.caller.resting.values() for order in orders.values()]
    return sorted(resting, key=lambda order: order_number(order.order_id))


def order_one(call: Call) -> Reply:
    return Reply(200, {"order": order_body(found(call.caller.orders.get(call.path["order_id"])))})


def queue_positions(call: Call) -> Reply:
    tickers, event = call.listed("market_tickers"), call.query.get("event_ticker")
    if tickers is None and not event:
        raise bad_request("market_tickers or event_ticker is required")
    rows = [
        {
            "order_id": order.order_id,
            "market_ticker": order.ticker,
            "queue_position_fp": format_count(call.exchange.ahead_of(order)),
        }
        for order in _resting(call)
        if (tickers is None or order.ticker in tickers)
        and event in (None, "", call.exchange.markets[order.ticker].event_ticker)
    ]
    return Reply(200, {"queue_positions": rows})


def queue_position(call: Call) -> Reply:
    order = found(call.caller.orders.get(call.path["order_id"]))
    resting: Order = found(order if order.status == "resting" else None)
    return Reply(200, {"queue_position_fp": format_count(call.exchange.ahead_of(resting))})


def fills(call: Call) -> Reply:
    account, tickers, order_id = call.caller, call.listed("ticker"), call.query.get("order_id")
    rows = [
        (key, fill)
        for key, fill in enumerate(account.fills, account.fills_made - len(account.fills))
        if (tickers is None or fill.ticker in tickers)
        and order_id in (None, "", fill.order_id)
        and call.within(fill.at)
    ]
    shown, cursor = call.page(rows, "GetFills", most=1000, default=100, newest_first=True)
    return Reply(200, {"fills": [fill_body(fill) for fill in shown], "cursor": cursor})


def settlements(call: Call) -> Reply:
    account, ticker, event = call.caller, call.query.get("ticker"), call.query.get("event_ticker")
    rows = [
        (key, record)
        for key, record in enumerate(account.settlements, account.settlements_made - len(account.settlements))
        if ticker in (None, "", record.ticker)
        and event in (None, "", record.event_ticker)
        and call.within(record.at)
    ]
    shown, cursor = call.page(rows, "GetSettlements", most=1000, default=100, newest_first=True)
    return Reply(200, {"settlements": [settlement_body(record) for record in shown], "cursor": cursor})


def total_resting_order_value(call: Call) -> Reply:
    account = call.caller
    by_shard = {shard: account.reserved(shard) for shard in sorted(account.cash)}
    breakdown = [{"exchange_index": shard, "balance": _dollars(money)} for shard, money in by_shard.items()]
    total = cents(sum(by_shard.values()))
    return Reply(200, {"total_resting_order_value": total, "resting_order_value_breakdown": breakdown})


def user_data_timestamp(call: Call) -> Reply:
    """Reads here are never behind."""
    return Reply(200, {"as_of_time": rfc3339(call.now)})


def account_limits(call: Call) -> Reply:
    allowance = call.allowance
    if allowance is None:
        raise AssertionError("a private route was served without an allowance")
    read, write = allowance.buckets["read"], allowance.buckets["write"]
    body = {
        "usage_tier": call.tier,
        "read": {"refill_rate": read.rate, "bucket_capacity": read.capacity},
        "write": {"refill_rate": write.rate, "bucket_capacity": write.capacity},
        "grants": [],
    }
    return Reply(200, body)


ROUTES = [
    Route("GET", "/portfolio/balance", balance, bucket="balance", cost=1),
    Route("GET", "/portfolio/positions", positions),
    Route("GET", "/portfolio/orders", orders),
    Route("GET", "/portfolio/orders/queue_positions", queue_positions),
    Route("GET", "/portfolio/orders/{order_id}", order_one, cost=2),
    Route("GET", "/portfolio/orders/{order_id}/queue_position", queue_position),
    Route("GET", "/portfolio/fills", fills),
    Route("GET", "/portfolio/settlements", settlements),
    Route("GET", "/portfolio/summary/total_resting_order_value", total_resting_order_value),
    Route("GET", "/exchange/user_data_timestamp", user_data_timestamp, signed=False),
    Route("GET", "/account/limits", account_limits),
]
