"""House makers: they quote ladders around a late and noisy idea of what a market is worth."""

from __future__ import annotations

import math
import random

from msgspec import Struct

from kalshi_tui.practice.accounts import Account
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.matching import Order
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CONTRACT, ONE, Nanos, Price, Side

_NOISE_MEMORY_S = 8.0
"""How long a maker's own error lasts."""
_SIZE_SPREAD = 0.45
"""Standard deviation of the logarithm of a level's size."""
_WIDEN = 3.0
"""A maker with no appetite left quotes this much wider on top."""


class MakerStyle(Struct, frozen=True):
    """How one kind of maker quotes. Money in dollars, sizes in contracts."""

    name: str
    half: float
    """Half-spread at even odds; it narrows with the standard deviation of the outcome towards the tails."""
    levels: int
    size: float
    """Median size of the best level."""
    growth: float
    """Growth of size from one level to the next, as a share of ``size``."""
    lag_s: float
    noise: float
    """Standard deviation of the maker's own error at even odds."""
    rest_s: float
    """Mean seconds between two looks at the market."""
    refresh: int
    """Orders replaced at every look."""
    refill: int
    """Missing levels put back per side at every look."""


STYLES = (
    MakerStyle("touch", 0.009, 3, 10.0, 0.5, 0.4, 0.006, 1.6, 1, 1),
    MakerStyle("body", 0.014, 9, 24.0, 0.7, 1.0, 0.005, 2.0, 1, 2),
    MakerStyle("deep", 0.023, 10, 60.0, 0.6, 2.5, 0.004, 4.0, 2, 4),
)


class LadderMaker:
    """One maker in one market. Every instant and interval comes from the caller."""

    def __init__(
        self,
        exchange: Exchange,
        account: Account,
        ticker: str,
        grid: TickGrid,
        style: MakerStyle,
        rng: random.Random,
        *,
        fair: float,
    ) -> None:
        self.style = style
        self._exchange = exchange
        self._account = account
        self._ticker = ticker
        self._grid = grid
        self._rng = rng
        self._belief = fair
        self._error = rng.gauss(0.0, 1.0)
        self._centre = fair
        self._appetite = 1.0
        self._touch = {Side.BID: 0, Side.ASK: 0}
        self._orders: dict[Side, dict[Price, Order]] = {Side.BID: {}, Side.ASK: {}}

    def rest(self) -> float:
        """Seconds until the next look."""
        return self._rng.expovariate(1.0 / self.style.rest_s)

    def fill_book(self, now: Nanos, fair: float, appetite: float) -> None:
        """Quote every level at once: the opening."""
        self._appetite = appetite
        self._belief = fair
        self._quote(now, refill=self.style.levels)

    def look(self, now: Nanos, elapsed_s: float, fair: float, appetite: float) -> None:
        """Learn, move the ladder where the idea moved, put missing levels back, replace a few orders.

        ``fair`` is the true probability, ``appetite`` in (0, 1] shrinks and widens the quote before a print.
        """
        self._appetite = appetite
        self._think(elapsed_s, fair)
        self._refresh(now)
        self._quote(now, refill=self.style.refill)

    def _think(self, elapsed_s: float, fair: float) -> None:
        self._belief += (fair - self._belief) * -math.expm1(-elapsed_s / self.style.lag_s)
        keep = math.exp(-elapsed_s / _NOISE_MEMORY_S)
        self._error = self._error * keep + self._rng.gauss(0.0, math.sqrt(max(1.0 - keep * keep, 0.0)))

    def _shape(self) -> float:
        """Standard deviation of the outcome, 1 at even odds: errors and spreads shrink towards the tails."""
        return 2.0 * math.sqrt(max(self._belief * (1.0 - self._belief), 0.0))

    def _quote(self, now: Nanos, *, refill: int) -> None:
        """Cancel what left the ladder on either side, then add what is missing where it does not cross."""
        shape = self._shape()
        idea = self._belief + self._error * self.style.noise * shape
        tick = self._grid.tick_at(min(max(idea, 0.0), 1.0) * ONE) / ONE
        if abs(idea - self._centre) > 0.6 * tick:
            self._centre = idea
        half = self.style.half * max(shape, 0.2) * (1.0 + _WIDEN * (1.0 - self._appetite))
        levels = max(round(self.style.levels * self._appetite), 1)
        best_bid = self._grid.floor((self._centre - half) * ONE)
        best_ask = self._grid.ceil((self._centre + half) * ONE)
        wanted = {Side.BID: self._ladder(best_bid, -1, levels), Side.ASK: self._ladder(best_ask, 1, levels)}
        for side in Side:
            self._withdraw(now, side, wanted[side])
        bid, ask = self._exchange.best(self._ticker)
        self._add(now, Side.BID, [p for p in wanted[Side.BID] if ask is None or p < ask], refill)
        self._add(now, Side.ASK, [p for p in wanted[Side.ASK] if bid is None or p > bid], refill)

    def _ladder(self, best: Price | None, step: int, levels: int) -> list[Price]:
        """Up to ``levels`` valid prices away from the touch, best first."""
        if best is None:
            return []
        first = self._grid.index(best)
        return [
            self._grid.price(i) for i in range(first, first + step * levels, step) if 0 <= i < self._grid.size
        ]

    def _withdraw(self, now: Nanos, side: Side, wanted: list[Price]) -> None:
        orders = self._orders[side]
        for price, order in list(orders.items()):
            if order.status == "resting" and price not in wanted:
                self._exchange.cancel(self._account, order.order_id, now=now)
            # Still resting only where the cancel was refused, as in an exchange pause.
            if order.status != "resting":
                del orders[price]

    def _add(self, now: Nanos, side: Side, prices: list[Price], refill: int) -> None:
        if prices:
            self._touch[side] = self._grid.index(prices[0])
        missing = [price for price in prices if price not in self._orders[side]]
        for price in missing[:refill]:
            self._send(now, side, price)

    def _refresh(self, now: Nanos) -> None:
        """Replace some orders at their own prices: sizes change, places in the queue are given up."""
        resting = [
            (side, price, order)
            for side in Side
            for price, order in self._orders[side].items()
            if order.status == "resting"
        ]
        for side, price, order in self._rng.sample(resting, min(self.style.refresh, len(resting))):
            self._exchange.cancel(self._account, order.order_id, now=now)
            if order.status != "resting":
                del self._orders[side][price]
                self._send(now, side, price)

    def _send(self, now: Nanos, side: Side, price: Price) -> None:
        """One post-only order, larger the deeper it lies; a refusal is tried again at the next look."""
        depth = abs(self._grid.index(price) - self._touch[side])
        median = self.style.size * (1.0 + self.style.growth * depth) * self._appetite
        contracts = max(round(median * math.exp(self._rng.gauss(0.0, _SIZE_SPREAD))), 1)
        result = self._exchange.place(
            self._account, self._ticker, side, price, contracts * CONTRACT, now=now, post_only=True
        )
        if result.order is not None and result.error is None:
            self._orders[side][price] = result.order
