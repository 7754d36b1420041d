"""Who is next for write tokens: quotes that could not be paid for wait in line, first come, first served."""

from __future__ import annotations

from collections.abc import Iterator

from kalshi_tui.execution.budget import CREATE_COST, pull_cost
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.protocol.orders import OrderState

IN_FLIGHT = frozenset((OrderState.SENT, OrderState.AMENDING))


def order_counts(desk: DeskState) -> tuple[int, int, int]:
    """(orders that may still fill, requests without an answer, orders whose fate is to be looked up); counted again
    after every change of an order."""
    if desk.order_counts is None:
        may_fill = asked = lost = 0
        for by_id in desk.orders.live.values():
            for order in by_id.values():
                state = order.state
                may_fill += state.is_open
                asked += state in IN_FLIGHT
                lost += order.look_up
        desk.order_counts = (may_fill, asked, lost)
    return desk.order_counts


def affords_order(desk: DeskState) -> bool:
    """Whether one more order can be paid for beside pulling everything."""
    return desk.budget.affords(CREATE_COST, pull_cost(order_counts(desk)[0] + 1))


def wait(desk: DeskState, ticker: str) -> None:
    """A quote here could not be paid for: it is asked again when it can be and its turn has come."""
    desk.unpaid.setdefault(ticker, None)
    _reckon(desk)


def whose_turn(desk: DeskState) -> Iterator[MarketState]:
    """Markets in line, as long as there are tokens; one that spends none leaves its turn to the next."""
    if not desk.unpaid or desk.now.mono < desk.tokens_due:
        return
    while desk.unpaid and affords_order(desk):
        ticker = next(iter(desk.unpaid))
        del desk.unpaid[ticker]
        market = desk.markets.get(ticker)
        if market is not None:
            yield market
    if desk.unpaid:
        _reckon(desk)


def _reckon(desk: DeskState) -> None:
    desk.tokens_due = desk.budget.when(CREATE_COST, pull_cost(order_counts(desk)[0] + 1))
    desk.alarm = min(desk.alarm, desk.tokens_due)
