"""The subscription machine without a socket, against a model of how the exchange answers."""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_tui.protocol.units import SECOND
from kalshi_tui.protocol.wire import decode
from kalshi_tui.ws_ingest.backoff import Backoff
from kalshi_tui.ws_ingest.subscriptions import ACCOUNT_CHANNELS, BOOK, TICKER_CHANNELS, Subscriptions


class Exchange:
    """Answers commands the way Kalshi does; ``open`` is channel to (sid, tickers)."""

    def __init__(self) -> None:
        self.open: dict[str, tuple[int, list[str]]] = {}
        self.next_sid = 1
        self.seen: list[dict[str, Any]] = []
        self.bad: set[str] = set()
        self.snapshots: list[str] = []

    def answer(self, command: bytes) -> list[bytes]:
        asked = json.loads(command)
        self.seen.append(asked)
        params = asked["params"]
        return [json.dumps(self._answer(asked["id"], asked["cmd"], params)).encode()]

    def _answer(self, number: int, cmd: str, params: dict[str, Any]) -> dict[str, Any]:
        tickers = params.get("market_tickers", [])
        if self.bad & {*tickers, *params.get("channels", [])}:
            return {"id": number, "type": "error", "msg": {"code": 11, "msg": "Invalid parameter"}}
        if cmd == "subscribe":
            [name] = params["channels"]
            if name in self.open:
                sid, held = self.open[name]
                held += tickers
                return {"id": number, "type": "ok", "sid": sid, "seq": 9, "msg": {"market_tickers": held}}
            sid, self.next_sid = self.next_sid, self.next_sid + 1
            self.open[name] = (sid, list(tickers))
            return {"id": number, "type": "subscribed", "msg": {"channel": name, "sid": sid}}
        sid = params["sid"] if cmd == "update_subscription" else params["sids"][0]
        name = next((name for name, (known, _) in self.open.items() if known == sid), None)
        if name is None:
            return {"id": number, "type": "error", "msg": {"code": 7, "msg": "Unknown subscription ID"}}
        if cmd == "unsubscribe":
            del self.open[name]
            return {"id": number, "type": "unsubscribed", "sid": sid, "seq": 7}
        held = self.open[name][1]
        if params["action"] == "add_markets":
            held += tickers
        elif params["action"] == "delete_markets":
            held[:] = [ticker for ticker in held if ticker not in tickers]
            assert held, "an empty list would subscribe to everything"
        else:
            self.snapshots += tickers
        return {"id": number, "type": "ok", "sid": sid, "seq": 3, "msg": {"market_tickers": held}}


def settle(machine: Subscriptions, exchange: Exchange, now: int = 0, rounds: int = 40) -> int:
    """Exchange commands and answers until nothing is left to say; the number of commands."""
    total = 0
    for step in range(rounds):
        commands = machine.commands(now + step * SECOND)
        total += len(commands)
        for command in commands:
            for reply in exchange.answer(command):
                machine.on_message(decode(reply), now + step * SECOND)
    return total


def test_everything_is_subscribed_once_with_the_flags_that_matter() -> None:
    machine, exchange = Subscriptions(), Exchange()
    machine.want(["A", "B"])
    machine.opened()
    assert settle(machine, exchange) == len(TICKER_CHANNELS) + len(ACCOUNT_CHANNELS)
    assert {name: tickers for name, (_, tickers) in exchange.open.items() if tickers} == {
        name: ["A", "B"] for name in TICKER_CHANNELS
    }
    assert set(exchange.open) == {*TICKER_CHANNELS, *ACCOUNT_CHANNELS}
    flags = {c["params"]["channels"][0]: c["params"].get("use_yes_price") for c in exchange.seen}
    assert flags[BOOK] is True
    assert flags["trade"] is None
    assert machine.sids() == {name: sid for name, (sid, _) in exchange.open.items()}
    assert settle(machine, exchange) == 0


def test_without_a_market_no_ticker_channel_is_touched() -> None:
    machine, exchange = Subscriptions(), Exchange()
    machine.opened()
    settle(machine, exchange)
    assert set(exchange.open) == set(ACCOUNT_CHANNELS)


def test_added_books_are_asked_for_their_snapshot_and_deleted_markets_go() -> None:
    machine, exchange = Subscriptions(account=False), Exchange()
    machine.want(["A"])
    machine.opened()
    settle(machine, exchange)
    machine.want(["B", "C"])
    settle(machine, exchange)
    assert all(tickers == ["B", "C"] for _, tickers in exchange.open.values())
    assert exchange.snapshots == ["B", "C"]
    machine.want([])
    settle(machine, exchange)
    assert exchange.open == {}


