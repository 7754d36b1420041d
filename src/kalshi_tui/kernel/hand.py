"""How large an order by hand may be: the screen offers no more, and a larger one is refused with the same words."""

from __future__ import annotations

from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.protocol.units import CONTRACT, Count
from kalshi_tui.risk.base import FULL


def hand_most(desk: DeskState, market: MarketState) -> tuple[Count, str]:
    """The largest order by hand in this market now, and R2's words where it is what binds.

    R2 scales what adds. With a position an order may reduce, so only the limit of one order is told; risk has the
    last word on it.
    """
    limit, limits = desk.chain.controls.params.order_count, market.risk.limits
    own, scaled = (count // CONTRACT * CONTRACT for count in (limit, limit * limits.size // FULL))
    if market.risk.position or scaled >= own:
        return own, ""
    return scaled, limits.why


def too_large(most: Count, why: str) -> str:
    """``one order by hand may have 5 here (event ×0.1)``"""
    return f"one order by hand may have {most / CONTRACT:g} here{f' ({why})' if why else ''}"
