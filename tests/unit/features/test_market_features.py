"""One market's features, event by event."""

from __future__ import annotations

import pytest

from kalshi_tui.features.market import FeatureParams, MarketFeatures
from kalshi_tui.features.microprice import MicroTable
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import PublicTrade
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Price, Side

CENTS = TickGrid.named("linear_cent")
TENTHS = TickGrid.named("deci_cent")


class Market:
    """A market and its clock."""

    def __init__(self, grid: TickGrid = CENTS, table: MicroTable | None = None) -> None:
        self.features = MarketFeatures(grid, close_time=3_600 * SECOND, table=table)
        self.now = Instant(0, 0)

    def top(self, bid: Price | None, ask: Price | None, bid_size: int = 1000, ask_size: int = 1000) -> None:
        self.features.on_top(bid, bid_size if bid else 0, ask, ask_size if ask else 0, self.now)

    def trade(self, side: Side | None, price: Price, count: int = 100, block: bool = False) -> None:
        trade = PublicTrade("T", price, count, side, self.now.wall, is_block=block)
        self.features.on_trade(trade, self.now)

    def wait(self, seconds: float) -> None:
        self.now = self.now.plus(round(seconds * SECOND))

    def seconds(self, count: int, hold: bool = False) -> None:
        for _ in range(count):
            self.wait(1.0)
            self.features.on_grid(self.now, hold)


def test_an_empty_a_one_sided_and_a_crossed_book_have_no_mid() -> None:
    market = Market()
    assert market.features.snapshot(market.now).problem == "no book"
    market.top(4400, None)
    one = market.features.snapshot(market.now)
    assert (one.problem, one.mid, one.spread_levels, one.microprice) == ("book one-sided", None, None, None)
    market.top(4400, 4400)
    assert market.features.snapshot(market.now).problem == "book crossed"
    market.top(4400, 4500)
    assert market.features.snapshot(market.now).problem == ""


def test_point_prices_of_a_plain_book() -> None:
    market = Market()
    market.top(4400, 4600, bid_size=3000, ask_size=1000)
    one = market.features.snapshot(market.now)
    assert (one.mid2, one.mid, one.spread, one.spread_levels, one.tick) == (9000, 0.45, 200, 2, 100)
    assert one.weighted_mid == pytest.approx(0.455)
    assert one.imbalance == 0.5
    assert one.steady_share == 4000 / 6000  # ten contracts of prior on either side
    assert one.microprice == one.weighted_mid and one.micro_shift is None
    assert one.seconds_to_close == 3600.0


def test_the_table_moves_the_microprice_and_a_wider_spread_has_none() -> None:
    table = MicroTable(((-0.4, 0.0, 0.4),), (True,))
    market = Market(table=table)
    market.top(4400, 4500, bid_size=1_000_000)
    one = market.features.snapshot(market.now)
    assert one.micro_shift == pytest.approx(0.004)
    assert one.microprice == pytest.approx(0.449)
    market.top(4400, 4600, bid_size=1_000_000)
    wide = market.features.snapshot(market.now)
    assert wide.micro_shift is None and wide.microprice == wide.weighted_mid


def test_the_microprice_is_clamped_to_half_a_tick_outside_the_touch() -> None:
    market = Market(table=MicroTable(((-3.0, 0.0, 3.0),), (True,)))
    market.top(4400, 4500, bid_size=1_000_000)
    assert market.features.snapshot(market.now).microprice == pytest.approx(0.455)


def test_the_first_book_is_no_flow_and_changes_are() -> None:
    market = Market()
    market.top(4400, 4500)
    assert market.features.snapshot(market.now).ofi == 0.0
    market.top(4400, 4500, bid_size=1500)
    assert market.features.snapshot(market.now).ofi == 5.0  # contracts
    market.wait(10.0)
    assert market.features.snapshot(market.now).ofi == pytest.approx(5.0 / 2.718281828459045)


def test_size_that_flickers_does_not_move_the_share() -> None:
    market = Market()
    market.top(4400, 4500)
    market.wait(2.0)
    market.top(4400, 4500, bid_size=100_000)
    market.wait(0.1)
    assert market.features.snapshot(market.now).steady_share == 0.5
    market.wait(1.0)
    share = market.features.snapshot(market.now).steady_share
    assert share is not None and share > 0.9


