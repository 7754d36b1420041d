"""What can happen in one event, and what each market pays then: proved from fields, readable by a person.

A numeric strike is a set on the real line; the strikes of an event cut the line into points and open
intervals, and each of these is a state. Without strikes only the exchange's flag counts:
``mutually_exclusive`` says at most one YES, never exactly one, so "none of them" stays a state. Nothing is
proved from tickers or titles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from msgspec import Struct

from kalshi_tui.protocol.market import Event, Market, StrikeType


class OutcomeSpace(Struct, frozen=True):
    """The states of an event and what each market pays in each: 1 or 0."""

    event_ticker: str
    tickers: tuple[str, ...]
    states: tuple[str, ...]
    pays: tuple[tuple[int, ...], ...]
    """Per state, per ticker."""
    proof: tuple[str, ...]
    """The facts it rests on, one sentence each."""
    rules_hash: str
    """SHA-256 over all rule texts: a changed text voids what a person has ticked."""
    events: tuple[tuple[str, ...], ...] = ()
    """The tickers of each event, where there is more than one."""

    @property
    def exclusive(self) -> bool:
        """At most one market pays in every state."""
        return all(sum(row) <= 1 for row in self.pays)

    @property
    def exhaustive(self) -> bool:
        """At least one market pays in every state."""
        return all(sum(row) >= 1 for row in self.pays)

    def implies(self, first: str, second: str) -> bool:
        """Whether ``second`` pays whenever ``first`` does."""
        i, j = self.tickers.index(first), self.tickers.index(second)
        return all(row[i] <= row[j] for row in self.pays)

    def by_event(self) -> tuple[OutcomeSpace, ...]:
        """This space as each event sees it alone; itself where there is only one."""
        return _by_event(self) if self.events else (self,)


@lru_cache(maxsize=64)
def _by_event(space: OutcomeSpace) -> tuple[OutcomeSpace, ...]:
    found = []
    for tickers in space.events:
        columns = [space.tickers.index(ticker) for ticker in tickers]
        rows: dict[tuple[int, ...], list[str]] = {}
        for label, row in zip(space.states, space.pays, strict=True):
            rows.setdefault(tuple(row[i] for i in columns), []).append(label)
        labels = tuple(" or ".join(one) for one in rows.values())
        found.append(
            OutcomeSpace(space.event_ticker, tickers, labels, tuple(rows), space.proof, space.rules_hash)
        )
    return tuple(found)


class _Range(Struct, frozen=True):
    """A strike as a set: between two ends, each in or out; None is infinite."""

    low: Fraction | None
    low_in: bool
    high: Fraction | None
    high_in: bool
    words: str

    def holds(self, x: Fraction) -> bool:
        above = self.low is None or x > self.low or (self.low_in and x == self.low)
        below = self.high is None or x < self.high or (self.high_in and x == self.high)
        return above and below


def outcome_space(
    event: Event, markets: Sequence[Market], reporting_step: Decimal | None = None
) -> OutcomeSpace | None:
    """The states of ``event``, or None where its fields prove nothing about its markets.

    ``reporting_step`` is the grid the number is published on (0.1 for CPI in percent): states between two
    grid points then cannot happen. Leave it None unless a person has read it in the rules: fewer states
    prove more.
    """
    own = [market for market in markets if market.event_ticker == event.ticker]
    if len(own) < 2:
        return None
    struck = strike_states(own, reporting_step)
    if struck is not None:
        states, pays, proof = struck
    elif event.mutually_exclusive:
        states = (*(str(market.label) for market in own), "none of them")
        pays = tuple(tuple(int(i == j) for j in range(len(own))) for i in range(len(own) + 1))
        proof = (f"{event.ticker} is mutually exclusive: at most one of {len(own)} markets settles YES",)
    else:
        return None
    return OutcomeSpace(
        event.ticker, tuple(market.ticker for market in own), states, pays, proof, rules_of(own)
    )


def rules_of(markets: Sequence[Market]) -> str:
    """SHA-256 over the rule texts of ``markets``, in their order."""
    rules = "\n".join(f"{market.rules_primary}\n{market.rules_secondary}" for market in markets)
    return hashlib.sha256(rules.encode()).hexdigest()


States = tuple[tuple[str, ...], tuple[tuple[int, ...], ...], tuple[str, ...]]
"""(labels, what each market pays in each, the facts they rest on)."""


def strike_states(markets: Sequence[Market], step: Decimal | None = None) -> States | None:
    """The cells that the strikes of ``markets`` cut one number into; None where a strike is not known."""
    ranges = [one for market in markets if (one := _range(market)) is not None]
    if len(ranges) < len(markets) or not ranges:
        return None
    cuts = sorted({end for one in ranges for end in (one.low, one.high) if end is not None})
    cells: list[tuple[str, Fraction]] = []
    if _reachable(None, cuts[0], step):
        cells.append((f"below {_number(cuts[0])}", cuts[0] - 1))
    for here, after in zip(cuts, [*cuts[1:], None], strict=True):
        if step is None or here % Fraction(step) == 0:
            cells.append((f"exactly {_number(here)}", here))
        if after is None:
            cells.append((f"above {_number(here)}", here + 1))
        elif _reachable(here, after, step):
            cells.append((f"{_number(here)} to {_number(after)}", (here + after) / 2))
    proof = [
        f"{market.ticker} pays if the number is {one.words}"
        for market, one in zip(markets, ranges, strict=True)
    ]
    if step is not None:
        proof.append(f"the number is published in steps of {step}")
    pays = tuple(tuple(int(one.holds(x)) for one in ranges) for _, x in cells)
    return tuple(label for label, _ in cells), pays, tuple(proof)


def _reachable(low: Fraction | None, high: Fraction, step: Decimal | None) -> bool:
    """Whether a published number can lie strictly between ``low`` and ``high``."""
    if step is None or low is None:
        return True
    grid = Fraction(step)
    return (low // grid + 1) * grid < high


def _range(market: Market) -> _Range | None:
    """The set of numbers for which the market pays; None where its fields do not say."""
    low = None if market.floor_strike is None else _exact(market.floor_strike)
    high = None if market.cap_strike is None else _exact(market.cap_strike)
    kind = market.strike_type
    if kind is StrikeType.GREATER and low is not None:
        return _Range(low, False, None, False, f"above {_number(low)}")
    if kind is StrikeType.GREATER_OR_EQUAL and low is not None:
        return _Range(low, True, None, False, f"{_number(low)} or above")
    if kind is StrikeType.LESS and high is not None:
        return _Range(None, False, high, False, f"below {_number(high)}")
    if kind is StrikeType.LESS_OR_EQUAL and high is not None:
        return _Range(None, False, high, True, f"{_number(high)} or below")
    if kind is StrikeType.BETWEEN and low is not None and high is not None and low <= high:
        return _Range(low, True, high, True, f"{_number(low)} to {_number(high)}, both included")
    return None


def _exact(strike: float) -> Fraction:
    """The decimal number the exchange wrote, not its binary neighbour."""
    return Fraction(repr(float(strike)))


def _number(value: Fraction) -> str:
    return f"{float(value):,.10g}"
