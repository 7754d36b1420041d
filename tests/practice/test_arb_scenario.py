"""The practice exchange plants contradictions; M3 must find the paying ones, take them, and lose nothing by it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import cast

import pytest
from virtual_desk import START, VirtualDesk, made, settings

from kalshi_tui.kernel.relations_links import PRACTICE, find_links
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.traders_planter import Plant
from kalshi_tui.practice.world import World
from kalshi_tui.pricing.baskets import LegBook
from kalshi_tui.pricing.m3 import M3Params, scan
from kalshi_tui.pricing.outcomes import OutcomeSpace, outcome_space
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol.market import FeeSchedule
from kalshi_tui.protocol.rest import event_from_rest, market_from_rest, series_from_rest
from kalshi_tui.protocol.units import CENT, CONTRACT, DOLLAR, ONE, SECOND, Side, parse_money
from kalshi_tui.risk.chain import RiskParams

PARAMS = M3Params()
HOUR = 3600.0


def space_of_plant(exchange: Exchange, plant: Plant) -> OutcomeSpace:
    """What the bodies of the plant's event, as a client reads them, prove; of two events, their relation."""
    named = dict.fromkeys(exchange.markets[leg.ticker].event_ticker for leg in plant.legs)
    events, members = {}, {}
    for event_ticker in named:
        event = events[event_ticker] = event_from_rest(dict(exchange.events[event_ticker]))
        series = series_from_rest(dict(exchange.series[event.series_ticker]))
        rows = [m for m in exchange.markets.values() if m.event_ticker == event_ticker]
        members[event_ticker] = [market_from_rest(dict(m.body), series=series, event=event) for m in rows]
    if len(members) > 1:
        (link,) = find_links(PRACTICE, members, events)
        assert link.space is not None, link.off
        return link.space
    (event,), (markets,) = events.values(), members.values()
    space = outcome_space(event, markets)
    assert space is not None
    return space


def test_nothing_is_found_on_a_thousand_coherent_ladders_with_spreads_and_fees() -> None:
    seed = 20261122
    rng = random.Random(seed)
    for round_ in range(1000):
        size = rng.randint(2, 6)
        ladder = rng.random() < 0.5
        rows = [tuple(int(s > m) if ladder else int(s == m) for m in range(size)) for s in range(size + 1)]
        space = OutcomeSpace("E", tuple(f"M{i}" for i in range(size)), ("",) * len(rows), tuple(rows), (), "")
        weights = [rng.random() + 0.01 for _ in rows]
        books = {}
        for i, ticker in enumerate(space.tickers):
            fair = sum(w for w, row in zip(weights, rows, strict=True) if row[i]) / sum(weights) * ONE
            bid = int(fair - rng.uniform(0, 3 * CENT)) // CENT * CENT
            ask = -(-int(fair + rng.uniform(0, 3 * CENT)) // CENT) * CENT + CENT
            depth = rng.randint(1, 500) * CONTRACT
            bids = ((bid, depth),) if bid > 0 else ()
            asks = ((ask, depth),) if ask < ONE else ()
            books[ticker] = LegBook(ticker, bids, asks, FeeSchedule())
        assert scan(space, books, PARAMS, START, HOUR).basket is None, (seed, round_)


def test_two_cents_over_a_dollar_do_not_pay_five_taker_fees() -> None:
    """Five bids that sum to $1.02 cost 3.8 cents of fees: no basket. At $1.10 there is one."""
    rows = tuple(tuple(int(s == m) for m in range(5)) for s in range(6))
    space = OutcomeSpace("E", tuple("ABCDE"), ("",) * 6, rows, (), "")

    def books(prices: tuple[int, ...]) -> Mapping[str, LegBook]:
        return {
            t: LegBook(t, ((p * CENT, 100 * CONTRACT),), (((p + 2) * CENT, 100 * CONTRACT),), FeeSchedule())
            for t, p in zip("ABCDE", prices, strict=True)
        }

    few = scan(space, books((66, 13, 10, 7, 6)), PARAMS, START, HOUR)
    assert few.basket is None and few.reason.startswith("no arb")
    assert scan(space, books((66, 16, 12, 9, 7)), PARAMS, START, HOUR).basket is not None


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 4])
def test_planted_contradictions_that_pay_are_found(seed: int) -> None:
    """Every plant that clears M3's own bars by the planter's arithmetic is found at once, across events, too."""
    exchange = Exchange(seed=seed)
    world = World(exchange, seed, "arb", start=START)
    paying: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    known = 0
    while world.next_time() < START + 1500 * SECOND:
        at = world.next_time()
        world.step(at)
        exchange.drain()
        for plant in world.planted[known:]:
            space = space_of_plant(exchange, plant)
            books = {
                t: LegBook(
                    t,
                    tuple(exchange.levels(t, Side.BID, 12)),
                    tuple(exchange.levels(t, Side.ASK, 12)),
                    FeeSchedule(),
                )
                for t in space.tickers
            }
            found = scan(space, books, PARAMS, at, HOUR).basket
            if pays(plant):
                paying[plant.kind] += 1
                missed[plant.kind] += found is None
        known = len(world.planted)
    assert min(paying[kind] for kind in ("ladder", "exclusive", "bracket")) >= 5, f"seed {seed}: {paying}"
    assert missed.total() * 100 <= paying.total(), f"seed {seed}: {missed} of {paying} were missed"


