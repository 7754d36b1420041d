"""REST bodies of the catalogue: series, events, markets with their fees and grids, books, public trades."""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from kalshi_tui.protocol.market import Event, FeeSchedule, FeeType, Market, MarketStatus, Series, StrikeType
from kalshi_tui.protocol.orders import PublicTrade
from kalshi_tui.protocol.rest_read import (
    cursor_of,
    long_text,
    optional_count,
    optional_money,
    optional_time,
    rows,
    shaped,
)
from kalshi_tui.protocol.text import SafeText, safe_text, safe_ticker
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import ONE, Count, Nanos, Price, Side, UnitError, parse_count, parse_price
from kalshi_tui.protocol.wire_convert import read_id, read_side
from kalshi_tui.protocol.wire_messages import PriceRange

Word = TypeVar("Word", FeeType, MarketStatus, StrikeType)

_MILLION = 1_000_000
_MOST_MULTIPLIER = 1000.0


class _Source(Struct):
    name: str | None = None
    url: str | None = None


class _SeriesBody(Struct):
    ticker: str
    title: str | None = None
    category: str | None = None
    fee_type: str | None = None
    fee_multiplier: float | None = None
    settlement_sources: list[_Source] | None = None
    exchange_index: int = 0


class _EventBody(Struct):
    event_ticker: str
    series_ticker: str | None = None
    title: str | None = None
    sub_title: str | None = None
    mutually_exclusive: bool | None = None
    collateral_return_type: str | None = None
    strike_date: str | None = None
    fee_type_override: str | None = None
    fee_multiplier_override: float | None = None
    settlement_sources: list[_Source] | None = None
    exchange_index: int = 0


class _MarketBody(Struct):
    ticker: str
    event_ticker: str
    status: str
    title: str | None = None
    yes_sub_title: str | None = None
    no_sub_title: str | None = None
    market_type: str | None = None
    price_ranges: list[PriceRange] | None = None
    price_level_structure: str | None = None
    open_time: str | None = None
    close_time: str | None = None
    expected_expiration_time: str | None = None
    latest_expiration_time: str | None = None
    fee_waiver_expiration_time: str | None = None
    settlement_timer_seconds: int | None = None
    can_close_early: bool | None = None
    result: str | None = None
    settlement_value_dollars: str | None = None
    strike_type: str | None = None
    floor_strike: float | None = None
    cap_strike: float | None = None
    notional_value_dollars: str | None = None
    last_price_dollars: str | None = None
    volume_fp: str | None = None
    open_interest_fp: str | None = None
    rules_primary: str | None = None
    rules_secondary: str | None = None
    exchange_index: int = 0


class _BookBody(Struct):
    yes_dollars: list[tuple[str, str]] | None = None
    no_dollars: list[tuple[str, str]] | None = None


class _TradeBody(Struct):
    ticker: str
    yes_price_dollars: str
    count_fp: str
    trade_id: str = ""
    taker_book_side: str | None = None
    taker_outcome_side: str | None = None
    taker_side: str | None = None
    created_time: str | None = None
    is_block_trade: bool | None = None


def series_from_rest(body: object) -> Series:
    """``body`` is the series object itself or ``{"series": ...}``."""
    read = shaped(_inside(body, "series"), _SeriesBody)
    named = read.fee_type is not None
    fee = FeeSchedule(
        _word(FeeType, read.fee_type) if named else FeeType.QUADRATIC,
        _multiplier(read.fee_multiplier) if read.fee_multiplier is not None else _MILLION,
        assumed=not named or read.fee_multiplier is None,
    )
    return Series(
        ticker=safe_ticker(read.ticker),
        title=safe_text(read.title),
        category=safe_text(read.category, 60),
        fee=fee,
        settlement_sources=_sources(read.settlement_sources),
        exchange_index=read.exchange_index,
    )


