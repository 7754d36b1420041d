"""The micro-price table from recorded touches, and whether it forecasts better than what needs no table.

Stoikov's estimation (``features.microprice_fit``) on the steady share that trading looks the table up by. Judged by
the squared error of the mid 30 seconds later, once a second, against the mid and against the weighted mid.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import mean, stdev

from msgspec import Struct

from kalshi_tui.features.formulas import weighted_mid
from kalshi_tui.features.microprice import MicroTable
from kalshi_tui.features.microprice_fit import Sample, fit_table
from kalshi_tui.protocol.units import CENT, SECOND, Nanos
from kalshi_tui.research.calibrate_stats import FEWEST_EVENTS, Fold, cluster_interval, sign_flip_p
from kalshi_tui.research.calibrate_tape import State, Watched
from kalshi_tui.research.scores import paired_sample_size

HORIZON: Nanos = 30 * SECOND
RIVALS = ("mid", "weighted mid")
LARGEST_P = 0.05


class Errors(Struct):
    """Sums over one event's seconds, squared cents."""

    event: str
    points: int = 0
    missing: int = 0
    """Seconds 30 s before there was no mid: after the close, in a hole of the tape, one-sided."""
    micro: float = 0.0
    mid: float = 0.0
    weighted: float = 0.0

    def of(self, rival: str) -> float:
        return self.mid if rival == "mid" else self.weighted


class FoldResult(Struct, frozen=True):
    fold: Fold
    samples: int
    moves: int
    fitted: tuple[bool, ...]
    errors: Errors


class Comparison(Struct, frozen=True):
    """Held out, against one rival. Each event counts the same; squared cents, negative is better."""

    against: str
    events: int
    points: int
    micro: float
    rival: float
    difference: float
    interval: tuple[float, float] | None
    p: float
    events_needed: int | None = None
    """Held-out events that would show such a difference, were it true, four times in five; None: not known."""

    @property
    def beats(self) -> bool:
        return self.interval is not None and self.interval[1] < 0.0 and self.p <= LARGEST_P


def samples(markets: Iterable[Watched]) -> Iterator[Sample]:
    """Steps between consecutive states; those that touch a jump's 20 seconds are left out, and holes end a chain."""
    for market in markets:
        for segment in market.segments:
            for one, two in pairwise(segment):
                if one.event or two.event or one.mid2 is None or two.mid2 is None:
                    continue
                if one.spread is None or two.spread is None:
                    continue
                moved = round((two.mid2 - one.mid2) / one.tick)
                yield Sample(one.share, one.spread, two.share, two.spread, moved)


def fit(markets: Sequence[Watched], source: str) -> tuple[MicroTable, int, int]:
    """(table, samples, moves of the mid among them)."""
    steps = list(samples(markets))
    return fit_table(steps, source=source), len(steps), sum(step.half_ticks != 0 for step in steps)


def fair(table: MicroTable, state: State) -> float:
    """M1's centre with nothing held, in price units: the micro-price held at the touch, else the mid."""
    middle = (state.bid + state.ask) / 2
    shift = None if state.spread is None else table.shift(state.share, state.spread)
    if shift is None:
        return middle
    return min(max(middle + shift * state.tick, state.bid), state.ask)


def errors(table: MicroTable, event: str, markets: Iterable[Watched]) -> Errors:
    """How far the mid 30 seconds later was from each forecast, over every second that had a mid."""
    total = Errors(event)
    for market in markets:
        for segment in market.segments:
            _add(total, table, segment)
    return total


def _add(total: Errors, table: MicroTable, segment: Sequence[State]) -> None:
    times = [state.at for state in segment]
    for state in segment:
        if not state.beat or state.mid2 is None:
            continue
        due = state.at + HORIZON
        later = segment[bisect_right(times, due) - 1].mid2 if due <= times[-1] else None
        if later is None:
            total.missing += 1
            continue
        came = later / 2
        weighted = weighted_mid(state.bid, state.bid_size, state.ask, state.ask_size)
        total.points += 1
        total.micro += ((fair(table, state) - came) / CENT) ** 2
        total.mid += ((state.mid2 / 2 - came) / CENT) ** 2
        total.weighted += ((weighted - came) / CENT) ** 2


def run_fold(fold: Fold, events: dict[str, list[Watched]]) -> FoldResult:
    """Fit on the training events, judge on the tested one."""
    table, count, moves = fit([m for event in fold.train for m in events[event]], "")
    return FoldResult(fold, count, moves, table.fitted, errors(table, fold.test, events[fold.test]))


def compare(folds: Sequence[FoldResult], against: str, seed: int) -> Comparison:
    """The held-out events together, as a mean over events."""
    used = [result.errors for result in folds if result.errors.points]
    micro = [one.micro / one.points for one in used]
    rival = [one.of(against) / one.points for one in used]
    differences = [a - b for a, b in zip(micro, rival, strict=True)]
    n = max(len(used), 1)
    return Comparison(
        against,
        len(used),
        sum(one.points for one in used),
        sum(micro) / n,
        sum(rival) / n,
        sum(differences) / n,
        cluster_interval(differences, [1.0] * len(used), seed),
        sign_flip_p(differences, seed),
        _needed(differences),
    )


def _needed(differences: Sequence[float]) -> int | None:
    if len(differences) < 2 or sum(differences) == 0.0:
        return None
    return max(paired_sample_size(stdev(differences), mean(differences)), FEWEST_EVENTS)


def refusal(table: MicroTable, comparisons: Sequence[Comparison]) -> str:
    """Why this table must not be traded on; empty where it may."""
    reasons = []
    events = comparisons[0].events
    if not any(table.fitted):
        reasons.append(
            "too few moves of the mid for any spread: the table is no more than a shrunk weighted mid"
        )
    if events < FEWEST_EVENTS:
        reasons.append(f"{events} held-out events can show nothing, {FEWEST_EVENTS} are the fewest that can")
    for one in comparisons:
        if not one.beats:
            reasons.append(
                f"not shown to beat the {one.against} 30 s ahead: squared error {one.difference:+.3f} ¢² "
                f"{shown(one.interval)}, p {one.p:.3f}"
            )
    return "; ".join(reasons)


def shown(interval: tuple[float, float] | None) -> str:
    """The interval in words."""
    return "[no interval]" if interval is None else f"[95 %: {interval[0]:+.3f}, {interval[1]:+.3f}]"
