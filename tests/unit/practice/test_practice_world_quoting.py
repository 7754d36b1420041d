"""A plain maker on the practice exchange: it is filled soon, it loses in a crash, and the books add up."""

from __future__ import annotations

import pytest

from kalshi_tui.practice.accounts import Account
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.matching import Order
from kalshi_tui.practice.world import World
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, MILLISECOND, ONE, SECOND, Money, Nanos, Price, Side

START: Nanos = 1_795_000_000 * SECOND
EDGE: Price = 150
LOTS = 10 * CONTRACT
EVERY: Nanos = 250 * MILLISECOND


class MidMaker:
    """Quotes mid minus and plus 1.5 cents, rounded outward, ten lots, four times a second: M0 in short."""

    def __init__(self, exchange: Exchange, tickers: list[str], cap: int = 40 * CONTRACT) -> None:
        self.exchange = exchange
        self.account: Account = exchange.account("maker", 100_000 * DOLLAR)
        self.tickers = tickers
        self.cap = cap
        self.working: dict[tuple[str, Side], Order] = {}

    def quote(self, now: Nanos) -> None:
        for ticker in self.tickers:
            if self.exchange.markets[ticker].status is MarketStatus.ACTIVE:
                target = self._target(ticker)
                for side in Side:
                    self._work(ticker, side, target[side], now)

    def _target(self, ticker: str) -> dict[Side, Price | None]:
        market = self.exchange.markets[ticker]
        bid, ask = (self._others_best(ticker, side) for side in (Side.BID, Side.ASK))
        if bid is None or ask is None:
            return {Side.BID: None, Side.ASK: None}
        low, high = market.grid.floor((bid + ask) / 2 - EDGE), market.grid.ceil((bid + ask) / 2 + EDGE)
        position = self.account.position(ticker)
        return {
            Side.BID: low if position + LOTS <= self.cap else None,
            Side.ASK: high if position - LOTS >= -self.cap else None,
        }

    def _others_best(self, ticker: str, side: Side) -> Price | None:
        own = self.working.get((ticker, side))
        for price, count in self.exchange.levels(ticker, side, 20):
            mine = own.remaining if own is not None and own.price == price else 0
            if count > mine:
                return price
        return None

    def _work(self, ticker: str, side: Side, price: Price | None, now: Nanos) -> None:
        order = self.working.get((ticker, side))
        if order is not None and order.status == "resting":
            if order.price == price:
                return
            self.exchange.cancel(self.account, order.order_id, now=now)
        self.working.pop((ticker, side), None)
        if price is not None:
            result = self.exchange.place(self.account, ticker, side, price, LOTS, now=now, post_only=True)
            if result.order is not None:
                self.working[ticker, side] = result.order

    def equity(self, fair: dict[str, float]) -> Money:
        """Profit so far, open positions at their true worth."""
        cash = sum(self.account.cash.values()) - self.account.deposited
        held = 0
        for ticker, probability in fair.items():
            position, worth = self.account.position(ticker), round(probability * ONE)
            held += position * worth if position >= 0 else -position * (ONE - worth)
        return cash + held


def run(world: World, exchange: Exchange, maker: MidMaker, seconds: float) -> None:
    end = START + int(seconds * SECOND)
    for now in range(START, end, EVERY):
        while world.next_time() <= now:
            world.step(world.next_time())
        maker.quote(now)
        exchange.outbox.clear()


def lasting(exchange: Exchange) -> list[str]:
    return [t for t in exchange.markets if t.startswith(("PRCPI", "PRFED", "PRBTCH"))]


@pytest.mark.parametrize("seed", range(1, 11))
def test_a_plain_maker_is_filled_within_25_seconds(seed: int) -> None:
    exchange = Exchange(seed=seed)
    world = World(exchange, seed, start=START)
    maker = MidMaker(exchange, lasting(exchange))
    run(world, exchange, maker, 25)
    assert maker.account.fills
    assert any(not fill.is_taker for fill in maker.account.fills)
    assert exchange.audit() == []


def test_one_liquid_market_alone_is_enough_at_most_seeds() -> None:
    filled = 0
    for seed in range(1, 11):
        exchange = Exchange(seed=seed)
        world = World(exchange, seed, start=START)
        maker = MidMaker(exchange, ["PRCPI-26NOV-T0.3"])
        run(world, exchange, maker, 30)
        filled += bool(maker.account.fills)
    assert filled >= 8


def fair_values(world: World, maker: MidMaker) -> dict[str, float]:
    return {ticker: world.fair(ticker) for ticker in maker.tickers}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_crash_costs_a_maker_what_a_calm_session_pays(seed: int) -> None:
    results = {}
    for scenario in ("calm", "crash"):
        exchange = Exchange(seed=seed)
        world = World(exchange, seed, scenario, start=START)
        maker = MidMaker(exchange, lasting(exchange))
        run(world, exchange, maker, 60)
        results[scenario] = maker.equity(fair_values(world, maker))
    assert results["crash"] < -5 * DOLLAR
    assert results["calm"] > 2 * DOLLAR


def test_quoting_through_a_print_is_paid_at_settlement_to_the_cent() -> None:
    exchange = Exchange(seed=5)
    world = World(exchange, 5, "cpi-day", start=START)
    maker = MidMaker(exchange, [t for t in exchange.markets if t.startswith("PRCPI")])
    run(world, exchange, maker, 200)
    assert {exchange.markets[t].status for t in maker.tickers} == {MarketStatus.FINALIZED}
    assert all(maker.account.position(t) == 0 for t in maker.tickers)
    assert exchange.audit() == []
