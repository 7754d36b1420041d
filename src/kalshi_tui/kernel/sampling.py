"""What is looked at on a slow clock: one sample of every quiet market each ten seconds, for pairs and correlations.

Never on a frame's path. A sample is the micro-price in log-odds, own orders taken out; there is none while the book
is not true, in an event, or too near 0 or 1 for its log-odds to say anything.
"""

from __future__ import annotations

from math import log

from kalshi_tui.kernel import correlations, pairs_live
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.units import SECOND, Nanos

EVERY: Nanos = 10 * SECOND
TAIL = 0.03
"""Prices nearer to 0 or 1 dollar than this are no sample: there one tick is a large step in log-odds."""


def step(desk: DeskState) -> None:
    """Sample where ten seconds are over. Called once a decision, cheap in between."""
    number = desk.now.mono // EVERY
    if number == desk.sampled:
        return
    desk.sampled = number
    samples = {
        market.ticker: value
        for market in desk.markets.values()
        if (value := sample(desk, market)) is not None
    }
    pairs_live.step(desk, samples)
    correlations.step(desk, samples, number)


def sample(desk: DeskState, market: MarketState) -> float | None:
    """The market's log-odds, or None where they can not be trusted now."""
    if market.facts.status is not MarketStatus.ACTIVE or not desk.feed.status(market.ticker).valid:
        return None
    if market.regime is Regime.EVENT or market.watcher.window:
        return None
    fair = market.features.weighted_mid
    return None if fair is None or not TAIL <= fair <= 1.0 - TAIL else log(fair / (1.0 - fair))
