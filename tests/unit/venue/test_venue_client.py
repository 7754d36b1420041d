"""The REST client against answers of every kind: each call ends in one event, and unknown stays unknown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kalshi_tui.protocol.effects import AmendOrder, CancelOrder
from kalshi_tui.protocol.events import (
    AmendAccepted,
    AmendRefused,
    AmendUnknown,
    BalanceRead,
    BudgetRead,
    CancelAccepted,
    CancelRefused,
    CancelUnknown,
    CreateAccepted,
    CreateRefused,
    CreateUnknown,
    ExchangeStatusRead,
    FillsRead,
    MarketsRead,
    OrdersRead,
    PositionsRead,
    QueueRead,
    ReadFailed,
    SettlementsRead,
)
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import NewOrder, TimeInForce
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Side
from kalshi_tui.venue.client import VenueClient
from kalshi_tui.venue.hosts import endpoints
from kalshi_tui.venue.signer import Signer
from kalshi_tui.venue.transport import Transport

WALL = 1_781_159_360_000 * MILLISECOND
ORDER = NewOrder("coid-1", "A-B", Side.BID, 100, 100, exchange_index=2)
CANCEL = CancelOrder("oid-1", "coid-1", "A-B", 2, "requote")
AMEND = AmendOrder("oid-1", "coid-1", "A-B", Side.BID, 200, 150, None, 2, "requote")
Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Clock:
    """Time that passes only when someone waits."""

    def __init__(self) -> None:
        self.nanos = 0

    def __call__(self) -> Instant:
        return Instant(self.nanos, WALL + self.nanos)


class Venue:
    """Scripted answers, one a request; remembers the requests."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer

    def client(self, signer: Signer | None = None, **options: Any) -> VenueClient:
        clock = Clock()
        transport = Transport(
            endpoints("demo"), signer, clock, inner=httpx.MockTransport(self), read_tokens=100_000, **options
        )
        return VenueClient(transport)

    def body(self, number: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.requests[number].content)
        return found


def said(status: int, body: object) -> httpx.Response:
    return httpx.Response(status, json=body)


PLACED = {"order_id": "oid-1", "client_order_id": "coid-1", "fill_count": "0.25", "remaining_count": "0.75"}


