"""What an open position is worth, by four marks of rising severity.

Limits use the last one: walk the book, pay the taker fee, and value what the book does not bear at the
micro-price less 15 cents (shorts: plus 15). A display may show the mid beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from kalshi_tui.portfolio.fees import model_fee_up
from kalshi_tui.protocol.market import FeeSchedule
from kalshi_tui.protocol.units import ONE, SECOND, Count, Money, Nanos, Price

MISSING_DEPTH: Price = 1500
"""What a contract without a buyer is marked down from the micro-price: 15 cents."""
STALE_LEVELS = 15
"""A mark that gets no news moves against its holder by a tick a second, this many ticks at most."""

Level = tuple[Price, Count]


class Marks(Struct, frozen=True):
    """Value of one signed position in Money (negative for a short: what buying it back costs)."""

    mid: Money
    weighted_mid: Money
    touch: Money
    liquidation: Money
    """Walking the book, before fees."""
    liquidation_after_fee: Money


def marks(
    position: Count,
    bids: Sequence[Level],
    asks: Sequence[Level],
    *,
    micro: Price | None,
    fee: FeeSchedule,
    wall: Nanos,
) -> Marks | None:
    """All marks of ``position`` against a book (levels best first); None where a side is empty."""
    if not bids or not asks:
        return None
    (bid, bid_size), (ask, ask_size) = bids[0], asks[0]
    walked, fees = liquidation(position, bids if position > 0 else asks, micro=micro, fee=fee, wall=wall)
    return Marks(
        mid=position * (bid + ask) // 2,
        weighted_mid=position * (bid_size * ask + ask_size * bid) // (bid_size + ask_size),
        touch=position * (bid if position > 0 else ask),
        liquidation=walked,
        liquidation_after_fee=walked - fees,
    )


def liquidation(
    position: Count, levels: Sequence[Level], *, micro: Price | None, fee: FeeSchedule, wall: Nanos
) -> tuple[Money, Money]:
    """(value, taker fees) of closing ``position`` into ``levels``, the side it would trade with, best first.

    Without a micro-price missing depth is worth nothing to a long and a dollar to a short.
    """
    sign = 1 if position > 0 else -1
    left, value, fees = abs(position), 0, 0
    for price, size in levels:
        taken = min(left, size)
        if taken <= 0:
            break
        value += price * taken
        fees += model_fee_up(fee, price, taken, True, wall, 1)
        left -= taken
    value += missing_price(micro, sign) * left
    return value * sign, fees


def missing_price(micro: Price | None, sign: int) -> Price:
    """The mark of a contract the book does not bear, for a long (+1) or a short (-1)."""
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
