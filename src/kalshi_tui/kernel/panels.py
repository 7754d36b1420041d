"""The panes beside the ladder: features, risk gauges, how the event can settle."""

from __future__ import annotations

from kalshi_tui.kernel.pnl import day_pnl, drawdown
from kalshi_tui.kernel.relations_links import OVER
from kalshi_tui.kernel.relations_outcomes import outcome_fairs
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, SECOND, Count, Money, counted
from kalshi_tui.protocol.views import FeatureLine, Gauge, SettleRow
from kalshi_tui.risk.base import FULL
from kalshi_tui.risk.r1_machine import DayState
from kalshi_tui.risk.scenarios import Group, event_worst, groups, outcome_values

MINUS = "−"
MOST_OUTCOMES = 12
"""Rows of the settlement pane at most."""


def feature_lines(desk: DeskState, market: MarketState, now: Instant) -> tuple[FeatureLine, ...]:
    """One line a feature, in the trader's units; a value that is not known is a dash."""
    s = market.features.snapshot(now)
    levels = None if s.spread_levels is None else counted(s.spread_levels, "tick")
    values = (
        ("spread", levels),
        ("micro", None if s.microprice is None else f"{s.microprice * 100:.2f}"),
        ("imbal", None if s.imbalance is None else signed(s.imbalance, 2)),
        ("flow", signed(s.ofi, 0)),
        ("vol f/s", None if s.vol_ratio is None else f"{s.vol_ratio:.1f}×"),
        ("toxic", None if s.toxicity is None else f"{signed(s.toxicity * 100, 1)} ¢"),
    )
    names = ("spread", "micro", "imbal", "flow", "vol", "toxic")
    lines = []
    for (name, value), key in zip(values, names, strict=True):
        lines.append(FeatureLine(name, value or "–", tuple(market.history.get(key, ()))))
    lines.append(FeatureLine("regime", _regime(market, now), ()))
    return tuple(lines)


def _regime(market: MarketState, now: Instant) -> str:
    """``ACTIVE, event in 17:48``"""
    text = market.regime.value.upper() + (f" ({market.watcher.why})" if market.watcher.why else "")
    upcoming = [p for p in market.prints if p.at > now.wall]
    if upcoming:
        left = (upcoming[0].at - now.wall) // SECOND
        text += f", {upcoming[0].label} in {left // 60}:{left % 60:02d}"
    return text


def signed(value: float, places: int) -> str:
    text = f"{abs(value):.{places}f}"
    if float(text) == 0:
        return text
    return (MINUS if value < 0 else "+") + text


def gauges(desk: DeskState, market: MarketState | None) -> tuple[Gauge, ...]:
    """Inventory against its caps, and the day's drawdown."""
    params = desk.chain.r0.params
    found: list[Gauge] = []
    if market is not None:
        risk = market.risk
        position = risk.position or 0
        worst = (
            max(risk.worst_long, -risk.worst_short, key=abs)
            if position >= 0
            else -max(risk.worst_long, -risk.worst_short, key=abs)
        )
        text = f"{_lots(position)}…{_lots(abs(worst))}/{_lots(params.market_cap)}"
        found.append(_gauge("market", abs(position), abs(worst), params.market_cap, text))
        siblings = [
            m.risk for m in desk.markets.values() if m.facts.event_ticker == market.facts.event_ticker
        ]
        loss = max(-event_worst(siblings), 0)
        found.append(
            _gauge("event", loss, loss, params.event_loss, f"{_loss(loss)}/{_whole(params.event_loss)}")
        )
    total = sum(
        max(-event_worst([m.risk for m in desk.markets.values() if m.facts.event_ticker == e]), 0)
        for e in dict.fromkeys(
            m.facts.event_ticker for m in desk.markets.values() if m.risk.position or m.risk.open_orders
        )
    )
    found.append(
        _gauge("global", total, total, params.global_loss, f"{_loss(total)}/{_whole(params.global_loss)}")
    )
    found.extend((_day(desk), _limits(market), _portfolio(desk)))
    return tuple(found)


