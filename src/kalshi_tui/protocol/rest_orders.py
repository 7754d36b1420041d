"""REST bodies of orders and fills: reads, replies to writes, and the bodies of writes."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from kalshi_tui.protocol.effects import AmendOrder, CancelOrder
from kalshi_tui.protocol.orders import Fill, NewOrder, TimeInForce, VenueError, VenueOrder
from kalshi_tui.protocol.rest_errors import error_inside
from kalshi_tui.protocol.rest_read import cursor_of, optional_count, optional_time, rows, shaped
from kalshi_tui.protocol.text import safe_text, safe_ticker
from kalshi_tui.protocol.units import (
    MILLISECOND,
    ONE,
    SECOND,
    Count,
    Nanos,
    Price,
    UnitError,
    format_count,
    format_price,
    parse_count,
    parse_money,
    parse_price,
)
from kalshi_tui.protocol.wire_convert import read_id, read_side, required_id


class _OrderBody(Struct):
    order_id: str
    ticker: str
    status: str
    yes_price_dollars: str
    initial_count_fp: str
    fill_count_fp: str
    remaining_count_fp: str
    client_order_id: str | None = None
    book_side: str | None = None
    outcome_side: str | None = None
    expiration_time: str | None = None
    created_time: str | None = None
    last_update_time: str | None = None
    last_update_reason: str | None = None
    exchange_index: int = 0


class _FillBody(Struct):
    order_id: str
    yes_price_dollars: str
    count_fp: str
    is_taker: bool
    fee_cost: str
    trade_id: str | None = None
    fill_id: str | None = None
    ticker: str | None = None
    market_ticker: str | None = None
    book_side: str | None = None
    outcome_side: str | None = None
    created_time: str | None = None
    ts: int | None = None


def order_from_rest(body: object) -> VenueOrder:
    """``body`` is the order object itself or ``{"order": ...}``."""
    inner = body["order"] if isinstance(body, dict) and isinstance(body.get("order"), dict) else body
    read = shaped(inner, _OrderBody)
    return VenueOrder(
        order_id=required_id(read.order_id, "order id"),
        client_order_id=read_id(read.client_order_id),
        ticker=safe_ticker(read.ticker),
        side=read_side(read.book_side, read.outcome_side),
        price=parse_price(read.yes_price_dollars),
        initial=parse_count(read.initial_count_fp),
        filled=parse_count(read.fill_count_fp),
        remaining=parse_count(read.remaining_count_fp),
        status=safe_text(read.status, 20),
        expiration=optional_time(read.expiration_time),
        updated=optional_time(read.last_update_time) or optional_time(read.created_time) or 0,
        reason=safe_text(read.last_update_reason, 40),
        exchange_index=read.exchange_index,
    )


def orders_from_rest(body: dict[str, object]) -> tuple[tuple[VenueOrder, ...], str]:
    """A page and the cursor. One order that can not be read refuses the page: it would be no evidence."""
    return tuple(order_from_rest(row) for row in rows(body, "orders")), cursor_of(body)


def fill_from_rest(body: object) -> Fill:
    """A fill as REST has it, without a client order id. The time of day is needed, as for every fill."""
    read = shaped(body, _FillBody)
    wall = optional_time(read.created_time) or (read.ts * SECOND if read.ts is not None else None)
    if wall is None:
        raise ValueError("a fill without a time")
    return Fill(
        trade_id=required_id(read.trade_id or read.fill_id, "trade id of a fill"),
        order_id=required_id(read.order_id, "order id of a fill"),
        ticker=safe_ticker(read.ticker or read.market_ticker or ""),
        side=read_side(read.book_side, read.outcome_side),
        price=parse_price(read.yes_price_dollars),
        count=parse_count(read.count_fp),
        fee=parse_money(read.fee_cost),
        is_taker=read.is_taker,
        wall=wall,
    )


def fills_from_rest(body: dict[str, object]) -> tuple[tuple[Fill, ...], str]:
    return tuple(fill_from_rest(row) for row in rows(body, "fills")), cursor_of(body)


# -- replies to writes --------------------------------------------------------------------------------


class Placed(Struct, frozen=True):
    """A create that was accepted; ``filled`` at once, ``remaining`` resting."""

    order_id: str
    client_order_id: str
    filled: Count
    remaining: Count
    wall: Nanos | None


class Canceled(Struct, frozen=True):
    order_id: str
    reduced_by: Count


class Decreased(Struct, frozen=True):
    order_id: str
    remaining: Count


class Amended(Struct, frozen=True):
    """Counts are None where the exchange did not say: read the order back."""

    order_id: str
    remaining: Count | None
    filled: Count | None


class _PlacedBody(Struct):
    order_id: str
    fill_count: str
    remaining_count: str
    client_order_id: str | None = None
    ts_ms: int | None = None


class _CanceledBody(Struct):
    order_id: str
    reduced_by: str


class _ChangedBody(Struct):
    order_id: str
    remaining_count: str | None = None
    fill_count: str | None = None


def placed_from_rest(body: object) -> Placed:
    """``ValueError`` when it names no order or no counts: then it is not known what happened."""
    read = shaped(body, _PlacedBody)
    return Placed(
        required_id(read.order_id, "order id of a create"),
        read_id(read.client_order_id),
        parse_count(read.fill_count),
        parse_count(read.remaining_count),
        read.ts_ms * MILLISECOND if read.ts_ms is not None else None,
    )


def canceled_from_rest(body: object) -> Canceled:
    read = shaped(body, _CanceledBody)
    return Canceled(required_id(read.order_id, "order id of a cancel"), parse_count(read.reduced_by))


def decreased_from_rest(body: object) -> Decreased:
    read = shaped(body, _ChangedBody)
    if read.remaining_count is None:
        raise ValueError("a decrease without the remaining count")
    return Decreased(required_id(read.order_id, "order id of a decrease"), parse_count(read.remaining_count))


def amended_from_rest(body: object) -> Amended:
    read = shaped(body, _ChangedBody)
    return Amended(
        required_id(read.order_id, "order id of an amend"),
        optional_count(read.remaining_count),
        optional_count(read.fill_count),
    )


def batch_placed_from_rest(body: dict[str, object]) -> tuple[Placed | VenueError, ...]:
    """In the order the items were sent; a batch is not atomic."""
    return tuple(error_inside(row) or placed_from_rest(row) for row in rows(body, "orders"))


def batch_canceled_from_rest(body: dict[str, object]) -> tuple[Canceled | VenueError, ...]:
    return tuple(error_inside(row) or canceled_from_rest(row) for row in rows(body, "orders"))


# -- bodies of writes ---------------------------------------------------------------------------------


def create_body(order: NewOrder) -> dict[str, object]:
    """As ``POST /portfolio/events/orders`` wants it: decimal strings, never an exponent.

    ``UnitError`` for what the exchange would refuse anyway: no contracts, a price of 0 or 1 dollar,
    ``reduce_only`` on an order that rests, an expiration on one that does not.
    """
    body: dict[str, object] = {
        "ticker": order.ticker,
        "client_order_id": order.client_order_id,
        "side": order.side.value,
        "count": _count_text(order.count),
        "price": _price_text(order.price),
        "time_in_force": order.time_in_force.value,
        "self_trade_prevention_type": order.self_trade_prevention.value,
        "post_only": order.post_only,
        "cancel_order_on_pause": order.cancel_on_pause,
        "exchange_index": order.exchange_index,
    }
    if order.reduce_only:
        if order.time_in_force is not TimeInForce.IOC:
            raise UnitError("reduce_only is accepted on immediate_or_cancel orders only")
        body["reduce_only"] = True
    if order.expiration_s is not None:
        if order.time_in_force is not TimeInForce.GTC:
            raise UnitError("an expiration is accepted on good_till_canceled orders only")
        body["expiration_time"] = order.expiration_s
    if order.order_group_id:
        body["order_group_id"] = order.order_group_id
    return body


def batch_create_body(orders: Iterable[NewOrder]) -> dict[str, object]:
    return {"orders": [create_body(order) for order in orders]}


def amend_body(amend: AmendOrder) -> dict[str, object]:
    """``count`` is the total, filled and resting. An expiration of None keeps the one in force."""
    body: dict[str, object] = {
        "ticker": amend.ticker,
        "side": amend.side.value,
        "price": _price_text(amend.price),
        "count": _count_text(amend.count),
        "exchange_index": amend.exchange_index,
    }
    if amend.client_order_id:
        body["client_order_id"] = amend.client_order_id
    if amend.expiration_s is not None:
        body["expiration_time"] = amend.expiration_s
    return body


def decrease_body(ticker: str, exchange_index: int, reduce_to: Count) -> dict[str, object]:
    """Down to ``reduce_to`` contracts resting: idempotent, where "by" would not be."""
    if reduce_to < 0:
        raise UnitError(f"a decrease to {reduce_to}")
    return {
        "market_ticker": ticker,
        "exchange_index": exchange_index,
        "reduce_to": format_count(reduce_to),
    }


def batch_cancel_body(cancels: Iterable[CancelOrder]) -> dict[str, object]:
    return {
        "orders": [
            {"order_id": c.order_id, "market_ticker": c.ticker, "exchange_index": c.exchange_index}
            for c in cancels
        ]
    }


def _price_text(price: Price) -> str:
    if not 0 < price < ONE:
        raise UnitError(f"{format_price(price)} is no price an order can have")
    return format_price(price)


def _count_text(count: Count) -> str:
    if count <= 0:
        raise UnitError(f"an order of {format_count(count)} contracts")
    return format_count(count)
