"""Price-time priority, times in force, self-trade prevention: what an exchange is."""

from __future__ import annotations

import pytest
from practice_kit import ASK, BID, NOW, Trader, exchange

from kalshi_tui.practice.refusals import (
    EXPIRATION_PAST,
    FOK_UNFILLABLE,
    INVALID_PRICE,
    INVALID_SIZE,
    MARKET_NOT_FOUND,
    ORDER_EXISTS,
    POST_ONLY_CROSS,
)
from kalshi_tui.protocol.orders import SelfTradePrevention, TimeInForce
from kalshi_tui.protocol.units import SECOND, Side

IOC, FOK = TimeInForce.IOC, TimeInForce.FOK


def test_the_oldest_order_at_the_best_price_trades_first() -> None:
    ex = exchange()
    worse, first, second = Trader(ex, "worse"), Trader(ex, "first"), Trader(ex, "second")
    worse.rest(ASK, 52, 5)
    first.rest(ASK, 51, 2)
    second.rest(ASK, 51, 2)
    taker = Trader(ex, "taker")

    fills = taker.place(BID, 52, 5).fills

    assert [(fill.price, fill.count) for fill in fills] == [(5100, 200), (5100, 200), (5200, 100)]
    assert (first.position(), second.position(), worse.position()) == (-2, -2, -1)
    assert ex.best("MKT-A") == (None, 5200)
    assert ex.levels("MKT-A", ASK, 5) == [(5200, 400)]


def test_what_does_not_trade_rests_at_its_own_price() -> None:
    ex = exchange()
    Trader(ex, "maker").rest(ASK, 51, 2)
    order = Trader(ex, "taker").rest(BID, 55, 3)
    assert (order.filled, order.remaining, order.status) == (200, 100, "resting")
    assert ex.best("MKT-A") == (5500, None)


def test_levels_are_best_first_on_both_sides() -> None:
    ex = exchange()
    maker = Trader(ex, "maker")
    for cents in (40, 42, 41):
        maker.rest(BID, cents)
        maker.rest(ASK, cents + 10)
    assert [price for price, _ in ex.levels("MKT-A", BID, 2)] == [4200, 4100]
    assert [price for price, _ in ex.levels("MKT-A", ASK, 9)] == [5000, 5100, 5200]


def test_immediate_or_cancel_never_rests() -> None:
    ex = exchange()
    Trader(ex, "maker").rest(ASK, 51, 2)
    order = Trader(ex, "taker").rest(BID, 55, 3, time_in_force=IOC)
    assert (order.filled, order.remaining, order.status) == (200, 0, "canceled")
    assert ex.best("MKT-A") == (None, None)


def test_fill_or_kill_takes_all_or_nothing() -> None:
    ex = exchange()
    Trader(ex, "maker").rest(ASK, 51, 2)
    taker = Trader(ex, "taker")
    refused = taker.place(BID, 55, 3, time_in_force=FOK, client_order_id="a")
    assert refused.error == FOK_UNFILLABLE
    assert taker.position() == 0
    assert taker.rest(BID, 55, 2, time_in_force=FOK, client_order_id="a").status == "executed"


def test_fill_or_kill_that_meets_its_owner_keeps_what_was_filled() -> None:
    ex = exchange()
    Trader(ex, "maker").rest(ASK, 51, 1)
    both = Trader(ex, "both")
    both.rest(ASK, 52, 5)
    order = both.rest(BID, 52, 3, time_in_force=FOK)
    assert (order.filled, order.status, order.reason) == (100, "canceled", "SelfTradeCancel")


def test_post_only_that_would_cross_is_on_record_as_cancelled() -> None:
    ex = exchange()
    Trader(ex, "maker").rest(ASK, 51)
    quoter = Trader(ex, "quoter")
    assert quoter.place(BID, 51, post_only=True, client_order_id="q").error == POST_ONLY_CROSS
    (order,) = quoter.account.orders.values()
    assert (order.status, order.reason, order.filled) == ("canceled", "PostOnlyCrossCancel", 0)
    assert quoter.rest(BID, 50, post_only=True, client_order_id="r").status == "resting"


def test_taker_at_cross_stops_the_incoming_order() -> None:
    ex = exchange()
    me = Trader(ex, "me")
    mine = me.rest(ASK, 51)
    Trader(ex, "other").rest(ASK, 51)
    order = me.rest(BID, 52, 2)
    assert (order.status, order.reason, order.filled) == ("canceled", "SelfTradeCancel", 0)
    assert mine.status == "resting"
    assert ex.levels("MKT-A", ASK, 1) == [(5100, 200)]


