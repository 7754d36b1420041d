"""The contract in its own words, and in the desk's: what a trader must know before quoting it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.portfolio.fees import maker_fee_rate, taker_fee_rate
from kalshi_tui.protocol.relations import market_rules
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import SECOND, Nanos
from kalshi_tui.protocol.views import MarketCard

NEW_YORK = ZoneInfo("America/New_York")


def market_card(desk: DeskState, market: MarketState) -> MarketCard:
    facts = market.facts
    event = desk.events.get(facts.event_ticker)
    series = desk.series.get(facts.series_ticker)
    sources = (event.settlement_sources if event else ()) or (series.settlement_sources if series else ())
    fee = facts.fee
    fees = f"{fee.type.value}: taker {taker_fee_rate(fee):g} · p(1−p), maker {maker_fee_rate(fee):g} · p(1−p)"
    lines = [
        ("event", f"{event.title if event else ''} ({facts.event_ticker})"),
        (
            "outcomes",
            "at most one YES" if event is not None and event.mutually_exclusive else "not exclusive",
        ),
        ("settles by", str(facts.rules_primary)),
        ("also", str(facts.rules_secondary)),
        ("source", ", ".join(sources)),
        ("fee", fees + (" (assumed: no source named it)" if fee.assumed else "")),
        ("ticks", "unknown: not quoted" if facts.grid is None else describe_grid(facts.grid)),
        ("opens", new_york(facts.open_time)),
        ("closes", new_york(facts.close_time) + (", may close early" if facts.can_close_early else "")),
        ("settlement", f"{facts.settlement_timer_s} s after it is determined"),
        ("status", facts.status.value + (f", {facts.result}" if facts.result else "")),
    ]
    return MarketCard(
        facts.ticker,
        f"{event.title if event else ''} · {facts.label}",
        tuple(x for x in lines if x[1]),
        market_rules(facts, sources),
    )


def describe_grid(grid: TickGrid) -> str:
    """``0.1 ¢ to 10, 1 ¢ to 90, 0.1 ¢ to 100``"""
    return ", ".join(f"{step / 100:g} ¢ to {end / 100:g}" for _, end, step in grid.bands)


def new_york(wall: Nanos | None) -> str:
    if wall is None:
        return ""
    moment = datetime.fromtimestamp(wall // SECOND, UTC).astimezone(NEW_YORK)
    return moment.strftime("%Y-%m-%d %H:%M:%S %Z")
