"""Boot is recovery, and reconciliation never stops: what we believe against what the venue's records say.

At start nothing may be sent until orders, fills, positions and balance were read completely. After that every
difference found by a read is either explained by a change newer than the read, repaired by evidence (a fill that
never reached us), or counted and shown.
"""

from __future__ import annotations

from kalshi_tui.execution.orders import ABSENCE_SPACING
from kalshi_tui.execution.trades import MARGIN
from kalshi_tui.kernel import away
from kalshi_tui.kernel.away import too_young
from kalshi_tui.kernel.booking import (
    book_change,
    book_fill,
    book_settlement,
    raise_alert,
    refresh_exposure,
    touched,
)
from kalshi_tui.kernel.pnl import day_pnl
from kalshi_tui.kernel.state import DeskState
from kalshi_tui.kernel.tokens import order_counts
from kalshi_tui.portfolio.positions import cost_of_exposure
from kalshi_tui.protocol.effects import (
    ReadBalance,
    ReadExchangeStatus,
    ReadFills,
    ReadOrders,
    ReadPositions,
    ReadSettlements,
)
from kalshi_tui.protocol.events import BalanceRead, FillsRead, OrdersRead, PositionsRead, SettlementsRead
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import Fill, VenuePosition
from kalshi_tui.protocol.quotes import Alert, AlertLevel
from kalshi_tui.protocol.units import ONE, SECOND, Money, Nanos

RETRY: Nanos = 2 * SECOND
ENDED_KEPT: Nanos = 30 * SECOND
"""Orders that are over are remembered for this long to twice as long."""
SETTLEMENTS_KEPT: Nanos = 86_400 * SECOND
"""How far before the newest settlement settlements are read again; booking one twice changes nothing."""


def step(desk: DeskState) -> None:
    """Ask for the reads that are due."""
    recovery = desk.recovery
    now = desk.now
    if recovery.missing:
        desk.gate.recovering = f"reading {', '.join(recovery.missing)} from the venue"
        if recovery.asked is None or now.mono - recovery.asked.mono >= RETRY:
            recovery.asked = now
            ask_all(desk)
        return
    away.step(desk)
    if desk.stirred:
        recovery.lost = order_counts(desk)[2] > 0
    if recovery.lost and now.mono - recovery.looked_up >= ABSENCE_SPACING:
        recovery.looked_up = now.mono
        # An exchange that is paused answers orders with 503: what became of them is unknown.
        desk.others.append(ReadExchangeStatus())
        desk.others.append(ReadOrders(resting_only=True))
        oldest = min((order.sent.wall for order in desk.orders.unresolved()), default=now.wall)
        desk.others.append(ReadOrders(resting_only=False, since=oldest - MARGIN))
        desk.others.append(ReadFills(fills_since(desk)))
    paused = not (desk.gate.exchange_active and desk.gate.trading_active)
    if paused and now.mono - recovery.paused_at >= RETRY:
        recovery.paused_at = now.mono
        desk.others.append(ReadExchangeStatus())
    if now.mono - recovery.forgot >= ENDED_KEPT:
        recovery.forgot = now.mono
        desk.orders.forget_ended()
    if now.mono >= recovery.next_check:
        recovery.next_check = now.mono + desk.settings.reconcile_every_s * SECOND
        ask_all(desk)


def ask_all(desk: DeskState) -> None:
    desk.others.extend(
        (
            ReadExchangeStatus(),
            ReadOrders(resting_only=True),
            ReadFills(fills_since(desk)),
            ReadPositions(),
            ReadBalance(),
            ReadSettlements(settlements_since(desk)),
        )
    )


def fills_since(desk: DeskState) -> Nanos:
    """From when on fills are read: everything before is booked (``BookedTrades``) or was before the restart."""
    account = desk.chain.r1.account
    if account is not None:
        return min(account.since, desk.boot_wall)
    return max(desk.boot_wall, desk.orders.trades.before)


