"""Which parameters an engine quotes a market with."""

from __future__ import annotations

from functools import cache

from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.pricing.base import QuoteParams, default_params


def engine_params(desk: DeskState, market: MarketState) -> QuoteParams:
    """The trader's own for this market, the desk's, or the engine's defaults."""
    own = market.params.get(market.engine)
    return own or desk.settings.engine_params.get(market.engine) or _defaults(market.engine)


@cache
def _defaults(engine: str) -> QuoteParams:
    """Frozen, and checked when they are made: once is enough."""
    return default_params(engine)
