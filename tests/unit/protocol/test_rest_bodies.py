"""REST bodies of the catalogue and the account: lenient on words, exact on numbers."""

from __future__ import annotations

from typing import Any

import pytest

from kalshi_tui.protocol.market import Event, FeeSchedule, FeeType, MarketStatus, Series, StrikeType
from kalshi_tui.protocol.orders import Settlement
from kalshi_tui.protocol.rest import (
    book_from_rest,
    books_from_rest,
    event_from_rest,
    fee_schedule,
    market_from_rest,
    markets_from_rest,
    series_from_rest,
    trades_from_rest,
)
from kalshi_tui.protocol.rest_account import (
    balance_from_rest,
    exchange_status_from_rest,
    positions_from_rest,
    queue_from_rest,
    settlements_from_rest,
)
from kalshi_tui.protocol.rest_read import cursor_of, parse_body
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.times import format_time, parse_time
from kalshi_tui.protocol.units import SECOND

MARKET: dict[str, Any] = {
    "ticker": "KXCPI-26NOV-T0.3",
    "event_ticker": "KXCPI-26NOV",
    "status": "active",
    "title": "CPI\x1b[31m above 0.3%?",
    "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
    "close_time": "2026-12-10T13:25:00Z",
    "settlement_value_dollars": None,
    "strike_type": "greater",
    "floor_strike": 0.3,
    "last_price_dollars": "0.0000",
    "open_interest_fp": "1234.56",
    "exchange_index": 3,
}


def test_a_market() -> None:
    market = market_from_rest({"market": MARKET})
    assert market.ticker == "KXCPI-26NOV-T0.3"
    assert market.grid is TickGrid.named("linear_cent")
    assert market.close_time == 1796909100 * SECOND
    assert (market.status, market.strike_type) == (MarketStatus.ACTIVE, StrikeType.GREATER)
    assert market.title == "CPI[31m above 0.3%?"
    assert (market.last_price, market.settlement_value) == (None, None)
    assert (market.open_interest, market.exchange_index) == (123456, 3)
    assert market.fee.assumed


def test_words_of_tomorrow_cost_nothing() -> None:
    market = market_from_rest(
        {**MARKET, "status": "hibernating", "strike_type": "vibes", "market_type": "octonary"}
    )
    assert (market.status, market.strike_type) == (MarketStatus.UNKNOWN, StrikeType.UNKNOWN)
    series = series_from_rest({"ticker": "KXCPI", "fee_type": "free_beer", "fee_multiplier": 2})
    assert series.fee.type is FeeType.UNKNOWN


@pytest.mark.parametrize(
    "ranges",
    [None, [], [{"start": "0", "end": "2", "step": "0.01"}], [{"start": "0", "end": "1", "step": "0"}]],
)
def test_a_grid_that_is_missing_or_makes_no_sense_is_none(ranges: Any) -> None:
    assert (
        market_from_rest({**MARKET, "price_ranges": ranges, "price_level_structure": "linear_cent"}).grid
        is None
    )


def test_one_bad_market_costs_only_itself() -> None:
    bad = {**MARKET, "ticker": "BAD-1", "close_time": "soon"}
    markets, problems = markets_from_rest({"markets": [bad, MARKET, {"ticker": 5}]})
    assert [m.ticker for m in markets] == ["KXCPI-26NOV-T0.3"]
    assert problems[0] == "BAD-1: 'soon' is not a time"
    assert len(problems) == 2


SERIES = Series("KXCPI", fee=FeeSchedule(FeeType.QUADRATIC_WITH_MAKER_FEES, 500_000))


def test_fees_series_then_event_then_waiver() -> None:
    assert fee_schedule(None, None, None) == FeeSchedule(assumed=True)
    assert fee_schedule(SERIES, None, None) == SERIES.fee
    event = Event("KXCPI-26NOV", "KXCPI", fee_multiplier_override=0)
    assert fee_schedule(SERIES, event, 7) == FeeSchedule(FeeType.QUADRATIC_WITH_MAKER_FEES, 0, 7)
    event = Event("KXCPI-26NOV", "KXCPI", fee_type_override=FeeType.FLAT, fee_multiplier_override=1)
    assert fee_schedule(None, event, None) == FeeSchedule(FeeType.FLAT, 1)


def test_an_event_and_its_overrides() -> None:
    body = {
        "event_ticker": "KXCPI-26NOV",
        "series_ticker": "KXCPI",
        "mutually_exclusive": True,
        "fee_type_override": "quadratic",
        "fee_multiplier_override": 0.07,
        "settlement_sources": [{"name": "BLS", "url": "https://bls.gov"}, {"url": "https://x"}],
    }
    event = event_from_rest({"event": body, "markets": []})
    assert (event.fee_type_override, event.fee_multiplier_override) == (FeeType.QUADRATIC, 70_000)
    assert event.mutually_exclusive
    assert event.settlement_sources == ("BLS", "https://x")
    assert market_from_rest(MARKET, event=event).series_ticker == "KXCPI"
    with pytest.raises(ValueError, match="multiplier"):
        event_from_rest({**body, "fee_multiplier_override": -1})