def settlements_since(desk: DeskState) -> Nanos:
    """From when on settlements are read."""
    account = desk.chain.r1.account
    if account is not None:
        return min(account.since, desk.boot_wall) - SETTLEMENTS_KEPT
    return max(desk.boot_wall, desk.recovery.settled - SETTLEMENTS_KEPT)


def _done(desk: DeskState, kind: str) -> None:
    recovery = desk.recovery
    if kind in recovery.missing:
        recovery.missing.remove(kind)
        if not recovery.missing:
            desk.gate.recovering = ""
            if desk.chain.r1.account is None:
                # The day before this boot is only in R1's memory: what it remembers worse than we see counts.
                desk.chain.r1.conserve(day_pnl(desk) or 0)
            away.rebuild(desk)
            desk.fills_watched = -1  # R1 sees the day now, and not with the next second
            recovery.next_check = desk.now.mono + desk.settings.reconcile_every_s * SECOND
            desk.alerts.note(
                desk.now.wall, "info", "orders, fills, positions and balance agree with the venue"
            )
            for ticker in desk.markets:
                refresh_exposure(desk, ticker)
                desk.dirty[ticker] = None


def on_orders(desk: DeskState, read: OrdersRead) -> None:
    if read.at.mono - read.asked.mono > ENDED_KEPT and "orders" not in desk.recovery.missing:
        return  # older than the memory of what is over: it could bring an ended order back to life
    for report in read.orders:
        book_change(desk, desk.orders.seen(report, read.at))
        touched(desk, desk.orders.by_order_id.get(report.order_id))
    if not read.complete or not read.resting_only:
        return
    _done(desk, "orders")
    present = frozenset(o.order_id for o in read.orders if o.status == "resting")
    for change in desk.orders.resting_read(present, read.asked):
        book_change(desk, change)
    ours = {o.order_id for o in desk.orders.open_orders() if o.order_id and not too_young(o.sent, read.asked)}
    _compare(desk, "orders", read.asked, len(ours - present))


def on_fills(desk: DeskState, read: FillsRead) -> None:
    booting = "fills" in desk.recovery.missing
    waiting = False
    for fill in read.fills:
        if booting or read.since < desk.boot_wall > fill.wall:
            # Before this boot: they are in the positions already; remembered so that they are never booked twice.
            desk.orders.trades.add(fill)
        elif _may_be_ours(desk, fill):
            waiting = True
        elif book_fill(desk, fill) and read.complete:
            key = f"late fill {fill.trade_id}"
            text = f"{fill.ticker}: a fill was found by reading it back"
            raise_alert(desk, Alert(key, AlertLevel.INFO, text, fill.ticker))
            desk.alerts.over(key)  # it happened, it does not last
    if waiting:
        # Positions have changed and not here: nothing can be compared until it is known whose trades these are.
        desk.last_fill = desk.now
        desk.recovery.next_check = min(desk.recovery.next_check, desk.now.mono + ABSENCE_SPACING)
    elif read.complete:
        _whole_fills(desk, read)


def _may_be_ours(desk: DeskState, fill: Fill) -> bool:
    """Whether it is of an order unknown here while one of ours there still waits to learn its id.

    Reads do not carry our own ids. Booked now it would be a stranger's, and our order's fill would be waited for
    for ever; whoever answers first, the order's own answer or a look-up, tells.
    """
    orders = desk.orders
    if fill.client_order_id or fill.order_id in orders.by_order_id or orders.trades.has(fill):
        return False
    there = orders.live.get(fill.ticker, {}).values()
    return any(o.is_open and not o.order_id and o.side is fill.side for o in there)


def _whole_fills(desk: DeskState, read: FillsRead) -> None:
    """A complete read, all of it booked: what it proves."""
    away.note_fills(desk, read)
    _done(desk, "fills")
    trades = desk.orders.trades
    missing = trades.absent_from({f.trade_id for f in read.fills}, read.since)
    if desk.last_fill is None or not too_young(desk.last_fill, read.asked):
        _compare(desk, "fills", read.asked, missing)
    if read.fills and not missing:
        # On the venue's clock; ours only keeps a stamp from the future from counting.
        newest = min(max(f.wall for f in read.fills), read.asked.wall)
        desk.recovery.proven = trades.proven(newest)


