"""Working a basket leg by leg: which leg next, up to which price, and what to do with a half-filled one.

Orders of a basket are not atomic at the exchange; each leg is an IOC of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from kalshi_tui.portfolio.fees import RoundingRule, trade_fee
from kalshi_tui.pricing.baskets import Basket, Leg, LegBook, worst_after_fills
from kalshi_tui.pricing.outcomes import OutcomeSpace
from kalshi_tui.protocol.market import FeeSchedule
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import ONE, Count, Money, Nanos, Price, Side


class LegState(Struct):
    """What became of one leg so far."""

    leg: Leg
    filled: Count = 0
    spent: Money = 0
    """Cost and fees of what was filled."""

    @property
    def open(self) -> Count:
        return self.leg.count - self.filled


class Way(StrEnum):
    """How a basket that is past its time goes on."""

    COMPLETE = "complete"
    UNWIND = "unwind"
    HOLD = "hold"


def leg_order(legs: Sequence[Leg]) -> list[Leg]:
    """Scarcest first: the leg whose book shows least beyond its need is tried before any other is bought."""
    return sorted(legs, key=lambda leg: (leg.depth * ONE // leg.count, leg.ticker))


def leg_limit(
    basket: Basket, states: Sequence[LegState], index: int, grid: TickGrid, fee: FeeSchedule, wall: Nanos
) -> Price | None:
    """The worst price (on YES) leg ``index`` may pay so that the whole basket still earns nothing or more.

    What is filled counts at what was spent, other open legs at their planned cost and fee. None where no
    valid price does.
    """
    state = states[index]
    others = sum(
        one.spent + (one.leg.cost + one.leg.fee) * one.open // one.leg.count
        for i, one in enumerate(states)
        if i != index
    )
    budget = basket.payoff - others - state.spent
    buys_yes = state.leg.side is Side.BID
    if not state.open:
        return None
    # The affordable price without the fee bounds the search; the fee moves it by a few ticks at most.
    affordable = budget / state.open
    price = grid.floor(affordable) if buys_yes else grid.ceil(ONE - affordable)
    while price is not None:
        own = price if buys_yes else ONE - price
        cost = own * state.open + trade_fee(fee, price, state.open, True, wall, state.leg.side)
        if cost <= budget:
            return price
        price = grid.previous(price) if buys_yes else grid.next(price)
    return None


def unwind_proceeds(
    states: Sequence[LegState], books: Mapping[str, LegBook], wall: Nanos, rule: RoundingRule | None = None
) -> Money | None:
    """What selling every filled lot into the books brings after fees; None where a book does not bear it."""
    total: Money = 0
    for state in states:
        side = state.leg.side.opposite  # selling YES takes bids, selling NO takes asks
        left = state.filled
        for price, count in books[state.leg.ticker].levels(side):
            if not left:
                break
            take = min(left, count)
            total += take * (ONE - price if side is Side.BID else price)
            total -= trade_fee(books[state.leg.ticker].fee, price, take, True, wall, side, rule)
            left -= take
        if left:
            return None
    return total


def choose_way(
    space: OutcomeSpace,
    basket: Basket,
    states: Sequence[LegState],
    books: Mapping[str, LegBook],
    completion_cost: Money | None,
    loss_cap: Money,
    wall: Nanos,
) -> tuple[Way, Money]:
    """The way with the best certain P&L once the time is up: (way, that P&L in the worst state).

    ``completion_cost`` is what the missing lots cost now, fees included (None: the books do not bear them). A
    residual is held only while its worst case is within ``loss_cap``; when nothing else is possible it is
    held.
    """
    spent = sum(state.spent for state in states)
    hold = worst_after_fills(space, [s.leg for s in states], [s.filled for s in states])
    hold += sum((s.leg.cost + s.leg.fee) * s.filled // s.leg.count - s.spent for s in states)
    ways: list[tuple[Money, int, Way]] = []
    if completion_cost is not None:
        ways.append((basket.payoff - spent - completion_cost, 2, Way.COMPLETE))
    proceeds = unwind_proceeds(states, books, wall)
    if proceeds is not None:
        ways.append((proceeds - spent, 1, Way.UNWIND))
    if hold >= -loss_cap or not ways:
        ways.append((hold, 0, Way.HOLD))
    pnl, _, way = max(ways)
    return way, pnl
