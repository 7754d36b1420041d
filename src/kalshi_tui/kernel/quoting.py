"""One market's decision: book, features, engine, risk, target against working, gate.

``decide_market`` always leaves the market with one true sentence (``why``) on what is quoted or why not.
"""

from __future__ import annotations

from functools import partial

from kalshi_tui.execution import target
from kalshi_tui.kernel import report, tokens
from kalshi_tui.kernel.booking import own_resting
from kalshi_tui.kernel.hindrance import blocked
from kalshi_tui.kernel.observing import mark_moved, observe, set_mark
from kalshi_tui.kernel.params import engine_params
from kalshi_tui.kernel.reviewing import engine_order, review, working_orders
from kalshi_tui.kernel.sending import amend, cancel, create
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.kernel.tokens import affords_order
from kalshi_tui.kernel.words import refused
from kalshi_tui.pricing.base import MarketSnapshot, QuoteParams
from kalshi_tui.pricing.base import quote as engine_quote
from kalshi_tui.pricing.calendar import next_pull
from kalshi_tui.pricing.m0 import M0Params
from kalshi_tui.pricing.m1 import M1Params
from kalshi_tui.protocol.quotes import QuoteSides, Regime
from kalshi_tui.protocol.units import ASK, BID, MILLISECOND, SECOND, Nanos
from kalshi_tui.risk.r1_machine import DayState

WARNED_SIZE = 0.5
"""Of every engine's size while the day is near its loss limit."""
REVIEWED_EVERY_S = 5
"""A quote that stands is put to risk again this often though nothing of its own has changed: other markets' marks
and the clock count that late for it, and at once for whatever is sent."""
LOOK_AGAIN = 50 * MILLISECOND
"""A wanted side that is not there yet (its pause, the write budget) is looked at again after this."""


def unmoved(desk: DeskState, ticker: str) -> bool:
    """Whether a frame left the touch as it was at the last decision: most do, and nothing follows from them. Baskets
    look deeper than the touch; a book that another takes the place of has turned, which is told apart.
    """
    market = desk.markets.get(ticker)
    if market is None or not market.rests or desk.relations:
        return False
    known = market.touch
    return known is not None and known[1] is market.own and known[2] == known[0].touch()


def follow_book(desk: DeskState, market: MarketState) -> bool:
    """After public frames alone: decide only if what they changed can change the decision.

    Everything else a decision rests on (orders, fills, trades, stops, commands, facts, the other markets' say)
    marks its market for a whole decision when it comes, and the clock does so once a second. What is left is the
    touch without our own orders, which the engine and every feature are made of. Sizes there move the mark always
    and the quote only if its engine reads them; the mark matters to reviews from a cent on.
    """
    book = desk.feed.book(market.facts.ticker)
    if not market.rests or book is None:
        return decide_market(desk, market)
    own, shown = market.own, book.touch()
    if shown[0] >= shown[2]:  # crossed
        return False
    if own is None:
        own = own_resting(desk, market)
    bid, bid_size, ask, ask_size = book.top_without(own)
    features = market.features
    if bid != features.bid or ask != features.ask:
        return _follow_touch(desk, market)
    if bid_size == features.bid_size and ask_size == features.ask_size:
        return False
    if market.reads_sizes or features.due(desk.now):
        return _follow_touch(desk, market)
    features.on_sizes(bid_size, ask_size, desk.now)
    market.touch = (book, own, shown) if bid == book.best_bid and ask == book.best_ask else None
    set_mark(desk, market, features.weighted_mid)
    return mark_moved(market) and decide_market(desk, market)


def _follow_touch(desk: DeskState, market: MarketState) -> bool:
    """After a move of the touch. Where nothing rests and the next order is not paid for yet, nothing can follow from
    it: the quote is worked out when its turn comes, and for the screen once a second."""
    ticker = market.facts.ticker
    if ticker in desk.unpaid and ticker not in desk.orders.live and desk.feed.settled(ticker):
        observe(desk, market)
        return False
    return decide_market(desk, market)


def _reads_sizes(market: MarketState, params: QuoteParams) -> bool:
    """Whether its engine's fair value follows sizes: by a micro-price table, by order flow, by siblings."""
    if not isinstance(params, M1Params):
        return not isinstance(params, M0Params)
    return params.beta != 0.0 or market.features.table is not None


