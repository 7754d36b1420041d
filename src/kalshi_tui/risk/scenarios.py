"""How an event can settle, and what each way pays: the worst case is found by listing, not by a model.

Under an outcome a market settles YES or NO. An open ask can only lose where its market settles YES, an open
bid only where it settles NO, so "every order that would hurt fills" is exact with two totals per market.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct

from kalshi_tui.protocol.market import StrikeType
from kalshi_tui.protocol.units import ONE, Money
from kalshi_tui.risk.base import MarketExposure

_LINE_TYPES = (
    StrikeType.GREATER,
    StrikeType.GREATER_OR_EQUAL,
    StrikeType.LESS,
    StrikeType.LESS_OR_EQUAL,
    StrikeType.BETWEEN,
)

Strike = tuple[StrikeType, float | None, float | None]
"""(kind, floor, cap) of a market on a number."""


class Outcome(Struct, frozen=True):
    """One way a group of markets can settle. ``pays[i]`` is whether market i settles YES."""

    label: str
    pays: tuple[bool, ...]


class Group(Struct, frozen=True):
    """Markets that settle together, and every outcome they can have. Groups are independent of each other."""

    markets: tuple[MarketExposure, ...]
    outcomes: tuple[Outcome, ...]


class OutcomeValue(Struct, frozen=True):
    """P&L of one outcome, entry costs included: of the positions now, and with every hurting order filled."""

    label: str
    now: Money
    if_hit: Money


def groups(markets: Sequence[MarketExposure]) -> list[Group]:
    """The markets of one event by what their own fields prove of how they settle together.

    Markets with strikes on one number share the cells of the line those strikes cut. Markets of a mutually
    exclusive event share "one of them, or none". Anything else settles by itself.
    """
    on_line = [m for m in markets if _has_strikes(m)]
    others = [m for m in markets if not _has_strikes(m)]
    found: list[Group] = []
    if on_line:
        found.append(_line_group(on_line))
    exclusive = [m for m in others if m.mutually_exclusive]
    if exclusive:
        found.append(_exclusive_group(exclusive))
    found.extend(_single_group(m) for m in others if not m.mutually_exclusive)
    return found


def outcome_values(group: Group) -> list[OutcomeValue]:
    """The group's P&L under each of its outcomes, in their order."""
    return [
        OutcomeValue(
            outcome.label,
            sum(settles(m, yes) for m, yes in zip(group.markets, outcome.pays, strict=True)),
            sum(settles_if_hit(m, yes) for m, yes in zip(group.markets, outcome.pays, strict=True)),
        )
        for outcome in group.outcomes
    ]


def settles(market: MarketExposure, yes: bool) -> Money:
    """What the present position has earned, after its cost, if the market settles so."""
    position = market.position or 0
    return (position * ONE if yes else 0) - entry_cost(market)


def settles_if_hit(market: MarketExposure, yes: bool) -> Money:
    """The same once every open order that would lose by it has filled."""
    return settles(market, yes) - (market.open_ask_risk if yes else market.open_bid_risk)


def settles_from_mark(market: MarketExposure, yes: bool) -> Money:
    """``settles_if_hit`` counted from today's mark: what can still be lost, whatever the entry was."""
    position = market.position or 0
    if market.mark is None:
        return settles_if_hit(market, yes)
    gain = position * ((ONE if yes else 0) - market.mark)
    return gain - (market.open_ask_risk if yes else market.open_bid_risk)


def entry_cost(market: MarketExposure) -> Money:
    """The position's cost; where nobody knows it, its mark, and without one the dearest it can have been."""
    if market.cost is not None:
        return market.cost
    position = market.position or 0
    if market.mark is not None:
        return position * market.mark
    return max(position, 0) * ONE


def event_worst(markets: Sequence[MarketExposure]) -> Money:
    """The least an event can pay in P&L with hurting orders filled (negative is a loss); 0 for no markets.

    The worse of two readings: from entry cost, and from today's marks.
    """
    total = 0
    # A market without position or orders pays nothing anywhere: leaving it out loses no case.
    for group in groups([m for m in markets if not is_idle(m)]):
        total += min(
            sum(f(m, yes) for m, yes in zip(group.markets, outcome.pays, strict=True))
            for outcome in group.outcomes
            for f in (settles_if_hit, settles_from_mark)
        )
    return total


def is_idle(market: MarketExposure) -> bool:
    """Nothing held, nothing open: the market cannot gain or lose."""
    return not (market.position or market.cost or market.open_bid or market.open_ask)


