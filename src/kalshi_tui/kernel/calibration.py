"""What was measured on recordings of some markets, as a desk is told it: files and verdicts stay outside."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.features.microprice import MicroTable
from kalshi_tui.pricing.pairs import PairSpec
from kalshi_tui.pricing.regime import RegimeParams
from kalshi_tui.protocol.market import Market
from kalshi_tui.protocol.ticks import Band, TickGrid


def series_of(facts: Market) -> str:
    """The market's series; by the exchange's way of naming where the facts do not say."""
    return facts.series_ticker or facts.ticker.partition("-")[0]


class Calibration(Struct, frozen=True):
    """What was measured on some markets, and which: it says nothing about others."""

    series: tuple[str, ...]
    bands: tuple[Band, ...]
    """The price grid it was measured on: a table counts in its ticks."""
    table: MicroTable | None = None
    """For M1 and what is built on it."""
    regime: RegimeParams | None = None
    pairs: tuple[PairSpec, ...] = ()
    """Statistical pairs for M3; they name their own markets."""

    def covers(self, facts: Market) -> bool:
        """Whether this market's series and price grid are the measured ones."""
        return series_of(facts) in self.series and facts.grid == TickGrid.of(self.bands)
