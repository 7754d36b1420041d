"""M3 live: what the markets of one event say about each other, scanned when their books change.

Within one event its own fields prove it. A relation across events needs a person's word on both rule texts
(``relations_links``): the events it binds are then scanned as one.
A basket uses only markets that a person has switched on with M3; fair values listen to every true book of the event.
"""

from __future__ import annotations

from collections.abc import Sequence

from kalshi_tui.kernel import relations_baskets, relations_links, sampling
from kalshi_tui.kernel.booking import own_resting
from kalshi_tui.kernel.hindrance import blocked
from kalshi_tui.kernel.relations_state import EventRelations
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.kernel.stops import without
from kalshi_tui.pricing.baskets import LegBook
from kalshi_tui.pricing.ladder import coherent_fairs
from kalshi_tui.pricing.m3 import M3Params, scan
from kalshi_tui.pricing.outcomes import OutcomeSpace, outcome_space
from kalshi_tui.protocol.market import FeeType, Market
from kalshi_tui.protocol.quotes import QuoteSides, Regime
from kalshi_tui.protocol.units import CONTRACT, MILLISECOND, ONE, SECOND, Nanos, Side

SCAN_EVERY: Nanos = 50 * MILLISECOND
DEPTH = 12
"""Levels a basket looks into."""
ENGINE = "m3"


def step(desk: DeskState) -> None:
    """Scan the events whose markets changed and let baskets in flight do their next thing.

    Called before the changed markets are decided, so that they see what their siblings say now.
    """
    sampling.step(desk)
    if desk.regroup:
        relations_links.regroup(desk)
    for relations, ticker in _concerned(desk):
        due = 0 if relations.scanned is None else relations.scanned + SCAN_EVERY
        if desk.now.mono < due:
            desk.waiting[ticker] = min(desk.waiting.get(ticker, due), due)
        elif relations.run is None:
            _scan(desk, relations)
    for event, relations in desk.relations.items():
        if relations.run is not None and event == relations.events[0]:
            relations_baskets.drive(desk, relations, _true_books(desk, _members(desk, relations)))


def _concerned(desk: DeskState) -> list[tuple[EventRelations, str]]:
    """The changed relations with one of their changed markets, for the events M3 has to do with."""
    found: dict[str, tuple[EventRelations, str]] = {}
    for ticker in desk.dirty:
        market = desk.markets.get(ticker)
        if market is None:
            continue
        event = market.facts.event_ticker
        if event in desk.relations or (market.engine == ENGINE and market.quoting):
            relations = _relations_of(desk, event)
            found.setdefault(relations.name, (relations, ticker))
    return list(found.values())


def _relations_of(desk: DeskState, event: str) -> EventRelations:
    """The event's, shared by every event that is bound to it now. Never parted or joined under a basket in flight."""
    link = desk.links.get(event)
    events = (event,) if link is None or link.off else link.events
    known = desk.relations.get(event)
    if known is None or known.events != events:
        held = [desk.relations[e] for e in events if e in desk.relations]
        if any(one.run is not None for one in held):
            events = (event,)
        if known is None or known.run is None:
            for parted in () if known is None else known.events:
                desk.relations[parted] = EventRelations((parted,))
            known = EventRelations(events)
            desk.relations.update(dict.fromkeys(events, known))
    known.note = "" if link is None else link.off
    return known


def _members(desk: DeskState, relations: EventRelations) -> list[MarketState]:
    return [m for m in desk.markets.values() if m.facts.event_ticker in relations.events]


def _space(desk: DeskState, relations: EventRelations, facts: tuple[Market, ...]) -> OutcomeSpace | None:
    """How its markets can settle together, by their facts of now."""
    first = relations.events[0]
    if len(relations.events) > 1:
        link = desk.links.get(first)
        return None if link is None else link.space
    event = desk.events.get(first)
    return None if event is None else outcome_space(event, facts)


def _scan(desk: DeskState, relations: EventRelations) -> None:
    members = _members(desk, relations)
    usable = [m for m in members if _usable(desk, m)]
    if not usable:
        relations.coherent, relations.reason, relations.books = {}, "", {}
        return
    if any(desk.feed.status(m.ticker).valid and not desk.feed.settled(m.ticker) for m in members):
        return  # in the middle of one exchange action: its end brings us back
    books = _true_books(desk, members)
    relations.scanned = desk.now.mono
    facts = tuple(m.facts for m in members)
    same_facts = len(facts) == len(relations.facts) and all(
        a is b for a, b in zip(facts, relations.facts, strict=True)
    )
    if not same_facts:
        relations.facts, relations.space = facts, _space(desk, relations, facts)
    elif books == relations.books and not relations.reason.startswith("arb"):
        return
    relations.books = books
    _agree(desk, relations, members)
    _seek(desk, relations, usable)


