"""Makers and takers of the practice world, one market at a time."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from kalshi_tui.practice.catalog import Times, event_body, market_body, series_body
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.traders import STYLES, LadderMaker
from kalshi_tui.practice.traders_flow import Crowd, CrowdStyle
from kalshi_tui.practice.world_belief import Latent, Number, Strike
from kalshi_tui.protocol.market import StrikeType
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CONTRACT, SECOND, Side

NOW = 1_795_000_000 * SECOND
CENTS = TickGrid.named("linear_cent")
QUIET = CrowdStyle(rate=1.0, informed=0.0)
ALL_KNOWING = CrowdStyle(rate=1.0, informed=1.0)


def one_market(structure: str = "linear_cent") -> Exchange:
    exchange = Exchange(seed=1)
    life = Times(NOW, NOW, NOW + 900 * SECOND, NOW + 900 * SECOND, NOW + 901 * SECOND, NOW + 902 * SECOND)
    strike = Strike(StrikeType.GREATER, floor=3)
    number = Number(Latent(0.3, 0.0, random.Random(1)), 900 * SECOND, 1, 10)
    exchange.add_series(
        series_body("PRX", "X", "Economics", frequency="once", fee_type="quadratic", tags=("Practice",))
    )
    exchange.add_event(event_body("PRX-1", "PRX", "X", "X", life), NOW)
    body = market_body(
        "PRX-1-T", "PRX-1", "X?", "above", "rules", strike, number, life, structure=structure, round_digits=1
    )
    exchange.add_market(body, NOW)
    return exchange


def maker_on(exchange: Exchange, fair: float, style: int = 1, seed: int = 1) -> LadderMaker:
    grid = exchange.markets["PRX-1-T"].grid
    account = exchange.house_account("maker")
    return LadderMaker(exchange, account, "PRX-1-T", grid, STYLES[style], random.Random(seed), fair=fair)


@pytest.mark.parametrize("structure", ["linear_cent", "tapered_deci_cent", "center_half_edge_deci_cent"])
def test_an_opening_ladder_surrounds_fair(structure: str) -> None:
    exchange = one_market(structure)
    maker_on(exchange, 0.42).fill_book(NOW, 0.42, 1.0)
    bids, asks = (exchange.levels("PRX-1-T", side, 50) for side in (Side.BID, Side.ASK))
    assert len(bids) == len(asks) == STYLES[1].levels
    assert bids[0][0] < 4_200 < asks[0][0]
    assert asks[0][0] - bids[0][0] <= 500


def test_no_bid_where_there_is_no_price_for_it() -> None:
    exchange = one_market()
    maker_on(exchange, 0.001).fill_book(NOW, 0.001, 1.0)
    assert exchange.levels("PRX-1-T", Side.BID, 50) == []
    assert exchange.levels("PRX-1-T", Side.ASK, 50)[0][0] == 100


def test_a_maker_follows_what_becomes_known() -> None:
    exchange = one_market()
    maker = maker_on(exchange, 0.30)
    maker.fill_book(NOW, 0.30, 1.0)
    for second in range(1, 40):
        maker.look(NOW + second * SECOND, 1.0, 0.60, 1.0)
    bid, ask = exchange.best("PRX-1-T")
    assert bid is not None and ask is not None
    assert bid < 6_000 + 200 and ask > 6_000 - 200
    assert bid > 5_000


def test_little_appetite_is_few_small_and_wide() -> None:
    exchange = one_market()
    maker = maker_on(exchange, 0.50)
    maker.fill_book(NOW, 0.50, 1.0)
    bid, ask = exchange.best("PRX-1-T")
    full = sum(count for _, count in exchange.levels("PRX-1-T", Side.BID, 50))
    for second in range(1, 60):
        maker.look(NOW + second * SECOND, 1.0, 0.50, 0.1)
    thin_bid, thin_ask = exchange.best("PRX-1-T")
    assert bid and ask and thin_bid and thin_ask
    assert sum(count for _, count in exchange.levels("PRX-1-T", Side.BID, 50)) < full / 4
    assert thin_ask - thin_bid > ask - bid
    assert exchange.levels("PRX-1-T", Side.BID, 50)[0][1] < 10 * CONTRACT


def test_a_maker_puts_back_what_was_taken() -> None:
    exchange = one_market()
    maker = maker_on(exchange, 0.50)
    maker.fill_book(NOW, 0.50, 1.0)
    before = len(exchange.levels("PRX-1-T", Side.ASK, 50))
    taker = exchange.house_account("taker")
    best = exchange.levels("PRX-1-T", Side.ASK, 2)
    exchange.place(taker, "PRX-1-T", Side.BID, best[1][0], best[0][1] + best[1][1], now=NOW + 1)
    assert len(exchange.levels("PRX-1-T", Side.ASK, 50)) == before - 2
    for second in range(1, 20):
        maker.look(NOW + second * SECOND, 1.0, 0.50, 1.0)
    assert len(exchange.levels("PRX-1-T", Side.ASK, 50)) >= before - 1


def test_whoever_knows_takes_only_what_is_too_cheap_or_too_dear() -> None:
    crowd = Crowd(ALL_KNOWING, CENTS, random.Random(4))
    buy = crowd.take(0.60, 4_900, 5_100)
    sell = crowd.take(0.40, 4_900, 5_100)
    assert buy is not None and (buy.side, buy.price) == (Side.BID, 5_900)
    assert sell is not None and (sell.side, sell.price) == (Side.ASK, 4_100)
    assert crowd.take(0.50, 4_900, 5_100) is None
    assert crowd.take(0.515, 4_900, 5_100) is not None
    assert crowd.take(0.60, None, None) is None


def test_others_take_either_side_alike_and_stay_near() -> None:
    crowd = Crowd(QUIET, CENTS, random.Random(4))
    takes = [crowd.take(0.99, 4_900, 5_100) for _ in range(2_000)]
    sides = Counter(take.side for take in takes if take is not None)
    assert 900 < sides[Side.BID] < 1_100
    assert {take.price for take in takes if take is not None} == {5_500, 4_500}


def test_followers_mostly_do_as_the_one_before() -> None:
    crowd = Crowd(QUIET, CENTS, random.Random(4))
    takes = [crowd.take(0.5, 4_900, 5_100, before=Side.BID) for _ in range(2_000)]
    bought = sum(take is not None and take.side is Side.BID for take in takes)
    assert bought / 2_000 == pytest.approx(0.75 + 0.25 / 2, abs=0.04)


def test_a_few_orders_are_fractional() -> None:
    crowd = Crowd(QUIET, CENTS, random.Random(4))
    takes = [crowd.take(0.5, 4_900, 5_100) for _ in range(5_000)]
    fractional = sum(take is not None and take.count % CONTRACT != 0 for take in takes)
    assert 0.02 < fractional / 5_000 < 0.06
    assert all(take is not None and take.count >= CONTRACT for take in takes)


def test_the_flow_does_not_depend_on_the_book() -> None:
    alone, crowded = (Crowd(QUIET, CENTS, random.Random(9)) for _ in range(2))
    for _ in range(50):
        alone.take(0.5, None, None)
        crowded.take(0.5, 4_900, 5_100, before=Side.ASK)
        assert alone.gap() == crowded.gap()
        assert alone.follower() == crowded.follower()
