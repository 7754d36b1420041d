"""Fills, order answers and settlements: evidence becomes positions and exposure."""

from __future__ import annotations

from kalshi_tui.execution.orders import Change, Order
from kalshi_tui.kernel import pairs_live, report
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.kernel.words import taken
from kalshi_tui.protocol.commands import Scope
from kalshi_tui.protocol.effects import Journal
from kalshi_tui.protocol.orders import Fill, NewOrder, Owner, Settlement, TimeInForce, VenueError
from kalshi_tui.protocol.quotes import Alert, AlertLevel
from kalshi_tui.protocol.units import SECOND, Count, Money, Price, Side, format_count, format_money

TRADING_PAUSED = "trading_is_paused"
"""The venue's code for an order that is refused while the whole exchange is paused."""
REJECTIONS_PAUSE = 5
"""This many refused orders of a market within a minute pause it: a loop of them helps nobody."""


def raise_alert(desk: DeskState, alert: Alert) -> None:
    """Raise it once: log, JSON stream, journal."""
    if desk.alerts.raise_alert(alert, desk.now.wall):
        report.say_alert(desk, alert.level.value, alert.text, alert.ticker)


def book_fill(desk: DeskState, fill: Fill) -> bool:
    """Apply one trade of ours; False when it was known."""
    result = desk.orders.fill(fill)
    if result.duplicate:
        return False
    order = result.order
    owner = order.owner if order is not None else Owner.FOUND
    market = desk.markets.get(fill.ticker)
    before = desk.ledger.position(fill.ticker)
    desk.ledger.apply_fill(fill, found=owner is Owner.FOUND)
    if market is not None:
        market.entry_fees = _entry_fees(market.entry_fees, before, fill)
    source = order.engine if order is not None and order.engine else owner.value
    desk.sources.fill(source, fill)
    pairs_live.on_fill(desk, source, fill)
    desk.chain.note_fill(fill, owner, desk.now)
    desk.counters.fills += 1
    desk.counters.volume += fill.count
    desk.last_fill = desk.now
    report.say_fill(desk, fill, owner.value)
    if result.anomaly:
        text = f"{fill.ticker}: {result.anomaly}; the market is held until you clear it"
        raise_alert(desk, Alert(f"anomaly {fill.ticker}", AlertLevel.HALT, text, fill.ticker))
        desk.gate.latches.held[f"market {fill.ticker}"] = result.anomaly
    _tell_basket(desk, market, order, fill)
    refresh_exposure(desk, fill.ticker)
    desk.dirty[fill.ticker] = None
    return True


def _tell_basket(desk: DeskState, market: MarketState | None, order: Order | None, fill: Fill) -> None:
    """The basket in flight learns what its legs got."""
    relations = None if market is None else desk.relations.get(market.facts.event_ticker)
    if relations is not None and relations.run is not None and order is not None:
        relations.run.on_fill(order.client_order_id, fill)


def _entry_fees(held: Money, before: Count, fill: Fill) -> Money:
    """Fees of the open lots: average cost applied to fees, as the position itself is."""
    after = before + fill.signed
    if before == 0 or (before > 0) == (fill.signed > 0):
        return held + fill.fee
    if after == 0:
        return 0
    if (after > 0) == (before > 0):
        return held * abs(after) // abs(before)
    return fill.fee * abs(after) // fill.count


def book_settlement(desk: DeskState, settlement: Settlement) -> None:
    """Pay out a settled market, once."""
    held = desk.ledger.get(settlement.ticker)
    if held is None or held.settled is not None:
        return
    position = held.position
    desk.ledger.apply_settlement(settlement)
    desk.sources.settle(settlement.ticker, settlement.value)
    market = desk.markets.get(settlement.ticker)
    if market is not None:
        market.entry_fees = 0
    fields: dict[str, object] = {
        "ticker": settlement.ticker,
        "result": settlement.result,
        "value": format_money(settlement.value),
        "position": format_count(position),
    }
    desk.journal.append(Journal("settlement", fields))
    if position:
        text = f"{settlement.ticker} settled {settlement.result or '–'}: {report.signed_contracts(position)} closed"
        desk.alerts.note(desk.now.wall, "fill", text, settlement.ticker)
        desk.last_fill = desk.now
    refresh_exposure(desk, settlement.ticker)
    desk.dirty[settlement.ticker] = None


