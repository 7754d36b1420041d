"""The world goes on when a plan ends some of its markets before their time."""

from __future__ import annotations

from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.faults import FaultPlan
from kalshi_tui.practice.faults_read import parse_plan
from kalshi_tui.practice.service import Service
from kalshi_tui.practice.world import World
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.units import SECOND

START = 1_790_000_000 * SECOND
PLAN = """\
[[fault]]
do = "close"
at = "1s"
market = "PRBTC3M-*"

[[fault]]
do = "void"
at = "2s"
market = "PRBTC3M-*"

[[fault]]
do = "pause"
at = "3s"
market = "PRBTC3M-*"
"""


def test_markets_that_ended_early_are_left_and_the_others_settle() -> None:
    now = START
    exchange = Exchange(seed=3)
    service = Service(exchange, clock=lambda: now)
    world = World(exchange, 3, speed=10.0, start=START, rate=0.1)
    service.outside = world
    plan = FaultPlan(parse_plan(PLAN, "p"), 1, START)
    service.obey(plan, world.leave)
    first = [ticker for ticker in exchange.markets if ticker.startswith("PRBTC3M-")]
    closed, void, paused = first
    for _ in range(300):  # 300 seconds of the world: the markets of three minutes are over, new ones trade
        now += SECOND // 10
        service.catch_up(now)
        if now == START + 4 * SECOND:
            statuses = [exchange.markets[ticker].status for ticker in first]
            assert statuses == [MarketStatus.CLOSED, MarketStatus.FINALIZED, MarketStatus.INACTIVE]
            assert [exchange.best(ticker) == (None, None) for ticker in first] == [True, True, False]
    assert plan.counts() == {"close@1s": 1, "void@2s": 1, "pause@3s": 1}
    ended = [exchange.markets[ticker] for ticker in first]
    assert {market.status for market in ended} == {MarketStatus.FINALIZED}
    assert exchange.markets[void].result == "scalar"
    assert exchange.markets[closed].result in ("yes", "no")
    assert exchange.markets[paused].result in ("yes", "no")
    later = [ticker for ticker in exchange.markets if ticker.startswith("PRBTC3M-") and ticker not in first]
    assert any(exchange.markets[ticker].status is MarketStatus.ACTIVE for ticker in later)
    assert exchange.audit() == []
