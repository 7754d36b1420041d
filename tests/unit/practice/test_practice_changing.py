"""Cancel, decrease, amend: who keeps the place in the queue."""

from __future__ import annotations

from typing import Any

import pytest
from practice_kit import ASK, BID, NOW, Trader, exchange

from kalshi_tui.practice.changing import AmendResult
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.matching import Order
from kalshi_tui.practice.refusals import (
    CLIENT_ID_MISMATCH,
    CLIENT_ID_TOO_LONG,
    EXPIRATION_ABSURD,
    EXPIRATION_PAST,
    INSUFFICIENT_BALANCE,
    INVALID_PRICE,
    INVALID_SIZE,
    NOT_FOUND,
    ORDER_EXISTS,
    POST_ONLY_CROSS,
    SIDE_MISMATCH,
    TICKER_MISMATCH,
)
from kalshi_tui.protocol.units import SECOND, Side


def amend(
    me: Trader,
    order: Order,
    cents: float,
    contracts: float,
    ticker: str = "MKT-A",
    side: Side | None = None,
    **options: Any,
) -> AmendResult:
    price, count = round(cents * 100), round(contracts * 100)
    account, side = me.account, side or order.side
    return me.exchange.amend(account, order.order_id, ticker, side, price, count, now=NOW, **options)


def queue(ex: Exchange) -> tuple[Trader, Order, Order, Order]:
    """Three orders of one price; the middle one is ours to change."""
    me = Trader(ex, "me")
    front = Trader(ex, "front").rest(BID, 40, 5)
    mine = me.rest(BID, 40, 10, client_order_id="mine")
    back = Trader(ex, "back").rest(BID, 40, 7)
    return me, front, mine, back


def test_queue_positions_count_contracts_ahead_from_zero() -> None:
    ex = exchange()
    _, front, mine, back = queue(ex)
    assert [ex.ahead_of(order) for order in (front, mine, back)] == [0, 500, 1500]
    Trader(ex, "taker").rest(ASK, 40, 2)
    assert [ex.ahead_of(order) for order in (front, mine, back)] == [0, 300, 1300]


def test_decrease_keeps_the_place() -> None:
    ex = exchange()
    me, _, mine, back = queue(ex)
    changed, error = ex.decrease(me.account, mine.order_id, now=NOW, reduce_by=400)
    assert (changed, error) == (mine, None)
    assert (mine.remaining, mine.reason, ex.ahead_of(mine), ex.ahead_of(back)) == (600, "Decrease", 500, 1100)
    ex.decrease(me.account, mine.order_id, now=NOW, reduce_to=100)
    assert mine.remaining == 100
    ex.decrease(me.account, mine.order_id, now=NOW, reduce_to=0)
    assert (mine.status, mine.remaining, ex.levels("MKT-A", BID, 1)) == ("canceled", 0, [(4000, 1200)])


@pytest.mark.parametrize(
    "how", [{}, {"reduce_by": 1, "reduce_to": 1}, {"reduce_by": 0}, {"reduce_to": 1000}, {"reduce_to": -1}]
)
def test_a_decrease_must_decrease(how: dict[str, Any]) -> None:
    ex = exchange()
    me, _, mine, _ = queue(ex)
    _, error = ex.decrease(me.account, mine.order_id, now=NOW, **how)
    assert error is not None
    assert mine.remaining == 1000


def test_amend_to_less_keeps_the_place() -> None:
    ex = exchange()
    me, _, mine, _ = queue(ex)
    result = amend(me, mine, 40, 6)
    assert result.resized
    assert (mine.remaining, mine.initial, ex.ahead_of(mine)) == (600, 600, 500)


