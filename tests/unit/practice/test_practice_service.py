"""The order of things: the world and the expirations first, then the call, then what it brought."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from practice_kit import ASK, BID, NOW, Trader, exchange, sign

from kalshi_tui.practice import service as service_module
from kalshi_tui.practice.auth import KeyPair, make_key
from kalshi_tui.practice.calls import Call, Reply, Route
from kalshi_tui.practice.service import Request, Service
from kalshi_tui.practice.ws_session import Session
from kalshi_tui.protocol.units import DOLLAR, SECOND

WS = "/trade-api/ws/v2"
PATH = "/trade-api/v2/x"


class Hand:
    """A clock that is set, and a world that quotes a bid of one contract at each of its times."""

    def __init__(self, service: Service, times: list[int]) -> None:
        self.times = times
        self.quoter = Trader(service.exchange, "quoter", None)

    def next_time(self) -> int:
        return self.times[0] if self.times else NOW + 10**18

    def step(self, now: int) -> None:
        while self.times and self.times[0] <= now:
            self.quoter.rest(BID, 40, now=self.times.pop(0))


class Bench:
    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.service = Service(exchange(), clock=lambda: self.now)
        self.account = self.service.open_account("me", 100 * DOLLAR)
        self.pair: KeyPair = make_key("ed25519", "me", folder)
        self.service.admit(self.pair.api_key)

    def join(self) -> Session:
        session = self.service.open_session(sign(self.pair, path=WS, at=self.now), WS)
        assert isinstance(session, Session)
        return session

    def answer(self, route: Route, signed: bool = True, body: bytes = b"") -> Reply:
        headers = sign(self.pair, route.method, PATH, self.now) if signed else {}
        request = Request(route.method, PATH, headers, {}, {}, lambda _: [], body)
        return self.service.answer(route, request)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_what_is_due_happens_before_a_call(bench: Bench) -> None:
    bench.service.outside = Hand(bench.service, [NOW + SECOND])
    maker = Trader(bench.service.exchange, "maker")
    expiring = maker.rest(ASK, 60, expiration_s=NOW // SECOND + 1)
    seen: list[tuple[object, str]] = []

    def look(call: Call) -> Reply:
        seen.append((call.exchange.best("MKT-A"), expiring.status))
        return Reply(200, {})

    route = Route("GET", "/x", look)
    bench.answer(route)
    assert bench.service.next_wake() == NOW + SECOND
    bench.now += SECOND
    bench.answer(route)
    assert seen == [((None, 6000), "resting"), ((4000, None), "canceled")]
    assert bench.service.next_wake() == NOW + 10**18


def test_a_snapshot_holds_what_was_due_and_nothing_of_it_comes_again(bench: Bench) -> None:
    hand = Hand(bench.service, [])
    bench.service.outside = hand
    session = bench.join()
    bench.service.command(
        session, json.dumps({"id": 1, "cmd": "subscribe", "params": {"channels": ["trade"]}})
    )
    session.outgoing.clear()
    hand.times = [NOW + SECOND]
    bench.now += SECOND
    subscribe = {"channels": ["orderbook_delta"], "market_ticker": "MKT-A"}
    bench.service.command(session, json.dumps({"id": 2, "cmd": "subscribe", "params": subscribe}))
    bench.service.catch_up(bench.now)
    frames = [json.loads(frame) for _, frame in session.outgoing]
    assert [frame["type"] for frame in frames] == ["subscribed", "orderbook_snapshot"]
    assert frames[1]["msg"]["yes_dollars_fp"] == [["0.4000", "1.00"]]


def test_a_public_call_that_is_signed_is_paid_and_checked(bench: Bench) -> None:
    route = Route("GET", "/x", lambda call: Reply(200, {}), signed=False, cost=400)
    assert [bench.answer(route).status for _ in range(2)] == [200, 429]
    assert bench.answer(route, signed=False).status == 200
    private = Route("GET", "/x", lambda call: Reply(200, {}), cost=0)
    assert bench.answer(private, signed=False).status == 401


def test_a_refused_call_still_publishes_what_happened(bench: Bench) -> None:
    bench.service.outside = Hand(bench.service, [NOW])
    session = bench.join()
    bench.service.command(
        session, json.dumps({"id": 1, "cmd": "subscribe", "params": {"channels": ["ticker"]}})
    )
    assert bench.answer(Route("GET", "/x", lambda call: Reply(200, {})), signed=False).status == 401
    kinds = [json.loads(frame)["type"] for _, frame in session.outgoing]
    assert kinds == ["subscribed"]
    bench.service.exchange.place(bench.account, "MKT-A", ASK, 6000, 100, now=NOW)
    bench.answer(Route("GET", "/x", lambda call: Reply(200, {})), signed=False)
    assert json.loads(session.outgoing[-1][1])["type"] == "ticker"


def test_connections_of_one_user_are_counted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "CONNECTIONS_MAX", 2)
    first = bench.join()
    bench.join()
    refused = bench.service.open_session(sign(bench.pair, path=WS, at=NOW), WS)
    assert isinstance(refused, Reply)
    assert refused.status == 429
    bench.service.close_session(first)
    bench.join()


def test_an_unknown_tier_is_named() -> None:
    with pytest.raises(ValueError, match="gold"):
        Service(exchange(), tier="gold")


def test_an_account_is_funded_on_every_shard_that_lists_a_market(bench: Bench) -> None:
    ex = exchange("MKT-A", exchange_index=3)
    account = Service(ex).open_account("me", DOLLAR)
    assert account.cash == {0: DOLLAR, 3: DOLLAR}
    assert ex.audit() == []
