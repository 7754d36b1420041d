"""``decode``: every message of the feed, and everything that only looks like one."""

from __future__ import annotations

import hashlib
import json
from types import UnionType
from typing import Any

import pytest

from kalshi_tui.protocol import wire_messages as wm
from kalshi_tui.protocol.wire import MAX_FRAME, decode

TICKER = "FED-23DEC-T3.00"


def delta(**body: Any) -> dict[str, Any]:
    return {
        "type": "orderbook_delta",
        "sid": 2,
        "seq": 3,
        "sending_ts_ms": 1669149841123,
        "msg": {
            "market_ticker": TICKER,
            "market_id": "9b0f",
            "clock": 4182061,
            "price_dollars": "0.9600",
            "delta_fp": "-54.00",
            "side": "yes",
            "ts": "2022-11-22T20:44:01Z",
            "ts_ms": 1669149841000,
            **body,
        },
    }


def compact(frame: dict[str, Any]) -> bytes:
    return json.dumps(frame, separators=(",", ":")).encode()


KNOWN: list[tuple[type | UnionType, dict[str, Any]]] = [
    (wm.AnyDelta, delta()),
    (wm.BookDelta, delta(client_order_id="mine-7", subaccount=0)),
    (
        wm.BookSnapshot,
        {
            "type": "orderbook_snapshot",
            "id": 9,
            "sid": 2,
            "seq": 2,
            "msg": {"market_ticker": TICKER, "clock": 5, "yes_dollars_fp": [["0.0800", "300.00"]]},
        },
    ),
    (
        wm.Trade,
        {
            "type": "trade",
            "sid": 11,
            "seq": 2,
            "msg": {
                "trade_id": "t",
                "market_ticker": TICKER,
                "yes_price_dollars": "0.3600",
                "no_price_dollars": "0.6400",
                "count_fp": "136.00",
                "taker_side": "no",
                "ts": 1669149841,
            },
        },
    ),
    (wm.Ticker, {"type": "ticker", "sid": 11, "msg": {"market_ticker": TICKER, "ts_ms": 1}}),
    (
        wm.FillMessage,
        {
            "type": "fill",
            "sid": 13,
            "msg": {
                "trade_id": "t",
                "order_id": "o",
                "market_ticker": TICKER,
                "is_taker": True,
                "yes_price_dollars": "0.7500",
                "count_fp": "278.00",
                "fee_cost": "0.010000",
                "book_side": "bid",
                "ts_ms": 1671899397000,
            },
        },
    ),
    (
        wm.UserOrder,
        {
            "type": "user_order",
            "sid": 22,
            "msg": {
                "order_id": "o",
                "ticker": TICKER,
                "status": "a status of tomorrow",
                "book_side": "ask",
                "yes_price_dollars": "0.3500",
                "fill_count_fp": "0.00",
                "remaining_count_fp": "10.00",
                "initial_count_fp": "10.00",
                "created_time": None,
                "created_ts_ms": None,
            },
        },
    ),
    (
        wm.MarketPosition,
        {"type": "market_position", "sid": 14, "msg": {"market_ticker": TICKER, "position_fp": "-1.50"}},
    ),
    (
        wm.MarketLifecycle,
        {
            "type": "market_lifecycle_v2",
            "sid": 13,
            "seq": 3,
            "msg": {
                "market_ticker": TICKER,
                "event_type": "created",
                "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
                "additional_metadata": {"title": "x", "floor_strike": 4487},
            },
        },
    ),
    (
        wm.EventLifecycle,
        {"type": "event_lifecycle", "sid": 5, "seq": 8, "msg": {"event_ticker": "FED-23DEC"}},
    ),
    (
        wm.EventFeeUpdate,
        {
            "type": "event_fee_update",
            "sid": 5,
            "seq": 9,
            "msg": {"event_ticker": "FED", "fee_type_override": None, "fee_multiplier_override": 0.5},
        },
    ),
    (
        wm.OrderGroupUpdate,
        {
            "type": "order_group_updates",
            "sid": 21,
            "seq": 7,
            "msg": {"event_type": "triggered", "order_group_id": "og", "ts_ms": 1},
        },
    ),
    (wm.Subscribed, {"id": 1, "type": "subscribed", "msg": {"channel": "orderbook_delta", "sid": 1}}),
    (wm.Unsubscribed, {"id": 9, "type": "unsubscribed", "sid": 2, "seq": 7}),
    (wm.Ok, {"id": 3, "type": "ok", "sid": 1, "seq": 222, "msg": {"market_tickers": ["A", "B"]}}),
    (wm.Ok, {"id": 3, "type": "ok", "msg": [{"channel": "ticker", "sid": 2}]}),
    (wm.Ok, {"type": "ok"}),
    (wm.ErrorMessage, {"type": "error", "sid": 4, "seq": 88, "msg": {"code": 25, "msg": "overflow"}}),
    (wm.ErrorMessage, {"id": 7, "type": "error", "msg": {"code": 14, "msg": "Market Ticker required"}}),
]