def test_long_lists_go_in_chunks() -> None:
    machine, exchange = Subscriptions(account=False, chunk=100), Exchange()
    tickers = [f"T{i}" for i in range(250)]
    machine.want(tickers)
    machine.opened()
    assert settle(machine, exchange) == 3 * 3 + 2
    assert all(held == tickers for _, held in exchange.open.values())
    assert max(len(c["params"]["market_tickers"]) for c in exchange.seen) == 100


def test_a_new_connection_restores_the_wish_and_multiplies_nothing() -> None:
    machine = Subscriptions()
    machine.want(["A"])
    for _ in range(5):
        exchange = Exchange()
        machine.opened()
        assert settle(machine, exchange) == len(TICKER_CHANNELS) + len(ACCOUNT_CHANNELS)
        assert exchange.open[BOOK][1] == ["A"]


def test_a_reply_of_an_earlier_connection_means_nothing() -> None:
    machine = Subscriptions(account=False)
    machine.want(["A"])
    machine.opened()
    stale = [reply for command in machine.commands(0) for reply in Exchange().answer(command)]
    machine.opened()
    for reply in stale:
        machine.on_message(decode(reply), 0)
    assert machine.sids() == {}


def test_a_terminal_error_subscribes_that_channel_anew_and_only_that_one() -> None:
    machine, exchange = Subscriptions(), Exchange()
    machine.want(["A"])
    machine.opened()
    settle(machine, exchange)
    sid = exchange.open.pop(BOOK)[0]
    exchange.seen.clear()
    error = {
        "type": "error",
        "sid": sid,
        "seq": 88,
        "msg": {"code": 25, "msg": "Subscription buffer overflow"},
    }
    machine.on_message(decode(json.dumps(error)), 0)
    settle(machine, exchange, now=SECOND)
    assert [c["params"]["channels"] for c in exchange.seen] == [[BOOK]]
    assert exchange.open[BOOK] != (sid, ["A"])
    assert machine.sids()[BOOK] == exchange.open[BOOK][0]


def test_a_repeated_subscribe_answered_with_ok_keeps_the_old_sid() -> None:
    machine, exchange = Subscriptions(account=False), Exchange()
    machine.want(["A"])
    machine.opened()
    settle(machine, exchange)
    sid = exchange.open[BOOK][0]
    error = {"type": "error", "sid": sid, "msg": {"code": 10, "msg": "Channel error"}}
    machine.on_message(decode(json.dumps(error)), 0)
    assert BOOK not in machine.sids()
    settle(machine, exchange, now=SECOND)
    assert machine.sids()[BOOK] == sid


def test_a_subscription_that_keeps_overflowing_is_asked_for_ever_more_rarely() -> None:
    machine, exchange = Subscriptions(account=False), Exchange()
    machine.want(["A"])
    machine.opened()
    asked: list[int] = []
    for tick in range(400):
        now = tick * SECOND // 4
        for command in machine.commands(now):
            body = json.loads(command)
            if body["params"].get("channels") == [BOOK]:
                asked.append(now)
            for reply in exchange.answer(command):
                machine.on_message(decode(reply), now)
        sid = exchange.open.pop(BOOK, (0, []))[0]
        if sid:
            error = {"type": "error", "sid": sid, "msg": {"code": 25, "msg": "x"}}
            machine.on_message(decode(json.dumps(error)), now)
    pauses = [b - a for a, b in pairwise(asked)]
    assert pauses == sorted(pauses)
    assert pauses[-1] > 10 * SECOND


def test_a_terminal_error_without_a_subscription_condemns_the_connection() -> None:
    machine = Subscriptions()
    machine.opened()
    machine.on_message(decode(b'{"type":"error","msg":{"code":10,"msg":"Channel error"}}'), 0)
    assert "error 10" in (machine.overdue(0) or "")
    machine.opened()
    assert machine.overdue(0) is None


def test_resubscribe_unsubscribes_first_and_ignores_strangers() -> None:
    machine, exchange = Subscriptions(account=False), Exchange()
    machine.want(["A"])
    machine.opened()
    settle(machine, exchange)
    before = exchange.open[BOOK][0]
    exchange.seen.clear()
    machine.resubscribe(before)
    machine.resubscribe(999)
    settle(machine, exchange)
    assert [c["cmd"] for c in exchange.seen] == ["unsubscribe", "subscribe"]
    assert exchange.open[BOOK][0] != before


def test_one_bad_ticker_costs_only_itself_and_is_named() -> None:
    machine, exchange = Subscriptions(account=False, chunk=8), Exchange()
    exchange.bad = {"T5"}
    machine.want([f"T{i}" for i in range(16)])
    machine.opened()
    settle(machine, exchange, rounds=80)
    for _, held in exchange.open.values():
        assert sorted(held) == sorted(f"T{i}" for i in range(16) if i != 5)
    assert "T5" in machine.problems[BOOK]
    assert settle(machine, exchange, now=3600 * SECOND) == 0


