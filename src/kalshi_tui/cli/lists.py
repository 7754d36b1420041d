"""``status``, ``positions``, ``orders``, ``alerts``: what a running desk says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from kalshi_tui.cli.common import emit, json_option, one_desk, say, venue_option, with_client

if TYPE_CHECKING:
    from kalshi_tui.desk.boot import RunningDesk
    from kalshi_tui.protocol.views import DeskView, Holding


def _full_view(desk: RunningDesk) -> DeskView:
    return with_client(desk, lambda client: client.status())


def _money(value: int | None) -> str | None:
    from kalshi_tui.protocol.units import format_money

    return None if value is None else format_money(value)


def _price(value: int | None) -> str | None:
    from kalshi_tui.protocol.units import format_price

    return None if value is None else format_price(value)


def _count(value: int) -> str:
    from kalshi_tui.protocol.units import format_count

    return format_count(value)


def _table(rows: list[list[str]], header: list[str], empty: str) -> None:
    """Columns padded to their widest cell; nothing but text."""
    if not rows:
        say(empty)
        return
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@click.command()
@venue_option
@json_option
def status(venue: str | None, as_json: bool) -> None:
    """The state of a running desk."""
    from kalshi_tui.protocol.units import counted

    desk = one_desk(venue)
    view = _full_view(desk)
    bar = view.status
    if as_json:
        emit("status", _status_fields(desk, view))
        return
    hand = "ARMED" if bar.armed else "safe"
    lines = [
        f"{bar.mode}  process id {desk.holder.pid}",
        f"hand {hand}, {counted(bar.engines_quoting, 'engine')} quoting, {counted(bar.sessions, 'screen')}",
        f"feed {bar.feed}, gaps {bar.gaps}",
        f"day P&L {_money(bar.day_pnl) or '–'} (may lose {_money(bar.day_limit) or '–'}), "
        f"drawdown {_money(bar.drawdown) or '–'} of {_money(bar.drawdown_limit) or '–'}",
        f"realized {_money(bar.realized)}, unrealized {_money(bar.unrealized) or '–'}, fees {_money(bar.fees)}, "
        f"balance {_money(bar.balance) or '–'}",
        f"stop {bar.latch or 'none'}{': ' + bar.latch_why if bar.latch_why else ''}, "
        f"{counted(bar.unconfirmed, 'order')} not confirmed gone",
        *bar.stops,
        *bar.restrictions,
    ]
    click.echo("\n".join(lines))


def _status_fields(desk: RunningDesk, view: DeskView) -> dict[str, object]:
    bar = view.status
    return {
        "pid": desk.holder.pid,
        "venue": bar.venue,
        "execution": bar.execution,
        "mode": bar.mode,
        "armed": bar.armed,
        "engines_quoting": bar.engines_quoting,
        "feed": bar.feed,
        "feed_age_ms": bar.feed_age_ms,
        "gaps": bar.gaps,
        "day_pnl_dollars": _money(bar.day_pnl),
        "drawdown_dollars": _money(bar.drawdown),
        "drawdown_limit_dollars": _money(bar.drawdown_limit),
        "day_loss_limit_dollars": _money(bar.day_limit),
        "realized_pnl_dollars": _money(bar.realized),
        "unrealized_pnl_dollars": _money(bar.unrealized),
        "fees_dollars": _money(bar.fees),
        "balance_dollars": _money(bar.balance),
        "latch": bar.latch or None,
        "latch_why": bar.latch_why or None,
        "unconfirmed": bar.unconfirmed,
        "write_tokens": bar.write_tokens,
        "pull_cost": bar.pull_cost,
        "sessions": bar.sessions,
        "controller": bar.controller,
        "restrictions": list(bar.restrictions),
        "stops": list(bar.stops),
        "open_orders": len(view.orders),
        "counters": dict(view.counters),
        "markets": [
            {
                "ticker": row.ticker,
                "engine": row.engine,
                "state": row.state,
                "quoting": row.quoting,
                "bid": _price(row.bid),
                "ask": _price(row.ask),
                "position": _count(row.position),
                "book": row.book,
                "why": row.why,
            }
            for row in view.markets
        ],
    }


def _list(name: str, doc: str, show: Callable[[DeskView, bool], None]) -> click.Command:
    """A command that attaches, reads one full view and shows one part of it."""

    @click.command(name, help=doc)
    @venue_option
    @json_option
    def command(venue: str | None, as_json: bool) -> None:
        show(_full_view(one_desk(venue)), as_json)

    return command


def _positions(view: DeskView, as_json: bool) -> None:
    held = [row for row in view.markets if row.position]
    if as_json:
        for row in held:
            emit(
                "position",
                {
                    "ticker": row.ticker,
                    "position": _count(row.position),
                    "day_pnl_dollars": _money(row.day_pnl),
                    **_holding(row.holding),
                    "flatten": row.flatten or row.residue or None,
                },
            )
        return
    names = market_names(view)
    rows = [
        [
            names[row.ticker],
            _count(row.position),
            *(value or "–" for value in _holding(row.holding).values()),
            _money(row.day_pnl) or "–",
        ]
        for row in held
    ]
    header = ["market", "position", "cost", "mark", "unrealized", "realized", "fees", "day P&L"]
    _table(rows, header, "no position.")
    for row in held:
        if row.flatten or row.residue:
            say(f"flatten of {names[row.ticker]}: {row.flatten or row.residue}.")


def _holding(holding: Holding | None) -> dict[str, str | None]:
    """Before fees; the day's P&L is after them."""
    if holding is None:
        return {}
    return {
        "cost_dollars": _money(holding.cost),
        "mark_dollars": _price(holding.mark),
        "unrealized_pnl_dollars": _money(holding.unrealized),
        "realized_pnl_dollars": _money(holding.realized),
        "fees_dollars": _money(holding.fees),
    }


