"""Fitting Stoikov's micro-price (SSRN 2970694) to samples of a book's touch. Offline: this one needs numpy.

State: (imbalance bucket, spread in levels). One step is one sample. With Q the transitions without a mid
move, R the probabilities of each mid move and T the transitions with one:

    G1 = (I - Q)^-1 R k      B = (I - Q)^-1 T      G* = sum_j B^j G1

B is row-stochastic, so I - B is singular; with pi its stationary row, G* solves (I - B + 1 pi) G* = G1 when
pi G1 = 0, which symmetrising the sample (YES and NO swapped) guarantees. Every cell of the state grid is
kept, also those no sample fell into; the published code drops or misaligns them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from kalshi_tui.features.formulas import queue_share, tick_around
from kalshi_tui.features.microprice import MicroTable
from kalshi_tui.protocol.ticks import TickGrid

Matrix = NDArray[np.float64]
MOVES_PER_ROW = 200
"""Mid moves a spread row needs before it is believed."""
MARTINGALE_TOLERANCE = 1e-10


class Sample(Struct, frozen=True, gc=False):
    """One step: the state before and after, and how far the mid moved in half ticks."""

    share: float
    """Bid's share of the touch before, 0..1."""
    spread: int
    """Levels before."""
    next_share: float
    next_spread: int
    half_ticks: int


class FitError(ValueError):
    """A sample no table can be fitted to, with what is missing."""


def fixed_point(q: Matrix, r: Matrix, k: Sequence[float], t: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """``(G1, B, G*)`` of a chain; ``r`` is states x moves, ``k`` the size of each move.

    Raises ``FitError`` where the chain is not balanced (``pi G1`` is not 0): its micro-price would drift.
    """
    n = q.shape[0]
    stay = np.eye(n) - q
    first = _solve(stay, r @ np.asarray(k, dtype=np.float64))
    b = _solve(stay, t)
    if np.abs(b.sum(axis=1) - 1.0).max() > 1e-9:
        raise FitError("the chain leaks: from some state the mid would never move again")
    pi = _stationary(b)
    drift = float(pi @ first)
    if abs(drift) > MARTINGALE_TOLERANCE:
        raise FitError(
            f"the chain drifts by {drift:.2e} ticks a move: its sample is not symmetric in YES and NO"
        )
    return first, b, _solve(np.eye(n) - b + np.outer(np.ones(n), pi), first)


def after_moves(first: Matrix, b: Matrix, moves: int) -> Matrix:
    """``sum_{j < moves} B^j G1``: the expected mid after that many moves (Stoikov's notebook takes six)."""
    total = np.zeros_like(first)
    term = first
    for _ in range(moves):
        total = total + term
        term = b @ term
    return total


def _solve(a: Matrix, b: Matrix) -> Matrix:
    return np.asarray(np.linalg.solve(a, b), dtype=np.float64)


def _stationary(b: Matrix) -> Matrix:
    """The row pi with pi B = pi, sum 1 (least squares: B may have states nobody enters)."""
    n = b.shape[0]
    system = np.vstack([b.T - np.eye(n), np.ones(n)])
    target = np.zeros(n + 1)
    target[-1] = 1.0
    solution: Matrix = np.linalg.lstsq(system, target, rcond=None)[0]
    return solution


def fit_table(
    samples: Iterable[Sample],
    buckets: int = 5,
    spreads: int = 4,
    reach: int = 4,
    shrink: float = 0.5,
    source: str = "",
) -> MicroTable:
    """A table with an odd number of imbalance ``buckets`` and spreads of 1 .. ``spreads`` levels (wider:
    the last).

    Moves beyond ``reach`` half ticks are left out, jumps have no place here; exclude event windows
    beforehand. Each state has one prior count that leads anywhere and moves the mid nowhere on average.
    Rows with fewer than ``MOVES_PER_ROW`` moves become ``shrink`` times the weighted mid and say so in
    ``fitted``.
    """
    if buckets < 3 or buckets % 2 == 0 or spreads < 1 or reach < 1:
        raise FitError(
            "a micro-price table needs an odd number of buckets, at least 3, and at least 1 spread"
        )
    n = buckets * spreads
    quiet = np.full((n, n), 0.5 / n)
    moved = np.full((n, n), 0.5 / n)
    moves = np.zeros((n, 2 * reach + 1))
    moves[:, [reach - 1, reach + 1]] = 0.25
    per_row = [0] * spreads
    for one in samples:
        if abs(one.half_ticks) > reach or one.spread < 1 or one.next_spread < 1:
            continue
        row, next_row = min(one.spread, spreads) - 1, min(one.next_spread, spreads) - 1
        column, next_column = _bucket(one.share, buckets), _bucket(one.next_share, buckets)
        per_row[row] += one.half_ticks != 0
        for sign in (1, -1):
            x = row * buckets + (column if sign > 0 else buckets - 1 - column)
            y = next_row * buckets + (next_column if sign > 0 else buckets - 1 - next_column)
            if one.half_ticks:
                moved[x, y] += 1.0
                moves[x, reach + sign * one.half_ticks] += 1.0
            else:
                quiet[x, y] += 1.0
    totals = (quiet.sum(axis=1) + moved.sum(axis=1))[:, None]
    sizes = [half / 2.0 for half in range(-reach, reach + 1)]
    _, _, star = fixed_point(quiet / totals, moves / totals, sizes, moved / totals)
    fitted = tuple(count >= MOVES_PER_ROW for count in per_row)
    rows = []
    for spread, enough in enumerate(fitted):
        shifts = star[spread * buckets : (spread + 1) * buckets]
        if not enough:
            shifts = shrink * ((np.arange(buckets) + 0.5) / buckets - 0.5) * (spread + 1)
        shifts = (shifts - shifts[::-1]) / 2.0  # antisymmetric to the last bit
        rows.append(tuple(float(shift) for shift in shifts))
    return MicroTable(tuple(rows), fitted, source)


def _bucket(share: float, buckets: int) -> int:
    return min(max(int(share * buckets), 0), buckets - 1)


def samples_from_touch(
    touches: Iterable[tuple[int, int, int, int]], grid: TickGrid, prior: int
) -> Iterator[Sample]:
    """Samples of consecutive uncrossed touches (bid, bid size, ask, ask size) on ``grid``.

    ``prior`` is the queue prior the features use, so that table and look-up mean the same share. A move is
    counted in half ticks at the mid; touches off the grid end the chain.
    """
    before: tuple[float, int, int] | None = None
    for bid, bid_size, ask, ask_size in touches:
        if not (bid < ask and grid.is_valid(bid) and grid.is_valid(ask)):
            before = None
            continue
        share = queue_share(bid_size, ask_size, prior)
        spread = grid.levels_between(bid, ask)
        mid2 = bid + ask
        if before is not None:
            half_ticks = round((mid2 - before[2]) / tick_around(grid, before[2] / 2))
            yield Sample(before[0], before[1], share, spread, half_ticks)
        before = (share, spread, mid2)
