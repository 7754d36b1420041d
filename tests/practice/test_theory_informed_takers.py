"""Glosten and Milgrom on the practice exchange: a maker narrower than break-even loses, a wider one gains.

With a share ``a`` of takers who know the outcome and the rest trading at random, the zero-profit quotes are
ask = p(1+a) / (p(1+a) + (1-p)(1-a)) and its mirror bid; at even odds their half-spread is a / 2.
"""

from __future__ import annotations

import math
import random

import pytest

from kalshi_tui.features.market import MarketFeatures
from kalshi_tui.practice.catalog import Times, event_body, market_body, series_body
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.traders_flow import Crowd, CrowdStyle
from kalshi_tui.practice.world_belief import Latent, Number, Strike
from kalshi_tui.pricing import theory
from kalshi_tui.pricing.base import quote
from kalshi_tui.pricing.m0 import M0Params
from kalshi_tui.pricing.snapshot import MarketSnapshot
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import FeeSchedule, StrikeType
from kalshi_tui.protocol.orders import TimeInForce
from kalshi_tui.protocol.units import CONTRACT, ONE, SECOND, Price, Side

NOW = 1_795_000_000 * SECOND
TICKER = "PRX-1-T"
ALPHA = 0.2
TRADES = 12_000
# The exact break-even quotes of p = 0.3 at this alpha are 0.3913 and 0.2222.
BREAK_EVEN_30 = (0.222, 0.391)


def one_market() -> Exchange:
    """One market without a quote."""
    exchange = Exchange(seed=1)
    life = Times(NOW, NOW, NOW + 900 * SECOND, NOW + 900 * SECOND, NOW + 901 * SECOND, NOW + 902 * SECOND)
    number = Number(Latent(0.0, 1.0, random.Random(1)), 900 * SECOND)
    exchange.add_series(series_body("PRX", "X", "Economics", frequency="once", fee_type="quadratic"))
    exchange.add_event(event_body("PRX-1", "PRX", "X", "X", life), NOW)
    strike = Strike(StrikeType.GREATER, floor=0)
    body = market_body(
        TICKER, "PRX-1", "X?", "yes", "rules", strike, number, life, structure="deci_cent", round_digits=0
    )
    exchange.add_market(body, NOW)
    return exchange


def made(exchange: Exchange, bid: Price, ask: Price, name: str = "maker") -> Exchange:
    """With a house maker who quotes both sides without end."""
    maker = exchange.house_account(name)
    for side, price in ((Side.BID, bid), (Side.ASK, ask)):
        exchange.place(maker, TICKER, side, price, TRADES * CONTRACT, now=NOW, post_only=True)
    return exchange


def quoted_by_m0(exchange: Exchange, edge: float) -> tuple[Price, Price]:
    """Where M0 wants to be in this exchange's book."""
    grid, (bid, ask) = exchange.markets[TICKER].grid, exchange.best(TICKER)
    features, now = MarketFeatures(grid), Instant(0, NOW)
    features.on_top(bid, TRADES, ask, TRADES, now)
    snapshot = MarketSnapshot(
        TICKER, grid, bid, TRADES, ask, TRADES, features.snapshot(now), 0, TRADES * CONTRACT, FeeSchedule(), NOW
    )  # fmt: skip
    intent = quote("m0", snapshot, M0Params(edge=edge, max_half=0.5, max_spread=1.0))
    assert intent.bid is not None and intent.ask is not None
    return intent.bid.price, intent.ask.price


def maker_profit(exchange: Exchange, probability: float, seed: int) -> tuple[float, float]:
    """Mean profit per contract in dollars, and its standard error; every trade has an outcome of its own."""
    style = CrowdStyle(rate=1.0, informed=ALPHA, follow=0.0, size=1.0, size_spread=0.0, fractional=0.0)
    crowd = Crowd(style, exchange.markets[TICKER].grid, random.Random(seed))
    outcomes = random.Random(seed + 1)
    takers = exchange.house_account("takers")
    profits: list[float] = []
    for _ in range(TRADES):
        outcome = 1 if outcomes.random() < probability else 0
        take = crowd.take(float(outcome), *exchange.best(TICKER))
        assert take is not None
        result = exchange.place(
            takers, TICKER, take.side, take.price, take.count, now=NOW, time_in_force=TimeInForce.IOC
        )
        for fill in result.fills:
            profits.append(take.side.sign * (fill.price / ONE - outcome))
        exchange.outbox.clear()
    mean = sum(profits) / len(profits)
    variance = sum((p - mean) ** 2 for p in profits) / (len(profits) - 1)
    return mean, math.sqrt(variance / len(profits))


def cents(dollars: float) -> Price:
    return round(dollars * ONE)


@pytest.mark.parametrize("seed", [31, 32])
def test_m0_loses_below_the_break_even_spread_and_gains_above_it(seed: int) -> None:
    """M0 inside a wide, even book. Its break-even half-spread is alpha / 2 = 10 cents; profits are h - alpha / 2."""
    found = {}
    for half in (0.08, 0.10, 0.12):
        exchange = made(one_market(), cents(0.2), cents(0.8), "far away")
        bid, ask = quoted_by_m0(exchange, half)
        assert (bid, ask) == (cents(0.5 - half), cents(0.5 + half))
        mean, error = maker_profit(made(exchange, bid, ask), 0.5, seed)
        assert mean == pytest.approx(theory.expected_maker_pnl(0.5, ALPHA, half), abs=3.5 * error)
        found[half] = mean / error
    assert found[0.08] < -2.0 and found[0.12] > 2.0, "not told apart from noise"


@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize(("half", "expected"), [(0.08, -0.02), (0.10, 0.0), (0.12, 0.02)])
def test_even_odds_break_even_at_half_of_alpha(half: float, expected: float, seed: int) -> None:
    mean, error = maker_profit(made(one_market(), cents(0.5 - half), cents(0.5 + half)), 0.5, seed)
    assert error < 0.006
    assert mean == pytest.approx(expected, abs=3.5 * error)


@pytest.mark.parametrize("seed", [21, 22])
@pytest.mark.parametrize("wider", [-0.03, 0.0, 0.03])
def test_glosten_milgrom_quotes_break_even_away_from_even_odds(wider: float, seed: int) -> None:
    bid, ask = BREAK_EVEN_30
    mean, error = maker_profit(made(one_market(), cents(bid - wider), cents(ask + wider)), 0.3, seed)
    assert mean == pytest.approx(wider, abs=3.5 * error)
