"""Numbers in the trader's words: cents as the ladder shows them, signs as minus and plus."""

from __future__ import annotations

from kalshi_tui.protocol.units import CONTRACT, Count, Price


def cents(price: Price) -> str:
    """A price in cents without trailing zeros: ``44``, ``44.5``, ``44.56``."""
    whole, rest = divmod(price, 100)
    if not rest:
        return str(whole)
    return f"{whole}.{rest // 10}" if rest % 10 == 0 else f"{whole}.{rest:02d}"


def contracts(count: Count) -> str:
    """A count without trailing zeros: ``40``, ``12.5``; a minus where negative."""
    sign = "−" if count < 0 else ""
    return sign + cents(abs(count) * 100 // CONTRACT)


def term(ticks: float) -> str:
    """``+ 2.6`` or ``− 2.6``: a signed number of 1/10,000 dollars as cents with one decimal."""
    return f"+ {ticks / 100:.1f}" if ticks >= 0 else f"− {-ticks / 100:.1f}"
