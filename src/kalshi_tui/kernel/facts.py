"""Market facts: from REST reads and lifecycle messages into the markets the desk follows."""

from __future__ import annotations

from msgspec.structs import replace

from kalshi_tui.features.market import MarketFeatures
from kalshi_tui.kernel.booking import book_settlement, raise_alert, refresh_exposure
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.pricing.regime import MarketRegime
from kalshi_tui.protocol.calendar import ScheduledPrint
from kalshi_tui.protocol.effects import Effect, ReadMarkets, ReadPositions
from kalshi_tui.protocol.events import CalendarRead, MarketsRead
from kalshi_tui.protocol.market import Market, MarketStatus
from kalshi_tui.protocol.orders import Settlement
from kalshi_tui.protocol.quotes import Alert, AlertLevel
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import DOLLAR, SECOND, UnitError, parse_money
from kalshi_tui.protocol.wire_messages import EventFeeUpdate, MarketLifecycle, MarketLifecycleBody
from kalshi_tui.risk.base import MarketExposure


def on_markets(desk: DeskState, read: MarketsRead) -> None:
    """Follow new markets, update known ones. A market that is over is not taken up."""
    desk.series.update((s.ticker, s) for s in read.series)
    desk.events.update((e.ticker, e) for e in read.events)
    for facts in read.markets:
        known = desk.markets.get(facts.ticker)
        if known is not None:
            _update(desk, known, facts)
        else:
            _follow(desk, facts)
    if any(m.ticker not in desk.risk.markets for m in desk.markets.values()):
        desk.risk.markets = {ticker: m.risk for ticker, m in desk.markets.items()}


def _follow(desk: DeskState, facts: Market) -> None:
    event = desk.events.get(facts.event_ticker)
    risk = MarketExposure(
        facts.ticker,
        facts.event_ticker,
        mutually_exclusive=event is not None and event.mutually_exclusive,
        strike_type=facts.strike_type,
        floor_strike=facts.floor_strike,
        cap_strike=facts.cap_strike,
        label=facts.label,
        series_ticker=facts.series_ticker,
        fee=facts.fee,
        theme=_theme(desk, facts),
        grid=facts.grid,
    )
    prints = prints_of(desk, facts)
    market = MarketState(
        facts=facts,
        features=MarketFeatures(facts.grid, facts.close_time, table=desk.settings.micro_table(facts)),
        risk=risk,
        watcher=MarketRegime(facts.series_ticker, prints, desk.settings.regime_of(facts)),
        prints=prints,
        engine=desk.settings.engine_of(facts),
        quoting=desk.settings.quote_at_start and facts.grid is not None,
    )
    desk.markets[facts.ticker] = market
    desk.regroup = True
    desk.feed.follow(facts.ticker, facts.grid, facts.close_time)
    if not desk.gate.recovering:
        refresh_exposure(desk, facts.ticker)
        if risk.position is None:
            risk.position = desk.ledger.position(facts.ticker)
    desk.dirty[facts.ticker] = None


def _theme(desk: DeskState, facts: Market) -> str:
    series = desk.series.get(facts.series_ticker)
    return series.category if series is not None else ""


def _update(desk: DeskState, market: MarketState, facts: Market) -> None:
    if facts.grid is not None and facts.grid != market.facts.grid:
        market.features.set_grid(facts.grid)
        market.features.table = desk.settings.micro_table(facts)  # a table counts in ticks
    # Also when only the close moved: from it on an empty snapshot is the sweep, before it a mismatch.
    desk.feed.follow(facts.ticker, facts.grid, facts.close_time)
    market.facts = facts
    desk.regroup = True
    market.features.close_time = facts.close_time
    market.risk.fee = facts.fee
    market.risk.grid = facts.grid
    desk.dirty[facts.ticker] = None


