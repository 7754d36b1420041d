"""The WebSocket messages of Kalshi, as typed structs: only the fields the desk uses.

Prices, sizes and money stay the exchange's decimal text; ``wire_convert`` and ``orderbook`` turn them into
integers. Whatever the exchange has been seen to leave out is optional, and absent is None, never 0.
Enumerations stay text, so that a word added tomorrow does not cost a message; the one exception is a delta's
side, without which the change has no meaning.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

Natural = Annotated[int, Meta(ge=0, le=2**53)]
"""Sequence numbers, clocks, stamps: never negative, never beyond what JSON numbers hold exactly."""
Whole = Annotated[int, Meta(ge=-(2**53), le=2**53)]
LevelText = Annotated[str, Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?\Z")]
"""A price or size of a snapshot level: plain, unsigned decimal text."""


class Frame(Struct, frozen=True, gc=False, tag_field="type", kw_only=True):
    """What every message may carry. ``sid`` and ``seq`` together place it in its subscription's sequence."""

    sid: Natural | None = None
    seq: Natural | None = None
    id: Natural | None = None
    """The command this answers."""
    sending_ts_ms: Natural | None = None
    """When the exchange queued it for the network."""


class SnapshotBody(Struct, frozen=True, gc=False):
    """A side is absent when it is empty; both absent is an empty book."""

    market_ticker: str
    clock: Natural | None = None
    yes_dollars_fp: list[tuple[LevelText, LevelText]] | None = None
    no_dollars_fp: list[tuple[LevelText, LevelText]] | None = None


class BookSnapshot(Frame, frozen=True, gc=False, tag="orderbook_snapshot"):
    msg: SnapshotBody


class DeltaBody(Struct, frozen=True, gc=False, kw_only=True):
    """``delta_fp`` is a signed change of the level, not its new size.

    Every key the exchange sends is decoded, used or not: ``decode`` proves by their number that none was
    sent twice. They stand in the order of the wire, in which they are found fastest.
    """

    market_ticker: str
    market_id: str | None = None
    clock: Natural | None = None
    price_dollars: str
    delta_fp: str
    side: Literal["yes", "no"]
    ts: str | None = None
    ts_ms: Natural | None = None
    client_order_id: str | None = None
    """Only on changes this account caused."""
    subaccount: Natural | None = None


class BookDelta(Frame, frozen=True, gc=False, tag="orderbook_delta", kw_only=True):
    msg: DeltaBody


class FullDeltaBody(Struct, frozen=True, gc=False):
    market_ticker: str
    market_id: str
    clock: Natural
    price_dollars: str
    delta_fp: str
    side: Literal["yes", "no"]
    ts: str
    ts_ms: Natural


class FullDelta(Struct, frozen=True, gc=False):
    """A stranger's change as the exchange documents it, the busiest of all messages: thirteen keys, none absent.

    A kind of its own, with nothing but these keys, in the order of the wire: it is read fastest that way. Its type
    is a key as any other, for the decoder takes a tag that is absent for the right one.
    """

    type: Literal["orderbook_delta"]
    sid: Natural
    seq: Natural
    sending_ts_ms: Natural
    msg: FullDeltaBody


AnyDelta: TypeAlias = BookDelta | FullDelta


class TradeBody(Struct, frozen=True, gc=False):
    market_ticker: str
    yes_price_dollars: str
    count_fp: str
    trade_id: str = ""
    taker_book_side: str | None = None
    taker_outcome_side: str | None = None
    taker_side: str | None = None
    is_block_trade: bool = False
    ts_ms: Natural | None = None
    ts: Natural | None = None


class Trade(Frame, frozen=True, gc=False, tag="trade"):
    msg: TradeBody


class TickerBody(Struct, frozen=True, gc=False):
    market_ticker: str
    price_dollars: str | None = None
    yes_bid_dollars: str | None = None
    yes_ask_dollars: str | None = None
    yes_bid_size_fp: str | None = None
    yes_ask_size_fp: str | None = None
    last_trade_size_fp: str | None = None
    volume_fp: str | None = None
    open_interest_fp: str | None = None
    ts_ms: Natural | None = None


class Ticker(Frame, frozen=True, gc=False, tag="ticker"):
    msg: TickerBody


class FillBody(Struct, frozen=True, gc=False):
    trade_id: str
    order_id: str
    market_ticker: str
    yes_price_dollars: str
    count_fp: str
    is_taker: bool
    fee_cost: str
    book_side: str | None = None
    outcome_side: str | None = None
    client_order_id: str | None = None
    post_position_fp: str | None = None
    exchange_index: Whole = 0
    subaccount: Natural | None = None
    ts_ms: Natural | None = None
    ts: Natural | None = None


class FillMessage(Frame, frozen=True, gc=False, tag="fill"):
    msg: FillBody


class UserOrderBody(Struct, frozen=True, gc=False):
    order_id: str
    ticker: str
    status: str
    yes_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    initial_count_fp: str
    book_side: str | None = None
    outcome_side: str | None = None
    client_order_id: str | None = None
    order_group_id: str | None = None
    last_update_reason: str | None = None
    expiration_ts_ms: Natural | None = None
    created_ts_ms: Natural | None = None
    last_updated_ts_ms: Natural | None = None
    exchange_index: Whole = 0
    subaccount_number: Natural | None = None


