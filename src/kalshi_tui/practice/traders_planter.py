"""A stranger who now and then quotes prices that contradict each other: true arbitrage, written down."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from kalshi_tui.practice.catalog import Listing
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.matching import Order
from kalshi_tui.practice.world_market import OpenMarket
from kalshi_tui.protocol.units import CONTRACT, ONE, SECOND, Count, Nanos, Price, Side

_EDGE = (0.015, 0.04)
"""What is left after taker fees, in dollars per set, before prices are rounded (which only adds)."""
_LASTS_S = (3.0, 6.0)
_CONTRACTS = (20, 80)
_BOUNDS: tuple[Price, Price] = (200, 9_800)


class Leg(Struct, frozen=True):
    """``side`` is what a taker does: BID buys YES from the planter at ``price``, ASK sells it."""

    ticker: str
    side: Side
    price: Price


class Plant(Struct, frozen=True):
    """Quotes that pay whoever takes all of them. Prices are for one contract of each leg."""

    kind: str
    """ladder (a higher threshold dearer than a lower one), exclusive (bids of exclusive brackets above one
    dollar) or bracket (a bracket against the difference of two thresholds)."""
    legs: tuple[Leg, ...]
    size: Count
    """Resting at each leg."""
    edge: Price
    """What one set pays in the worst outcome, before fees."""
    edge_after_fees: Price
    """The same after taker fees, each leg's rounded up."""
    starts: Nanos
    ends: Nanos
    """Wall nanoseconds; it may be taken by others before."""


class Relation(Struct, frozen=True):
    """Markets bound together: buying ``low`` and selling ``high`` can never pay less than minus ``owed``."""

    kind: str
    low: tuple[str, ...]
    high: tuple[str, ...]
    owed: Price = 0


class Planter:
    """Plants one violation at a time and takes it back."""

    def __init__(self, exchange: Exchange, rng: random.Random, speed: float) -> None:
        self._exchange = exchange
        self._account = exchange.house_account("planter")
        self._rng = rng
        self._speed = speed
        self._orders: list[Order] = []

    def gap(self, mean_s: float) -> float:
        """World seconds until the next attempt."""
        return self._rng.uniform(0.6, 1.4) * mean_s

    def plant(
        self,
        listings: Sequence[Listing],
        markets: Mapping[str, OpenMarket],
        at: Nanos,
        known: Nanos,
        now: Nanos,
    ) -> tuple[Plant, Nanos] | None:
        """Quote a violation of some relation between open markets; with it the world instant it should end.

        None when one is still out or none can be quoted now.
        """
        relations = [r for listing in listings for r in _relations(listing, listings)]
        open_ones = [r for r in relations if all(t in markets for t in (*r.low, *r.high))]
        if self._orders or not open_ones:
            return None
        relation = self._rng.choice(open_ones)
        edge = self._rng.uniform(*_EDGE)
        size = self._rng.randint(*_CONTRACTS) * CONTRACT
        lasts = int(self._rng.uniform(*_LASTS_S) * SECOND)
        legs = _price_legs(relation, markets, known, edge)
        if legs is None:
            return None
        for leg in legs:
            markets[leg.ticker].quiet_until = at + lasts
            self._quote(leg, size, now)
        gross = sum(-leg.side.sign * leg.price for leg in legs) - relation.owed
        net = gross - sum(taker_fee(leg.price) for leg in legs)
        until = now + int(lasts / self._speed)
        return Plant(relation.kind, legs, size, gross, net, now, until), at + lasts

    def clear(self, now: Nanos) -> None:
        """Take back what is left of the violation."""
        for order in self._orders:
            if order.status == "resting":
                self._exchange.cancel(self._account, order.order_id, now=now)
        self._orders.clear()

    def _quote(self, leg: Leg, size: Count, now: Nanos) -> None:
        """Sweep what rests up to the leg's price and leave ``size`` there."""
        mine = leg.side.opposite
        in_the_way = sum(
            count
            for price, count in self._exchange.levels(leg.ticker, leg.side, 1_000)
            if (price - leg.price) * leg.side.sign >= 0
        )
        result = self._exchange.place(self._account, leg.ticker, mine, leg.price, in_the_way + size, now=now)
        if result.order is not None:
            self._orders.append(result.order)


def taker_fee(price: Price) -> Price:
    """The quadratic taker fee of one contract in 1/10,000 dollar, rounded up: 0.07 P (1 - P)."""
    return -(-7 * price * (ONE - price) // (100 * ONE))


def _relations(listing: Listing, listings: Sequence[Listing]) -> list[Relation]:
    tickers = [market.ticker for market in listing.markets]
    if listing.event["mutually_exclusive"]:
        return [Relation("exclusive", (), tuple(tickers), ONE), *_bracket_relations(listing, listings)]
    if listing.series == "PRBTCH":
        return [Relation("ladder", (low,), (high,)) for low, high in pairwise(tickers)]
    return []


def _bracket_relations(listing: Listing, listings: Sequence[Listing]) -> list[Relation]:
    """Above a, less above b, is the bracket between: where both thresholds trade on the same number."""
    found: list[Relation] = []
    for other in listings:
        if other is listing or other.number is not listing.number:
            continue
        thresholds = {market.strike.bounds()[0]: market.ticker for market in other.markets}
        for market in listing.markets:
            low, high = market.strike.bounds()
            if low is None or high is None or low not in thresholds or high + 1 not in thresholds:
                continue
            wide, narrow = thresholds[low], thresholds[high + 1]
            found.append(Relation("bracket", (wide,), (market.ticker, narrow)))
            found.append(Relation("bracket", (market.ticker, narrow), (wide,)))
    return found


def _price_legs(
    relation: Relation, markets: Mapping[str, OpenMarket], known: Nanos, edge: float
) -> tuple[Leg, ...] | None:
    """Move every leg equally far from its true value until the set pays ``edge`` after fees.

    None where a leg would leave the grid's inner part.
    """
    low = [markets[ticker] for ticker in relation.low]
    high = [markets[ticker] for ticker in relation.high]
    lows, highs = [m.fair(known) for m in low], [m.fair(known) for m in high]
    fees = 0.07 * sum(p * (1.0 - p) for p in (*lows, *highs)) + 0.002 * (len(lows) + len(highs))
    short = relation.owed / ONE + sum(lows) - sum(highs) + edge + fees
    shift = short / (len(lows) + len(highs))
    legs: list[Leg] = []
    for market, fair in zip(low, lows, strict=True):
        price = market.grid.floor((fair - shift) * ONE)
        legs.append(Leg(market.ticker, Side.BID, price if price is not None else 0))
    for market, fair in zip(high, highs, strict=True):
        price = market.grid.ceil((fair + shift) * ONE)
        legs.append(Leg(market.ticker, Side.ASK, price if price is not None else ONE))
    inside = all(_BOUNDS[0] <= leg.price <= _BOUNDS[1] for leg in legs)
    return tuple(legs) if inside else None
