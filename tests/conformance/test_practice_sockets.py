"""The served exchange from outside: limits, odd requests, the heartbeat, the process and its end."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from practice_served import ORDER, ORDERS, TICKER, Served, served
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from kalshi_tui.practice import sockets
from kalshi_tui.protocol.units import Side


async def test_the_basic_tier_sends_ten_orders_and_is_told_to_wait(tmp_path: Path) -> None:
    async with served(tmp_path, "basic") as exchange:
        many = {"orders": [ORDER] * 10}
        too_many = await exchange.call("POST", ORDERS + "/batched", json={"orders": [ORDER] * 11})
        assert (too_many.status_code, too_many.json()) == (429, {"error": "too many requests"})
        assert "retry-after" not in too_many.headers
        made = await exchange.call("POST", ORDERS + "/batched", json=many)
        assert made.status_code == 201
        assert (await exchange.call("POST", ORDERS, json=ORDER)).status_code == 429
        # Public calls without a signature and reads are paid from elsewhere.
        assert (await exchange.call("GET", "/markets", headers={})).status_code == 200
        assert (await exchange.call("GET", "/portfolio/orders")).status_code == 200


async def test_odd_requests_are_answered_in_words(tmp_path: Path) -> None:
    async with served(tmp_path) as exchange:
        unknown = await exchange.call("GET", "/nothing/here", headers={})
        assert (unknown.status_code, unknown.text) == (404, "404 page not found")
        slash = await exchange.call("GET", "/markets/", headers={})
        assert (slash.status_code, slash.headers["location"]) == (301, "/trade-api/v2/markets")
        missing = await exchange.call("GET", "/markets/NOPE", headers={})
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
        assert (await exchange.call("GET", "/portfolio/fills", headers={})).status_code == 401
        for fields, code in (
            ({"price": "1E-1"}, "bad_request"),
            ({"price": "NaN"}, "bad_request"),
            ({"price": "0.40001"}, "invalid_price"),
            ({"count": "0.001"}, "invalid_order_size"),
            ({"count": "9" * 5000}, "bad_request"),
            ({"side": "yes"}, "bad_request"),
            ({"ticker": ""}, "bad_request"),
            ({"time_in_force": None}, "bad_request"),
            ({"post_only": "yes"}, "bad_request"),
            ({"expiration_time": "soon"}, "bad_request"),
            ({"expiration_time": 1}, "invalid_order"),
            ({"expiration_time": 9_000_000_000_000_000}, "invalid_order"),
            ({"client_order_id": "x" * 65}, "invalid_order"),
            ({"subaccount": 3}, "invalid_subaccount"),
            ({"exchange_index": 2}, "market_not_found"),
            ({"reduce_only": True}, "invalid_order"),
        ):
            answer = await exchange.call("POST", ORDERS, json={**ORDER, **fields})
            body = answer.json()
            assert body.get("error", body)["code"] == code, (fields, body)
        for raw in (b"", b"[1]", b"{", b'"x"', b"[" * 100_000):
            headers = exchange.headers("POST", "/trade-api/v2" + ORDERS)
            odd = await exchange.http.post(exchange.root + ORDERS, content=raw, headers=headers)
            assert (odd.status_code, odd.json()["code"]) == (400, "bad_request")
        for date in ("soon", "2026-12-01T00:00:00"):
            odd = await exchange.call("GET", f"/milestones?limit=1&minimum_start_date={date}", headers={})
            assert odd.status_code == 400
        assert exchange.exchange.audit() == []


async def test_an_order_of_another_shard_needs_its_market(tmp_path: Path) -> None:
    async with served(tmp_path) as exchange:
        exchange.exchange.add_market(Served.market("KXTEST-26-S", exchange_index=2))
        exchange.exchange.deposit(exchange.account, 2, 1_000_000)
        made = (await exchange.call("POST", ORDERS, json={**ORDER, "ticker": "KXTEST-26-S"})).json()
        path = f"{ORDERS}/{made['order_id']}"
        assert (await exchange.call("DELETE", path)).status_code == 404
        assert (await exchange.call("DELETE", path + "?exchange_index=1")).status_code == 404
        assert (await exchange.call("DELETE", path + "?market_ticker=KXTEST-26-S")).status_code == 200
        balance = (await exchange.call("GET", "/portfolio/balance")).json()
        assert [row["balance"] for row in balance["balance_breakdown"]] == ["100.0000", "1.0000"]


async def test_filters_of_orders_fills_and_events(tmp_path: Path) -> None:
    async with served(tmp_path) as exchange:
        exchange.trade(Side.ASK, 45, 1)
        for price in ("0.4000", "0.4500", "0.4100"):
            await exchange.call("POST", ORDERS, json={**ORDER, "price": price})

        async def count(path: str, name: str) -> int:
            return len((await exchange.call("GET", path)).json()[name])

        assert await count("/portfolio/orders?status=resting", "orders") == 2
        assert await count("/portfolio/orders?status=executed", "orders") == 1
        assert await count("/portfolio/orders?event_ticker=OTHER", "orders") == 0
        assert await count("/portfolio/orders?min_ts=4102444800", "orders") == 0
        assert await count("/portfolio/orders?max_ts=4102444800", "orders") == 3
        assert await count(f"/portfolio/fills?ticker=A,{TICKER}", "fills") == 1
        assert await count("/portfolio/fills?ticker=A", "fills") == 0
        assert await count("/portfolio/positions?count_filter=position", "market_positions") == 1
        assert await count("/events?status=open", "events") == 1
        assert await count("/events?status=settled", "events") == 0
        assert await count("/markets?status=closed", "markets") == 0
        assert await count("/markets?max_close_ts=1", "markets") == 0
        first = (await exchange.call("GET", "/portfolio/orders?limit=2")).json()
        rest = (await exchange.call("GET", f"/portfolio/orders?limit=2&cursor={first['cursor']}")).json()
        prices = [row["yes_price_dollars"] for row in first["orders"] + rest["orders"]]
        assert (prices, rest["cursor"]) == (["0.4100", "0.4500", "0.4000"], "")
        for path in (
            "/markets?status=active",
            "/portfolio/orders?status=gone",
            "/portfolio/orders?min_ts=x",
            "/markets?limit=--5",
        ):
            assert (await exchange.call("GET", path)).status_code == 400


async def test_books_are_ascending_and_depth_keeps_the_best(tmp_path: Path) -> None:
    async with served(tmp_path) as exchange:
        for cents in (40, 42, 41):
            exchange.trade(Side.BID, cents, 1)
            exchange.trade(Side.ASK, 100 - cents, 2)

        async def book(query: str) -> Any:
            path = f"/markets/{TICKER}/orderbook{query}"
            return (await exchange.call("GET", path, headers={})).json()["orderbook_fp"]

        prices = ["0.4000", "0.4100", "0.4200"]
        assert await book("") == await book("?depth=0") == await book("?depth=-1")
        assert (await book(""))["yes_dollars"] == [[price, "1.00"] for price in prices]
        assert (await book("?depth=2"))["no_dollars"] == [[price, "2.00"] for price in prices[1:]]


async def test_the_oracle_tells_the_truth_of_the_account(tmp_path: Path) -> None:
    async with served(tmp_path) as exchange:
        exchange.trade(Side.ASK, 40, 1)
        await exchange.call("POST", ORDERS, json=ORDER)
        answer = await exchange.http.get(exchange.root.replace("/trade-api/v2", "/practice/oracle"))
        truth = answer.json()
        assert (truth["cash"], truth["audit"]) == ("99.583200", [])
        assert truth["positions"][TICKER]["peak"] == "1.00"
        assert [row["status"] for row in truth["orders"]] == ["executed"]


async def test_a_handshake_must_be_signed(tmp_path: Path) -> None:
    async with served(tmp_path) as exchange:
        for headers in ({}, exchange.headers("GET", "/trade-api/v2/portfolio/balance")):
            with pytest.raises(InvalidStatus) as refused:
                await connect(exchange.ws, additional_headers=headers)
            assert refused.value.response.status_code == 401
        assert exchange.service.hub.sessions == []


async def test_the_server_pings_with_heartbeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "PING_EVERY_S", 0.05)
    heard: list[bytes] = []
    async with served(tmp_path) as exchange:
        headers = exchange.headers("GET", "/trade-api/ws/v2")
        async with connect(exchange.ws, additional_headers=headers) as socket:
            protocol = socket.protocol
            recv_frame = protocol.recv_frame

            def listen(frame: Any) -> None:
                if frame.opcode == 0x9:
                    heard.append(bytes(frame.data))
                recv_frame(frame)

            protocol.recv_frame = listen  # type: ignore[method-assign]
            await asyncio.sleep(0.2)
            await asyncio.wait_for(await socket.ping(), 1)
    assert len(heard) >= 2
    assert set(heard) == {b"heartbeat"}


async def test_a_client_that_leaves_is_forgotten(tmp_path: Path) -> None:
    async with served(tmp_path) as exchange:
        headers = exchange.headers("GET", "/trade-api/ws/v2")
        async with connect(exchange.ws, additional_headers=headers) as socket:
            subscribe = {"channels": ["orderbook_delta"], "market_ticker": TICKER}
            await socket.send(json.dumps({"id": 1, "cmd": "subscribe", "params": subscribe}))
            await socket.recv()
            assert len(exchange.service.hub.sessions) == 1
        await asyncio.sleep(0.05)
        assert exchange.service.hub.sessions == []
        exchange.trade(Side.BID, 40, 1)


# -- the process ---------------------------------------------------------------------------------------------


@contextmanager
def process(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """``python -m kalshi_tui.practice`` and its ready line; killed at the end if it still runs."""
    command = [sys.executable, "-m", "kalshi_tui.practice", "--port", "0", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as child:
        try:
            assert child.stdout is not None
            yield child, json.loads(child.stdout.readline())
        finally:
            child.kill()


@pytest.mark.parametrize("key", ["ed25519", "rsa"])
def test_the_ready_line_is_all_that_a_client_needs(key: str) -> None:
    with process("--seed", "7", "--key", key) as (child, ready):
        assert ready.keys() == {"type", "rest", "ws", "key_id", "key_file", "seed"}
        assert (ready["type"], ready["seed"]) == ("ready", 7)
        assert ready["rest"].startswith("http://127.0.0.1:")
        kind = "RSA PRIVATE KEY" if key == "rsa" else "PRIVATE KEY"
        assert Path(ready["key_file"]).read_text().startswith(f"-----BEGIN {kind}-----")
        assert httpx.get(ready["rest"] + "/exchange/status").json()["trading_active"] is True
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=5)
        assert (child.returncode, out, err) == (0, "", "")
        assert not Path(ready["key_file"]).parent.exists()


def test_it_ends_when_its_parent_closes_the_pipe() -> None:
    with process("--seed", "7", "--parent-pipe") as (child, _):
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(timeout=5) == 0


@pytest.mark.parametrize(("option", "value"), [("--scenario", "nope"), ("--speed", "0")])
def test_an_option_that_means_nothing_is_said_in_a_line(option: str, value: str) -> None:
    command = [sys.executable, "-m", "kalshi_tui.practice", option, value]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
