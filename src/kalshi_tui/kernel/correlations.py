"""What R3 learns: how the log-odds of different events have moved together, minute by minute.

Memory is bounded (twelve hours of minutes for one market an event), the rate is slow (every ten minutes), and a pair
of events counts only once it has two hours in common; R3 blends it with what it assumes and says what it believes.

Source: section 4.4 of the project's quantitative specification.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kalshi_tui.kernel.hindrance import CLOSED
from kalshi_tui.kernel.sampling_state import EventMoves
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.protocol.market import StrikeType
from kalshi_tui.risk.r3 import MIN_HOURS

SAMPLES_A_MINUTE = 6
LEARN_EVERY = 10
"""Minutes between two times that R3 is told: its model is built again then."""
MOST_EVENTS = 32
"""Events beyond this many are not compared. One is compared with the others each minute: a few milliseconds."""
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
    _compare(desk, minute)
    if minute % LEARN_EVERY == 0:
        _forget(desk)
        if desk.learned:
            hours = max(minutes for _, minutes in desk.learned.values()) / MINUTES_AN_HOUR
            desk.chain.r3.learn({pair: rho for pair, (rho, _) in desk.learned.items()}, hours)


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
    """Events whose market is over: others need their room."""
    for event in [e for e, m in desk.moves.items() if desk.markets[m.ticker].facts.status in CLOSED]:
        del desk.moves[event]
    for pair in [pair for pair in desk.learned if not set(pair) <= desk.moves.keys()]:
        del desk.learned[pair]


def _compare(desk: DeskState, minute: int) -> None:
    """One event, in turn, against all others that it has enough minutes in common with."""
    if not desk.moves:
        return
    r3, events = desk.chain.r3, sorted(desk.moves)
    one = events[minute % len(events)]
    ours = dict(desk.moves[one].increments)
    if len(ours) / MINUTES_AN_HOUR < MIN_HOURS:
        return
    market = desk.markets[desk.moves[one].ticker].risk
    for other in events:
        rows = [(ours[at], moved) for at, moved in desk.moves[other].increments if at in ours]
        if other != one and len(rows) / MINUTES_AN_HOUR >= MIN_HOURS:
            rival = desk.markets[desk.moves[other].ticker].risk
            rho = r3.blended(market, rival, np.array(rows))
            desk.learned[(min(one, other), max(one, other))] = (rho, len(rows))
