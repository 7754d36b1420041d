"""Whether the exchange trades: what its status says, and what a refused order proves sooner than the next read."""

from __future__ import annotations

from kalshi_tui.kernel.booking import TRADING_PAUSED, book_change, raise_alert
from kalshi_tui.kernel.state import DeskState
from kalshi_tui.protocol.events import CreateRefused, ExchangeStatusRead
from kalshi_tui.protocol.quotes import Alert, AlertLevel

THROTTLED = 5
"""Creates in a row that the venue answers with 429 until it is said: one or two are a race for a token."""


def on_read(desk: DeskState, event: ExchangeStatusRead) -> None:
    """What the exchange says of itself; that it trades only if it was asked after it last refused for a pause."""
    active = event.exchange_active and event.trading_active
    if active and desk.paused_at is not None and event.asked.mono <= desk.paused_at:
        return
    on_status(desk, exchange_active=event.exchange_active, trading_active=event.trading_active)


def on_status(desk: DeskState, *, exchange_active: bool, trading_active: bool) -> None:
    """Close or open the gate for the whole exchange, and say so once."""
    gate = desk.gate
    was = gate.exchange_active and gate.trading_active
    gate.exchange_active, gate.trading_active = exchange_active, trading_active
    active = exchange_active and trading_active
    if active != was:
        desk.dirty.update(dict.fromkeys(desk.markets))
    if active:
        desk.alerts.over("paused")
    else:
        text = "the exchange has paused trading; nothing is sent until it resumes"
        raise_alert(desk, Alert("paused", AlertLevel.WARN, text))


def on_refused(desk: DeskState, event: CreateRefused) -> None:
    """A create the venue refused: the order's end, and where it proves a pause the end of all others."""
    if event.error.code == TRADING_PAUSED:
        desk.paused_at = event.at.mono
        on_status(desk, exchange_active=desk.gate.exchange_active, trading_active=False)
    if event.error.status == 429:
        desk.throttled += 1
        if desk.throttled == THROTTLED:
            text = "the exchange refuses orders: too many requests; quotes wait, cancels are tried again"
            raise_alert(desk, Alert("throttled", AlertLevel.WARN, text))
    book_change(desk, desk.orders.create_refused(event.client_order_id, event.error), event.error)


def on_accepted(desk: DeskState) -> None:
    """A create the venue took: it listens again."""
    desk.throttled = 0
    desk.alerts.over("throttled")
