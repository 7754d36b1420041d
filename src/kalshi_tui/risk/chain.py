"""The risk engines in their fixed order: controls, R0, R1, R3; R2 has scaled the limits before.

Each may only shrink or refuse what the one before left. An engine that raises has refused. The chain holds all
engines of one account, so that whoever drives it has one object to ask and to tell.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import Fill, NewOrder, Owner
from kalshi_tui.protocol.quotes import Alert, AlertLevel, Decision, Verdict
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import Count, Money
from kalshi_tui.risk.base import RiskState, Watched, is_reducing
from kalshi_tui.risk.controls import ControlParams, Controls
from kalshi_tui.risk.r0 import R0, R0Params
from kalshi_tui.risk.r1 import R1, R1Params
from kalshi_tui.risk.r1_machine import DayState
from kalshi_tui.risk.r2 import R2, Conditions, R2Params
from kalshi_tui.risk.r3 import R3, R3Params
from kalshi_tui.risk.totals import Totals

ENGINES = ("controls", "r0", "r1", "r3")


class RiskParams(Struct, frozen=True):
    """Every limit of the desk, coherent because all money limits come from one bankroll."""

    controls: ControlParams = field(default_factory=ControlParams)
    r0: R0Params = field(default_factory=R0Params)
    r1: R1Params = field(default_factory=R1Params)
    r2: R2Params = field(default_factory=R2Params)
    r3: R3Params = field(default_factory=R3Params)

    @staticmethod
    def from_bankroll(bankroll: Money) -> RiskParams:
        """``ValueError`` with a sentence where the bankroll is too small to trade with."""
        return RiskParams(
            controls=ControlParams.from_bankroll(bankroll),
            r0=R0Params.from_bankroll(bankroll),
            r1=R1Params.from_bankroll(bankroll),
            r3=R3Params.from_bankroll(bankroll),
        )


class RiskChain:
    """All engines of one account."""

    def __init__(
        self,
        params: RiskParams,
        now: Instant,
        saved_day: Mapping[str, object] | None = None,
        *,
        told: bool = False,
    ) -> None:
        """``saved_day`` is what ``r1.to_state`` gave before the restart. ``told``: see ``Totals``."""
        self.totals = Totals(told=told)
        self.controls = Controls(params.controls)
        self.r0 = R0(params.r0, self.totals)
        self.r1 = R1(params.r1, now) if saved_day is None else R1.from_state(params.r1, saved_day, now)
        self.r2 = R2(params.r2)
        self.r3 = R3(params.r3, self.totals)

    def scale(self, state: RiskState, conditions: Mapping[str, Conditions]) -> None:
        """Let R2 set every market's multipliers; a market without conditions counts as in an event."""
        warned = self.r1.state is not DayState.NORMAL
        unknown = Conditions(regime=None, seconds_to_close=None)
        for market in state.markets.values():
            self.r2.scale(market, conditions.get(market.ticker, unknown), state.now, r1_warn=warned)

    def review(
        self, state: RiskState, order: NewOrder, replacing: Count = 0, *, controls: bool = True
    ) -> Verdict:
        """What may be sent of ``order``; the code and sentence are those of the engine that cut it most.

        ``replacing`` is what an amend's own order still counts for on its side. Without ``controls`` it is a
        preview of a quote that may rest already: rates and repeats are asked when an order really leaves.
        """
        left, binding, allowed = order, None, Decision.ALLOW
        for name in ENGINES if controls else ENGINES[1:]:
            verdict = self._ask(name, state, left, replacing)
            decision = verdict.decision
            if decision is allowed:
                continue
            if decision is Decision.REFUSE:
                return verdict
            binding, left = verdict, resized(left, verdict.count)
        return binding or Verdict.allow(order.count)

    def watch(self, state: RiskState) -> list[Watched]:
        """Everything the engines have noticed; an engine that fails to look is itself an alert."""
        found: list[Watched] = []
        for name, engine in (("r0", self.r0), ("r1", self.r1), ("r3", self.r3)):
            try:
                found.extend(engine.watch(state))
            except Exception as error:  # noqa: BLE001 - a failing engine must be seen, not stop the others
                found.append(Alert(f"{name} failed", AlertLevel.HALT, _failure(name, error)))
        return found

    def note_fill(self, fill: Fill, owner: Owner, now: Instant) -> None:
        self.r0.note_fill(fill, owner, now)

    def note_sent(self, order: NewOrder, now: Instant) -> None:
        self.controls.note_sent(order, now)

    def note_refused(self, order: NewOrder, now: Instant) -> None:
        self.controls.note_refused(order, now)

    def forget(self, ticker: str) -> None:
        """Nothing of this market will be asked again: it is over."""
        for engine in (self.controls, self.r0, self.r2, self.r3):
            engine.forget(ticker)

    def _ask(self, name: str, state: RiskState, order: NewOrder, replacing: Count) -> Verdict:
        try:
            if name == "controls":
                return self.controls.review(state, order)
            if name == "r0":
                return self.r0.review(state, order, replacing)
            return (self.r1 if name == "r1" else self.r3).review(state, order)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the answer is no
            market = state.markets.get(order.ticker)
            if (
                order.owner is Owner.FLATTEN
                and market is not None
                and is_reducing(market, order.side, order.count)
            ):
                return Verdict.allow(order.count)  # a defect in an engine must not hold a position captive
            return Verdict.refuse(f"{name.upper()}_FAILED", _failure(name, error))


def resized(order: NewOrder, count: Count) -> NewOrder:
    """The order with another count."""
    return replace(order, count=count)


def _failure(name: str, error: Exception) -> str:
    return (
        f"{name} failed ({safe_text(error) or type(error).__name__}): nothing may be added; please report it"
    )
