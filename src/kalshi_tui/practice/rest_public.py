"""Public reads: exchange, series, events, markets, books, trades, milestones, costs."""

from __future__ import annotations

from typing import Any

from kalshi_tui.practice.bodies import STATUS_FILTER, Body, book_body, market_body, trade_body
from kalshi_tui.practice.calls import Call, Problem, Reply, Route, bad_request, found
from kalshi_tui.practice.clockwork import parse_rfc3339
from kalshi_tui.practice.limits import DEFAULT_COST
from kalshi_tui.practice.markets import MarketState
from kalshi_tui.protocol.units import SECOND

_ALL_DAY = [{"open_time": "00:00", "close_time": "00:00"}]
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TICKERS_MAX = 100


def exchange_status(call: Call) -> Reply:
    facts = {
        "exchange_active": call.exchange.exchange_active,
        "trading_active": call.exchange.trading_active,
        "intra_exchange_transfers_active": False,
    }
    shards = sorted({0, *(market.shard for market in call.exchange.markets.values())})
    statuses = [{"exchange_index": shard, "description": f"shard {shard}", **facts} for shard in shards]
    body = {**facts, "exchange_estimated_resume_time": None, "exchange_index_statuses": statuses}
    return Reply(200 if call.exchange.exchange_active else 503, body)


def exchange_schedule(call: Call) -> Reply:
    """Open always: the practice exchange has no maintenance window."""
    week: dict[str, Any] = dict.fromkeys(_DAYS, _ALL_DAY)
    week.update(start_time="2024-12-01T00:00:00Z", end_time="2200-12-01T00:00:00Z")
    return Reply(200, {"schedule": {"standard_hours": [week], "maintenance_windows": []}})


def series_list(call: Call) -> Reply:
    category = call.query.get("category")
    rows = [body for body in call.exchange.series.values() if category in (None, "", body.get("category"))]
    return Reply(200, {"series": rows})


def series_one(call: Call) -> Reply:
    return Reply(200, {"series": found(call.exchange.series.get(call.path["series_ticker"]))})


def events_list(call: Call) -> Reply:
    tickers, series = call.listed("tickers"), call.query.get("series_ticker")
    status = _status_filter(call)
    rows = []
    for key, event in enumerate(call.exchange.events.values()):
        if tickers is not None and event["event_ticker"] not in tickers:
            continue
        if series and event["series_ticker"] != series:
            continue
        if status is not None and not any(m.status in status for m in _markets_of(call, event)):
            continue
        rows.append((key, event))
    shown, cursor = call.page(rows, "GetEvents", most=200, default=200)
    bodies = [_event_body(call, event, nested=call.flag("with_nested_markets")) for event in shown]
    body: Body = {"events": bodies, "cursor": cursor}
    if call.flag("with_milestones"):
        names = {event["event_ticker"] for event in shown}
        body["milestones"] = [
            m for m in call.exchange.milestones if not names.isdisjoint(m["related_event_tickers"])
        ]
    return Reply(200, body)


def event_one(call: Call) -> Reply:
    event = found(call.exchange.events.get(call.path["event_ticker"]))
    nested, bare = call.flag("with_nested_markets"), call.flag("exclude_markets")
    if nested and bare:
        raise bad_request("exclude_markets can not be combined with with_nested_markets")
    beside = [] if nested or bare else [market_body(m, call.now) for m in _markets_of(call, event)]
    return Reply(200, {"event": _event_body(call, event, nested=nested), "markets": beside})


def _markets_of(call: Call, event: Body) -> list[MarketState]:
    name = event["event_ticker"]
    return [market for market in call.exchange.markets.values() if market.event_ticker == name]


def _event_body(call: Call, event: Body, *, nested: bool) -> Body:
    if not nested:
        return event
    return {**event, "markets": [market_body(market, call.now) for market in _markets_of(call, event)]}


def _status_filter(call: Call) -> tuple[Any, ...] | None:
    name = call.query.get("status")
    if not name:
        return None
    if name not in STATUS_FILTER:
        raise bad_request(f"status must be one of {', '.join(STATUS_FILTER)}")
    return STATUS_FILTER[name]


def markets_list(call: Call) -> Reply:
    tickers, events = call.listed("tickers"), call.listed("event_ticker")
    series, status = call.query.get("series_ticker"), _status_filter(call)
    low, high = call.number("min_close_ts"), call.number("max_close_ts")
    rows = [
        (key, market)
        for key, market in enumerate(call.exchange.markets.values())
        if (tickers is None or market.ticker in tickers)
        and (events is None or market.event_ticker in events)
        and (not series or market.series_ticker == series)
        and (status is None or market.status in status)
        and (low is None or market.close >= low * SECOND)
        and (high is None or market.close <= high * SECOND)
    ]
    shown, cursor = call.page(rows, "GetMarkets", most=1000, default=100)
    return Reply(200, {"markets": [market_body(market, call.now) for market in shown], "cursor": cursor})


