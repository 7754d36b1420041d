"""The WebSocket's rules, without a socket: commands in, frames out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from practice_kit import ASK, BID, NOW, Trader, exchange

from kalshi_tui.practice import ws_session
from kalshi_tui.practice.ws_hub import Hub
from kalshi_tui.practice.ws_session import Session
from kalshi_tui.protocol.units import MILLISECOND


class Wire:
    """A session, its hub, and the frames that wait in it."""

    def __init__(self, *tickers: str, user: str = "me", snapshot_on_add: bool = False) -> None:
        self.exchange = exchange(*(tickers or ("MKT-A", "MKT-B", "MKT-C")))
        self.hub = Hub(self.exchange)
        self.session = self.join(user, snapshot_on_add)
        self.maker = Trader(self.exchange, "maker", None)

    def join(self, user: str, snapshot_on_add: bool = False) -> Session:
        session = Session(self.exchange, user, snapshot_on_add=snapshot_on_add)
        self.hub.sessions.append(session)
        return session

    def ask(self, command: object, session: Session | None = None) -> list[dict[str, Any]]:
        raw = command if isinstance(command, str) else json.dumps(command)
        # As the service does: what happened before a command is told before its answer.
        self.hub.publish(NOW)
        (session or self.session).receive(raw, NOW)
        return self.frames(session)

    def subscribe(self, *channels: str, **params: Any) -> list[dict[str, Any]]:
        return self.ask({"id": 1, "cmd": "subscribe", "params": {"channels": list(channels), **params}})

    def update(self, action: str, *tickers: str, command_id: int = 5, sid: int = 1) -> list[dict[str, Any]]:
        params = {"sid": sid, "action": action, "market_tickers": list(tickers)}
        return self.ask({"id": command_id, "cmd": "update_subscription", "params": params})

    def frames(self, session: Session | None = None) -> list[dict[str, Any]]:
        self.hub.publish(NOW)
        waiting = (session or self.session).outgoing
        frames = []
        while waiting:
            sub, raw = waiting.popleft()
            (session or self.session).written(sub)
            frames.append(json.loads(raw))
        return frames


def brief(frames: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(frame["type"], frame.get("sid"), frame.get("seq")) for frame in frames]


def test_each_channel_is_answered_with_a_sid_of_its_own_and_books_come_first() -> None:
    wire = Wire()
    frames = wire.subscribe("orderbook_delta", "trade", "ticker", market_tickers=["MKT-A", "MKT-B"])
    assert brief(frames) == [
        ("subscribed", None, None),
        ("orderbook_snapshot", 1, 1),
        ("orderbook_snapshot", 1, 2),
        ("subscribed", None, None),
        ("subscribed", None, None),
    ]
    told = [(f["id"], f["msg"]["channel"], f["msg"]["sid"]) for f in frames if f["type"] == "subscribed"]
    assert told == [(1, "orderbook_delta", 1), (1, "trade", 2), (1, "ticker", 3)]
    assert all(frame["sending_ts_ms"] == NOW // MILLISECOND for frame in frames)


def test_one_sequence_is_shared_by_markets_and_consumed_by_replies() -> None:
    wire = Wire()
    wire.subscribe("orderbook_delta", market_tickers=["MKT-A", "MKT-B"])
    wire.maker.rest(BID, 40)
    wire.maker.rest(BID, 40, ticker="MKT-B")
    assert brief(wire.frames()) == [("orderbook_delta", 1, 3), ("orderbook_delta", 1, 4)]
    (ok,) = wire.update("add_markets", "MKT-C")
    assert (ok["id"], ok["seq"], ok["msg"]) == (5, 5, {"market_tickers": ["MKT-A", "MKT-B", "MKT-C"]})
    wire.maker.rest(BID, 40, ticker="MKT-C")
    assert brief(wire.frames()) == [("orderbook_delta", 1, 6)]
    (gone,) = wire.ask({"id": 9, "cmd": "unsubscribe", "params": {"sids": [1]}})
    assert (gone["type"], gone["id"], gone["sid"], gone["seq"]) == ("unsubscribed", 9, 1, 7)
    wire.maker.rest(BID, 40)
    assert wire.frames() == []


def test_subscribing_again_merges_and_sends_the_new_books() -> None:
    """Recorded: the answer is ``ok`` with the sorted list, then a snapshot of each added market."""
    wire = Wire()
    wire.subscribe("orderbook_delta", market_ticker="MKT-B")
    frames = wire.subscribe("orderbook_delta", market_tickers=["MKT-A", "MKT-B"])
    assert brief(frames) == [("ok", 1, 2), ("orderbook_snapshot", 1, 3)]
    assert frames[0]["msg"] == {"market_tickers": ["MKT-A", "MKT-B"]}
    assert frames[1]["msg"]["market_ticker"] == "MKT-A"


def test_after_an_unsubscribe_the_next_sid_is_new_and_counts_from_one() -> None:
    wire = Wire()
    wire.subscribe("orderbook_delta", market_ticker="MKT-A")
    wire.ask({"id": 2, "cmd": "unsubscribe", "params": {"sids": [1]}})
    frames = wire.subscribe("orderbook_delta", market_ticker="MKT-A")
    assert brief(frames) == [("subscribed", None, None), ("orderbook_snapshot", 2, 1)]


@pytest.mark.parametrize("snapshot_on_add", [False, True])
def test_added_markets_get_a_book_only_when_switched_on(snapshot_on_add: bool) -> None:
    wire = Wire(snapshot_on_add=snapshot_on_add)
    wire.subscribe("orderbook_delta", market_ticker="MKT-A")
    kinds = [frame["type"] for frame in wire.update("add_markets", "MKT-B")]
    assert kinds == ["ok", "orderbook_snapshot"][: 1 + snapshot_on_add]


def test_get_snapshot_answers_in_stream_under_its_id() -> None:
    wire = Wire()
    wire.subscribe("orderbook_delta", market_tickers=["MKT-A", "MKT-B"])
    wire.maker.rest(BID, 40, 2)
    wire.maker.rest(ASK, 60, 3)
    wire.frames()
    frames = wire.update("get_snapshot", "MKT-A", "MKT-B", command_id=77)
    assert [(f["type"], f["id"], f["seq"]) for f in frames] == [
        ("orderbook_snapshot", 77, 5),
        ("orderbook_snapshot", 77, 6),
    ]
    book = frames[0]["msg"]
    assert book["clock"] == wire.exchange.markets["MKT-A"].clock
    assert (book["yes_dollars_fp"], book["no_dollars_fp"]) == ([["0.4000", "2.00"]], [["0.4000", "3.00"]])
    assert frames[1]["msg"].keys() == {"market_ticker", "market_id", "clock"}
    assert wire.update("get_snapshot", "MKT-C")[0]["msg"]["code"] == 11


@pytest.mark.parametrize(("use_yes_price", "price"), [(False, "0.4000"), (True, "0.6000")])
def test_no_levels_are_priced_on_the_leg_that_was_asked_for(use_yes_price: bool, price: str) -> None:
    wire = Wire()
    wire.maker.rest(ASK, 60, 3)
    wire.maker.rest(ASK, 62, 3)
    frames = wire.subscribe("orderbook_delta", market_ticker="MKT-A", use_yes_price=use_yes_price)
    ladder = frames[1]["msg"]["no_dollars_fp"]
    assert [price, "3.00"] in ladder
    assert ladder == sorted(ladder)
    wire.frames()
    wire.maker.rest(ASK, 60, 1)
    (delta,) = wire.frames()
    assert (delta["msg"]["side"], delta["msg"]["price_dollars"], delta["msg"]["delta_fp"]) == (
        "no",
        price,
        "1.00",
    )


def test_only_the_owner_is_told_whose_order_moved_a_level() -> None:
    wire = Wire()
    other = wire.join("you")
    me = Trader(wire.exchange, "me")
    wire.subscribe("orderbook_delta", market_ticker="MKT-A")
    wire.ask(
        {"id": 1, "cmd": "subscribe", "params": {"channels": ["orderbook_delta"], "market_ticker": "MKT-A"}},
        other,
    )
    me.rest(BID, 40, client_order_id='quote "1"')
    (mine,), (theirs,) = wire.frames(), wire.frames(other)
    assert (mine["msg"]["client_order_id"], mine["msg"]["subaccount"]) == ('quote "1"', 0)
    assert "client_order_id" not in theirs["msg"]
    assert {**mine["msg"], "client_order_id": 0, "subaccount": 0} == {
        **theirs["msg"],
        "client_order_id": 0,
        "subaccount": 0,
    }


def test_private_channels_are_the_accounts_own() -> None:
    wire = Wire()
    other = wire.join("you")
    me = Trader(wire.exchange, "me")
    channels = ("fill", "user_orders", "market_positions", "order_group_updates")
    wire.subscribe(*channels)
    wire.ask({"id": 1, "cmd": "subscribe", "params": {"channels": list(channels)}}, other)
    wire.exchange.create_group(me.account, 500, now=NOW)
    wire.maker.rest(ASK, 50, 2)
    me.rest(BID, 50, 2, client_order_id="c")
    frames = wire.frames()
    assert [frame["type"] for frame in frames] == [
        "order_group_updates",
        "fill",
        "market_position",
        "user_order",
    ]
    assert [frame.get("seq") for frame in frames] == [1, None, None, None]
    assert wire.frames(other) == []
    fill = frames[1]["msg"]
    assert (fill["client_order_id"], fill["fee_cost"], fill["post_position_fp"]) == ("c", "0.035000", "2.00")
    assert (frames[3]["msg"]["status"], frames[3]["msg"]["last_update_reason"]) == ("executed", "Trade")


def test_the_ticker_tells_changes_of_the_touch_once_per_action() -> None:
    wire = Wire()
    wire.subscribe("ticker", "trade")
    wire.maker.rest(BID, 40, 2)
    (first,) = wire.frames()
    assert (first["type"], first.get("seq"), first["msg"]["yes_bid_dollars"]) == ("ticker", None, "0.4000")
    wire.maker.rest(BID, 39, 2)
    assert wire.frames() == []
    Trader(wire.exchange, "taker", None).rest(ASK, 39, 3)
    frames = wire.frames()
    assert [frame["type"] for frame in frames] == ["trade", "trade", "ticker"]
    told = frames[2]["msg"]
    assert (told["yes_bid_dollars"], told["yes_bid_size_fp"]) == ("0.3900", "1.00")
    assert (told["price_dollars"], told["volume_fp"], told["last_trade_size_fp"]) == (
        "0.3900",
        "3.00",
        "1.00",
    )


def test_an_initial_ticker_is_sent_when_asked_for() -> None:
    wire = Wire()
    params = {"market_tickers": ["MKT-A"], "send_initial_snapshot": True}
    assert [frame["type"] for frame in wire.subscribe("ticker", **params)] == ["subscribed", "ticker"]
    market_id = wire.exchange.markets["MKT-B"].market_id
    params = {"channels": ["ticker"], "market_ids": [market_id]}
    (ok,) = wire.ask({"id": 2, "cmd": "subscribe", "params": params})
    assert ok["msg"] == {"market_tickers": ["MKT-A", "MKT-B"]}
    assert "seq" not in ok


def test_acknowledgements_may_leave_the_list_out() -> None:
    wire = Wire()
    wire.subscribe("orderbook_delta", market_ticker="MKT-A", skip_ticker_ack=True)
    (ok,) = wire.update("delete_markets", "MKT-A")
    assert "msg" not in ok
    wire.maker.rest(BID, 40)
    assert wire.frames() == []


def test_a_closed_market_is_sent_as_an_empty_book() -> None:
    wire = Wire()
    wire.maker.rest(BID, 40)
    wire.subscribe("orderbook_delta", "market_lifecycle_v2", market_ticker="MKT-A")
    wire.exchange.close_market("MKT-A", NOW)
    (empty,) = wire.frames()
    assert (empty["type"], empty["seq"], "id" in empty) == ("orderbook_snapshot", 2, False)
    assert empty["msg"].keys() == {"market_ticker", "market_id", "clock"}
    wire.exchange.determine("MKT-A", "no", 0, NOW)
    (told,) = wire.frames()
    assert (told["type"], told["seq"], told["msg"]["event_type"]) == ("market_lifecycle_v2", 1, "determined")


def test_lifecycle_channel_carries_events_and_fees() -> None:
    wire = Wire()
    wire.subscribe("market_lifecycle_v2")
    wire.exchange.add_event(
        {"event_ticker": "NEW", "series_ticker": "SER", "title": "t", "sub_title": "s"}, NOW
    )
    wire.exchange.set_event_fee("NEW", "quadratic", 0.5, NOW)
    frames = wire.frames()
    assert brief(frames) == [("event_lifecycle", 1, 1), ("event_fee_update", 1, 2)]
    assert frames[0]["msg"]["subtitle"] == "s"
    assert frames[1]["msg"]["fee_multiplier_override"] == 0.5


def test_a_client_that_does_not_read_loses_that_subscription_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ws_session, "BUFFER", 5)
    wire = Wire()
    wire.subscribe("orderbook_delta", "ticker", market_ticker="MKT-A")
    for cents in range(10, 20):
        wire.maker.rest(BID, cents)
    frames = wire.frames()
    numbered = [frame for frame in frames if frame.get("sid") == 1]
    assert [frame["seq"] for frame in numbered] == [2, 3, 4, 5, 6, 7]
    assert (numbered[-1]["type"], numbered[-1]["msg"]["code"]) == ("error", 25)
    assert any(frame["type"] == "ticker" for frame in frames)
    frames = wire.subscribe("orderbook_delta", market_ticker="MKT-A")
    assert brief(frames) == [("subscribed", None, None), ("orderbook_snapshot", 3, 1)]


BOOK = ["orderbook_delta"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("{not json", 1),
        ("[]", 1),
        ('{"id":"x"}', 1),
        ({"id": 1}, 5),
        ({"id": 1, "cmd": "buy"}, 5),
        ({"id": 1, "cmd": "subscribe"}, 2),
        ({"id": 1, "cmd": "subscribe", "params": {}}, 3),
        ({"id": 1, "cmd": "subscribe", "params": {"channels": "orderbook_delta"}}, 3),
        ({"id": 1, "cmd": "subscribe", "params": {"channels": ["orderbook"]}}, 8),
        ({"id": 1, "cmd": "subscribe", "params": {"channels": BOOK}}, 14),
        ({"id": 1, "cmd": "subscribe", "params": {"channels": BOOK, "market_tickers": []}}, 14),
        ({"id": 1, "cmd": "subscribe", "params": {"channels": BOOK, "market_tickers": [7]}}, 11),
        ({"id": 1, "cmd": "subscribe", "params": {"channels": BOOK, "market_tickers": "A"}}, 11),
        ({"id": 1, "cmd": "unsubscribe", "params": {}}, 4),
        ({"id": 1, "cmd": "unsubscribe", "params": {"sids": [99]}}, 7),
        ({"id": 1, "cmd": "update_subscription", "params": {"sids": [1, 2]}}, 12),
        ({"id": 1, "cmd": "update_subscription", "params": {"sid": 99, "action": "add_markets"}}, 7),
        ({"id": 1, "cmd": "update_subscription", "params": {"sid": 1}}, 15),
        ({"id": 1, "cmd": "update_subscription", "params": {"sid": 1, "action": "buy"}}, 13),
        ({"id": 1, "cmd": "update_subscription", "params": {"sid": 1, "action": "add_markets"}}, 14),
    ],
)
def test_what_is_wrong_is_answered_with_its_code(command: object, code: int) -> None:
    wire = Wire()
    wire.subscribe("orderbook_delta", market_ticker="MKT-A")
    (error,) = wire.ask(command)
    assert (error["type"], error["msg"]["code"]) == ("error", code)
    assert error["msg"]["msg"] == ws_session.ERRORS[code]
    assert error.get("id") == (command["id"] if isinstance(command, dict) else None)


def test_subscriptions_can_be_listed() -> None:
    wire = Wire()
    wire.subscribe("orderbook_delta", "fill", market_ticker="MKT-A")
    (ok,) = wire.ask({"id": 3, "cmd": "list_subscriptions"})
    assert ok["msg"] == [{"channel": "orderbook_delta", "sid": 1}, {"channel": "fill", "sid": 2}]


def test_commands_are_rate_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire()
    command = {"id": 3, "cmd": "list_subscriptions"}
    kinds = [wire.ask(command)[0]["type"] for _ in range(ws_session.COMMANDS_PER_S)]
    assert set(kinds) == {"ok"}
    assert wire.ask(command)[0]["msg"]["code"] == 27


def test_nothing_is_encoded_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire()
    wire.subscribe("fill")

    def never(*_: object, **__: object) -> bytes:
        raise AssertionError("encoded for nobody")

    for name in ("delta_msg", "trade_msg", "ticker_msg", "snapshot_msg"):
        monkeypatch.setattr(f"kalshi_tui.practice.ws_frames.{name}", never)
    wire.maker.rest(BID, 40)
    Trader(wire.exchange, "taker", None).rest(ASK, 40)
    assert wire.frames() == []
