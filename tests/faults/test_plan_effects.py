"""Each fault as a raw client meets it on a served practice exchange."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from practice_served import ORDER, ORDERS, TICKER, Served, served
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from kalshi_tui.practice.faults import FaultPlan
from kalshi_tui.practice.faults_read import parse_plan
from kalshi_tui.practice.server import drive
from kalshi_tui.practice.sockets import WS_PATH
from kalshi_tui.protocol.units import Side

pytestmark = pytest.mark.fault
Frame = dict[str, Any]


class Client:
    """A signed client of an exchange whose plan can be set at any time."""

    def __init__(self, venue: Served) -> None:
        self.venue = venue
        self.plan = FaultPlan()
        self.said: list[str] = []
        self.left: list[str] = []
        """Markets of which the world was told that they end early."""
        self._id = 0

    def fault(self, do: str, **keys: object) -> None:
        """From now on this is the plan. Sessions that are open keep the frames' part of an older one."""
        row = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {"at": 0, **keys}.items())
        plan = parse_plan(f'[[fault]]\ndo = "{do}"\n{row}', "p.toml")
        self.plan = FaultPlan(plan, 1, self.venue.service.now(), self.said.append)
        self.venue.service.obey(self.plan, self.left.append)

    def happened(self) -> int:
        """How often the fault acted; it was told of once."""
        (count,) = self.plan.counts().values()
        assert len(self.said) == 1
        return count

    @asynccontextmanager
    async def books(self, *channels: str) -> AsyncIterator[ClientConnection]:
        """A connection that follows the market's book, its snapshot not read yet."""
        headers = self.venue.headers("GET", WS_PATH)
        async with connect(self.venue.ws, additional_headers=headers, ping_interval=None) as socket:
            params = {"channels": ["orderbook_delta", *channels], "market_tickers": [TICKER]}
            await self.command(socket, "subscribe", params)
            for channel in ("orderbook_delta", *channels):
                assert (await frame(socket))["type"] == "subscribed"
                if channel == "orderbook_delta":
                    assert (await frame(socket))["type"] == "orderbook_snapshot"
            yield socket

    async def command(self, socket: ClientConnection, name: str, params: Frame) -> None:
        self._id += 1
        await socket.send(json.dumps({"id": self._id, "cmd": name, "params": params}))

    async def book(self, socket: ClientConnection) -> Frame:
        """The answer to ``get_snapshot``."""
        params = {"sid": 1, "action": "get_snapshot", "market_tickers": [TICKER]}
        await self.command(socket, "update_subscription", params)
        return await frame(socket)

    def bid(self, cents: int) -> None:
        """A stranger's bid for one contract."""
        self.venue.trade(Side.BID, cents, 1)


async def frame(socket: ClientConnection, seconds: float = 3.0) -> Frame:
    async with asyncio.timeout(seconds):
        decoded: Frame = json.loads(await socket.recv())
    return decoded


@pytest.fixture
async def on(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as venue:
        for cents in (41, 42):
            venue.trade(Side.BID, cents, 10)
            venue.trade(Side.ASK, 100 - cents, 10)
        driver = asyncio.create_task(drive(venue.service))
        yield Client(venue)
        driver.cancel()


# -- frames ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("do", "numbers"), [("lose", [3, 4]), ("dup", [2, 2, 3, 4]), ("swap", [3, 2, 4])], ids=str
)
async def test_a_delta_is_lost_doubled_or_swapped(on: Client, do: str, numbers: list[int]) -> None:
    on.fault(do, market=TICKER)
    async with on.books() as socket:
        for cents in (30, 31, 32):
            on.bid(cents)
        seen = [await frame(socket) for _ in numbers]
    assert [one["seq"] for one in seen] == numbers
    assert on.happened() == 1


async def test_another_market_is_left_alone(on: Client) -> None:
    on.fault("lose", market="KXOTHER*")
    async with on.books() as socket:
        on.bid(30)
        assert (await frame(socket))["seq"] == 2
    assert on.plan.counts() == {"lose@0": 0}


async def test_a_snapshot_differs_from_the_book_once(on: Client) -> None:
    async with on.books() as socket:
        true = (await on.book(socket))["msg"]
    on.fault("differ", times=2)  # the first is the subscription's own
    async with on.books() as socket:
        false, again = (await on.book(socket))["msg"], (await on.book(socket))["msg"]
    assert again == true
    assert false["yes_dollars_fp"] == [["0.4100", "10.00"], ["0.4200", "11.00"]]
    assert false["no_dollars_fp"] == true["no_dollars_fp"]
    assert on.happened() == 2


