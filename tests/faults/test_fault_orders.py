"""Faults of orders and stops: answers lost, fills racing cancels, kills while something is under way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fault_bench import bench
from practice_served import TICKER

from kalshi_tui.protocol.commands import Scope, Stop
from kalshi_tui.protocol.orders import OrderState
from kalshi_tui.protocol.units import Side

pytestmark = pytest.mark.fault
EVERYTHING = Scope()
UNSURE = (OrderState.UNKNOWN, OrderState.SENT)


async def test_f31_a_create_whose_answer_is_lost_is_adopted_and_not_sent_again(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(short_folder, monkeypatch) as on:
        on.reins.lose_answers = 2
        await on.start()
        await on.until(lambda: on.reins.lost == 2)
        orders = on.state.orders
        await on.until(lambda: not [o for o in orders.open_orders() if o.state in UNSURE], 6.0)
        theirs = {order.client_order_id for order in on.venue.account.orders.values()}
        assert len(theirs) == len(on.venue.account.orders), "an order was sent twice"
        assert {o.client_order_id for o in orders.open_orders()} == {o.client_order_id for o in on.resting()}
        for side in Side:
            assert sum(order.side is side for order in on.resting()) <= 1
        assert await on.stop() == 0
        assert on.resting() == []
        assert on.desk.core.summary()["unreconciled"] == 0


async def test_f40_a_partial_fill_that_races_the_cancel_leaves_exactly_it(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(short_folder, monkeypatch) as on:
        await on.start()
        bid = next(order for order in on.resting() if order.side is Side.BID)
        asking = asyncio.create_task(on.ask(Stop(0, "pull", EVERYTHING)))
        on.hit(1)  # before the pull can have reached the exchange
        assert bid.status == "resting" and (bid.filled, bid.remaining > 0) == (100, True)
        assert (await asking)[0]
        await on.until(lambda: not on.resting())
        await on.until(lambda: on.state.ledger.position(TICKER) == 100)
        assert (bid.status, bid.filled) == ("canceled", 100)
        mine = on.state.orders.by_order_id[bid.order_id]
        await on.until(lambda: mine.exposure == 0)
        assert mine.filled == 100 and mine.state is OrderState.CANCELED
        assert await on.stop() == 0
        assert on.desk.core.summary()["unreconciled"] == 0


async def test_f60_an_order_under_way_at_the_kill_is_found_and_cancelled(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(short_folder, monkeypatch) as on:
        on.reins.hold = asyncio.Event()
        starting = asyncio.create_task(on.start())
        await on.until(lambda: on.reins.held == 2, 8.0)
        done, text = await on.ask(Stop(0, "kill", EVERYTHING))
        assert done and "killed" in text
        creates = on.reins.creates
        on.reins.hold.set()  # only now do they reach the exchange, and rest
        await on.until(lambda: len(on.venue.account.orders) == 2)
        await on.until(lambda: not on.resting(), 6.0)
        await on.until(lambda: (on.state.orders.open_count(), on.state.orders.unresolved()) == (0, []), 6.0)
        assert on.reins.creates == creates == 2
        assert {order.status for order in on.venue.account.orders.values()} == {"canceled"}
        starting.cancel()


async def test_f60_no_byte_of_an_order_leaves_once_the_kill_came(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kill comes while the order is being signed: it is decided and journaled, and has not left."""
    from kalshi_tui.venue.signer import Signer

    signing, kill = asyncio.Event(), asyncio.Event()
    sign = Signer.sign

    async def slowly(self: Signer, method: str, path: str, wall_ms: int) -> dict[str, str]:
        if method == "POST":
            signing.set()
            await kill.wait()
        return await sign(self, method, path, wall_ms)

    monkeypatch.setattr(Signer, "sign", slowly)
    async with bench(short_folder, monkeypatch) as on:
        starting = asyncio.create_task(on.start())
        async with asyncio.timeout(8):
            await signing.wait()
        assert (await on.ask(Stop(0, "kill", EVERYTHING)))[0]
        kill.set()
        await on.until(lambda: on.state.orders.open_count() == 0)
        assert on.state.counters.orders_sent >= 1
        assert on.reins.creates == 0
        assert on.venue.account.orders == {}
        starting.cancel()


async def test_f61_a_kill_without_rest_says_so_and_is_confirmed_when_rest_is_back(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(short_folder, monkeypatch) as on:
        await on.start()
        on.reins.down = True
        assert (await on.ask(Stop(0, "kill", EVERYTHING)))[0]
        await on.until(lambda: on.reins.refused >= 2)
        status = (await on.view()).status
        assert (status.latch, status.unconfirmed) == ("KILLED", 2)
        assert len(on.resting()) == 2
        creates = on.reins.creates
        on.reins.down = False
        await on.until(lambda: not on.resting(), 6.0)
        await on.until(lambda: on.state.orders.open_count() == 0, 6.0)
        status = (await on.view()).status
        assert (status.latch, status.unconfirmed) == ("KILLED", 0)
        assert on.reins.creates == creates
