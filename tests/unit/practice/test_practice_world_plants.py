"""Planted violations: on the books as written down, paying in every outcome, gone again afterwards."""

from __future__ import annotations

import pytest

from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.traders_planter import Plant, taker_fee
from kalshi_tui.practice.world import World
from kalshi_tui.protocol.units import ONE, SECOND, Nanos, Side

START: Nanos = 1_795_000_000 * SECOND


def planted(seed: int, until_s: int) -> tuple[Exchange, list[tuple[Plant, bool]]]:
    """Every plant of a session, and whether the books showed all of it the moment it was planted."""
    exchange = Exchange(seed=seed)
    world = World(exchange, seed, "arb", start=START)
    seen: list[tuple[Plant, bool]] = []
    while world.next_time() <= START + until_s * SECOND:
        world.step(world.next_time())
        if len(world.planted) > len(seen):
            seen.append((world.planted[-1], on_the_books(exchange, world.planted[-1])))
    return exchange, seen


def on_the_books(exchange: Exchange, plant: Plant) -> bool:
    for leg in plant.legs:
        price, count = exchange.levels(leg.ticker, leg.side.opposite, 1)[0]
        if price != leg.price or count < plant.size:
            return False
    return True


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_plant_is_on_the_books_and_pays_after_fees(seed: int) -> None:
    _, seen = planted(seed, 240)
    assert len(seen) >= 8
    assert all(shown for _, shown in seen)
    for plant, _ in seen:
        assert 100 <= plant.edge_after_fees <= 1_000
        assert plant.edge_after_fees == plant.edge - sum(taker_fee(leg.price) for leg in plant.legs)
        assert plant.starts < plant.ends <= plant.starts + 6 * SECOND


def test_all_kinds_come() -> None:
    kinds = {plant.kind for seed in (1, 2, 3) for plant, _ in planted(seed, 240)[1]}
    assert kinds == {"ladder", "exclusive", "bracket"}


def outcomes(exchange: Exchange, plant: Plant) -> list[dict[str, int]]:
    """What each leg pays, in every outcome the strikes leave possible."""
    bodies = [exchange.markets[leg.ticker].body for leg in plant.legs]
    edges = sorted({body[key] for body in bodies for key in ("floor_strike", "cap_strike") if key in body})
    step = 25.0 if "PRFED" in plant.legs[0].ticker else 0.1 if "PRCPI" in plant.legs[0].ticker else 0.01
    values = sorted({round(e + d * step, 6) for e in edges for d in (-1, 0, 1)})
    return [{body["ticker"]: int(pays(body, value)) for body in bodies} for value in values]


def pays(body: dict[str, object], value: float) -> bool:
    floor, cap = body.get("floor_strike"), body.get("cap_strike")
    low, high = (float(str(x)) if x is not None else None for x in (floor, cap))
    if body["strike_type"] == "greater":
        return low is not None and value > low
    if body["strike_type"] == "greater_or_equal":
        return low is not None and value >= low
    if body["strike_type"] == "less":
        return high is not None and value < high
    return low is not None and high is not None and low <= value <= high


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_edge_is_the_worst_outcome_by_enumeration(seed: int) -> None:
    exchange, seen = planted(seed, 240)
    for plant, _ in seen:
        received = sum(leg.price if leg.side is Side.ASK else -leg.price for leg in plant.legs)
        worst = min(
            received + sum(ONE * paid[leg.ticker] * (1 if leg.side is Side.BID else -1) for leg in plant.legs)
            for paid in outcomes(exchange, plant)
        )
        assert worst == plant.edge


def test_a_plant_is_taken_back() -> None:
    exchange = Exchange(seed=1)
    world = World(exchange, 1, "arb", start=START)
    while not world.planted:
        world.step(world.next_time())
    plant = world.planted[0]
    planter = exchange.house_account("planter")
    held = [t for leg in plant.legs for t in exchange.orders_of(planter, leg.ticker)]
    assert len(held) == len(plant.legs)
    while world.next_time() < plant.ends:
        world.step(world.next_time())
    assert on_the_books(exchange, plant)
    while world.next_time() <= plant.ends + 1:
        world.step(world.next_time())
    assert all(not exchange.orders_of(planter, leg.ticker) for leg in plant.legs)


def test_other_scenarios_plant_nothing() -> None:
    world = World(Exchange(seed=1), 1, start=START)
    world.step(START + 60 * SECOND)
    assert world.planted == []


@pytest.mark.parametrize(("price", "fee"), [(5_000, 175), (500, 34), (100, 7), (9_900, 7)])
def test_a_taker_fee_is_rounded_up(price: int, fee: int) -> None:
    assert taker_fee(price) == fee
