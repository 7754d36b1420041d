"""What people and scripts ask of the desk, and what it answers. Every refusal says why.

Going safe, switching off, pull, flatten and kill work for everyone, in any state. What *adds* needs the screen in
control and an armed hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import ValidationError, convert, to_builtins

from kalshi_tui.execution.gate import StopKind
from kalshi_tui.kernel import ending, stops
from kalshi_tui.kernel.booking import raise_alert
from kalshi_tui.kernel.card import market_card, new_york
from kalshi_tui.kernel.hand import hand_most, too_large
from kalshi_tui.kernel.ladder import event_name
from kalshi_tui.kernel.params import engine_params
from kalshi_tui.kernel.sending import cancel, create, judge
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.kernel.view import listed
from kalshi_tui.kernel.words import cancelling
from kalshi_tui.pricing.base import engines
from kalshi_tui.protocol import commands as cmd
from kalshi_tui.protocol.commands import Ack
from kalshi_tui.protocol.effects import Answer, Journal
from kalshi_tui.protocol.events import CommandReceived, SessionChanged
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.orders import NewOrder, Owner, TimeInForce
from kalshi_tui.protocol.quotes import Alert, AlertLevel, Decision, Regime
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Side, counted
from kalshi_tui.protocol.views import EngineParams, MarketCard

VIEW_LIFE = 1000 * MILLISECOND
"""An order by hand pressed on an older view than this is refused."""
LONGEST_OVERRIDE_S = 8 * 3600
WATCHED = (cmd.Heartbeat, cmd.Focus, cmd.ReadStatus, cmd.Describe, cmd.ReadParams)
"""Commands that change nothing and are not journaled."""


class Refused(Exception):
    """The reason, as a sentence for the person who asked."""


def on_command(desk: DeskState, event: CommandReceived) -> None:
    """Do it or refuse it; either way answer."""
    command = event.command
    card: MarketCard | EngineParams | None = None
    try:
        if isinstance(command, cmd.Describe):
            card = market_card(desk, _market(desk, command.ticker))
            text = ""
        elif isinstance(command, cmd.ReadParams):
            card = params_of(desk, _market(desk, command.ticker))
            text = ""
        else:
            text = _HANDLERS[type(command)](desk, event, command)
        ack = Ack(command.id, True, text)
    except Refused as refusal:
        ack = Ack(command.id, False, str(refusal))
    if not isinstance(command, WATCHED):
        fields: dict[str, object] = {
            "do": type(command).__name__,
            "session": event.session,
            "ok": ack.ok,
            "text": ack.text,
        }
        desk.journal.append(Journal("command", fields))
    desk.others.append(Answer(event.session, ack, card))


def on_sessions(desk: DeskState, event: SessionChanged) -> None:
    hand = desk.hand
    hand.sessions = event.sessions
    if event.controller is None and hand.controller is not None:
        hand.armed = False
        hand.detached_since = desk.now.mono
    if event.controller is not None:
        hand.detached_since = None
    hand.controller = event.controller


def step(desk: DeskState) -> None:
    """What follows from nobody being there."""
    hand, settings = desk.hand, desk.settings
    idle = 0 if hand.last_key is None else desk.now.mono - hand.last_key
    if hand.armed and idle > settings.hand_idle_s * SECOND:
        hand.armed = False
        desk.alerts.note(desk.now.wall, "info", "hand is safe again: no key for a while")
    if settings.detached_hold_s is None or hand.detached_since is None:
        return
    if desk.now.mono - hand.detached_since > settings.detached_hold_s * SECOND:
        hand.detached_since = None
        stops.stop(desk, StopKind.PULL, cmd.Scope(), "detached: no screen in control")


def _market(desk: DeskState, ticker: str) -> MarketState:
    market = desk.markets.get(ticker)
    if market is None:
        raise Refused(f"{ticker or 'no market'} is not on this desk")
    return market


def _armed(desk: DeskState, event: CommandReceived, what: str) -> None:
    """Adding needs control and an armed hand; the command line at start (session 0) has said what it wants."""
    if event.session == 0:
        return
    if not event.in_control:
        raise Refused(f"{what} needs control: another screen has it, this one watches")
    if not desk.hand.armed:
        raise Refused(f"{what} needs an armed hand: press a")


# -- one function a command -----------------------------------------------------------------------------


def _arm(desk: DeskState, event: CommandReceived, command: cmd.Arm) -> str:
    if not command.on:
        desk.hand.armed = False
        return "hand is safe; engines go on as they were"
    if not event.in_control:
        raise Refused("arming needs control: another screen has it, this one watches")
    if not desk.feed.alive:
        raise Refused("the hand stays safe while the feed is dead")
    desk.hand.armed = True
    desk.hand.last_key = desk.now.mono
    return "hand is ARMED"


def _set_quoting(desk: DeskState, event: CommandReceived, command: cmd.SetQuoting) -> str:
    markets = [_market(desk, command.ticker)] if command.ticker else list(desk.markets.values())
    if not command.on:
        for market in markets:
            market.quoting = False
            desk.dirty[market.ticker] = None
        stops.sweep(desk)
        # Counted as the list shows them: markets that are over are not said to have been switched off.
        return f"quoting is off in {_name(command.ticker, len(listed(desk, desk.now)))}"
    _armed(desk, event, "switching quoting on")
    latches = desk.gate.latches
    if latches.killed:
        raise Refused(f"killed: `kalshi-tui clear` opens the gate first ({latches.kill_why})")
    # One market is asked for by name; of all, those that are over count for nothing.
    quotable = [m for m in markets if m.facts.grid is not None and (command.ticker or _trades(desk, m))]
    if not quotable:
        raise Refused("its price grid is unknown: it is booked, not quoted")
    if desk.budget.capacity < 4 * len(quotable):
        raise Refused(
            f"the write budget of {counted(desk.budget.capacity, 'token')} can't defend "
            f"{counted(len(quotable), 'market')}"
        )
    for market in quotable:
        _lift_pulls(desk, market)
        market.quoting = True
        market.paused_sides.clear()
        desk.dirty[market.ticker] = None
    return f"quoting is on in {_name(command.ticker, len(quotable))}"


def _trades(desk: DeskState, market: MarketState) -> bool:
    facts = market.facts
    before_close = facts.close_time is None or desk.now.wall < facts.close_time
    return before_close and facts.status in (MarketStatus.ACTIVE, MarketStatus.INACTIVE)


def _lift_pulls(desk: DeskState, market: MarketState) -> None:
    """Switching on is the person's own step that ends a pull; a hold needs `clear`."""
    pulled = desk.gate.latches.pulled
    facts = market.facts
    pulled.pop(f"market {facts.ticker}", None)
    for key in (f"event {facts.event_ticker}", ""):
        why = pulled.pop(key, None)
        if why is None:
            continue
        # The wider pull goes on for every other market it covered.
        for other in desk.markets.values():
            covered = not key or other.facts.event_ticker == facts.event_ticker
            if covered and other is not market:
                pulled.setdefault(f"market {other.ticker}", why)


