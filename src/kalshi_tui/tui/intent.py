"""What a key asks of the desk: a command, or a refusal in words. The desk has the last word on everything sent."""

from __future__ import annotations

from collections.abc import Callable

from kalshi_tui.protocol.commands import (
    Acknowledge,
    AnyCommand,
    Arm,
    CancelOrders,
    Clear,
    Describe,
    OverrideRegime,
    PlaceOrder,
    ReadParams,
    Scope,
    SetParams,
    SetQuoting,
    Stop,
    Tilt,
)
from kalshi_tui.protocol.orders import Owner
from kalshi_tui.protocol.quotes import QuoteSides, Regime
from kalshi_tui.protocol.units import Price, Side
from kalshi_tui.protocol.views import LadderView, LogLine
from kalshi_tui.tui.numbers import cents, market_name
from kalshi_tui.tui.state import ScreenState

LOOK = 1.0
"""Seconds after a change of market in which no order goes out: its cursor stands where nobody has looked yet."""


class Refused(Exception):
    """The screen will not even ask; the text says why and what to do."""


def command_for(action: str, state: ScreenState) -> AnyCommand:
    """The command behind a key that talks to the desk. Ids are assigned by the link, 0 until then."""
    return COMMANDS[action](state)


def next_alert(log: tuple[LogLine, ...]) -> LogLine | None:
    """The alert ``enter`` acknowledges: what lasts before what is over, halts before warnings, then the oldest."""
    waiting = [line for line in reversed(log) if line.alert and not line.seen]
    return min(waiting, key=lambda line: (line.over is not None, line.kind != "halt"), default=None)


def all_on(state: ScreenState) -> SetQuoting:
    """Quoting on in every market; sent only after the trader typed their number."""
    _live(state)
    return SetQuoting(id=0, on=True)


def override(state: ScreenState, ticker: str, regime: Regime, minutes: int) -> OverrideRegime:
    """Pin ``regime`` for ``minutes``; 0 lifts. What does not loosen goes out to a silent desk too."""
    if minutes and regime is not Regime.EVENT:
        _live(state)
    return OverrideRegime(id=0, ticker=ticker, regime=regime, seconds=60 * minutes)


def set_params(state: ScreenState, ticker: str, values: dict[str, int | float | bool]) -> SetParams:
    """New values of some parameters; none of them: back to the desk's."""
    _live(state)
    return SetParams(id=0, ticker=ticker, values=values)


def tilt(state: ScreenState, ticker: str, lean: int, widen: float, sides: QuoteSides) -> Tilt:
    """The trader's own view; ``lean`` in levels, ``widen`` in half-spreads."""
    _live(state)
    return Tilt(id=0, ticker=ticker, lean_levels=lean, widen=widen, sides=sides)


def _market(state: ScreenState) -> str:
    if not state.selected:
        raise Refused("no market is selected: the desk has not sent its list yet")
    return state.selected


def _live(state: ScreenState) -> None:
    quiet = state.silent_for
    if state.view is None or quiet is not None:
        age = "nothing yet" if state.view is None else f"nothing for {quiet:.1f} s"
        raise Refused(f"not sent: the desk is silent ({age}), what you see is old. Stops still go out: f F !")


def _arm(state: ScreenState) -> Arm:
    armed = state.view.status.armed if state.view else False
    if not armed:
        _live(state)
    return Arm(id=0, on=not armed)


def _quote(state: ScreenState) -> SetQuoting:
    ticker = _market(state)
    row = state.row
    on = not (row is not None and row.quoting)
    if on:
        _live(state)
    return SetQuoting(id=0, on=on, ticker=ticker)


def _all_off(state: ScreenState) -> SetQuoting:
    return SetQuoting(id=0, on=False)


def _flatten(state: ScreenState) -> Stop:
    return Stop(id=0, kind="flatten", scope=Scope(ticker=_market(state)))


def _flatten_all(state: ScreenState) -> Stop:
    return Stop(id=0, kind="flatten")


def _kill(state: ScreenState) -> Stop:
    return Stop(id=0, kind="kill")


def _hold_all(state: ScreenState) -> Stop:
    return Stop(id=0, kind="hold")


def _pull_market(state: ScreenState) -> Stop:
    return Stop(id=0, kind="pull", scope=Scope(ticker=_market(state)))


def _pull_all(state: ScreenState) -> Stop:
    return Stop(id=0, kind="pull")


