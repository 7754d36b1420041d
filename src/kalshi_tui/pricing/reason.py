"""Why a quote is what it is: its arithmetic, kept as numbers and put into words where somebody reads it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from kalshi_tui.pricing.words import cents, term
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import ONE, Price


class Arithmetic(Struct, frozen=True, gc=False):
    """How a quote came about. Prices are 1/10,000 dollar, floats before they met the grid."""

    grid: TickGrid
    best_bid: Price | None
    best_ask: Price | None
    lean_levels: int
    skew: float
    """Dollars, as in ``Centre``."""
    note: str
    fair: float
    half: float
    bid: Price | None
    bid_why: str
    """Why there is no bid; empty where it stands."""
    ask: Price | None
    ask_why: str

    def text(self) -> str:
        """One line: the arithmetic of the first side that stands, the other side's price or why there is none."""
        bid, ask, bid_why, ask_why, fair = self.bid, self.ask, self.bid_why, self.ask_why, self.fair
        if bid_why and ask_why:
            return f"no quote: {bid_why}" if bid_why == ask_why else f"no bid: {bid_why}; no ask: {ask_why}"
        terms = f"fair {fair / 100:.1f}"
        if self.lean_levels:
            terms += f" (lean {self.lean_levels:+d})"
        skew = self.skew * ONE
        if skew >= 5.0 or skew <= -5.0:
            terms += f" {term(skew)} skew"
        tail = f"; {self.note}" if self.note else ""
        if bid is not None and not bid_why:
            other = f"no ask: {ask_why}" if ask_why or ask is None else f"ask {cents(ask)}"
            how = _how(fair + skew - self.half, bid, self.grid.next, self.best_ask)
            return f"bid {cents(bid)} = {terms} {term(-self.half)}{how}; {other}{tail}"
        assert ask is not None
        how = _how(fair + skew + self.half, ask, self.grid.previous, self.best_bid)
        return f"no bid: {bid_why}; ask {cents(ask)} = {terms} {term(self.half)}{how}{tail}"


def _how(
    wanted: float, price: Price, towards_fair: Callable[[float], Price | None], far_touch: Price | None
) -> str:
    """How ``wanted`` became ``price``: the end of the arithmetic."""
    gap = abs(wanted - price)
    if gap < 0.5:
        return ""
    closer = towards_fair(price)
    if closer is None or abs(closer - price) > gap:
        return " to grid"
    return " kept passive" if closer == far_touch else " kept to its least edge"