class UserOrder(Frame, frozen=True, gc=False, tag="user_order"):
    msg: UserOrderBody


class PositionBody(Struct, frozen=True, gc=False):
    market_ticker: str
    position_fp: str
    position_cost_dollars: str | None = None
    realized_pnl_dollars: str | None = None
    fees_paid_dollars: str | None = None
    volume_fp: str | None = None
    subaccount: Natural | None = None


class MarketPosition(Frame, frozen=True, gc=False, tag="market_position"):
    msg: PositionBody


class PriceRange(Struct, frozen=True, gc=False):
    start: str
    end: str
    step: str


class CreatedMetadata(Struct, frozen=True, gc=False):
    """Facts of a market that was just created; its text is a stranger's."""

    event_ticker: str | None = None
    title: str | None = None
    yes_sub_title: str | None = None
    no_sub_title: str | None = None
    rules_primary: str | None = None
    rules_secondary: str | None = None
    can_close_early: bool | None = None
    expected_expiration_ts: Natural | None = None
    strike_type: str | None = None
    floor_strike: float | None = None
    cap_strike: float | None = None


class MarketLifecycleBody(Struct, frozen=True, gc=False):
    """``event_type``: created, activated, deactivated, close_date_updated, determined, settled,
    price_level_structure_updated, metadata_updated, or a word not known yet. Stamps are Unix seconds."""

    market_ticker: str
    event_type: str
    exchange_index: Whole | None = None
    open_ts: Natural | None = None
    close_ts: Natural | None = None
    determination_ts: Natural | None = None
    settled_ts: Natural | None = None
    is_deactivated: bool | None = None
    result: str | None = None
    settlement_value: str | None = None
    price_level_structure: str | None = None
    price_ranges: list[PriceRange] | None = None
    strike_type: str | None = None
    floor_strike: float | None = None
    cap_strike: float | None = None
    additional_metadata: CreatedMetadata | None = None


class MarketLifecycle(Frame, frozen=True, gc=False, tag="market_lifecycle_v2"):
    msg: MarketLifecycleBody


class EventLifecycleBody(Struct, frozen=True, gc=False):
    event_ticker: str
    series_ticker: str | None = None
    title: str | None = None
    subtitle: str | None = None
    collateral_return_type: str | None = None
    strike_date: Natural | None = None
    exchange_index: Whole | None = None


class EventLifecycle(Frame, frozen=True, gc=False, tag="event_lifecycle"):
    msg: EventLifecycleBody


class EventFeeBody(Struct, frozen=True, gc=False):
    """Both None: the override was cleared and the series' fee applies again."""

    event_ticker: str
    fee_type_override: str | None = None
    fee_multiplier_override: float | None = None


class EventFeeUpdate(Frame, frozen=True, gc=False, tag="event_fee_update"):
    msg: EventFeeBody


class OrderGroupBody(Struct, frozen=True, gc=False):
    event_type: str
    """created, triggered, reset, deleted, limit_updated."""
    order_group_id: str
    contracts_limit_fp: str | None = None
    ts_ms: Natural | None = None


class OrderGroupUpdate(Frame, frozen=True, gc=False, tag="order_group_updates"):
    msg: OrderGroupBody


class ChannelBody(Struct, frozen=True, gc=False):
    channel: str
    sid: Natural


class Subscribed(Frame, frozen=True, gc=False, tag="subscribed"):
    """One per channel; the sid it names is in ``msg``. Consumes no sequence number."""

    msg: ChannelBody


class Unsubscribed(Frame, frozen=True, gc=False, tag="unsubscribed"):
    """Consumes a sequence number of its subscription."""


class MarketsBody(Struct, frozen=True, gc=False):
    market_tickers: list[str] | None = None
    """The whole list after the change."""


class Ok(Frame, frozen=True, gc=False, tag="ok"):
    """The answer to an update (consumes a sequence number) or to ``list_subscriptions`` (a list)."""

    msg: MarketsBody | list[ChannelBody] | None = None


class ErrorBody(Struct, frozen=True, gc=False):
    code: Whole
    msg: str = ""
    """A stranger's text: ``safe_text`` before it is shown."""
    market_ticker: str | None = None
    market_tickers: list[str] | None = None


class ErrorMessage(Frame, frozen=True, gc=False, tag="error"):
    """With a sid it consumes a sequence number; codes 10 and 25 end that subscription."""

    msg: ErrorBody


class UnknownFrame(Struct, frozen=True, gc=False):
    """A well-formed message of a type this program does not know. Counts in its subscription's sequence."""

    type: str
    """Cleaned for display."""
    sid: Natural | None = None
    seq: Natural | None = None


class InvalidFrame(Struct, frozen=True, gc=False):
    """Bytes that are no message: kept as their hash and size, never as content."""

    reason: str
    sha256: str
    size: int
    """Bytes."""
