"""The examples of the exchange's own description of its feed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import UnionType
from typing import Any

import pytest
import yaml

from kalshi_tui.protocol import wire_messages as wm
from kalshi_tui.protocol.wire import decode
from kalshi_tui.protocol.wire_convert import error_from, fill_from, order_from, position_from, trade_from

OURS: dict[str, type | UnionType] = {
    "orderbook_snapshot": wm.BookSnapshot,
    "orderbook_delta": wm.AnyDelta,
    "trade": wm.Trade,
    "ticker": wm.Ticker,
    "fill": wm.FillMessage,
    "user_order": wm.UserOrder,
    "market_position": wm.MarketPosition,
    "market_lifecycle_v2": wm.MarketLifecycle,
    "event_lifecycle": wm.EventLifecycle,
    "event_fee_update": wm.EventFeeUpdate,
    "order_group_updates": wm.OrderGroupUpdate,
    "subscribed": wm.Subscribed,
    "unsubscribed": wm.Unsubscribed,
    "ok": wm.Ok,
    "error": wm.ErrorMessage,
}


@pytest.fixture(scope="module")
def examples(shared_reference: Path) -> list[dict[str, Any]]:
    with gzip.open(shared_reference / "asyncapi.yaml.gz") as file:
        messages = yaml.safe_load(file)["components"]["messages"]
    payloads = [e.get("payload", e) for m in messages.values() for e in m.get("examples", ())]
    return [payload for payload in payloads if isinstance(payload, dict) and "type" in payload]


def test_every_example_is_what_its_type_says(examples: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for payload in examples:
        message = decode(json.dumps(payload))
        expected = OURS.get(payload["type"], wm.UnknownFrame)
        assert not isinstance(message, wm.InvalidFrame)
        assert isinstance(message, expected), payload
        assert (message.sid, message.seq) == (payload.get("sid"), payload.get("seq"))
        seen.add(payload["type"])
    assert set(OURS) <= seen


def test_every_example_that_concerns_us_is_read(examples: list[dict[str, Any]]) -> None:
    read = 0
    for payload in examples:
        match decode(json.dumps(payload)):
            case wm.FillMessage() as fill:
                assert fill_from(fill).trade_id == payload["msg"]["trade_id"]
            case wm.UserOrder() as order:
                assert order_from(order).order_id == payload["msg"]["order_id"]
            case wm.Trade() as trade:
                assert trade_from(trade).taker_side is not None
            case wm.MarketPosition() as position:
                assert position_from(position).ticker == payload["msg"]["market_ticker"]
            case wm.ErrorMessage() as error:
                assert error_from(error).code == str(payload["msg"]["code"])
            case _:
                continue
        read += 1
    assert read >= 5
