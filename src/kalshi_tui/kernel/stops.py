"""The safe stops: HOLD, PULL, FLATTEN, KILL, and what keeps each true until a person lifts it.

A stop takes effect here at once (latches first, everything else may fail after); what it wants gone is then swept
at every decision until the venue has confirmed it gone. Nothing in here can make an order, except a flatten's.
"""

from __future__ import annotations

from kalshi_tui.execution.flatten import Flatten, FlattenState
from kalshi_tui.execution.flatten_prices import CancelThis, FlattenRules, FlattenView, LookUp, Rest, Take
from kalshi_tui.execution.gate import StopKind, scope_key
from kalshi_tui.execution.orders import Order
from kalshi_tui.kernel.booking import in_scope, own_resting, raise_alert
from kalshi_tui.kernel.hindrance import CLOSED
from kalshi_tui.kernel.ladder import event_name
from kalshi_tui.kernel.recovery import fills_since
from kalshi_tui.kernel.sending import cancel, create
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.kernel.words import cancelling
from kalshi_tui.protocol.commands import Scope
from kalshi_tui.protocol.effects import Effect, Journal, ReadFills, ReadOrders
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.orders import NewOrder, OrderState, Owner, TimeInForce
from kalshi_tui.protocol.quotes import Alert, AlertLevel
from kalshi_tui.protocol.units import Count, Price, Side, counted
from kalshi_tui.risk.base import FlattenRequest
from kalshi_tui.risk.r1_machine import DayState

RULES = FlattenRules()
MOST_NAMES = 8
"""Markets that one line names; more are counted."""


def stop(desk: DeskState, kind: StopKind, scope: Scope, why: str) -> str:
    """Take effect now; a sentence of what was done. Idempotent."""
    key = scope_key(scope)
    latches = desk.gate.latches
    if kind is StopKind.KILL and key:
        latches.kills.setdefault(key, why)
    elif kind is StopKind.KILL:
        latches.killed, latches.reduce_only, latches.kill_why = True, False, why
    elif kind is StopKind.HOLD:
        latches.held.setdefault(key, why)
    else:
        latches.pulled.setdefault(key, why)
    touched = [m for m in desk.markets.values() if in_scope(desk, m.ticker, scope)]
    for market in touched:
        if kind is not StopKind.HOLD:
            market.quoting = False
        if kind is StopKind.KILL and market.flatten is not None:
            market.flatten, market.residue = None, f"killed before it was done: {why}"
        desk.dirty[market.ticker] = None
    if kind is StopKind.FLATTEN:
        _flatten_each(desk, touched, why)
    where = scope.ticker or scope.event or "everything"
    desk.journal.append(Journal("stop", {"kind": kind.value, "scope": where, "why": why}))
    sweep(desk)
    resting = sum(1 for o in desk.orders.open_orders() if _doomed(desk, o) is not None)
    if kind is StopKind.KILL:
        there = f" in {where}" if key else ""
        text = f"killed{there} ({why}): nothing is sent{there} any more; {cancelling(resting)}"
        raise_alert(desk, Alert(f"killed{there}", AlertLevel.HALT, text))
        return text
    if kind is StopKind.FLATTEN:
        return f"flattening {_held(desk, touched, where)}; quoting is off there"
    if kind is StopKind.HOLD:
        return f"holding {where}: {_still_goes(desk, scope)}"
    return f"pulled {where}: {cancelling(resting)}; quoting is off there"


def _still_goes(desk: DeskState, scope: Scope) -> str:
    """What a hold leaves open: nothing under a kill, which stays."""
    event = desk.markets[scope.ticker].facts.event_ticker if scope.ticker else scope.event
    kind, why = desk.gate.latches.strongest(scope.ticker, event)
    if kind is StopKind.KILL:
        return f"it is killed as well ({why}), so nothing may go"
    return "only orders that reduce may go"