def _usable(desk: DeskState, market: MarketState) -> bool:
    """Whether a basket may trade here: M3 is switched on, nothing is stopped, no scheduled window, no pin, and the
    fee formula is known (or nothing could be promised)."""
    if market.engine != ENGINE or blocked(desk, market) is not None:
        return False
    if market.facts.fee.type in (FeeType.FLAT, FeeType.UNKNOWN):
        return False
    if desk.gate.latches.strongest(market.ticker, market.facts.event_ticker)[0] is not None:
        return False
    if market.risk.limits.reduce_only or market.sides is QuoteSides.REDUCE:
        return False
    # A broken relation is itself a jump, and a leg needs only one side of its book: neither stops a basket, a
    # scheduled window and a pin by hand do. R2 cuts the size in every event.
    problem = "" if market.snapshot is None else market.snapshot.problem
    return market.regime is not Regime.EVENT or market.watcher.why in ("jump", problem)


def _true_books(desk: DeskState, members: Sequence[MarketState]) -> dict[str, LegBook]:
    """Books that are true and settled, our own orders taken out."""
    books: dict[str, LegBook] = {}
    for market in members:
        book = desk.feed.book(market.ticker)
        if book is None or not desk.feed.settled(market.ticker):
            continue
        own = own_resting(desk, market)
        bids, asks = (tuple(without(book.levels(side, DEPTH), own, side)) for side in (Side.BID, Side.ASK))
        books[market.ticker] = LegBook(market.ticker, bids, asks, market.facts.fee)
    return books


# -- fair values -----------------------------------------------------------------------------------------


def _agree(desk: DeskState, relations: EventRelations, members: Sequence[MarketState]) -> None:
    """Mids of the event's calm books, made to agree; weighted by the touch's depth over its spread."""
    before, relations.coherent = relations.coherent, {}
    fairs: dict[str, float] = {}
    weights: dict[str, float] = {}
    for market in members:
        book = relations.books.get(market.ticker)
        if book is None or not book.bids or not book.asks or market.regime is Regime.EVENT:
            continue
        (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
        if ask > bid:
            fairs[market.ticker] = (bid + ask) / (2 * ONE)
            weights[market.ticker] = (bid_size + ask_size) / CONTRACT / (ask - bid)
    if relations.space is not None:
        for one in relations.space.by_event():
            relations.coherent |= coherent_fairs(one, fairs, weights)
    for market in members:
        if market.engine == ENGINE and before.get(market.ticker) != relations.coherent.get(market.ticker):
            desk.dirty[market.ticker] = None


# -- baskets ---------------------------------------------------------------------------------------------


def _seek(desk: DeskState, relations: EventRelations, usable: Sequence[MarketState]) -> None:
    """Look for a basket over the markets that may be traded, and start it where everything allows it."""
    if relations.space is None:
        relations.reason = relations.note or "no relation to another market is proved"
        return
    books = {
        m.ticker: _open_sides(m, relations.books[m.ticker]) for m in usable if m.ticker in relations.books
    }
    params = m3_params(desk)
    most = relations_baskets.most_legs(desk, params)
    found = scan(relations.space, books, params, desk.now.wall, _seconds_locked(desk, usable), most)
    relations.reason = "; ".join(filter(None, (found.reason, relations.note)))
    if found.basket is None:
        relations.saving_since = None
    elif desk.now.mono >= relations.rest_until:
        refusal = relations_baskets.start(desk, relations, found.basket, books, params)
        relations.reason = f"{found.reason}; {refusal}" if refusal else found.reason


def m3_params(desk: DeskState) -> M3Params:
    params = desk.settings.engine_params.get(ENGINE)
    return params if isinstance(params, M3Params) else M3Params()


def _open_sides(market: MarketState, book: LegBook) -> LegBook:
    """The book without the sides the trader has closed to engines here."""
    bid = Side.BID not in market.paused_sides and market.sides is not QuoteSides.ASK_ONLY
    ask = Side.ASK not in market.paused_sides and market.sides is not QuoteSides.BID_ONLY
    return LegBook(book.ticker, book.bids if ask else (), book.asks if bid else (), book.fee)


def _seconds_locked(desk: DeskState, usable: Sequence[MarketState]) -> float | None:
    """Until the last of the legs is expected to pay; None where no time is known."""
    times = [m.facts.expected_expiration_time or m.facts.close_time for m in usable]
    known = [at for at in times if at is not None]
    return (max(known) - desk.now.wall) / SECOND if known else None
