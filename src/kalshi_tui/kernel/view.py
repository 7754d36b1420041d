"""The picture of the desk: one immutable ``DeskView`` in which every number agrees with every other."""

from __future__ import annotations

from math import inf

from kalshi_tui.execution.budget import pull_cost
from kalshi_tui.execution.gate import StopKind
from kalshi_tui.execution.orders import Order
from kalshi_tui.kernel import stops
from kalshi_tui.kernel.ladder import event_name, ladder_view, queue_place
from kalshi_tui.kernel.lag import frame_age, lagging
from kalshi_tui.kernel.panels import feature_lines, gauges, settlement_rows
from kalshi_tui.kernel.pnl import day_pnl, drawdown, mark_of, market_day_pnl, marks
from kalshi_tui.kernel.recovery import cash
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.protocol.commands import Focus
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Market
from kalshi_tui.protocol.units import MILLISECOND, Nanos
from kalshi_tui.protocol.views import DeskView, Holding, MarketRow, OwnOrder, StatusView

LOG_LINES = 40
GONE_AFTER: Nanos = 10 * 60 * 1_000_000_000
"""A market that has closed and holds nothing leaves the list after this long."""


def desk_view(desk: DeskState, now: Instant, focus: Focus | None, full: bool) -> DeskView:
    desk.view_version += 1
    market = desk.markets.get(focus.ticker) if focus is not None else None
    if market is None:
        market = next(iter(listed(desk, now)), None)
    ladder = None
    if market is not None:
        window = focus if focus is not None and focus.ticker == market.ticker else None
        ladder = ladder_view(desk, market, now, window)
    return DeskView(
        wall=now.wall,
        version=desk.view_version,
        status=status_view(desk, now),
        markets=tuple(market_row(desk, m) for m in listed(desk, now)),
        ladder=ladder,
        features=() if market is None else feature_lines(desk, market, now),
        gauges=gauges(desk, market),
        settlement_title="" if market is None else event_name(desk, market),
        settlement=() if market is None else settlement_rows(desk, market),
        log=desk.alerts.shown(LOG_LINES, every_alert=full),
        orders=tuple(own_order(desk, o, now) for o in desk.orders.open_orders()) if full else (),
        counters=_counters(desk) if full else {},
    )


def listed(desk: DeskState, now: Instant) -> list[MarketState]:
    """Markets worth a line: by event as events came, inside one from the lowest strike up, else as they came."""
    shown = [m for m in desk.markets.values() if not _gone(desk, m, now)]
    first: dict[str, int] = {}
    for index, market in enumerate(shown):
        first.setdefault(market.facts.event_ticker, index)
    return sorted(shown, key=lambda m: (first[m.facts.event_ticker], *_from(m.facts)))


def _from(facts: Market) -> tuple[float, float]:
    """Where a market's range of the number begins and ends; the same for all that have no strikes."""
    if facts.floor_strike is None and facts.cap_strike is None:
        return 0.0, 0.0
    low = -inf if facts.floor_strike is None else float(facts.floor_strike)
    return low, inf if facts.cap_strike is None else float(facts.cap_strike)


def _gone(desk: DeskState, market: MarketState, now: Instant) -> bool:
    close = market.facts.close_time
    if close is None or now.wall < close:
        return False
    if desk.ledger.position(market.ticker) or market.ticker in desk.orders.live:
        return False
    return market.facts.status.value == "finalized" or now.wall - close > GONE_AFTER


def status_view(desk: DeskState, now: Instant) -> StatusView:
    settings, hand = desk.settings, desk.hand
    kind, why = desk.gate.latches.strongest("", "")
    waiting = stops.unconfirmed(desk)
    heard = desk.feed.heard_at
    age = None if heard is None else max(now.mono - heard.mono, 0)
    lag = frame_age(desk)
    label, when = _next_event(desk, now)
    realized, unrealized, fees = desk.ledger.totals(marks(desk))
    restrictions = []
    if desk.gate.recovering:
        restrictions.append(desk.gate.recovering)
    if not (desk.gate.exchange_active and desk.gate.trading_active):
        restrictions.append("exchange paused")
    if settings.execution == "none":
        restrictions.append("watching only")
    if desk.ending is not None:
        restrictions.append("ending")
    return StatusView(
        venue=settings.venue,
        execution=settings.execution,
        mode=settings.mode,
        armed=hand.armed,
        engines_quoting=sum(1 for m in desk.markets.values() if m.word == "quoting"),
        feed=_feed_word(desk),
        feed_age_ms=None if age is None else age // MILLISECOND,
        lag_ms=None if lag is None else lag // MILLISECOND,
        gaps=desk.feed.counters.gaps,
        day_pnl=day_pnl(desk),
        drawdown=drawdown(desk),
        drawdown_limit=desk.chain.r1.params.drawdown,
        balance=cash(desk),
        latch=_latch_word(desk, kind),
        latch_why=_flattening(desk) or why,
        unconfirmed=waiting,
        write_tokens=max(desk.budget.tokens, 0),
        write_capacity=desk.budget.capacity,
        pull_cost=pull_cost(desk.orders.open_count()),
        next_event=label,
        next_event_at=when,
        sessions=hand.sessions,
        controller=hand.controller,
        restrictions=tuple(restrictions),
        stops=_partial_stops(desk),
        day_limit=desk.chain.r1.params.day_loss,
        realized=realized,
        unrealized=unrealized,
        fees=fees,
    )