async def test_a_create_is_signed_sent_once_and_accepted_by_its_order_id(ed_key: Ed25519PrivateKey) -> None:
    venue = Venue(said(201, PLACED))
    event = await venue.client(Signer("kid", ed_key)).create(ORDER)
    assert isinstance(event, CreateAccepted)
    assert (event.order_id, event.filled, event.remaining) == ("oid-1", 25, 75)
    [request] = venue.requests
    assert str(request.url) == "https://external-api.demo.kalshi.co/trade-api/v2/portfolio/events/orders"
    assert request.headers["KALSHI-ACCESS-TIMESTAMP"] == str(WALL // MILLISECOND)
    body = venue.body()
    assert (body["price"], body["count"], body["exchange_index"]) == ("0.0100", "1.00", 2)
    assert body["client_order_id"] == "coid-1"


UNKNOWN: list[Answer] = [
    httpx.ReadTimeout("x"),
    httpx.WriteTimeout("x"),
    httpx.ReadError("x"),
    httpx.WriteError("x"),
    httpx.RemoteProtocolError("x"),
    said(500, {"error": {"code": "internal", "message": "x"}}),
    said(503, {}),
    said(504, {}),
    httpx.Response(502, text="<html>"),
    said(408, {}),
    said(200, {"error": {"code": "deprecated_v1_order_endpoint"}}),
    said(201, {}),
    said(201, []),
    httpx.Response(201, text="not json"),
    httpx.Response(201),
    said(201, {**PLACED, "fill_count": "NaN"}),
    httpx.Response(302, headers={"location": "https://evil.example/"}),
]


WRITES: list[tuple[Callable[[VenueClient], Any], type[Any], type[Any]]] = [
    (lambda c: c.create(ORDER), CreateUnknown, CreateRefused),
    (lambda c: c.amend(AMEND), AmendUnknown, AmendRefused),
    (lambda c: c.cancel(CANCEL), CancelUnknown, CancelRefused),
]


@pytest.mark.fault
@pytest.mark.parametrize("answer", UNKNOWN)
async def test_f31_f35_f38_what_may_have_happened_is_unknown_and_never_sent_again(answer: Answer) -> None:
    for call, kind, _ in WRITES:
        if isinstance(answer, httpx.Response):
            answer = httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        venue = Venue(answer)
        event = await call(venue.client())
        assert isinstance(event, kind)
        assert event.why
        assert len(venue.requests) == 1


async def test_an_answer_about_another_order_is_no_answer() -> None:
    event = await Venue(said(201, {**PLACED, "client_order_id": "someone-else"})).client().create(ORDER)
    assert isinstance(event, CreateUnknown)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")]
)
async def test_f25_what_can_not_have_left_is_no_order_but_no_proof_of_a_cancel(error: Exception) -> None:
    created = await Venue(error).client().create(ORDER)
    assert isinstance(created, CreateRefused)
    assert (created.error.status, created.error.code) == (0, "not_sent")
    assert isinstance(await Venue(error).client().amend(AMEND), AmendRefused)
    assert isinstance(await Venue(error).client().cancel(CANCEL), CancelUnknown)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (
            400,
            {"error": {"code": "insufficient_balance", "message": "insufficient balance"}},
            "insufficient_balance",
        ),
        (400, {"error": {"code": "invalid order", "details": "post only cross"}}, "invalid_order"),
        (400, {"code": "MARKET_NOT_ACTIVE", "message": "x"}, "market_not_active"),
        (401, {"error": {"code": "authentication_error"}}, "authentication_error"),
        (404, "404 page not found", "not_found"),
        (409, {"error": {"code": "trading_is_paused"}}, "trading_is_paused"),
        (429, {"error": "too many requests"}, "too_many_requests"),
    ],
)
async def test_a_no_of_the_exchange_is_a_refusal_with_its_code(status: int, body: object, code: str) -> None:
    for call, _, kind in WRITES:
        event = await call(Venue(said(status, body)).client())
        assert isinstance(event, kind)
        assert (event.error.status, event.error.code) == (status, code)


@pytest.mark.fault
@pytest.mark.parametrize("body", [{"error": {"code": "order_already_exists"}}, {}])
async def test_f34_a_conflict_is_looked_up_unless_it_says_that_trading_is_paused(body: object) -> None:
    event = await Venue(said(409, body)).client().create(ORDER)
    assert isinstance(event, CreateUnknown)


async def test_an_order_the_exchange_would_refuse_anyway_never_leaves() -> None:
    venue = Venue()
    for order in (
        NewOrder("c", "A", Side.BID, 0, 100),
        NewOrder("c", "A", Side.BID, 100, 0),
        NewOrder("c", "A", Side.BID, 100, 100, reduce_only=True),
        NewOrder("c", "A", Side.BID, 100, 100, TimeInForce.IOC, expiration_s=5),
    ):
        event = await venue.client().create(order)
        assert isinstance(event, CreateRefused)
        assert event.error.code == "invalid_order"
    assert venue.requests == []


@pytest.mark.fault
async def test_f36_without_write_tokens_orders_are_refused_and_cancels_wait_for_theirs() -> None:
    clock = Clock()
    canceled = said(200, {"order_id": "oid-1", "reduced_by": "1.00"})
    venue = Venue(*[said(201, PLACED)] * 10, *[canceled] * 3)
    transport = Transport(endpoints("demo"), None, clock, inner=httpx.MockTransport(venue))
    client = VenueClient(transport, write_tokens=100)
    for _ in range(10):
        assert isinstance(await client.create(ORDER), CreateAccepted)
    refused = await client.create(ORDER)
    assert isinstance(refused, CreateRefused)
    assert refused.error.message == "the write budget is used up"
    assert len(venue.requests) == 10
    clock.nanos += 60 * MILLISECOND
    for _ in range(3):
        assert isinstance(await client.cancel(CANCEL), CancelAccepted)
    assert client.budget() == BudgetRead(clock(), 0, 100, 100)


