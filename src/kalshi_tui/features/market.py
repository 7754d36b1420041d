"""The features of one market, kept up incrementally: O(1) per book change, trade and second."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import TYPE_CHECKING

from msgspec import Struct

from kalshi_tui.features.decay import DecayedMean, DecayedSum, VarianceRate
from kalshi_tui.features.flow import Markouts, Sweep, TradeImbalance, VolumeBuckets
from kalshi_tui.features.formulas import (
    clipped_logit,
    multilevel_imbalance,
    order_flow,
    queue_share,
    tick_around,
)
from kalshi_tui.features.regime_inputs import JumpFlag, SpreadBaseline
from kalshi_tui.features.snapshot import FeatureSnapshot
from kalshi_tui.features.steady import SteadySize
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import PublicTrade
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CENT, CONTRACT, MILLISECOND, ONE, SECOND, Count, Nanos, Price

if TYPE_CHECKING:
    from kalshi_tui.features.microprice import MicroTable

VOL_FLOOR_S = 30.0
"""Volatilities are floored at half a tick in this many seconds before they are compared."""
BURST: Nanos = 50 * MILLISECOND
"""The book's part of a trade reaches us at most this long before the trade itself (95 % do come first)."""


class FeatureParams(Struct, frozen=True):
    """Memory of the estimators (seconds of exponential decay) and sizes. The defaults are not fitted."""

    tau_fast_s: float = 30.0
    tau_slow_s: float = 1800.0
    tau_flow_s: float = 30.0
    tau_ofi_s: float = 10.0
    tau_toxicity_s: float = 1800.0
    markout_s: float = 30.0
    spread_tau_s: float = 30.0
    spread_samples: int = 1800
    """Seconds of grid samples in the spread's median."""
    vpin_bucket: Count = 500 * CONTRACT
    queue_prior: Count = 10 * CONTRACT
    """Added to both sides of the touch before its share is taken."""


