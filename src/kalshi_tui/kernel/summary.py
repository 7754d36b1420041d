"""The figures of the summary line that the core knows (``contract``: JSON lines)."""

from __future__ import annotations

from kalshi_tui.kernel.pnl import mark_of
from kalshi_tui.kernel.state import DeskState
from kalshi_tui.protocol.orders import OrderState
from kalshi_tui.protocol.units import Price, counted, format_count, format_money


def summary(desk: DeskState) -> dict[str, object]:
    marks = {p.ticker: mark for p in desk.ledger if (mark := mark_of(desk, p.ticker)) is not None}
    realized, unrealized, fees = desk.ledger.totals(marks)
    orders = list(desk.orders.open_orders())
    unknown = sum(1 for o in orders if o.state in (OrderState.UNKNOWN, OrderState.SENT))
    feed = desk.feed.counters
    return {
        "venue": desk.settings.venue,
        "execution": desk.settings.execution,
        "engine": desk.settings.default_engine,
        "frames": feed.frames,
        "deltas": feed.deltas,
        "snapshots": feed.snapshots,
        "trades": feed.trades,
        "invalid_frames": feed.invalid_frames,
        "gaps": feed.gaps,
        "resyncs": feed.resyncs,
        "duplicates": feed.duplicates,
        "book_checks": feed.book_checks,
        "book_mismatches": feed.book_mismatches,
        "negative_levels": feed.negative_levels,
        "crossed_settled": feed.crossed_settled,
        "decisions": desk.counters.decisions,
        "orders_sent": desk.counters.orders_sent,
        "orders_live": len(orders) - unknown,
        "orders_unknown": unknown,
        "fills": desk.counters.fills,
        "volume_contracts": format_count(desk.counters.volume),
        "fees_dollars": format_money(fees),
        "realized_pnl_dollars": format_money(realized),
        "unrealized_pnl_dollars": None if unrealized is None else format_money(unrealized),
        "pnl_by_source": _by_source(desk, marks),
        "positions": {p.ticker: format_count(p.position) for p in desk.ledger if p.position},
        "risk_refusals": dict(sorted(desk.counters.refusals.items())),
        "alerts": desk.alerts.raised,
        "unreconciled": desk.recovery.unreconciled,
        "assumptions": assumptions(desk),
    }


def _by_source(desk: DeskState, marks: dict[str, Price]) -> dict[str, object]:
    """Each engine, statistical pairs apart, and each person: what their fills made after fees."""
    found: dict[str, object] = {}
    for name, book in sorted(desk.sources.books.items()):
        pnl = book.pnl(marks)
        found[name] = {
            "fills": book.fills,
            "volume_contracts": format_count(book.volume),
            "fees_dollars": format_money(book.fees),
            "pnl_dollars": None if pnl is None else format_money(pnl),
        }
    return found


def assumptions(desk: DeskState) -> list[str]:
    """Facts nobody stated, in sentences."""
    found = []
    assumed = [m.ticker for m in desk.markets.values() if m.facts.fee.assumed]
    if assumed:
        found.append(
            f"fees of {counted(len(assumed), 'market')} are taken as quadratic, multiplier 1"
            f" ({', '.join(assumed[:3])}{', ...' if len(assumed) > 3 else ''})"
        )
    unknown = [m.ticker for m in desk.markets.values() if m.facts.grid is None]
    if unknown:
        found.append(f"the price grid of {', '.join(unknown[:3])} is unknown: booked, not quoted")
    return found