def clear(desk: DeskState, scope: Scope, *, reduce_only: bool) -> str:
    """Lift the stops of a scope. Quoting stays off: switching it on is a person's own step."""
    latches = desk.gate.latches
    key = scope_key(scope)
    lifted = []
    for kind, table in (("hold", latches.held), ("pull", latches.pulled), ("kill", latches.kills)):
        found = [s for s in table if s == key or not key]
        lifted += [kind] * bool(found)
        for scope_of in found:
            del table[scope_of]
    for alert in [k for k in desk.alerts.active if k.startswith("killed in ")]:
        if not key or alert.endswith(scope.ticker or scope.event):
            desk.alerts.over(alert)
    if not key and latches.killed:
        latches.killed, latches.reduce_only = reduce_only, reduce_only
        lifted.append("kill (reducing only)" if reduce_only else "kill")
        if not reduce_only:
            desk.alerts.over("killed")
    if not key and desk.chain.r1.state is DayState.HALT:
        desk.chain.r1.reset("cleared by hand")
        lifted.append("the day's halt")
    for market in desk.markets.values():
        if in_scope(desk, market.ticker, scope):
            market.paused_sides.clear()
            desk.dirty[market.ticker] = None
    desk.journal.append(Journal("clear", {"scope": key or "everything", "lifted": list(lifted)}))
    where = key or "everything"
    return f"lifted {', '.join(lifted)} on {where}" if lifted else f"nothing was stopped on {where}"


def _flatten_each(desk: DeskState, markets: list[MarketState], why: str) -> None:
    """Where there is something to flatten: what is over waits for its settlement, what is empty is let be."""
    desk.untouched = 0
    for market in markets:
        market.residue = ""
        if _is_over(desk, market):
            continue
        live = desk.orders.live.get(market.ticker, {}).values()
        killed = _killed(desk, market)
        if killed:  # the command says it once; a machine each would say it for every market
            market.residue = killed if desk.ledger.position(market.ticker) else ""
        elif desk.ledger.position(market.ticker) or any(o.owner is not Owner.FOUND for o in live):
            begin_flatten(desk, market, 0, why)
        else:
            desk.untouched += 1


def _is_over(desk: DeskState, market: MarketState) -> bool:
    close = market.facts.close_time
    return market.facts.status in CLOSED or (close is not None and desk.now.wall >= close)


def _killed(desk: DeskState, market: MarketState) -> str:
    """Why a kill lets nothing be sent here, and what to do; empty where none does."""
    kind, why = desk.gate.latches.strongest(market.ticker, market.facts.event_ticker)
    return f"killed ({why}): `clear --reduce-only`, then flatten again" if kind is StopKind.KILL else ""


def _held(desk: DeskState, markets: list[MarketState], where: str) -> str:
    """``3 positions in everything, 1 more waits for its settlement``."""
    held = [_is_over(desk, m) for m in markets if desk.ledger.position(m.ticker)]
    over = sum(held)
    waits = f", {over} more wait{'s' * (over == 1)} for settlement" if over else ""
    killed = sum(1 for m in markets if m.residue and not _is_over(desk, m))
    behind = f", {killed} not: killed; `clear --reduce-only` first" if killed else ""
    return f"{counted(len(held) - over - killed, 'position')} in {where}{behind}{waits}"


def begin_flatten(
    desk: DeskState, market: MarketState, target: Count, why: str, *, emergency: bool = False
) -> None:
    running = market.flatten
    if running is not None and not running.over:
        running.ask(target, emergency=emergency, cause=why)
        return
    market.flatten = Flatten(market.ticker, target, RULES, emergency=emergency, cause=why)
    market.residue = ""
    desk.flattening = True


def on_request(desk: DeskState, request: FlattenRequest) -> None:
    """Risk asks for a reduction after a breach by fills: engines off there, then reduce."""
    market = desk.markets.get(request.ticker)
    if market is None:
        return
    market.quoting = False
    raise_alert(
        desk,
        Alert(
            f"flatten {request.ticker}",
            AlertLevel.HALT,
            f"{request.ticker}: {request.why}; reducing",
            request.ticker,
        ),
    )
    begin_flatten(desk, market, request.target, request.why)
    desk.dirty[request.ticker] = None