async def test_a_crossed_book_stays_and_is_taken_back(on: Client) -> None:
    on.fault("crossed", at=0.2, **{"for": 0.5})
    async with on.books() as socket:
        put = await frame(socket)
        assert (put["seq"], put["msg"]["side"]) == (2, "yes")
        assert (put["msg"]["price_dollars"], put["msg"]["delta_fp"]) == ("0.5900", "10.00")
        shown = (await on.book(socket))["msg"]["yes_dollars_fp"]
        assert shown[-1] == ["0.5900", "10.00"]
        back = await frame(socket)
        assert (back["msg"]["price_dollars"], back["msg"]["delta_fp"]) == ("0.5900", "-10.00")
        assert (await on.book(socket))["msg"]["yes_dollars_fp"][-1] == ["0.4200", "10.00"]
    assert on.happened() == 1


async def test_a_delta_takes_more_than_there_is(on: Client) -> None:
    on.fault("negative", at=0.1)
    async with on.books() as socket:
        delta = (await frame(socket))["msg"]
        assert (delta["price_dollars"], delta["delta_fp"]) == ("0.4200", "-11.00")
        assert (await on.book(socket))["msg"]["yes_dollars_fp"][-1] == ["0.4200", "10.00"]
    assert on.happened() == 1


async def test_snapshots_are_refused(on: Client) -> None:
    on.fault("refuse", times=1)
    async with on.books() as socket:
        refused = await on.book(socket)
        assert (refused["type"], refused["msg"]["code"]) == ("error", 1)
        assert (await on.book(socket))["type"] == "orderbook_snapshot"
    assert on.happened() == 1


async def test_the_channel_ends_with_error_25(on: Client) -> None:
    on.fault("overflow", at=0.1)
    async with on.books() as socket:
        ended = await frame(socket)
        assert (ended["type"], ended["sid"], ended["seq"]) == ("error", 1, 2)
        assert ended["msg"]["code"] == 25
        assert (await on.book(socket))["msg"]["code"] == 7
    assert on.happened() == 1


async def test_own_fills_and_orders_are_not_told(on: Client) -> None:
    on.fault("mute", **{"for": 60})
    async with on.books("fill", "user_orders", "market_positions") as socket:
        take = ORDER | {"price": "0.5800", "time_in_force": "immediate_or_cancel"}
        assert (await on.venue.call("POST", ORDERS, json=take)).json()["fill_count"] == "1.00"
        assert (await frame(socket))["type"] == "orderbook_delta"
        on.bid(30)
        assert (await frame(socket))["type"] == "orderbook_delta"
    assert on.venue.account.position(TICKER) == 100
    assert on.happened() == 3


async def test_frames_come_later_and_later_and_in_order(on: Client) -> None:
    on.fault("delay", by=0.8, **{"for": 0.8})
    async with on.books() as socket:
        await asyncio.sleep(0.3)
        sent = time.monotonic()
        on.bid(30)
        on.bid(31)
        first, second = await frame(socket), await frame(socket)
        assert (first["seq"], second["seq"]) == (2, 3)
        assert 0.25 < time.monotonic() - sent < 1.5
    assert on.happened() > 2


# -- connections -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("do", "code"), [("drop", None), ("hangup", 1001)])
async def test_connections_end_and_nobody_gets_in_meanwhile(on: Client, do: str, code: int | None) -> None:
    on.fault(do, at=0.2, **{"for": 0.6})
    with pytest.raises(ConnectionClosed) as closed:
        async with on.books() as socket:
            await frame(socket)
    assert (closed.value.rcvd.code if closed.value.rcvd else None) == code
    with pytest.raises(InvalidStatus) as refused:
        async with on.books():
            pass
    assert refused.value.response.status_code == 503
    await asyncio.sleep(0.7)
    async with on.books() as socket:
        on.bid(30)
        assert (await frame(socket))["seq"] == 2
    assert on.happened() == 1


async def test_silence_is_neither_frames_nor_pongs_and_ends(on: Client) -> None:
    on.fault("silence", at=0.2, **{"for": 0.8})
    async with on.books() as socket:
        await asyncio.sleep(0.3)
        on.bid(30)
        pong = asyncio.ensure_future(await socket.ping())
        with pytest.raises(TimeoutError):
            await frame(socket, 0.3)
        assert not pong.done()
        assert (await frame(socket))["seq"] == 2
        async with asyncio.timeout(2):
            await pong
    assert on.happened() == 1