def pays(plant: Plant) -> bool:
    """Whether the plant alone, at its size and inside the leg-risk cap, clears M3's least profits."""
    dearest = max(leg.price if leg.side is Side.BID else ONE - leg.price for leg in plant.legs) + 2 * CENT
    # One leg alone is the worst that a half-filled set of either kind can be.
    lots = min(plant.size, PARAMS.basket_lots * CONTRACT, int(PARAMS.leg_risk * DOLLAR) // dearest)
    lots -= lots % CONTRACT
    profit = lots * plant.edge_after_fees
    return plant.edge_after_fees >= 1.2 * CENT and profit >= PARAMS.min_profit * DOLLAR


class Ledger:
    """The basket rows of the journal."""

    def __init__(self) -> None:
        self.planned: list[dict[str, object]] = []
        self.results: list[dict[str, object]] = []
        self.flying: dict[str, int] = {}

    def __call__(self, desk: VirtualDesk, effects: list[ef.Effect]) -> None:
        for row in made(effects, ef.Journal):
            if row.kind != "basket":
                continue
            event = str(row.payload["event"])
            if row.payload["what"] == "planned":
                self.planned.append(row.payload)
                self.flying[event] = self.flying.get(event, 0) + 1
                assert self.flying[event] == 1, "two baskets of one event in flight"
            elif row.payload["what"] == "result":
                self.results.append(row.payload)
                self.flying[event] -= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("latency_ms", "bankroll", "tier"), [(2.0, 10_000, "basic"), (40.0, 100_000, "basic")]
)
def test_baskets_are_executed_for_what_they_promised(latency_ms: float, bankroll: int, tier: str) -> None:
    """On the default tier and bankroll, too: own quotes leave the tokens to a basket of four or five legs."""
    ledger = Ledger()
    desk = VirtualDesk(
        "arb",
        11,
        settings(default_engine="m3", relations=PRACTICE, risk=RiskParams.from_bankroll(bankroll * DOLLAR)),
        cash=bankroll * DOLLAR,
        tier=tier,
        latency_ms=latency_ms,
        watch=ledger,
    )
    desk.run(125.0)
    assert len(ledger.results) >= 4 and not any(ledger.flying.values())
    for result in ledger.results:
        promised, realized = (parse_money(str(result[name])) for name in ("promised", "realized"))
        assert result["outcome"] != "complete" or realized >= promised
        assert realized >= -PARAMS.leg_risk * DOLLAR
    assert sum(r["outcome"] == "complete" for r in ledger.results) * 10 >= len(ledger.results) * 8
    legs_of = [len(cast(list[object], row["legs"])) for row in ledger.planned]
    assert max(legs_of) >= 4, "no basket of four or more legs found its tokens"
    assert any("+" in event for event in ledger.flying), "no basket across events"
    assert desk.kernel.state.recovery.unreconciled == 0
    assert desk.exchange.audit() == []
    legs = [o for o in desk.account.orders.values() if o.client_order_id in taken(desk)]
    assert legs and all(order.status != "resting" for order in legs)


def taken(desk: VirtualDesk) -> set[str]:
    """Client ids of orders that took instead of resting."""
    return {f.client_order_id for f in desk.account.fills if f.is_taker}
