"""The exchange keeps what can still be read, as the real one does; its books add up without the rest."""

from __future__ import annotations

import pytest
from practice_kit import ASK, BID, NOW, Trader, exchange, market

from kalshi_tui.practice import accounts, lifecycle, markets
from kalshi_tui.practice.calls import Call
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.refusals import ORDER_EXISTS
from kalshi_tui.practice.rest_portfolio import fills, orders
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, SECOND

CLOSE = NOW + 3_600 * SECOND
HOUR = 3_600 * SECOND


def asked(ex: Exchange, me: Trader, **query: str) -> Call:
    return Call(ex, me.account, None, "basic", {}, query, lambda name: [], b"", NOW)


def test_ended_orders_are_read_until_many_more_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "RECORDS_KEPT", 5)
    ex = exchange()
    me = Trader(ex, "me")
    resting = me.rest(BID, 20, client_order_id="stays")
    for number in range(12):
        order = me.rest(BID, 30, client_order_id=f"c{number}")
        ex.cancel(me.account, order.order_id, now=NOW)
    assert [o.client_order_id for o in me.account.orders.values()] == [
        "stays",
        "c7",
        "c8",
        "c9",
        "c10",
        "c11",
    ]
    assert len(orders(asked(ex, me)).body["orders"]) == 6  # type: ignore[index]
    assert resting.status == "resting"
    assert me.place(BID, 30, client_order_id="c11").error == ORDER_EXISTS
    assert me.place(BID, 30, client_order_id="c2").error is None


def test_pages_of_fills_stay_in_place_while_old_ones_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "RECORDS_KEPT", 6)
    ex = exchange()
    me, other = Trader(ex, "me"), Trader(ex, "other", None)

    def trade(cents: int) -> None:
        other.rest(ASK, cents)
        me.rest(BID, cents)

    for cents in range(30, 38):
        trade(cents)
    first = fills(asked(ex, me, limit="2")).body
    assert isinstance(first, dict)
    assert [f["yes_price_dollars"] for f in first["fills"]] == ["0.3700", "0.3600"]
    trade(38)
    second = fills(asked(ex, me, limit="2", cursor=first["cursor"])).body
    assert isinstance(second, dict)
    assert [f["yes_price_dollars"] for f in second["fills"]] == ["0.3500", "0.3400"]
    assert len(me.account.fills) == 6
    assert ex.audit() == []


def test_markets_that_settled_long_ago_are_gone_and_the_books_still_balance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lifecycle, "MARKETS_KEPT", 2)
    names = [f"MKT-{number}" for number in range(5)]
    ex = exchange("MKT-LAST", fee_type="quadratic")
    for number, name in enumerate(names):
        ex.add_event({"event_ticker": f"EVT-{number}", "series_ticker": "SER", "title": "e"}, NOW)
        ex.add_market(market(name, event_ticker=f"EVT-{number}"), NOW)
    me, crowd = Trader(ex, "me"), Trader(ex, "crowd", None)
    for number, name in enumerate(names):
        crowd.rest(ASK, 40, 5, ticker=name)
        me.rest(BID, 40, 3, ticker=name)
        ex.close_market(name, CLOSE)
        result = number % 2
        ex.determine(name, "yes" if result else "no", DOLLAR * result, CLOSE)
        ex.settle(name, CLOSE)
        assert ex.audit() == []
    assert list(ex.markets) == ["MKT-LAST", "MKT-3", "MKT-4"]
    assert list(ex.events) == ["EVT", "EVT-3", "EVT-4"]
    assert {o.ticker for o in me.account.orders.values()} == {"MKT-3", "MKT-4"} == set(me.account.positions)
    assert me.account.past != 0


def test_a_settled_market_keeps_few_trades_and_a_day_is_counted_without_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(markets, "TRADES_OF_SETTLED", 3)
    ex = exchange()
    me, crowd = Trader(ex, "me", 100_000), Trader(ex, "crowd", None)
    for hour in range(30):
        at = NOW + hour * HOUR
        crowd.rest(ASK, 40, 2, now=at)
        me.rest(BID, 40, 2, now=at)
    held = ex.markets["MKT-A"]
    now = NOW + 29 * HOUR
    assert held.volume_24h(now) == 24 * 2 * CONTRACT
    assert held.volume == 30 * 2 * CONTRACT
    assert held.volume_24h(now + 30 * HOUR) == 0
    ex.close_market("MKT-A", now)
    ex.determine("MKT-A", "no", 0, now)
    ex.settle("MKT-A", now)
    assert len(held.trades) == 3 == len(ex.trades("MKT-A"))
