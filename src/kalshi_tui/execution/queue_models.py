"""Where a simulated order stands in its queue: how much rests in front of it at its price.

Source: the queue models of hftbacktest (``queue.rs``, MIT), restated. On a trade at the order's price the
front shrinks by the trade. On a fall of the displayed size that trades do not explain, somebody cancelled, in
front of the order or behind it: ``RiskAverse`` assumes always behind, the others by a probability. On a rise
nothing moves. Amounts in front are rounded up to 1/100 contract: rounding never improves a place.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, log1p
from typing import Protocol

from kalshi_tui.protocol.units import Count


class QueueModel(Protocol):
    """``on_depth`` answers the new front after the level's displayed size went from ``before`` to ``after``,
    ``traded`` of it in trades the front has already been told of."""

    def on_depth(self, front: Count, before: Count, after: Count, traded: Count) -> Count: ...


class RiskAverse:
    """The floor: only trades advance an order (and no more can be in front than is displayed)."""

    def on_depth(self, front: Count, before: Count, after: Count, traded: Count) -> Count:
        return min(front, after)


class Power:
    """Cancels come from behind with probability back^n / (back^n + front^n)."""

    def __init__(self, n: float = 2.0) -> None:
        if n <= 0:
            raise ValueError("the exponent of the queue model must be above zero")
        self.n = n

    def on_depth(self, front: Count, before: Count, after: Count, traded: Count) -> Count:
        return _rounded(power_front(front, before, after, traded, self.n), after)


class Logarithmic:
    """The same with log(1 + x) in place of x^n."""

    def on_depth(self, front: Count, before: Count, after: Count, traded: Count) -> Count:
        return _rounded(log_front(front, before, after, traded), after)


class Optimistic:
    """The ceiling: an order is always at the front. For comparison only."""

    def on_depth(self, front: Count, before: Count, after: Count, traded: Count) -> Count:
        return 0


MODELS: dict[str, Callable[[], QueueModel]] = {
    "risk averse": RiskAverse,
    "power": Power,
    "logarithmic": Logarithmic,
    "optimistic": Optimistic,
}
"""By the name used in configuration and reports."""


def power_front(front: float, before: float, after: float, traded: float, n: float) -> float:
    """The expected front under ``Power``, in the unit of its inputs."""
    return _expected_front(front, before, after, traded, lambda x: x**n)


def log_front(front: float, before: float, after: float, traded: float) -> float:
    """The expected front under ``Logarithmic``. Its weights depend on the unit: give contracts."""
    return _expected_front(front, before, after, traded, log1p)


def _expected_front(
    front: float, before: float, after: float, traded: float, weight: Callable[[float], float]
) -> float:
    cancelled = before - after - traded
    if cancelled <= 0:
        return min(front, after)
    back = max(before - front, 0.0)
    total = weight(back) + weight(max(front, 0.0))
    behind = weight(back) / total if total > 0 else 1.0
    # The second bound also covers more cancelled "behind" than there was behind.
    return min(front - (1.0 - behind) * cancelled, after)


def _rounded(front: float, after: Count) -> Count:
    return min(max(ceil(front), 0), after)
