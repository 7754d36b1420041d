"""Baskets that cannot lose: found by closed forms, sized through the books, checked by enumeration.

A unit basket buys one lot of YES or NO of several markets of one event. What it pays at worst is the least
sum over the event's states, so every hard relation (exclusive, exhaustive, nested, bracket = difference of
thresholds) is one rule: cost plus fees below the worst payoff. Money is exact; fees are the exchange's, per
level.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, permutations

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


@lru_cache(maxsize=8192)
def worst_payoff(space: OutcomeSpace, unit: Unit) -> int:
    """Dollars one lot of each leg pays in the worst state. Asked of the same units at every scan."""
    columns = [(space.tickers.index(ticker), side) for ticker, side in unit]
    return min(sum(row[i] if side is Side.BID else 1 - row[i] for i, side in columns) for row in space.pays)


def candidates(
    space: OutcomeSpace, books: Mapping[str, LegBook], most_legs: int | None = None
) -> Iterator[tuple[str, Unit]]:
    """Unit baskets worth pricing, by closed form, with the relation in words; every leg has depth.

    ``most_legs`` leaves out baskets of more legs than can be sent.
    """
    for exclusive in _exclusive_sets(space):
        wanted = [t for t in exclusive if t in books and books[t].bids]
        # A thin leg caps all others: try without the thinnest, too.
        deepest = sorted(wanted, key=lambda t: -sum(count for _, count in books[t].bids))
        for legs in range(min(len(deepest), most_legs or len(deepest)), 1, -1):
            yield "at most one pays: NO of all", tuple((t, Side.ASK) for t in deepest[:legs])
    for words, unit in proved_units(space):
        few = most_legs is None or len(unit) <= most_legs
        if few and all(t in books and books[t].levels(side) for t, side in unit):
            yield words, unit


@lru_cache(maxsize=256)
def _exclusive_sets(space: OutcomeSpace) -> tuple[tuple[str, ...], ...]:
    """The events of which at most one market pays."""
    return tuple(one.tickers for one in space.by_event() if one.exclusive)


@lru_cache(maxsize=256)
def proved_units(space: OutcomeSpace) -> tuple[tuple[str, Unit], ...]:
    """Every unit basket that the space alone decides, whatever the books show.

    Sets of which one must pay; a market that implies another; and brackets that lie in the difference of two
    thresholds (or in one): they can never pay more than it, and where they fill it, never less.
    """
    found: list[tuple[str, Unit]] = []
    for one in space.by_event():
        if one.exhaustive:
            found.append(("one must pay: YES of all", tuple((t, Side.BID) for t in one.tickers)))
    masks = _masks(space)
    for inner, outer in permutations(space.tickers, 2):
        if masks[inner] & ~masks[outer] == 0:
            found.append((f"{inner} implies {outer}", ((outer, Side.BID), (inner, Side.ASK))))
    found.extend(_differences(space, masks))
    return tuple(dict.fromkeys(found))


def _masks(space: OutcomeSpace) -> dict[str, int]:
    """The states in which each market pays, one bit a state."""
    return {
        ticker: sum(row[i] << state for state, row in enumerate(space.pays))
        for i, ticker in enumerate(space.tickers)
    }


def _differences(space: OutcomeSpace, masks: Mapping[str, int]) -> Iterator[tuple[str, Unit]]:
    """Brackets against the wider threshold minus the narrower one; without the one, against certainty, without the
    other, against nothing."""
    exclusive = _exclusive_sets(space)
    certain = (1 << len(space.pays)) - 1
    for wide in (*space.tickers, None):
        whole = certain if wide is None else masks[wide]
        for narrow in (None, *space.tickers):
            hole = 0 if narrow is None else masks[narrow]
            rest = whole & ~hole
            if narrow == wide or hole & ~whole:
                continue
            same = [(t,) for t in space.tickers if masks[t] == rest]
            sets = [tuple(t for t in one if masks[t] and masks[t] & ~rest == 0) for one in exclusive]
            for parts in dict.fromkeys((*same, *sets)):
                # A single implication is no difference, and a market says nothing of itself.
                if len(parts) + (narrow is not None) >= 2 and wide not in parts and narrow not in parts:
                    yield from _against(wide, narrow, parts, sum(masks[t] for t in parts) == rest)


def _against(
    wide: str | None, narrow: str | None, parts: Sequence[str], fills: bool
) -> Iterator[tuple[str, Unit]]:
    """Wide against all parts and narrow: it pays at least as much, and exactly as much where they fill it."""
    others = (*parts, *(() if narrow is None else (narrow,)))
    bought: Unit = () if wide is None else ((wide, Side.BID),)
    sold: Unit = () if wide is None else ((wide, Side.ASK),)
    if wide is None:
        words = f"{'one' if fills else 'at most one'} of {', '.join(others)} pays"
    else:
        without = "" if narrow is None else f" without {narrow}"
        words = f"{' or '.join(parts)} {'is' if fills else 'is within'} {wide}{without}"
    yield words, (*((t, Side.ASK) for t in others), *bought)
    if fills:
        yield words, (*((t, Side.BID) for t in others), *sold)


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
    """The least worst-case P&L over every subset of completely filled legs: at most 0.

    In one state the worst subset is every leg that loses there, so no subset needs listing.
    """
    columns = [space.tickers.index(leg.ticker) for leg in legs]
    worst = min(
        sum(
            min((row[i] if leg.side is Side.BID else 1 - row[i]) * leg.count * ONE - leg.cost - leg.fee, 0)
            for i, leg in zip(columns, legs, strict=True)
        )
        for row in space.pays
    )
    return min(worst, 0)