# -- requests --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("do", "status"), [("error", 503), ("limit", 429), ("unauthorized", 401)])
async def test_a_request_is_refused_and_not_carried_out(on: Client, do: str, status: int) -> None:
    on.fault(do, path=f"POST {ORDERS}")
    assert (await on.venue.call("POST", ORDERS, json=ORDER)).status_code == status
    assert on.venue.account.orders == {}
    assert (await on.venue.call("POST", ORDERS, json=ORDER)).status_code == 201
    assert on.happened() == 1


async def test_a_handshake_is_refused_too(on: Client) -> None:
    on.fault("unauthorized")
    with pytest.raises(InvalidStatus) as refused:
        async with on.books():
            pass
    assert refused.value.response.status_code == 401
    assert on.happened() == 1


async def test_a_create_is_carried_out_and_never_answered(on: Client) -> None:
    on.fault("unanswered", by=0.1)
    with pytest.raises(httpx.RemoteProtocolError):
        await on.venue.call("POST", ORDERS, json=ORDER)
    assert [order.status for order in on.venue.account.orders.values()] == ["resting"]
    assert (await on.venue.call("GET", "/portfolio/orders")).status_code == 200
    assert on.happened() == 1


async def test_a_slow_answer_comes_after_it_was_carried_out(on: Client) -> None:
    on.fault("slow", by=0.4)
    asked = time.monotonic()
    calling = asyncio.create_task(on.venue.call("POST", ORDERS, json=ORDER))
    await asyncio.sleep(0.2)
    assert len(on.venue.account.orders) == 1 and not calling.done()
    assert (await calling).status_code == 201
    assert time.monotonic() - asked >= 0.4
    assert on.happened() == 1


async def test_a_create_that_is_carried_out_twice_is_told_that_it_exists(on: Client) -> None:
    on.fault("replay")
    answer = await on.venue.call("POST", ORDERS, json=ORDER | {"client_order_id": "mine-1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "order_already_exists")
    assert len(on.venue.account.orders) == 1
    assert on.happened() == 1


async def test_a_balance_lags_and_catches_up(on: Client) -> None:
    on.fault("lag", by=0.5, **{"for": 60})
    take = ORDER | {"price": "0.5800", "time_in_force": "immediate_or_cancel"}

    async def balance() -> str:
        text: str = (await on.venue.call("GET", "/portfolio/balance")).json()["balance_dollars"]
        return text

    assert await balance() == "100.0000"
    assert (await on.venue.call("POST", ORDERS, json=take)).status_code == 201
    assert await balance() == "100.0000"
    await asyncio.sleep(0.5)
    assert float(await balance()) < 99.5
    assert on.happened() == 3


# -- the exchange and its markets ------------------------------------------------------------------------------


@pytest.mark.parametrize(("do", "create", "cancel"), [("halt", 409, 200), ("shut", 503, 503)])
async def test_the_exchange_pauses_and_resumes(on: Client, do: str, create: int, cancel: int) -> None:
    mine = (await on.venue.call("POST", ORDERS, json=ORDER)).json()["order_id"]
    on.fault(do, **{"for": 0.5})
    assert (await on.venue.call("POST", ORDERS, json=ORDER)).status_code == create
    status = (await on.venue.call("GET", "/exchange/status")).json()
    assert (status["trading_active"], status["exchange_active"]) == (False, do == "halt")
    assert (await on.venue.call("DELETE", f"{ORDERS}/{mine}")).status_code == cancel
    await asyncio.sleep(0.5)
    assert (await on.venue.call("GET", "/exchange/status")).json()["trading_active"]
    assert (await on.venue.call("POST", ORDERS, json=ORDER)).status_code == 201
    assert on.happened() == 1


@pytest.mark.parametrize(
    ("do", "status", "later"),
    [("pause", "inactive", "active"), ("close", "closed", "closed"), ("void", "finalized", "finalized")],
)
async def test_a_market_is_paused_closed_early_or_void(on: Client, do: str, status: str, later: str) -> None:
    take = ORDER | {"price": "0.5800", "time_in_force": "immediate_or_cancel"}
    assert (await on.venue.call("POST", ORDERS, json=take)).status_code == 201
    on.fault(do, market="KXTEST*", **{"for": 0.3})
    market = (await on.venue.call("GET", f"/markets/{TICKER}")).json()["market"]
    assert market["status"] == status
    if do == "void":
        assert (market["result"], market["settlement_value_dollars"]) == ("scalar", "0.5800")
        assert on.venue.account.position(TICKER) == 0
    assert on.left == ([] if do == "pause" else [TICKER])
    await asyncio.sleep(0.4)
    assert (await on.venue.call("GET", f"/markets/{TICKER}")).json()["market"]["status"] == later
    assert on.venue.exchange.audit() == []
    assert on.happened() == 1
