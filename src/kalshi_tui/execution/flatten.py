"""Reducing a position to a target, whether a key or a breached cap asked for it.

One machine per market: IDLE -> CANCEL -> CONFIRM -> SWEEP -> WAIT -> (SWEEP | PASSIVE) -> DONE | STUCK. It is
told what the market looks like and answers with what to do next; it holds no order itself. Whatever it is
told, it never asks for more than the position still holds beyond the target once everything open on the
reducing side has filled (so it cannot flip), and it ends: after ``max_attempts`` sweeps and rests it says
what is left. An order that was under way before it can: one that fills whole while it is being cancelled may
take the position through zero, and then the machine turns round and reduces the other side.

Source of the states and numbers: the auto-flatten of the project's quantitative specification, section 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from kalshi_tui.execution.flatten_prices import (
    CancelThis,
    FlattenAction,
    FlattenRules,
    FlattenView,
    LookUp,
    Rest,
    Take,
    next_clip,
    reference_price,
    resting_price,
)
from kalshi_tui.execution.orders import Order
from kalshi_tui.protocol.orders import OrderState, Owner, TimeInForce
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Count, Nanos, Price, Side, counted
from kalshi_tui.risk.words import cents, contracts


class FlattenState(StrEnum):
    IDLE = "idle"
    CANCEL = "cancel"
    CONFIRM = "confirm"
    SWEEP = "sweep"
    WAIT = "wait"
    PASSIVE = "passive"
    DONE = "done"
    STUCK = "stuck"


class Flatten:
    """The flatten of one market. Call ``step`` whenever something changed and at least every 100 ms."""

    def __init__(
        self, ticker: str, target: Count, rules: FlattenRules, *, emergency: bool = False, cause: str = ""
    ) -> None:
        self.ticker = ticker
        self.target = target
        self.emergency = emergency
        self.cause = cause
        self.state = FlattenState.IDLE
        self.attempts = 0
        self.status = "flatten asked for"
        self._rules = rules
        self._side: Side | None = None
        self._reference: Price | None = None
        self._since: Nanos = 0
        self._asked: Nanos = 0

    @property
    def over(self) -> bool:
        return self.state in (FlattenState.DONE, FlattenState.STUCK)

    def ask(self, target: Count, *, emergency: bool = False, cause: str = "") -> None:
        """Ask again while it runs: nothing starts over; only a target nearer zero or an emergency counts."""
        if abs(target) < abs(self.target):
            self.target = target
        self.emergency = self.emergency or emergency
        self.cause = cause or self.cause

    def step(self, view: FlattenView) -> list[FlattenAction]:
        """The actions of this moment; ``status`` is the sentence that goes with them."""
        if self.over:
            return []
        if self.state is FlattenState.IDLE:
            self._start(view)
        if self._remaining(view) <= 0:
            return self._finish(view)
        if not view.closable:
            return self._stop(view, view.bar)
        if view.grid is None:
            return self._stop(view, "the market's prices are unknown")
        side, before = Side.ASK if view.position > 0 else Side.BID, self._side
        self._side = side
        if before not in (None, side):
            return self._turn(view)
        if self.state is FlattenState.CANCEL:
            return self._cancel(view)
        if self.state is FlattenState.CONFIRM:
            waiting = self._confirm(view)
            if waiting is not None:
                return waiting
        if self.state is FlattenState.WAIT:
            waiting = self._wait(view)
            if waiting is not None:
                return waiting
        if self.state is FlattenState.PASSIVE:
            return self._passive(view)
        return self._sweep(view, view.grid, self._free(view))

    # -- amounts -------------------------------------------------------------------------------------

    def _remaining(self, view: FlattenView) -> Count:
        """What the position holds beyond the target, on whichever side of zero it is now; never negative.

        What may be kept is a size: a partial target asks for nothing more once the position is that small.
        """
        return max(abs(view.position) - abs(self.target), 0)

    def _free(self, view: FlattenView) -> Count:
        """What may be sent now: the rest, less all that is already open on the reducing side."""
        open_there = sum(o.exposure for o in view.orders if o.side is self._side)
        return max(self._remaining(view) - open_there, 0)

    def _ours(self, view: FlattenView) -> list[Order]:
        """Open orders of this desk; what was found here is never touched."""
        return [o for o in view.orders if o.is_open and o.owner is not Owner.FOUND]

    def _unsettled(self, view: FlattenView) -> list[Order]:
        """Orders of this desk that may still move the position: open, or with fills that are not booked yet."""
        return [o for o in view.orders if (o.is_open or o.exposure) and o.owner is not Owner.FOUND]

    # -- states --------------------------------------------------------------------------------------

    def _start(self, view: FlattenView) -> None:
        # Never away from zero, never through it: a target on the far side is zero.
        if self.target * view.position < 0:
            self.target = 0
        self._enter(FlattenState.CANCEL, view)

    def _turn(self, view: FlattenView) -> list[FlattenAction]:
        """A fill that was under way took the position through zero: the same again from the other side."""
        self.attempts += 1
        self._reference = None
        actions = self._cancel(view)
        self.status = f"went through zero to {contracts(view.position)} by an order under way; {self.status}"
        return actions

    def _enter(self, state: FlattenState, view: FlattenView) -> None:
        self.state = state
        self._since = self._asked = view.now.mono

    def _cancel(self, view: FlattenView) -> list[FlattenAction]:
        ours = self._ours(view)
        self._enter(FlattenState.CONFIRM, view)
        self.status = f"flattening {self._left(view)}: cancelling {counted(len(ours), 'order')}"
        return [CancelThis(o) for o in ours if o.state is not OrderState.CANCELING]

    def _confirm(self, view: FlattenView) -> list[FlattenAction] | None:
        """None once nothing of ours is open, or patience is over."""
        ours = self._ours(view)
        waited = view.now.mono - self._since
        if ours and waited < self._rules.confirm_patience_s * SECOND:
            self.status = f"flattening {self._left(view)}: {counted(len(ours), 'cancel')} not confirmed yet"
            return self._chase(view, ours)
        self._enter(FlattenState.SWEEP, view)
        return None

    def _chase(self, view: FlattenView, ours: Sequence[Order]) -> list[FlattenAction]:
        """Once a second: read the venue's records, and cancel again what it still rests."""
        if view.now.mono - self._asked < self._rules.confirm_s * SECOND:
            return []
        self._asked = view.now.mono
        again = [o for o in ours if o.order_id and o.time_in_force is TimeInForce.GTC]
        return [LookUp(), *(CancelThis(o) for o in again)]

    def _sweep(self, view: FlattenView, grid: TickGrid, free: Count) -> list[FlattenAction]:
        if self.attempts >= self._rules.max_attempts:
            return self._stop(view, f"not done after {counted(self.attempts, 'attempt')}")
        if not view.book_valid:
            self.status = f"flattening {self._left(view)}: waiting for a true book"
            return self._give_up_waiting(view)
        side = self._side
        assert side is not None
        if free <= 0:
            self.attempts += 1
            self._enter(FlattenState.WAIT, view)
            self.status = f"{self._left(view)} left: open orders already cover it"
            return []
        if self._reference is None:
            self._reference = reference_price(view, self.emergency)
        clip, limit = next_clip(
            view,
            grid,
            side,
            free,
            reference=self._reference,
            rules=self._rules,
            emergency=self.emergency,
        )
        if clip <= 0:
            return self._rest(view, grid, side, free)
        self.attempts += 1
        self._enter(FlattenState.WAIT, view)
        verb, way = ("selling", "down") if side is Side.ASK else ("buying", "up")
        self.status = f"flattening {self._left(view)}: {verb} {contracts(clip)} {way} to {cents(limit)}"
        return [Take(side, limit, clip)]

    def _give_up_waiting(self, view: FlattenView) -> list[FlattenAction]:
        """A book that stays away ends the machine too: one attempt per passive wait."""
        if view.now.mono - self._since >= self._rules.passive_s * SECOND:
            self.attempts += 1
            self._enter(FlattenState.SWEEP, view)
        return []

    def _wait(self, view: FlattenView) -> list[FlattenAction] | None:
        """After a clip: until its fate is known and the pause is over, then None."""
        unsettled = [o for o in view.orders if o.owner is Owner.FLATTEN and o.exposure]
        waited = view.now.mono - self._since
        if waited < self._rules.clip_pause_ms * MILLISECOND:
            return []
        if unsettled and waited < self._rules.passive_s * SECOND:
            return self._chase(view, [o for o in unsettled if o.is_open])
        self._enter(FlattenState.SWEEP, view)
        return None

    def _rest(self, view: FlattenView, grid: TickGrid, side: Side, free: Count) -> list[FlattenAction]:
        price = resting_price(view, grid, side, self._reference)
        self.attempts += 1
        self._enter(FlattenState.PASSIVE, view)
        near = view.bids if side is Side.ASK else view.asks
        name = "bid" if side is Side.ASK else "ask"
        why = f"no {name} here" if not near else f"the {name} is dearer than waiting"
        if price is None:
            self.status = f"{self._left(view)} left: {why}, and no price to rest at"
            return []
        self.status = f"{self._left(view)} left: {why}; resting {contracts(free)} at {cents(price)}"
        return [Rest(side, price, free)]

    def _passive(self, view: FlattenView) -> list[FlattenAction]:
        """Rest for a while, then take the order back and look at the book again."""
        if view.now.mono - self._since < self._rules.passive_s * SECOND:
            return []
        return self._cancel(view)

    def _finish(self, view: FlattenView) -> list[FlattenAction]:
        """Nothing left: whatever this desk has open here goes too."""
        unsettled = self._unsettled(view)
        if not unsettled:
            self.state = FlattenState.DONE
            self.status = self._held(view)
            return []
        if view.closable and self.state is not FlattenState.CONFIRM:
            return self._cancel(view)
        if view.closable and view.now.mono - self._since < self._rules.passive_s * SECOND:
            self.status = f"{self._held(view)}; {counted(len(unsettled), 'order')} not confirmed gone yet"
            return self._chase(view, self._ours(view))
        self.state = FlattenState.STUCK
        self.status = f"{self._held(view)}, but {counted(len(unsettled), 'order')} not confirmed gone"
        return []

    def _stop(self, view: FlattenView, why: str) -> list[FlattenAction]:
        """The end without success: nothing of the machine's own keeps resting, and the rest is said aloud."""
        self.state = FlattenState.STUCK
        self.status = f"{self._left(view)} left: {why}"
        return [CancelThis(o) for o in self._ours(view) if o.owner is Owner.FLATTEN]

    def _held(self, view: FlattenView) -> str:
        return "flat" if view.position == 0 else f"reduced to {contracts(view.position)}"

    def _left(self, view: FlattenView) -> str:
        return f"{contracts(self._remaining(view))} of {contracts(abs(view.position))}"
