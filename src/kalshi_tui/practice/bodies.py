"""REST bodies of what the exchange holds: field names and decimals of the official specification."""

from __future__ import annotations

from typing import Any

from kalshi_tui.practice.accounts import ClientFill, Position, SettlementRecord
from kalshi_tui.practice.clockwork import rfc3339
from kalshi_tui.practice.markets import MarketState, PrintedTrade
from kalshi_tui.practice.matching import BookSide, Order
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.units import (
    MILLISECOND,
    ONE,
    SECOND,
    Count,
    Money,
    Nanos,
    Price,
    Side,
    format_count,
    format_money,
    format_price,
)

Body = dict[str, Any]
_CENT_OF_MONEY: Money = 10_000
_CLOSED = (MarketStatus.CLOSED, MarketStatus.DETERMINED, MarketStatus.AMENDED, MarketStatus.DISPUTED)
STATUS_FILTER: dict[str, tuple[MarketStatus, ...]] = {
    "unopened": (MarketStatus.INITIALIZED,),
    "open": (MarketStatus.ACTIVE,),
    "paused": (MarketStatus.INACTIVE,),
    "closed": _CLOSED,
    "settled": (MarketStatus.FINALIZED,),
}


def cents(money: Money) -> int:
    """Whole cents, truncated toward minus infinity."""
    return money // _CENT_OF_MONEY