def _partial_stops(desk: DeskState) -> tuple[str, ...]:
    latches = desk.gate.latches
    tables = (("kill", latches.kills), ("pull", latches.pulled), ("hold", latches.held))
    return tuple(f"{kind} on {key}: {why}" for kind, table in tables for key, why in table.items() if key)


def _feed_word(desk: DeskState) -> str:
    if desk.feed.heard_at is None:
        return "connecting"
    if desk.conn is None or not desk.feed.alive:
        return "dead"
    return "lagging" if lagging(desk) else "live"


def _latch_word(desk: DeskState, kind: StopKind | None) -> str:
    if desk.gate.latches.killed:
        return "REDUCE ONLY" if desk.gate.latches.reduce_only else "KILLED"
    if any(m.flatten is not None for m in desk.markets.values()):
        return "FLATTENING"
    words = {StopKind.PULL: "PULLED", StopKind.HOLD: "HOLD"}
    return words.get(kind, "") if kind is not None else ""


def _flattening(desk: DeskState) -> str:
    """``CPI Nov above 0.3%: selling 5 @ 44; 2 more``, empty while nothing is flattened."""
    running = [m for m in desk.markets.values() if m.flatten is not None]
    if desk.gate.latches.killed or not running or running[0].flatten is None:
        return ""
    first = running[0]
    more = f"; {len(running) - 1} more" if len(running) > 1 else ""
    return f"{event_name(desk, first)} {first.facts.label}: {running[0].flatten.status}{more}"


def _next_event(desk: DeskState, now: Instant) -> tuple[str, Nanos | None]:
    """The next print that concerns a followed market; without one the next close."""
    for one in desk.prints:
        if one.at > now.wall and any(one.at == p.at for m in desk.markets.values() for p in m.prints):
            return one.label, one.at
    best: MarketState | None = None
    for market in desk.markets.values():
        close = market.facts.close_time
        if close is None or close <= now.wall:
            continue
        if best is None or best.facts.close_time is None or close < best.facts.close_time:
            best = market
    return ("", None) if best is None else (f"{event_name(desk, best)} closes", best.facts.close_time)


def market_row(desk: DeskState, market: MarketState) -> MarketRow:
    facts = market.facts
    status = desk.feed.status(facts.ticker)
    book = desk.feed.book(facts.ticker) if status.valid else None
    return MarketRow(
        ticker=facts.ticker,
        event_ticker=facts.event_ticker,
        event_title=event_name(desk, market),
        label=facts.label,
        engine=f"{market.engine}s" if facts.ticker in desk.leans and market.engine == "m3" else market.engine,
        state=market.word,
        quoting=market.quoting,
        bid=None if book is None else book.best_bid,
        ask=None if book is None else book.best_ask,
        position=desk.ledger.position(facts.ticker),
        day_pnl=market_day_pnl(desk, facts.ticker),
        close=facts.close_time,
        book="live" if status.valid else status.reason,
        why=market.why,
        holding=_holding(desk, facts.ticker),
        flatten="" if market.flatten is None else market.flatten.status,
        residue=market.residue,
    )


def _holding(desk: DeskState, ticker: str) -> Holding | None:
    held = desk.ledger.get(ticker)
    if held is None or not held.position:
        return None
    mark = mark_of(desk, ticker)
    unrealized = None if mark is None else held.unrealized(mark)
    return Holding(held.cost, mark, unrealized, held.realized, held.fees)


def own_order(desk: DeskState, order: Order, now: Instant) -> OwnOrder:
    book = desk.feed.book(order.ticker)
    level = None if book is None else book.size_at(order.side, order.price)
    return OwnOrder(
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        ticker=order.ticker,
        side=order.side,
        price=order.price,
        remaining=order.remaining,
        filled=order.filled,
        owner=order.owner,
        engine=order.engine,
        state=order.state.value,
        ahead=queue_place(order, level),
        level=level,
        expiration=None if order.expiration_s is None else order.expiration_s * 1_000_000_000,
        age_ms=max(now.mono - order.sent.mono, 0) // MILLISECOND,
    )


def _counters(desk: DeskState) -> dict[str, int]:
    feed = desk.feed.counters
    return {
        "frames": feed.frames,
        "gaps": feed.gaps,
        "resyncs": feed.resyncs,
        "book_checks": feed.book_checks,
        "book_mismatches": feed.book_mismatches,
        "decisions": desk.counters.decisions,
        "orders_sent": desk.counters.orders_sent,
        "fills": desk.counters.fills,
        "unreconciled": desk.recovery.unreconciled,
    }
