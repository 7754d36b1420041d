"""Sentences for what the feed says in one word."""

from __future__ import annotations

from kalshi_tui.execution.orders import Order
from kalshi_tui.orderbook.followed import BookStatus
from kalshi_tui.protocol.units import CONTRACT, Price, Side, counted

_SENTENCES = {
    "waiting": "waiting for the book's snapshot",
    "gap": "the book lost a frame",
    "negative": "the book lost a frame (a level fell below zero)",
    "crossed": "the book stayed crossed",
    "bad frame": "a frame made no sense",
    "off grid": "a price is not on the market's grid",
    "no grid": "the market's price grid is unknown",
    "channel error": "the exchange ended the subscription",
    "unsubscribed": "its subscription ended",
    "no snapshot": "the exchange sends no snapshot",
    "feed dead": "the feed is dead",
    "closed": "the feed is disconnected",
    "not followed": "its book is not followed",
}


def book_sentence(status: BookStatus) -> str:
    """Why a book is not valid, in words; ``live`` when it is."""
    return _SENTENCES.get(status.reason, status.reason)


def refused(reason: str, side: Side, said: str) -> str:
    """An engine's reason after risk refused one of its sides (``said``): why first, for a small screen cuts the end;
    what it wanted is in brackets, not a quote.

    ``bid 94 = fair 95.0 − 1.5; ask 97`` -> ``no bid: inventory 40/40 (R0) [94 = fair 95.0 − 1.5]; ask 97``
    """
    name = side.value
    why = said.removeprefix(f"no {name}: ")
    parts = reason.split("; ")
    for place, part in enumerate(parts):
        if part.startswith(f"{name} "):
            parts[place] = f"no {name}: {why} [{part.removeprefix(f'{name} ')}]"
            return "; ".join(parts)
    return f"{reason}; no {name}: {why}"


def cancelling(number: int) -> str:
    """What a stop does about the orders it found; whether they are gone is known only later."""
    return f"cancelling {counted(number, 'order')}" if number else "no order was open"


def taken(order: Order, touch: Price | None) -> str:
    """How a taking order ended that did not get all it asked for. ``touch`` is the other side's best now."""
    got = max(order.filled, order.venue_filled)
    of = f"{got / CONTRACT:g} of {order.count / CONTRACT:g}" if got else "nothing"
    there, limit = order.side.opposite.value, f"{order.price / 100:g}"
    if touch is None:
        left = f"no {there} is left"
    elif (touch - order.price) * order.side.sign > 0:
        left = f"the {there} is {touch / 100:g} now"
    else:
        left = f"the {there} it was sent for was gone when it came"
    word = "up" if order.side is Side.BID else "down"
    return f"took {of} {word} to {limit}: {left}"