def test_a_book_is_two_ladders_of_bids_in_any_order() -> None:
    body = {
        "yes_dollars": [["0.1500", "100.00"], ["0.4", "1.5"]],
        "no_dollars": [["0.5400", "20.00"], ["0.5600", "146.00"]],
    }
    book = book_from_rest({"orderbook_fp": body}, "A")
    assert book.bids == ((4000, 150), (1500, 10_000))
    assert book.asks == ((4400, 14_600), (4600, 2_000))
    assert book_from_rest({"orderbook_fp": {"yes_dollars": None}}, "A").bids == ()
    (same,) = books_from_rest({"orderbooks": [{"ticker": "A", "orderbook_fp": body}]})
    assert same == book
    with pytest.raises(ValueError, match="no book is not an empty book"):
        book_from_rest({"orderbook": body}, "A")


def test_trades_and_their_cursor() -> None:
    row = {
        "ticker": "A",
        "yes_price_dollars": "0.03",
        "count_fp": "7.77",
        "created_time": "2026-06-15T15:48:42.609997Z",
    }
    (trade,), cursor = trades_from_rest({"cursor": "next", "trades": [row]})
    assert (trade.price, trade.count, trade.taker_side, cursor) == (300, 777, None, "next")
    assert trade.wall == 1781538522_609997_000


def test_balance_is_exact_where_it_can_be() -> None:
    assert balance_from_rest({"balance": 9801, "balance_dollars": "98.0186"}) == 98_018_600
    assert balance_from_rest({"balance": 9801}) == 98_010_000
    with pytest.raises(ValueError, match="no balance"):
        balance_from_rest({"portfolio_value": 1})


def test_positions_queue_and_status() -> None:
    row = {"ticker": "A", "position_fp": "-3.00", "fees_paid_dollars": "0.018900"}
    (position,), _ = positions_from_rest({"market_positions": [row], "cursor": ""})
    assert (position.position, position.fees_paid) == (-300, 18_900)
    with pytest.raises(ValueError, match="market_positions"):
        positions_from_rest({"positions": []})
    assert queue_from_rest({"queue_positions": None}) == {}
    assert queue_from_rest({"queue_positions": [{"order_id": "o", "queue_position_fp": "0.00"}]}) == {"o": 0}
    status = exchange_status_from_rest(
        {
            "exchange_active": True,
            "trading_active": False,
            "exchange_estimated_resume_time": "1970-01-01T00:00:05Z",
        }
    )
    assert (status.trading_active, status.resume) == (False, 5 * SECOND)


def test_settlements_mix_cents_and_dollars() -> None:
    row = {
        "ticker": "A",
        "market_result": "scalar",
        "yes_count_fp": "10.00",
        "no_count_fp": "0.00",
        "revenue": 430,
        "value": 43,
        "fee_cost": "0.026900",
        "settled_time": "1970-01-01T00:00:01Z",
    }
    (settlement,), _ = settlements_from_rest({"settlements": [row]})
    assert settlement == Settlement("A", "scalar", 430_000, 1000, 0, 4_300_000, 26_900, SECOND)
    (settlement,), _ = settlements_from_rest(
        {"settlements": [{**row, "market_result": "yes", "value": None}]}
    )
    assert settlement.value == 1_000_000
    with pytest.raises(ValueError, match="without a value"):
        settlements_from_rest({"settlements": [{**row, "value": None}]})


@pytest.mark.parametrize(
    "raw", [b"", b"[1]", b"404 page not found", b'{"a":NaN}', b'{"a":"\xff"}', b"[" * 100_000, b"9" * 9000]
)
def test_bodies_that_are_no_object_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="answer is no JSON"):
        parse_body(raw)


def test_cursors() -> None:
    assert cursor_of({"cursor": "abc"}) == "abc"
    assert cursor_of({}) == cursor_of({"cursor": None}) == ""


def test_times_to_the_microsecond_and_back() -> None:
    for text in ("2026-11-22T18:45:00Z", "2026-06-15T15:48:42.609997Z"):
        wall = parse_time(text)
        assert wall is not None
        assert format_time(wall) == text
    assert parse_time("2026-11-22T13:45:00-05:00") == parse_time("2026-11-22T18:45:00Z")
    assert parse_time("0001-01-01T00:00:00Z") is None
    for wrong in ("", "yesterday", "2026-11-22T18:45:00", "1e9"):
        with pytest.raises(ValueError, match="a time"):
            parse_time(wrong)
