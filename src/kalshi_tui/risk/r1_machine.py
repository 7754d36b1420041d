"""The day's four states, driven by how much of the loss limit is used. Knows nothing of money.

NORMAL -> WARN -> COOLDOWN -> HALT. Up at once; down only past a lower level and, out of a cool-down, after its
time. HALT stays until a person says why it may end.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from kalshi_tui.protocol.units import SECOND, Nanos


class DayState(StrEnum):
    NORMAL = "normal"
    WARN = "warn"
    COOLDOWN = "cooldown"
    HALT = "halt"


class DayLevels(Struct, frozen=True):
    """When R1 changes state: shares of the day's loss limit in use."""

    warn: float = 0.70
    """Order sizes are halved from here on."""
    warn_off: float = 0.60
    """And whole again below this."""
    cooldown: float = 0.85
    """Everything is cancelled and only reductions go on."""
    cooldown_off: float = 0.75
    """A cool-down ends below this, once its time is over."""
    cooldown_s: int = 300
    """Shortest cool-down."""
    max_cooldowns: int = 3
    """One more than this in a day halts it."""
    halt: float = 1.0
    """The day is over."""
    halt_confirm_s: int = 60
    """What the book alone says (liquidation marks) halts only when it lasts this long."""

    def __post_init__(self) -> None:
        if not 0 < self.warn_off < self.warn < self.cooldown < self.halt:
            raise ValueError("r1 levels must rise: warn_off < warn < cooldown < halt")
        if not self.warn <= self.cooldown_off < self.cooldown:
            raise ValueError("r1.cooldown_off must lie between warn and cooldown")
        if min(self.cooldown_s, self.max_cooldowns, self.halt_confirm_s) < 0:
            raise ValueError("r1 times and counts must not be below zero")


class DayMachine:
    """One day's state. ``mono`` is the monotonic clock throughout."""

    def __init__(self, levels: DayLevels) -> None:
        self.levels = levels
        self.state = DayState.NORMAL
        self.cooldowns = 0
        self.cooldown_until: Nanos = 0
        self.over_since: Nanos | None = None
        """Since when the book alone has said that the limit is passed."""

    def step(self, mono: Nanos, soft: float, hard: float, *, trust_soft: bool = True) -> DayState:
        """The state at utilisation ``soft`` (liquidation marks) and ``hard`` (micro-price marks).

        ``soft`` may warn and cool down; it halts only after ``halt_confirm_s`` beyond the limit while
        ``trust_soft`` (no scheduled print under way). ``hard`` does all of it at once. NaN counts as full use.
        """
        levels = self.levels
        used = max(_number(soft), _number(hard))
        self._note_over(mono, _number(soft) >= levels.halt and trust_soft)
        confirmed = self.over_since is not None and mono - self.over_since >= levels.halt_confirm_s * SECOND
        if self.state is DayState.HALT:
            return self.state
        if _number(hard) >= levels.halt or confirmed:
            self.state = DayState.HALT
        elif self.state is DayState.COOLDOWN:
            if mono >= self.cooldown_until and used < levels.cooldown_off:
                self.state = DayState.WARN
        elif used >= levels.cooldown:
            self._cool_down(mono)
        elif used >= levels.warn:
            self.state = DayState.WARN
        elif used < levels.warn_off:
            self.state = DayState.NORMAL
        return self.state

    def new_day(self) -> None:
        """Midnight: cool-downs are counted anew. A halt and a running cool-down stay."""
        self.cooldowns = 0
        self.over_since = None

    def release(self) -> None:
        """A person ends a halt: back to WARN, from where only the levels lead down."""
        self.state = DayState.WARN
        self.cooldowns = 0
        self.over_since = None

    def _cool_down(self, mono: Nanos) -> None:
        self.cooldowns += 1
        if self.cooldowns > self.levels.max_cooldowns:
            self.state = DayState.HALT
            return
        self.state = DayState.COOLDOWN
        self.cooldown_until = mono + self.levels.cooldown_s * SECOND

    def _note_over(self, mono: Nanos, over: bool) -> None:
        if not over:
            self.over_since = None
        elif self.over_since is None:
            self.over_since = mono


def _number(used: float) -> float:
    """``used``, or 1.0 for a value that is no number: what cannot be judged is taken at its worst."""
    return used if used == used else 1.0
