"""Incremental features equal a batch recomputation over real updates, and the micro-price fits a real tape."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from kalshi_tui.features.formulas import order_flow
from kalshi_tui.features.market import FeatureParams, MarketFeatures
from kalshi_tui.features.microprice_fit import fit_table, samples_from_touch
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import PublicTrade
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CONTRACT, MILLISECOND, ONE, SECOND, Side, parse_count, parse_price

Touch: TypeAlias = tuple[int | None, int, int | None, int]
Row: TypeAlias = tuple[int, Touch | PublicTrade]
Floats: TypeAlias = NDArray[np.float64]

GRID = TickGrid.named("linear_cent")
WANTED = 100_000


def updates(path: Path) -> Iterator[Row]:
    """(receive ns, touch after a book change | public trade) of one recorded market, by a plain dictionary book."""
    book: dict[str, dict[int, int]] = {"yes": {}, "no": {}}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            at, kind, msg = row["recv_ms"] * MILLISECOND, row["event"]["type"], row["event"]["msg"]
            if kind == "trade":
                yield at, trade_of(msg, at)
                continue
            if kind == "orderbook_snapshot":
                for side in book:
                    levels = msg.get(f"{side}_dollars_fp") or []
                    book[side] = {parse_price(price): parse_count(count) for price, count in levels}
            elif kind == "orderbook_delta":
                ladder, price = book[msg["side"]], parse_price(msg["price_dollars"])
                size = ladder.pop(price, 0) + parse_count(msg["delta_fp"])
                if size:
                    ladder[price] = size
            yield at, touch_of(book)


def trade_of(msg: dict[str, Any], at: int) -> PublicTrade:
    taker = Side.BID if msg.get("taker_side", msg.get("taker_outcome_side")) == "yes" else Side.ASK
    return PublicTrade(
        msg["market_ticker"], parse_price(msg["yes_price_dollars"]), parse_count(msg["count_fp"]), taker, at
    )


def touch_of(book: dict[str, dict[int, int]]) -> Touch:
    yes, no = book["yes"], book["no"]
    bid = max(yes) if yes else None
    best_no = max(no) if no else None
    ask = None if best_no is None else ONE - best_no
    return bid, 0 if bid is None else yes[bid], ask, 0 if best_no is None else no[best_no]


def decayed(times: Floats, values: Floats, now: float, tau: float) -> float:
    return float(np.sum(values * np.exp((times - now) / tau)))


class Batch:
    """Everything seen so far, kept whole."""

    def __init__(self, params: FeatureParams) -> None:
        self.params = params
        self.flow: list[tuple[float, float]] = []
        self.trades: list[tuple[float, int, int]] = []
        self.grid: list[tuple[float, float, int]] = []
        self.depth: list[float] = []
        """Contracts on one side of the touch, with each sample of ``grid``."""

    def check(self, features: MarketFeatures, at: int) -> None:
        one, now, params = features.snapshot(Instant(at, at)), at / SECOND, self.params
        flow = np.array(self.flow)
        assert one.ofi == pytest.approx(
            decayed(flow[:, 0], flow[:, 1], now, params.tau_ofi_s), rel=1e-9, abs=1e-7
        )
        trades = np.array(self.trades, dtype=float)
        top = decayed(trades[:, 0], trades[:, 1] * trades[:, 2], now, params.tau_flow_s)
        bottom = decayed(trades[:, 0], trades[:, 2], now, params.tau_flow_s)
        assert one.trade_imbalance == pytest.approx(top / bottom, abs=1e-9)
        samples = np.array(self.grid)
        dt, change = np.diff(samples[:, 0]), np.diff(samples[:, 1])
        for found, tau in ((one.var_fast, params.tau_fast_s), (one.var_slow, params.tau_slow_s)):
            squares = decayed(samples[1:, 0], change**2, now, tau)
            assert found == pytest.approx(squares / decayed(samples[1:, 0], dt, now, tau), rel=1e-9)
        x = np.log(samples[:, 1] / (1.0 - samples[:, 1]))
        squares = decayed(samples[1:, 0], np.diff(x) ** 2, now, params.tau_slow_s)
        assert one.var_logit == pytest.approx(
            squares / decayed(samples[1:, 0], dt, now, params.tau_slow_s), rel=1e-9
        )
        mean = self.mean(samples[:, 0], samples[:, 2])
        assert features._spread.mean.mean == pytest.approx(mean, rel=1e-9)
        depth = self.mean(samples[:, 0], np.array(self.depth))
        assert one.ofi_norm == pytest.approx(one.ofi / depth, rel=1e-9, abs=1e-9)
        levels = np.sort(samples[-params.spread_samples :, 2])
        assert features._spread.median == levels[(len(levels) - 1) // 2]
        assert one.vpin == pytest.approx(self.vpin(), abs=1e-9)

    def mean(self, times: Floats, values: Floats) -> float:
        """The decayed mean of samples, the first one counted as if it had always been."""
        last, tau = times[-1], self.params.spread_tau_s
        kept = -np.expm1(-np.diff(times) / tau) * np.exp((times[1:] - last) / tau)
        return float(np.sum(kept * values[1:]) + np.exp((times[0] - last) / tau) * values[0])

    def vpin(self) -> float:
        signed = np.concatenate([[0], np.cumsum([sign * count for _, sign, count in self.trades])])
        volume = np.concatenate([[0], np.cumsum([count for _, _, count in self.trades])])
        edges = np.arange(0, volume[-1] + 1, self.params.vpin_bucket)
        buckets = np.abs(np.diff(np.interp(edges, volume, signed)))
        return float(np.mean(buckets[-50:]) / self.params.vpin_bucket)


def test_incremental_features_equal_the_batch_over_real_updates(shared_data: Path) -> None:
    params = FeatureParams(vpin_bucket=50 * CONTRACT)
    features, batch = MarketFeatures(GRID, params=params), Batch(params)
    count = checks = 0
    before: Touch | None = None
    next_sample = 0
    start = None
    for stamp, what in updates(shared_data / "gold15m" / "KXGOLD15M-26AUG102130-30.ndjson.gz"):
        start = stamp if start is None else start
        at = stamp - start  # small seconds: absolute ones have no room for 1e-9 in a float
        while next_sample and next_sample <= at:
            features.on_grid(Instant(next_sample, next_sample))
            if features.mid2 is not None and features.spread_levels is not None:
                mid = features.mid2 / (2 * ONE)
                batch.grid.append((next_sample / SECOND, mid, features.spread_levels))
                batch.depth.append((features.bid_size + features.ask_size) / (2 * CONTRACT))
            next_sample += SECOND
        next_sample = next_sample or at + SECOND
        now = Instant(at, at)
        if isinstance(what, PublicTrade):
            features.on_trade(what, now)
            assert what.taker_side is not None
            batch.trades.append((at / SECOND, what.taker_side.sign, what.count))
        else:
            features.on_top(*what, now)
            if before is not None:
                batch.flow.append((at / SECOND, order_flow(*before, *what) / CONTRACT))
            before = what
        count += 1
        if count % 10_000 == 0:
            batch.check(features, at)
            checks += 1
        if count == WANTED:
            break
    assert (count, checks) == (WANTED, 10)


def test_a_real_tape_fits_a_table_that_leans_to_the_heavy_side(shared_data: Path) -> None:
    tape = shared_data / "gold15m" / "KXGOLD15M-26AUG101815-15.ndjson.gz"
    touches = []
    for _, what in updates(tape):
        if not isinstance(what, PublicTrade) and what[0] is not None and what[2] is not None:
            touches.append((what[0], what[1], what[2], what[3]))
    table = fit_table(samples_from_touch(touches, GRID, prior=10 * CONTRACT), buckets=5, spreads=2, reach=4)
    assert table.fitted[0]
    assert table.rows[0][4] > 0.0 > table.rows[0][0]
