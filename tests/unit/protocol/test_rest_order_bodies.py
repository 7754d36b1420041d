"""Orders over REST: reads, replies, bodies of writes, and refusals in every shape."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kalshi_tui.protocol.effects import AmendOrder, CancelOrder
from kalshi_tui.protocol.orders import NewOrder, TimeInForce, VenueError
from kalshi_tui.protocol.rest_errors import error_from_rest
from kalshi_tui.protocol.rest_orders import (
    Amended,
    Canceled,
    Placed,
    amend_body,
    amended_from_rest,
    batch_cancel_body,
    batch_canceled_from_rest,
    batch_create_body,
    batch_placed_from_rest,
    create_body,
    decrease_body,
    decreased_from_rest,
    fill_from_rest,
    order_from_rest,
    orders_from_rest,
    placed_from_rest,
)
from kalshi_tui.protocol.units import ONE, Side, UnitError, parse_count, parse_price

NEW = NewOrder("my-1", "A", Side.BID, 4450, 1234, expiration_s=1_800_000_000, order_group_id="og")


def test_a_create_body() -> None:
    assert create_body(NEW) == {
        "ticker": "A",
        "client_order_id": "my-1",
        "side": "bid",
        "count": "12.34",
        "price": "0.4450",
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        "post_only": True,
        "cancel_order_on_pause": True,
        "exchange_index": 0,
        "expiration_time": 1_800_000_000,
        "order_group_id": "og",
    }
    assert batch_create_body([NEW, NEW]) == {"orders": [create_body(NEW)] * 2}


@given(price=st.integers(1, ONE - 1), count=st.integers(1, 10**13))
def test_numbers_are_positional_and_come_back(price: int, count: int) -> None:
    body = create_body(replace(NEW, price=price, count=count))
    assert parse_price(str(body["price"])) == price
    assert "e" not in json.dumps([body["price"], body["count"]]).lower()
    if count < 10**14:
        assert parse_count(str(body["count"])) == count


@pytest.mark.parametrize(
    "change",
    [
        {"price": 0},
        {"price": ONE},
        {"count": 0},
        {"count": -100},
        {"reduce_only": True},
        {"time_in_force": TimeInForce.IOC},
    ],
)
def test_what_the_exchange_would_refuse_is_not_sent(change: dict[str, Any]) -> None:
    with pytest.raises(UnitError):
        create_body(replace(NEW, **change))


def test_reduce_only_goes_with_ioc() -> None:
    order = replace(NEW, reduce_only=True, time_in_force=TimeInForce.IOC, expiration_s=None, post_only=False)
    assert create_body(order)["reduce_only"] is True


def test_amend_decrease_and_cancel_bodies() -> None:
    amend = AmendOrder("o", "my-1", "A", Side.ASK, 5500, 300, None, 2, "why")
    body = amend_body(amend)
    assert body == {
        "ticker": "A",
        "side": "ask",
        "price": "0.5500",
        "count": "3.00",
        "exchange_index": 2,
        "client_order_id": "my-1",
    }
    assert amend_body(replace(amend, expiration_s=0))["expiration_time"] == 0
    assert decrease_body("A", 2, 0) == {"market_ticker": "A", "exchange_index": 2, "reduce_to": "0.00"}
    with pytest.raises(UnitError):
        decrease_body("A", 2, -1)
    cancel = CancelOrder("o", "my-1", "A", 2, "why")
    assert batch_cancel_body([cancel]) == {
        "orders": [{"order_id": "o", "market_ticker": "A", "exchange_index": 2}]
    }


def test_replies() -> None:
    placed = {
        "order_id": "o",
        "client_order_id": "c",
        "fill_count": "0.25",
        "remaining_count": "9.75",
        "ts_ms": 1,
    }
    assert placed_from_rest(placed) == Placed("o", "c", 25, 975, 1_000_000)
    assert amended_from_rest({"order_id": "o", "remaining_count": None, "ts_ms": 1}) == Amended(
        "o", None, None
    )
    assert decreased_from_rest({"order_id": "o", "remaining_count": "1.00"}).remaining == 100
    for broken in (
        {},
        {**placed, "order_id": ""},
        {**placed, "fill_count": None},
        {**placed, "fill_count": 0},
    ):
        with pytest.raises(ValueError, match=r"."):
            placed_from_rest(broken)


def test_batches_mix_replies_and_refusals() -> None:
    good = {"order_id": "o", "fill_count": "0.00", "remaining_count": "1.00", "error": None}
    bad = {
        "order_id": None,
        "fill_count": None,
        "error": {"code": "INVALID_PRICE", "message": "invalid price"},
    }
    placed, refused = batch_placed_from_rest({"orders": [good, bad]})
    assert isinstance(placed, Placed)
    assert isinstance(refused, VenueError)
    assert (refused.code, refused.message) == ("invalid_price", "invalid price")
    gone, missing = batch_canceled_from_rest(
        {
            "orders": [
                {"order_id": "o", "reduced_by": "1.00"},
                {"order_id": "p", "reduced_by": "0.00", "error": {"code": "not_found"}},
            ]
        }
    )
    assert gone == Canceled("o", 100)
    assert isinstance(missing, VenueError)


def test_reads() -> None:
    row = {
        "order_id": "o",
        "ticker": "A",
        "status": "invented",
        "yes_price_dollars": "0.010000",
        "initial_count_fp": "1.00",
        "fill_count_fp": "0.00",
        "remaining_count_fp": "1.00",
        "book_side": "bid",
        "last_update_time": "1970-01-01T00:00:02Z",
    }
    order = order_from_rest({"order": row})
    assert (order.price, order.status, order.client_order_id, order.updated) == (
        100,
        "invented",
        "",
        2 * 10**9,
    )
    with pytest.raises(ValueError, match=r"."):
        orders_from_rest({"orders": [row, {**row, "book_side": None}]})
    fill = {
        "order_id": "o",
        "fill_id": "f",
        "ticker": "A",
        "yes_price_dollars": "0.52",
        "count_fp": "1.00",
        "is_taker": True,
        "fee_cost": "0.017500",
        "outcome_side": "no",
        "ts": 3,
    }
    found = fill_from_rest(fill)
    assert (found.trade_id, found.side, found.fee, found.wall) == ("f", Side.ASK, 17_500, 3 * 10**9)
    with pytest.raises(ValueError, match="without a time"):
        fill_from_rest({**fill, "ts": None})


@pytest.mark.parametrize(
    ("status", "raw", "code", "message"),
    [
        (409, b'{"error":{"code":"order_already_exists","message":"order already exists","service":"exchange"}}',
         "order_already_exists", "order already exists"),
        (400, b'{"error":{"code":"invalid order","message":"invalid order","details":"post only cross"}}',
         "invalid_order", "invalid order: post only cross"),
        (400, b'{"code":"MARKET_NOT_ACTIVE","message":"paused","details":""}', "market_not_active", "paused"),
        (429, b'{"error":"too many requests"}', "too_many_requests", "too many requests"),
        (400, b'{"msg":"Parameter validation failed"}', "http_400", "Parameter validation failed"),
        (404, b"404 page not found", "not_found", "404 page not found"),
        (503, b"", "http_503", ""),
        (502, b"<html>\x1b[2J\xff</html>", "http_502", "<html>[2J\ufffd</html>"),
        (500, b"[1]", "http_500", "[1]"),
        (500, b'{"error":{"code":5,"message":null}}', "http_500", ""),
        (500, b"[" * 50_000, "http_500", "[" * 199 + "…"),
        (401, b'{"error":{}}', "unauthorized", ""),
        (500, b"9" * 9000, "http_500", "9" * 199 + "…"),
    ],
)  # fmt: skip
def test_refusals_in_every_shape(status: int, raw: bytes, code: str, message: str) -> None:
    assert error_from_rest(status, raw) == VenueError(status, code, message)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "raw", "said"),
    [
        (401, b'{"error":{"code":"authentication_error","message":"authentication_error","details":"NOT_FOUND"}}',
         "authentication_error: NOT_FOUND"),
        (401, b"401 Unauthorized", "401 Unauthorized"),
        (429, b'{"error":"too many requests"}', "too many requests"),
        (400, b'{"error":{"code":"MARKET_NOT_ACTIVE","message":"paused"}}', "market_not_active: paused"),
        (503, b"", "http_503"),
    ],
)  # fmt: skip
def test_a_sentence_says_the_code_once(status: int, raw: bytes, said: str) -> None:
    assert error_from_rest(status, raw).said == said
