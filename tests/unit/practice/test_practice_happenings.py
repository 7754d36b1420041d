"""What the exchange tells: enough to rebuild every book and every account from outside."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from practice_kit import ASK, BID, NOW, Trader, exchange, of_kind

from kalshi_tui.practice.happenings import Filled, LevelChanged, OrderUpdated, PositionChanged, Traded
from kalshi_tui.protocol.units import Side


def test_one_action_shares_one_clock_and_one_time() -> None:
    ex = exchange()
    for name in ("a", "b"):
        Trader(ex, name).rest(ASK, 50, 1)
    Trader(ex, "c").rest(ASK, 51, 1)
    ex.drain()
    Trader(ex, "taker").rest(BID, 51, 5, now=NOW + 7)
    changes = of_kind(ex.drain(), LevelChanged)
    told = [(c.side, c.price, c.delta) for c in changes]
    assert told == [(ASK, 5000, -100), (ASK, 5000, -100), (ASK, 5100, -100), (BID, 5100, 200)]
    assert {(c.clock, c.at) for c in changes} == {(ex.markets["MKT-A"].clock, NOW + 7)}


def test_the_clock_of_a_market_grows_and_skips() -> None:
    ex = exchange("MKT-A", "MKT-B")
    me = Trader(ex, "me")
    assert ex.markets["MKT-A"].clock == 0
    me.rest(BID, 50)
    first = ex.markets["MKT-A"].clock
    me.rest(BID, 50, ticker="MKT-B")
    assert ex.markets["MKT-A"].clock == first > 0
    me.rest(BID, 50)
    assert ex.markets["MKT-A"].clock == first + 2


def test_a_trade_has_a_delta_of_its_price_and_size_before_it() -> None:
    ex = exchange()
    Trader(ex, "maker").rest(ASK, 50, 3)
    ex.drain()
    Trader(ex, "taker").rest(BID, 55, 2)
    happened = ex.drain()
    (trade,) = of_kind(happened, Traded)
    (change,) = of_kind(happened, LevelChanged)
    assert (change.price, change.delta) == (trade.price, -trade.count)
    assert happened.index(change) < happened.index(trade)
    assert trade.taker is BID


def test_the_cause_of_a_change_is_the_order_that_acted() -> None:
    ex = exchange()
    Trader(ex, "maker").rest(ASK, 50, 3, client_order_id="m-1")
    Trader(ex, "taker").rest(BID, 50, 2, client_order_id="t-1")
    causes = [(c.user_id, c.client_order_id) for c in of_kind(ex.drain(), LevelChanged)]
    assert causes == [("maker", "m-1"), ("taker", "t-1")]


def test_strangers_tell_the_public_and_nobody_else() -> None:
    ex = exchange()
    crowd, other = Trader(ex, "crowd", None), Trader(ex, "other", None)
    crowd.rest(ASK, 50)
    other.rest(BID, 50)
    kinds = {type(one) for one in ex.drain()}
    assert kinds == {LevelChanged, Traded}
    assert crowd.account.orders == {} == other.account.orders


def test_a_told_order_does_not_change_afterwards() -> None:
    ex = exchange()
    me = Trader(ex, "me")
    me.rest(BID, 50, 3)
    (told,) = of_kind(ex.drain(), OrderUpdated)
    Trader(ex, "taker").rest(ASK, 50, 1)
    assert (told.order.remaining, told.order.status) == (300, "resting")


@pytest.mark.parametrize("seed", range(5))
def test_books_and_positions_can_be_rebuilt_from_what_is_told(seed: int) -> None:
    rng = random.Random(seed)
    ex = exchange("MKT-A", "MKT-B")
    traders = [Trader(ex, f"t{n}", 100_000) for n in range(4)] + [Trader(ex, "house", None)]
    levels: dict[tuple[str, Side, int], int] = defaultdict(int)
    clocks: dict[str, int] = defaultdict(int)
    fills: dict[tuple[str, str], int] = defaultdict(int)
    told: dict[tuple[str, str], int] = defaultdict(int)
    for step in range(600):
        trader, ticker = rng.choice(traders), rng.choice(["MKT-A", "MKT-B"])
        resting = ex.orders_of(trader.account, ticker)
        if resting and rng.random() < 0.4:
            ex.cancel(trader.account, rng.choice(resting).order_id, now=NOW + step)
        else:
            side = rng.choice([BID, ASK])
            trader.place(side, rng.randrange(40, 61), rng.randrange(1, 500) / 100, ticker, now=NOW + step)
        for change in (happened := ex.drain()):
            if isinstance(change, LevelChanged):
                levels[change.ticker, change.side, change.price] += change.delta
                assert levels[change.ticker, change.side, change.price] >= 0
                assert change.clock >= clocks[change.ticker]
                clocks[change.ticker] = change.clock
        for filled in of_kind(happened, Filled):
            fills[filled.user_id, filled.fill.ticker] += filled.fill.side.sign * filled.fill.count
            assert fills[filled.user_id, filled.fill.ticker] == filled.fill.position
        for moved in of_kind(happened, PositionChanged):
            told[moved.user_id, moved.position.ticker] = moved.position.count
    for ticker in ("MKT-A", "MKT-B"):
        for side in (BID, ASK):
            book = dict(ex.levels(ticker, side, 10_000))
            mine = {price: n for (t, s, price), n in levels.items() if (t, s) == (ticker, side) and n}
            assert mine == book
    assert fills == told
    assert ex.audit() == []