def _orders(view: DeskView, as_json: bool) -> None:
    if as_json:
        for order in view.orders:
            emit(
                "order",
                {
                    "ticker": order.ticker,
                    "order_id": order.order_id or None,
                    "client_order_id": order.client_order_id,
                    "side": order.side.value,
                    "price": _price(order.price),
                    "remaining": _count(order.remaining),
                    "filled": _count(order.filled),
                    "owner": order.owner.value,
                    "engine": order.engine or None,
                    "state": order.state,
                    "ahead": None if order.ahead is None else _count(order.ahead),
                    "age_ms": order.age_ms,
                },
            )
        return
    names = market_names(view)
    rows = [
        [
            names.get(o.ticker, o.ticker),
            o.side.value,
            _count(o.remaining),
            _price(o.price) or "–",
            o.owner.value,
            o.state,
        ]
        for o in view.orders
    ]
    _table(rows, ["market", "side", "count", "price", "owner", "state"], "no open order.")


def _alerts(view: DeskView, as_json: bool) -> None:
    from kalshi_tui.protocol.times import clock_time

    found = [line for line in view.log if line.alert]
    if as_json:
        for line in found:
            emit(
                "alert",
                {
                    "alert": line.alert,
                    "level": line.kind,
                    "text": line.text,
                    "ticker": line.ticker or None,
                    "raised_ms": line.wall // 1_000_000,
                    "seen": line.seen,
                    "over_ms": None if line.over is None else line.over // 1_000_000,
                },
            )
        return
    names = market_names(view)
    rows = [
        [
            clock_time(line.wall),
            line.kind,
            names.get(line.ticker, line.ticker),
            # The market has its own column: its ticker in front of the text would say it twice.
            line.text.removeprefix(line.ticker).lstrip(": ") if line.ticker else line.text,
            " ".join(
                ("" if line.seen else "new", "" if line.over is None else f"over {clock_time(line.over)}")
            ).strip(),
        ]
        for line in found
    ]
    _table(rows, ["time", "level", "market", "alert", ""], "no alert.")


def market_names(view: DeskView) -> dict[str, str]:
    """Markets as the screen names them, with the ticker that commands take."""
    from kalshi_tui.tui.numbers import market_name

    return {row.ticker: f"{market_name(row.event_title, row.label)} ({row.ticker})" for row in view.markets}


positions = _list("positions", "Positions of a running desk, YES-positive.", _positions)
orders = _list("orders", "Open orders of a running desk.", _orders)
alerts = _list("alerts", "Alerts of a running desk, newest first.", _alerts)