def test_block_trades_and_trades_without_a_side_say_nothing() -> None:
    market = Market()
    market.top(4400, 4500)
    market.trade(Side.BID, 4500, block=True)
    market.trade(None, 4500)
    one = market.features.snapshot(market.now)
    assert (one.trades, one.trade_imbalance, one.trade_age) == (0, None, None)
    market.trade(Side.BID, 4500, 300)
    market.trade(Side.ASK, 4400, 100)
    market.wait(2.0)
    one = market.features.snapshot(market.now)
    assert (one.trades, one.trade_imbalance, one.trade_age) == (2, 0.5, 2 * SECOND)


def test_toxicity_is_measured_from_the_mid_before_the_trade_moved_the_book() -> None:
    market = Market()
    market.top(4400, 4500)
    market.wait(5.0)
    market.top(4500, 4600)  # the delta of the trade below, told first
    market.wait(0.002)
    market.trade(Side.BID, 4500)
    market.wait(29.0)
    assert market.features.snapshot(market.now).toxicity is None
    market.wait(2.0)
    market.features.on_grid(market.now)
    assert market.features.snapshot(market.now).toxicity == pytest.approx(0.01)


def test_a_trade_told_as_several_deltas_is_measured_from_before_the_first() -> None:
    market = Market()
    market.top(4400, 4500)
    market.wait(5.0)
    market.top(4400, 4600)
    market.wait(0.001)
    market.top(4500, 4600)
    market.trade(Side.BID, 4500)
    market.seconds(31)
    assert market.features.snapshot(market.now).toxicity == pytest.approx(0.01)


def test_toxicity_uses_the_mid_in_force_when_the_horizon_ends_and_drops_missing_ones() -> None:
    market = Market()
    market.top(4400, 4500)
    market.trade(Side.ASK, 4400)
    market.wait(31.0)
    market.top(4000, 4100)  # too late: until now the mid had not moved
    assert market.features.snapshot(market.now).toxicity == 0.0
    gone = Market()
    gone.top(4400, 4500)
    gone.trade(Side.ASK, 4400)
    gone.wait(1.0)
    gone.top(None, 4500)
    gone.wait(31.0)
    gone.features.on_grid(gone.now)
    assert gone.features.snapshot(gone.now).toxicity is None


def test_variance_needs_two_samples_and_counts_quiet_seconds() -> None:
    market = Market()
    market.top(4400, 4500)
    market.seconds(1)
    assert market.features.snapshot(market.now).var_fast is None
    market.top(4500, 4600)
    market.seconds(1)
    one = market.features.snapshot(market.now)
    assert one.var_fast == pytest.approx(1e-4) and one.var_slow == pytest.approx(1e-4)
    market.seconds(9)
    slow = market.features.snapshot(market.now).var_slow
    assert slow == pytest.approx(1e-5, rel=0.01)


def test_a_gap_in_the_book_counts_its_move_over_its_whole_time() -> None:
    market = Market()
    market.top(4400, 4500)
    market.seconds(1)
    market.top(None, None)
    market.seconds(8)
    market.top(4500, 4600)
    market.seconds(2)
    assert market.features.snapshot(market.now).var_slow == pytest.approx(1e-4 / 10, rel=1e-3)


def test_events_leave_the_baselines_alone() -> None:
    market = Market()
    market.top(4400, 4500)
    market.seconds(60)
    before = market.features.snapshot(market.now)
    market.top(3000, 6000)
    market.seconds(60, hold=True)
    after = market.features.snapshot(market.now)
    assert after.var_slow == before.var_slow
    assert after.spread_ratio is not None and after.spread_ratio > 20.0
    market.seconds(200)
    assert market.features.snapshot(market.now).spread_ratio == pytest.approx(1.0)


def test_one_level_more_is_no_other_spread() -> None:
    market = Market()
    market.top(4400, 4500)
    market.seconds(120)
    market.top(4400, 4600)
    market.seconds(100)
    one = market.features.snapshot(market.now)
    assert one.spread_ratio == 1.0
    market.top(4300, 4800)
    market.seconds(100)
    later = market.features.snapshot(market.now)
    assert later.spread_ratio is not None and later.spread_ratio > 2.4


def test_a_quiet_markets_single_tick_is_no_other_volatility() -> None:
    market = Market()
    market.top(4400, 4500)
    market.seconds(600)
    market.top(4400, 4600)  # half a tick of mid
    market.seconds(3)
    ratio = market.features.snapshot(market.now).vol_ratio
    assert ratio is not None and ratio < 1.5


