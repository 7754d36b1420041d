"""What the desk says of itself outside the screen: JSON lines, journal rows, the summary's figures."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.execution.orders import Change, Order
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.protocol.effects import Journal, Report
from kalshi_tui.protocol.orders import Fill, NewOrder
from kalshi_tui.protocol.quotes import Quote, Wording
from kalshi_tui.protocol.units import Count, format_count, format_money, format_price

LOUD_CHANGES = frozenset(
    ("rejected", "unknown", "resolved", "found", "cancel refused", "cancel unknown", "amend refused")
)
"""Changes worth a line on screen; the ordinary ones are visible on the ladder."""


def quote_fields(quote: Quote | None) -> dict[str, object] | None:
    return None if quote is None else {"price": format_price(quote.price), "count": format_count(quote.count)}


class QuoteLine(Struct, frozen=True):
    """What is quoted now, for the JSON stream: on most desks nobody reads it."""

    ticker: str
    engine: str
    bid: Quote | None
    ask: Quote | None
    fair: float | None
    why: str | Wording

    def fields(self) -> dict[str, object]:
        return {
            "ticker": self.ticker,
            "engine": self.engine,
            "bid": quote_fields(self.bid),
            "ask": quote_fields(self.ask),
            "fair": None if self.fair is None else f"{self.fair:.4f}",
            "why": self.why if isinstance(self.why, str) else self.why.text(),
        }


def say_quote(desk: DeskState, market: MarketState) -> None:
    """One line when what we want to quote has changed."""
    bid, ask = market.said_quote
    if bid == market.bid and ask == market.ask:
        return
    market.said_quote = (market.bid, market.ask)
    fair = None if market.intent is None else market.intent.fair
    line = QuoteLine(market.facts.ticker, market.engine, market.bid, market.ask, fair, market.told)
    desk.others.append(Report("quote", line))


def say_state(desk: DeskState, market: MarketState) -> None:
    """One line when a market's word has changed: what it does and why."""
    if market.said == market.word:
        return
    market.said = market.word
    fields: dict[str, object] = {
        "ticker": market.ticker,
        "engine": market.engine,
        "state": market.word,
        "why": market.why,
        "position": format_count(desk.ledger.position(market.ticker)),
    }
    desk.others.append(Report("state", fields))
    desk.journal.append(Journal("state", fields))


def say_alert(desk: DeskState, level: str, text: str, ticker: str) -> None:
    fields: dict[str, object] = {"level": level, "text": text, "ticker": ticker or None}
    desk.others.append(Report("alert", fields))
    desk.journal.append(Journal("alert", fields))


def order_fields(order: Order) -> dict[str, object]:
    return {
        "ticker": order.ticker,
        "client_order_id": order.client_order_id,
        "order_id": order.order_id or None,
        "side": order.side.value,
        "price": format_price(order.price),
        "count": format_count(order.count),
        "filled": format_count(order.filled),
        "owner": order.owner.value,
        "engine": order.engine or None,
        "state": order.state.value,
    }


def say_order(desk: DeskState, change: Change) -> None:
    fields = order_fields(change.order) | {"what": change.what, "why": change.why or None}
    desk.others.append(Report("order", fields))
    desk.journal.append(Journal("order", fields))
    if change.what in LOUD_CHANGES:
        order = change.order
        text = (
            f"{order.ticker} {order.side.value} {order.count / 100:g} @ {order.price / 100:g} {change.what}"
            + (f": {change.why}" if change.why else "")
        )
        desk.alerts.note(desk.now.wall, "order", text, order.ticker)


def intent_row(desk: DeskState, order: NewOrder, why: str) -> Journal:
    """The row that must be durable before the order's first byte leaves, with what it was judged by."""
    risk = desk.risk.markets.get(order.ticker)
    cap = None if risk is None else format_count(desk.chain.r0.cap(risk))
    return Journal(
        "intent",
        {
            "client_order_id": order.client_order_id,
            "ticker": order.ticker,
            "side": order.side.value,
            "price": format_price(order.price),
            "count": format_count(order.count),
            "time_in_force": order.time_in_force.value,
            "post_only": order.post_only,
            "reduce_only": order.reduce_only,
            "expiration_s": order.expiration_s,
            "owner": order.owner.value,
            "engine": order.engine or None,
            "position_cap": cap,
            "book_valid": desk.feed.status(order.ticker).valid,
            "why": why,
        },
    )


def signed_contracts(count: Count) -> str:
    """``+12``, ``−8``, ``0``: as the screen writes signs."""
    return "0" if count == 0 else f"{count / 100:+g}".replace("-", "−")


def say_fill(desk: DeskState, fill: Fill, owner: str) -> None:
    position = desk.ledger.position(fill.ticker)
    fields: dict[str, object] = {
        "ticker": fill.ticker,
        "trade_id": fill.trade_id,
        "order_id": fill.order_id,
        "side": fill.side.value,
        "price": format_price(fill.price),
        "count": format_count(fill.count),
        "fee": format_money(fill.fee),
        "taker": fill.is_taker,
        "owner": owner,
        "position": format_count(position),
    }
    desk.others.append(Report("fill", fields))
    desk.journal.append(Journal("fill", fields))
    verb = "bought" if fill.side.sign > 0 else "sold"
    text = f"{verb} {fill.count / 100:g} @ {fill.price / 100:g}, position {signed_contracts(position)}"
    desk.alerts.note(desk.now.wall, "fill", f"{fill.ticker} {text}", fill.ticker)
