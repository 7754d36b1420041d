"""What a position is worth: four conventions, and the one limits use. Exact integers, value of the whole
position.

``Levels`` are (YES price, count), best first. A long leaves through the bids, a short through the asks.
"""

from __future__ import annotations

from collections.abc import Sequence

from kalshi_tui.portfolio.fees import RoundingRule, trade_fee
from kalshi_tui.protocol.market import FeeSchedule
from kalshi_tui.protocol.units import ONE, Count, Money, Nanos, Price, Side

Levels = Sequence[tuple[Price, Count]]


def at_mid(position: Count, bid: Price, ask: Price) -> Money:
    """At (bid + ask) / 2, floored to one Money unit."""
    return position * (bid + ask) // 2


def at_weighted_mid(position: Count, bid: Price, bid_size: Count, ask: Price, ask_size: Count) -> Money:
    """At the weighted mid, floored to one Money unit."""
    return position * (ask * bid_size + bid * ask_size) // (bid_size + ask_size)


def at_touch(position: Count, bid: Price, ask: Price) -> Money:
    """As if the touch bore all of it."""
    return position * (bid if position > 0 else ask)


def liquidation_value(
    position: Count,
    bids: Levels,
    asks: Levels,
    missing: Price,
    fee: FeeSchedule,
    wall: Nanos,
    rule: RoundingRule | None = None,
) -> Money:
    """What taking through the book leaves after fees; what the book does not bear is valued at ``missing``.

    ``missing`` is the caller's price for lots without depth: some cents worse than the micro-price (0 for a
    long and one dollar for a short at the very worst).
    """
    gross, fees = liquidate(position, bids, asks, missing, fee, wall, rule)
    return gross - fees


def liquidate(
    position: Count,
    bids: Levels,
    asks: Levels,
    missing: Price,
    fee: FeeSchedule,
    wall: Nanos,
    rule: RoundingRule | None = None,
) -> tuple[Money, Money]:
    """``(value before fees, fees)`` of leaving at once; a short's value is negative: what buying back
    costs.
    """
    sign = 1 if position > 0 else -1
    side = Side.ASK if position > 0 else Side.BID
    left = abs(position)
    value = fees = 0
    for price, count in bids if position > 0 else asks:
        if not left:
            break
        take = min(left, count)
        value += sign * take * price
        fees += trade_fee(fee, price, take, True, wall, side, rule)
        left -= take
    return value + sign * left * min(max(missing, 0), ONE), fees
