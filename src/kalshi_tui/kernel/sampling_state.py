"""What the slow clock keeps: statistical pairs and what they hold, and how events moved."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from kalshi_tui.pricing.pairs import Pair, PairSpec
from kalshi_tui.protocol.units import Count, Nanos

SAMPLE_S = 10.0
"""Seconds between two samples."""
KEPT = 720
"""Minutes of increments kept for each event."""


@dataclass(slots=True)
class PairRun:
    """One pair and what it holds."""

    spec: PairSpec
    pair: Pair
    side: int = 0
    """+1 the residual is bought, -1 sold, 0 out."""
    since: Nanos = 0
    """Monotonic time of the last entry."""
    exhausted: bool = False
    """Held for too long: not entered again before the residual was back."""
    held: dict[str, Count] = field(default_factory=dict)
    """Signed contracts bought for it, by ticker."""
    target: dict[str, Count] = field(default_factory=dict)


def begin(specs: tuple[PairSpec, ...]) -> list[PairRun]:
    """Runs of these pairs; a market is in one pair at most, the surest first."""
    runs: list[PairRun] = []
    taken: set[str] = set()
    for spec in sorted(specs, key=lambda one: (one.p, one.y, one.x)):
        if taken.isdisjoint((spec.y, spec.x)):
            taken.update((spec.y, spec.x))
            runs.append(PairRun(spec, Pair.measured(spec, SAMPLE_S)))
    return runs


@dataclass(slots=True)
class EventMoves:
    """One event's most uncertain market, and how it moved."""

    ticker: str
    last: tuple[int, float] | None = None
    """(minute, log-odds) of the newest sample."""
    increments: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=KEPT))
    """(minute, change over that minute), latent numbers rising."""
