"""Reads of the account: orders, fills, positions, balance, settlements, queue places, limits.

Only the primary subaccount (0) is read: the exchange's own defaults differ from call to call, and a mixture
would never reconcile.
"""

from __future__ import annotations

from collections.abc import Sequence

from kalshi_tui.protocol.events import (
    BalanceRead,
    ExchangeStatusRead,
    FillsRead,
    OrdersRead,
    PositionsRead,
    QueueRead,
    ReadFailed,
    SettlementsRead,
)
from kalshi_tui.protocol.orders import VenueError
from kalshi_tui.protocol.rest_account import (
    AccountLimits,
    account_limits_from_rest,
    balance_from_rest,
    exchange_status_from_rest,
    positions_from_rest,
    queue_from_rest,
    settlements_from_rest,
)
from kalshi_tui.protocol.rest_errors import error_from_rest
from kalshi_tui.protocol.rest_orders import fills_from_rest, orders_from_rest
from kalshi_tui.protocol.rest_read import parse_body
from kalshi_tui.protocol.units import SECOND, Count, Nanos
from kalshi_tui.venue.paging import read_body, read_pages, unreadable
from kalshi_tui.venue.transport import NoAnswer, Transport

_PAGE = 1000
_TICKERS = 100
_PRIMARY = 0


async def read_orders(
    transport: Transport, resting_only: bool, since: Nanos | None
) -> OrdersRead | ReadFailed:
    """Own orders; ``since`` (wall) leaves out those created before, to the second."""
    query: dict[str, str | int] = {"limit": _PAGE, "subaccount": _PRIMARY}
    if resting_only:
        query["status"] = "resting"
    if since is not None:
        query["min_ts"] = since // SECOND
    pages = await read_pages(
        transport, "orders", "/portfolio/orders", query, orders_from_rest, lambda order: order.order_id
    )
    if isinstance(pages, ReadFailed):
        return pages
    # A window by time never shows everything that rests.
    complete = pages.complete and not (resting_only and since is not None)
    return OrdersRead(pages.at, pages.asked, pages.rows, complete, resting_only)


async def read_fills(transport: Transport, since: Nanos) -> FillsRead | ReadFailed:
    query: dict[str, str | int] = {"limit": _PAGE, "subaccount": _PRIMARY, "min_ts": since // SECOND}
    pages = await read_pages(
        transport, "fills", "/portfolio/fills", query, fills_from_rest, lambda fill: fill.trade_id
    )
    if isinstance(pages, ReadFailed):
        return pages
    return FillsRead(pages.at, pages.asked, pages.rows, pages.complete, since)


async def read_positions(transport: Transport) -> PositionsRead | ReadFailed:
    query = {"limit": _PAGE, "subaccount": _PRIMARY}
    pages = await read_pages(
        transport, "positions", "/portfolio/positions", query, positions_from_rest, lambda held: held.ticker
    )
    if isinstance(pages, ReadFailed):
        return pages
    return PositionsRead(pages.at, pages.asked, pages.rows, pages.complete)


async def read_settlements(transport: Transport, since: Nanos) -> SettlementsRead | ReadFailed:
    query: dict[str, str | int] = {"limit": _PAGE, "subaccount": _PRIMARY, "min_ts": since // SECOND}
    pages = await read_pages(
        transport,
        "settlements",
        "/portfolio/settlements",
        query,
        settlements_from_rest,
        lambda settled: (settled.ticker, settled.wall),
    )
    if isinstance(pages, ReadFailed):
        return pages
    return SettlementsRead(pages.at, pages.asked, pages.rows, pages.complete)


async def read_balance(transport: Transport) -> BalanceRead | ReadFailed:
    """All shards together. The exchange grants one such read a second on the lower tiers."""
    read = await read_body(transport, "balance", "/portfolio/balance", {"subaccount": _PRIMARY})
    if isinstance(read, ReadFailed):
        return read
    answer, body = read
    try:
        return BalanceRead(answer.at, answer.asked, balance_from_rest(body))
    except ValueError as error:
        return unreadable(answer, "balance", error)


async def read_queue(transport: Transport, tickers: Sequence[str]) -> QueueRead | ReadFailed:
    """Contracts ahead of own resting orders in these markets."""
    ahead: dict[str, Count] = {}
    at = transport.now()
    for start in range(0, len(tickers), _TICKERS):
        query = {"market_tickers": ",".join(tickers[start : start + _TICKERS])}
        read = await read_body(transport, "queue places", "/portfolio/orders/queue_positions", query)
        if isinstance(read, ReadFailed):
            return read
        answer, body = read
        try:
            ahead.update(queue_from_rest(body))
        except ValueError as error:
            return unreadable(answer, "queue places", error)
        at = answer.at
    return QueueRead(at, ahead)


async def read_exchange_status(transport: Transport) -> ExchangeStatusRead | ReadFailed:
    """Whether the exchange trades. It says so with 503 and 504 as well as with 200."""
    what = "exchange status"
    try:
        answer = await transport.read("/exchange/status")
    except NoAnswer as error:
        return ReadFailed(error.at, what, VenueError(0, "no_answer", error.why))
    try:
        status = exchange_status_from_rest(parse_body(answer.body))
    except ValueError as error:
        if answer.status == 200:
            return unreadable(answer, what, error)
        return ReadFailed(answer.at, what, error_from_rest(answer.status, answer.body))
    return ExchangeStatusRead(answer.at, answer.asked, status.exchange_active, status.trading_active, status.resume)


async def read_limits(transport: Transport) -> AccountLimits | ReadFailed:
    """The account's token buckets."""
    read = await read_body(transport, "account limits", "/account/limits")
    if isinstance(read, ReadFailed):
        return read
    answer, body = read
    try:
        return account_limits_from_rest(body)
    except ValueError as error:
        return unreadable(answer, "account limits", error)
