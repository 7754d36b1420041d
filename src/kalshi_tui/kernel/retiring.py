"""What is over leaves the desk: markets by whole events, long after they have settled.

A venue lists new markets for as long as a desk runs; one that followed them all and let none go would grow by a book,
its features and its history for each. An event goes when the venue has finalized every market of it, nothing of it is
held, rests, or is being worked, and it has been closed for a while. Its profit and loss stay in the ledger; a
trade of it that still came would be booked and settled there.
"""

from __future__ import annotations

from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.protocol.effects import ReadMarkets
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.units import SECOND

EVERY_S = 60
ASK_AGAIN_S = 600
"""How often the facts of markets are read again that have closed and are not finalized: a message may be lost."""
POSITIONS_KEPT = 500
"""Positions of markets that are gone; older ones are added up into one."""


def step(desk: DeskState) -> None:
    """Once a second; it looks once a minute."""
    if desk.settings.retire_after_s is None or desk.second % EVERY_S:
        return
    events: dict[str, list[MarketState]] = {}
    for market in desk.markets.values():
        events.setdefault(market.facts.event_ticker, []).append(market)
    over = [
        event
        for event, markets in events.items()
        if all(_is_over(desk, market) for market in markets) and not _has_basket(desk, event)
    ]
    for event in over:
        _retire(desk, event, [market.ticker for market in events[event]])
    if over:
        desk.risk.markets = {ticker: market.risk for ticker, market in desk.markets.items()}
        desk.regroup = True
    gone = [held for held in desk.ledger if held.ticker not in desk.markets]
    desk.ledger.fold([held.ticker for held in gone[:-POSITIONS_KEPT]])
    if desk.second % ASK_AGAIN_S == 0:
        _ask_again(desk)


def _closed_long_ago(desk: DeskState, market: MarketState) -> bool:
    close, after = market.facts.close_time, desk.settings.retire_after_s
    return close is not None and after is not None and desk.now.wall - close > after * SECOND


def _is_over(desk: DeskState, market: MarketState) -> bool:
    return (
        market.facts.status is MarketStatus.FINALIZED
        and _closed_long_ago(desk, market)
        and not desk.ledger.position(market.ticker)
        and market.ticker not in desk.orders.live
        and market.flatten is None
    )


def _has_basket(desk: DeskState, event: str) -> bool:
    relations = desk.relations.get(event)
    return relations is not None and relations.run is not None


def _retire(desk: DeskState, event: str, tickers: list[str]) -> None:
    for ticker in tickers:
        del desk.markets[ticker]
        desk.feed.unfollow(ticker)
        desk.chain.forget(ticker)
        desk.dirty.pop(ticker, None)
        desk.waiting.pop(ticker, None)
        desk.unpaid.pop(ticker, None)
        desk.leans.pop(ticker, None)
    desk.events.pop(event, None)
    desk.relations.pop(event, None)
    for name in [name for name, moves in desk.moves.items() if moves.ticker in tickers]:
        del desk.moves[name]
    names = tuple(f" {name}" for name in (event, *tickers))
    for key in [key for key in desk.alerts.active if key.endswith(names)]:
        desk.alerts.over(key)


def _ask_again(desk: DeskState) -> None:
    tickers = tuple(
        market.ticker
        for market in desk.markets.values()
        if market.facts.status is not MarketStatus.FINALIZED and _closed_long_ago(desk, market)
    )
    if tickers:
        desk.others.append(ReadMarkets(tickers))
