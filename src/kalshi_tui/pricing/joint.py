"""One outcome space over several events, where a person (or the venue's own construction) says they hang together.

The fields still have to agree with what was said: strikes on numbers for one number, ends in order for nesting. A
relation whose fields disagree is no relation (``JointError`` with the sentence).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise, product

from kalshi_tui.pricing.outcomes import OutcomeSpace, outcome_space, rules_of, strike_states
from kalshi_tui.protocol.market import Event, Market

MOST_STATES = 4096
"""Nested events with more states than this are not worked out."""

Members = Mapping[str, Sequence[Market]]
"""Event ticker -> its markets, in the order of the relation."""


class JointError(Exception):
    """Why the fields do not bear the relation, in words."""


def same_number(members: Members, step: Decimal | None) -> OutcomeSpace:
    """Every strike of every event on one line: a bracket is then the difference of two thresholds.

    ``step`` is the grid the number is published on: without it a number between two brackets stays possible, and
    less is proved. Raises ``JointError`` where a market's strike is no set of numbers.
    """
    markets = [market for one in members.values() for market in one]
    struck = strike_states(markets, step)
    if struck is None:
        raise JointError("not every market of it has a strike on a number")
    states, pays, facts = struck
    proof = (
        f"{' and '.join(members)} speak of one number",
        f"it is one of: {', '.join(states)}",
        *facts,
    )
    return _space(members, states, pays, proof)


def nested(members: Members, events: Mapping[str, Event]) -> OutcomeSpace:
    """Each event's market within the next one's of the same label (or its only one).

    Raises ``JointError`` where the order of their ends contradicts the order of the relation.
    """
    names = list(members)
    chains = list(_chains(members))
    if not chains:
        raise JointError("no two of its markets have the same label")
    for inner, outer in chains:
        if inner.close_time is None or outer.close_time is None or inner.close_time > outer.close_time:
            raise JointError(
                f"{inner.ticker} does not end before {outer.ticker}: put the innermost event first"
            )
    markets = [market for one in members.values() for market in one]
    column = {market.ticker: i for i, market in enumerate(markets)}
    rows = [_rows(members[name], events.get(name)) for name in names]
    count = 1
    for one in rows:
        count *= len(one)
    if count > MOST_STATES:
        raise JointError(f"it has {count} states, more than {MOST_STATES}")
    joined = [tuple(pay for part in combination for pay in part) for combination in product(*rows)]
    implied = [(column[inner.ticker], column[outer.ticker]) for inner, outer in chains]
    pays = tuple(row for row in joined if all(row[i] <= row[j] for i, j in implied))
    labels = tuple(
        ", ".join(m.ticker for m, pay in zip(markets, row, strict=True) if pay) or "none" for row in pays
    )
    proof = tuple(f"{inner.ticker} paying means that {outer.ticker} pays" for inner, outer in chains)
    return _space(members, labels, pays, (f"{' within '.join(names)}", *proof))


def _chains(members: Members) -> Iterator[tuple[Market, Market]]:
    """(inner, outer) of every two neighbouring events."""
    for inner, outer in pairwise(members.values()):
        if len(inner) == len(outer) == 1:
            yield inner[0], outer[0]
            continue
        by_label = {market.label: market for market in outer}
        for market in inner:
            if market.label in by_label:
                yield market, by_label[market.label]


def _rows(markets: Sequence[Market], event: Event | None) -> list[tuple[int, ...]]:
    """Every way one event can pay, as its own fields have it."""
    space = None if event is None else outcome_space(event, markets)
    if space is not None:
        return list(dict.fromkeys(space.pays))
    if 2 ** len(markets) > MOST_STATES:
        raise JointError(f"{markets[0].event_ticker} has {len(markets)} markets that nothing binds together")
    return list(product((0, 1), repeat=len(markets)))


def _space(
    members: Members, states: tuple[str, ...], pays: tuple[tuple[int, ...], ...], proof: tuple[str, ...]
) -> OutcomeSpace:
    markets = [market for one in members.values() for market in one]
    return OutcomeSpace(
        "+".join(members),
        tuple(market.ticker for market in markets),
        states,
        pays,
        proof,
        rules_of(markets),
        tuple(tuple(market.ticker for market in one) for one in members.values()),
    )
