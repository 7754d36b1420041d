"""What each market and event can lose, remembered between reviews: a decision asks twice, most have not changed."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from kalshi_tui.protocol.units import ONE, Count, Money, Side
from kalshi_tui.risk.base import MarketExposure, RiskState
from kalshi_tui.risk.scenarios import event_worst, is_idle, market_worst

Numbers = tuple[object, ...]


class Share(Struct, frozen=True, gc=False):
    """What one market, or several together, take of the account-wide limits."""

    most: Money
    """The most they can lose with hurting orders filled, nothing netted between markets: never too little. Below
    zero for what has won whatever happens."""
    cash: Money
    """Cash their open orders can take."""
    orders: int
    span: Count
    """The largest positions their open orders can lead to, long or short, added up."""


NOTHING = Share(0, 0, 0, 0)


class Totals:
    """Shares by market and event. An event is worked out again only when a number of one of its markets changed.

    ``told``: whoever changes a number says so (``changed``), and events nobody named are not looked at. Otherwise
    every event is worked out at every question.
    """

    def __init__(self, *, told: bool = False) -> None:
        self._told = told
        self._markets: dict[str, MarketExposure] = {}
        self._events: dict[str, list[MarketExposure]] = {}
        self._shares: dict[str, Share] = {}
        """By market, of every event in ``_sums``."""
        self._sums: dict[str, Share] = {}
        """By event."""
        self._all = NOTHING
        """The sum of what is known; no event's gain covers another's loss."""
        self._seen: dict[str, tuple[Numbers, Share]] = {}
        """By market: its numbers and the share they make."""
        self._others: dict[str, Share] = {}
        """By event: the sum over all others, while none is brought up."""
        self._losses: dict[str, tuple[list[Numbers], Money]] = {}
        """By event: its numbers and the loss they can lead to."""
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

    def settle(self, state: RiskState, event_ticker: str) -> None:
        """Take in what changed here while its numbers are whole: the questions to come need not."""
        self._index(state)
        if event_ticker in self._stale and event_ticker in self._events:
            self._bring_up(event_ticker)

    def others(self, state: RiskState, event_ticker: str) -> Share:
        """The sum over all events but one: that one's own numbers may be in the middle of a change."""
        self._index(state)
        if self._stale or not self._told:
            for name in list(self._stale) if self._told else self._events:
                if name != event_ticker and name in self._events:
                    self._bring_up(name)
        known = self._others.get(event_ticker)
        if known is None:
            here = self._sums.get(event_ticker)
            known = self._all if here is None else _plus(self._all, _alone(here), -1)
            self._others[event_ticker] = known
        return known

    def beside(self, state: RiskState, market: MarketExposure) -> Share:
        """The sum over the event's other markets."""
        self._index(state)
        here = self._sums.get(market.event_ticker)
        if here is None or not self._told or market.event_ticker in self._stale:
            return _sum(share_of(m) for m in self._events[market.event_ticker] if m is not market)
        return _plus(here, self._shares[market.ticker], -1)

    def loss_elsewhere(self, state: RiskState, event_ticker: str) -> Money:
        """What all events but one can lose, netted within each of them; at most ``others(...).most``."""
        self._index(state)
        return sum(self._loss(name) for name in self._events if name != event_ticker)

    def _index(self, state: RiskState) -> None:
        if state.markets is self._markets and len(state.markets) == self._size:
            return
        self._markets, self._size = state.markets, len(state.markets)
        self._events, self._shares, self._sums, self._losses, self._all = {}, {}, {}, {}, NOTHING
        self._seen, self._others = {}, {}
        for market in state.markets.values():
            self._events.setdefault(market.event_ticker, []).append(market)
        self.changed()

    def _bring_up(self, name: str) -> None:
        self._stale.pop(name, None)
        self._others.clear()
        before = self._sums.get(name)
        shares = [self._share(m) for m in self._events[name]]
        now = self._sums[name] = _sum(shares)
        self._all = _plus(self._all, _alone(now), 1)
        if before is not None:
            self._all = _plus(self._all, _alone(before), -1)

    def _share(self, market: MarketExposure) -> Share:
        """Worked out again where its numbers changed: of an event it is mostly one market's."""
        numbers = _numbers(market)
        known = self._seen.get(market.ticker)
        if known is None or known[0] != numbers:
            known = self._seen[market.ticker] = (numbers, share_of(market))
            self._shares[market.ticker] = known[1]
        return known[1]

    def _loss(self, name: str) -> Money:
        markets = self._events[name]
        seen = [_numbers(m) for m in markets]
        known = self._losses.get(name)
        if known is None or known[0] != seen:
            loss = max(-event_worst([m for m in markets if not is_idle(m)]), 0)
            known = self._losses[name] = (seen, loss)
        return known[1]


def _numbers(market: MarketExposure) -> Numbers:
    """Everything shares and losses are made of."""
    return (
        market.position,
        market.cost,
        market.mark,
        market.open_orders,
        market.open_bid,
        market.open_ask,
        market.open_bid_risk,
        market.open_ask_risk,
    )


def share_of(market: MarketExposure) -> Share:
    """One market's."""
    if is_idle(market):
        return NOTHING
    return Share(-market_worst(market), cash_needed(market), market.open_orders, span(market))


def _alone(event: Share) -> Share:
    """An event's share beside others: what it has won covers none of their losses."""
    return event if event.most >= 0 else Share(0, event.cash, event.orders, event.span)


def _plus(a: Share, b: Share, sign: int) -> Share:
    return Share(
        a.most + sign * b.most, a.cash + sign * b.cash, a.orders + sign * b.orders, a.span + sign * b.span
    )


def _sum(shares: Iterable[Share]) -> Share:
    most = cash = orders = spans = 0
    for share in shares:
        if share is not NOTHING:
            most += share.most
            cash += share.cash
            orders += share.orders
            spans += share.span
    return Share(most, cash, orders, spans)


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
