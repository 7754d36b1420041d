"""Messages of the feed to the desk's vocabulary: text to integers, strangers' text cleaned.

Every function here raises ``ValueError`` (of which ``UnitError`` is one) when a message lacks or garbles what
its meaning depends on, and nothing else; the caller then reads the same facts back over REST.
"""

from __future__ import annotations

from kalshi_tui.protocol.orders import Fill, PublicTrade, VenueError, VenueOrder, VenuePosition
from kalshi_tui.protocol.text import safe_text, safe_ticker
from kalshi_tui.protocol.units import (
    MILLISECOND,
    SECOND,
    Nanos,
    Side,
    parse_count,
    parse_money,
    parse_price,
)
from kalshi_tui.protocol.wire_messages import ErrorMessage, FillMessage, MarketPosition, Trade, UserOrder

ID_LIMIT = 80
"""Characters of an order, trade or client id that are kept; the exchange's are 36, a client's at most 64."""


def read_side(book_side: str | None, outcome_side: str | None) -> Side:
    """The side on YES, from either of the exchange's two words for it; the price is never touched by it."""
    if book_side in ("bid", "ask"):
        return Side(book_side)
    if outcome_side in ("yes", "no"):
        return Side.BID if outcome_side == "yes" else Side.ASK
    raise ValueError(f"{safe_text(book_side or outcome_side, 20)!r} is not a side")


def read_id(text: str | None) -> str:
    """An id, cleaned for logs; ids of our own making come out unchanged."""
    return safe_text(text, ID_LIMIT)


def required_id(text: str | None, what: str) -> str:
    cleaned = read_id(text)
    if not cleaned:
        raise ValueError(f"the {what} is missing")
    return cleaned


def _stamp(ms: int | None, seconds: int | None, sent_ms: int | None) -> Nanos | None:
    if ms is not None:
        return ms * MILLISECOND
    if seconds is not None:
        return seconds * SECOND
    return sent_ms * MILLISECOND if sent_ms is not None else None


def fill_from(message: FillMessage) -> Fill:
    body = message.msg
    wall = _stamp(body.ts_ms, body.ts, message.sending_ts_ms)
    if wall is None:
        raise ValueError("a fill without a time")
    count = parse_count(body.count_fp)
    if count <= 0:
        raise ValueError(f"a fill of {body.count_fp!r} contracts")
    return Fill(
        trade_id=required_id(body.trade_id, "trade id of a fill"),
        order_id=required_id(body.order_id, "order id of a fill"),
        ticker=safe_ticker(body.market_ticker),
        side=read_side(body.book_side, body.outcome_side),
        price=parse_price(body.yes_price_dollars),
        count=count,
        fee=parse_money(body.fee_cost),
        is_taker=body.is_taker,
        wall=wall,
        client_order_id=read_id(body.client_order_id),
    )


def order_from(message: UserOrder) -> VenueOrder:
    body = message.msg
    updated = body.last_updated_ts_ms if body.last_updated_ts_ms is not None else body.created_ts_ms
    expiration = body.expiration_ts_ms
    return VenueOrder(
        order_id=required_id(body.order_id, "order id"),
        client_order_id=read_id(body.client_order_id),
        ticker=safe_ticker(body.ticker),
        side=read_side(body.book_side, body.outcome_side),
        price=parse_price(body.yes_price_dollars),
        initial=parse_count(body.initial_count_fp),
        filled=parse_count(body.fill_count_fp),
        remaining=parse_count(body.remaining_count_fp),
        status=safe_text(body.status, 20),
        expiration=expiration * MILLISECOND if expiration else None,
        updated=_stamp(updated, None, message.sending_ts_ms) or 0,
        reason=safe_text(body.last_update_reason, 40),
        exchange_index=body.exchange_index,
    )


def trade_from(message: Trade) -> PublicTrade:
    body = message.msg
    try:
        taker = read_side(body.taker_book_side, body.taker_outcome_side or body.taker_side)
    except ValueError:
        taker = None
    return PublicTrade(
        ticker=safe_ticker(body.market_ticker),
        price=parse_price(body.yes_price_dollars),
        count=parse_count(body.count_fp),
        taker_side=taker,
        wall=_stamp(body.ts_ms, body.ts, None),
        trade_id=read_id(body.trade_id),
        is_block=body.is_block_trade,
    )


def position_from(message: MarketPosition) -> VenuePosition:
    body = message.msg
    return VenuePosition(
        ticker=safe_ticker(body.market_ticker),
        position=parse_count(body.position_fp),
        realized_pnl=parse_money(body.realized_pnl_dollars or "0"),
        fees_paid=parse_money(body.fees_paid_dollars or "0"),
        exposure=parse_money(body.position_cost_dollars or "0"),
    )


def error_from(message: ErrorMessage) -> VenueError:
    """A refused command or an ended subscription; ``code`` is the exchange's number, ``status`` is 0."""
    return VenueError(0, str(message.msg.code), safe_text(message.msg.msg))
