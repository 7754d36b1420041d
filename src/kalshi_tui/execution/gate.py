"""The one gate: nothing that adds an order or size leaves the core except through ``Gate.check``.

Order of the checks: latches (kill first), recovery, exchange, market, book, grid, close. Risk engines and the write
budget are asked after it by the same caller. Cancels never come here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from kalshi_tui.protocol.commands import Scope
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Market, MarketStatus
from kalshi_tui.protocol.orders import NewOrder, Owner
from kalshi_tui.protocol.quotes import Verdict
from kalshi_tui.protocol.units import CONTRACT, SECOND, Count


class StopKind(StrEnum):
    """The safe stops, weakest first."""

    HOLD = "hold"
    PULL = "pull"
    FLATTEN = "flatten"
    KILL = "kill"


LAST_SECONDS = 60
"""No new risk in the last min(60 s, 5 % of the market's life)."""


class GateContext(Struct, frozen=True):
    """What the gate must know about the order's market, at this instant."""

    now: Instant
    market: Market | None
    book_valid: bool
    book_why: str
    position: Count
    open_same_side: Count
    """Exposure of other orders on the order's side: a reducing order may not flip through zero with them."""


@dataclass(slots=True)
class Latches:
    """What is stopped, and why. Scopes: everything (""), an event, a market."""

    killed: bool = False
    kill_why: str = ""
    reduce_only: bool = False
    """After ``clear --reduce-only``: the gate opens for reducing alone."""
    kills: dict[str, str] = field(default_factory=dict)
    """Kills of less than everything: scope key -> why. Nothing is sent there until cleared."""
    held: dict[str, str] = field(default_factory=dict)
    """scope key -> why; engines keep running, reduce only."""
    pulled: dict[str, str] = field(default_factory=dict)
    """scope key -> why; engines are latched off until a person switches them on."""

    @property
    def any(self) -> bool:
        """Whether any stop is in force anywhere."""
        return bool(self.killed or self.kills or self.held or self.pulled)

    def strongest(self, ticker: str, event: str) -> tuple[StopKind | None, str]:
        """The strongest stop in force for a market."""
        if not (self.killed or self.kills or self.held or self.pulled):
            return None, ""
        if self.killed and not self.reduce_only:
            return StopKind.KILL, self.kill_why
        tables = ((StopKind.KILL, self.kills), (StopKind.PULL, self.pulled), (StopKind.HOLD, self.held))
        for kind, table in tables:
            for key in ("", scope_key(Scope(event=event)), scope_key(Scope(ticker=ticker))):
                if key in table:
                    return kind, table[key]
        if self.killed:
            return StopKind.HOLD, "killed; cleared for reducing only"
        return None, ""


def scope_key(scope: Scope) -> str:
    if scope.ticker:
        return f"market {scope.ticker}"
    return f"event {scope.event}" if scope.event else ""


def is_reducing(order: NewOrder, context: GateContext) -> bool:
    """Opposes the position, and with everything else on its side cannot flip it through zero."""
    position = context.position
    if position == 0 or (position > 0) == (order.side.sign > 0):
        return False
    return order.count + context.open_same_side <= abs(position)


@dataclass(slots=True)
class Gate:
    latches: Latches = field(default_factory=Latches)
    recovering: str = "starting"
    """Why orders may not be sent yet; empty once reconciled."""
    exchange_active: bool = True
    trading_active: bool = True

    def check(self, order: NewOrder, context: GateContext) -> Verdict:
        """ALLOW, or REFUSE with a code and a sentence."""
        refusal = (
            self._latched(order, context)
            or self._exchange()
            or _market(order, context)
            or _book(order, context)
            or _price(order, context)
        )
        return refusal or Verdict.allow(order.count)

    def _latched(self, order: NewOrder, context: GateContext) -> Verdict | None:
        event = context.market.event_ticker if context.market else ""
        kind, why = self.latches.strongest(order.ticker, event)
        if kind is StopKind.KILL:
            return Verdict.refuse("GATE_KILLED", f"killed: {why}; `clear` opens the gate")
        if self.recovering:
            return Verdict.refuse("GATE_RECOVERING", f"not trading yet: {self.recovering}")
        reducing = order.owner is Owner.FLATTEN or is_reducing(order, context)
        if kind is StopKind.PULL and order.owner is Owner.ENGINE:
            return Verdict.refuse("GATE_PULLED", f"pulled: {why}; switch quoting on to quote again")
        if kind is not None and not reducing:
            return Verdict.refuse("GATE_HELD", f"{_may_go(order, context)}; {kind.value}: {why}")
        return None

    def _exchange(self) -> Verdict | None:
        if not self.exchange_active:
            return Verdict.refuse("GATE_EXCHANGE", "the exchange is paused")
        if not self.trading_active:
            return Verdict.refuse("GATE_PAUSED", "trading is paused by the exchange")
        return None


def _may_go(order: NewOrder, context: GateContext) -> str:
    """What to do instead, first: a small screen cuts the end."""
    position = context.position
    if position == 0 or (position > 0) == (order.side.sign > 0):
        return "only orders that reduce may go until `clear`"
    room = abs(position) - context.open_same_side
    if room <= 0:
        return "open orders close it already: wait, or cancel them first"
    return f"at most {room / CONTRACT:g} may go: more would not only reduce"


def _market(order: NewOrder, context: GateContext) -> Verdict | None:
    market = context.market
    if market is None:
        return Verdict.refuse("GATE_MARKET", f"{order.ticker} is not a market this desk knows")
    if market.status is not MarketStatus.ACTIVE:
        return Verdict.refuse("GATE_MARKET", f"the market is {market.status.value}")
    if market.close_time is None:
        return None
    left = market.close_time - context.now.wall
    if left <= 0:
        return Verdict.refuse("GATE_CLOSE", "the market has closed")
    if left < last_window(market) and not is_reducing(order, context):
        return Verdict.refuse("GATE_CLOSE", "no new risk this close to the market's close")
    return None


def last_window(market: Market) -> int:
    """Nanoseconds before close in which nothing may add risk: min(60 s, 5 % of the market's life)."""
    window = LAST_SECONDS * SECOND
    if market.open_time is not None and market.close_time is not None:
        window = min(window, max((market.close_time - market.open_time) // 20, 0))
    return window


def _book(order: NewOrder, context: GateContext) -> Verdict | None:
    if not context.book_valid:
        return Verdict.refuse("GATE_BOOK", f"no true book: {context.book_why}")
    return None


def _price(order: NewOrder, context: GateContext) -> Verdict | None:
    grid = context.market.grid if context.market else None
    if grid is None:
        return Verdict.refuse("GATE_GRID", "the market's price grid is unknown")
    if not grid.is_valid(order.price):
        return Verdict.refuse("GATE_GRID", f"{order.price / 100:g} cents is not a price of this market")
    if order.count <= 0:
        return Verdict.refuse("GATE_SIZE", "the size is not above zero")
    return None
