"""One line in words for every report: what stderr and the desk's log say."""

from __future__ import annotations

from collections.abc import Mapping

from kalshi_tui.protocol.effects import Report
from kalshi_tui.protocol.refusals import explained
from kalshi_tui.protocol.units import counted


def sentence(report: Report) -> str:
    """The report as a trader would say it; numbers as they stand in the JSON line."""
    fields = report.fields
    match report.type:
        case "quote":
            sides = (f"{name} {_level(fields.get(name))}" for name in ("bid", "ask"))
            text = f"quote  {fields['ticker']}  {'  '.join(sides)}  {fields.get('why') or ''}"
        case "state":
            text = f"state  {fields['ticker']}  {fields['state']}: {fields.get('why') or ''}"
        case "order":
            why = f": {fields['why']}" if fields.get("why") else ""
            text = (
                f"order  {fields['ticker']}  {fields['side']} {fields['count']} @ {fields['price']} "
                f"{fields.get('what') or fields['state']}{why}"
            )
        case "fill":
            text = (
                f"fill   {fields['ticker']}  {fields['side']} {fields['count']} @ {fields['price']}"
                f"  fee {fields['fee']}  position {fields['position']}"
            )
        case "alert":
            where = f"  {fields['ticker']}" if fields.get("ticker") else ""
            text = f"{str(fields['level']).upper():<6}{where} {fields['text']}"
        case kind:
            text = f"{kind}  " + "  ".join(f"{name} {value}" for name, value in fields.items())
    return text.rstrip()


def _level(quote: object) -> str:
    if isinstance(quote, Mapping):
        return f"{quote['count']} @ {quote['price']}"
    return "-"


def refusals_said(summary: Mapping[str, object]) -> list[str]:
    """What was refused and why, a line per code of the summary."""
    counts = summary["risk_refusals"]
    assert isinstance(counts, Mapping)
    return [f"refused {line}" for line in explained(counts)]


def farewell(summary: Mapping[str, object]) -> str:
    """The summary in one line, and what to do about orders that could not be pulled."""
    fills, live, unknown, differences = (
        int(str(summary[name])) for name in ("fills", "orders_live", "orders_unknown", "unreconciled")
    )
    left = live + unknown
    warning = (
        f"; {counted(left, 'order')} may still rest and fill: what you do not want, cancel at the exchange"
    )
    return (
        f"end    {counted(fills, 'fill')}, {summary['volume_contracts']} contracts, "
        f"realized {summary['realized_pnl_dollars']}, unrealized {summary['unrealized_pnl_dollars']}, "
        f"fees {summary['fees_dollars']}; {counted(live, 'order')} live, "
        f"{unknown} unknown, {counted(differences, 'difference')} from the venue" + (warning if left else "")
    )
