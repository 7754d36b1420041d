"""A position past its cap by own fills is reduced on the exchange: to nine tenths, and only lots of our own."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from virtual_desk import VirtualDesk, settings

from kalshi_tui.practice.matching import Order
from kalshi_tui.protocol.orders import TimeInForce
from kalshi_tui.protocol.units import CONTRACT, Count, Side

TICKER = "PRCPI-26NOV-T0.2"
CAP: Count = 12 * CONTRACT


def bid_of(desk: VirtualDesk) -> Order:
    """The engine's bid as it rests at the exchange."""
    for _ in range(100):
        resting = [o for o in desk.account.orders.values() if o.status == "resting"]
        mine = [o for o in resting if o.ticker == TICKER and o.side is Side.BID]
        if mine:
            return mine[0]
        desk.run(0.1)
    raise AssertionError(f"no bid: {desk.kernel.state.markets[TICKER].why}")


def sell_into(desk: VirtualDesk, order: Order) -> None:
    """A stranger sells down to the engine's bid, through whatever stands before it."""
    stranger = desk.exchange.house_account("stranger")
    bids = list(desk.exchange.markets[TICKER].book.side(Side.BID).orders())
    count = sum(o.remaining for o in bids[: bids.index(order) + 1])  # best first, oldest first
    desk.exchange.place(
        stranger, TICKER, Side.ASK, order.price, count, now=desk.now.wall, time_in_force=TimeInForce.IOC
    )


def held(desk: VirtualDesk) -> Count:
    position = desk.account.positions.get(TICKER)
    return 0 if position is None else position.count


def limited(desk: VirtualDesk, cap: Count) -> None:
    r0 = desk.kernel.state.chain.r0
    r0.params = replace(r0.params, market_cap=cap)


@pytest.mark.parametrize("found", [0, 14 * CONTRACT])
def test_a_breach_by_fills_comes_back_to_nine_tenths_and_leaves_found_lots(found: Count) -> None:
    desk = VirtualDesk("calm", 3, settings(default_engine="m0"))
    if found:
        maker = desk.exchange.house_account("somebody")
        price = 9_900
        desk.exchange.place(desk.account, TICKER, Side.BID, price, found, now=desk.now.wall)
        desk.exchange.place(
            maker, TICKER, Side.ASK, price, found, now=desk.now.wall, time_in_force=TimeInForce.IOC
        )
        desk.exchange.outbox.clear()
    desk.run(1.0)
    assert held(desk) == found
    sell_into(desk, bid_of(desk))
    desk.run(0.5)
    first = held(desk)
    assert first > found
    bid = bid_of(desk)
    limited(desk, CAP)
    sell_into(desk, bid)
    breached = held(desk)
    assert breached > CAP

    lowest = breached
    for _ in range(300):
        desk.run(0.1)
        lowest = min(lowest, held(desk))
    wanted = max(CAP * 9 // 10, found)
    assert lowest == wanted
    assert held(desk) <= max(CAP, found)


def test_a_tightened_limit_sweeps_nothing() -> None:
    desk = VirtualDesk("calm", 3, settings(default_engine="m0"))
    desk.run(1.0)
    sell_into(desk, bid_of(desk))
    desk.run(0.5)
    before = held(desk)
    limited(desk, before // 2)
    sold = [o for o in desk.account.orders.values() if o.time_in_force is not TimeInForce.GTC]
    desk.run(20.0)
    assert [o for o in desk.account.orders.values() if o.time_in_force is not TimeInForce.GTC] == sold == []
    assert desk.kernel.state.markets[TICKER].flatten is None
