"""Statistical pairs from recordings: every two markets of different events, tested together, most of them refused.

Log-odds of the weighted mid every ten seconds outside events; Engle and Granger's test by statsmodels, its p-values
adjusted by Benjamini and Hochberg over every pair that was tried. Two binaries are not cointegrated through their
resolution: what passes is a habit between prints, and is shown as one.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import log

import numpy as np
from msgspec import Struct

from kalshi_tui.pricing.pairs import PairRules, PairSpec, half_life
from kalshi_tui.protocol.units import ONE, SECOND, Nanos, counted
from kalshi_tui.research.calibrate_tape import State, Watched

SAMPLE: Nanos = 10 * SECOND
TAIL = 0.03
"""Dollars from 0 or 1 nearer than which log-odds say nothing: the desk takes no sample there either."""
LONGEST_HOLE = 6
"""Samples; over a longer one two stretches are two."""
LARGEST_P = 0.05
RULES = PairRules()

Series = Mapping[int, float]
"""Log-odds by the number of their ten seconds, on the wall clock."""


class NoStatsmodelsError(Exception):
    """The test is not installed, in a sentence that says what to do."""


class PairTest(Struct):
    """One pair that was tried."""

    y: str
    x: str
    samples: int
    alpha: float
    beta: float
    mean_y: float
    mean_x: float
    sd: float
    """Of the residual, log-odds."""
    half_life_s: float
    """Infinite where the residual does not come back."""
    p: float
    """Of this test alone."""
    p_adjusted: float = 1.0
    """Benjamini and Hochberg's, over all pairs tried."""

    @property
    def refusal(self) -> str:
        """Why it is not traded on, or empty."""
        if not self.p_adjusted < LARGEST_P:
            return f"adjusted p {self.p_adjusted:.3f} is not below {LARGEST_P}"
        if not RULES.least_half_life_s <= self.half_life_s <= RULES.most_half_life_s:
            least, most = RULES.least_half_life_s, RULES.most_half_life_s
            return f"half-life {self.half_life_s:.0f} s is outside {least:.0f} to {most:.0f} s"
        return ""

    def spec(self) -> PairSpec:
        return PairSpec(
            self.y, self.x, self.beta, self.mean_y, self.mean_x, self.sd, self.half_life_s, self.samples,
            self.p_adjusted,
        )  # fmt: skip


def require_statsmodels() -> None:
    """Raises ``NoStatsmodelsError`` where it can not be imported."""
    try:
        importlib.import_module("statsmodels.tsa.stattools")
    except ImportError:
        raise NoStatsmodelsError(
            "calibrating m3 needs statsmodels: install it with `pip install 'kalshi-tui[research]'`."
        ) from None


def try_pairs(markets: Sequence[Watched]) -> tuple[list[PairTest], int]:
    """Every testable pair of markets of different events, surest first, and how many had too few samples."""
    series = {market.ticker: sampled(market) for market in markets}
    event = {market.ticker: market.event for market in markets}
    tests: list[PairTest] = []
    short = 0
    for y, x in combinations(sorted(series), 2):
        if event[y] == event[x]:
            continue  # what binds these is proved or nothing
        rows = common(series[y], series[x])
        if len(rows) < RULES.least_samples:
            short += 1
            continue
        tests.append(_test(y, x, rows))
    for test, adjusted in zip(tests, benjamini_hochberg([test.p for test in tests]), strict=True):
        test.p_adjusted = adjusted
    return sorted(tests, key=lambda test: (test.p_adjusted, test.y, test.x)), short


def sampled(market: Watched) -> dict[int, float]:
    """The last quiet state of each ten seconds."""
    found: dict[int, float] = {}
    for offset, segment in zip(market.offsets, market.segments, strict=True):
        for state in segment:
            value = _log_odds(state)
            number = (state.at + offset) // SAMPLE
            if value is None:
                found.pop(number, None)
            else:
                found[number] = value
    return found


def _log_odds(state: State) -> float | None:
    depth = state.bid_size + state.ask_size
    if state.event or state.mid2 is None or not depth:
        return None
    p = (state.bid * state.ask_size + state.ask * state.bid_size) / depth / ONE
    return log(p / (1.0 - p)) if TAIL <= p <= 1.0 - TAIL else None


def common(y: Series, x: Series) -> list[tuple[float, float]]:
    """Samples of both, of the longest stretch without a hole."""
    best: list[int] = []
    stretch: list[int] = []
    for number in sorted(y.keys() & x.keys()):
        if stretch and number - stretch[-1] > LONGEST_HOLE:
            stretch = []
        stretch.append(number)
        if len(stretch) > len(best):
            best = stretch
    return [(y[number], x[number]) for number in best]


def _test(y_ticker: str, x_ticker: str, rows: Sequence[tuple[float, float]]) -> PairTest:
    y, x = np.array(rows).T
    mean_y, mean_x = float(y.mean()), float(x.mean())
    spread = float(((x - mean_x) ** 2).sum())
    beta = float(((x - mean_x) * (y - mean_y)).sum()) / spread if spread else 0.0
    residual = y - mean_y - beta * (x - mean_x)
    before, after = residual[:-1], residual[1:]
    power = float((before**2).sum())
    phi = float((before * after).sum()) / power if power else 0.0
    p = _engle_granger(y, x) if spread and power else 1.0
    return PairTest(
        y_ticker, x_ticker, len(rows), mean_y - beta * mean_x, beta, mean_y, mean_x, float(residual.std()),
        half_life(phi, SAMPLE / SECOND), p,
    )  # fmt: skip


def _engle_granger(y: object, x: object) -> float:
    """Its p-value; 1 where the two are the same line but for rounding."""
    coint = importlib.import_module("statsmodels.tsa.stattools").coint
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # collinear series warn, and get no verdict below
        statistic, p, _ = coint(y, x)
    return float(p) if np.isfinite(statistic) else 1.0


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given: those below q have a false discovery rate of at most q."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    adjusted = [1.0] * len(p)
    least = 1.0
    for rank, i in reversed(list(enumerate(order, 1))):
        least = min(least, p[i] * len(p) / rank)
        adjusted[i] = least
    return adjusted


def sentences(tests: Sequence[PairTest], short: int) -> Iterator[str]:
    """What was found, for a person."""
    few = f"; {short} more have under {RULES.least_samples} samples in common" if short else ""
    yield f"{counted(len(tests), 'pair')} of markets of different events tried{few}"
    for test in tests[:20]:
        verdict = test.refusal or "blessed"
        yield (
            f"  {test.y} on {test.x}: beta {test.beta:+.2f}, half-life {test.half_life_s:.0f} s, "
            f"p {test.p:.4f}, adjusted {test.p_adjusted:.4f}, {test.samples} samples: {verdict}"
        )
