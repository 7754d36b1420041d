"""Snapshots of a market for tests of engines."""

from __future__ import annotations

from typing import Any

from kalshi_tui.features.market import MarketFeatures
from kalshi_tui.features.microprice import MicroTable
from kalshi_tui.pricing.snapshot import MarketSnapshot
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import FeeSchedule, FeeType
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import Count, Price

CENTS = TickGrid.named("linear_cent")
TENTHS = TickGrid.named("deci_cent")
TAPERED = TickGrid.named("tapered_deci_cent")
MAKER_FEES = FeeSchedule(FeeType.QUADRATIC_WITH_MAKER_FEES)
NOW = Instant(5_000_000_000, 1_800_000_000_000_000_000)


def market_snapshot(
    bid: Price | None,
    ask: Price | None,
    *,
    bid_size: Count = 1000,
    ask_size: Count = 1000,
    grid: TickGrid | None = CENTS,
    table: MicroTable | None = None,
    position: Count = 0,
    max_position: Count = 4000,
    fee: FeeSchedule | None = None,
    **rest: Any,
) -> MarketSnapshot:
    """One market at NOW, flat and in a calm regime unless told."""
    features = MarketFeatures(grid, table=table)
    features.on_top(bid, bid_size if bid else 0, ask, ask_size if ask else 0, NOW)
    return MarketSnapshot(
        "T",
        grid,
        bid,
        bid_size,
        ask,
        ask_size,
        features.snapshot(NOW),
        position,
        max_position,
        fee or FeeSchedule(),
        NOW.wall,
        **rest,
    )
