"""What one look at a market's book tells: features, the mark risk uses, the regime in force."""

from __future__ import annotations

from kalshi_tui.features.snapshot import FeatureSnapshot
from kalshi_tui.kernel.booking import own_resting
from kalshi_tui.kernel.state import DeskState, MarketState, Own, Touch
from kalshi_tui.orderbook.book import Book
from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.units import CENT, ONE, SECOND, Price
from kalshi_tui.risk.r2 import Conditions


def observe(desk: DeskState, market: MarketState) -> None:
    """Features from the touch without our own orders, and the marks risk uses."""
    book = desk.feed.book(market.facts.ticker)
    if book is None:
        return
    own = own_resting(desk, market) if market.own is None else market.own
    bid, bid_size, ask, ask_size = book.top_without(own)
    market.touch = touch_of(book, own) if bid == book.best_bid and ask == book.best_ask else None
    features = market.features
    features.on_top(bid, bid_size, ask, ask_size, desk.now)
    snapshot = market.snapshot = features.snapshot(desk.now)
    fair = snapshot.microprice
    set_mark(desk, market, _held_by(market.risk.fair, bid, ask) if fair is None else fair)
    feel_regime(desk, market, snapshot)


def touch_of(book: Book, own: Own | None) -> Touch:
    """The book's touch, our own orders included; equal ones are the same touch without them too."""
    return (book, own, book.touch())


def _held_by(fair: float | None, bid: Price | None, ask: Price | None) -> float | None:
    """What is left of an earlier fair value in a book with an empty side: no better than the quote that stands.

    After a print the losing side of a decided market is simply gone: its old mark would hide the loss until it
    settles.
    """
    if fair is None or (bid is not None and ask is not None):
        return None
    low = 0.0 if bid is None else bid / ONE
    high = 1.0 if ask is None else ask / ONE
    return min(max(fair, low), high)


def set_mark(desk: DeskState, market: MarketState, fair: float | None) -> None:
    """The mark risk uses; it stays as it was where a book that is true gives none."""
    if fair is None:
        return
    risk = market.risk
    risk.fair = fair
    mark = round(fair * ONE)
    if mark != risk.mark:
        risk.mark = mark
        if risk.position:
            desk.chain.totals.changed(risk.event_ticker)


def feel_regime(desk: DeskState, market: MarketState, snapshot: FeatureSnapshot) -> None:
    """The regime in force now; a change rescales the market's limits at once."""
    regime = market.watcher.update(desk.now, snapshot)
    if regime is Regime.CALM:
        market.calm_since = desk.now.mono if market.calm_since is None else market.calm_since
    else:
        market.calm_since = None
    if regime is not market.regime:
        market.regime = regime
        desk.chain.r2.scale(
            market.risk, conditions(desk, market), desk.now, r1_warn=desk.chain.r1.state != "normal"
        )


def conditions(desk: DeskState, market: MarketState) -> Conditions:
    """What R2 scales limits by."""
    facts, now = market.facts, desk.now
    life = None
    if facts.open_time is not None and facts.close_time is not None:
        life = (facts.close_time - facts.open_time) / SECOND
    upcoming = [p.at for p in market.prints if p.at > now.wall]
    return Conditions(
        regime=market.regime,
        seconds_to_close=None if facts.close_time is None else (facts.close_time - now.wall) / SECOND,
        life_s=life,
        seconds_to_event=(min(upcoming) - now.wall) / SECOND if upcoming else None,
        calm_s=0.0 if market.calm_since is None else (now.mono - market.calm_since) / SECOND,
    )


def mark_moved(market: MarketState) -> bool:
    """Whether the mark is a cent or more from the one its quotes were reviewed by: less says nothing to R3 either."""
    mark, reviewed = market.risk.mark, market.reviewed_mark
    return mark is None or reviewed is None or abs(mark - reviewed) >= CENT