def decide_market(desk: DeskState, market: MarketState) -> bool:
    """Bring the market's orders to what it should quote now; True when its intent changed."""
    bid, ask = market.bid, market.ask
    desk.budget.refill(desk.now)
    market.rests = False
    ticker = market.facts.ticker
    if desk.feed.settled(ticker):
        observe(desk, market)
    elif desk.feed.status(ticker).valid:
        return False  # in the middle of one exchange action: wait for its end
    hindrance = blocked(desk, market)
    if hindrance is not None:
        market.word, market.told = hindrance
        market.intent = market.bid = market.ask = market.asked = None
    else:
        _propose(desk, market)
    market.rests = _work(desk, market)
    report.say_state(desk, market)
    report.say_quote(desk, market)
    return market.bid != bid or market.ask != ask


def _propose(desk: DeskState, market: MarketState) -> None:
    """Ask the engine, then let risk cut each side; what was asked before has been answered."""
    facts = market.facts
    kind, held = desk.gate.latches.strongest(facts.ticker, facts.event_ticker)
    params = engine_params(desk, market)
    market.reads_sizes = _reads_sizes(market, params)
    basis = _basis(desk, market)
    asked = None
    if facts.event_ticker not in desk.relations:  # siblings and baskets have their own say
        asked = _asked(market, params, basis, held if kind is not None else None)
    if asked is not None and asked == market.asked:
        return
    market.asked = asked
    intent = engine_quote(market.engine, _snapshot(desk, market, held=kind is not None), params)
    market.intent = intent
    bid, bid_why = review(desk, market, BID, intent.bid, basis)
    ask, ask_why = review(desk, market, ASK, intent.ask, basis)
    market.bid, market.ask = bid, ask
    reason, cuts = intent.said, []
    for side, left, said in ((BID, bid, bid_why), (ASK, ask, ask_why)):
        if said and left is None:
            reason = refused(reason if isinstance(reason, str) else reason.text(), side, said)
        elif said:
            cuts.append(said)
    if kind is not None:
        cuts.append(f"held: {held}")
    elif market.risk.limits.reduce_only:
        cuts.append(f"reduce only: {market.risk.limits.why} (R2)")
    market.told = reason
    if cuts:
        market.told = "; ".join((market.why, *cuts))
    by_risk = bool(bid_why or ask_why or cuts)
    market.word = "quoting" if bid is not None or ask is not None else ("risk" if by_risk else "no quote")


def _basis(desk: DeskState, market: MarketState) -> tuple[object, ...]:
    """What a review rests on beside the quote and its market's mark, our other quotes apart: those were reviewed
    with this one in place, and whatever leaves is reviewed by itself. The five seconds stand for the clock, and for
    the other markets' marks.
    """
    risk = market.risk
    if mark_moved(market):
        market.reviewed_mark = risk.mark
    return (
        desk.second // REVIEWED_EVERY_S,
        desk.counters.fills,
        risk.position,
        risk.limits,
        desk.risk.cash,
        desk.chain.r1.state,
        desk.risk.day is not None and desk.risk.day.known,
        *market.paused_sides.items(),
    )


def _asked(
    market: MarketState, params: QuoteParams, basis: tuple[object, ...], held: str | None
) -> tuple[object, ...] | None:
    """Everything M0, M1 and M2 look at that can change within a second; None for engines that look at more."""
    features, snapshot = market.features, market.snapshot
    if snapshot is None or not isinstance(params, M0Params | M1Params):
        return None
    return (
        market.facts,
        market.engine,
        params,
        features.bid,
        features.ask,
        snapshot.micro_shift,
        snapshot.toxicity,
        snapshot.jump,
        snapshot.ofi_norm if isinstance(params, M1Params) and params.beta else None,
        market.regime,
        market.sides,
        market.lean_levels,
        market.widen,
        held,
        market.reviewed_mark,
        basis,
    )


