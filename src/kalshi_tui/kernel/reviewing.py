"""What risk leaves of a quote that an engine proposes, before anything of it is sent."""

from __future__ import annotations

from kalshi_tui.execution.orders import Order
from kalshi_tui.kernel.state import DeskState, MarketState, Review
from kalshi_tui.protocol.orders import NewOrder, Owner, TimeInForce
from kalshi_tui.protocol.quotes import Decision, Quote, Verdict
from kalshi_tui.protocol.units import CENT, CONTRACT, ONE, Price, Side
from kalshi_tui.risk.base import FULL

HEADROOM = 5 * CENT
"""A quote is reviewed as if it were dearer by this, so that its next moves need no review of their own."""


def review(
    desk: DeskState, market: MarketState, side: Side, quote: Quote | None, basis: tuple[object, ...]
) -> tuple[Quote | None, str]:
    """What risk leaves of one side, as if this side's working engine orders were replaced by it."""
    if quote is None:
        return None, ""
    if side in market.paused_sides:
        return None, f"no {side.value}: {market.paused_sides[side]}"
    relations = desk.relations.get(market.facts.event_ticker)
    if relations is not None and relations.in_the_way(market.ticker, side, quote.price):
        return None, f"no {side.value}: it would be in a basket's way"
    largest = desk.chain.controls.params.order_count * market.risk.limits.size // FULL
    if quote.count > largest // CONTRACT * CONTRACT:
        quote = Quote(quote.price, min(quote.count, max(largest // CONTRACT * CONTRACT, CONTRACT)))
    if _reviewed(market, side, quote, basis):
        market.refused.pop(side, None)
        return quote, ""
    verdict = _verdict(desk, market, side, quote, basis)
    if verdict.decision is not Decision.REFUSE:
        market.refused.pop(side, None)
    if verdict.decision is Decision.ALLOW:
        return quote, ""
    if verdict.decision is Decision.SHRINK and verdict.count >= min(CONTRACT, quote.count):
        left = Quote(quote.price, verdict.count)
        return left, f"{side.value} cut to {verdict.count / 100:g}: {_said(verdict)}"
    if market.refused.get(side) != verdict.code:
        desk.counters.refuse(verdict.code)
    market.refused[side] = verdict.code
    return None, f"no {side.value}: {_said(verdict)}"


def _reviewed(market: MarketState, side: Side, quote: Quote, basis: tuple[object, ...]) -> bool:
    """Whether a quote that covers this one was let through whole, and nothing else has changed since."""
    known = market.reviews.get(side)
    return (
        known is not None
        and (known.mark is None or known.mark == market.reviewed_mark)
        and known.basis == basis
        and known.covers(side, quote)
    )


def _verdict(
    desk: DeskState, market: MarketState, side: Side, quote: Quote, basis: tuple[object, ...]
) -> Verdict:
    """What the chain says of a quote. Asked first for one that risks more: a yes to it is a yes to every quote it
    covers, and stands while nothing else changes (``_reviewed``).
    """
    mark = market.reviewed_mark
    dearer = min(max(quote.price + HEADROOM * side.sign, 1), ONE - 1)
    if _ask_chain(desk, market, side, Quote(dearer, quote.count)).decision is Decision.ALLOW:
        # Without a position no loss here is counted from a mark.
        blind = not market.risk.position and desk.chain.r3.by_count_alone
        market.reviews[side] = Review(Quote(dearer, quote.count), basis, None if blind else mark)
        return Verdict.allow(quote.count)
    return _ask_chain(desk, market, side, quote)


def _ask_chain(desk: DeskState, market: MarketState, side: Side, quote: Quote) -> Verdict:
    """The chain's say as if this side's working engine orders were replaced by the quote."""
    working = working_orders(desk, market, side)
    order = engine_order(market, side, quote.price, quote.count, "review")
    risk = market.risk
    desk.chain.totals.settle(desk.risk, risk.event_ticker)
    for held in working:
        risk.release(side, held.price, held.exposure)
    try:
        return desk.chain.review(desk.risk, order, controls=False)
    finally:
        for held in working:
            risk.hold(side, held.price, held.exposure)


def _said(verdict: Verdict) -> str:
    """The sentence with its engine: ``inventory 40/40 (R0)``."""
    return f"{verdict.why} ({verdict.code.split('_')[0]})"


def working_orders(desk: DeskState, market: MarketState, side: Side) -> list[Order]:
    """Open engine orders of one side, oldest first."""
    live = desk.orders.live.get(market.facts.ticker)
    if live is None:
        return []
    engine, resting = Owner.ENGINE, TimeInForce.GTC  # a basket's legs never rest
    return [
        o
        for o in live.values()
        if o.side is side and o.owner is engine and o.time_in_force is resting and o.state.is_open
    ]


def engine_order(
    market: MarketState, side: Side, price: Price, count: int, client_id: str, expiration_s: int | None = None
) -> NewOrder:
    return NewOrder(
        client_order_id=client_id,
        ticker=market.ticker,
        side=side,
        price=price,
        count=count,
        expiration_s=expiration_s,
        exchange_index=market.facts.exchange_index,
        owner=Owner.ENGINE,
        engine=market.engine if market.intent is None else market.intent.engine,
    )
