"""Trading fees: the exchange's formula and its rounding, in exact integers.

Source: Kalshi's fee schedule in force since 2026-07-07 (taker ``m * 0.07 * C * P * (1 - P)``, maker a
quarter of it on series that carry maker fees, half on combos) and the published page on fee rounding. The
rounding has changed before, so it is a dated rule; what the venue reports as a fill's fee is what is booked.
"""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.protocol.market import FeeSchedule, FeeType
from kalshi_tui.protocol.units import CONTRACT, ONE, Count, Money, Nanos, Price, Side

TAKER_RATE = 700
"""0.07, in 1/10,000."""
MAKER_RATE = 175
COMBO_MAKER_RATE = 350
_RATE_ONE = 10_000

# rate/1e4 * multiplier/1e6 * count/1e2 * price/1e4 * (1e4 - price)/1e4 dollars; the multiplier's
# millionths and money's cancel.
_MODEL_DENOMINATOR = _RATE_ONE * CONTRACT * ONE * ONE
_MULTIPLIER_ONE = 1_000_000


class RoundingRule(Struct, frozen=True):
    """How a model fee becomes a charge.

    The model fee is rounded up to ``fee_step``; then the balance change (revenue minus fee) is rounded down
    to ``balance_step`` and the difference is charged as well.
    """

    name: str
    since: Nanos
    """Wall time from which the rule is used."""
    fee_step: Money
    balance_step: Money


MEASURED = RoundingRule("ten-thousandths", since=0, fee_step=100, balance_step=100)
"""Reproduces every recorded fill of August 2026 exactly."""
PUBLISHED = RoundingRule("millionths", since=1_789_862_400_000_000_000, fee_step=1, balance_step=100)
"""The newer published rule, as last read on 2026-09-20; no fill after that day has been seen."""
PUBLISHED_NON_DIRECT = RoundingRule("cents", since=PUBLISHED.since, fee_step=1, balance_step=10_000)
"""The same for an account cleared through a broker, whose balance moves in whole cents."""
RULES = (MEASURED, PUBLISHED)
"""For a direct member, oldest first."""


def rule_at(wall: Nanos) -> RoundingRule:
    """The rounding rule in force at ``wall``."""
    for rule in reversed(RULES):
        if wall >= rule.since:
            return rule
    return RULES[0]


def fee_rate(schedule: FeeSchedule, is_taker: bool) -> int:
    """The factor of ``C * P * (1 - P)`` in 1/10,000, before the series' multiplier.

    Types whose formula is not known (``flat``, unknown ones) are taken as 0.07 and 0.035: never too cheap.
    """
    if is_taker:
        return TAKER_RATE
    if schedule.type is FeeType.QUADRATIC:
        return 0
    if schedule.type is FeeType.QUADRATIC_WITH_MAKER_FEES:
        return MAKER_RATE
    return COMBO_MAKER_RATE


def model_fee_up(
    schedule: FeeSchedule, price: Price, count: Count, is_taker: bool, wall: Nanos, step: Money
) -> Money:
    """The formula's fee rounded up to a multiple of ``step``; 0 while the market's fees are waived."""
    if schedule.waived_until is not None and wall < schedule.waived_until:
        return 0
    exact = fee_rate(schedule, is_taker) * schedule.multiplier * count * price * (ONE - price)
    return -(-exact // (_MODEL_DENOMINATOR * step)) * step


def trade_fee(
    schedule: FeeSchedule,
    price: Price,
    count: Count,
    is_taker: bool,
    wall: Nanos,
    side: Side = Side.BID,
    rule: RoundingRule | None = None,
) -> Money:
    """What one fill of ``count`` at ``price`` costs, as the only fill of its order.

    An upper bound for later fills of the same order, whose rounding may be rebated (``FeeAccumulator``).
    ``side`` is ours on YES: a buyer's balance falls by the cost, a seller's rises, and each is rounded down.
    """
    rule = rule or rule_at(wall)
    fee = model_fee_up(schedule, price, count, is_taker, wall, rule.fee_step)
    return fee + _rounding(price * count, fee, side, rule.balance_step)


def _rounding(notional: Money, fee: Money, side: Side, step: Money) -> Money:
    """What rounding the balance change down to ``step`` takes on top of the fee."""
    return (-notional * side.sign - fee) % step


class Charge(Struct, frozen=True):
    """One fill's fee in its parts: ``net = trade_fee + rounding_fee - rebate``."""

    trade_fee: Money
    rounding_fee: Money
    rebate: Money

    @property
    def net(self) -> Money:
        return self.trade_fee + self.rounding_fee - self.rebate


class FeeAccumulator:
    """The rounding paid so far by one order; whole steps of it come back with its next fills.

    Source: the exchange's page on fee rounding (per order, over taker and maker fills alike).
    """

    __slots__ = ("carry", "rule")

    def __init__(self, rule: RoundingRule = PUBLISHED) -> None:
        self.rule = rule
        self.carry: Money = 0

    def charge(
        self,
        schedule: FeeSchedule,
        price: Price,
        count: Count,
        is_taker: bool,
        wall: Nanos,
        side: Side = Side.BID,
    ) -> Charge:
        """The fee of the order's next fill; the accumulator moves on."""
        fee = model_fee_up(schedule, price, count, is_taker, wall, self.rule.fee_step)
        rounding = _rounding(price * count, fee, side, self.rule.balance_step)
        return Charge(fee, rounding, self.add(rounding, most=fee + rounding))

    def add(self, rounding: Money, most: Money) -> Money:
        """Take in one fill's rounding fee; the rebate it releases: whole steps, never above ``most``."""
        step = self.rule.balance_step
        self.carry += rounding
        rebate = min(self.carry, most) // step * step
        self.carry -= rebate
        return rebate


def maker_fee_rate(schedule: FeeSchedule) -> float:
    """``r`` in the maker fee ``r * p * (1 - p)`` dollars per contract, before rounding: for pricing alone."""
    if schedule.type is FeeType.QUADRATIC:
        return 0.0
    return fee_rate(schedule, is_taker=False) * schedule.multiplier / (_RATE_ONE * _MULTIPLIER_ONE)


def taker_fee_rate(schedule: FeeSchedule) -> float:
    """``r`` in the taker fee ``r * p * (1 - p)`` dollars per contract, before rounding: for pricing alone."""
    return fee_rate(schedule, is_taker=True) * schedule.multiplier / (_RATE_ONE * _MULTIPLIER_ONE)


def maker_fee_per_contract(schedule: FeeSchedule, price: float) -> float:
    """Dollars per contract a resting order at ``price`` (dollars) pays when it fills, before rounding."""
    return maker_fee_rate(schedule) * price * (1.0 - price)


def taker_fee_per_contract(schedule: FeeSchedule, price: float) -> float:
    """Dollars per contract taking at ``price`` (dollars) pays, before rounding."""
    return taker_fee_rate(schedule) * price * (1.0 - price)


def maker_breakeven_half_spread(schedule: FeeSchedule, price: float, adverse: float) -> float:
    """The half-spread (dollars) at which a maker who also leaves as a maker earns nothing.

    ``adverse`` is the expected move against the fill in dollars.
    """
    return maker_fee_per_contract(schedule, price) + adverse


def taker_exit_edge(schedule: FeeSchedule, price: float, spread: float) -> float:
    """The edge (dollars) a maker's entry needs when the exit takes: both fees and half the spread."""
    return maker_fee_per_contract(schedule, price) + taker_fee_per_contract(schedule, price) + spread / 2.0