def event_from_rest(body: object) -> Event:
    """``body`` is the event object itself or ``{"event": ...}``; its markets are read by ``markets_from_rest``."""
    read = shaped(_inside(body, "event"), _EventBody)
    override = read.fee_multiplier_override
    return Event(
        ticker=safe_ticker(read.event_ticker),
        series_ticker=safe_ticker(read.series_ticker) if read.series_ticker else "",
        title=safe_text(read.title),
        sub_title=safe_text(read.sub_title),
        mutually_exclusive=bool(read.mutually_exclusive),
        collateral_return_type=safe_text(read.collateral_return_type, 20),
        strike_date=optional_time(read.strike_date),
        fee_type_override=_word(FeeType, read.fee_type_override) if read.fee_type_override else None,
        fee_multiplier_override=_multiplier(override) if override is not None else None,
        settlement_sources=_sources(read.settlement_sources),
        exchange_index=read.exchange_index,
    )


def fee_schedule(series: Series | None, event: Event | None, market_waiver: Nanos | None) -> FeeSchedule:
    """The fee of a market: the series', overridden by the event's, waived until the market's waiver ends.

    Without a series it is ``quadratic`` times 1 and ``assumed``, unless the event overrides both parts.
    """
    fee = series.fee if series is not None else FeeSchedule(assumed=True)
    if event is not None:
        kind, multiplier = event.fee_type_override, event.fee_multiplier_override
        fee = replace(
            fee,
            type=kind if kind is not None else fee.type,
            multiplier=multiplier if multiplier is not None else fee.multiplier,
            assumed=fee.assumed and (kind is None or multiplier is None),
        )
    return replace(fee, waived_until=market_waiver)


def market_from_rest(body: object, series: Series | None = None, event: Event | None = None) -> Market:
    """``body`` is the market object itself or ``{"market": ...}``.

    The grid comes from ``price_ranges`` alone and is None where these are missing or make no sense.
    """
    read = shaped(_inside(body, "market"), _MarketBody)
    notional = optional_money(read.notional_value_dollars)
    return Market(
        ticker=safe_ticker(read.ticker),
        event_ticker=safe_ticker(read.event_ticker),
        series_ticker=event.series_ticker if event is not None else (series.ticker if series else ""),
        title=safe_text(read.title),
        yes_sub_title=safe_text(read.yes_sub_title),
        no_sub_title=safe_text(read.no_sub_title),
        market_type=safe_text(read.market_type or "binary", 20),
        status=_word(MarketStatus, read.status),
        grid=grid_from_ranges(read.price_ranges),
        price_level_structure=safe_text(read.price_level_structure, 60),
        fee=fee_schedule(series, event, optional_time(read.fee_waiver_expiration_time)),
        open_time=optional_time(read.open_time),
        close_time=optional_time(read.close_time),
        expected_expiration_time=optional_time(read.expected_expiration_time),
        latest_expiration_time=optional_time(read.latest_expiration_time),
        settlement_timer_s=read.settlement_timer_seconds or 0,
        can_close_early=bool(read.can_close_early),
        result=safe_text(read.result, 20),
        settlement_value=optional_money(read.settlement_value_dollars),
        strike_type=_word(StrikeType, read.strike_type) if read.strike_type else StrikeType.UNKNOWN,
        floor_strike=read.floor_strike,
        cap_strike=read.cap_strike,
        notional=notional if notional is not None else _MILLION,
        last_price=_last_price(read.last_price_dollars),
        volume=optional_count(read.volume_fp) or 0,
        open_interest=optional_count(read.open_interest_fp) or 0,
        rules_primary=long_text(read.rules_primary),
        rules_secondary=long_text(read.rules_secondary),
        exchange_index=read.exchange_index,
    )


