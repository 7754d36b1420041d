"""When the clock alone asks for a look at everything: until then only what public frames changed is looked at."""

from __future__ import annotations

from kalshi_tui.execution.orders import ABSENCE_SPACING
from kalshi_tui.kernel.state import DeskState
from kalshi_tui.protocol.units import SECOND, Nanos

AT_ONCE: Nanos = 0


def next_due(desk: DeskState) -> Nanos:
    """Monotonic time of the next step that nothing but the clock brings on; ``AT_ONCE`` while something runs that
    takes every chance: a stop, a flatten, the way in or out, baskets.

    The feed's own round is due every few milliseconds and bounds how late anything else can be.
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
    due = min(desk.feed_due, (desk.second + 1) * SECOND, recovery.next_check)
    if recovery.lost:
        due = min(due, recovery.looked_up + ABSENCE_SPACING)
    if desk.waiting:
        due = min(due, min(desk.waiting.values()))
    return min(due, desk.tokens_due) if desk.unpaid else due