def keep_sweeping(desk: DeskState) -> None:
    """At every decision: while a stop is in force or an order it wants gone is not, and after every change."""
    latches = desk.gate.latches
    if desk.stirred or latches.killed or latches.held or latches.pulled:
        desk.stirred = sweep(desk)


def sweep(desk: DeskState) -> bool:
    """Cancel again whatever a stop wants gone, retried for ever; whether anything of it is left."""
    latches = desk.gate.latches
    stopped = latches.killed or latches.held or latches.pulled
    doomed = [
        (order, why)
        for ticker, orders in desk.orders.live.items()
        if stopped or not _undisturbed(desk.markets.get(ticker))
        for order in orders.values()
        if order.is_open and (why := _doomed(desk, order)) is not None
    ]
    for order, why in doomed:
        cancel(desk, order, why)
    return bool(doomed)


def _undisturbed(market: MarketState | None) -> bool:
    """Without a latch nothing can be wanted gone here."""
    return market is not None and market.quoting and market.flatten is None


def unconfirmed(desk: DeskState) -> int:
    """Orders a stop wants gone that the venue has not confirmed gone."""
    return sum(1 for o in desk.orders.open_orders() if _doomed(desk, o) is not None)


def _doomed(desk: DeskState, order: Order) -> str | None:
    """Why an order must go whatever its target; None when no stop wants it gone. Found ones never."""
    if order.owner is Owner.FOUND:
        return None
    market = desk.markets.get(order.ticker)
    event = market.facts.event_ticker if market is not None else ""
    kind, why = desk.gate.latches.strongest(order.ticker, event)
    if kind is StopKind.KILL:
        return f"killed: {why}"
    if order.owner is Owner.ENGINE and (market is None or not market.quoting):
        return f"pulled: {why}" if kind is StopKind.PULL else "quoting is off"
    if order.owner is Owner.MINE and market is not None and market.flatten is not None:
        return "flattening" if not market.flatten.over else None
    if order.owner is Owner.FLATTEN and market is not None and market.flatten is None:
        return "the flatten is over"  # it gave up while this could not be cancelled
    return None


# -- flattening ------------------------------------------------------------------------------------------


def step_flattens(desk: DeskState) -> None:
    """Let every running flatten do its next thing."""
    if not desk.flattening:
        return
    desk.flattening = False
    for market in desk.markets.values():
        machine = market.flatten
        if machine is None:
            continue
        desk.flattening = True
        before = machine.status
        for action in machine.step(_flatten_view(desk, market)):
            _carry_out(desk, market, action)
        if machine.status != before:
            desk.journal.append(Journal("flatten", {"ticker": market.ticker, "status": machine.status}))
            desk.dirty[market.ticker] = None
        if machine.over:
            _end_flatten(desk, market, machine)
    if all(market.flatten is None for market in desk.markets.values()):
        _tell_flattened(desk)


def _end_flatten(desk: DeskState, market: MarketState, machine: Flatten) -> None:
    """What is left is said at once, what went well in one line for all of them at the end."""
    ticker, status = market.ticker, machine.status
    if machine.state is FlattenState.STUCK:
        market.residue = status
        _tell_once(desk, f"flatten over {ticker}", AlertLevel.WARN, f"{ticker}: {status}", ticker)
    else:
        desk.flattened[ticker] = status
    market.flatten = None
    desk.alerts.over(f"flatten {ticker}")
    desk.dirty[ticker] = None


