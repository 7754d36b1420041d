"""What the simulated venue refuses, in the real venue's codes."""

from __future__ import annotations

from kalshi_tui.execution.paper_account import PaperAccount
from kalshi_tui.execution.paper_match import DisplayedBook, PaperMarket, PaperOrder
from kalshi_tui.protocol.effects import AmendOrder
from kalshi_tui.protocol.market import Market, MarketStatus
from kalshi_tui.protocol.orders import NewOrder, TimeInForce, VenueError
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import SECOND, Nanos, Price


def refusal(
    new: NewOrder, facts: Market, match: PaperMarket, book: DisplayedBook | None, *, wall: Nanos
) -> VenueError | None:
    """Why the venue would not take the order; None where it would (cash apart)."""
    if facts.status is not MarketStatus.ACTIVE:
        return VenueError(400, "MARKET_NOT_ACTIVE", safe_text(f"the market is {facts.status.value}"))
    if facts.close_time is not None and wall >= facts.close_time:
        return VenueError(400, "MARKET_INACTIVE", safe_text("the market has closed"))
    if book is None:
        return VenueError(400, "MARKET_NOT_ACTIVE", safe_text("no book of this market was seen yet"))
    if facts.grid is None or not facts.grid.is_valid(new.price):
        return VenueError(400, "INVALID_PRICE", safe_text("not a price of this market"))
    if new.count <= 0:
        return VenueError(400, "invalid_order_size", safe_text("the count must be above zero"))
    return _terms(new, wall) or _post_only(new, new.price, match, book)


def amend_refusal(
    order: PaperOrder,
    request: AmendOrder,
    facts: Market,
    match: PaperMarket,
    book: DisplayedBook | None,
) -> VenueError | None:
    """Why an amend would be refused; the order then stays as it is."""
    if facts.status is not MarketStatus.ACTIVE:
        return VenueError(400, "MARKET_NOT_ACTIVE", safe_text(f"the market is {facts.status.value}"))
    if facts.grid is None or not facts.grid.is_valid(request.price):
        return VenueError(400, "INVALID_PRICE", safe_text("not a price of this market"))
    if request.count <= order.filled:
        return VenueError(400, "invalid_order_size", safe_text("the count must exceed what has filled"))
    if book is None or request.price == order.price:
        return None
    return _post_only(order.sent, request.price, match, book)


def _terms(new: NewOrder, wall: Nanos) -> VenueError | None:
    gtc = new.time_in_force is TimeInForce.GTC
    if new.reduce_only and new.time_in_force is not TimeInForce.IOC:
        return VenueError(400, "invalid_order", safe_text("reduce only needs immediate or cancel"))
    if new.expiration_s is not None and not gtc:
        return VenueError(400, "invalid_order", safe_text("only good till canceled orders expire"))
    if new.expiration_s is not None and new.expiration_s * SECOND <= wall:
        return VenueError(400, "invalid_order", safe_text("Expiration timestamp must be in the future"))
    return None


def _post_only(new: NewOrder, price: Price, match: PaperMarket, book: DisplayedBook) -> VenueError | None:
    if not new.post_only or not match.crosses(new.side, price, book):
        return None
    return VenueError(400, "invalid order", safe_text("post only cross"))


def shortfall(new: NewOrder, match: PaperMarket, account: PaperAccount) -> VenueError | None:
    """Not enough cash to fill the whole order after what already rests on its side."""
    same_side = sum(o.remaining for o in match.resting if o.sent.side is new.side)
    if account.cost_to_rest(new, new.count, same_side) <= account.balance:
        return None
    return VenueError(400, "insufficient_balance", safe_text("not enough cash for this order"))
