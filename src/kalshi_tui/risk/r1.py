"""R1: the day's profit and loss, its drawdown, and when to stop.

The day is a New York date. What is used of the limit is the worse of the day's loss and the fall from the day's
high, by two marks: liquidation marks may warn and cool down, and halt only when they last; micro-price marks
decide at once. The state survives restarts (``to_state``/``from_state``), and so does what the account is to be
valued by, so that a time without a desk counts for the day (``account``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, ValidationError, convert, field, to_builtins

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import NewOrder
from kalshi_tui.protocol.quotes import Alert, AlertLevel, Verdict
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import DOLLAR, SECOND, Money, Nanos
from kalshi_tui.risk.account import SavedAccount
from kalshi_tui.risk.base import DayPnl, PullRequest, RiskState, Watched, is_reducing, reducible
from kalshi_tui.risk.day import new_york_day
from kalshi_tui.risk.marks import max_drawdown
from kalshi_tui.risk.r0 import day_limit
from kalshi_tui.risk.r1_machine import DayLevels, DayMachine, DayState
from kalshi_tui.risk.words import dollars

KEPT_DAYS = 5


class R1Params(Struct, frozen=True):
    """The day's limits. Both follow from the bankroll."""

    day_loss: Money = 500 * DOLLAR
    """What a day may lose: 5 % of the bankroll."""
    drawdown: Money = 600 * DOLLAR
    """What a day may give back from its high: 6 %."""
    auto_reset: bool = False
    """A halt ends with the New York day by itself; otherwise a person ends it."""
    levels: DayLevels = field(default_factory=DayLevels)

    def __post_init__(self) -> None:
        if self.day_loss <= 0 or self.drawdown <= 0:
            raise ValueError("r1.day_loss and r1.drawdown must be above zero")

    @staticmethod
    def from_bankroll(bankroll: Money) -> R1Params:
        day = day_limit(bankroll)
        return R1Params(day_loss=day, drawdown=day * 6 // 5)


class R1:
    """The day's engine. ``update`` it on every fill, mark and second; ask ``state`` and ``review``."""

    name = "r1"

    def __init__(self, params: R1Params, now: Instant) -> None:
        self.params = params
        self.machine = DayMachine(params.levels)
        self.day = new_york_day(now.wall)
        self.high_micro: Money = 0
        self.high_liquidation: Money = 0
        self.used = 0.0
        """Share of the limit in use, for the gauge."""
        self.remembered: Money | None = None
        """The last known result of the day by micro-price marks: outlives a missing mark and a restart."""
        self.handicap: Money = 0
        """What the remembered day was worse than the rebuilt one: the more conservative of both counts."""
        self.past: tuple[tuple[str, Money], ...] = ()
        """The days before, oldest first: (date, profit and loss)."""
        self.why = ""
        """Why the day is not NORMAL."""
        self.account: SavedAccount | None = None
        """The account before the restart, until the day is rebuilt from it: so long the day is not known."""
        self._rebuilt = False
        """The day was rebuilt; the first number seen of it is compared with memory."""

    @property
    def state(self) -> DayState:
        return self.machine.state

    @property
    def drawdown(self) -> Money:
        """From the day's high by micro-price marks, never negative."""
        return 0 if self.remembered is None else max(self.high_micro - self.remembered, 0)

    def fall(self, micro: Money) -> Money:
        """The drawdown if the day stands at ``micro`` now, which R1 itself may not have looked at yet."""
        return max(self.high_micro - (micro - self.handicap), 0)

    @property
    def recent_drawdown(self) -> Money:
        """The deepest fall over the kept days and today, by end-of-day results."""
        equity, total = [0], 0
        for _, pnl in self.past:
            total += pnl
            equity.append(total)
        return max_drawdown([*equity, total + (self.remembered or 0)])

    # -- engine --------------------------------------------------------------------------------------

    def roll(self, now: Instant) -> bool:
        """Whether a new New York day has begun; call it before the day's P&L is worked out again.

        Dates only go forward: a clock set back starts no second day.
        """
        today = new_york_day(now.wall)
        if today <= self.day:
            return False
        if self.remembered is not None:
            self.past = (*self.past, (self.day, self.remembered))[-KEPT_DAYS:]
        self.day = today
        self.high_micro = self.high_liquidation = self.handicap = 0
        self.remembered = self.account = None  # what the lots were worth at midnight nobody saw
        self.used = 0.0
        self.machine.new_day()
        if self.state is DayState.HALT and self.params.auto_reset:
            self.machine.release()
        return True

    def review(self, state: RiskState, order: NewOrder) -> Verdict:
        """Refuses what adds while cooling down, halted, or blind; reductions always pass."""
        market = state.markets.get(order.ticker)
        if market is None:
            return Verdict.refuse("R1_UNKNOWN_MARKET", f"risk knows nothing of {order.ticker}")
        if is_reducing(market, order.side, order.count):
            return Verdict.allow(order.count)
        code, why = self._stopped(state)
        if not code:
            return Verdict.allow(order.count)
        room = reducible(market, order.side)
        return Verdict.shrink(room, code, why) if room > 0 else Verdict.refuse(code, why)

    def watch(self, state: RiskState) -> list[Watched]:
        """Take in the day's numbers; what changed is alerted, and entering a stop pulls the quotes."""
        before = self.state
        self._take_in(state)
        if self.state is DayState.NORMAL:
            return []
        level = AlertLevel.HALT if self.state is DayState.HALT else AlertLevel.WARN
        found: list[Watched] = [Alert(f"r1 {self.state.value}", level, self._sentence(state.now))]
        stopped = self.state in (DayState.COOLDOWN, DayState.HALT)
        if stopped and self.state is not before:
            found.append(PullRequest(self._sentence(state.now)))
        return found

    def reset(self, reason: str) -> None:
        """A person ends a halt, saying why. The levels apply again from the next update on."""
        if not reason.strip():
            raise ValueError("a halt ends only with a reason in words")
        if self.state is DayState.HALT:
            self.machine.release()
            self.why = f"halt ended: {reason.strip()}"

    def resume(self) -> None:
        """The day was rebuilt from the account before the restart: its numbers are the whole day's again."""
        self.account = None
        self._rebuilt = True

    def distrust(self, why: str) -> None:
        """What happened without a desk cannot be told: as with a memory that cannot be read, a person looks."""
        self.account = None
        self.machine.state = DayState.HALT
        self.why = why

    def conserve(self, rebuilt: Money) -> None:
        """After a restart: the day as rebuilt from the venue's records. The worse of memory and venue counts.

        A loss without a desk is a loss of the day. A gain frees nothing that memory says is spent: it rests on one
        mark at the start of a boot, and a budget must not grow by restarting at a good moment. It stays out for the
        rest of the day, its high included.
        """
        if self.remembered is not None:
            self.handicap = max(rebuilt - self.remembered, 0)

    # -- inside --------------------------------------------------------------------------------------

    def _take_in(self, state: RiskState) -> None:
        known = _known(state.day)
        if known is None or state.day is None:
            return
        if self._rebuilt:
            self._rebuilt = False
            self.conserve(known[0])
        micro, liquidation = (pnl - self.handicap for pnl in known)
        self.remembered = micro
        self.high_micro = max(self.high_micro, micro)
        self.high_liquidation = max(self.high_liquidation, liquidation)
        hard = self._use(micro, self.high_micro)
        soft = self._use(liquidation, self.high_liquidation)
        self.used = max(hard, soft)
        before = self.state
        self.machine.step(state.now.mono, soft, hard, trust_soft=not state.day.event_window)
        if self.state is not before:
            loss, high = min(micro, liquidation), max(self.high_micro, self.high_liquidation)
            self.why = f"day {dollars(loss)} of −{dollars(self.params.day_loss)}, high {dollars(high)}"

    def _use(self, pnl: Money, high: Money) -> float:
        """Share of the limits in use: the day's loss or the fall from its high, whichever is worse."""
        return max(-pnl / self.params.day_loss, (high - pnl) / self.params.drawdown, 0.0)

    def _stopped(self, state: RiskState) -> tuple[str, str]:
        if self.state is DayState.HALT:
            return "R1_HALT", self._sentence(state.now)
        if self.state is DayState.COOLDOWN:
            return "R1_COOLDOWN", self._sentence(state.now)
        if self.account is not None:
            return "R1_NO_PNL", "what happened while no desk ran is not read back yet"
        if _known(state.day) is None:
            return "R1_NO_PNL", "the day's profit and loss is not known (a position without a mark)"
        return "", ""

    def _sentence(self, now: Instant) -> str:
        if self.state is DayState.HALT:
            return f"halted for the day: {self.why}"
        if self.state is DayState.COOLDOWN:
            left = max(self.machine.cooldown_until - now.mono, 0) // SECOND
            return f"cooling down for {left // 60}:{left % 60:02d}, reducing only: {self.why}"
        return f"near the day's limit, sizes halved: {self.why}"

    # -- memory --------------------------------------------------------------------------------------

    def to_state(self, now: Instant, account: SavedAccount | None = None) -> dict[str, object]:
        """Everything a restart needs, as JSON-able values. Monotonic times leave as wall times.

        ``account`` as it stands now; one that still waits to be explained is kept instead of it.
        """
        over = self.machine.over_since
        saved = SavedDay(
            day=self.day,
            state=self.state,
            why=self.why,
            high_micro=self.high_micro,
            high_liquidation=self.high_liquidation,
            pnl=self.remembered,
            cooldowns=self.machine.cooldowns,
            cooldown_until_wall=now.wall + max(self.machine.cooldown_until - now.mono, 0),
            over_since_wall=None if over is None else now.wall - (now.mono - over),
            past=self.past,
            account=self.account or account,
        )
        built: dict[str, object] = to_builtins(saved)
        return built

    @staticmethod
    def from_state(params: R1Params, saved: Mapping[str, object], now: Instant) -> R1:
        """R1 as it was. What cannot be read is a halt that a person must end."""
        engine = R1(params, now)
        try:
            memory = convert(saved, SavedDay)
        except ValidationError as error:
            engine.machine.state = DayState.HALT
            engine.why = (
                f"the saved state of the day cannot be read ({safe_text(error)}); check it, then clear"
            )
            return engine
        engine.day, engine.why, engine.past = memory.day, memory.why, memory.past
        engine.high_micro, engine.high_liquidation = memory.high_micro, memory.high_liquidation
        engine.remembered, engine.account = memory.pnl, memory.account
        machine = engine.machine
        machine.state, machine.cooldowns = memory.state, memory.cooldowns
        left = min(max(memory.cooldown_until_wall - now.wall, 0), params.levels.cooldown_s * SECOND)
        machine.cooldown_until = now.mono + left
        if memory.over_since_wall is not None:
            machine.over_since = now.mono - max(now.wall - memory.over_since_wall, 0)
        engine.roll(now)
        engine._judge_memory()
        return engine

    def _judge_memory(self) -> None:
        """What was lost before counts from the start, also while today's marks are not known yet."""
        if self.remembered is None:
            return
        self.used = self._use(self.remembered, self.high_micro)
        if self.used >= self.params.levels.halt and self.state is not DayState.HALT:
            self.machine.state = DayState.HALT
            self.why = (
                f"day {dollars(self.remembered)} of −{dollars(self.params.day_loss)} before the restart, "
                f"high {dollars(self.high_micro)}"
            )


def _known(day: DayPnl | None) -> tuple[Money, Money] | None:
    """Both marks of the day; None while either is missing."""
    if day is None or day.micro is None or day.liquidation is None:
        return None
    return day.micro, day.liquidation


class SavedDay(Struct, frozen=True, forbid_unknown_fields=True):
    """What R1 keeps between boots."""

    day: str
    state: DayState
    why: str
    high_micro: Money
    high_liquidation: Money
    pnl: Money | None
    cooldowns: int
    cooldown_until_wall: Nanos
    over_since_wall: Nanos | None
    past: tuple[tuple[str, Money], ...]
    account: SavedAccount | None = None
    """None where not every lot could be valued since the day began."""
    version: Literal[1] = 1
