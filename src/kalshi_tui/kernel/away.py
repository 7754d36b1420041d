"""What happened while no desk ran counts for the day: from the account R1 remembers to the account there is.

The venue's trades and settlements since then explain how one became the other (``risk.account``). Until they do, the
day's result is unknown and R1 refuses what adds; reads lag, so they are asked again for a while. What cannot be
explained after that is said, and a person looks.
"""

from __future__ import annotations

from kalshi_tui.kernel.pnl import resume_day
from kalshi_tui.kernel.state import DeskState
from kalshi_tui.protocol.events import FillsRead, SettlementsRead
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Nanos

ASK_AGAIN: Nanos = 2 * SECOND
PATIENCE: Nanos = 60 * SECOND
SETTLE: Nanos = 400 * MILLISECOND
"""A read says nothing of a change younger than this when it was asked: reads lag writes."""


def too_young(change: Instant, asked: Instant) -> bool:
    """Whether a read asked then may not know of that change yet."""
    return asked.mono - change.mono < SETTLE


def note_fills(desk: DeskState, read: FillsRead) -> None:
    """A complete read."""
    account = desk.chain.r1.account
    if account is not None and read.since <= account.since:
        desk.recovery.away_fills = read
        rebuild(desk)


def note_settlements(desk: DeskState, read: SettlementsRead) -> None:
    if desk.chain.r1.account is not None:
        desk.recovery.away_settled.update((s.ticker, s.value) for s in read.settlements)
        rebuild(desk)


def rebuild(desk: DeskState) -> None:
    """Let the day go on if the venue's records explain the account there is."""
    recovery, r1 = desk.recovery, desk.chain.r1
    account, read = r1.account, recovery.away_fills
    if account is None or read is None or recovery.missing:
        return
    if desk.last_fill is not None and too_young(desk.last_fill, read.asked):
        return  # the ledger has more than the read could show
    positions = {held.ticker: held.position for held in desk.ledger if held.position}
    cash, recovery.away_open = account.explain(positions, read.fills, recovery.away_settled)
    if recovery.away_open:
        return
    trades = len(account.fresh(read.fills))
    resume_day(desk, cash)
    r1.resume()
    desk.fills_watched = -1  # R1 sees the day now; until it has, nothing is added
    if trades:
        text = f"trades made while no desk ran count for the day: {trades}"
        desk.alerts.note(desk.now.wall, "info", text)


def step(desk: DeskState) -> None:
    """Ask again, and in the end give up."""
    recovery, r1, now = desk.recovery, desk.chain.r1, desk.now
    if r1.account is None:
        return
    if recovery.away_since is None:
        recovery.away_since = recovery.away_asked = now.mono
    if now.mono - recovery.away_since >= PATIENCE:
        market = f"in {recovery.away_open} " if recovery.away_open else ""
        r1.distrust(
            f"what happened {market}while no desk ran cannot be told from the exchange's trades and settlements; "
            "check the day's losses, then clear"
        )
        r1.conserve(0)  # it goes on from memory, and the lots there are count from their first mark on
        desk.fills_watched = -1
    elif now.mono - recovery.away_asked >= ASK_AGAIN:
        recovery.away_asked = now.mono
        recovery.next_check = now.mono
