"""What can be claimed from a few recorded events: an event is one observation, however many seconds it has.

Walk-forward: an event is tested by what was fitted on events that were over before it began. Intervals come from
resampling whole events (cluster bootstrap), the test of a paired difference from flipping the sign of whole events.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from kalshi_tui.protocol.units import SECOND, Nanos

RESAMPLES = 10_000
LEVEL = 0.95
EMBARGO: Nanos = 60 * SECOND
"""Between the end of a training event and the begin of the tested one: no label of a minute reaches across."""
EXACT_UP_TO = 16
"""Events whose signs are flipped in every way; beyond, in ``FLIPS`` random ways."""
FLIPS = 65_536
FEWEST_EVENTS = 5
"""Held-out events without which nothing is accepted: of four, even all in favour happen by chance 1 time in 16."""


class Span(Struct, frozen=True):
    """One event on the tapes, in wall time."""

    event: str
    begun: Nanos
    ended: Nanos


class Fold(Struct, frozen=True):
    """``test`` is judged by what was fitted on ``train``."""

    test: str
    train: tuple[str, ...]


def walk_forward(spans: Sequence[Span], embargo: Nanos = EMBARGO) -> list[Fold]:
    """A fold for every event before which another one was over, in time order. No event is ever split."""
    ordered = sorted(spans, key=lambda span: (span.begun, span.event))
    folds = []
    for test in ordered:
        train = tuple(span.event for span in ordered if span.ended + embargo <= test.begun)
        if train:
            folds.append(Fold(test.event, train))
    return folds


def cluster_interval(
    tops: Sequence[float], bottoms: Sequence[float], seed: int
) -> tuple[float, float] | None:
    """The 95 % percentile interval of ``sum(tops) / sum(bottoms)`` over resampled events, one item an event.

    None where nothing can be said: no event, or resamples without anything to divide by.
    """
    if not tops:
        return None
    drawn = np.random.default_rng(seed).integers(0, len(tops), (RESAMPLES, len(tops)))
    over, under = np.asarray(tops)[drawn].sum(axis=1), np.asarray(bottoms)[drawn].sum(axis=1)
    if not (under > 0.0).all():
        return None
    edges = np.quantile(over / under, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return float(edges[0]), float(edges[1])


def sign_flip_p(differences: Sequence[float], seed: int) -> float:
    """One-sided: how often flipped signs give a sum as low as the one seen (low is good). 1 for no event.

    Five of five below zero is 1/32.
    """
    n = len(differences)
    if n == 0:
        return 1.0
    values = np.asarray(differences, dtype=np.float64)
    if n <= EXACT_UP_TO:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        extra = 0
    else:
        signs = np.random.default_rng(seed).choice((-1, 1), (FLIPS, n))
        extra = 1  # the one that was seen
    seen = float(values.sum())
    slack = 1e-12 * float(np.abs(values).sum())
    lower = int((signs @ values <= seen + slack).sum())
    return (lower + extra) / (len(signs) + extra)
