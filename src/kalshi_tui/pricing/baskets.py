"""Baskets that cannot lose: found by closed forms, sized through the books, checked by enumeration.

A unit basket buys one lot of YES or NO of several markets of one event. What it pays at worst is the least
sum over the event's states, so every hard relation (exclusive, exhaustive, nested, bracket = difference of
thresholds) is one rule: cost plus fees below the worst payoff. Money is exact; fees are the exchange's, per
level.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from msgspec import Struct

from kalshi_tui.portfolio.fees import RoundingRule, trade_fee
from kalshi_tui.pricing.outcomes import OutcomeSpace
from kalshi_tui.protocol.market import FeeSchedule
from kalshi_tui.protocol.units import CONTRACT, ONE, Count, Money, Nanos, Price, Side

Levels = tuple[tuple[Price, Count], ...]


class LegBook(Struct, frozen=True):
    """One market's book, own orders taken out: (YES price, count), best first."""

    ticker: str
    bids: Levels
    asks: Levels
    fee: FeeSchedule

    def levels(self, side: Side) -> Levels:
        """What buying YES (``BID``) or buying NO (``ASK``) can take."""
        return self.asks if side is Side.BID else self.bids


class Leg(Struct, frozen=True):
    """Buy ``count`` YES (``BID``) or NO (``ASK``) of a market, as IOC limited at ``limit`` on YES."""

    ticker: str
    side: Side
    count: Count
    limit: Price
    depth: Count
    """What the book shows up to the limit."""
    cost: Money
    fee: Money


class Basket(Struct, frozen=True):
    """Legs, what they cost, and the least they pay."""

    event_ticker: str
    relation: str
    legs: tuple[Leg, ...]
    lots: Count
    payoff: Money
    """In the worst state."""
    proof: tuple[str, ...]

    @property
    def cost(self) -> Money:
        """Gross: netting of collateral is not counted on."""
        return sum(leg.cost for leg in self.legs)

    @property
    def fees(self) -> Money:
        return sum(leg.fee for leg in self.legs)

    @property
    def profit(self) -> Money:
        """In the worst state, after fees."""
        return self.payoff - self.cost - self.fees


Unit = tuple[tuple[str, Side], ...]
"""One lot of each (ticker, side)."""


def worst_payoff(space: OutcomeSpace, unit: Unit) -> int:
    """Dollars one lot of each leg pays in the worst state."""
    columns = [(space.tickers.index(ticker), side) for ticker, side in unit]
    return min(sum(row[i] if side is Side.BID else 1 - row[i] for i, side in columns) for row in space.pays)


def candidates(space: OutcomeSpace, books: Mapping[str, LegBook]) -> Iterator[tuple[str, Unit]]:
    """Unit baskets worth pricing, by closed form, with the relation in words."""
    offered = [t for t in space.tickers if t in books and books[t].asks]
    wanted = [t for t in space.tickers if t in books and books[t].bids]
    if space.exclusive:
        # A thin leg caps all others: try without the thinnest, too.
        deepest = sorted(wanted, key=lambda t: -sum(count for _, count in books[t].bids))
        for legs in range(len(deepest), 1, -1):
            yield "at most one pays: NO of all", tuple((t, Side.ASK) for t in deepest[:legs])
    if space.exhaustive and len(offered) == len(space.tickers):
        yield "one must pay: YES of all", tuple((t, Side.BID) for t in offered)
    for inner in wanted:
        for outer in offered:
            if inner != outer and space.implies(inner, outer):
                yield f"{inner} implies {outer}", ((outer, Side.BID), (inner, Side.ASK))
    yield from _differences(space, books)


def _differences(space: OutcomeSpace, books: Mapping[str, LegBook]) -> Iterator[tuple[str, Unit]]:
    """A market that is the difference of two others: bracket = wider threshold minus narrower."""
    columns = {ticker: tuple(row[i] for row in space.pays) for i, ticker in enumerate(space.tickers)}
    by_column = {column: ticker for ticker, column in reversed(columns.items())}
    for wide, wide_pays in columns.items():
        for narrow, narrow_pays in columns.items():
            if wide == narrow or any(n > w for n, w in zip(narrow_pays, wide_pays, strict=True)):
                continue
            rest = by_column.get(tuple(w - n for w, n in zip(wide_pays, narrow_pays, strict=True)))
            if rest is None or rest in (wide, narrow) or not all(t in books for t in (wide, narrow, rest)):
                continue
            words = f"{rest} is {wide} without {narrow}"
            yield words, ((rest, Side.BID), (narrow, Side.BID), (wide, Side.ASK))
            if rest < narrow:  # the mirror image is the same for both readings
                yield words, ((rest, Side.ASK), (narrow, Side.ASK), (wide, Side.BID))


