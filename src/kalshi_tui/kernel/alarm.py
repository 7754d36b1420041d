"""When the clock alone asks for a look at everything: until then only what public frames changed is looked at."""

from __future__ import annotations

from collections.abc import Iterable

from kalshi_tui.execution.orders import ABSENCE_SPACING
from kalshi_tui.kernel.state import DeskState
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Nanos

AT_ONCE: Nanos = 0
ROUND_STEP: Nanos = 5 * MILLISECOND
"""Between two parts of the second's round, so that no frame waits for the whole of it."""
ROUND_PARTS = 16
"""Fewer than the desk's own ticks in a second: the round is through before the next, frames or not."""
PULL_NEAR: Nanos = 2 * SECOND
"""A market with a scheduled pull this near is not put off."""


def spread_round(desk: DeskState, markets: Iterable[str]) -> None:
    """The second's look at every market, in parts: these wait for theirs, except where a pull is near."""
    for ticker in markets:
        market = desk.markets.get(ticker)
        if market is None:
            continue
        if any(abs(one.pull_at - desk.now.wall) < PULL_NEAR for one in market.prints):
            desk.dirty[ticker] = None
        else:
            desk.round.setdefault(ticker, None)
    desk.round_part = max(desk.round_part, -(-len(desk.round) // ROUND_PARTS))


def next_part(desk: DeskState) -> None:
    """The part of the round that is due: its markets are decided now."""
    if not desk.round or desk.now.mono < desk.round_due:
        return
    for ticker in list(desk.round)[: desk.round_part]:
        del desk.round[ticker]
        if ticker in desk.markets:
            desk.dirty[ticker] = None
    desk.round_due = desk.now.mono + ROUND_STEP
    if not desk.round:
        desk.round_part = 0


def next_due(desk: DeskState) -> Nanos:
    """Monotonic time of the next step that nothing but the clock brings on; ``AT_ONCE`` while something runs that
    takes every chance: a stop, a flatten, the way in or out, baskets.

    The feed's own round comes between these; the second bounds how late anything else can be.
    """
    recovery, latches = desk.recovery, desk.gate.latches
    if (
        desk.stirred
        or recovery.missing
        or desk.flattening
        or desk.ending is not None
        or desk.relations
        or latches.any
    ):
        return AT_ONCE
    due = min((desk.second + 1) * SECOND, recovery.next_check)
    hold = desk.settings.detached_hold_s
    if hold is not None and desk.hand.detached_since is not None:
        due = min(due, desk.hand.detached_since + hold * SECOND + 1)
    if desk.round:
        due = min(due, desk.round_due)
    if recovery.lost:
        due = min(due, recovery.looked_up + ABSENCE_SPACING)
    if desk.waiting:
        due = min(due, min(desk.waiting.values()))
    return min(due, desk.tokens_due) if desk.unpaid else due
