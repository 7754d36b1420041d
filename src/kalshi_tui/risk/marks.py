"""The mark that limits use: what closing a position into the book now would leave, and what stands in for a book
that is missing. ``portfolio.marks`` walks the levels.
"""

from __future__ import annotations

from collections.abc import Sequence

from kalshi_tui.portfolio.marks import Levels, liquidation_value
from kalshi_tui.protocol.market import FeeSchedule
from kalshi_tui.protocol.units import ONE, SECOND, Count, Money, Nanos, Price

MISSING_DEPTH: Price = 1500
"""What a contract without a buyer is marked down from the micro-price: 15 cents."""
STALE_LEVELS = 15
"""A mark that gets no news moves against its holder by a tick a second, this many ticks at most."""


def liquidation_mark(
    position: Count, bids: Levels, asks: Levels, micro: Price | None, fee: FeeSchedule, wall: Nanos
) -> Money:
    """Value of the whole position after taker fees; lots the book does not bear at ``missing_price``."""
    if not position:
        return 0
    missing = missing_price(micro, 1 if position > 0 else -1)
    return liquidation_value(position, bids, asks, missing, fee, wall)


def missing_price(micro: Price | None, sign: int) -> Price:
    """The mark of a lot the book does not bear, for a long (+1) or a short (-1): 15 cents worse than the
    micro-price; without one, worthless to a long and a dollar to a short."""
    if micro is None:
        return 0 if sign > 0 else ONE
    return min(max(micro - sign * MISSING_DEPTH, 0), ONE)


def stale_mark(mark: Price, position: Count, tick: Price, stale_ns: Nanos) -> Price:
    """A frozen mark while the book is not known: a tick a second against the position, to a bound.

    So a hole in the feed can neither fake a gain nor halt the desk at once.
    """
    against = min(max(stale_ns, 0) // SECOND, STALE_LEVELS) * tick
    return min(max(mark - against if position > 0 else mark + against, 0), ONE)


def max_drawdown(equity: Sequence[Money]) -> Money:
    """The deepest fall from a peak to a later point; 0 for a path that never falls."""
    peak, deepest = equity[0] if equity else 0, 0
    for value in equity:
        peak = max(peak, value)
        deepest = max(deepest, peak - value)
    return deepest
