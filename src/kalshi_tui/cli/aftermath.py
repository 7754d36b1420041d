"""A desk that ended or died under us: what happened, what may rest at the exchange, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kalshi_tui.desk.boot import RunningDesk
    from kalshi_tui.protocol.views import Goodbye

DIES_S = 2.0
"""A killed process is gone from the process table this soon after its socket closed."""


def died(venue: str, pid: int, execution: str, embedded: bool) -> str:
    """The sentences for a desk whose process is gone without a goodbye."""
    return (
        f"the {venue} desk (process id {pid}) has died; nothing trades here any more. "
        f"{what_rests(venue, execution, embedded)}"
    )


def what_rests(venue: str, execution: str, embedded: bool) -> str:
    """What a desk that can no longer cancel may have left at the exchange."""
    again = f"`kalshi-tui run{'' if venue == 'practice' else f' --venue {venue}'}` starts a new one"
    if embedded:
        return f"Its practice exchange died with it, so nothing rests anywhere; {again} on a new world."
    if execution != "venue":
        return f"It never sent an order to {venue}, so nothing of it rests there; {again}."
    return (
        f"Its orders may still rest at {venue} and fill: engines' quotes expire there within a minute, orders by "
        f"hand do not. {again[:1].upper()}{again[1:]}, which reads what rests, and `kalshi-tui pull` cancels the "
        "engines' part; or cancel on the exchange's web site."
    )


def what_became(desk: RunningDesk) -> str | None:
    """What to say where the desk's process is gone; None where it still runs.

    A desk that ends takes its socket away; one that dies leaves it.
    """
    import time

    from kalshi_tui.desk.boot import is_alive
    from kalshi_tui.locations import EMBEDDED, DeskFolder

    pid, venue = desk.holder.pid, desk.folder.venue
    deadline = time.monotonic() + DIES_S
    while is_alive(pid):
        if time.monotonic() > deadline:
            return None
        time.sleep(0.02)
    if not desk.socket.exists():
        return f"the {venue} desk (process id {pid}) has ended; its log is {desk.folder.log}."
    return died(venue, pid, desk.holder.execution, desk.folder == DeskFolder.of("practice", EMBEDDED))


def is_ending(desk: RunningDesk, goodbye: Goodbye) -> str:
    """The sentence for a desk that said goodbye while it was asked something."""
    return f"the {desk.folder.venue} desk (process id {desk.holder.pid}) is ending: {goodbye.reason}."
