"""The ``msg`` part of WebSocket frames, as bytes, each made once however many subscriptions carry it."""

from __future__ import annotations

from typing import Any

import msgspec

from kalshi_tui.practice.accounts import ClientFill, Position
from kalshi_tui.practice.bodies import Body, action, millis, outcome, touch
from kalshi_tui.practice.clockwork import rfc3339
from kalshi_tui.practice.happenings import (
    EventCreated,
    EventFeeChanged,
    GroupUpdated,
    LevelChanged,
    MarketEvent,
    Traded,
)
from kalshi_tui.practice.markets import MarketState
from kalshi_tui.practice.matching import BookSide, Order
from kalshi_tui.protocol.units import (
    DOLLAR,
    MILLISECOND,
    ONE,
    SECOND,
    Nanos,
    Price,
    Side,
    format_count,
    format_money,
    format_price,
)

encode = msgspec.json.encode


def leg_price(side: Side, price: Price, *, use_yes_price: bool) -> Price:
    """How a level of the YES book is priced on the wire: asks are NO bids, priced on the NO leg by default."""
    return price if use_yes_price or side is Side.BID else ONE - price


def delta_msg(change: LevelChanged, market_id: str, *, use_yes_price: bool, owned: bool) -> bytes:
    """``owned``: for the account whose order caused it, which alone is shown its ``client_order_id``."""
    price = leg_price(change.side, change.price, use_yes_price=use_yes_price)
    mine = b""
    if owned:
        mine = b',"client_order_id":' + encode(change.client_order_id) + b',"subaccount":0'
    # Tickers and ids hold nothing that JSON escapes (``safe_ticker`` on entry).
    return (
        f'{{"market_ticker":"{change.ticker}","market_id":"{market_id}","clock":{change.clock},'
        f'"price_dollars":"{format_price(price)}","delta_fp":"{format_count(change.delta)}",'
        f'"side":"{outcome(change.side)}","ts":"{rfc3339(change.at)}","ts_ms":{change.at // MILLISECOND}'
    ).encode() + (mine + b"}")


def snapshot_msg(market: MarketState, *, use_yes_price: bool) -> bytes:
    """A whole book, ascending; the key of an empty side is left out."""
    msg: Body = {"market_ticker": market.ticker, "market_id": market.market_id, "clock": market.clock}
    for name, side in (("yes_dollars_fp", market.book.bids), ("no_dollars_fp", market.book.asks)):
        if side.prices:
            msg[name] = _ladder(side, use_yes_price)
    return encode(msg)


def _ladder(side: BookSide, use_yes_price: bool) -> list[list[str]]:
    rows = [(leg_price(side.side, p, use_yes_price=use_yes_price), side.totals[p]) for p in side.prices]
    return [[format_price(price), format_count(count)] for price, count in sorted(rows)]


def trade_msg(trade: Traded) -> bytes:
    side = outcome(trade.taker)
    return (
        f'{{"trade_id":"{trade.trade_id}","market_ticker":"{trade.ticker}",'
        f'"yes_price_dollars":"{format_price(trade.price)}",'
        f'"no_price_dollars":"{format_price(ONE - trade.price)}","count_fp":"{format_count(trade.count)}",'
        f'"taker_side":"{side}","taker_outcome_side":"{side}","taker_book_side":"{trade.taker.value}",'
        f'"is_block_trade":false,"ts":{trade.at // SECOND},"ts_ms":{trade.at // MILLISECOND}}}'
    ).encode()


def ticker_facts(market: MarketState) -> tuple[object, ...]:
    """What a ticker message shows: where it is unchanged no message is sent."""
    return (*touch(market), market.last_price, market.volume, market.open_interest)


def ticker_msg(market: MarketState, at: Nanos) -> bytes:
    bid, bid_size, ask, ask_size = touch(market)
    return encode(
        {
            "market_id": market.market_id,
            "market_ticker": market.ticker,
            "price_dollars": format_price(market.last_price or 0),
            "yes_bid_dollars": format_price(bid),
            "yes_ask_dollars": format_price(ask),
            "yes_bid_size_fp": format_count(bid_size),
            "yes_ask_size_fp": format_count(ask_size),
            "last_trade_size_fp": format_count(market.last_count),
            "volume_fp": format_count(market.volume),
            "open_interest_fp": format_count(market.open_interest),
            "dollar_volume": market.turnover // DOLLAR,
            "dollar_open_interest": market.open_interest * ONE // DOLLAR,
            "ts": at // SECOND,
            "ts_ms": at // MILLISECOND,
            "time": rfc3339(at),
        }
    )


