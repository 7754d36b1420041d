"""Sentences for what the feed says in one word."""

from __future__ import annotations

from kalshi_tui.orderbook.followed import BookStatus

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