def market_one(call: Call) -> Reply:
    market = found(call.exchange.markets.get(call.path["ticker"]))
    return Reply(200, {"market": market_body(market, call.now)})


def orderbook(call: Call) -> Reply:
    market = found(call.exchange.markets.get(call.path["ticker"]))
    depth = call.number("depth", 0) or 0
    if depth > 100:
        raise bad_request("depth must be at most 100")
    return Reply(200, {"orderbook_fp": book_body(market, depth)})


def orderbooks(call: Call) -> Reply:
    tickers = call.listed("tickers") or []
    if not 1 <= len(tickers) <= _TICKERS_MAX:
        raise bad_request(f"tickers must name 1 to {_TICKERS_MAX} markets")
    markets = [found(call.exchange.markets.get(ticker)) for ticker in tickers]
    books = [{"ticker": market.ticker, "orderbook_fp": book_body(market, 0)} for market in markets]
    return Reply(200, {"orderbooks": books})


def trades(call: Call) -> Reply:
    if call.flag("is_block_trade"):
        return Reply(200, {"trades": [], "cursor": ""})
    kept = call.exchange.trades(call.query.get("ticker") or None)
    rows = [(trade.number, trade) for trade in reversed(kept) if call.within(trade.at)]
    shown, cursor = call.page(rows, "GetTrades", most=1000, default=100, newest_first=True)
    return Reply(200, {"trades": [trade_body(trade) for trade in shown], "cursor": cursor})


def milestones(call: Call) -> Reply:
    if call.number("limit") is None:
        raise Problem(
            Reply(
                400,
                {
                    "msg": "Parameter validation failed for GetMilestones: Key: 'GetMilestonesParams.Limit' "
                    "Error:Field validation for 'Limit' failed on the 'required' tag"
                },
            )
        )
    related, start = call.query.get("related_event_ticker"), call.query.get("minimum_start_date")
    try:
        earliest = parse_rfc3339(start) if start else None
    except ValueError:
        raise bad_request("minimum_start_date is not an RFC 3339 time") from None
    rows = [
        (key, body)
        for key, body in enumerate(call.exchange.milestones)
        if all(call.query.get(name) in (None, "", body[name]) for name in ("category", "type"))
        and (not related or related in body["related_event_tickers"])
        and (earliest is None or parse_rfc3339(body["start_date"]) >= earliest)
    ]
    shown, cursor = call.page(rows, "GetMilestones", most=500, default=100)
    return Reply(200, {"milestones": shown, "cursor": cursor})


def milestone_one(call: Call) -> Reply:
    wanted = call.path["milestone_id"]
    return Reply(
        200, {"milestone": found(next((m for m in call.exchange.milestones if m["id"] == wanted), None))}
    )


def series_fee_changes(call: Call) -> Reply:
    """None are ever scheduled here."""
    return Reply(200, {"series_fee_change_arr": []})


ROUTES = [
    Route("GET", path, handler, signed=False)
    for path, handler in (
        ("/exchange/status", exchange_status),
        ("/exchange/schedule", exchange_schedule),
        ("/series/fee_changes", series_fee_changes),
        ("/series", series_list),
        ("/series/{series_ticker}", series_one),
        ("/events", events_list),
        ("/events/{event_ticker}", event_one),
        ("/markets", markets_list),
        ("/markets/trades", trades),
        ("/markets/orderbooks", orderbooks),
        ("/markets/{ticker}", market_one),
        ("/markets/{ticker}/orderbook", orderbook),
        ("/milestones", milestones),
        ("/milestones/{milestone_id}", milestone_one),
    )
]


def costs_route(routes: list[Route]) -> Route:
    """``GET /account/endpoint_costs``: every route that does not cost the default."""
    costs = [
        {
            "method": r.method,
            "path": "/trade-api/v2" + r.path.replace("{", ":").replace("}", ""),
            "cost": r.cost,
        }
        for r in routes
        if r.cost != DEFAULT_COST and r.bucket != "balance"
    ]
    body = {"default_cost": DEFAULT_COST, "endpoint_costs": costs}
    return Route("GET", "/account/endpoint_costs", lambda call: Reply(200, body), signed=False)