def _clear(state: ScreenState) -> Clear:
    _live(state)
    return Clear(id=0)


def _clear_reduce(state: ScreenState) -> Clear:
    _live(state)
    return Clear(id=0, reduce_only=True)


def _order(side: Side, take: bool) -> Callable[[ScreenState], PlaceOrder]:
    def make(state: ScreenState) -> PlaceOrder:
        ladder, price = _at_cursor(state)
        if take:
            _something_to_take(ladder, side, price)
        assert state.view is not None  # _at_cursor refused otherwise
        return PlaceOrder(
            id=0,
            ticker=ladder.ticker,
            side=side,
            price=price,
            count=state.count,
            view_wall=state.view.wall,
            take=take,
        )

    return make


def _something_to_take(ladder: LadderView, side: Side, price: Price) -> None:
    there = "ask" if side is Side.BID else "bid"
    touch = ladder.best_ask if side is Side.BID else ladder.best_bid
    if touch is None:
        raise Refused(f"not sent: there is no {there} to take")
    if (touch - price) * side.sign > 0:
        raise Refused(
            f"not sent: the {there} is {cents(touch)}, nothing to take at {cents(price)}; move the cursor there"
        )


def _at_cursor(state: ScreenState) -> tuple[LadderView, Price]:
    """The ladder and the one price under the cursor, or why an order can not be placed from here."""
    _live(state)
    ladder, window = state.ladder, state.window
    if "ladder" not in state.shown:
        raise Refused("not sent: the ladder is not on the screen (2 shows it)")
    if ladder is None or window is None:
        raise Refused(f"not sent: the ladder of {_market(state)} has not arrived yet")
    if ladder.stale:
        raise Refused(f"not sent: this ladder is stale ({ladder.book})")
    if state.drawn != ladder.ticker or state.clock() - state.selected_at < LOOK:
        raise Refused(f"not sent: look first and press again, now it is {_named(ladder)}")
    if state.cursor is None or not state.cursor_visible:
        raise Refused("not sent: the cursor is out of sight (space brings it back)")
    if window.group > 1:
        raise Refused(f"not sent: a row is {window.group} ticks, not one price ([ until a row is 1 tick)")
    return ladder, state.cursor


def _named(ladder: LadderView) -> str:
    return market_name(ladder.title, ladder.label)


def _cancel(state: ScreenState) -> CancelOrders:
    """My orders at the cursor; where only an engine has one, the engine's (the desk then pauses that side)."""
    ticker, ladder, window = _market(state), state.ladder, state.window
    if ladder is None or window is None or state.cursor is None:
        raise Refused("not sent: no ladder, so no cursor (X cancels all of mine in this market)")
    here = [order for order in ladder.orders if order.price == state.cursor]
    if not here:
        raise Refused(f"no order of ours rests at {cents(state.cursor)}: put the cursor on one (·)")
    mine = any(order.owner is Owner.MINE for order in here)
    return CancelOrders(id=0, ticker=ticker, price=state.cursor, engines=not mine)


def _cancel_mine(state: ScreenState) -> CancelOrders:
    return CancelOrders(id=0, ticker=_market(state))


def _acknowledge(state: ScreenState) -> Acknowledge:
    alert = next_alert(state.view.log) if state.view else None
    if alert is None:
        raise Refused("no alert is waiting")
    return Acknowledge(id=0, alert=alert.alert)


def _card(state: ScreenState) -> Describe:
    return Describe(id=0, ticker=_market(state))


def _params(state: ScreenState) -> ReadParams:
    return ReadParams(id=0, ticker=_market(state))


COMMANDS: dict[str, Callable[[ScreenState], AnyCommand]] = {
    "arm": _arm,
    "quote": _quote,
    "quote_all": _all_off,
    "flatten": _flatten,
    "flatten_all": _flatten_all,
    "kill": _kill,
    "hold_all": _hold_all,
    "pull_market": _pull_market,
    "pull_all": _pull_all,
    "clear": _clear,
    "clear_reduce": _clear_reduce,
    "buy": _order(Side.BID, take=False),
    "sell": _order(Side.ASK, take=False),
    "take_buy": _order(Side.BID, take=True),
    "take_sell": _order(Side.ASK, take=True),
    "cancel": _cancel,
    "cancel_mine": _cancel_mine,
    "acknowledge": _acknowledge,
    "card": _card,
    "params": _params,
}