def _name(ticker: str, count: int) -> str:
    return ticker or counted(count, "market")


def _set_engine(desk: DeskState, event: CommandReceived, command: cmd.SetEngine) -> str:
    market = _market(desk, command.ticker)
    if command.engine not in engines():
        raise Refused(f"there is no engine {command.engine}; this desk has {', '.join(engines())}")
    if market.quoting:
        _armed(desk, event, "swapping an engine that quotes")
    market.engine = command.engine
    desk.dirty[market.ticker] = None
    return f"{market.ticker} is priced by {command.engine.upper()}"


def _stop(desk: DeskState, event: CommandReceived, command: cmd.Stop) -> str:
    try:
        kind = StopKind(command.kind)
    except ValueError:
        raise Refused(f"there is no stop {command.kind!r}; there are hold, pull, flatten, kill") from None
    if kind is not StopKind.KILL and command.scope.ticker:
        _market(desk, command.scope.ticker)
    event_ticker = command.scope.event
    if event_ticker and all(m.facts.event_ticker != event_ticker for m in desk.markets.values()):
        raise Refused(f"{event_ticker} is not an event of this desk")
    return stops.stop(desk, kind, command.scope, _who(desk, event, command))


def _who(desk: DeskState, event: CommandReceived, command: cmd.Stop) -> str:
    """What stopped whom from where and when, for whoever finds the latch: ``flatten all by key at 12:30:05``."""
    if command.why and not event.session:
        cause = str(safe_text(command.why, 120))
    else:
        cause = "by key" if event.session else "by command line"
        if command.kind == StopKind.FLATTEN:  # what is left of it is called a pull
            cause = f"flatten{'' if command.scope.ticker or command.scope.event else ' all'} {cause}"
    return f"{cause} at {new_york(desk.now.wall)[11:19]}"


