"""What a fill costs, exactly, under a dated rounding rule.

The model fee is ``rate * multiplier * C * P * (1 - P)`` dollars: rate 0.07 for takers; for makers 0, 0.0175
(``quadratic_with_maker_fees``) or 0.035 (``quadratic_with_combo_maker_fees``). Source: fee schedule in force
2026-07-07. Two published roundings of it exist and differ; see ``Rounding``.
"""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.protocol.market import FeeSchedule, FeeType
from kalshi_tui.protocol.units import ONE, Count, Money, Nanos, Price, Side

# Rates in 1/10,000.
_TAKER = 700
_MAKER = {
    FeeType.QUADRATIC: 0,
    FeeType.QUADRATIC_WITH_MAKER_FEES: 175,
    FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES: 350,
}
# rate (1e-4) * multiplier (1e-6) * count (1e-2) * price (1e-4) * complement (1e-4) is 1e-20 dollars;
# this many of them are one unit of Money.
_PER_MONEY = 10**14


class Rounding(Struct, frozen=True):
    """The two steps: the model fee is rounded up to ``step``, then the cash change down to ``grid``.

    What the second step takes goes to the order's accumulator, which pays whole grids back later.
    """

    name: str
    step: Money
    grid: Money


DIRECT_2026_08 = Rounding("direct 2026-08", step=100, grid=100)
"""Both steps to $0.0001: the only rule that reproduces every real fill known (August 2026). The default."""
PUBLISHED = Rounding("published", step=1, grid=100)
"""The newer published text: first step to $0.000001. Misses one of the known real fills by $0.0001."""
ROUNDINGS = {rule.name: rule for rule in (DIRECT_2026_08, PUBLISHED)}


class Charge(Struct, frozen=True):
    fee: Money
    carry: Money
    """The order's accumulator after this fill."""


def require_known(schedule: FeeSchedule) -> FeeSchedule:
    """``schedule``, or ``ValueError`` where no formula for it is known (``flat`` and newer labels)."""
    if schedule.type not in _MAKER:
        raise ValueError(f"no formula is known for fee type {schedule.type.value!r}")
    return schedule


def model_fee(schedule: FeeSchedule, price: Price, count: Count, *, is_taker: bool) -> int:
    """The unrounded fee in units of 1e-20 dollars."""
    rate = _TAKER if is_taker else _MAKER[schedule.type]
    return rate * schedule.multiplier * count * price * (ONE - price)


def charge(
    rule: Rounding,
    schedule: FeeSchedule,
    side: Side,
    price: Price,
    count: Count,
    *,
    is_taker: bool,
    carry: Money,
    at: Nanos,
) -> Charge:
    """The net fee of one fill of an order whose accumulator holds ``carry``; never negative."""
    if schedule.waived_until is not None and at < schedule.waived_until:
        return Charge(0, carry)
    unit = _PER_MONEY * rule.step
    trade_fee = -(-model_fee(schedule, price, count, is_taker=is_taker) // unit) * rule.step
    raw = -side.sign * price * count - trade_fee
    rounding_fee = raw % rule.grid
    carry += rounding_fee
    rebate = min(carry // rule.grid, (trade_fee + rounding_fee) // rule.grid) * rule.grid
    return Charge(trade_fee + rounding_fee - rebate, carry - rebate)
