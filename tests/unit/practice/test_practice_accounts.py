"""Cash, collateral, cost and profit of accounts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from practice_kit import ASK, BID, NOW, Trader, exchange, market

from kalshi_tui.practice.accounts import Position
from kalshi_tui.practice.refusals import INSUFFICIENT_BALANCE
from kalshi_tui.protocol.units import DOLLAR, ONE, Side


def test_yes_costs_its_price_and_no_costs_the_rest() -> None:
    ex = exchange(multiplier=0)
    long, short = Trader(ex, "long"), Trader(ex, "short")
    short.rest(ASK, 30, 10)
    long.rest(BID, 30, 10)
    assert 1_000 * DOLLAR - long.cash == 3 * DOLLAR
    assert 1_000 * DOLLAR - short.cash == 7 * DOLLAR
    assert ex.markets["MKT-A"].open_interest == 1_000


def test_selling_what_is_held_brings_its_price() -> None:
    ex = exchange(multiplier=0)
    me, other = Trader(ex, "me"), Trader(ex, "other")
    other.rest(ASK, 30, 10)
    me.rest(BID, 30, 10)
    other.rest(BID, 40, 4)
    me.rest(ASK, 40, 4)
    held = me.account.positions["MKT-A"]
    assert (held.count, held.cost, held.realized, held.volume, held.peak) == (
        600,
        1_800_000,
        400_000,
        1400,
        1000,
    )
    assert me.cash == 1_000 * DOLLAR - 3_000_000 + 1_600_000


def test_a_flip_closes_one_leg_and_opens_the_other() -> None:
    position = Position("T", "E", 0)
    assert position.apply(BID, 4_000, 500, 0, NOW) == -2_000_000
    assert position.apply(ASK, 6_000, 800, 0, NOW) == 3_000_000 - 1_200_000
    assert (position.count, position.cost, position.realized) == (-300, 1_200_000, 1_000_000)


@given(st.lists(st.tuples(st.sampled_from(list(Side)), st.integers(1, 9_999), st.integers(1, 5_000))))
def test_cash_is_realized_less_cost(trades: list[tuple[Side, int, int]]) -> None:
    """Whatever the order of fills, and the escrow of shorts is one dollar a contract."""
    position, cash, flow = Position("T", "E", 0), 0, 0
    for side, price, count in trades:
        cash += position.apply(side, price, count, 7, NOW)
        flow -= side.sign * price * count + 7
    assert cash == position.realized - position.cost - position.fees
    assert cash == flow - ONE * max(0, -position.count)
    assert position.cost >= 0
    assert (position.count == 0) <= (position.cost == 0)


def test_an_order_must_be_paid_for_with_its_fee() -> None:
    ex = exchange()
    Trader(ex, "maker").rest(ASK, 50, 100)
    me = Trader(ex, "me", 50)
    assert me.place(BID, 50, 100).error == INSUFFICIENT_BALANCE
    assert me.place(BID, 50, 97).error == INSUFFICIENT_BALANCE
    assert me.rest(BID, 50, 96).filled == 9_600
    assert me.cash == 50 * DOLLAR - 48 * DOLLAR - 1_680_000


def test_resting_orders_reserve_but_do_not_reduce_cash() -> None:
    ex = exchange("MKT-A", "MKT-B")
    me = Trader(ex, "me", 10)
    me.rest(BID, 40, 20)
    assert me.cash == 10 * DOLLAR
    assert me.place(BID, 50, 5, ticker="MKT-B").error == INSUFFICIENT_BALANCE
    assert me.rest(ASK, 60, 5, ticker="MKT-B").status == "resting"
    assert me.account.reserved(0) == 10 * DOLLAR
    assert me.place(BID, 1, 1).error == INSUFFICIENT_BALANCE


def test_a_position_pays_for_orders_that_close_it() -> None:
    ex = exchange(multiplier=0)
    Trader(ex, "maker").rest(ASK, 50, 20)
    me = Trader(ex, "me", 10)
    me.rest(BID, 50, 20)
    assert me.cash == 0
    assert me.rest(ASK, 60, 20).status == "resting"
    assert me.account.reserved(0) == 0
    assert me.place(ASK, 61, 1).error == INSUFFICIENT_BALANCE


def test_cash_is_held_per_shard() -> None:
    ex = exchange("MKT-A")
    ex.add_market(market("MKT-B", exchange_index=2), NOW)
    me = Trader(ex, "me")
    assert me.place(BID, 50, 1, ticker="MKT-B").error == INSUFFICIENT_BALANCE
    ex.deposit(me.account, 2, DOLLAR)
    assert me.rest(BID, 50, 1, ticker="MKT-B").status == "resting"


def test_the_audit_finds_what_is_missing() -> None:
    ex = exchange()
    maker, taker = Trader(ex, "maker"), Trader(ex, "taker")
    maker.rest(ASK, 50, 3)
    taker.rest(BID, 50, 3)
    assert ex.audit() == []
    taker.account.pay(0, 1, NOW)
    assert len(ex.audit()) == 2
    taker.account.pay(0, -1, NOW)
    maker.account.positions["MKT-A"].count += 1
    assert any("sum to 1" in line for line in ex.audit())
