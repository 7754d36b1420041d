"""The whole world: full books at once, a lively pace, markets that close and settle, one seed one story."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import pairwise

import pytest

from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.happenings import BookCleared, Happening, LevelChanged, MarketEvent, Traded
from kalshi_tui.practice.scenarios import scenario, scenario_names
from kalshi_tui.practice.world import World
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, SECOND, Nanos, Side

START: Nanos = 1_795_000_000 * SECOND


def made(
    seed: int = 1, name: str = "default", speed: float = 1.0, rate: float = 1.0
) -> tuple[Exchange, World]:
    exchange = Exchange(seed=seed)
    return exchange, World(exchange, seed, name, speed, start=START, rate=rate)


def play(exchange: Exchange, world: World, until_s: float) -> list[Happening]:
    """Everything that happened until then, each action at its own time."""
    end = START + int(until_s * SECOND)
    while world.next_time() <= end:
        world.step(world.next_time())
    told = list(exchange.outbox)
    exchange.outbox.clear()
    return told


def digest(told: list[Happening]) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()


def flow(told: list[Happening]) -> list[object]:
    """What the books did, without when."""
    return [
        (h.ticker, h.side, h.price, h.delta) if isinstance(h, LevelChanged) else (h.ticker, h.price, h.count)
        for h in told
        if isinstance(h, LevelChanged | Traded)
    ]


def active(exchange: Exchange) -> list[str]:
    return [t for t, market in exchange.markets.items() if market.status is MarketStatus.ACTIVE]


def test_the_default_scenario_lists_what_it_promises() -> None:
    exchange, _ = made()
    assert 20 <= len(active(exchange)) <= 24
    assert len(exchange.events) >= 4
    exclusive = [e for e in exchange.events.values() if e["mutually_exclusive"]]
    assert len(exclusive) == 2 and all(e["collateral_return_type"] == "MECNET" for e in exclusive)
    structures = {m.body["price_level_structure"] for m in exchange.markets.values()}
    assert {"linear_cent", "tapered_deci_cent"} <= structures
    fees = {s["ticker"]: s["fee_type"] for s in exchange.series.values()}
    assert fees["PRCPI"] == fees["PRFEDDEC"] == "quadratic_with_maker_fees"
    assert fees["PRBTC3M"] == "quadratic"
    assert {"PRCPI-26NOV-T0.3", "PRCPIBR-26NOV-B0.3", "PRFEDDEC-26DEC-H0"} <= set(exchange.markets)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_books_are_full_from_the_first_instant(seed: int) -> None:
    exchange, world = made(seed)
    for ticker in active(exchange):
        book = exchange.markets[ticker].book
        below, above = world.fair(ticker) * 100 - 2, 98 - world.fair(ticker) * 100
        assert len(book.bids.prices) >= min(8, int(below))
        assert len(book.asks.prices) >= min(8, int(above))
        bid, ask = exchange.best(ticker)
        assert bid is None or ask is None or bid < ask


@pytest.mark.parametrize("seed", [1, 2])
def test_the_pace_is_lively_and_every_market_trades(seed: int) -> None:
    exchange, world = made(seed)
    exchange.outbox.clear()
    told = play(exchange, world, 80)
    deltas = sum(isinstance(h, LevelChanged) for h in told)
    assert 60 <= deltas / 80 <= 150
    trades = Counter(h.ticker for h in told if isinstance(h, Traded))
    assert all(trades[ticker] >= 4 for ticker in active(exchange))


def test_rate_drives_a_thousand_deltas_a_second() -> None:
    exchange, world = made(rate=10.0)
    exchange.outbox.clear()
    told = play(exchange, world, 5)
    assert sum(isinstance(h, LevelChanged) for h in told) >= 4_500


def test_short_markets_close_determine_settle_and_roll() -> None:
    exchange, world = made()
    first = [t for t in exchange.markets if t.startswith("PRBTC3M")]
    closes = {exchange.markets[t].close for t in first}
    assert len(closes) == 1 and closes.pop() <= START + 180 * SECOND
    assert {exchange.markets[t].status for t in first} == {MarketStatus.ACTIVE}
    play(exchange, world, 140)
    following = [t for t in exchange.markets if t.startswith("PRBTC3M") and t not in first]
    assert {exchange.markets[t].status for t in following} == {MarketStatus.INITIALIZED}
    play(exchange, world, 165.5)
    assert {exchange.markets[t].status for t in first} == {MarketStatus.CLOSED}
    assert {exchange.markets[t].status for t in following} == {MarketStatus.ACTIVE}
    assert all(exchange.best(t) != (None, None) for t in following)
    play(exchange, world, 168)
    assert {exchange.markets[t].status for t in first} == {MarketStatus.DETERMINED}
    play(exchange, world, 173)
    assert {exchange.markets[t].status for t in first} == {MarketStatus.FINALIZED}
    results = [exchange.markets[t].result for t in sorted(first)]
    # A higher threshold never pays when a lower one does not.
    assert all(low == "yes" or high == "no" for low, high in pairwise(results))
    paid = {exchange.markets[t].value for t in first}
    assert paid <= {0, DOLLAR}
    assert exchange.audit() == []


def test_books_are_swept_once_at_close() -> None:
    exchange, world = made()
    told = play(exchange, world, 170)
    cleared = [h.ticker for h in told if isinstance(h, BookCleared)]
    assert sorted(cleared) == sorted(set(cleared)) == [t for t in sorted(exchange.markets) if "3M" in t][:3]


def test_cpi_day_runs_its_course_within_five_minutes() -> None:
    exchange, world = made(3, "cpi-day")
    cpi = [t for t in exchange.markets if t.startswith("PRCPI")]
    fed = [t for t in exchange.markets if t.startswith("PRFED")]
    calm = resting(exchange, cpi)
    calm_fed = resting(exchange, fed)
    play(exchange, world, 149)
    assert resting(exchange, cpi) < calm / 4
    play(exchange, world, 152)
    assert {world.fair(t) for t in cpi} == {0.0, 1.0}
    play(exchange, world, 220)
    assert {exchange.markets[t].status for t in cpi} == {MarketStatus.FINALIZED}
    assert resting(exchange, fed) > calm_fed / 2
    brackets = [exchange.markets[t].result for t in cpi if "PRCPIBR" in t]
    assert brackets.count("yes") == 1
    ladder = [exchange.markets[t].result for t in sorted(cpi) if "PRCPI-" in t]
    assert ladder == sorted(ladder, reverse=True)
    assert ladder.count("yes") == brackets.index("yes")
    (published,) = {exchange.markets[t].body["expiration_value"] for t in cpi}
    above = [exchange.markets[t].body["floor_strike"] for t in cpi if exchange.markets[t].result == "yes"]
    assert float(published) >= max(above)


def resting(exchange: Exchange, tickers: list[str]) -> int:
    return sum(count for t in tickers for side in Side for _, count in exchange.levels(t, side, 1_000))


def test_the_print_moves_the_fed() -> None:
    moved = 0.0
    for seed in range(1, 6):
        exchange, world = made(seed, "cpi-day")
        play(exchange, world, 149.9)
        before = world.fair("PRFEDDEC-26DEC-C25")
        play(exchange, world, 150.1)
        moved = max(moved, abs(world.fair("PRFEDDEC-26DEC-C25") - before))
    assert moved > 0.05


def test_a_new_season_opens_after_the_last_one() -> None:
    exchange, world = made(1, "cpi-day", speed=20.0)
    play(exchange, world, 2_720 / 20)
    assert exchange.markets["PRCPI-26DEC-T0.3"].status is MarketStatus.ACTIVE
    assert exchange.markets["PRFEDDEC-26DEC-H0"].status is MarketStatus.FINALIZED
    assert exchange.markets["PRFEDDEC-27JAN-H0"].status is MarketStatus.ACTIVE


def test_the_same_seed_tells_the_same_story() -> None:
    assert digest(play(*made(7), 15)) == digest(play(*made(7), 15))
    assert digest(play(*made(7), 15)) != digest(play(*made(8), 15))


def test_the_story_does_not_depend_on_how_often_it_is_stepped() -> None:
    fine, fine_world = made(7)
    coarse, coarse_world = made(7)
    told = play(fine, fine_world, 15)
    for now in range(START, START + 15 * SECOND + 1, SECOND // 4):
        coarse_world.step(now)
    assert digest(told) == digest(list(coarse.outbox))


def test_speed_scales_the_calendar_and_nothing_else() -> None:
    slow, slow_world = made(7)
    fast, fast_world = made(7, speed=10.0)
    closes = slow.markets[active(slow)[0]].close, fast.markets[active(fast)[0]].close
    assert (closes[0] - START) // 10 == pytest.approx(closes[1] - START, abs=10_000)
    assert flow(play(slow, slow_world, 20)) == flow(play(fast, fast_world, 2))


def test_late_steps_never_turn_time_back() -> None:
    exchange, world = made()
    world.step(START + 3 * SECOND)
    exchange.outbox.clear()
    world.step(START + 4 * SECOND)
    stamps = [h.at for h in exchange.outbox if isinstance(h, LevelChanged | Traded | MarketEvent)]
    assert stamps == sorted(stamps)
    assert stamps[0] >= START + 3 * SECOND


def test_a_calendar_of_whole_seconds_from_any_start() -> None:
    exchange = Exchange(seed=1)
    World(exchange, 1, start=START + 123_456_789)
    assert all(m.close % SECOND == 0 for m in exchange.markets.values())
    assert all("." not in m.body["open_time"] for m in exchange.markets.values())


def test_milestones_name_the_release_and_the_closes() -> None:
    exchange, world = made()
    rows = {m["primary_event_tickers"][0]: m for m in world.milestones()}
    release = rows["PRCPI-26NOV"]
    assert release["type"] == "economic_release"
    assert release["start_date"] == exchange.events["PRCPI-26NOV"]["strike_date"]
    assert release["primary_event_tickers"] == ["PRCPI-26NOV", "PRCPIBR-26NOV"]
    assert release["related_event_tickers"] == ["PRCPI-26NOV", "PRCPIBR-26NOV", "PRFEDDEC-26DEC"]
    assert {t for m in world.milestones() for t in m["primary_event_tickers"]} == set(exchange.events)
    assert exchange.milestones == world.milestones()


def test_an_unknown_scenario_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="default, calm, cpi-day, arb, crash"):
        World(Exchange(seed=1), 1, "boom", start=START)
    assert scenario_names()[0] == "default"
    assert all(scenario(name).line for name in scenario_names())


@pytest.mark.parametrize(("speed", "rate"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)])
def test_speed_and_rate_are_above_zero(speed: float, rate: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        World(Exchange(seed=1), 1, "default", speed, start=START, rate=rate)


def test_a_paused_market_is_left_alone_and_comes_back() -> None:
    exchange, world = made()
    ticker = "PRCPI-26NOV-T0.3"
    play(exchange, world, 5)
    exchange.pause_market(ticker, START + 5 * SECOND)
    exchange.outbox.clear()
    trades = [h for h in play(exchange, world, 15) if isinstance(h, Traded) and h.ticker == ticker]
    assert trades == []
    exchange.resume_market(ticker, START + 15 * SECOND)
    assert exchange.best(ticker) == (None, None)
    play(exchange, world, 45)
    assert len(exchange.levels(ticker, Side.BID, 50)) >= 8


def test_prices_are_fresh_and_sizes_are_contracts() -> None:
    exchange, world = made()
    play(exchange, world, 30)
    for ticker in active(exchange):
        bid, ask = exchange.best(ticker)
        fair = world.fair(ticker) * 10_000
        assert bid is None or bid < fair + 800
        assert ask is None or ask > fair - 800
        assert all(count >= CONTRACT for _, count in exchange.levels(ticker, Side.BID, 3)[1:2])