def fill_msg(fill: ClientFill) -> bytes:
    msg: Body = {
        "trade_id": fill.trade_id,
        "order_id": fill.order_id,
        "market_ticker": fill.ticker,
        "exchange_index": fill.shard,
        "is_taker": fill.is_taker,
        "side": "yes",
        "action": action(fill.side),
        "purchased_side": outcome(fill.side),
        "outcome_side": outcome(fill.side),
        "book_side": fill.side.value,
        "yes_price_dollars": format_price(fill.price),
        "count_fp": format_count(fill.count),
        "fee_cost": format_money(fill.fee),
        "post_position_fp": format_count(fill.position),
        "ts": fill.at // SECOND,
        "ts_ms": millis(fill.at),
        "subaccount": 0,
    }
    if fill.client_order_id:
        msg["client_order_id"] = fill.client_order_id
    return encode(msg)


def order_msg(order: Order) -> bytes:
    msg: Body = {
        "order_id": order.order_id,
        "user_id": order.user_id,
        "ticker": order.ticker,
        "exchange_index": order.shard,
        "status": order.status,
        "side": outcome(order.side),
        "is_yes": order.side is Side.BID,
        "outcome_side": outcome(order.side),
        "book_side": order.side.value,
        "yes_price_dollars": format_price(order.price),
        "fill_count_fp": format_count(order.filled),
        "remaining_count_fp": format_count(order.remaining),
        "initial_count_fp": format_count(order.initial),
        "taker_fill_cost_dollars": format_money(order.taker_cost),
        "maker_fill_cost_dollars": format_money(order.maker_cost),
        "taker_fees_dollars": format_money(order.taker_fees),
        "maker_fees_dollars": format_money(order.maker_fees),
        "client_order_id": order.client_order_id,
        "self_trade_prevention_type": order.stp.value,
        "created_time": rfc3339(order.created),
        "created_ts_ms": millis(order.created),
        "last_update_time": rfc3339(order.updated),
        "last_updated_ts_ms": millis(order.updated),
        "subaccount_number": 0,
    }
    if order.group_id:
        msg["order_group_id"] = order.group_id
    if order.expiration is not None:
        msg["expiration_time"] = rfc3339(order.expiration)
        msg["expiration_ts_ms"] = millis(order.expiration)
    if order.reason:
        msg["last_update_reason"] = order.reason
    return encode(msg)


def position_msg(user_id: str, position: Position) -> bytes:
    return encode(
        {
            "user_id": user_id,
            "market_ticker": position.ticker,
            "position_fp": format_count(position.count),
            "position_cost_dollars": format_money(position.cost),
            "realized_pnl_dollars": format_money(position.realized),
            "fees_paid_dollars": format_money(position.fees),
            "position_fee_cost_dollars": format_money(position.open_fees),
            "volume_fp": format_count(position.volume),
            "subaccount": 0,
        }
    )


def group_msg(update: GroupUpdated) -> bytes:
    msg: Body = {"event_type": update.event_type, "order_group_id": update.group_id}
    if update.limit is not None:
        msg["contracts_limit_fp"] = format_count(update.limit)
    msg["ts_ms"] = millis(update.at)
    return encode(msg)


def lifecycle_msg(event: MarketEvent | EventCreated | EventFeeChanged) -> tuple[str, bytes]:
    """The ``type`` and ``msg`` of a lifecycle message."""
    msg: dict[str, Any]
    if isinstance(event, MarketEvent):
        msg = {"event_type": event.event_type, "market_ticker": event.ticker, **event.fields}
        return "market_lifecycle_v2", encode(msg)
    if isinstance(event, EventCreated):
        return "event_lifecycle", encode(event.fields)
    msg = {
        "event_ticker": event.event_ticker,
        "fee_type_override": event.fee_type,
        "fee_multiplier_override": event.multiplier,
    }
    return "event_fee_update", encode(msg)
