"""Which regime a market is in: quick to tighten, slow to relax, and never relaxed by missing numbers."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from msgspec import Struct

from kalshi_tui.features.snapshot import FeatureSnapshot
from kalshi_tui.pricing.calendar import PrintGate, ScheduledPrint
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.units import SECOND, Nanos


class RegimeParams(Struct, frozen=True):
    """Thresholds on ``x = max(spread ratio, volatility ratio)``. The defaults are not fitted."""

    up: float = 1.5
    """From calm to active at this."""
    down: float = 1.2
    """From active to calm after ``dwell_s`` seconds below this."""
    dwell_s: float = 30.0

    def __post_init__(self) -> None:
        if not 1.0 <= self.down <= self.up:
            raise ValueError(f"regime thresholds must be 1 <= down <= up, not {self.down} and {self.up}")
        if not 0.0 < self.dwell_s <= 3600.0:
            raise ValueError(f"the regime's dwell must be above 0, at most 3600 seconds, not {self.dwell_s}")


class RegimeMachine:
    """Calm, active, event with hysteresis. An event ends in active, never directly in calm."""

    __slots__ = ("_below", "params", "state")

    def __init__(self, params: RegimeParams | None = None, start: Regime = Regime.ACTIVE) -> None:
        self.params = params or RegimeParams()
        self.state = start
        self._below: float | None = None
        """Since when x has been below ``down`` without a break, seconds."""

    def update(
        self, seconds: float, spread_ratio: float | None, vol_ratio: float | None, event: bool
    ) -> Regime:
        """The regime at ``seconds`` of monotonic time. A missing or broken ratio never relaxes anything."""
        x = _stress(spread_ratio, vol_ratio, self.params.down)
        if event:
            self.state = Regime.EVENT
            self._below = None
            return self.state
        if self.state is Regime.EVENT:
            self.state = Regime.ACTIVE
            self._below = None
        if x is None or x >= self.params.down:
            self._below = None
        elif self._below is None:
            self._below = seconds
        if self.state is Regime.CALM:
            if x is not None and x >= self.params.up:
                self.state = Regime.ACTIVE
        elif self._below is not None and seconds - self._below >= self.params.dwell_s:
            self.state = Regime.CALM
        return self.state


def _stress(spread_ratio: float | None, vol_ratio: float | None, down: float) -> float | None:
    """The larger ratio; None when one is missing, unless the other alone is too high for calm."""
    if spread_ratio is not None and vol_ratio is not None and isfinite(spread_ratio) and isfinite(vol_ratio):
        return spread_ratio if spread_ratio >= vol_ratio else vol_ratio
    known = [ratio for ratio in (spread_ratio, vol_ratio) if ratio is not None and isfinite(ratio)]
    # Half the evidence may tighten, not relax: a calm half is as good as none.
    return max(known) if known and max(known) >= down else None


class MarketRegime:
    """One market's regime from its features, its calendar and the trader's override."""

    __slots__ = ("_gate", "_machine", "_pin", "why", "window")

    def __init__(
        self,
        series_ticker: str = "",
        prints: Iterable[ScheduledPrint] = (),
        params: RegimeParams | None = None,
        start: Regime = Regime.ACTIVE,
    ) -> None:
        self._machine = RegimeMachine(params, start)
        self._gate = PrintGate(series_ticker, prints)
        self._pin: tuple[Regime, Nanos] | None = None
        self.why = ""
        """Why it is an event, or that the trader pinned it; empty otherwise."""
        self.window = False
        """Inside a scheduled print's window, and the trader has not said otherwise."""

    def schedule(self, prints: Iterable[ScheduledPrint]) -> None:
        """Replace the calendar."""
        self._gate.schedule(prints)

    def pin(self, regime: Regime, until: Nanos) -> None:
        """The trader's override, until this monotonic time."""
        self._pin = (regime, until)

    def unpin(self) -> None:
        self._pin = None

    def update(self, now: Instant, features: FeatureSnapshot) -> Regime:
        """The regime in force. The machine runs on beneath a pin, so that its end is no surprise."""
        window = self._gate.closed_by(now.wall, features.trades, features.spread_ratio)
        self.window = window is not None
        if window is not None:
            self.why = f"{window.label} window"
        elif features.jump:
            self.why = "jump"
        elif features.problem:
            self.why = features.problem
        else:
            self.why = ""
        state = self._machine.update(
            now.mono / SECOND, features.spread_ratio, features.vol_ratio, event=bool(self.why)
        )
        if self._pin is not None:
            pinned, until = self._pin
            if now.mono < until:
                self.why = f"pinned {pinned.value} by hand"
                self.window = False
                return pinned
            self._pin = None
        return state
