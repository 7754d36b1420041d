"""What R3 learns: how the log-odds of different events have moved together, minute by minute.

Memory is bounded (twelve hours of minutes for one market an event), the rate is slow (every ten minutes), and a pair
of events counts only once it has two hours in common; R3 blends it with what it assumes and says what it believes.

Source: section 4.4 of the project's quantitative specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from kalshi_tui.kernel.sampling_state import KEPT, EventMoves
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.protocol.market import StrikeType
from kalshi_tui.protocol.units import SECOND
from kalshi_tui.risk.r3 import MIN_HOURS

SAMPLES_A_MINUTE = 6
LEARN_EVERY = 10
"""Minutes between two estimates."""
MOST_EVENTS = 64
"""Events beyond this many are not compared: pairs grow with the square."""
MINUTES_AN_HOUR = 60.0


def step(desk: DeskState, samples: Mapping[str, float], number: int) -> None:
    """Take in one sample a minute; estimate every ``LEARN_EVERY`` minutes. ``number`` counts ten-second samples."""
    if number % SAMPLES_A_MINUTE:
        return
    minute = number // SAMPLES_A_MINUTE
    for event, market in _chosen(desk, samples).items():
        moves = desk.moves.get(event)
        if moves is None:
            if len(desk.moves) >= MOST_EVENTS:
                continue
            moves = desk.moves[event] = EventMoves(market.ticker)
        value = samples.get(moves.ticker)
        if value is None:
            continue  # in an event or without a book: the next increment begins anew
        value *= _direction(desk.markets[moves.ticker])
        if moves.last is not None and moves.last[0] == minute - 1:
            moves.increments.append((minute, value - moves.last[1]))
        moves.last = (minute, value)
    if minute % LEARN_EVERY == 0:
        _forget(desk)
        learn(desk)


def _chosen(desk: DeskState, samples: Mapping[str, float]) -> dict[str, MarketState]:
    """Each event's market nearest to even odds: it says most about the number behind it."""
    found: dict[str, MarketState] = {}
    for ticker, value in samples.items():
        market = desk.markets[ticker]
        event = market.risk.event_ticker
        rival = found.get(event)
        if rival is None or abs(value) < abs(samples[rival.ticker]):
            found[event] = market
    return found


def _direction(market: MarketState) -> float:
    """-1 for a market that pays on low numbers, as R3 has it."""
    return -1.0 if market.facts.strike_type in (StrikeType.LESS, StrikeType.LESS_OR_EQUAL) else 1.0


def _forget(desk: DeskState) -> None:
    """Events whose market has gone quiet for as long as anything is kept."""
    minute = desk.now.mono // (60 * SECOND)
    gone = [e for e, m in desk.moves.items() if m.last is not None and minute - m.last[0] > KEPT]
    for event in gone:
        del desk.moves[event]


def learn(desk: DeskState) -> None:
    """Give R3 every pair of events with enough minutes in common."""
    r3 = desk.chain.r3
    found: dict[tuple[str, str], float] = {}
    most = 0
    for a, b in combinations(sorted(desk.moves), 2):
        ours, theirs = dict(desk.moves[a].increments), dict(desk.moves[b].increments)
        rows = [(ours[minute], theirs[minute]) for minute in ours if minute in theirs]
        if len(rows) / MINUTES_AN_HOUR < MIN_HOURS:
            continue
        most = max(most, len(rows))
        first, second = desk.markets[desk.moves[a].ticker].risk, desk.markets[desk.moves[b].ticker].risk
        found[(a, b)] = r3.blended(first, second, np.array(rows))
    if found:
        r3.learn(found, most / MINUTES_AN_HOUR)