def markets_from_rest(
    body: dict[str, object], series: Series | None = None, event: Event | None = None
) -> tuple[tuple[Market, ...], tuple[SafeText, ...]]:
    """A page of markets and what was wrong with those left out: one bad market costs only itself."""
    markets: list[Market] = []
    problems: list[SafeText] = []
    for row in rows(body, "markets"):
        try:
            markets.append(market_from_rest(row, series, event))
        except ValueError as error:
            ticker = row.get("ticker") if isinstance(row, dict) else None
            problems.append(safe_text(f"{safe_text(ticker, 80) or 'a market'}: {error}"))
    return tuple(markets), tuple(problems)


def grid_from_ranges(ranges: list[PriceRange] | None) -> TickGrid | None:
    """The prices a market accepts; None where its ranges are missing or make no sense."""
    try:
        return TickGrid.of(
            (parse_price(r.start), parse_price(r.end), parse_price(r.step)) for r in ranges or ()
        )
    except UnitError:
        return None


class RestBook(Struct, frozen=True):
    """A book read over REST: no sequence and no clock, so it can not be spliced into the feed's."""

    ticker: str
    bids: tuple[tuple[Price, Count], ...]
    """YES prices, best first."""
    asks: tuple[tuple[Price, Count], ...]


def book_from_rest(body: dict[str, object], ticker: str) -> RestBook:
    """``{"orderbook_fp": {"yes_dollars", "no_dollars"}}``. The exchange's order of levels is not relied on."""
    if "orderbook_fp" not in body:
        raise ValueError("the answer holds no 'orderbook_fp': no book is not an empty book")
    read = shaped(body["orderbook_fp"] or {}, _BookBody)
    bids = [(parse_price(price), parse_count(size)) for price, size in read.yes_dollars or ()]
    asks = [(ONE - parse_price(price), parse_count(size)) for price, size in read.no_dollars or ()]
    return RestBook(ticker, tuple(sorted(bids, reverse=True)), tuple(sorted(asks)))


def books_from_rest(body: dict[str, object]) -> tuple[RestBook, ...]:
    """``{"orderbooks": [{"ticker", "orderbook_fp"}]}``."""
    books: list[RestBook] = []
    for row in rows(body, "orderbooks"):
        entry = shaped(row, dict[str, object])
        books.append(book_from_rest(entry, safe_ticker(str(entry.get("ticker")))))
    return tuple(books)


def trades_from_rest(body: dict[str, object]) -> tuple[tuple[PublicTrade, ...], str]:
    """A page of public trades, newest first as sent, and the cursor."""
    return tuple(_trade(shaped(row, _TradeBody)) for row in rows(body, "trades")), cursor_of(body)


def _trade(read: _TradeBody) -> PublicTrade:
    taker: Side | None
    try:
        taker = read_side(read.taker_book_side, read.taker_outcome_side or read.taker_side)
    except ValueError:
        taker = None
    return PublicTrade(
        ticker=safe_ticker(read.ticker),
        price=parse_price(read.yes_price_dollars),
        count=parse_count(read.count_fp),
        taker_side=taker,
        wall=optional_time(read.created_time),
        trade_id=read_id(read.trade_id),
        is_block=bool(read.is_block_trade),
    )


def _inside(body: object, name: str) -> object:
    return body[name] if isinstance(body, dict) and isinstance(body.get(name), dict) else body


def _word(kind: type[Word], text: str | None) -> Word:
    try:
        return kind(text or "")
    except ValueError:
        return kind("unknown")


def _multiplier(number: float) -> int:
    """In millionths. JSON carries it as a number; six decimals are more than the exchange uses."""
    if not 0 <= number <= _MOST_MULTIPLIER:
        raise ValueError(f"a fee multiplier of {number}")
    return round(number * _MILLION)


def _sources(sources: list[_Source] | None) -> tuple[SafeText, ...]:
    return tuple(safe_text(source.name or source.url) for source in sources or ())


def _last_price(text: str | None) -> Price | None:
    """None before the first trade, which the exchange writes as 0."""
    return (parse_price(text) or None) if text else None
