"""A market's life, and what each step does to orders and holders."""

from __future__ import annotations

import pytest
from practice_kit import ASK, BID, NOW, TENTHS, Trader, exchange, of_kind

from kalshi_tui.practice.clockwork import parse_rfc3339, rfc3339
from kalshi_tui.practice.happenings import BookCleared, LevelChanged, MarketEvent
from kalshi_tui.practice.refusals import (
    EXCHANGE_PAUSED,
    MARKET_INACTIVE,
    MARKET_NOT_ACTIVE,
    TRADING_PAUSED,
)
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.units import DOLLAR, SECOND

CLOSE = parse_rfc3339("2027-01-01T00:00:00Z")


def test_a_market_opens_without_a_message() -> None:
    ex = exchange(status="initialized")
    me = Trader(ex, "me")
    assert me.place(BID, 50).error == MARKET_NOT_ACTIVE
    ex.open_market("MKT-A", NOW)
    assert of_kind(ex.drain(), MarketEvent) == []
    assert me.rest(BID, 50).status == "resting"


def test_after_the_close_nothing_goes_not_even_a_cancel() -> None:
    ex = exchange()
    me = Trader(ex, "me")
    order = me.rest(BID, 50)
    assert me.place(BID, 40, now=CLOSE).error == MARKET_INACTIVE
    assert ex.cancel(me.account, order.order_id, now=CLOSE) == (0, MARKET_INACTIVE)
    assert ex.cancel_all(me.account, now=CLOSE) is None
    assert order.status == "resting"
    ex.drain()
    ex.close_market("MKT-A", CLOSE)
    happened = ex.drain()
    assert (order.status, order.reason, order.remaining) == ("canceled", "CloseCancel", 0)
    assert of_kind(happened, LevelChanged) == [] == of_kind(happened, MarketEvent)
    (cleared,) = of_kind(happened, BookCleared)
    assert cleared.clock == ex.markets["MKT-A"].clock
    assert ex.levels("MKT-A", BID, 9) == []
    assert ex.orders_of(me.account, "MKT-A") == []


def test_a_pause_cancels_who_asked_and_reactivation_everyone() -> None:
    ex = exchange()
    me = Trader(ex, "me")
    guarded = me.rest(BID, 50, cancel_on_pause=True)
    plain, other = me.rest(BID, 49), me.rest(BID, 48)
    ex.pause_market("MKT-A", NOW)
    assert (guarded.status, guarded.reason) == ("canceled", "HaltCancel")
    assert me.place(BID, 47).error == MARKET_NOT_ACTIVE
    assert ex.cancel(me.account, other.order_id, now=NOW) == (100, None)
    assert plain.status == "resting"
    ex.resume_market("MKT-A", NOW)
    assert (plain.status, plain.reason) == ("canceled", "HaltCancel")
    kinds = [event.event_type for event in of_kind(ex.drain(), MarketEvent)]
    assert kinds == ["deactivated", "activated"]


def test_a_trading_pause_refuses_orders_but_not_cancels() -> None:
    ex = exchange()
    me = Trader(ex, "me")
    guarded, plain = me.rest(BID, 50, cancel_on_pause=True), me.rest(BID, 49)
    ex.set_exchange(exchange_active=True, trading_active=False, now=NOW)
    assert me.place(BID, 40).error == TRADING_PAUSED
    assert (guarded.status, plain.status) == ("canceled", "resting")
    ex.set_exchange(exchange_active=False, trading_active=False, now=NOW)
    assert me.place(BID, 40).error == EXCHANGE_PAUSED
    assert ex.cancel(me.account, plain.order_id, now=NOW) == (0, EXCHANGE_PAUSED)
    assert ex.cancel_all(me.account, now=NOW) == EXCHANGE_PAUSED
    ex.set_exchange(exchange_active=True, trading_active=True, now=NOW)
    assert ex.cancel(me.account, plain.order_id, now=NOW) == (100, None)


