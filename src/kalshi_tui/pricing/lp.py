"""The arbitrage linear program: the second opinion on every closed form, and coherent state prices.

    maximise t   subject to   (payoff - cost) x >= t in every state,  0 <= x <= depth

t > 0 exactly when the books admit a riskless profit; the duals of the state rows are a probability measure
the prices are coherent with when t = 0. scipy's HiGHS solves it where scipy is installed; without it the
closed forms stand alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from kalshi_tui.portfolio.fees import taker_fee_per_contract
from kalshi_tui.pricing.baskets import LegBook
from kalshi_tui.pricing.outcomes import OutcomeSpace
from kalshi_tui.protocol.units import CONTRACT, ONE, Side


class LpResult(Struct, frozen=True):
    """``profit`` in the worst state in dollars, lots per leg, and the price of each state (sums to 1)."""

    profit: float
    lots: tuple[float, ...]
    state_prices: tuple[float, ...]


def solver_available() -> bool:
    """Whether scipy can be imported here."""
    try:
        import scipy.optimize  # noqa: F401
    except ImportError:
        return False
    return True


def solve(
    payoff: Sequence[Sequence[float]], cost: Sequence[float], depth: Sequence[float]
) -> LpResult | None:
    """Solve for states x legs ``payoff``, ``cost`` per lot including fees, ``depth`` in lots.

    None where no solver is installed. Raises ``ValueError`` on shapes that do not fit.
    """
    if not payoff or any(len(row) != len(cost) for row in payoff) or len(cost) != len(depth):
        raise ValueError("the payoff needs one column per leg and at least one state")
    if not solver_available():
        return None
    import numpy as np
    from scipy.optimize import linprog

    gain = np.asarray(payoff, dtype=float) - np.asarray(cost, dtype=float)
    states, legs = gain.shape
    result = linprog(
        np.append(np.zeros(legs), -1.0),
        A_ub=np.hstack([-gain, np.ones((states, 1))]),
        b_ub=np.zeros(states),
        bounds=[*((0.0, float(most)) for most in depth), (None, None)],
        method="highs",
    )
    if not result.success:
        raise ValueError(f"the arbitrage program has no solution: {result.message}")
    return LpResult(
        float(-result.fun),
        tuple(float(x) for x in result.x[:-1]),
        tuple(float(-dual) for dual in result.ineqlin.marginals),
    )


def solve_books(space: OutcomeSpace, books: Mapping[str, LegBook]) -> LpResult | None:
    """The program over every level of every book of an event, both sides, with unrounded taker fees.

    For research and display, never for orders: without scipy the answer is None, and the same events must
    give the same orders everywhere. Columns are all YES levels and all NO levels, in the order of the
    tickers.
    """
    columns: list[tuple[int, Side, float, float]] = []
    for index, ticker in enumerate(space.tickers):
        book = books.get(ticker)
        if book is None:
            continue
        for side in (Side.BID, Side.ASK):
            for price, count in book.levels(side):
                own = (price if side is Side.BID else ONE - price) / ONE
                cost = own + taker_fee_per_contract(book.fee, price / ONE)
                columns.append((index, side, cost, count / CONTRACT))
    payoff = [[row[i] if side is Side.BID else 1 - row[i] for i, side, _, _ in columns] for row in space.pays]
    return solve(payoff, [cost for _, _, cost, _ in columns], [most for _, _, _, most in columns])
