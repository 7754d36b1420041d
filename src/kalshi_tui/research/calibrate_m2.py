"""M2's thresholds from recorded moves: active when the price runs, calm when it does not.

A second is *jump* when the mid is 5 cents or more from where it was at some moment of the last 60 s; a run of such
seconds is a window, and the regime caught it if it was not calm at the window's first second. A second is *quiet*
when it has a mid and no second within a minute of it is jump. Thresholds are chosen to catch 95 % of windows and,
among those that do, to be active for the least of the quiet seconds; the target is 5 %.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from kalshi_tui.pricing.regime import RegimeMachine, RegimeParams
from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.units import CENT, SECOND, Nanos, Price
from kalshi_tui.research.calibrate_stats import FEWEST_EVENTS, Fold, cluster_interval
from kalshi_tui.research.calibrate_tape import State, Watched

JUMP: Price = 5 * CENT
WITHIN: Nanos = 60 * SECOND
RECALL = 0.95
MOST_ACTIVE = 0.05
UPS = tuple(round(1.05 + 0.05 * step, 2) for step in range(40))
"""Candidates for ``up``, 1.05 to 3; ``down`` is one of ``DOWNS`` of the way from 1 to it."""
DOWNS = (0.2, 0.4, 0.6, 0.8, 1.0)


class Second(Struct, frozen=True, gc=False):
    """One beat of the clock with its label."""

    at: float
    """Monotonic seconds."""
    spread_ratio: float | None
    vol_ratio: float | None
    event: bool
    jump: bool
    quiet: bool


class Confusion(Struct):
    """Seconds by label and regime, and windows; seconds that are neither jump nor quiet are in no cell."""

    event: str = ""
    jump_active: int = 0
    jump_calm: int = 0
    quiet_active: int = 0
    quiet_calm: int = 0
    windows: int = 0
    caught: int = 0

    def add(self, other: Confusion) -> None:
        for name in self.__struct_fields__[1:]:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def recall(self) -> float | None:
        return self.caught / self.windows if self.windows else None

    @property
    def quiet_share(self) -> float | None:
        """Share of the quiet seconds that were active."""
        quiet = self.quiet_active + self.quiet_calm
        return self.quiet_active / quiet if quiet else None


class FoldResult(Struct, frozen=True):
    fold: Fold
    params: RegimeParams
    held_out: Confusion
    by_default: Confusion
    """The same event under the thresholds that hold without a calibration."""


class Rate(Struct, frozen=True):
    """One rate over the held-out events together, with its interval over events."""

    name: str
    events: int
    value: float | None
    interval: tuple[float, float] | None
    by_default: float | None
    target: float


def label(states: Iterable[State]) -> list[Second]:
    """The beats of one segment with their labels."""
    beats = [state for state in states if state.beat]
    jumps = _jumps(beats)
    near: list[bool] = [False] * len(beats)
    for order in (range(len(beats)), range(len(beats) - 1, -1, -1)):
        last: Nanos | None = None
        for i in order:
            last = beats[i].at if jumps[i] else last
            near[i] = near[i] or (last is not None and abs(beats[i].at - last) <= WITHIN)
    return [
        Second(b.at / SECOND, b.spread_ratio, b.vol_ratio, b.event, jump, b.mid2 is not None and not close)
        for b, jump, close in zip(beats, jumps, near, strict=True)
    ]


def _jumps(beats: Sequence[State]) -> list[bool]:
    found = []
    recent: deque[tuple[Nanos, int]] = deque()
    for beat in beats:
        while recent and recent[0][0] < beat.at - WITHIN:
            recent.popleft()
        mid2 = beat.mid2
        if mid2 is None:
            found.append(False)
            continue
        recent.append((beat.at, mid2))
        found.append(any(abs(mid2 - other) >= 2 * JUMP for _, other in recent))
    return found


def seconds(markets: Iterable[Watched]) -> list[list[Second]]:
    """All segments of these markets, labelled."""
    return [label(segment) for market in markets for segment in market.segments]


def judge(params: RegimeParams, segments: Iterable[Sequence[Second]], event: str = "") -> Confusion:
    """Run the machine over labelled segments."""
    total = Confusion(event)
    for segment in segments:
        machine = RegimeMachine(params)
        active = [
            machine.update(s.at, s.spread_ratio, s.vol_ratio, s.event) is not Regime.CALM for s in segment
        ]
        for second, is_active in zip(segment, active, strict=True):
            total.jump_active += second.jump and is_active
            total.jump_calm += second.jump and not is_active
            total.quiet_active += second.quiet and is_active
            total.quiet_calm += second.quiet and not is_active
        for i in _begins(segment):
            total.windows += 1
            total.caught += active[i]
    return total


def _begins(segment: Sequence[Second]) -> Iterator[int]:
    """Where a window begins; one that a segment begins with is not known to begin there."""
    return (i for i, (one, two) in enumerate(pairwise(segment), 1) if two.jump and not one.jump)


def candidates() -> Iterator[RegimeParams]:
    """All thresholds tried, loosest last."""
    for up in UPS:
        for part in DOWNS:
            yield RegimeParams(up, round(1.0 + part * (up - 1.0), 3))


def fit(segments: Sequence[Sequence[Second]]) -> RegimeParams:
    """The candidate that catches enough windows at the least active quiet time, else the one that catches most.

    Of equals the loosest: what data does not ask for is not tightened.
    """
    best: tuple[float, float, RegimeParams] | None = None
    for params in candidates():
        result = judge(params, segments)
        missed = max(RECALL - (result.recall or 0.0), 0.0)
        share = result.quiet_share or 0.0
        if best is None or (missed, share) <= best[:2]:
            best = (missed, share, params)
    assert best is not None  # there are candidates
    return best[2]


def run_fold(fold: Fold, events: dict[str, list[Watched]]) -> FoldResult:
    """Fit on the training events, judge on the tested one."""
    params = fit([s for event in fold.train for s in seconds(events[event])])
    test = seconds(events[fold.test])
    return FoldResult(fold, params, judge(params, test, fold.test), judge(RegimeParams(), test, fold.test))


def rates(folds: Sequence[FoldResult], seed: int) -> list[Rate]:
    """Recall and active quiet time over the held-out events."""
    held = [result.held_out for result in folds]
    fitted, default = Confusion(), Confusion()
    for result in folds:
        fitted.add(result.held_out)
        default.add(result.by_default)
    recall = cluster_interval([c.caught for c in held], [c.windows for c in held], seed)
    share = cluster_interval(
        [c.quiet_active for c in held], [c.quiet_active + c.quiet_calm for c in held], seed
    )
    return [
        Rate("recall", len(held), fitted.recall, recall, default.recall, RECALL),
        Rate("active in quiet", len(held), fitted.quiet_share, share, default.quiet_share, MOST_ACTIVE),
    ]


def refusal(found: Sequence[Rate]) -> str:
    """Why these thresholds must not be traded on; empty where they may."""
    recall, share = found
    reasons = []
    if recall.events < FEWEST_EVENTS:
        reasons.append(
            f"{recall.events} held-out events can show nothing, {FEWEST_EVENTS} are the fewest that can"
        )
    if recall.value is None:
        reasons.append("no held-out event has a move of 5 cents in a minute")
    elif recall.value < RECALL:
        reasons.append(f"held out it catches {recall.value:.0%} of the moves, not {RECALL:.0%}")
    if share.value is None:
        reasons.append("no held-out event has a quiet stretch")
    elif share.interval is None:
        reasons.append("too few held-out events have a quiet stretch")
    elif share.value > MOST_ACTIVE:
        reasons.append(f"held out it is active in {share.value:.0%} of the quiet time, not {MOST_ACTIVE:.0%}")
    return "; ".join(reasons)


def percent(value: float | None) -> str:
    return "none" if value is None else f"{value:.0%}"


def shown(interval: tuple[float, float] | None) -> str:
    """The interval in words."""
    return "[no interval]" if interval is None else f"[95 %: {interval[0]:.0%}, {interval[1]:.0%}]"
