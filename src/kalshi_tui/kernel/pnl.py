"""The day's profit and loss as the desk shows it: exact where it can be, None where a mark is missing."""

from __future__ import annotations

from kalshi_tui.kernel.state import DeskState
from kalshi_tui.protocol.units import Money, Price


def mark_of(desk: DeskState, ticker: str) -> Price | None:
    """The mid to the lower 1/10,000 dollar; a market that is gone is marked at its last word."""
    market = desk.markets.get(ticker)
    return None if market is None else market.risk.mark


def market_day_pnl(desk: DeskState, ticker: str) -> Money | None:
    """Realized and unrealized since the start of the day, after fees."""
    held = desk.ledger.get(ticker)
    return 0 if held is None else held.day_pnl(mark_of(desk, ticker))


def day_pnl(desk: DeskState) -> Money | None:
    """The account's; None while one open position has no mark."""
    total = 0
    for held in desk.ledger:
        pnl = held.day_pnl(mark_of(desk, held.ticker))
        if pnl is None:
            return None
        total += pnl
    return total


def drawdown(desk: DeskState) -> Money | None:
    """From the day's high-water mark, never negative."""
    pnl = day_pnl(desk)
    return None if pnl is None else max((desk.high_water or 0) - pnl, 0)
