"""What each event can lose, remembered between reviews: a decision asks twice, most events have not changed."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.protocol.units import ONE, Count, Money, Side
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
    span: Count
    """The largest positions its open orders can lead to, long or short, of all its markets together."""


NOTHING = EventTotals(0, 0, 0, 0)


class Totals:
    """Totals by event. An event is worked out again only when a number of one of its markets changed.

    ``told``: whoever changes a number says so (``changed``), and events nobody named are not looked at. Otherwise
    every event is compared with what it was at every question.
    """

    def __init__(self, *, told: bool = False) -> None:
        self._told = told
        self._markets: dict[str, MarketExposure] = {}
        self._events: dict[str, list[MarketExposure]] = {}
        self._known: dict[str, tuple[Seen, EventTotals]] = {}
        self._all = NOTHING
        """The sum of what is known."""
        self._stale: dict[str, None] = {}
        self._size = -1
        """How many markets the events hold: markets join a desk that runs."""

    def changed(self, event_ticker: str | None = None) -> None:
        """A number of this event's markets changed; without a name, of any."""
        if event_ticker is not None:
            self._stale[event_ticker] = None
        else:
            self._stale.update(dict.fromkeys(self._events))

    def event(self, state: RiskState, event_ticker: str) -> list[MarketExposure]:
        """The event's markets, in the desk's order."""
        self._index(state)
        return self._events.get(event_ticker, [])

    def others(self, state: RiskState, event_ticker: str) -> EventTotals:
        """The sum over all events but one: that one's own numbers may be in the middle of a change."""
        self._index(state)
        for name in list(self._stale) if self._told else self._events:
            if name != event_ticker and name in self._events:
                self._bring_up(name)
        known = self._known.get(event_ticker)
        return self._all if known is None else _sum(self._all, known[1], -1)

    def _index(self, state: RiskState) -> None:
        if state.markets is self._markets and len(state.markets) == self._size:
            return
        self._markets, self._size = state.markets, len(state.markets)
        self._events, self._known, self._all = {}, {}, NOTHING
        for market in state.markets.values():
            self._events.setdefault(market.event_ticker, []).append(market)
        self.changed()

    def _bring_up(self, name: str) -> None:
        self._stale.pop(name, None)
        before = self._known.get(name)
        now = self._of(name, self._events[name])
        if before is None or before[1] is not now:
            self._all = _sum(self._all, now, 1)
            if before is not None:
                self._all = _sum(self._all, before[1], -1)

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
            span=sum(span(m) for m in busy),
        )
        self._known[name] = (seen, totals)
        return totals


def _sum(a: EventTotals, b: EventTotals, sign: int) -> EventTotals:
    return EventTotals(
        a.loss + sign * b.loss, a.cash + sign * b.cash, a.orders + sign * b.orders, a.span + sign * b.span
    )


def span(market: MarketExposure) -> Count:
    """The largest position, long or short, that the market's open orders can lead to."""
    position = market.position or 0
    return max(abs(position + market.open_bid), abs(position - market.open_ask))


def cash_needed(market: MarketExposure) -> Money:
    """Cash that a market's open orders can take: the dearer of its two sides."""
    return max(side_cash(market, Side.BID), side_cash(market, Side.ASK))


def side_cash(market: MarketExposure, side: Side) -> Money:
    """Cash that one side's open orders can take; what only unwinds the position takes none."""
    position = market.position or 0
    if side is Side.BID:
        count, risk, unwinds = market.open_bid, market.open_bid_risk, -position
    else:
        count, risk, unwinds = market.open_ask, market.open_ask_risk, position
    if unwinds > 0:
        count = max(count - unwinds, 0)
    return min(risk, count * ONE)