def _clear(desk: DeskState, event: CommandReceived, command: cmd.Clear) -> str:
    return stops.clear(desk, command.scope, reduce_only=command.reduce_only)


def _place(desk: DeskState, event: CommandReceived, command: cmd.PlaceOrder) -> str:
    _armed(desk, event, "an order by hand")
    market = _market(desk, command.ticker)
    age = desk.now.wall - command.view_wall
    if not -SECOND <= age <= VIEW_LIFE:
        raise Refused(f"pressed on a view {age / SECOND:.1f} s old: look again")
    if command.count > desk.chain.controls.params.order_count:
        raise Refused(
            f"a size of {command.count / 100:g} is too large: {too_large(*hand_most(desk, market))}"
        )
    order = NewOrder(
        client_order_id=desk.next_client_id("m"),
        ticker=market.ticker,
        side=command.side,
        price=command.price,
        count=command.count,
        time_in_force=TimeInForce.IOC if command.take else TimeInForce.GTC,
        post_only=not command.take,
        exchange_index=market.facts.exchange_index,
        owner=Owner.MINE,
    )
    if not command.take and _would_cross(desk, order):
        raise Refused("a post-only order at this price would cross: B or S takes")
    verdict = judge(desk, order)
    if verdict.decision is not Decision.ALLOW:
        # A person's order is never silently made smaller.
        desk.counters.refuse(verdict.code)
        most = f"; at most {verdict.count / 100:g}" if verdict.decision is Decision.SHRINK else ""
        raise Refused(f"{verdict.why}{most}")
    create(desk, order, "by hand")
    verb = "buy" if command.side is Side.BID else "sell"
    where = event_name(desk, market), market.facts.label
    return f"sent: {verb} {command.count / 100:g} @ {command.price / 100:g} in {' '.join(where)}"


def _would_cross(desk: DeskState, order: NewOrder) -> bool:
    book = desk.feed.book(order.ticker)
    if book is None:
        return False
    if order.side is Side.BID:
        return book.best_ask is not None and order.price >= book.best_ask
    return book.best_bid is not None and order.price <= book.best_bid


def _cancel(desk: DeskState, event: CommandReceived, command: cmd.CancelOrders) -> str:
    """Cancels are always allowed. An engine's order cancelled by hand pauses its side of the market."""
    market = _market(desk, command.ticker)
    asked = 0
    for order in list(desk.orders.open_orders(market.ticker)):
        if command.price is not None and order.price != command.price:
            continue
        if order.owner is Owner.ENGINE:
            if not command.engines:
                continue
            market.paused_sides[order.side] = "you cancelled its order here; q twice resumes"
            desk.dirty[market.ticker] = None
        elif order.owner is Owner.FOUND and command.price is None:
            continue
        asked += cancel(desk, order, "by hand")
    if not asked:
        raise Refused(
            "nothing of yours rests here"
            if command.price is not None
            else "nothing of yours rests in this market"
        )
    return cancelling(asked)


def _override(desk: DeskState, event: CommandReceived, command: cmd.OverrideRegime) -> str:
    """Loosening an event window adds risk and needs the hand; tightening never does."""
    market = _market(desk, command.ticker)
    if command.seconds <= 0:
        if market.regime is Regime.EVENT:
            _armed(desk, event, "lifting an event pin")
        market.watcher.unpin()
        desk.dirty[market.ticker] = None
        return f"{market.ticker}: the regime follows the market again"
    if command.regime is not Regime.EVENT:
        _armed(desk, event, "overriding an event window")
    if command.seconds > LONGEST_OVERRIDE_S:
        raise Refused(f"an override lasts at most {LONGEST_OVERRIDE_S // 60} minutes")
    market.watcher.pin(command.regime, desk.now.mono + command.seconds * SECOND)
    desk.dirty[market.ticker] = None
    until = new_york(desk.now.wall + command.seconds * SECOND)[11:19]
    return f"{market.ticker} is {command.regime.value} by hand until {until}"


