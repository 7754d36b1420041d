"""Numbers as a trader says them, for the sentences of verdicts and alerts."""

from __future__ import annotations

from kalshi_tui.protocol.units import CENT, CONTRACT, DOLLAR, Count, Money, Price


def contracts(count: Count) -> str:
    """``40``, ``12.5``, ``−8``: contracts without empty decimals."""
    whole, part = divmod(abs(count), CONTRACT)
    text = f"{whole:,}" + (f".{part:02d}".rstrip("0") if part else "")
    return f"−{text}" if count < 0 else text


def dollars(money: Money) -> str:
    """``$11.14``, ``−$0.30``: rounded half away from zero to the cent."""
    cents = (abs(money) * 100 + DOLLAR // 2) // DOLLAR
    text = f"${cents // 100:,}.{cents % 100:02d}"
    return f"−{text}" if money < 0 and cents else text


def cents(price: Price) -> str:
    """``44``, ``44.5``, ``44.56``: a price in cents."""
    whole, part = divmod(abs(price), CENT)
    text = f"{whole}" + (f".{part:02d}".rstrip("0") if part else "")
    return f"−{text}" if price < 0 else text


def times(permille: int) -> str:
    """``×0.5``: a multiplier in thousandths."""
    return f"×{permille / 1000:.2f}".rstrip("0").rstrip(".")