def _day(desk: DeskState) -> Gauge:
    """R1: the worse of the day's loss and its drawdown, as a share of its limit."""
    r1 = desk.chain.r1
    day, down, limit = day_pnl(desk), drawdown(desk), r1.params.drawdown
    word = "" if r1.state is DayState.NORMAL else f" {r1.state.value.upper()}"
    if day is None or down is None:
        return Gauge("R1", 0, 0, limit, f"–{word}")
    used = round(min(r1.used, 10.0) * limit)
    level = {"normal": "", "warn": "warn"}.get(r1.state.value, "halt")
    loss = r1.params.day_loss
    if -day / loss > down / limit:
        text = f"day {MINUS}{-day / 1e6:,.2f}/{_limit(loss)}{word}"
    else:
        text = f"dd {down / 1e6:,.2f}/{_limit(limit)}{word}"
    return Gauge("R1", used, used, limit, text, level)


def _limits(market: MarketState | None) -> Gauge:
    """R2: how much of the base limits is in force here, and why."""
    if market is None:
        return Gauge("R2", 0, 0, FULL, "–")
    status = market.facts.status
    if status in OVER or status is MarketStatus.CLOSED:
        return Gauge("R2", 0, 0, FULL, "settled" if status in OVER else "closed", "plain")
    limits = market.risk.limits
    words = limits.why.split() or [market.regime.value]
    factors = [word for word in words if word.startswith("×")] or [f"×{limits.position / FULL:g}"]
    text = " ".join([factors[0], *(word for word in words if not word.startswith("×"))])
    return Gauge(
        "R2", limits.position, limits.position, FULL, text, "warn" if limits.reduce_only else "plain"
    )


def _portfolio(desk: DeskState) -> Gauge:
    """R3: standard deviation at settlement, and the worst that can happen, in dollars."""
    params = desk.chain.r3.params
    second = desk.now.mono // SECOND
    if desk.measured is None or desk.measured[0] != second:
        desk.measured = (second, desk.chain.r3.measure(desk.risk))  # too dear for every picture
    measure = desk.measured[1]
    if measure is None:
        return Gauge("R3", 0, 0, params.sd, f"sd 0/{_whole(params.sd)}")
    text = f"sd {_whole(measure.sd)}/{_whole(params.sd)} · worst {_loss(max(-measure.worst, 0))}"
    return _gauge("R3", measure.sd, measure.sd_if_hit, params.sd, text)


def _gauge(name: str, used: int, worst: int, cap: int, text: str) -> Gauge:
    level = "halt" if used >= cap else "warn" if worst * 10 >= cap * 8 else ""
    return Gauge(name, used, worst, cap, text, level)


def _lots(count: Count) -> str:
    text = f"{abs(count) / CONTRACT:.2f}".rstrip("0").rstrip(".")
    return f"{MINUS}{text}" if count < 0 else text


def _loss(money: Money) -> str:
    """A loss in whole dollars; nothing to lose has no sign."""
    text = _whole(money)
    return text if text == "0" else f"{MINUS}{text}"


def _whole(money: Money) -> str:
    return f"{money / 1e6:,.0f}"


def _limit(money: Money) -> str:
    """A limit as the status bar spells it: with its cents where it has any."""
    return f"{money / 1e6:,.2f}" if money % DOLLAR else _whole(money)


NOBODY = "none of these"
"""The outcome in which no followed market settles YES."""


def settlement_rows(desk: DeskState, market: MarketState) -> tuple[SettleRow, ...]:
    """P&L of each way the event can settle, what pays nobody last; nothing where a market settles by itself, flat."""
    siblings = [m.risk for m in desk.markets.values() if m.facts.event_ticker == market.facts.event_ticker]
    idle = all(not m.position and not m.open_orders for m in siblings)
    rows: list[SettleRow] = []
    for group in groups(siblings):
        if idle and len(group.markets) == 1:
            continue
        rows.extend(settlement_of(group))
    return tuple(rows[:MOST_OUTCOMES])


def settlement_of(group: Group) -> list[SettleRow]:
    """One group's outcomes in their order; one that pays nobody and lies between strikes comes last."""
    rows, nobody = [], []
    several = len(group.markets) > 1
    triples = zip(group.outcomes, outcome_values(group), outcome_fairs(group), strict=True)
    for outcome, value, fair in triples:
        if any(outcome.pays) or not several or value.label[:1] in "<>≤≥":
            rows.append(SettleRow(value.label, fair, value.now, value.if_hit))
        else:
            # Its label would be a range in which other outcomes lie.
            nobody.append(SettleRow(NOBODY, fair, value.now, value.if_hit))
    return rows + nobody
