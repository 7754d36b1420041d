"""Invariants of the ledger and of fees, for any fills."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kalshi_tui.portfolio.attribution import attribute
from kalshi_tui.portfolio.fees import MEASURED, PUBLISHED, FeeAccumulator, trade_fee
from kalshi_tui.portfolio.positions import Ledger
from kalshi_tui.protocol.market import FeeSchedule, FeeType
from kalshi_tui.protocol.orders import Fill, Settlement
from kalshi_tui.protocol.units import DOLLAR, ONE, Money, Side

PRICES = st.integers(1, ONE - 1)
COUNTS = st.integers(1, 50_000)
SCHEDULES = st.builds(
    FeeSchedule, type=st.sampled_from(list(FeeType)), multiplier=st.sampled_from([0, 500_000, 1_000_000])
)


@st.composite
def fill_lists(draw: st.DrawFn) -> list[tuple[Fill, bool]]:
    rows = draw(
        st.lists(st.tuples(st.sampled_from(list(Side)), PRICES, COUNTS, st.integers(0, 10**6), st.booleans()))
    )
    return [
        (Fill(f"t{i}", "o", "T", side, price, count, fee, False, i), found)
        for i, (side, price, count, fee, found) in enumerate(rows)
    ]


def cash_flow(fills: list[tuple[Fill, bool]]) -> Money:
    return sum(-fill.signed * fill.price - fill.fee for fill, _ in fills)


@given(fill_lists(), PRICES)
def test_realized_plus_unrealized_minus_fees_is_cash_plus_mark(
    fills: list[tuple[Fill, bool]], mark: int
) -> None:
    ledger = Ledger()
    held = ledger.of("T")
    for fill, found in fills:
        ledger.apply_fill(fill, found=found)
    unrealized = held.unrealized(mark)
    assert unrealized is not None
    assert held.realized + unrealized - held.fees == cash_flow(fills) + mark * held.position
    assert held.equity(mark) == cash_flow(fills) + mark * held.position
    assert held.position == sum(fill.signed for fill, _ in fills)


@given(fill_lists(), fill_lists(), st.integers(0, DOLLAR), PRICES)
def test_folding_a_settled_market_changes_no_sum(
    fills: list[tuple[Fill, bool]], others: list[tuple[Fill, bool]], value: Money, mark: int
) -> None:
    ledger = Ledger()
    for fill, found in fills:
        ledger.apply_fill(fill, found=found)
    for fill, found in others:
        ledger.apply_fill(replace(fill, ticker="U"), found=found)
    ledger.apply_settlement(Settlement("T", "scalar", value, 0, 0, 0, 0, 1))
    ledger.start_day({"U": mark})

    def sums() -> tuple[object, ...]:
        cash = sum(p.cash for p in ledger)
        day = sum(p.day_pnl(mark) or 0 for p in ledger)
        return ledger.totals({"U": mark}), cash, day, sum(p.volume for p in ledger)

    before, held = sums(), ledger.position("U")
    ledger.fold(["T", "U"])
    assert sums() == before
    assert ledger.get("T") is None
    assert ledger.position("U") == held


@given(fill_lists(), PRICES)
def test_own_and_found_lots_never_oppose_each_other(fills: list[tuple[Fill, bool]], mark: int) -> None:
    ledger = Ledger()
    for fill, found in fills:
        held = ledger.apply_fill(fill, found=found)
        assert held.own * held.found >= 0
        assert held.position or held.cost == 0


@given(fill_lists())
def test_relabelling_yes_and_no_changes_no_money(fills: list[tuple[Fill, bool]]) -> None:
    ledger, mirror = Ledger(), Ledger()
    for fill, found in fills:
        held = ledger.apply_fill(fill, found=found)
        other = Fill("t", "o", "T", fill.side.opposite, ONE - fill.price, fill.count, fill.fee, False, 0)
        mirrored = mirror.apply_fill(other, found=found)
        assert mirrored.position == -held.position
        assert mirrored.realized == held.realized


@given(fill_lists(), st.sampled_from([0, DOLLAR // 4, DOLLAR]), st.integers(0, 20))
def test_settlement_commutes_with_fills(fills: list[tuple[Fill, bool]], value: int, early: int) -> None:
    settlement = Settlement("T", "", value, 0, 0, 0, 0, 0)
    after, between = Ledger(), Ledger()
    for index, (fill, found) in enumerate(fills):
        after.apply_fill(fill, found=found)
        if index == early:
            between.apply_settlement(settlement)
        between.apply_fill(fill, found=found)
    one, other = after.apply_settlement(settlement), between.apply_settlement(settlement)
    assert one.position == other.position == 0
    assert one.realized == other.realized


@given(SCHEDULES, PRICES, COUNTS, st.booleans(), st.sampled_from(list(Side)))
def test_fees_are_symmetric_in_yes_and_no_and_never_negative(
    schedule: FeeSchedule, price: int, count: int, taker: bool, side: Side
) -> None:
    fee = trade_fee(schedule, price, count, taker, 0, side)
    assert fee == trade_fee(schedule, ONE - price, count, taker, 0, side.opposite)
    assert fee >= 0
    assert (side.sign * price * count + fee) % 100 == 0


@given(SCHEDULES, PRICES, COUNTS, st.booleans(), st.sampled_from(list(Side)))
def test_the_rule_in_use_bounds_the_formula_within_two_steps(
    schedule: FeeSchedule, price: int, count: int, taker: bool, side: Side
) -> None:
    rates = {FeeType.QUADRATIC: 0, FeeType.QUADRATIC_WITH_MAKER_FEES: 175}
    rate = 700 if taker else rates.get(schedule.type, 350)
    exact = rate * schedule.multiplier * count * price * (ONE - price)  # in 1e-14 Money
    for rule in (MEASURED, PUBLISHED):
        fee = trade_fee(schedule, price, count, taker, 0, side, rule)
        assert exact <= fee * 10**14 < exact + 200 * 10**14


@given(SCHEDULES, st.lists(st.tuples(PRICES, COUNTS), min_size=1, max_size=30))
def test_an_orders_rebates_never_exceed_what_rounding_took(
    schedule: FeeSchedule, fills: list[tuple[int, int]]
) -> None:
    order = FeeAccumulator()
    paid = rounded = 0
    for price, count in fills:
        charge = order.charge(schedule, price, count, True, 0)
        assert charge.net >= 0
        assert charge.net <= trade_fee(schedule, price, count, True, 0, rule=PUBLISHED)
        paid += charge.net
        rounded += charge.trade_fee
    assert paid == rounded + order.carry


@given(fill_lists(), st.lists(PRICES, min_size=200, max_size=200), PRICES)
def test_attribution_is_an_identity(fills: list[tuple[Fill, bool]], mids: list[int], last: int) -> None:
    plain = [fill for fill, _ in fills]
    parts = attribute(plain, [mids[i % len(mids)] for i in range(len(plain))], 2 * last)
    position = sum(fill.signed for fill in plain)
    assert parts.total2 == 2 * (cash_flow(fills) + last * position)