@pytest.mark.parametrize(
    ("result", "value", "long_gets", "short_gets"),
    [("yes", DOLLAR, 300, 0), ("no", 0, 0, 300), ("scalar", 250_000, 75, 225)],
)
def test_settlement_pays_holders_once(result: str, value: int, long_gets: int, short_gets: int) -> None:
    ex = exchange(multiplier=0)
    long, short = Trader(ex, "long"), Trader(ex, "short")
    short.rest(ASK, 30, 3)
    long.rest(BID, 30, 3)
    before = long.cash, short.cash
    ex.close_market("MKT-A", CLOSE)
    ex.determine("MKT-A", result, value, CLOSE)
    assert (long.cash, short.cash) == before
    ex.settle("MKT-A", CLOSE + SECOND)
    cents = 10_000
    assert (long.cash - before[0], short.cash - before[1]) == (long_gets * cents, short_gets * cents)
    assert ex.audit() == []
    (record,) = short.account.settlements
    assert (record.no_count, record.yes_count, record.no_cost) == (300, 0, 2_100_000)
    assert (record.revenue, record.value, record.result) == (short_gets * cents, value, result)
    with pytest.raises(ValueError, match="finalized"):
        ex.settle("MKT-A", CLOSE)


def test_settlement_messages_in_order() -> None:
    ex = exchange()
    ex.close_market("MKT-A", CLOSE)
    ex.determine("MKT-A", "no", 0, CLOSE)
    ex.determine("MKT-A", "yes", DOLLAR, CLOSE)
    assert ex.markets["MKT-A"].status is MarketStatus.AMENDED
    ex.settle("MKT-A", CLOSE + SECOND)
    events = [(e.event_type, e.fields) for e in of_kind(ex.drain(), MarketEvent)]
    second = CLOSE // SECOND
    assert events == [
        ("determined", {"determination_ts": second, "result": "no", "settlement_value": "0.0000"}),
        ("determined", {"determination_ts": second, "result": "yes", "settlement_value": "1.0000"}),
        ("settled", {"settled_ts": second + 1}),
    ]


@pytest.mark.parametrize(
    ("result", "value"), [("maybe", 0), ("yes", 0), ("no", DOLLAR), ("scalar", -100), ("scalar", 250_001)]
)
def test_a_result_that_makes_no_sense_is_refused(result: str, value: int) -> None:
    ex = exchange()
    ex.close_market("MKT-A", CLOSE)
    with pytest.raises(ValueError, match="MKT-A"):
        ex.determine("MKT-A", result, value, CLOSE)


def test_the_close_may_move_and_reopen() -> None:
    ex = exchange()
    ex.move_close("MKT-A", NOW + SECOND, NOW)
    assert Trader(ex, "early").place(BID, 50, now=NOW + SECOND).error == MARKET_INACTIVE
    ex.close_market("MKT-A", NOW + SECOND)
    ex.move_close("MKT-A", NOW + 60 * SECOND, NOW + 2 * SECOND)
    assert Trader(ex, "late").rest(BID, 50, now=NOW + 3 * SECOND).status == "resting"
    kinds = [event.event_type for event in of_kind(ex.drain(), MarketEvent)]
    assert kinds == ["close_date_updated", "close_date_updated", "activated"]
    assert ex.markets["MKT-A"].body["close_time"] == rfc3339(NOW + 60 * SECOND)


def test_a_finer_grid_keeps_orders_and_a_coarser_one_those_that_fit() -> None:
    ex = exchange()
    me = Trader(ex, "me")
    whole = me.rest(BID, 50)
    ex.set_price_ranges("MKT-A", "deci_cent", TENTHS, NOW)
    fine = me.rest(BID, 49.7)
    halves = [{"start": "0.0000", "end": "1.0000", "step": "0.0050"}]
    ex.set_price_ranges("MKT-A", "center_half_edge_half_cent", halves, NOW)
    assert (whole.status, fine.status) == ("resting", "canceled")
    events = [e.fields["price_level_structure"] for e in of_kind(ex.drain(), MarketEvent)]
    assert events == ["deci_cent", "center_half_edge_half_cent"]


def test_times_are_exact_to_the_microsecond() -> None:
    at = NOW + 123_456_000
    assert rfc3339(at).endswith(".123456Z")
    assert parse_rfc3339(rfc3339(at)) == at
    assert rfc3339(NOW) == "2026-11-18T11:06:40Z"
    with pytest.raises(ValueError, match="zone"):
        parse_rfc3339("2026-11-18T10:26:40")
