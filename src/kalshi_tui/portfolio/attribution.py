"""Where P&L came from: spread, price moves, fees. Exact identities in Money; mids are doubled (bid + ask)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from kalshi_tui.protocol.orders import Fill
from kalshi_tui.protocol.units import Money, Price, Side


class Attribution(Struct, frozen=True):
    """Twice each part, so that half-tick mids stay exact; ``total2 = spread2 + inventory2 - fees2``."""

    spread2: Money
    """Earned against the mid at each fill."""
    inventory2: Money
    """The position's share of later mid moves."""
    fees2: Money

    @property
    def total2(self) -> Money:
        return self.spread2 + self.inventory2 - self.fees2


def attribute(fills: Sequence[Fill], mids2: Sequence[int], last_mid2: int) -> Attribution:
    """Split the P&L of ``fills`` (in time order, from flat) marked at ``last_mid2``; ``mids2`` at each
    fill.
    """
    spread2 = inventory2 = fees2 = 0
    position = 0
    before = mids2[0] if mids2 else last_mid2
    for fill, mid2 in zip(fills, mids2, strict=True):
        inventory2 += position * (mid2 - before)
        spread2 += fill.signed * (mid2 - 2 * fill.price)
        fees2 += 2 * fill.fee
        position += fill.signed
        before = mid2
    inventory2 += position * (last_mid2 - before)
    return Attribution(spread2, inventory2, fees2)


def markout2(side: Side, price: Price, mid2_after: int) -> int:
    """Twice the markout of a fill per contract, in price units: positive is good for us."""
    return side.sign * (mid2_after - 2 * price)


def realized_spread2(side: Side, price: Price, mid2: int, mid2_after: int) -> tuple[int, int, int]:
    """Twice (effective half-spread, impact cost, realised half-spread); realised = effective - impact."""
    effective = markout2(side, price, mid2)
    realised = markout2(side, price, mid2_after)
    return effective, effective - realised, realised