def _snapshot(desk: DeskState, market: MarketState, *, held: bool) -> MarketSnapshot:
    facts, features = market.facts, market.features
    life = None
    if facts.open_time is not None and facts.close_time is not None:
        life = (facts.close_time - facts.open_time) / SECOND
    seconds = None if facts.close_time is None else (facts.close_time - desk.now.wall) / SECOND
    coherent, relation = _siblings(desk, market)
    return MarketSnapshot(
        facts.ticker,
        facts.grid,
        features.bid,
        features.bid_size,
        features.ask,
        features.ask_size,
        market.snapshot or features.snapshot(desk.now),
        desk.ledger.position(facts.ticker),
        desk.chain.r0.cap(market.risk),
        facts.fee,
        desk.now.wall,
        market.regime,
        seconds,
        life,
        size_scale=WARNED_SIZE if desk.chain.r1.state is DayState.WARN else 1.0,
        sides=QuoteSides.REDUCE if held or market.risk.limits.reduce_only else market.sides,
        lean_levels=market.lean_levels,
        widen=market.widen,
        coherent=coherent,
        relation=relation,
        pair=desk.leans.get(facts.ticker) if market.engine == "m3" else None,
    )


def _siblings(desk: DeskState, market: MarketState) -> tuple[float | None, str]:
    """Fair value that agrees with the event's other markets, and what the last scan said, for M3."""
    relations = desk.relations.get(market.facts.event_ticker)
    if relations is None:
        return None, ""
    if market.regime is Regime.EVENT:
        return None, f"event ({market.watcher.why})"
    coherent = relations.coherent.get(market.ticker)
    if coherent is None and relations.space is not None:
        return None, "no sibling with a calm book to agree with"
    return coherent, relations.reason


def _work(desk: DeskState, market: MarketState) -> bool:
    """Target against working orders, both sides; False when something must be tried again at the next chance."""
    grid, ticker = market.facts.grid, market.facts.ticker
    if grid is None:
        return True
    if ticker not in desk.orders.live and (
        ticker in desk.unpaid or (market.bid is None and market.ask is None)
    ):
        return True  # nothing to do, or in line for tokens: its turn will come
    done = True
    pull = next_pull(market.prints, market.facts.series_ticker, desk.now.wall) if market.prints else None
    expiration = target.expiration(desk.now, market.facts.close_time, pull)
    threshold = 1 if market.intent is None else market.intent.requote_levels
    for side, wanted in ((BID, market.bid), (ASK, market.ask)):
        working = working_orders(desk, market, side)
        if not working and (wanted is None or ticker in desk.unpaid):
            continue
        for order in working:
            order.intended = desk.now
        if wanted is not None and expiration is None:
            wanted = None
        rules, clock = desk.settings.rules, market.clocks[side]
        if wanted is not None and target.in_place(side, wanted, working, grid, desk.now, rules, threshold):
            continue
        compare = partial(
            target.side_actions,
            side,
            wanted,
            working,
            grid,
            desk.now,
            rules=rules,
            threshold=threshold,
            expiration_s=expiration,
            why=market.word,
        )
        actions = compare(clock=clock)
        for action in actions:
            done = _act(desk, market, action, expiration) and done
        if not actions and not clock.may_move(desk.now, rules) and compare(clock=target.SideClock()):
            # It would move, had it not just moved.
            _look_again(desk, market, (clock.moved or 0) + rules.min_requote_ms * MILLISECOND)
    return done


def _look_again(desk: DeskState, market: MarketState, when: Nanos) -> None:
    desk.waiting[market.ticker] = min(desk.waiting.get(market.ticker, when), when)
    desk.alarm = min(desk.alarm, when)


def _act(desk: DeskState, market: MarketState, action: target.Action, expiration: int | None) -> bool:
    """Do it; False when it could not be done now and nothing else brings us back."""
    match action:
        case target.Cancel(order, why):
            if not cancel(desk, order, why):
                return False
            market.clocks[order.side].moved = desk.now.mono
        case target.Shrink(order, total):
            return amend(desk, order, total, order.expiration_s, "size cut in place")
        case target.Renew() | target.Create() if any(
            r.has_right_of_way(desk.now.mono) for r in desk.relations.values()
        ):
            _look_again(desk, market, desk.now.mono + LOOK_AGAIN)
        case target.Renew(order, renewed):
            return amend(desk, order, order.count, renewed, "renewed before it expires")
        case target.Create(side, price, count):
            if market.ticker in desk.unpaid:
                return True
            number = desk.order_number
            new = engine_order(market, side, price, count, desk.next_client_id("e"), expiration)
            if create(desk, new, market.why):
                market.clocks[side].moved = desk.now.mono
            else:
                desk.order_number = number  # it never left: the next one may have its name
                if affords_order(desk):
                    _look_again(desk, market, desk.now.mono + LOOK_AGAIN)
                else:
                    tokens.wait(desk, market.ticker)
    return True