def test_amend_of_the_expiration_alone_keeps_the_place() -> None:
    ex = exchange()
    me, _, mine, _ = queue(ex)
    ex.drain()
    before = ex.markets["MKT-A"].clock
    result = amend(me, mine, 40, 10, expiration_s=NOW // SECOND + 60)
    assert (result.resized, result.error, ex.ahead_of(mine)) == (False, None, 500)
    assert mine.expiration == NOW + 60 * SECOND
    assert ex.markets["MKT-A"].clock == before
    amend(me, mine, 40, 10, expiration_s=NOW // SECOND + 120)
    ex.expire(NOW + 60 * SECOND)
    assert mine.status == "resting"
    amend(me, mine, 40, 10)
    assert mine.expiration == NOW + 120 * SECOND
    amend(me, mine, 40, 10, expiration_s=0)
    ex.expire(NOW + 3600 * SECOND)
    left = [(order.expiration, order.status) for order in me.account.orders.values()]
    assert left == [(None, "resting")]


@pytest.mark.parametrize(("cents", "contracts"), [(40, 11), (39, 10), (41, 5)])
def test_amend_to_more_or_elsewhere_goes_to_the_back(cents: float, contracts: float) -> None:
    ex = exchange()
    me, _, mine, back = queue(ex)
    Trader(ex, "there").rest(BID, cents, 1)
    assert amend(me, mine, cents, contracts).error is None
    level = sum(count for price, count in ex.levels("MKT-A", BID, 9) if price == mine.price)
    assert ex.ahead_of(mine) == level - mine.remaining
    assert ex.ahead_of(back) == 500


def test_the_count_of_an_amend_is_the_total() -> None:
    ex = exchange()
    me = Trader(ex, "me")
    mine = me.rest(BID, 40, 10)
    Trader(ex, "taker").rest(ASK, 40, 4)
    amend(me, mine, 40, 6)
    assert (mine.filled, mine.remaining) == (400, 200)
    assert amend(me, mine, 40, 4).error == INVALID_SIZE


def test_amend_may_cross_and_fill() -> None:
    ex = exchange()
    me = Trader(ex, "me")
    Trader(ex, "maker").rest(ASK, 45, 3)
    mine = me.rest(BID, 40, 10)
    result = amend(me, mine, 46, 10)
    assert [(fill.price, fill.count) for fill in result.fills] == [(4500, 300)]
    assert (mine.price, mine.remaining, mine.status) == (4600, 700, "resting")
    assert ex.audit() == []


def test_a_post_only_order_is_not_amended_across() -> None:
    ex = exchange()
    me = Trader(ex, "me")
    Trader(ex, "maker").rest(ASK, 45, 3)
    mine = me.rest(BID, 40, 10, post_only=True)
    assert amend(me, mine, 46, 10).error == POST_ONLY_CROSS
    assert (mine.price, mine.status) == (4000, "resting")


def test_amend_refusals_leave_the_order_alone() -> None:
    ex = exchange("MKT-A", "MKT-B")
    me, _, mine, _ = queue(ex)
    me.rest(BID, 30, client_order_id="taken")
    past = NOW // SECOND - 1
    assert amend(me, mine, 40, 10, ticker="MKT-B").error == TICKER_MISMATCH
    assert amend(me, mine, 40, 10, side=ASK).error == SIDE_MISMATCH
    assert amend(me, mine, 40, 10, client_order_id="other").error == CLIENT_ID_MISMATCH
    assert amend(me, mine, 40, 10, updated_client_order_id="taken").error == ORDER_EXISTS
    assert amend(me, mine, 40, 10, updated_client_order_id="x" * 65).error == CLIENT_ID_TOO_LONG
    assert amend(me, mine, 40, 10, expiration_s=10**15).error == EXPIRATION_ABSURD
    assert amend(me, mine, 40.5, 10).error == INVALID_PRICE
    assert amend(me, mine, 40, 10, expiration_s=past).error == EXPIRATION_PAST
    assert amend(me, mine, 40, 100_000).error == INSUFFICIENT_BALANCE
    assert (mine.price, mine.remaining, ex.ahead_of(mine), mine.status) == (4000, 1000, 500, "resting")
    assert ex.audit() == []


def test_an_amend_may_rename_the_order() -> None:
    ex = exchange()
    me, _, mine, _ = queue(ex)
    assert amend(me, mine, 40, 10, client_order_id="mine", updated_client_order_id="new").error is None
    assert mine.client_order_id == "new"
    assert me.place(BID, 40, client_order_id="new").error == ORDER_EXISTS


def test_what_does_not_rest_is_not_found() -> None:
    ex = exchange()
    me, _, mine, _ = queue(ex)
    assert ex.cancel(me.account, mine.order_id, now=NOW) == (1000, None)
    assert ex.cancel(me.account, mine.order_id, now=NOW) == (0, NOT_FOUND)
    assert ex.cancel(Trader(ex, "you").account, mine.order_id, now=NOW) == (0, NOT_FOUND)
    assert amend(me, mine, 40, 10).error == NOT_FOUND


def test_cancel_all_takes_every_order_of_the_account_alone() -> None:
    ex = exchange("MKT-A", "MKT-B")
    me, front, mine, _ = queue(ex)
    other = me.rest(ASK, 60, ticker="MKT-B")
    assert ex.cancel_all(me.account, now=NOW) is None
    assert (mine.status, other.status, front.status) == ("canceled", "canceled", "resting")
