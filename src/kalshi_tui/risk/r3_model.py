"""How the markets of a desk settle together: probabilities, covariances and scenarios.

Within a group (``scenarios.groups``) the outcomes themselves say how markets hang together. Between groups a
Gaussian copula ties one latent number per group. Scenarios are a fixed low-discrepancy sequence, not random
draws: the same markets give the same figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import compress

import numpy as np

from kalshi_tui.protocol.market import StrikeType
from kalshi_tui.protocol.units import ONE
from kalshi_tui.risk.base import MarketExposure
from kalshi_tui.risk.correlation import nearest_correlation, repair_covariance
from kalshi_tui.risk.covariance import tied_covariance
from kalshi_tui.risk.gaussian import Array, joint_beyond, quantiles
from kalshi_tui.risk.scenarios import Group, groups

SCENARIOS = 4096
STRESS_RHO = 0.9
_FITTING_ROUNDS = 60
_FITTED = 1e-12
"""A round that finds every chance this close is the last."""

GroupCorrelation = Callable[[MarketExposure, MarketExposure], float]
"""The latent correlation of two groups, each named by its first market."""


def probability(market: MarketExposure) -> float | None:
    """The market's chance of YES: its fair value, else its mark; None when there is neither."""
    if market.fair is not None:
        return market.fair if 0.0 <= market.fair <= 1.0 else None
    return None if market.mark is None else market.mark / ONE


class SettlementModel:
    """Markets at fixed probabilities. ``column[ticker]`` is a market's place in every array."""

    def __init__(self, markets: Sequence[MarketExposure], correlation: GroupCorrelation) -> None:
        events = dict.fromkeys(m.event_ticker for m in markets)
        self.groups: list[Group] = []
        for event in events:
            self.groups.extend(groups([m for m in markets if m.event_ticker == event]))
        ordered = [m for group in self.groups for m in group.markets]
        self.column = {m.ticker: i for i, m in enumerate(ordered)}
        # A market nobody can price is taken at its most uncertain.
        priced = [probability(m) for m in ordered]
        self.p: Array = np.array([0.5 if p is None else p for p in priced], float)
        self._quantiles = quantiles(self.p)
        self._direction: Array = np.array([_direction(m) for m in ordered], float)
        self._group: list[int] = [g for g, group in enumerate(self.groups) for _ in group.markets]
        self.latent = self._latent(correlation)
        self.blocks = self._slices()
        self.independent = repair_covariance(self._within())
        self._apart = np.nonzero(np.triu(np.subtract.outer(self._group, self._group)))
        spread = self._spread(self.latent)[self._apart]
        self.related = repair_covariance(self.independent + self._between(spread))
        self.independent_sizes: Array = np.abs(self.independent)
        self.related_sizes: Array = np.abs(self.related)
        self._together = self._between(np.array(STRESS_RHO))
        self._against = self._between(np.array(-STRESS_RHO))

    def stressed(self, n: Array) -> Array:
        """The covariance were every pair of groups to move together in the way that hurts ``n`` most.

        For the variance of this ``n`` alone: as a whole the matrix need not be a valid covariance.
        """
        signs = np.sign(n)
        return self.independent + np.where(np.outer(signs, signs) >= 0.0, self._together, self._against)

    def payoffs(self) -> Array:
        """(scenarios x markets) what each contract pays less its probability, in dollars."""
        points = _normal_points(len(self.groups)) @ np.linalg.cholesky(self.latent).T
        columns: list[Array] = []
        for g, group in enumerate(self.groups):
            outcomes = _ascending(group)
            weights = outcome_probabilities(outcomes, self.p[self.blocks[g]])
            edges = quantiles(np.minimum(np.cumsum(weights)[:-1], 1.0))
            columns.append(outcomes[np.searchsorted(edges, points[:, g], side="right")])
        paid = np.hstack(columns)
        centred: Array = paid - paid.mean(axis=0)
        return centred

    # -- inside --------------------------------------------------------------------------------------

    def _latent(self, correlation: GroupCorrelation) -> Array:
        size = len(self.groups)
        matrix = np.eye(size)
        for a in range(size):
            for b in range(a):
                rho = correlation(self.groups[a].markets[0], self.groups[b].markets[0])
                matrix[a, b] = matrix[b, a] = rho
        return nearest_correlation(matrix)

    def _slices(self) -> list[slice]:
        """Each group's columns."""
        ends = np.cumsum([len(group.markets) for group in self.groups])
        return [
            slice(int(end) - len(group.markets), int(end))
            for end, group in zip(ends, self.groups, strict=True)
        ]

    def _within(self) -> Array:
        total = np.zeros((len(self.p), len(self.p)))
        for part, group in zip(self.blocks, self.groups, strict=True):
            outcomes = np.array([o.pays for o in group.outcomes], float)
            total[part, part] = tied_covariance(self.p[part], outcomes)
        return total

    def _spread(self, latent: Array) -> Array:
        """The groups' correlations, market by market, with the direction each market pays in."""
        rho: Array = latent[np.ix_(self._group, self._group)] * np.outer(self._direction, self._direction)
        return rho

    def _between(self, rho: Array) -> Array:
        """Covariances of markets of different groups, zero elsewhere. ``rho``: one, or one for each of ``_apart``,
        the pairs above the diagonal."""
        rows, columns = self._apart
        p, q = self.p[rows], self.p[columns]
        joint = joint_beyond(p, q, self._quantiles[rows], self._quantiles[columns], rho)
        covariance: Array = np.zeros((len(self.p), len(self.p)))
        covariance[rows, columns] = covariance[columns, rows] = joint - p * q
        return covariance