def _tilt(desk: DeskState, event: CommandReceived, command: cmd.Tilt) -> str:
    market = _market(desk, command.ticker)
    _armed(desk, event, "tilting quotes")
    if abs(command.lean_levels) > 20 or not 0.0 <= command.widen <= 10.0:
        raise Refused("a lean is at most 20 levels, a widening 0 to 10 times the half-spread")
    market.lean_levels, market.widen, market.sides = command.lean_levels, command.widen, command.sides
    desk.dirty[market.ticker] = None
    return (
        f"{market.ticker}: lean {command.lean_levels:+d}, widened {command.widen:g}×, {command.sides.value}"
    )


def _set_params(desk: DeskState, event: CommandReceived, command: cmd.SetParams) -> str:
    market = _market(desk, command.ticker)
    if market.quoting:
        _armed(desk, event, "changing an engine that quotes")
    if not command.values:
        market.params.pop(market.engine, None)
        desk.dirty[market.ticker] = None
        return f"{market.ticker}: {market.engine.upper()} has the desk's parameters again"
    now = engine_params(desk, market)
    unknown = sorted(set(command.values) - set(now.__struct_fields__))
    if unknown:
        raise Refused(f"{market.engine.upper()} has no parameter {', '.join(unknown)}")
    try:
        market.params[market.engine] = convert(to_builtins(now) | command.values, type(now))
    except (ValidationError, ValueError) as error:
        raise Refused(f"{market.engine.upper()}: {error}") from None
    desk.dirty[market.ticker] = None
    changed = ", ".join(f"{name} {value:g}" for name, value in command.values.items())
    return f"{market.ticker}: {market.engine.upper()} with {changed}"


def params_of(desk: DeskState, market: MarketState) -> EngineParams:
    """What ``p`` shows."""
    params = engine_params(desk, market)
    values = tuple((name, f"{getattr(params, name)}") for name in params.__struct_fields__)
    return EngineParams(market.ticker, market.engine, values)


def _acknowledge(desk: DeskState, event: CommandReceived, command: cmd.Acknowledge) -> str:
    line = desk.alerts.acknowledge(command.alert)
    if line is None:
        raise Refused("no alert is waiting")
    return f"seen: {line.text}"


def _focus(desk: DeskState, event: CommandReceived, command: cmd.Focus) -> str:
    return ""


def _heartbeat(desk: DeskState, event: CommandReceived, command: cmd.Heartbeat) -> str:
    if command.keys and event.in_control:
        desk.hand.last_key = desk.now.mono
    return ""


def _end_desk(desk: DeskState, event: CommandReceived, command: cmd.EndDesk) -> str:
    ending.begin(desk, "asked to stop", 0)
    raise_alert(desk, Alert("ending", AlertLevel.INFO, "the desk is pulling its quotes and will end"))
    return "pulling, verifying, then the desk ends"


def _read_status(desk: DeskState, event: CommandReceived, command: cmd.ReadStatus) -> str:
    return ""


_HANDLERS: dict[type[Any], Callable[[DeskState, CommandReceived, Any], str]] = {
    cmd.Arm: _arm,
    cmd.SetQuoting: _set_quoting,
    cmd.SetEngine: _set_engine,
    cmd.Stop: _stop,
    cmd.Clear: _clear,
    cmd.PlaceOrder: _place,
    cmd.CancelOrders: _cancel,
    cmd.OverrideRegime: _override,
    cmd.Tilt: _tilt,
    cmd.SetParams: _set_params,
    cmd.Acknowledge: _acknowledge,
    cmd.Focus: _focus,
    cmd.Heartbeat: _heartbeat,
    cmd.EndDesk: _end_desk,
    cmd.ReadStatus: _read_status,
}