def touched(desk: DeskState, order: Order | None) -> None:
    """An order was spoken of: its market is looked at again even if nothing of it is worth a word."""
    if order is not None:
        refresh_exposure(desk, order.ticker)
        desk.dirty[order.ticker] = None


def book_change(desk: DeskState, change: Change | None, error: VenueError | None = None) -> None:
    """What an answer did to an order; ``error`` is the venue's, where it refused a new one."""
    if change is None:
        return
    order = change.order
    report.say_order(desk, change)
    refresh_exposure(desk, order.ticker)
    desk.dirty[order.ticker] = None
    if change.what == "rejected" and not _is_of_the_moment(error):
        _count_rejection(desk, order, change.why)
    if change.what == "canceled" and order.owner is Owner.MINE and order.time_in_force is TimeInForce.IOC:
        book = desk.feed.book(order.ticker)
        touch = None if book is None else book.best_ask if order.side is Side.BID else book.best_bid
        desk.alerts.note(desk.now.wall, "info", taken(order, touch), order.ticker)


def _is_of_the_moment(error: VenueError | None) -> bool:
    """Refused because everything is: it says nothing against this order, its price or its market."""
    return error is not None and (error.status == 429 or error.code == TRADING_PAUSED)


def _count_rejection(desk: DeskState, order: Order, why: str) -> None:
    market = desk.markets.get(order.ticker)
    refused = NewOrder(order.client_order_id, order.ticker, order.side, order.price, order.count)
    desk.chain.note_refused(refused, desk.now)
    if market is None or order.owner is not Owner.ENGINE:
        return
    recent = market.rejections
    recent.append(desk.now.mono)
    if len(recent) >= REJECTIONS_PAUSE and desk.now.mono - recent[-REJECTIONS_PAUSE] < 60 * SECOND:
        market.quoting = False
        text = f"{order.ticker}: quoting is off after {REJECTIONS_PAUSE} refused orders in a minute ({why})"
        raise_alert(desk, Alert(f"rejected {order.ticker}", AlertLevel.WARN, text, order.ticker))
        recent.clear()


def refresh_exposure(desk: DeskState, ticker: str) -> None:
    """Bring the market's risk record up to the registry and the ledger."""
    market = desk.markets.get(ticker)
    if market is None:
        return
    risk = market.risk
    market.own = None
    desk.chain.totals.changed(risk.event_ticker)
    held = desk.ledger.get(ticker)
    if held is not None:
        risk.own_position = held.own
        risk.cost = None if held.cost is None else held.cost + market.entry_fees
    if not desk.gate.recovering or risk.position is not None:
        risk.position = held.position if held is not None else 0
    risk.open_bid = risk.open_ask = risk.open_orders = 0
    risk.open_bid_risk = risk.open_ask_risk = 0
    risk.best_own_bid = risk.best_own_ask = None
    for order in desk.orders.live.get(ticker, {}).values():
        exposure = order.exposure
        if exposure <= 0:
            continue
        risk.hold(order.side, order.price, exposure)
        if order.side is Side.BID:
            risk.best_own_bid = max(risk.best_own_bid or 0, order.price)
        else:
            risk.best_own_ask = min(risk.best_own_ask or order.price, order.price)
    relations = desk.relations.get(market.facts.event_ticker)
    leg = None if relations is None else relations.reserved(ticker)
    if leg is not None:
        risk.hold(leg.side, leg.limit, leg.count)


def own_resting(desk: DeskState, market: MarketState) -> dict[tuple[Side, Price], Count]:
    """Our own quantity in the market's book, to be taken out before anything is derived from it.

    Worked out again after every change of one of its orders (``refresh_exposure``).
    """
    if market.own is not None:
        return market.own
    own: dict[tuple[Side, Price], Count] = {}
    for order in desk.orders.live.get(market.ticker, {}).values():
        if order.is_open and (order.order_id or order.in_book):
            key = (order.side, order.price)
            own[key] = own.get(key, 0) + order.remaining
    market.own = own
    return own


def in_scope(desk: DeskState, ticker: str, scope: Scope) -> bool:
    if scope.ticker:
        return ticker == scope.ticker
    if scope.event:
        market = desk.markets.get(ticker)
        return market is not None and market.facts.event_ticker == scope.event
    return True