def test_a_channel_the_exchange_does_not_have_is_said_and_not_asked_again() -> None:
    machine, exchange = Subscriptions(), Exchange()
    exchange.bad = {"order_group_updates"}
    machine.opened()
    settle(machine, exchange)
    assert "order_group_updates" in machine.problems["order_group_updates"]
    assert sum(c["params"]["channels"] == ["order_group_updates"] for c in exchange.seen) == 1


def test_text_of_a_refusal_is_cleaned() -> None:
    machine = Subscriptions()
    machine.opened()
    [first, *_] = machine.commands(0)
    number = json.loads(first)["id"]
    machine.want(["A"])
    hostile = {"type": "error", "id": number, "msg": {"code": 8, "msg": "\x1b]52;c;QQ==\x07no\u202e"}}
    machine.on_message(decode(json.dumps(hostile)), 0)
    [problem] = machine.problems.values()
    assert not {"\x1b", "\x07", "\u202e"} & set(problem)


def test_too_many_commands_is_tried_again_later() -> None:
    machine = Subscriptions(account=False)
    machine.want(["A"])
    machine.opened()
    for command in machine.commands(0):
        number = json.loads(command)["id"]
        refused = {"type": "error", "id": number, "msg": {"code": 27, "msg": "Too many requests"}}
        machine.on_message(decode(json.dumps(refused)), 0)
    assert machine.commands(0) == []
    assert settle(machine, Exchange(), now=SECOND) == len(TICKER_CHANNELS)
    assert machine.problems == {}


def test_an_unanswered_command_makes_the_connection_overdue() -> None:
    machine = Subscriptions(account=False)
    machine.want(["A"])
    machine.opened()
    machine.commands(0)
    assert machine.overdue(9 * SECOND) is None
    assert machine.overdue(10 * SECOND) == f"no reply to subscribe of {BOOK}"


def test_snapshots_are_asked_for_in_chunks_of_the_subscription_named() -> None:
    machine = Subscriptions(account=False, chunk=2)
    machine.opened()
    machine.request_snapshots(7, ["A", "B", "C"])
    commands = [json.loads(command)["params"] for command in machine.commands(0)]
    assert commands == [
        {"sid": 7, "action": "get_snapshot", "market_tickers": ["A", "B"]},
        {"sid": 7, "action": "get_snapshot", "market_tickers": ["C"]},
    ]
    assert machine.commands(0) == []


TICKERS = st.lists(st.sampled_from("ABCDEFGH"), unique=True)


@given(st.lists(st.tuples(TICKERS, st.booleans(), st.integers(0, 3)), max_size=8), st.integers(1, 4))
def test_whatever_is_wanted_and_whatever_breaks_the_end_is_what_was_wanted_last(
    steps: list[tuple[list[str], bool, int]], chunk: int
) -> None:
    machine, exchange = Subscriptions(chunk=chunk), Exchange()
    machine.opened()
    now = 0
    for tickers, reconnect, rounds in [*steps, (["A", "H"], False, 0)]:
        machine.want(tickers)
        if reconnect:
            machine.opened()
            exchange = Exchange()
        settle(machine, exchange, now, rounds)
        now += 100 * SECOND
    settle(machine, exchange, now, 60)
    assert all(sorted(exchange.open[name][1]) == ["A", "H"] for name in TICKER_CHANNELS)
    assert len(exchange.open) == len(TICKER_CHANNELS) + len(ACCOUNT_CHANNELS)


def test_delays_are_jittered_grow_to_the_cap_and_start_over_after_use() -> None:
    first = [Backoff(Random(seed)).delay(0) for seed in range(200)]
    assert max(first) <= SECOND // 4
    assert len(set(first)) > 150
    backoff = Backoff(Random(3))
    later = [backoff.delay(0) for _ in range(300)]
    assert 20 * SECOND < max(later) <= 30 * SECOND
    backoff.useful()
    assert backoff.delay(0) <= SECOND // 4


@pytest.mark.parametrize("seed", range(5))
def test_a_storm_never_dials_more_than_the_budget(seed: int) -> None:
    backoff, now, dials = Backoff(Random(seed)), 0, []
    while now < 1800 * SECOND:
        dials.append(now)
        backoff.dialed(now)
        backoff.useful()
        now += 1 + backoff.delay(now)
    for start in dials:
        assert sum(start <= dial < start + 300 * SECOND for dial in dials) <= 60
