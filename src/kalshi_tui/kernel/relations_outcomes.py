"""Probabilities of the ways an event can settle, where its markets prove them."""

from __future__ import annotations

from kalshi_tui.pricing.ladder import coherent_fairs
from kalshi_tui.pricing.outcomes import OutcomeSpace
from kalshi_tui.risk.scenarios import Group


def outcome_fairs(group: Group) -> list[float | None]:
    """The fair probability of each of the group's outcomes, in their order; None where it is not proved.

    Markets' fair values are made to agree first. A set of which at most one pays gives each outcome its market's
    own; nested markets give differences: what pays the wider but not the narrower. Anything else, and a group with
    a market that has no fair value, proves nothing.
    """
    unknown: list[float | None] = [None] * len(group.outcomes)
    fairs: dict[str, float] = {}
    for market in group.markets:
        if market.fair is None:
            return unknown
        fairs[market.ticker] = market.fair
    rows = tuple(tuple(int(yes) for yes in outcome.pays) for outcome in group.outcomes)
    space = OutcomeSpace("", tuple(fairs), tuple(o.label for o in group.outcomes), rows, (), "")
    if len(fairs) > 1:
        fairs = coherent_fairs(space, fairs, dict.fromkeys(fairs, 1.0))
    if not fairs or len(set(rows)) < len(rows):
        return unknown
    values = [fairs[ticker] for ticker in space.tickers]
    if space.exclusive:
        rest = max(1.0 - sum(values), 0.0)
        return [values[row.index(1)] if 1 in row else rest for row in rows]
    return [_between(row, values) for row in rows]


def _between(row: tuple[int, ...], values: list[float]) -> float:
    """Nested markets: the narrowest that pays, less the widest that does not."""
    paying = min((value for pays, value in zip(row, values, strict=True) if pays), default=1.0)
    wider = max((value for pays, value in zip(row, values, strict=True) if not pays), default=0.0)
    return max(paying - wider, 0.0)