def outcome_probabilities(outcomes: Array, p: Array) -> Array:
    """Probabilities of ``outcomes`` (outcomes x markets, 0/1) under which each market pays with chance ``p``.

    Where the prices leave one answer it is solved for; else by iterative proportional fitting from equal weights:
    exact where the prices are coherent, a compromise where they are not.
    """
    size, markets = outcomes.shape
    if size == markets + 1:
        try:
            only = np.linalg.solve(np.vstack([outcomes.T, np.ones(size)]), np.append(p, 1.0))
        except np.linalg.LinAlgError:
            only = np.full(size, -1.0)
        if only.min() >= 0.0:
            return only
    return np.array(_fitted(tuple(map(tuple, (outcomes > 0).T.tolist())), p.tolist()))


def _fitted(paying: tuple[tuple[bool, ...], ...], p: list[float]) -> list[float]:
    """Iterative proportional fitting; ``paying`` by market. In plain numbers: a group has a handful of outcomes."""
    size = len(paying[0])
    weights = [1.0 / size] * size
    for _ in range(_FITTING_ROUNDS):
        off = 0.0
        for pays, chance in zip(paying, p, strict=True):
            inside = sum(compress(weights, pays))
            off = max(off, abs(inside - chance))
            if 0.0 < inside < 1.0:
                up, down = chance / inside, (1.0 - chance) / (1.0 - inside)
                weights = [w * up if yes else w * down for w, yes in zip(weights, pays, strict=True)]
        if off < _FITTED:
            break
    total = sum(weights)
    return [w / total for w in weights]


def _ascending(group: Group) -> Array:
    """The group's outcomes as rows, such that a higher latent number means YES where there is an order."""
    pays = np.array([o.pays for o in group.outcomes], float)
    return pays[::-1] if len(group.markets) == 1 and pays[0, 0] > 0 else pays


def _direction(market: MarketExposure) -> float:
    """-1 for a market that pays on low numbers, +1 otherwise."""
    return -1.0 if market.strike_type in (StrikeType.LESS, StrikeType.LESS_OR_EQUAL) else 1.0


@lru_cache(maxsize=8)
def _normal_points(dimensions: int) -> Array:
    """``SCENARIOS`` standard normal points: an additive recurrence on the roots of x^(d+1) = x + 1."""
    root = 2.0
    for _ in range(64):
        root = (1.0 + root) ** (1.0 / (dimensions + 1))
    steps = root ** -np.arange(1.0, dimensions + 1.0)
    uniform = (0.5 + np.outer(np.arange(1, SCENARIOS + 1), steps)) % 1.0
    return quantiles(uniform)
