"""Takers: strangers who cross the spread, some of whom know what the market is worth."""

from __future__ import annotations

import math
import random

from msgspec import Struct

from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CONTRACT, ONE, Count, Price, Side

_REACH = 4
"""Levels beyond the touch an uninformed taker accepts."""
_MARGIN = 0.004
"""Dollars an informed taker wants to gain before trading."""


class CrowdStyle(Struct, frozen=True):
    """Who takes in one market. Rates per world second, sizes in contracts."""

    rate: float
    """First arrivals; with their followers takers come 1 / (1 - follow) times as often."""
    informed: float
    """Share of takers who know the true probability (alpha)."""
    follow: float = 0.4
    """Chance that a taker draws another after it: clusters, as in a Hawkes process with one child at most."""
    follow_s: float = 1.2
    """Mean delay of the follower."""
    herd: float = 0.75
    """Chance that an uninformed follower takes the side of the one before."""
    size: float = 18.0
    """Median size."""
    size_spread: float = 1.1
    """Standard deviation of the logarithm of size."""
    fractional: float = 0.04
    """Share of orders that are not whole contracts."""


class Take(Struct, frozen=True):
    """An order to send as immediate-or-cancel, limited at ``price``."""

    side: Side
    price: Price
    count: Count


class Crowd:
    """The takers of one market: when they come, which way, how much."""

    def __init__(self, style: CrowdStyle, grid: TickGrid, rng: random.Random) -> None:
        self.style = style
        self._grid = grid
        self._rng = rng

    def gap(self) -> float:
        """Seconds until the next first arrival."""
        return self._rng.expovariate(self.style.rate)

    def follower(self) -> float | None:
        """Seconds until a follower of the present taker comes, if one does."""
        if self._rng.random() >= self.style.follow:
            return None
        return self._rng.expovariate(1.0 / self.style.follow_s)

    def take(
        self, fair: float, bid: Price | None, ask: Price | None, before: Side | None = None
    ) -> Take | None:
        """What the next taker does at this touch, or None: no edge for the informed, no quote for others.

        ``fair`` is the true probability, ``before`` the side of the taker this one follows. The same number
        of draws is spent whatever the book looks like: who comes next does not depend on who else quotes.
        """
        knows = self._rng.random() < self.style.informed
        herds = self._rng.random() < self.style.herd
        side = Side.BID if self._rng.random() < 0.5 else Side.ASK
        count = self._size()
        if knows:
            return self.informed(fair, bid, ask, count)
        if before is not None and herds:
            side = before
        touch = ask if side is Side.BID else bid
        if touch is None:
            return None
        reach = self._grid.index(touch) + _REACH * side.sign
        return Take(side, self._grid.price(min(max(reach, 0), self._grid.size - 1)), count)

    def informed(self, fair: float, bid: Price | None, ask: Price | None, count: Count) -> Take | None:
        """What somebody who knows ``fair`` takes, up to ``count``: whatever is better than that by a margin."""
        highest = self._grid.floor((fair - _MARGIN) * ONE)
        if ask is not None and highest is not None and highest >= ask:
            return Take(Side.BID, highest, count)
        lowest = self._grid.ceil((fair + _MARGIN) * ONE)
        if bid is not None and lowest is not None and lowest <= bid:
            return Take(Side.ASK, lowest, count)
        return None

    def _size(self) -> Count:
        contracts = max(round(self.style.size * math.exp(self._rng.gauss(0.0, self.style.size_spread))), 1)
        cents = self._rng.randrange(1, 100)
        if self._rng.random() >= self.style.fractional:
            cents = 0
        return contracts * CONTRACT + cents