def on_positions(desk: DeskState, read: PositionsRead) -> None:
    if not read.complete:
        return
    if "positions" in desk.recovery.missing:
        for held in read.positions:
            _seed(desk, held)
        for ticker in desk.markets:
            desk.ledger.of(ticker)
        _done(desk, "positions")
        _base_balance(desk)
        return
    if desk.last_fill is not None and too_young(desk.last_fill, read.asked):
        return
    theirs = {p.ticker: p.position for p in read.positions if p.position}
    ours = {p.ticker: p.position for p in desk.ledger if p.position}
    wrong = [t for t in {**theirs, **ours} if theirs.get(t, 0) != ours.get(t, 0)]
    stands = _compare(desk, "positions", read.asked, len(wrong))
    if not wrong:
        desk.orders.trades.settle(desk.recovery.proven)
    elif stands:
        ticker = wrong[0]
        said, here = theirs.get(ticker, 0) / 100, ours.get(ticker, 0) / 100
        text = f"{ticker}: the venue says position {said:+g}, this desk {here:+g}"
        raise_alert(desk, Alert(f"position {ticker}", AlertLevel.HALT, text, ticker))


def _seed(desk: DeskState, held: VenuePosition) -> None:
    if held.position or held.realized_pnl or held.fees_paid:
        cost = cost_of_exposure(held.position, held.exposure)
        desk.ledger.seed(held.ticker, held.position, cost, realized=held.realized_pnl, fees=held.fees_paid)


def on_balance(desk: DeskState, read: BalanceRead) -> None:
    recovery = desk.recovery
    desk.balance = read.balance
    desk.risk.cash = read.balance
    if recovery.base_balance is None:
        recovery.held_balance = read.balance
        _base_balance(desk)
        return
    if desk.last_fill is not None and too_young(desk.last_fill, read.asked):
        return
    expected = recovery.base_balance + cash_explained(desk)
    if _compare(desk, "balance", read.asked, int(expected != read.balance)):
        text = f"balance: the venue says {read.balance / 1e6:,.4f} dollars, this desk expects {expected / 1e6:,.4f}"
        raise_alert(desk, Alert("balance", AlertLevel.WARN, text))


def _base_balance(desk: DeskState) -> None:
    """The first balance is explained by definition; it needs the positions that go with it."""
    recovery = desk.recovery
    if recovery.held_balance is not None and "positions" not in recovery.missing:
        recovery.base_balance = recovery.held_balance - cash_explained(desk)
        _done(desk, "balance")


def cash(desk: DeskState) -> Money | None:
    """The balance the venue would name now: its word when the desk began, and our own fills since."""
    base = desk.recovery.base_balance
    return desk.balance if base is None else base + cash_explained(desk)


def cash_explained(desk: DeskState) -> Money:
    """What trading, fees and settlements moved, less the dollar each short contract locks up."""
    total = 0
    for held in desk.ledger:
        total += held.cash - held.fees - ONE * max(-held.position, 0)
    return total


def on_settlements(desk: DeskState, read: SettlementsRead) -> None:
    for settlement in read.settlements:
        if settlement.wall >= desk.boot_wall // SECOND * SECOND:  # what was paid before, the positions tell
            book_settlement(desk, settlement)
    away.note_settlements(desk, read)
    if read.complete:
        desk.recovery.settled = max((s.wall for s in read.settlements), default=desk.recovery.settled)


def _compare(desk: DeskState, kind: str, asked: Instant, differences: int) -> bool:
    """Note how many differ. True when some did at the comparison before as well: one read may cross a trade."""
    recovery = desk.recovery
    before = recovery.differences.get(kind, 0)
    recovery.differences[kind] = differences
    recovery.compared[kind] = asked
    if differences:
        recovery.next_check = min(recovery.next_check, desk.now.mono + RETRY)
    else:
        for key in [k for k in desk.alerts.active if k.startswith(kind.rstrip("s"))]:
            desk.alerts.over(key)
    return before > 0 and differences > 0