async def test_a_429_empties_the_model_of_the_bucket() -> None:
    client = Venue(said(429, {"error": "too many requests"})).client()
    await client.create(ORDER)
    assert client.budget().tokens == 0


async def test_a_cancel_names_market_and_shard_and_an_amend_the_total() -> None:
    venue = Venue(
        said(200, {"order_id": "oid-1", "reduced_by": "0.75"}),
        said(200, {"order_id": "oid-1", "remaining_count": "1.25", "fill_count": None}),
        said(200, {"order_id": "other", "reduced_by": "0.75"}),
    )
    client = venue.client()
    canceled = await client.cancel(CANCEL)
    assert isinstance(canceled, CancelAccepted)
    assert canceled.reduced_by == 75
    assert dict(venue.requests[0].url.params) == {"market_ticker": "A-B", "exchange_index": "2"}
    amended = await client.amend(AMEND)
    assert isinstance(amended, AmendAccepted)
    assert (amended.remaining, amended.filled) == (125, None)
    assert venue.body(1)["count"] == "1.50"
    assert isinstance(await client.cancel(CANCEL), CancelUnknown)


def order_body(number: int) -> dict[str, object]:
    return {
        "order_id": f"o{number}",
        "client_order_id": "",
        "ticker": "A",
        "book_side": "bid",
        "status": "resting",
        "yes_price_dollars": "0.5000",
        "initial_count_fp": "1.00",
        "fill_count_fp": "0.00",
        "remaining_count_fp": "1.00",
        "created_time": "2026-06-11T06:29:20Z",
    }


async def test_orders_are_read_to_the_last_page_once_each() -> None:
    venue = Venue(
        said(200, {"orders": [order_body(1), order_body(2)], "cursor": "c1"}),
        said(200, {"orders": [order_body(2), order_body(3)], "cursor": ""}),
    )
    read = await venue.client().read_orders(True, None)
    assert isinstance(read, OrdersRead)
    assert [order.order_id for order in read.orders] == ["o1", "o2", "o3"]
    assert (read.complete, read.resting_only) == (True, True)
    assert dict(venue.requests[0].url.params) == {"limit": "1000", "subaccount": "0", "status": "resting"}
    assert venue.requests[1].url.params["cursor"] == "c1"


@pytest.mark.fault
@pytest.mark.parametrize(
    "second",
    [
        httpx.ReadTimeout("x"),
        said(500, {}),
        said(429, {"error": "too many requests"}),
        said(200, {"orders": [{"order_id": "o9"}]}),
        said(200, {"orders": [order_body(2)], "cursor": "c1"}),
        said(200, {}),
    ],
)
async def test_f30_a_read_that_lost_its_way_is_not_complete(second: Answer) -> None:
    read = (
        await Venue(said(200, {"orders": [order_body(1)], "cursor": "c1"}), second)
        .client()
        .read_orders(True, None)
    )
    assert isinstance(read, OrdersRead)
    assert not read.complete
    assert read.orders[0].order_id == "o1"


async def test_resting_orders_since_a_time_are_never_complete() -> None:
    read = await Venue(said(200, {"orders": [], "cursor": ""})).client().read_orders(True, 5 * SECOND)
    assert isinstance(read, OrdersRead)
    assert not read.complete


READS: list[tuple[str, Callable[[VenueClient], Any]]] = [
    ("orders", lambda c: c.read_orders(True, None)),
    ("fills", lambda c: c.read_fills(0)),
    ("positions", lambda c: c.read_positions()),
    ("balance", lambda c: c.read_balance()),
    ("settlements", lambda c: c.read_settlements(0)),
    ("queue places", lambda c: c.read_queue(["A"])),
    ("markets", lambda c: c.read_markets(["A"])),
    ("events", lambda c: c.load_universe()),
    ("exchange status", lambda c: c.read_exchange_status()),
    ("account limits", lambda c: c.read_budget()),
]