@pytest.mark.parametrize("move", [299, 300])
def test_a_jump_is_three_ticks_within_a_second(move: int) -> None:
    market = Market(TENTHS if move % 100 else CENTS)
    market.top(4400, 4500)
    market.seconds(3)
    market.top(4400 + move, 4500 + move)
    jumped = market.features.snapshot(market.now).jump
    # On the fine grid two cents are the floor: 2.99 cents jump, on the cent grid exactly three do.
    assert jumped
    market.wait(19.9)
    assert market.features.snapshot(market.now).jump
    market.wait(0.2)
    assert not market.features.snapshot(market.now).jump


def test_two_ticks_or_a_slow_drift_are_no_jump() -> None:
    market = Market()
    market.top(4400, 4500)
    for step in range(1, 6):
        market.wait(1.5)
        market.top(4400 + 100 * step, 4500 + 100 * step)
    assert not market.features.snapshot(market.now).jump
    market.wait(1.5)
    market.top(5100, 5200)  # two ticks at once
    assert not market.features.snapshot(market.now).jump


def test_a_spread_that_trebles_at_once_is_a_jump() -> None:
    market = Market()
    market.top(4400, 4500)
    market.seconds(5)
    market.top(4300, 4500)
    assert not market.features.snapshot(market.now).jump
    market.top(4200, 4600)
    assert market.features.snapshot(market.now).jump


def test_three_levels_by_one_taker_are_a_jump_two_are_not() -> None:
    market = Market()
    market.top(4400, 4500)
    market.trade(Side.BID, 4500)
    market.trade(Side.BID, 4600)
    assert not market.features.snapshot(market.now).jump
    market.trade(Side.BID, 4700)
    assert market.features.snapshot(market.now).jump
    fine = Market(TENTHS)
    fine.top(4400, 4410)
    for price in (4410, 4420, 4430):
        fine.trade(Side.BID, price)
    assert not fine.features.snapshot(fine.now).jump  # 0.2 cents in all


def test_in_a_market_that_always_moves_three_levels_are_no_jump() -> None:
    market = Market()
    for second in range(60):
        market.top(4400 + 100 * (second % 2), 4500 + 100 * (second % 2))
        market.seconds(1)
    market.wait(30.0)
    for price in (4600, 4700, 4800):
        market.trade(Side.BID, price)
    market.top(4300, 4800)
    assert not market.features.snapshot(market.now).jump
    market.top(3500, 4800)  # 8 cents wider at once: more than six sigma of a cent a second
    assert market.features.snapshot(market.now).jump


def test_a_book_that_comes_back_elsewhere_has_not_jumped() -> None:
    market = Market()
    market.top(4400, 4500)
    market.seconds(2)
    market.top(None, None)
    market.wait(0.3)
    market.top(6400, 6500)
    assert not market.features.snapshot(market.now).jump


def test_a_new_grid_is_measured_at_once() -> None:
    market = Market()
    market.top(4400, 4500)
    market.features.set_grid(TENTHS)
    one = market.features.snapshot(market.now)
    assert (one.tick, one.spread_levels) == (10, 10)
    market.features.set_grid(None)
    one = market.features.snapshot(market.now)
    assert (one.tick, one.spread_levels, one.mid) == (None, None, 0.445)


def test_depth_counts_by_distance_and_goes_with_the_book() -> None:
    market = Market()
    market.top(4400, 4500)
    assert market.features.snapshot(market.now).depth_imbalance is None
    bids, asks = [(4400, 1000), (4000, 9000)], [(4500, 1000), (5000, 9000)]
    market.features.on_depth(bids, asks)
    found = market.features.snapshot(market.now).depth_imbalance
    assert found is not None and 0.0 < found < 0.3  # the far bids are one tick nearer than the far asks
    market.top(5500, 5600)
    market.features.on_depth([(5500, 1000), (5000, 9000)], [(5600, 1000), (6000, 9000)])
    assert market.features.snapshot(market.now).depth_imbalance == pytest.approx(-found)  # YES and NO swapped
    market.top(5500, None)
    assert market.features.snapshot(market.now).depth_imbalance is None
    market.features.on_depth([(5500, 1000)], [])
    market.top(5500, 5600)
    assert market.features.snapshot(market.now).depth_imbalance is None


def test_pending_markouts_are_bounded() -> None:
    market = Market()
    market.top(4400, 4500)
    for _ in range(2_000):
        market.trade(Side.BID, 4500)
    assert len(market.features._markouts._pending) == 512


def test_ages_count_from_the_last_change_of_the_top() -> None:
    market = Market()
    assert market.features.snapshot(market.now).book_age is None
    market.top(4400, 4500)
    market.wait(3.0)
    market.top(4400, 4500)
    assert market.features.snapshot(market.now).book_age == 3 * SECOND
    assert FeatureParams().markout_s * SECOND == 30_000 * MILLISECOND
