"""Private messages and trades to the vocabulary: exact numbers, one kind of refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kalshi_tui.protocol.orders import Fill, PublicTrade, VenueOrder
from kalshi_tui.protocol.units import SECOND, Side
from kalshi_tui.protocol.wire import decode
from kalshi_tui.protocol.wire_convert import (
    error_from,
    fill_from,
    order_from,
    position_from,
    read_side,
    trade_from,
)
from kalshi_tui.protocol.wire_messages import ErrorMessage, FillMessage, MarketPosition, Trade, UserOrder

FILL: dict[str, Any] = {
    "trade_id": "t-1",
    "order_id": "o-1",
    "client_order_id": "my-1",
    "market_ticker": "FED-23DEC-T3.00",
    "is_taker": True,
    "yes_price_dollars": "0.7500",
    "count_fp": "13.37",
    "fee_cost": "0.017500",
    "book_side": "ask",
    "ts_ms": 1671899397123,
}
ORDER: dict[str, Any] = {
    "order_id": "o-1",
    "client_order_id": "my-1",
    "ticker": "FED-23DEC-T3.00",
    "status": "resting",
    "outcome_side": "yes",
    "yes_price_dollars": "0.3500",
    "fill_count_fp": "0.25",
    "remaining_count_fp": "9.75",
    "initial_count_fp": "10.00",
    "created_ts_ms": 1733047200000,
    "expiration_ts_ms": 1733050800000,
    "last_updated_ts_ms": 1733047200500,
    "last_update_reason": "Trade",
    "exchange_index": 2,
}


def message(kind: str, body: dict[str, Any]) -> Any:
    found = decode(json.dumps({"type": kind, "sid": 1, "msg": body}))
    assert isinstance(found, FillMessage | UserOrder | Trade | MarketPosition | ErrorMessage), found
    return found


def test_a_fill() -> None:
    fill = fill_from(message("fill", FILL))
    assert fill == Fill(
        trade_id="t-1",
        order_id="o-1",
        ticker="FED-23DEC-T3.00",
        side=Side.ASK,
        price=7500,
        count=1337,
        fee=17_500,
        is_taker=True,
        wall=1671899397123_000_000,
        client_order_id="my-1",
    )
    assert fill.signed == -1337


def test_a_fill_with_seconds_only() -> None:
    body = {key: value for key, value in FILL.items() if key != "ts_ms"}
    assert fill_from(message("fill", {**body, "ts": 1671899397})).wall == 1671899397 * SECOND


@pytest.mark.parametrize(
    "change",
    [
        {"ts_ms": None},
        {"book_side": "sideways"},
        {"book_side": None},
        {"count_fp": "0.00"},
        {"count_fp": "1e2"},
        {"yes_price_dollars": "1.2000"},
        {"yes_price_dollars": "0.42005"},
        {"fee_cost": "NaN"},
        {"trade_id": ""},
        {"order_id": "\u202e"},
        {"market_ticker": "../../etc"},
    ],
)
def test_a_fill_that_can_not_be_trusted_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        fill_from(message("fill", {**FILL, **change}))


def test_an_order() -> None:
    assert order_from(message("user_order", ORDER)) == VenueOrder(
        order_id="o-1",
        client_order_id="my-1",
        ticker="FED-23DEC-T3.00",
        side=Side.BID,
        price=3500,
        initial=1000,
        filled=25,
        remaining=975,
        status="resting",
        expiration=1733050800000_000_000,
        updated=1733047200500_000_000,
        reason="Trade",
        exchange_index=2,
    )


def test_an_order_without_expiration_and_with_an_unknown_status() -> None:
    order = order_from(message("user_order", {**ORDER, "expiration_ts_ms": 0, "status": "frozen\x1b[2J"}))
    assert order.expiration is None
    assert order.status == "frozen[2J"


def test_trades_keep_an_unknown_taker_unknown() -> None:
    body = {"market_ticker": "A", "yes_price_dollars": "0.036", "count_fp": "0.01", "ts": 5}
    assert trade_from(message("trade", body)) == PublicTrade("A", 360, 1, None, 5 * SECOND)
    assert trade_from(message("trade", {**body, "taker_side": "no"})).taker_side is Side.ASK
    assert trade_from(message("trade", {**body, "taker_book_side": "bid"})).taker_side is Side.BID


def test_a_position_is_negative_for_no() -> None:
    body = {"market_ticker": "A", "position_fp": "-2.50", "realized_pnl_dollars": "-1.2345"}
    position = position_from(message("market_position", body))
    assert (position.position, position.realized_pnl) == (-250, -1_234_500)


def test_errors_are_cleaned() -> None:
    error = error_from(message("error", {"code": 25, "msg": "over\x1b]0;x\x07flow"}))
    assert (error.status, error.code, error.message) == (0, "25", "over]0;xflow")


def test_both_words_for_a_side() -> None:
    assert read_side("bid", None) is read_side(None, "yes") is Side.BID
    assert read_side("ask", "yes") is read_side(None, "no") is Side.ASK