@pytest.mark.fault
@pytest.mark.parametrize(("what", "call"), READS)
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.ConnectError("x"), "no_answer"),
        (httpx.ReadTimeout("x"), "no_answer"),
        (said(401, {"error": {"code": "header_timestamp_expired"}}), "header_timestamp_expired"),
        (said(429, {"error": "too many requests"}), "too_many_requests"),
        (httpx.Response(200, text="\x1b[2J"), "unreadable"),
        (said(200, {"unexpected": 1}), "unreadable"),
    ],
)
async def test_f25_a_read_without_an_answer_is_evidence_of_nothing(
    what: str, call: Callable[[VenueClient], Any], answer: Answer, code: str
) -> None:
    event = await call(Venue(answer).client())
    assert isinstance(event, ReadFailed)
    assert (event.what, event.error.code) == (what, code)
    assert "\x1b" not in event.error.message


async def test_the_exchanges_status_is_believed_under_503_too() -> None:
    body = {"exchange_active": False, "trading_active": False, "exchange_estimated_resume_time": None}
    read = await Venue(said(503, body)).client().read_exchange_status()
    assert isinstance(read, ExchangeStatusRead)
    assert (read.exchange_active, read.resume) == (False, None)


async def test_the_accounts_limits_set_both_buckets() -> None:
    limits = {
        "usage_tier": "advanced",
        "read": {"refill_rate": 300, "bucket_capacity": 600},
        "write": {"refill_rate": 300, "bucket_capacity": 500},
    }
    client = Venue(said(200, limits)).client()
    read = await client.read_budget()
    assert isinstance(read, BudgetRead)
    assert (read.capacity, read.rate, read.tokens) == (500, 300, 500)


async def test_signatures_follow_the_exchanges_clock(ed_key: Ed25519PrivateKey) -> None:
    # The exchange is 12 m 40 s ahead of this machine.
    late = {"date": "Thu, 11 Jun 2026 06:42:00 GMT"}
    venue = Venue(
        httpx.Response(401, headers=late, json={"error": {"code": "header_timestamp_expired"}}),
        said(200, {"balance_dollars": "1.0000"}),
    )
    client = venue.client(Signer("kid", ed_key))
    assert isinstance(await client.read_balance(), ReadFailed)
    assert client.skew_ms == 760_500
    assert isinstance(await client.read_balance(), BalanceRead)
    assert int(venue.requests[1].headers["KALSHI-ACCESS-TIMESTAMP"]) == WALL // MILLISECOND + 760_500


EVENT = {"event_ticker": "E", "series_ticker": "S", "title": "t", "fee_multiplier_override": 0.5}
MARKET = {
    "ticker": "E-1",
    "event_ticker": "E",
    "status": "active",
    "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
}
SERIES = {"ticker": "S", "title": "s", "fee_type": "quadratic_with_maker_fees", "fee_multiplier": 1}


async def test_markets_are_read_with_the_fees_of_their_series_and_event() -> None:
    venue = Venue(
        said(200, {"markets": [MARKET, {"ticker": "bad one"}], "cursor": ""}),
        said(200, {"events": [EVENT], "cursor": ""}),
        said(200, {"series": SERIES}),
    )
    client = venue.client()
    read = await client.read_markets(["E-1", "NOPE"])
    assert isinstance(read, MarketsRead)
    [market] = read.markets
    assert (market.fee.type.value, market.fee.multiplier, market.fee.assumed) == (
        "quadratic_with_maker_fees",
        500_000,
        False,
    )
    assert market.series_ticker == "S"
    assert market.grid is not None
    assert len(client.catalog.problems) == 1
    assert venue.requests[0].url.params["tickers"] == "E-1,NOPE"


