"""Why a market may not be quoted at all, before any engine is asked."""

from __future__ import annotations

from kalshi_tui.execution.gate import StopKind
from kalshi_tui.kernel.lag import LAGGING, frame_age, lagging
from kalshi_tui.kernel.params import engine_params
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.kernel.words import book_sentence
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.units import SECOND

CLOSED = (
    MarketStatus.CLOSED,
    MarketStatus.DETERMINED,
    MarketStatus.DISPUTED,
    MarketStatus.AMENDED,
    MarketStatus.FINALIZED,
)


def blocked(desk: DeskState, market: MarketState) -> tuple[str, str] | None:
    """(word, why) when nothing may be quoted; None when an engine may be asked."""
    facts = market.facts
    active = facts.status is MarketStatus.ACTIVE
    if not active and facts.status in CLOSED:
        settled = facts.status is MarketStatus.FINALIZED
        return ("settled" if settled else "closed", f"the market is {facts.status.value}")
    if facts.close_time is not None and desk.now.wall >= facts.close_time:
        return "closed", "the market has closed"
    if not active:
        return "paused", f"the market is {facts.status.value}"
    kind, why = desk.gate.latches.strongest(facts.ticker, facts.event_ticker)
    if kind is StopKind.KILL:
        return "killed", f"killed: `kalshi-tui clear` opens the gate; nothing is sent ({why})"
    if not market.quoting:
        if kind is StopKind.PULL:
            return "pulled", f"pulled: {why}; q quotes here again"
        return "off", "quoting is off"
    if market.flatten is not None:
        return "flatten", market.flatten.status
    if market.watcher.window and not getattr(engine_params(desk, market), "quote_events", False):
        return "event", f"no quote: {market.watcher.why}, quotes pulled"
    if desk.gate.recovering:
        return "starting", f"not trading yet: {desk.gate.recovering}"
    if not (desk.gate.exchange_active and desk.gate.trading_active):
        return "paused", "trading is paused by the exchange"
    if not desk.feed.settled(facts.ticker):
        status = desk.feed.status(facts.ticker)
        if not status.valid:
            return "no book", f"no quote: {book_sentence(status)}"
    if lagging(desk):
        return "lagging", f"no quote: {_lag(desk)}"
    if facts.grid is None:
        return "no grid", "no quote: the market's price grid is unknown"
    return None


def _lag(desk: DeskState) -> str:
    age = (frame_age(desk) or 0) / SECOND
    return (
        f"frames are {age:.1f} s old, over {LAGGING / SECOND:g} s: the feed, this machine or its clock lags"
    )