def test_maker_prevention_cancels_the_resting_order_and_goes_on() -> None:
    ex = exchange()
    me = Trader(ex, "me")
    mine = me.rest(ASK, 51)
    Trader(ex, "other").rest(ASK, 51)
    order = me.rest(BID, 52, 2, stp=SelfTradePrevention.MAKER)
    assert (mine.status, mine.reason) == ("canceled", "SelfTradeCancel")
    assert (order.filled, order.remaining, order.status) == (100, 100, "resting")


def test_house_accounts_may_trade_with_themselves() -> None:
    ex = exchange()
    crowd = Trader(ex, "crowd", None)
    crowd.rest(ASK, 51)
    assert crowd.rest(BID, 51).status == "executed"
    assert crowd.position() == 0
    assert ex.audit() == []


def test_reduce_only_is_capped_by_the_position() -> None:
    ex = exchange()
    maker, me = Trader(ex, "maker"), Trader(ex, "me")
    maker.rest(ASK, 50, 3)
    maker.rest(BID, 49, 9)
    me.rest(BID, 50, 3)
    order = me.rest(ASK, 49, 8, time_in_force=IOC, reduce_only=True)
    assert (order.filled, me.position()) == (300, 0)
    nothing = me.rest(ASK, 49, 8, time_in_force=IOC, reduce_only=True)
    assert (nothing.status, nothing.reason, nothing.filled) == ("canceled", "ReduceOnlyCancel", 0)
    assert me.place(ASK, 49, reduce_only=True).error is not None


def test_an_expired_order_is_gone_before_anything_can_reach_it() -> None:
    ex = exchange()
    maker, taker = Trader(ex, "maker"), Trader(ex, "taker")
    expires = NOW // SECOND + 60
    order = maker.rest(ASK, 51, expiration_s=expires)
    assert ex.next_expiration() == expires * SECOND
    taker.rest(BID, 51, now=expires * SECOND)
    assert (order.status, order.reason, order.filled) == ("canceled", "ExpiryCancel", 0)
    assert maker.place(ASK, 51, expiration_s=expires, now=expires * SECOND).error == EXPIRATION_PAST
    assert maker.place(ASK, 51, expiration_s=expires, time_in_force=IOC).error is not None


@pytest.mark.parametrize(
    ("ticker", "cents", "contracts", "error"),
    [
        ("NOPE", 50, 1, MARKET_NOT_FOUND),
        ("MKT-A", 50.5, 1, INVALID_PRICE),
        ("MKT-A", 0, 1, INVALID_PRICE),
        ("MKT-A", 100, 1, INVALID_PRICE),
        ("MKT-A", 50, 0, INVALID_SIZE),
        ("MKT-A", 50, -1, INVALID_SIZE),
    ],
)
def test_what_is_malformed_is_refused(ticker: str, cents: float, contracts: float, error: object) -> None:
    assert Trader(exchange(), "me").place(BID, cents, contracts, ticker=ticker).error == error


def test_a_client_order_id_is_used_once_for_ever() -> None:
    ex = exchange()
    me = Trader(ex, "me")
    order = me.rest(BID, 40, client_order_id="once")
    assert me.place(BID, 40, client_order_id="once").error == ORDER_EXISTS
    ex.cancel(me.account, order.order_id, now=NOW)
    assert me.place(BID, 40, client_order_id="once").error == ORDER_EXISTS
    assert Trader(ex, "you").rest(BID, 40, client_order_id="once").status == "resting"


def test_a_refused_id_may_be_used_again() -> None:
    me = Trader(exchange(), "me")
    assert me.place(BID, 50.5, client_order_id="again").error == INVALID_PRICE
    assert me.rest(BID, 50, client_order_id="again").status == "resting"


def test_fractional_contracts_trade_exactly() -> None:
    ex = exchange()
    Trader(ex, "maker").rest(ASK, 51, 0.37)
    taker = Trader(ex, "taker")
    taker.rest(BID, 51, 0.36)
    assert ex.levels("MKT-A", ASK, 1) == [(5100, 1)]
    assert taker.account.position("MKT-A") == 36


def test_sides_are_mirrors() -> None:
    """The same story told from the other side ends the same."""
    for maker_side in (BID, ASK):
        ex = exchange()
        maker, taker = Trader(ex, "maker"), Trader(ex, "taker")
        maker.rest(maker_side, 50, 4)
        fills = taker.place(Side(maker_side).opposite, 50, 3).fills
        assert [(fill.price, fill.count) for fill in fills] == [(5000, 300)]
        assert maker.position() == 3 * maker_side.sign == -taker.position()