class MarketFeatures:
    """Feed it the top of book without own orders, public trades, and a tick about once a second."""

    __slots__ = (
        "_ask_steady",
        "_bid_steady",
        "_burst_at",
        "_burst_mid2",
        "_changed",
        "_depth",
        "_depth_imbalance",
        "_jump",
        "_markouts",
        "_ofi",
        "_sample",
        "_sampled",
        "_spread",
        "_sweep",
        "_tick",
        "_traded",
        "_trades",
        "_var_fast",
        "_var_logit",
        "_var_slow",
        "_vpin",
        "ask",
        "ask_size",
        "bid",
        "bid_size",
        "close_time",
        "grid",
        "mid2",
        "params",
        "spread_levels",
        "table",
        "trades",
    )

    def __init__(
        self,
        grid: TickGrid | None,
        close_time: Nanos | None = None,
        params: FeatureParams | None = None,
        table: MicroTable | None = None,
    ) -> None:
        self.params = params = params or FeatureParams()
        self.grid = grid
        self.close_time = close_time
        self.table = table
        self.bid: Price | None = None
        self.bid_size: Count = 0
        self.ask: Price | None = None
        self.ask_size: Count = 0
        self.mid2: int | None = None
        """bid + ask where both are there and uncrossed."""
        self.spread_levels: int | None = None
        self.trades = 0
        self._tick: Price | None = None
        self._changed: Nanos | None = None
        self._traded: Nanos | None = None
        self._burst_at: Nanos = -BURST - 1
        self._burst_mid2: int | None = None
        self._sample: tuple[Nanos, int, float] | None = None
        # Variances and ratios change on the grid alone: (fast, slow, logit, volatility ratio, spread ratio).
        self._sampled: tuple[float | None, float | None, float | None, float | None, float | None] = (
            None,
        ) * 5
        self._bid_steady = SteadySize()
        self._ask_steady = SteadySize()
        self._ofi = DecayedSum(params.tau_ofi_s)
        self._depth = DecayedMean(params.spread_tau_s)
        self._depth_imbalance: float | None = None
        self._trades = TradeImbalance(params.tau_flow_s)
        self._vpin = VolumeBuckets(params.vpin_bucket)
        self._markouts = Markouts(params.markout_s, params.tau_toxicity_s)
        self._sweep = Sweep()
        self._jump = JumpFlag()
        self._spread = SpreadBaseline(params.spread_tau_s, params.spread_samples)
        self._var_fast = VarianceRate(params.tau_fast_s)
        self._var_slow = VarianceRate(params.tau_slow_s)
        self._var_logit = VarianceRate(params.tau_slow_s)

    def set_grid(self, grid: TickGrid | None) -> None:
        """The market's valid prices changed; estimators live on."""
        self.grid = grid
        self._measure()

    def on_top(
        self, bid: Price | None, bid_size: Count, ask: Price | None, ask_size: Count, at: Instant
    ) -> None:
        """The settled top of book, own orders taken out. The same top again changes nothing."""
        if bid == self.bid and ask == self.ask:
            if bid_size != self.bid_size or ask_size != self.ask_size:
                self.on_sizes(bid_size, ask_size, at)
            return
        mono = at.mono
        if self._markouts.due <= mono:
            self._markouts.settle(self.mid2, mono)
        flow = order_flow(self.bid, self.bid_size, self.ask, self.ask_size, bid, bid_size, ask, ask_size)
        if self._changed is not None and flow:
            self._ofi.add(mono, flow / CONTRACT)
        if bid != self.bid:
            self._bid_steady.start(bid_size, mono)
        else:
            self._bid_steady.update(bid_size, mono)
        if ask != self.ask:
            self._ask_steady.start(ask_size, mono)
        else:
            self._ask_steady.update(ask_size, mono)
        spread_before = self.ask - self.bid if self.mid2 is not None and self.ask and self.bid else None
        mid2_before = self.mid2
        self.bid, self.bid_size, self.ask, self.ask_size = bid, bid_size, ask, ask_size
        self._changed = mono
        self._measure()
        self._on_moved(mid2_before, spread_before, mono)

    def on_sizes(self, bid_size: Count, ask_size: Count, at: Instant) -> None:
        """``on_top`` at the same prices with other sizes: most of what happens there."""
        mono = at.mono
        if self._markouts.due <= mono:
            self._markouts.settle(self.mid2, mono)
        flow = (bid_size - self.bid_size) - (ask_size - self.ask_size)
        if flow and self._changed is not None:
            self._ofi.add(mono, flow / CONTRACT)
        self._bid_steady.update(bid_size, mono)
        self._ask_steady.update(ask_size, mono)
        self.bid_size, self.ask_size = bid_size, ask_size
        self._changed = mono

    def _measure(self) -> None:
        """Mid, tick and spread of the prices as they are."""
        self.mid2 = self.spread_levels = None
        if self.bid is None or self.ask is None or self.bid >= self.ask:
            return
        self.mid2 = self.bid + self.ask
        grid = self.grid
        if grid is None:
            self._tick = None
        elif grid.is_valid(self.bid) and grid.is_valid(self.ask):
            self.spread_levels = grid.levels_between(self.bid, self.ask)
            tick = tick_around(grid, self.mid2 / 2)
            if tick != self._tick:
                self._tick = tick
                self._jump.calibrate(tick, self._var_slow.value)

    def _on_moved(self, mid2_before: int | None, spread_before: Price | None, mono: Nanos) -> None:
        mid2 = self.mid2
        if mid2 is None:
            self._jump.forget()
            return
        if mid2 != mid2_before:
            if mono - self._burst_at > BURST:
                self._burst_mid2 = mid2 if mid2_before is None else mid2_before
            self._burst_at = mono
            self._jump.on_mid(mid2, mono)
        if spread_before is not None and self.bid is not None and self.ask is not None:
            levels = self.spread_levels
            if levels is not None:
                spread = self.ask - self.bid
                self._jump.on_spread(levels, spread, spread_before, self._spread.median, mono)

    def due(self, at: Instant) -> bool:
        """Whether the next change of the top will also tell how far prices ran after a trade."""
        return self._markouts.due <= at.mono

    @property
    def weighted_mid(self) -> float | None:
        """Dollars: the mid weighted by the opposite sizes; None without two sides that do not cross."""
        if self.mid2 is None or self.bid is None or self.ask is None:
            return None
        sizes = self.bid_size + self.ask_size
        return (self.ask * self.bid_size + self.bid * self.ask_size) / (sizes * ONE) if sizes > 0 else None

    def on_depth(self, bids: Iterable[tuple[Price, Count]], asks: Iterable[tuple[Price, Count]]) -> None:
        """The nearest levels of both sides, own orders taken out; about once a second is enough.

        Levels count by their distance from the mid in ticks of the mid: the books have gaps.
        """
        if self.mid2 is None:
            self._depth_imbalance = None
            return
        half, tick = self.mid2 / 2, self._tick or CENT
        self._depth_imbalance = multilevel_imbalance(
            (((half - price) / tick, count) for price, count in bids),
            (((price - half) / tick, count) for price, count in asks),
        )

    def on_trade(self, trade: PublicTrade, at: Instant) -> None:
        """A public trade. Block trades and trades without a taker's side say nothing here."""
        if trade.is_block or trade.taker_side is None:
            return
        mono = at.mono
        sign = trade.taker_side.sign
        self._traded = mono
        self.trades += 1
        self._trades.add(sign, trade.count, mono)
        self._vpin.add(sign, trade.count)
        if self.grid is not None:
            levels, span = self._sweep.add(trade, self.grid)
            self._jump.on_sweep(levels, span, mono)
        # The book usually moves before the trade is told: measure from the mid before that move.
        before = self._burst_mid2 if mono - self._burst_at <= BURST else self.mid2
        if before is not None:
            self._markouts.add(sign, before, mono)

    def on_grid(self, at: Instant, hold_baselines: bool = False) -> None:
        """A sample of the mid and the spread, about once a second, also when nothing moved.

        ``hold_baselines`` (during events) keeps the slow variance and the usual spread as they were.
        """
        mono = at.mono
        if self._markouts.due <= mono:
            self._markouts.settle(self.mid2, mono)
        if self.mid2 is None:
            return
        tick = self._tick or CENT
        x = clipped_logit(self.mid2 / (2 * ONE), tick / ONE)
        if self._sample is None:
            self._sample = (mono, self.mid2, x)
            dt = 0.0
        else:
            dt = (mono - self._sample[0]) / SECOND
            if dt <= 0.0:
                return
            change = (self.mid2 - self._sample[1]) / (2 * ONE)
            self._var_fast.update(dt, change)
            if not hold_baselines:
                self._var_slow.update(dt, change)
                self._var_logit.update(dt, x - self._sample[2])
            self._sample = (mono, self.mid2, x)
        if self.spread_levels is not None:
            self._spread.add(dt, self.spread_levels, hold_baselines)
        self._depth.update(dt, (self.bid_size + self.ask_size) / (2 * CONTRACT))
        fast, slow = self._var_fast.value, self._var_slow.value
        self._jump.calibrate(tick, slow)
        ratio = self._vol_ratio(fast, slow, tick)
        self._sampled = (fast, slow, self._var_logit.value, ratio, self._spread.ratio)

    def snapshot(self, now: Instant) -> FeatureSnapshot:
        """Everything at ``now``; reading changes nothing."""
        mono = now.mono
        mid2 = self.mid2
        ofi = self._ofi.read(mono)
        depth = self._depth.mean
        book_age = None if self._changed is None else mono - self._changed
        trade_age = None if self._traded is None else mono - self._traded
        to_close = None if self.close_time is None else (self.close_time - now.wall) / SECOND
        jump = mono < self._jump.until
        mid = weighted = micro = shift = imbalance = share = spread = None
        bid, ask = self.bid, self.ask
        if mid2 is not None and bid is not None and ask is not None:
            problem = ""
            qb, qa = self.bid_size, self.ask_size
            spread = ask - bid
            mid = mid2 / (2 * ONE)
            if qb + qa > 0:
                weighted = (ask * qb + bid * qa) / ((qb + qa) * ONE)
                imbalance = (qb - qa) / (qb + qa)
            share = queue_share(
                self._bid_steady.read(mono), self._ask_steady.read(mono), self.params.queue_prior
            )
            micro = weighted
            if self.table is not None and self.spread_levels is not None and self._tick is not None:
                ticks = self.table.shift(share, self.spread_levels)
                if ticks is not None:
                    half = self._tick / 2
                    shift = min(max(mid2 / 2 + ticks * self._tick, bid - half), ask + half) / ONE - mid
                    micro = mid + shift
        else:
            problem = self._problem()
        return FeatureSnapshot(
            problem,
            self._tick,
            spread,
            self.spread_levels,
            mid2,
            mid,
            weighted,
            micro,
            shift,
            imbalance,
            self._depth_imbalance if mid2 is not None else None,
            share,
            ofi,
            ofi / depth if depth else None,
            self._trades.read(mono),
            self._vpin.value,
            self._markouts.value,
            *self._sampled,
            jump,
            book_age,
            trade_age,
            self.trades,
            to_close,
        )

    def _problem(self) -> str:
        if self.bid is None and self.ask is None:
            return "no book"
        return "book one-sided" if self.bid is None or self.ask is None else "book crossed"

    @staticmethod
    def _vol_ratio(fast: float | None, slow: float | None, tick: Price) -> float | None:
        if fast is None or slow is None:
            return None
        half_tick = tick / (2 * ONE)
        floor = half_tick * half_tick / VOL_FLOOR_S
        return sqrt(max(fast, floor) / max(slow, floor))
