"""R2: limits that follow the market's mood and the clock.

Each condition has a row of multipliers; the least of each column counts, never the product. Tightening is
immediate and only stops additions: it sweeps nothing and is no reason for R1 to warn or halt. Loosening takes
its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.units import SECOND, Nanos
from kalshi_tui.risk.base import FULL, MarketExposure, Multipliers, effective_limit
from kalshi_tui.risk.words import times


class R2Params(Struct, frozen=True):
    """How regimes and the clock scale the other engines' limits (multipliers in thousandths)."""

    loosen_per_minute: int = 100
    """Most that a multiplier rises in a minute; it falls at once."""
    calm_bonus: bool = False
    """After two calm hours the position cap grows to 1.25 of its base."""
    taper_s: int = 1800
    """Caps begin to shrink this long before a scheduled print."""
    pull_s: int = 120
    """And are down to the event's own this long before it."""

    def __post_init__(self) -> None:
        if self.loosen_per_minute < 1:
            raise ValueError("r2.loosen_per_minute must be above zero")
        if not 0 <= self.pull_s < self.taper_s:
            raise ValueError("r2.taper_s must be longer than r2.pull_s")


class Conditions(Struct, frozen=True):
    """One market's circumstances. None where something is not known or does not exist."""

    regime: Regime | None
    """None (no engine could tell) counts as an event."""
    seconds_to_close: float | None
    life_s: float | None = None
    """From open to close: near the close is measured against it."""
    seconds_to_event: float | None = None
    """To the next scheduled print that concerns this market; negative while one is under way."""
    calm_s: float = 0.0
    """How long the regime has been calm."""


class Row(Struct, frozen=True):
    """One condition's multipliers, in thousandths."""

    position: int
    size: int
    loss: int
    collar_levels: int
    rate: int
    label: str


CALM = Row(1000, 1000, 1000, 10, 1000, "")
ACTIVE = Row(500, 500, 750, 8, 1000, "active")
EVENT = Row(100, 100, 500, 5, 500, "event")
CLOSE_SOON = Row(500, 500, 750, 8, 1000, "closes soon")
CLOSING = Row(0, 0, 500, 5, 1000, "about to close")
R1_WARN = Row(1000, 500, 1000, 10, 1000, "day near its loss limit")
CALM_BONUS = 1250
CALM_BONUS_S = 7200


class R2:
    """Sets ``market.limits`` of every market, before any other engine looks."""

    name = "r2"

    def __init__(self, params: R2Params) -> None:
        self.params = params
        self._last: dict[str, tuple[Nanos, Multipliers]] = {}

    def forget(self, ticker: str) -> None:
        self._last.pop(ticker, None)

    def scale(
        self, market: MarketExposure, conditions: Conditions, now: Instant, *, r1_warn: bool = False
    ) -> Multipliers:
        """The market's multipliers now; also set on the market. ``r1_warn``: the day is near its limit."""
        target = target_multipliers(self.params, conditions, r1_warn=r1_warn)
        known = self._last.get(market.ticker)
        limits = target if known is None else self._eased(known[1], target, now.mono - known[0])
        if known is None or limits != known[1] or now.mono - known[0] >= 60 * SECOND:
            self._last[market.ticker] = (now.mono, limits)
        market.limits = limits
        return limits

    def _eased(self, last: Multipliers, target: Multipliers, elapsed: Nanos) -> Multipliers:
        """Down at once, up by at most ``loosen_per_minute``. The collar, a check of prices, follows at once."""
        if last == target:
            return target
        step = self.params.loosen_per_minute * max(elapsed, 0) // (60 * SECOND)
        position = min(target.position, last.position + step)
        held_back = position < target.position
        return Multipliers(
            position=position,
            size=min(target.size, last.size + step),
            loss=min(target.loss, last.loss + step),
            rate=min(target.rate, last.rate + step),
            collar_levels=target.collar_levels,
            reduce_only=target.reduce_only,
            why=f"{times(position)} easing" if held_back else target.why,
        )


def target_multipliers(params: R2Params, conditions: Conditions, *, r1_warn: bool = False) -> Multipliers:
    """The least of every condition's multipliers, and the words for the one that binds the position."""
    rows = tuple(_rows(params, conditions))
    return _least_of((*rows, R1_WARN) if r1_warn else rows)


@lru_cache(maxsize=256)
def _least_of(rows: tuple[Row, ...]) -> Multipliers:
    """Most markets are under the same few rows all day."""
    binding = min(rows, key=lambda row: (row.position, row.size))
    why = ""
    if binding.label:
        closing = binding.position == 0
        why = binding.label if closing else f"{binding.label} {times(min(binding.position, binding.size))}"
    return Multipliers(
        position=_least(row.position for row in rows),
        size=_least(row.size for row in rows),
        loss=_least(row.loss for row in rows),
        rate=_least(row.rate for row in rows),
        collar_levels=min(row.collar_levels for row in rows),
        reduce_only=any(row is CLOSING for row in rows),
        why=why,
    )


def _least(values: Iterator[int]) -> int:
    return effective_limit(FULL, values)


def _rows(params: R2Params, conditions: Conditions) -> Iterator[Row]:
    """The rows of all conditions that hold; always at least the regime's."""
    if conditions.regime is Regime.CALM:
        bonus = params.calm_bonus and conditions.calm_s >= CALM_BONUS_S
        yield Row(CALM_BONUS, 1000, 1000, 10, 1000, "") if bonus else CALM
    else:
        yield ACTIVE if conditions.regime is Regime.ACTIVE else EVENT
    yield from _close_rows(conditions)
    yield from _taper_rows(params, conditions)


def _close_rows(conditions: Conditions) -> Iterator[Row]:
    """Near the close, measured in minutes or in shares of the market's life, whichever is less.

    A market of fifteen minutes is reduce-only for its last ninety seconds, not for ten minutes.
    """
    left, life = conditions.seconds_to_close, conditions.life_s
    if left is None:
        return
    if not left > min(600.0, 0.1 * life if life is not None and life > 0 else 600.0):
        yield CLOSING  # also where the time left is no number
    elif left <= min(3600.0, 0.5 * life if life is not None and life > 0 else 3600.0):
        yield CLOSE_SOON


def _taper_rows(params: R2Params, conditions: Conditions) -> Iterator[Row]:
    """Caps shrink in a straight line from ``taper_s`` before a print to the event's own at ``pull_s``."""
    left = conditions.seconds_to_event
    if left is None or left > params.taper_s:
        return
    if not left > params.pull_s:
        yield EVENT
        return
    share = (left - params.pull_s) / (params.taper_s - params.pull_s)
    position = EVENT.position + int((FULL - EVENT.position) * share)
    yield Row(position, FULL, FULL, 10, FULL, f"event in {int(left // 60)} min")
