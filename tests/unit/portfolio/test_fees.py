"""Fees: dated rounding, roles, waivers, multipliers, the per-order accumulator."""

from __future__ import annotations

import pytest

from kalshi_tui.portfolio.fees import (
    MEASURED,
    PUBLISHED,
    PUBLISHED_NON_DIRECT,
    FeeAccumulator,
    maker_fee_rate,
    rule_at,
    taker_fee_rate,
    trade_fee,
)
from kalshi_tui.protocol.market import FeeSchedule, FeeType
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, ONE, Side

WALL = 1_780_000_000_000_000_000
MAKER_FEES = FeeSchedule(FeeType.QUADRATIC_WITH_MAKER_FEES)


def test_a_direct_member_pays_175_hundredths_of_a_cent_for_one_at_fifty() -> None:
    assert trade_fee(FeeSchedule(), 5000, CONTRACT, True, WALL) == 17_500


def test_makers_pay_nothing_on_plain_series_and_a_quarter_where_fees_apply() -> None:
    assert trade_fee(FeeSchedule(), 5000, 100 * CONTRACT, False, WALL) == 0
    assert trade_fee(MAKER_FEES, 5000, 100 * CONTRACT, False, WALL) == 437_500
    combo = FeeSchedule(FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES)
    assert trade_fee(combo, 5000, 100 * CONTRACT, False, WALL) == 875_000


@pytest.mark.parametrize("kind", [FeeType.FLAT, FeeType.UNKNOWN])
def test_unknown_fee_types_are_never_taken_as_cheap(kind: FeeType) -> None:
    assert maker_fee_rate(FeeSchedule(kind)) == 0.035
    assert taker_fee_rate(FeeSchedule(kind)) == 0.07


def test_rates_carry_the_series_multiplier() -> None:
    half = FeeSchedule(FeeType.QUADRATIC_WITH_MAKER_FEES, multiplier=500_000)
    assert maker_fee_rate(half) == pytest.approx(0.00875)
    assert taker_fee_rate(half) == pytest.approx(0.035)
    free = FeeSchedule(multiplier=0)
    assert trade_fee(free, 5000, CONTRACT, True, WALL) == 0


def test_a_waiver_ends_at_its_time() -> None:
    waived = FeeSchedule(waived_until=WALL)
    assert trade_fee(waived, 5000, CONTRACT, True, WALL - 1) == 0
    assert trade_fee(waived, 5000, CONTRACT, True, WALL) == 17_500


def test_the_rounding_rule_goes_by_date() -> None:
    assert rule_at(0) is MEASURED
    assert rule_at(PUBLISHED.since - 1) is MEASURED
    assert rule_at(PUBLISHED.since) is PUBLISHED


def test_buyer_and_seller_are_each_rounded_against_themselves() -> None:
    # 0.33 contracts at 0.1234: the notional ends in fractions of $0.0001.
    price, count = 1234, 33
    for side in Side:
        fee = trade_fee(FeeSchedule(), price, count, True, WALL, side)
        balance = -side.sign * price * count - fee
        assert balance % MEASURED.balance_step == 0
    bought = trade_fee(FeeSchedule(), price, count, True, WALL, Side.BID)
    as_no = trade_fee(FeeSchedule(), ONE - price, count, True, WALL, Side.ASK)
    assert bought == as_no


def test_the_accumulator_gives_whole_steps_back_but_never_more_than_the_fill_cost() -> None:
    order = FeeAccumulator(PUBLISHED_NON_DIRECT)
    nets = [order.charge(FeeSchedule(), 550, CONTRACT, True, WALL).net for _ in range(8)]
    # 1 @ 0.055 rounds up by 0.001361 each time; the eighth fill would return a cent, and a fill costs half of one.
    assert nets == [5_000] * 8
    assert order.carry == 8 * 1_361
    assert order.charge(FeeSchedule(), 5050, 10 * CONTRACT, True, WALL).rebate == 10_000


def test_a_rebate_is_capped_at_the_fills_own_charge() -> None:
    order = FeeAccumulator(PUBLISHED_NON_DIRECT)
    order.carry = 3 * DOLLAR
    charge = order.charge(FeeSchedule(), 5000, CONTRACT, True, WALL)
    assert charge.net >= 0
    assert charge.rebate == (charge.trade_fee + charge.rounding_fee) // 10_000 * 10_000
