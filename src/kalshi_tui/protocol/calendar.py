"""Scheduled prints: releases at known times around which quotes must be gone."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.protocol.text import SafeText
from kalshi_tui.protocol.units import SECOND, Nanos

PULL_MARGIN: Nanos = 2 * SECOND
"""The desk may be this late with a decision; the pull starts that much earlier."""


class ScheduledPrint(Struct, frozen=True):
    """One release at a known time. Times are wall nanoseconds, spans seconds."""

    label: SafeText
    at: Nanos
    pre_s: float = 120.0
    """Quotes are gone this long before."""
    post_s: float = 60.0
    """And stay away at least this long after."""
    quiet_s: float = 120.0
    """After this the market need not have traded to be healthy."""
    trades: int = 20
    """Trades since the print that show the market is alive before ``quiet_s``."""
    series: tuple[str, ...] = ()
    """Series it concerns; empty means every market of the desk."""
    determines: tuple[str, ...] = ()
    """Series whose markets it decides: these are not quoted again."""

    @property
    def pull_at(self) -> Nanos:
        """From here on nothing is quoted."""
        return self.at - round(self.pre_s * SECOND) - PULL_MARGIN

    def concerns(self, series_ticker: str) -> bool:
        return not self.series or series_ticker in self.series or series_ticker in self.determines