def gross_edge(space: OutcomeSpace, unit: Unit, books: Mapping[str, LegBook]) -> Money:
    """Worst payoff minus cost of one lot at the best prices, before fees; negative without any depth."""
    edge = worst_payoff(space, unit) * ONE * CONTRACT
    for ticker, side in unit:
        levels = books[ticker].levels(side)
        if not levels:
            return -ONE * CONTRACT
        edge -= (levels[0][0] if side is Side.BID else ONE - levels[0][0]) * CONTRACT
    return edge


def size_basket(
    space: OutcomeSpace,
    relation: str,
    unit: Unit,
    books: Mapping[str, LegBook],
    wall: Nanos,
    most: Count | None = None,
    rule: RoundingRule | None = None,
) -> Basket | None:
    """The most profitable whole number of lots through the books' depth, exactly; None without depth.

    Costs are convex in lots, so the best lies where one leg's level ends (rounded down to a whole contract).
    """
    ends: list[Count] = []
    depth: Count | None = most
    for ticker, side in unit:
        cumulative = list(accumulate(count for _, count in books[ticker].levels(side)))
        if not cumulative:
            return None
        ends += cumulative
        depth = cumulative[-1] if depth is None else min(depth, cumulative[-1])
    assert depth is not None
    lots = sorted({min(end, depth) // CONTRACT * CONTRACT for end in ends} - {0})
    priced = [price_basket(space, relation, unit, books, count, wall, rule) for count in lots]
    return max(priced, key=lambda basket: (basket.profit, -basket.lots), default=None)


def price_basket(
    space: OutcomeSpace,
    relation: str,
    unit: Unit,
    books: Mapping[str, LegBook],
    lots: Count,
    wall: Nanos,
    rule: RoundingRule | None = None,
) -> Basket:
    """``lots`` of a unit basket at the books' prices, with exact fees; the books must bear them."""
    legs = tuple(_leg(books[ticker], side, lots, wall, rule) for ticker, side in unit)
    payoff = worst_payoff(space, unit) * lots * ONE
    return Basket(space.event_ticker, relation, legs, lots, payoff, space.proof)


def _leg(book: LegBook, side: Side, lots: Count, wall: Nanos, rule: RoundingRule | None) -> Leg:
    left, cost, fee, depth = lots, 0, 0, 0
    limit: Price | None = None
    for price, count in book.levels(side):
        if not left:
            break
        take = min(left, count)
        cost += take * (price if side is Side.BID else ONE - price)
        fee += trade_fee(book.fee, price, take, True, wall, side, rule)
        left -= take
        depth += count
        limit = price
    if left or limit is None:
        raise ValueError(f"the book of {book.ticker} does not bear {lots / CONTRACT:g} contracts")
    return Leg(book.ticker, side, lots, limit, depth, cost, fee)


def worst_after_fills(space: OutcomeSpace, legs: Sequence[Leg], filled: Sequence[Count]) -> Money:
    """P&L in the worst state when only ``filled`` of each leg was bought, at its average cost and fee.

    Rounded down leg by leg: what must be reserved before a basket starts is the least of this over all
    subsets.
    """
    spent = sum(
        -(-(leg.cost + leg.fee) * count // leg.count) for leg, count in zip(legs, filled, strict=True)
    )
    columns = [space.tickers.index(leg.ticker) for leg in legs]
    worst = min(
        sum(
            (row[i] if leg.side is Side.BID else 1 - row[i]) * count
            for i, leg, count in zip(columns, legs, filled, strict=True)
        )
        for row in space.pays
    )
    return worst * ONE - spent


def leg_risk(space: OutcomeSpace, legs: Sequence[Leg]) -> Money:
    """The least worst-case P&L over every subset of completely filled legs: at most 0."""
    worst: Money = 0
    for mask in range(1 << len(legs)):
        filled = [leg.count if mask >> i & 1 else 0 for i, leg in enumerate(legs)]
        worst = min(worst, worst_after_fills(space, legs, filled))
    return worst
