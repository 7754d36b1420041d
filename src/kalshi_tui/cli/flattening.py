"""``flatten`` from the command line: it is over when the positions are gone, not when the orders are."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from kalshi_tui.cli.common import Fault, emit, say, with_client
from kalshi_tui.cli.lists import market_names

if TYPE_CHECKING:
    from kalshi_tui.desk.boot import RunningDesk
    from kalshi_tui.desk.client import DeskClient
    from kalshi_tui.protocol.commands import Ack, Scope
    from kalshi_tui.protocol.views import DeskView, MarketRow

WAIT_S = 20.0
"""How long it waits for the positions: a few clips, or a rest of ten seconds and the look at the book after it."""
OVER = ("closed", "settled")
"""States of markets in which nothing can be closed any more."""


def flatten_desk(desk: RunningDesk, scope: Scope, as_json: bool) -> int:
    """Flatten, wait for it, and say both facts: what became of the orders, and of the positions."""
    from kalshi_tui.protocol.commands import Stop

    async def work(client: DeskClient) -> tuple[Ack, DeskView | None]:
        ack = await client.request(Stop(0, "flatten", scope))
        return ack, await _settled(client, scope) if ack.ok else None

    ack, view = with_client(desk, work)
    if view is None:
        if as_json:
            emit("flatten", {"ok": False, "venue": desk.folder.venue, "text": ack.text, "unconfirmed": 0})
        raise Fault(f"flatten was refused: {ack.text}.")
    rows = [row for row in view.markets if _in(scope, row)]
    waiting = [row for row in rows if row.position and _is_over(row, view)]
    left = [row for row in rows if row not in waiting and (row.position or row.flatten or row.residue)]
    unconfirmed = view.status.unconfirmed
    if as_json:
        fields = {"ok": True, "venue": desk.folder.venue, "text": ack.text, "unconfirmed": unconfirmed}
        emit("flatten", {**fields, "left": _fields(left), "waiting_for_settlement": _fields(waiting)})
    else:
        say(f"{desk.folder.venue}: {'; '.join([ack.text, *_good(view, left, waiting)])}.")
    if left or unconfirmed:
        raise Fault(_bad(view, left), 5 if any(row.state == "killed" for row in left) else 1)
    return 0


async def _settled(client: DeskClient, scope: Scope) -> DeskView:
    """The first view in which no flatten of the scope runs and no order waits, or the last one of the wait."""
    deadline = time.monotonic() + WAIT_S
    while True:
        view = await client.status()
        busy = view.status.unconfirmed or any(row.flatten for row in view.markets if _in(scope, row))
        if not busy or time.monotonic() >= deadline:
            return view
        await asyncio.sleep(0.2)


def _in(scope: Scope, row: MarketRow) -> bool:
    return (not scope.ticker or row.ticker == scope.ticker) and (
        not scope.event or row.event_ticker == scope.event
    )


def _is_over(row: MarketRow, view: DeskView) -> bool:
    return row.state in OVER or (row.close is not None and row.close <= view.wall)


def _good(view: DeskView, left: list[MarketRow], waiting: list[MarketRow]) -> list[str]:
    """What can be said without a but."""
    names = market_names(view)
    said = [] if view.status.unconfirmed else ["orders confirmed gone"]
    if not left:
        said.append("no position is left" if not waiting else "no other position is left")
    return said + [f"{_size(row)} in {names[row.ticker]} waits for its settlement" for row in waiting]


def _bad(view: DeskView, left: list[MarketRow]) -> str:
    """What is left of which market, and why."""
    from kalshi_tui.protocol.units import counted

    names, orders = market_names(view), view.status.unconfirmed
    by_why: dict[str, list[str]] = {}
    for row in left:
        by_why.setdefault(_why(row), []).append(f"{names[row.ticker]} holds {_size(row)}")
    parts = [f"{', '.join(held)}: {why}" for why, held in by_why.items()]
    if orders:
        parts.append(
            f"{counted(orders, 'order')} not confirmed gone; the desk goes on asking, see `kalshi-tui orders`"
        )
    return f"{'; '.join(parts)}."


def _why(row: MarketRow) -> str:
    if row.flatten:
        return f"{row.flatten} (the desk goes on)"
    return row.residue or "it came after the flatten, which is over"


def _size(row: MarketRow) -> str:
    from kalshi_tui.tui.numbers import position

    return position(row.position)


def _fields(rows: list[MarketRow]) -> list[dict[str, object]]:
    from kalshi_tui.protocol.units import format_count

    return [
        {
            "ticker": row.ticker,
            "position": format_count(row.position),
            "flattening": bool(row.flatten),
            "why": row.flatten or row.residue or None,
        }
        for row in rows
    ]
