"""The day's profit and loss as the desk shows it and as R1 judges it: None where a mark is missing."""

from __future__ import annotations

from collections.abc import Mapping

from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.portfolio.positions import Position
from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.units import CENT, Money, Price, Side
from kalshi_tui.risk.account import SavedAccount, SavedLot
from kalshi_tui.risk.base import DayPnl
from kalshi_tui.risk.marks import liquidation_mark, stale_mark

DEPTH = 20
"""Levels of the book that a liquidation mark walks."""


def mark_of(desk: DeskState, ticker: str) -> Price | None:
    """The micro-price to the nearest 1/10,000 dollar; it stays as it was while the book is not true."""
    market = desk.markets.get(ticker)
    return None if market is None else market.risk.mark


def marks(desk: DeskState) -> dict[str, Price]:
    return {p.ticker: mark for p in desk.ledger if (mark := mark_of(desk, p.ticker)) is not None}


def market_day_pnl(desk: DeskState, ticker: str) -> Money | None:
    """Realized and unrealized since the start of the day, after fees."""
    held = desk.ledger.get(ticker)
    return 0 if held is None else held.day_pnl(mark_of(desk, ticker))


def day_pnl(desk: DeskState) -> Money | None:
    """The account's; None while one open position has no mark, or the time without a desk is not explained."""
    if desk.chain.r1.account is not None:
        return None
    total = 0
    for held in desk.ledger:
        pnl = held.day_pnl(mark_of(desk, held.ticker))
        if pnl is None:
            return None
        total += pnl
    return total


def day_marks(desk: DeskState) -> DayPnl:
    """Both marks of the day, for R1."""
    micro = day_pnl(desk)
    event = any(m.regime is Regime.EVENT for m in desk.markets.values() if m.risk.position)
    if micro is None:
        return DayPnl(None, None, event)
    total = 0
    for held in desk.ledger:
        if held.day_base is None:
            return DayPnl(micro, None, event)
        total += day_cash(held, held.day_base)
        if held.position:
            worth = _liquidated(desk, held)
            if worth is None:
                return DayPnl(micro, None, event)
            total += worth
    return DayPnl(micro, total, event)


def _liquidated(desk: DeskState, held: Position) -> Money | None:
    """What closing the position into the book now would bring, after taker fees."""
    market = desk.markets.get(held.ticker)
    if market is None or market.risk.mark is None:
        return None
    status = desk.feed.status(held.ticker)
    if not status.valid:
        return held.position * _stale(desk, market, held)
    book = desk.feed.book(held.ticker)
    bids = [] if book is None else book.levels(Side.BID, DEPTH)
    asks = [] if book is None else book.levels(Side.ASK, DEPTH)
    return liquidation_mark(held.position, bids, asks, market.risk.mark, market.facts.fee, desk.now.wall)


def _stale(desk: DeskState, market: MarketState, held: Position) -> Price:
    mark = market.risk.mark or 0
    status = desk.feed.status(held.ticker)
    since = desk.now.mono if status.since is None else status.since.mono
    tick = CENT if market.facts.grid is None else market.facts.grid.tick_at(mark)
    return stale_mark(mark, held.position, tick, desk.now.mono - since)


def drawdown(desk: DeskState) -> Money | None:
    """From the day's high by R1's own count to this moment, never negative."""
    day = day_pnl(desk)
    return None if day is None else desk.chain.r1.fall(day)


def day_cash(held: Position, base: Money) -> Money:
    """What the day has brought in, the open lots not counted: with them at a mark it is the day's result."""
    return held.cash - held.fees - base


def begin_day_of_found(desk: DeskState) -> None:
    """Lots that were there at start count for the day from their first mark on, unless memory tells more."""
    for held in desk.ledger:
        if held.day_base is None:
            held.day_base = held.equity(mark_of(desk, held.ticker))


def account_to_keep(desk: DeskState) -> SavedAccount | None:
    """What the next boot needs to go on with the day; None while the day of some lot has not begun."""
    if desk.gate.recovering or desk.settings.execution == "paper":
        return None
    lots, gone = [], 0
    for held in desk.ledger:
        if held.day_base is None:
            return None
        cash = day_cash(held, held.day_base)
        if not held.position and held.ticker not in desk.markets:
            gone += cash
        elif held.position or cash:
            lots.append(SavedLot(held.ticker, held.position, cash))
    if gone:
        lots.append(SavedLot("", 0, gone))
    trades = desk.orders.trades
    return SavedAccount(max(desk.boot_wall, trades.before), trades.named, tuple(lots))


def resume_day(desk: DeskState, cash: Mapping[str, Money]) -> None:
    """Let the day of these markets go on from what it has brought in."""
    for ticker, brought in cash.items():
        held = desk.ledger.of(ticker)
        held.day_base = held.cash - held.fees - brought