def average(total: Money, count: Count) -> str:
    """A mean per contract in dollars: 4 decimals where exact, else 6 (rounded half up)."""
    mean = (2 * total * 100 + count) // (2 * count)
    return format_price(mean // 100) if mean % 100 == 0 else format_money(mean)


def outcome(side: Side) -> str:
    return "yes" if side is Side.BID else "no"


def action(side: Side) -> str:
    """The deprecated field: orders are kept on the YES leg, so an ask is a sale of YES."""
    return "buy" if side is Side.BID else "sell"


def prices(price: Price) -> Body:
    return {"yes_price_dollars": format_price(price), "no_price_dollars": format_price(ONE - price)}


def touch(market: MarketState) -> tuple[Price, Count, Price, Count]:
    """Best bid and its size, best ask and its size; 0 and 1 dollar where a side is empty."""
    bids, asks = market.book.bids, market.book.asks
    bid, ask = bids.best(), asks.best()
    bid_size = 0 if bid is None else bids.totals[bid]
    ask_size = 0 if ask is None else asks.totals[ask]
    return bid or 0, bid_size, ask or ONE, ask_size


def market_body(market: MarketState, now: Nanos) -> Body:
    yes_bid, bid_size, yes_ask, ask_size = touch(market)
    body = {
        "created_time": market.body.get("open_time"),
        "updated_time": market.body.get("created_time", market.body.get("open_time")),
        "latest_expiration_time": market.body.get("close_time"),
        "market_type": "binary",
        "yes_sub_title": "",
        "no_sub_title": "",
        "settlement_timer_seconds": 0,
        "notional_value_dollars": "1.0000",
        "can_close_early": False,
        "expiration_value": "",
        "settlement_bounds_type": "default",
        "rules_primary": "",
        "rules_secondary": "",
        "price_level_structure": "",
        "previous_price_dollars": "0.0000",
        "previous_yes_ask_dollars": "0.0000",
        "previous_yes_bid_dollars": "0.0000",
        **market.body,
        "exchange_index": market.shard,
        "status": market.status.value,
        "result": market.result,
        "yes_bid_dollars": format_price(yes_bid),
        "yes_bid_size_fp": format_count(bid_size),
        "yes_ask_dollars": format_price(yes_ask),
        "yes_ask_size_fp": format_count(ask_size),
        "no_bid_dollars": format_price(ONE - yes_ask),
        "no_ask_dollars": format_price(ONE - yes_bid),
        "last_price_dollars": format_price(market.last_price or 0),
        "volume_fp": format_count(market.volume),
        "volume_24h_fp": format_count(market.volume_24h(now)),
        "open_interest_fp": format_count(market.open_interest),
    }
    if market.value is not None:
        body["settlement_value_dollars"] = format_price(market.value // 100)
    if market.settled_at is not None:
        body["settlement_ts"] = rfc3339(market.settled_at)
    return body


def book_body(market: MarketState, depth: int) -> Body:
    """Both ladders of bids, best last, NO levels in NO dollars; ``depth`` 0 means all."""
    return {
        "yes_dollars": _ladder(market.book.bids, depth),
        "no_dollars": _ladder(market.book.asks, depth),
    }


def _ladder(side: BookSide, depth: int) -> list[list[str]]:
    rows = [
        [format_price(price if side.side is Side.BID else ONE - price), format_count(side.totals[price])]
        for price in side.best_first()
    ]
    return (rows[:depth] if depth > 0 else rows)[::-1]


def trade_body(trade: PrintedTrade) -> Body:
    return {
        "trade_id": trade.trade_id,
        "ticker": trade.ticker,
        "count_fp": format_count(trade.count),
        **prices(trade.price),
        "taker_side": outcome(trade.taker),
        "taker_outcome_side": outcome(trade.taker),
        "taker_book_side": trade.taker.value,
        "created_time": rfc3339(trade.at),
        "is_block_trade": False,
    }


def order_body(order: Order) -> Body:
    return {
        "order_id": order.order_id,
        "user_id": order.user_id,
        "client_order_id": order.client_order_id,
        "ticker": order.ticker,
        "exchange_index": order.shard,
        "side": "yes",
        "action": action(order.side),
        "outcome_side": outcome(order.side),
        "book_side": order.side.value,
        "type": "limit",
        "status": order.status,
        **prices(order.price),
        "initial_count_fp": format_count(order.initial),
        "fill_count_fp": format_count(order.filled),
        "remaining_count_fp": format_count(order.remaining),
        "taker_fill_cost_dollars": format_money(order.taker_cost),
        "maker_fill_cost_dollars": format_money(order.maker_cost),
        "taker_fees_dollars": format_money(order.taker_fees),
        "maker_fees_dollars": format_money(order.maker_fees),
        "expiration_time": None if order.expiration is None else rfc3339(order.expiration),
        "created_time": rfc3339(order.created),
        "last_update_time": rfc3339(order.updated),
        "self_trade_prevention_type": order.stp.value,
        "order_group_id": order.group_id or None,
        "cancel_order_on_pause": order.cancel_on_pause,
        "subaccount_number": 0,
    }


def fill_body(fill: ClientFill) -> Body:
    return {
        "fill_id": fill.trade_id,
        "trade_id": fill.trade_id,
        "order_id": fill.order_id,
        "ticker": fill.ticker,
        "market_ticker": fill.ticker,
        "exchange_index": fill.shard,
        "side": "yes",
        "action": action(fill.side),
        "outcome_side": outcome(fill.side),
        "book_side": fill.side.value,
        "count_fp": format_count(fill.count),
        **prices(fill.price),
        "is_taker": fill.is_taker,
        "fee_cost": format_money(fill.fee),
        "created_time": rfc3339(fill.at),
        "subaccount_number": 0,
        "ts": fill.at // SECOND,
    }


def position_body(position: Position) -> Body:
    return {
        "ticker": position.ticker,
        "exchange_index": position.shard,
        "position_fp": format_count(position.count),
        "market_exposure_dollars": format_money(position.cost),
        "total_traded_dollars": format_money(position.spent),
        "realized_pnl_dollars": format_money(position.realized),
        "fees_paid_dollars": format_money(position.fees),
        "last_updated_ts": rfc3339(position.updated),
    }


def event_position_bodies(positions: list[Position]) -> list[Body]:
    """The same, summed per event, in the order of first appearance."""
    by_event: dict[str, list[Position]] = {}
    for position in positions:
        by_event.setdefault(position.event_ticker, []).append(position)
    return [
        {
            "event_ticker": event,
            "event_exposure_dollars": format_money(sum(p.cost for p in held)),
            "total_cost_dollars": format_money(sum(p.spent for p in held)),
            "total_cost_shares_fp": format_count(sum(p.volume for p in held)),
            "realized_pnl_dollars": format_money(sum(p.realized for p in held)),
            "fees_paid_dollars": format_money(sum(p.fees for p in held)),
        }
        for event, held in by_event.items()
    ]


def settlement_body(record: SettlementRecord) -> Body:
    return {
        "ticker": record.ticker,
        "event_ticker": record.event_ticker,
        "exchange_index": record.shard,
        "market_result": record.result,
        "yes_count_fp": format_count(record.yes_count),
        "yes_total_cost_dollars": format_money(record.yes_cost),
        "no_count_fp": format_count(record.no_count),
        "no_total_cost_dollars": format_money(record.no_cost),
        "revenue": cents(record.revenue),
        "value": cents(record.value),
        "fee_cost": format_money(record.fee),
        "settled_time": rfc3339(record.at),
    }


def millis(at: Nanos) -> int:
    return at // MILLISECOND