@pytest.mark.parametrize(("kind", "frame"), KNOWN, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("indent", [None, 1])
def test_every_message_as_bytes_and_as_text(
    kind: type | UnionType, frame: dict[str, Any], indent: int | None
) -> None:
    text = json.dumps(frame, indent=indent)
    for raw in (text, text.encode()):
        message = decode(raw)
        assert isinstance(message, kind)
        assert not isinstance(message, wm.InvalidFrame)
        assert (message.sid, message.seq) == (frame.get("sid"), frame.get("seq"))


def test_a_delta_keeps_its_text_and_its_absences() -> None:
    message = decode(compact(delta()).decode())
    assert isinstance(message, wm.BookDelta)
    body = message.msg
    assert (body.price_dollars, body.delta_fp, body.side) == ("0.9600", "-54.00", "yes")
    assert (body.clock, body.ts_ms, message.sending_ts_ms) == (4182061, 1669149841000, 1669149841123)
    assert body.client_order_id is None and body.subaccount is None


def test_a_delta_with_only_what_it_must_have() -> None:
    needed = ("market_ticker", "price_dollars", "delta_fp", "side")
    bare = {"type": "orderbook_delta", "msg": {key: delta()["msg"][key] for key in needed}}
    message = decode(compact(bare))
    assert isinstance(message, wm.AnyDelta)
    assert (message.sid, message.seq, message.msg.clock, message.msg.ts_ms) == (None, None, None, None)


@pytest.mark.parametrize("key", ["market_ticker", "price_dollars", "delta_fp", "side"])
def test_a_delta_without_a_deciding_key_is_invalid(key: str) -> None:
    frame = delta()
    del frame["msg"][key]
    assert isinstance(decode(compact(frame)), wm.InvalidFrame)


def test_the_common_layout_is_decoded_as_such() -> None:
    """The same facts as by the general path, which the text form takes."""
    fast, general = decode(compact(delta())), decode(compact(delta()).decode())
    assert type(fast) is wm.FullDelta
    assert type(general) is wm.BookDelta
    for name in wm.DeltaBody.__struct_fields__:
        found = getattr(general.msg, name)
        assert found == delta()["msg"].get(name)
        assert getattr(fast.msg, name, None) == found
    for name in ("sid", "seq", "sending_ts_ms"):
        assert getattr(fast, name) == getattr(general, name)


@pytest.mark.parametrize(
    "key", ["client_order_id", "subaccount", "invented", "clock", "market_id", "ts", "ts_ms"]
)
def test_a_delta_of_another_layout_is_not_taken_for_the_common_one(key: str) -> None:
    """One key more or one less, also where a comma in a text makes up for the missing one."""
    frame = delta()
    if key in frame["msg"]:
        del frame["msg"][key]
        frame["msg"]["market_ticker"] = "A,B"
    else:
        frame["msg"][key] = 0 if key == "subaccount" else "mine"
    message = decode(compact(frame))
    assert type(message) is wm.BookDelta
    assert message.msg.client_order_id == frame["msg"].get("client_order_id")


REPEATS = {
    "side": b'"side":"no",',
    "price_dollars": b'"price_dollars":"0.1000",',
    "delta_fp": b'"delta_fp":"1.00",',
    "market_ticker": b'"market_ticker":"OTHER",',
    "ts_ms": b'"ts_ms":1,',
}


@pytest.mark.parametrize("key", REPEATS)
@pytest.mark.parametrize(
    "left_out", [[], ["ts"], ["market_id"], ["ts", "market_id"], ["clock"], ["ts", "clock", "market_id"]]
)
def test_repeated_keys_of_a_delta_are_refused(key: str, left_out: list[str]) -> None:
    """Also where a key left out makes up for the comma of the one that came twice."""
    frame = delta()
    for name in left_out:
        del frame["msg"][name]
    raw = compact(frame)
    for spelled in (
        REPEATS[key],
        REPEATS[key].replace(b'":', b'" :'),
        REPEATS[key].replace(b'"' + key[:1].encode(), b'"\\u%04x' % ord(key[0]), 1),
    ):
        for place in (b'"msg":{', b'"side":"yes",'):
            assert place in raw
            damaged = raw.replace(place, place + spelled)
            found = decode(damaged)
            assert isinstance(found, wm.InvalidFrame), damaged
            assert "twice" in found.reason
            assert isinstance(decode(damaged.decode()), wm.InvalidFrame)


@pytest.mark.parametrize("key", [b'"seq":4,', b'"sid":9,', b'"type":"orderbook_delta",', b'"msg":{},'])
def test_repeated_keys_of_the_envelope_are_refused(key: bytes) -> None:
    raw = compact(delta())
    assert isinstance(decode(raw.replace(b'"seq":3,', b'"seq":3,' + key)), wm.InvalidFrame)


def test_unknown_fields_are_no_harm() -> None:
    frame = delta(invented_next_year="yes")
    assert isinstance(decode(compact(frame)), wm.AnyDelta)
    frame["another"] = {"deep": [1, 2, {"er": None}]}
    assert isinstance(decode(compact(frame)), wm.AnyDelta)


def test_repeated_keys_of_other_messages_are_refused() -> None:
    raw = b'{"type":"ok","sid":1,"seq":2,"seq":3}'
    assert isinstance(decode(raw), wm.InvalidFrame)
    raw = b'{"type":"invented","sid":1,"seq":2,"seq":3}'
    assert isinstance(decode(raw), wm.InvalidFrame)


GOOD = compact(delta())


def one_level(level: bytes) -> bytes:
    return (
        b'{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"A","yes_dollars_fp":['
        + level
        + b"]}}"
    )


POISON = {
    "nothing": b"",
    "no object": b"[]",
    "torn": GOOD[:-5],
    "trailing": GOOD + b"{}",
    "NaN": GOOD.replace(b'"0.9600"', b"NaN"),
    "Infinity": GOOD.replace(b'"seq":3', b'"seq":Infinity'),
    "1e400": GOOD.replace(b'"seq":3', b'"seq":1e400'),
    "a float sequence": GOOD.replace(b'"seq":3', b'"seq":3.5'),
    "5000 digits": GOOD.replace(b'"seq":3', b'"seq":' + b"9" * 5000),
    "5000 digits unread": GOOD.replace(b'"seq":3', b'"seq":3,"x":' + b"9" * 5000),
    "a negative sequence": GOOD.replace(b'"seq":3', b'"seq":-3'),
    "a price that is a number": GOOD.replace(b'"0.9600"', b"0.96"),
    "a size that is a number": GOOD.replace(b'"-54.00"', b"-54"),
    "a side that is none": GOOD.replace(b'"yes"', b'"maybe"'),
    "bad UTF-8": GOOD.replace(b"FED", b"F\xff\xfe"),
    "deep": b'{"type":"ok","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 100_000,
    "huge": b'{"type":"ok","x":"' + b"x" * MAX_FRAME + b'"}',
    "padded": b'{"type":"ok","id":1}' + b" " * MAX_FRAME,
    "a negative snapshot size": one_level(b'["0.01","-5.00"]'),
    "a snapshot size with an exponent": one_level(b'["0.01","1e3"]'),
    "a snapshot level of three": one_level(b'["0.01","1","2"]'),
    "no type": b'{"sid":1,"seq":1}',
    "a type that is a number": b'{"type":1}',
}


@pytest.mark.parametrize("name", POISON)
def test_poison_is_an_invalid_frame_with_reason_and_hash(name: str) -> None:
    raw = POISON[name]
    found = decode(raw)
    assert isinstance(found, wm.InvalidFrame)
    assert found.reason
    assert len(found.reason) <= 160
    assert found.sha256 == hashlib.sha256(raw).hexdigest()
    assert found.size == len(raw)


def test_lone_surrogates_in_text_are_refused() -> None:
    assert isinstance(decode(GOOD.decode().replace("FED", "\ud800")), wm.InvalidFrame)


def test_unknown_types_keep_their_place_in_the_sequence() -> None:
    found = decode(b'{"type":"pyth_\\u001b[31mvalue","sid":3,"seq":17,"msg":{"anything":[1]}}')
    assert found == wm.UnknownFrame(type="pyth_[31mvalue", sid=3, seq=17)
    assert decode('{"type":"new"}') == wm.UnknownFrame(type="new")
