"""Fees to the micro-dollar: the published examples, the real fills, the accumulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from practice_kit import ASK, BID, NOW, Trader, exchange

from kalshi_tui.practice.fees import DIRECT_2026_08, PUBLISHED, Charge, Rounding, charge, require_known
from kalshi_tui.protocol.market import FeeSchedule, FeeType
from kalshi_tui.protocol.units import Side, parse_count, parse_money, parse_price

PLAIN = FeeSchedule()
CENT_PUBLISHED = Rounding("published, not a direct member", step=1, grid=10_000)


def taken(rule: Rounding, price: int, count: int, *, carry: int = 0, fee: FeeSchedule = PLAIN) -> Charge:
    return charge(rule, fee, BID, price, count, is_taker=True, carry=carry, at=NOW)


def test_the_official_example() -> None:
    assert taken(CENT_PUBLISHED, 550, 100) == Charge(5_000, 1_361)


def test_a_direct_member_pays_no_whole_cents() -> None:
    assert taken(PUBLISHED, 550, 100) == Charge(3_700, 61)
    assert taken(DIRECT_2026_08, 5_000, 100) == Charge(17_500, 0)


def test_the_accumulator_pays_back_whole_grids() -> None:
    """Three one-lots of one order under the cent rule: 0.001361 each is carried until a cent is full."""
    carry, fees = 0, []
    for _ in range(9):
        one = taken(CENT_PUBLISHED, 550, 100, carry=carry)
        carry = one.carry
        fees.append(one.fee)
    # Eight times 0.001361 is 0.010888: the eighth fill would give a cent back, but costs only half of one.
    assert fees == [5_000] * 9
    assert carry == 9 * 1_361
    assert taken(CENT_PUBLISHED, 5_000, 1_000, carry=carry) == Charge(170_000, 12_249 + 5_000 - 10_000)


@pytest.mark.parametrize(
    ("cents", "contracts", "fee"),
    [(50, 100, 1_750_000), (5, 100, 340_000), (20, 100, 1_120_000), (50, 1, 20_000), (15, 1, 10_000)],
)
def test_the_published_table(cents: int, contracts: int, fee: int) -> None:
    assert taken(CENT_PUBLISHED, cents * 100, contracts * 100).fee == fee


def _real_fills(shared_data: Path) -> list[tuple[dict[str, Any], int]]:
    rows = json.loads((shared_data / "fees" / "fills.json").read_text())["fills"]
    return [(row, 500_000 if row["ticker"].startswith("KXMLB") else 1_000_000) for row in rows]


def _real_fee(rule: Rounding, row: dict[str, Any], multiplier: int) -> int:
    schedule = FeeSchedule(multiplier=multiplier)
    price, count = parse_price(row["yes_price_dollars"]), parse_count(row["count_fp"])
    side, taker = Side(row["book_side"]), bool(row["is_taker"])
    return charge(rule, schedule, side, price, count, is_taker=taker, carry=0, at=NOW).fee


def test_the_default_rule_reproduces_every_real_fill(shared_data: Path) -> None:
    fills = _real_fills(shared_data)
    assert len(fills) >= 17
    wrong = [row for row, m in fills if _real_fee(DIRECT_2026_08, row, m) != parse_money(row["fee_cost"])]
    assert wrong == []


def test_the_real_fill_that_the_published_rule_misses() -> None:
    assert taken(DIRECT_2026_08, 130, 7_194).fee == 64_780
    assert taken(PUBLISHED, 130, 7_194).fee == 64_680


@pytest.mark.parametrize(
    ("fee_type", "maker_fee"),
    [
        (FeeType.QUADRATIC, 0),
        (FeeType.QUADRATIC_WITH_MAKER_FEES, 43_800),
        (FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES, 87_500),
    ],
)
def test_makers_pay_by_fee_type(fee_type: FeeType, maker_fee: int) -> None:
    schedule = FeeSchedule(fee_type)
    got = charge(DIRECT_2026_08, schedule, BID, 5_000, 1_000, is_taker=False, carry=0, at=NOW)
    assert got.fee == maker_fee


def test_a_waiver_ends() -> None:
    waived = FeeSchedule(waived_until=NOW + 1)
    assert taken(DIRECT_2026_08, 5_000, 100, fee=waived) == Charge(0, 0)
    over = FeeSchedule(waived_until=NOW)
    assert taken(DIRECT_2026_08, 5_000, 100, fee=over).fee == 17_500


def test_a_fee_without_a_known_formula_is_refused() -> None:
    with pytest.raises(ValueError, match="flat"):
        require_known(FeeSchedule(FeeType.FLAT))
    with pytest.raises(ValueError, match="flat"):
        exchange(fee_type="flat")


@given(
    st.sampled_from([DIRECT_2026_08, PUBLISHED, CENT_PUBLISHED]),
    st.sampled_from(list(Side)),
    st.booleans(),
    st.lists(st.tuples(st.integers(1, 9_999), st.integers(1, 100_000)), min_size=1, max_size=8),
)
def test_fees_align_cash_and_never_pay(
    rule: Rounding, side: Side, is_taker: bool, trades: list[tuple[int, int]]
) -> None:
    """Every fill leaves cash on the grid, no fee is negative, and an order never pays less than its trade fees
    nor a whole grid more than it carries."""
    carry = paid = least = 0
    schedule = FeeSchedule(FeeType.QUADRATIC_WITH_MAKER_FEES)
    for price, count in trades:
        one = charge(rule, schedule, side, price, count, is_taker=is_taker, carry=carry, at=NOW)
        model = (700 if is_taker else 175) * 10**6 * count * price * (10_000 - price)
        assert one.fee >= 0
        assert (-side.sign * price * count - one.fee) % rule.grid == 0
        paid += one.fee
        least += -(-model // (10**14 * rule.step)) * rule.step
        carry = one.carry
    assert carry >= 0
    assert paid == least + carry


def test_series_event_and_market_settle_the_fee() -> None:
    ex = exchange(fee_type="quadratic_with_maker_fees", multiplier=0.5)
    maker, taker = Trader(ex, "maker"), Trader(ex, "taker")

    def fees() -> tuple[int, int]:
        maker.rest(ASK, 50, 1)
        taker.rest(BID, 50, 1)
        return maker.account.fills[-1].fee, taker.account.fills[-1].fee

    assert fees() == (2_200, 8_800)
    ex.set_event_fee("EVT", "quadratic", 1, NOW)
    assert fees() == (0, 17_500)
    ex.set_event_fee("EVT", None, 0, NOW)
    assert fees() == (0, 0)
    ex.set_event_fee("EVT", None, None, NOW)
    assert fees() == (2_200, 8_800)


def test_one_order_carries_its_rounding_over_its_fills() -> None:
    """0.01 contract at 1.5 cents costs 0.00015: each fill of the order rounds up until the carry pays one back."""
    tenths = [{"start": "0.0000", "end": "1.0000", "step": "0.0010"}]
    ex = exchange(price_ranges=tenths)
    maker, taker = Trader(ex, "maker"), Trader(ex, "taker")
    order = maker.rest(BID, 1.5, 0.04)
    for _ in range(4):
        taker.rest(ASK, 1.5, 0.01)
    assert [fill.fee for fill in maker.account.fills] == [50, 50, 50, 50]
    assert (order.maker_fees, order.carry) == (200, 200)
    assert ex.audit() == []