async def test_a_series_the_exchange_does_not_have_leaves_the_fee_assumed() -> None:
    event = {**EVENT, "markets": [MARKET]}
    del event["fee_multiplier_override"]
    venue = Venue(said(200, {"events": [event], "cursor": ""}), said(404, {"error": {"code": "not_found"}}))
    read = await venue.client().load_universe()
    assert isinstance(read, MarketsRead)
    assert read.markets[0].fee.assumed
    assert dict(venue.requests[0].url.params)["with_nested_markets"] == "true"


async def test_a_universe_with_a_lost_page_is_not_told() -> None:
    venue = Venue(said(200, {"events": [EVENT], "cursor": "c"}), httpx.ReadError("x"))
    read = await venue.client().load_universe()
    assert isinstance(read, ReadFailed)
    assert read.error.code == "incomplete"


async def test_recorded_answers(shared_data: Path) -> None:
    folder = shared_data / "rest" / "demo-2026-06"

    def recorded(name: str) -> httpx.Response:
        meta = json.loads((folder / f"{name}.meta.json").read_text())
        return httpx.Response(meta["status"], content=(folder / f"{name}.json").read_bytes())

    async def create(name: str) -> object:
        number = json.loads((folder / f"{name}.meta.json").read_text())["request_body"]["client_order_id"]
        order = NewOrder(number, "KXWTACHALLENGERMATCH-26JUN11JIMLEP-LEP", Side.BID, 100, 100)
        return await Venue(recorded(name)).client().create(order)

    accepted = {
        name: await create(name) for name in ("orders__create_v2_maker", "orders__create_v2_taker_ioc")
    }
    assert [type(event) for event in accepted.values()] == [CreateAccepted, CreateAccepted]
    codes = {}
    for name in ("insufficient_balance", "invalid_price_structure", "numeric_field_types", "post_only_cross"):
        event = await create(f"orders__{name}")
        assert isinstance(event, CreateRefused)
        codes[name] = event.error.code
    assert codes == {
        "insufficient_balance": "insufficient_balance",
        "invalid_price_structure": "invalid_price",
        "numeric_field_types": "bad_request",
        "post_only_cross": "invalid_order",
    }
    for name in ("duplicate_client_order_id", "reuse_canceled_client_id"):
        assert isinstance(await create(f"orders__{name}"), CreateUnknown)
    cancel = CancelOrder("2597b999-f887-4195-8bac-c3f97a1f2021", "c", "T", 0, "")
    assert isinstance(await Venue(recorded("orders__cancel_v2")).client().cancel(cancel), CancelAccepted)
    gone = await Venue(recorded("orders__cancel_already_canceled")).client().cancel(cancel)
    assert isinstance(gone, CancelRefused)
    assert gone.error.status == 404
    reads: list[tuple[str, Callable[[VenueClient], Any], type]] = [
        ("auth__balance_ok", lambda c: c.read_balance(), BalanceRead),
        ("fills__after_taker", lambda c: c.read_fills(0), FillsRead),
        ("portfolio__positions", lambda c: c.read_positions(), PositionsRead),
        ("portfolio__orders_list", lambda c: c.read_orders(False, None), OrdersRead),
        ("settlements__page", lambda c: c.read_settlements(0), SettlementsRead),
        ("exchange__status", lambda c: c.read_exchange_status(), ExchangeStatusRead),
        ("account__limits", lambda c: c.read_budget(), BudgetRead),
    ]
    for name, call, kind in reads:
        more = [
            said(200, {"fills": [], "orders": [], "settlements": [], "market_positions": [], "cursor": ""})
        ] * 3
        assert isinstance(await call(Venue(recorded(name), *more).client()), kind), name


async def test_queue_places_by_order() -> None:
    body = {"queue_positions": [{"order_id": "o1", "queue_position_fp": "12.00"}]}
    read = await Venue(said(200, body)).client().read_queue(["A", "B"])
    assert isinstance(read, QueueRead)
    assert read.ahead == {"o1": 1200}
