"""What each event can lose, remembered between reviews: a decision asks twice, most events have not changed."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.protocol.units import ONE, Money, Side
from kalshi_tui.risk.base import MarketExposure, RiskState
from kalshi_tui.risk.scenarios import event_worst, is_idle

Seen = list[tuple[object, ...]]


class EventTotals(Struct, frozen=True, gc=False):
    """One event's share of the account-wide limits."""

    loss: Money
    """The most it can lose with hurting orders filled, never negative."""
    cash: Money
    """Cash its open orders can take."""
    orders: int


class Totals:
    """Totals by event. An event is worked out again only when a number of one of its markets changed."""

    def __init__(self) -> None:
        self._markets: dict[str, MarketExposure] = {}
        self._events: dict[str, list[MarketExposure]] = {}
        self._known: dict[str, tuple[Seen, EventTotals]] = {}

    def event(self, state: RiskState, event_ticker: str) -> list[MarketExposure]:
        """The event's markets, in the desk's order."""
        self._index(state)
        return self._events.get(event_ticker, [])

    def others(self, state: RiskState, event_ticker: str) -> EventTotals:
        """The sum over all events but one."""
        self._index(state)
        loss = cash = orders = 0
        for name, markets in self._events.items():
            if name != event_ticker:
                one = self._of(name, markets)
                loss += one.loss
                cash += one.cash
                orders += one.orders
        return EventTotals(loss, cash, orders)

    def _index(self, state: RiskState) -> None:
        if state.markets is self._markets and len(state.markets) == sum(map(len, self._events.values())):
            return
        self._markets = state.markets
        self._events = {}
        for market in state.markets.values():
            self._events.setdefault(market.event_ticker, []).append(market)

    def _of(self, name: str, markets: list[MarketExposure]) -> EventTotals:
        seen: Seen = [
            (
                m.position,
                m.cost,
                m.mark,
                m.open_orders,
                m.open_bid,
                m.open_ask,
                m.open_bid_risk,
                m.open_ask_risk,
            )
            for m in markets
        ]
        known = self._known.get(name)
        if known is not None and known[0] == seen:
            return known[1]
        busy = [m for m in markets if not is_idle(m)]
        totals = EventTotals(
            loss=max(-event_worst(busy), 0),
            cash=sum(cash_needed(m) for m in busy),
            orders=sum(m.open_orders for m in busy),
        )
        self._known[name] = (seen, totals)
        return totals


def cash_needed(market: MarketExposure) -> Money:
    """Cash that a market's open orders can take: the dearer of its two sides."""
    return max(side_cash(market, Side.BID), side_cash(market, Side.ASK))


def side_cash(market: MarketExposure, side: Side) -> Money:
    """Cash that one side's open orders can take; what only unwinds the position takes none."""
    opening = max(market.open_on(side) + min((market.position or 0) * side.sign, 0), 0)
    return min(market.open_bid_risk if side is Side.BID else market.open_ask_risk, opening * ONE)