def market_worst(market: MarketExposure) -> Money:
    """The same for one market by itself. Asked at every decision, hence without the helpers above."""
    position = market.position or 0
    cost = entry_cost(market)
    worst = min(position * ONE - cost - market.open_ask_risk, -cost - market.open_bid_risk)
    if market.mark is None:
        return worst
    marked = position * market.mark
    return min(worst, position * ONE - marked - market.open_ask_risk, -marked - market.open_bid_risk)


def naive_worst(markets: Sequence[MarketExposure]) -> Money:
    """The gross worst case: every market at its own worst, no netting between them."""
    return sum(min(settles_if_hit(m, True), settles_if_hit(m, False)) for m in markets)


def _has_strikes(market: MarketExposure) -> bool:
    kind = market.strike_type
    if kind is StrikeType.BETWEEN:
        return market.floor_strike is not None and market.cap_strike is not None
    if kind in (StrikeType.GREATER, StrikeType.GREATER_OR_EQUAL):
        return market.floor_strike is not None
    return kind in _LINE_TYPES and market.cap_strike is not None


def _line_group(markets: Sequence[MarketExposure]) -> Group:
    strikes = tuple((m.strike_type, m.floor_strike, m.cap_strike) for m in markets)
    steps = {m.number_step for m in markets}
    exclusive = all(m.mutually_exclusive for m in markets)
    return Group(tuple(markets), _line_outcomes(strikes, exclusive, steps.pop() if len(steps) == 1 else None))


@lru_cache(maxsize=1024)
def _line_outcomes(
    strikes: tuple[Strike, ...], exclusive: bool, step: Decimal | None = None
) -> tuple[Outcome, ...]:
    """Cells of the real line: each strike as a point, and the open intervals between and around them.

    Where the number comes in steps, an interval that holds no such number is no cell.
    """
    cuts = sorted({s for _, floor, cap in strikes for s in (floor, cap) if s is not None})
    cells: list[tuple[str, float]] = [(f"< {cuts[0]:g}", cuts[0] - 1.0)]
    for low, high in pairwise(cuts):
        cells.append((f"{low:g}", low))
        if _holds_one(low, high, step):
            cells.append((f"{low:g} to {high:g}", (low + high) / 2.0))
    cells.append((f"{cuts[-1]:g}", cuts[-1]))
    cells.append((f"> {cuts[-1]:g}", cuts[-1] + 1.0))
    outcomes: dict[tuple[bool, ...], Outcome] = {}
    for label, value in cells:
        pays = tuple(_pays(strike, value) for strike in strikes)
        if exclusive and sum(pays) > 1 and value in cuts:
            # Brackets that touch share a boundary on paper; the event's rules give it to one of them. Strikes
            # that overlap by more than a point contradict the word "exclusive", which then nets nothing.
            continue
        previous = outcomes.get(pays)
        merged = label if previous is None else _merged(previous.label, label)
        outcomes[pays] = Outcome(merged, pays)
    return tuple(outcomes.values())


def _holds_one(low: float, high: float, step: Decimal | None) -> bool:
    """Whether a published number lies strictly between."""
    if step is None:
        return True
    below, above = (Decimal(repr(float(end))) / step for end in (low, high))
    return below // 1 + 1 < above


def _merged(first: str, second: str) -> str:
    """One label for neighbouring cells that pay the same: ``< 0.2`` and ``0.2`` is ``<= 0.2``."""
    if first.startswith("< ") and second == first[2:]:
        return f"≤ {second}"
    if second.startswith("> ") and first == second[2:]:
        return f"≥ {first}"
    low = first.split(" to ")[0]
    return f"{low} to {second.split(' to ')[-1]}" if second[0] not in "<>" else f"{first}, {second}"


def _pays(strike: Strike, value: float) -> bool:
    kind, floor, cap = strike
    if kind is StrikeType.BETWEEN:
        return floor is not None and cap is not None and floor <= value <= cap
    if kind is StrikeType.GREATER:
        return floor is not None and value > floor
    if kind is StrikeType.GREATER_OR_EQUAL:
        return floor is not None and value >= floor
    if kind is StrikeType.LESS:
        return cap is not None and value < cap
    return cap is not None and value <= cap


def _exclusive_group(markets: Sequence[MarketExposure]) -> Group:
    """At most one settles YES; "none" stays possible, also through outcomes this desk does not follow."""
    n = len(markets)
    outcomes = [Outcome(m.label or m.ticker, tuple(i == j for j in range(n))) for i, m in enumerate(markets)]
    return Group(tuple(markets), (*outcomes, Outcome("none of them", (False,) * n)))


def _single_group(market: MarketExposure) -> Group:
    name = market.label or market.ticker
    return Group((market,), (Outcome(f"{name}: yes", (True,)), Outcome(f"{name}: no", (False,))))