def on_lifecycle(desk: DeskState, message: MarketLifecycle) -> None:
    """``market_lifecycle_v2``: what changed on one market."""
    body = message.msg
    market = desk.markets.get(body.market_ticker)
    if body.event_type == "created":
        # A created market can precede its being readable; the shell retries the read.
        desk.others.append(ReadMarkets((body.market_ticker,)))
        return
    if market is None:
        return
    facts = market.facts
    match body.event_type:
        case "activated":
            facts = replace(facts, status=MarketStatus.ACTIVE)
            desk.others.extend(_resync_reads(body.market_ticker))
        case "deactivated":
            facts = replace(facts, status=MarketStatus.INACTIVE)
        case "close_date_updated" if body.close_ts is not None:
            facts = replace(facts, close_time=body.close_ts * SECOND)
        case "determined":
            facts = _determined(facts, body)
        case "settled":
            facts = replace(facts, status=MarketStatus.FINALIZED)
        case "price_level_structure_updated" if body.price_ranges:
            facts = _regridded(desk, facts, body)
        case _:
            desk.others.append(ReadMarkets((body.market_ticker,)))
    _update(desk, market, facts)
    if body.event_type == "settled":
        _settle(desk, market)


def _resync_reads(ticker: str) -> tuple[Effect, ...]:
    """Reactivation cancels every resting order of the market without a message for each."""
    return (ReadMarkets((ticker,)), ReadPositions())


def _determined(facts: Market, body: MarketLifecycleBody) -> Market:
    value = facts.settlement_value
    try:
        if body.settlement_value is not None:
            value = parse_money(body.settlement_value)
        elif body.result in ("yes", "no"):
            value = DOLLAR if body.result == "yes" else 0
    except UnitError:
        value = None
    return replace(facts, status=MarketStatus.DETERMINED, result=body.result or "", settlement_value=value)


def _regridded(desk: DeskState, facts: Market, body: MarketLifecycleBody) -> Market:
    ranges = [{"start": r.start, "end": r.end, "step": r.step} for r in body.price_ranges or ()]
    try:
        grid = TickGrid.from_ranges(ranges)
    except UnitError as error:
        text = f"{facts.ticker}: its new price ranges make no sense ({error}); it is not quoted"
        raise_alert(desk, Alert(f"grid {facts.ticker}", AlertLevel.HALT, text, facts.ticker))
        return replace(facts, grid=None)
    return replace(facts, grid=grid, price_level_structure=body.price_level_structure or "")


def _settle(desk: DeskState, market: MarketState) -> None:
    facts = market.facts
    if facts.settlement_value is None:
        if desk.ledger.position(facts.ticker):
            text = f"{facts.ticker}: settled without a value this desk knows; reading it from the venue"
            raise_alert(desk, Alert(f"settled {facts.ticker}", AlertLevel.HALT, text, facts.ticker))
        return
    position = desk.ledger.position(facts.ticker)
    settlement = Settlement(
        ticker=facts.ticker,
        result=facts.result,
        value=facts.settlement_value,
        yes_count=max(position, 0),
        no_count=max(-position, 0),
        revenue=0,
        fee=0,
        wall=desk.now.wall,
    )
    book_settlement(desk, settlement)


def on_event_fee(desk: DeskState, message: EventFeeUpdate) -> None:
    """Fees of an event changed: read its markets again, one place knows how fees combine."""
    tickers = tuple(
        m.ticker for m in desk.markets.values() if m.facts.event_ticker == message.msg.event_ticker
    )
    if tickers:
        desk.others.append(ReadMarkets(tickers))


def on_calendar(desk: DeskState, read: CalendarRead) -> None:
    """Replace the venue's part of the calendar; every market learns its prints."""
    desk.prints = tuple(sorted((*desk.settings.prints, *read.prints), key=lambda p: p.at))
    for market in desk.markets.values():
        market.prints = prints_of(desk, market.facts)
        market.watcher.schedule(market.prints)
        desk.dirty[market.ticker] = None


def prints_of(desk: DeskState, facts: Market) -> tuple[ScheduledPrint, ...]:
    """The prints that concern a market, by its series or its event, told in terms of its series."""
    names = (facts.series_ticker, facts.event_ticker)
    found = []
    for one in desk.prints:
        decides = any(name in one.determines for name in names)
        if decides or not one.series or any(name in one.series for name in names):
            own = (facts.series_ticker,)
            found.append(replace(one, series=own, determines=own if decides else ()))
    return tuple(found)
