"""R3 learns from the tape of log-odds: slowly, with bounded memory, and only with enough hours."""

from __future__ import annotations

import pytest
from kernel_bench import Bench
from kernel_bench import market as plain
from msgspec.structs import replace

from kalshi_tui.kernel import correlations
from kalshi_tui.kernel.sampling_state import KEPT, EventMoves
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.market import Event, MarketStatus, Series, StrikeType
from kalshi_tui.protocol.orders import VenuePosition
from kalshi_tui.protocol.text import SafeText
from kalshi_tui.protocol.units import CONTRACT, DOLLAR
from kalshi_tui.risk.r3 import Measure

HOUR = 60


class Pairs(Bench):
    """Two events of different series; 100 contracts of each held; samples given by hand."""

    def __init__(self, strike: StrikeType = StrikeType.GREATER) -> None:
        super().__init__((), boot=False, quote_at_start=False)
        facts = [
            replace(plain("A-1", "A"), series_ticker="SA"),
            replace(
                plain("B-1", "B"), series_ticker="SB", strike_type=strike, cap_strike=1.0, floor_strike=1.0
            ),
        ]
        series = (Series("SA", category=SafeText("Economics")), Series("SB", category=SafeText("Sports")))
        self.kernel.apply(
            ev.MarketsRead(self.now, tuple(facts), (Event("A", "SA"), Event("B", "SB")), series)
        )
        for ticker in ("A-1", "B-1"):
            self.snapshot(ticker)
        self.turn()
        held = tuple(VenuePosition(t, 100 * CONTRACT, 45 * DOLLAR, 0, 0) for t in ("A-1", "B-1"))
        self.reads(positions=held)
        self.turn()
        self.minute = 0

    def minutes(self, count: int, together: float, quiet: bool = False) -> None:
        """A walk of A; B does ``together`` times the same beside one of its own."""
        desk = self.kernel.state
        for step in range(self.minute, self.minute + count):
            a = 0.1 * ((step * 7919) % 13 - 6) / 6.0
            b = 0.1 * ((step * 104_729) % 11 - 5) / 5.0
            samples = {} if quiet else {"A-1": a, "B-1": together * a + (1.0 - abs(together)) * b}
            correlations.step(desk, samples, step * correlations.SAMPLES_A_MINUTE)
        self.minute += count

    def measure(self) -> Measure:
        desk = self.kernel.state
        for market in desk.markets.values():
            market.risk.fair = 0.45
        found = desk.chain.r3.measure(desk.risk)
        assert found is not None
        return found


def test_two_hours_of_common_minutes_change_the_settlement_sd() -> None:
    bench = Pairs()
    stressed = bench.measure().sd
    bench.minutes(2 * HOUR - 10, 0.0)
    assert bench.measure().sd == stressed
    bench.minutes(30, 0.0)
    learned = bench.measure().sd
    assert learned < stressed, "events that go their own ways are no longer taken to move as one"
    together = Pairs()
    together.minutes(10 * HOUR, 1.0)
    assert learned < together.measure().sd < stressed, "ten hours weigh 600 against the prior's 500"


def test_the_blend_is_the_documented_one() -> None:
    bench = Pairs()
    bench.minutes(10 * HOUR + 1, 1.0)
    r3 = bench.kernel.state.chain.r3
    markets = [m.risk for m in bench.kernel.state.markets.values()]
    assert r3._correlation(*markets) == pytest.approx(600 / 1100, abs=0.02)


def test_a_market_that_pays_on_low_numbers_counts_turned_round() -> None:
    bench = Pairs(StrikeType.LESS)
    bench.minutes(10 * HOUR + 1, 1.0)
    markets = [m.risk for m in bench.kernel.state.markets.values()]
    assert bench.kernel.state.chain.r3._correlation(*markets) < -0.4


def test_a_hole_is_no_increment_and_memory_is_bounded() -> None:
    bench = Pairs()
    bench.minutes(10, 1.0)
    bench.minutes(1, 1.0, quiet=True)
    bench.minutes(10, 1.0)
    moves = bench.kernel.state.moves["A"]
    assert [minute for minute, _ in moves.increments] == [*range(1, 10), *range(12, 21)]
    bench.minutes(2 * KEPT, 1.0)
    assert len(moves.increments) == KEPT
    bench.kernel.state.moves.clear()
    full = {f"E{i}": EventMoves("A-1") for i in range(correlations.MOST_EVENTS)}
    bench.kernel.state.moves.update(full)
    bench.minutes(1, 1.0)
    assert len(bench.kernel.state.moves) == correlations.MOST_EVENTS


def test_samples_come_from_the_books_every_ten_seconds() -> None:
    """End to end: books that move minute by minute, no sample given by hand."""
    bench = Pairs()
    for second in range(8 * 60):
        bench.wait(0.9)
        if second % 20 == 0:
            bid = 44 if second % 40 else 45
            for ticker in ("A-1", "B-1"):
                bench.snapshot(ticker, bid=f"0.{bid}00", ask_no=f"0.{98 - bid}00")
        bench.kernel.apply(ev.FeedHeard(bench.now, 1))
        bench.turn(after_ms=100)
    moves = bench.kernel.state.moves
    assert set(moves) == {"A", "B"} and len(moves["A"].increments) >= 5


def test_a_market_that_is_over_makes_room() -> None:
    bench = Pairs()
    bench.minutes(5, 1.0)
    market = bench.kernel.state.markets["A-1"]
    market.facts = replace(market.facts, status=MarketStatus.CLOSED)
    bench.minutes(10, 1.0, quiet=True)
    assert list(bench.kernel.state.moves) == ["B"]