def _tell_flattened(desk: DeskState) -> None:
    """``flat: CPI Nov above 0.3%, ...; nothing was open in 19 others``."""
    done, untouched = desk.flattened, desk.untouched
    desk.flattened, desk.untouched = {}, 0
    if len(done) == 1 and not untouched:
        ((ticker, status),) = done.items()
        _tell_once(desk, "flattened", AlertLevel.INFO, f"{ticker}: {status}", ticker)
    elif done:
        by_status: dict[str, list[str]] = {}
        for ticker, status in done.items():
            by_status.setdefault(status, []).append(_name(desk, ticker))
        parts = [f"{status}: {_first(names)}" for status, names in by_status.items()]
        if untouched:
            parts.append(f"nothing was open in {counted(untouched, 'other market')}")
        _tell_once(desk, "flattened", AlertLevel.INFO, "; ".join(parts), "")


def _tell_once(desk: DeskState, what: str, level: AlertLevel, text: str, ticker: str) -> None:
    key = f"{what} {desk.now.mono}"
    raise_alert(desk, Alert(key, level, text, ticker))
    desk.alerts.over(key)  # it happened, it does not last


def _name(desk: DeskState, ticker: str) -> str:
    """As the screen names it: no word twice in a row."""
    market = desk.markets.get(ticker)
    if market is None:
        return ticker
    words, label = event_name(desk, market).split(), market.facts.label.split()
    return " ".join([*(words[:-1] if label[:1] == words[-1:] else words), *label])


def _first(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _flatten_view(desk: DeskState, market: MarketState) -> FlattenView:
    book = desk.feed.book(market.ticker)
    valid = desk.feed.status(market.ticker).valid
    bids: list[tuple[Price, Count]] = []
    asks: list[tuple[Price, Count]] = []
    if book is not None and valid:
        own = own_resting(desk, market)
        bids = without(book.levels(Side.BID, 12), own, Side.BID)
        asks = without(book.levels(Side.ASK, 12), own, Side.ASK)
    facts = market.facts
    trading = facts.status is MarketStatus.ACTIVE and desk.gate.exchange_active and desk.gate.trading_active
    can_trade = trading and not _is_over(desk, market) and desk.settings.execution != "none"
    killed = _killed(desk, market)
    barred = {"bar": killed} if killed else {}
    return FlattenView(
        now=desk.now,
        position=desk.ledger.position(market.ticker),
        bids=bids,
        asks=asks,
        orders=list(desk.orders.live.get(market.ticker, {}).values()),
        grid=facts.grid,
        closable=can_trade and not barred,
        **barred,
        book_valid=valid,
        fee=facts.fee,
        mark=market.risk.mark,
    )


def without(
    levels: list[tuple[Price, Count]], own: dict[tuple[Side, Price], Count], side: Side
) -> list[tuple[Price, Count]]:
    """Levels less our own quantity, empty ones dropped."""
    left = ((price, count - own.get((side, price), 0)) for price, count in levels)
    return [(price, count) for price, count in left if count > 0]


def _carry_out(desk: DeskState, market: MarketState, action: object) -> None:
    match action:
        case CancelThis(order):
            if order.state is OrderState.CANCELING:
                order.state = OrderState.LIVE  # asked again: the first answer is overdue
            cancel(desk, order, "flattening")
        case Take(side, price, count):
            _send(desk, market, side, price, count, TimeInForce.IOC)
        case Rest(side, price, count):
            _send(desk, market, side, price, count, TimeInForce.GTC)
        case LookUp():
            reads: list[Effect] = [ReadOrders(resting_only=True), ReadFills(fills_since(desk))]
            desk.others.extend(reads)


def _send(
    desk: DeskState, market: MarketState, side: Side, price: Price, count: Count, tif: TimeInForce
) -> None:
    ioc = tif is TimeInForce.IOC
    order = NewOrder(
        client_order_id=desk.next_client_id("f"),
        ticker=market.ticker,
        side=side,
        price=price,
        count=count,
        time_in_force=tif,
        post_only=not ioc,
        reduce_only=ioc,
        expiration_s=None,
        exchange_index=market.facts.exchange_index,
        owner=Owner.FLATTEN,
    )
    create(desk, order, market.flatten.status if market.flatten is not None else "flattening")
