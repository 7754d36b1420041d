"""One basket on its way: legs bought one after the other, and what becomes of a half-filled one.

CLEARING (own quotes in the way are going) -> BUYING -> CLOSING (late: complete, unwind or hold) -> DONE. The
machine is told what the books show and what filled; it answers with at most one order at a time and holds none.

Source: the leg risk rules of the project's quantitative specification, section 3.3. Scarcest leg first, at its
planned price: while nothing is held, missing it costs nothing. Fewer lots of it make a smaller basket. Every
further leg may pay up to the price at which the whole still earns nothing. After the timeout the way with the
best certain result is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from kalshi_tui.pricing.baskets import Basket, Leg, LegBook, price_basket, worst_after_fills
from kalshi_tui.pricing.legs import LegState, Way, choose_way, leg_limit, leg_order
from kalshi_tui.pricing.outcomes import OutcomeSpace
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import Fill
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import DOLLAR, MILLISECOND, ONE, SECOND, Count, Money, Nanos, Price, Side
from kalshi_tui.risk.words import contracts, dollars

RETRY: Nanos = 500 * MILLISECOND
"""A leg that got nothing is not tried again sooner: the controls refuse a repetition before that."""
ASK_AGAIN: Nanos = 100 * MILLISECOND
"""A leg that was not let through is asked for again after this."""
BOOK_PATIENCE: Nanos = 10 * SECOND
"""How long a half-filled basket waits for a book it needs before what it holds is left as it is."""
TRIES_PER_LEG = 3
"""Orders a leg may have after the timeout."""


class Phase(StrEnum):
    CLEARING = "clearing"
    BUYING = "buying"
    CLOSING = "closing"
    DONE = "done"


class BasketRules(Struct, frozen=True):
    timeout_ms: int
    leg_risk: Money
    """Most a half-filled basket that is kept may lose at worst."""


class BasketView(Struct, frozen=True):
    """What a basket must know at one instant. ``books`` are the true ones only, own orders taken out."""

    now: Instant
    books: Mapping[str, LegBook]
    grids: Mapping[str, TickGrid]
    in_the_way: int
    """Own open orders that a leg would trade with."""
    unanswered: bool
    """Whether an order of this basket may still fill."""


class Take(Struct, frozen=True):
    """Send this as IOC: YES price, YES side. ``leg`` indexes ``BasketRun.states``."""

    leg: int
    ticker: str
    side: Side
    price: Price
    count: Count
    unwinds: bool = False


class BasketRun:
    """One basket of one event. ``step`` whenever something changed; ``sent`` and ``on_fill`` tell it the rest."""

    def __init__(self, basket: Basket, space: OutcomeSpace, rules: BasketRules, now: Instant) -> None:
        self.planned = basket
        self.basket = basket
        """What is being bought: as planned, or fewer lots once the scarcest leg got less."""
        self.space = space
        self.states = [LegState(leg) for leg in leg_order(basket.legs)]
        self.phase = Phase.CLEARING
        self.outcome = ""
        """complete, unwound, held or nothing, once it is over."""
        self.status = f"{basket.relation}: clearing own quotes"
        self._rules = rules
        self._since = now.mono
        self._tried: dict[int, Nanos] = {}
        self._sent: dict[str, Take] = {}
        self._closings = 0
        self._way = Way.COMPLETE
        self._refusal = ""

    @property
    def over(self) -> bool:
        return self.phase is Phase.DONE

    @property
    def orders(self) -> tuple[str, ...]:
        """Client ids of every order it has sent."""
        return tuple(self._sent)

    @property
    def promised(self) -> Money:
        """Worst-case profit of the lots it went for."""
        return self.basket.profit

    @property
    def realized(self) -> Money:
        """P&L in the worst state of what was really bought and sold, fees included."""
        columns = [self.space.tickers.index(s.leg.ticker) for s in self.states]
        payoff = min(
            sum(
                (row[i] if s.leg.side is Side.BID else 1 - row[i]) * s.filled
                for i, s in zip(columns, self.states, strict=True)
            )
            for row in self.space.pays
        )
        return payoff * ONE - sum(s.spent for s in self.states)

    @property
    def unsent(self) -> list[Leg]:
        """Legs that no order has been sent for: what must stay reserved."""
        if self.phase not in (Phase.CLEARING, Phase.BUYING):
            return []
        return [s.leg for i, s in enumerate(self.states) if i not in self._tried]

    # -- what happened -------------------------------------------------------------------------------

    def sent(self, take: Take, client_id: str, now: Instant) -> None:
        """``take`` left under this id."""
        self._sent[client_id] = take
        self._tried[take.leg] = now.mono

    def refused(self, take: Take, why: str, now: Instant) -> None:
        """The gate or a risk engine did not let ``take`` leave."""
        self._tried[take.leg] = now.mono - RETRY + ASK_AGAIN
        self._refusal = why
        if not self._holds_anything():
            self._finish("nothing", why)

    def on_fill(self, client_id: str, fill: Fill) -> bool:
        """Take in a trade; False when it is of no order of this basket."""
        take = self._sent.get(client_id)
        if take is None:
            return False
        state = self.states[take.leg]
        own = fill.price if state.leg.side is Side.BID else ONE - fill.price
        if take.unwinds:
            state.filled -= fill.count
            state.spent += fill.fee - own * fill.count
        else:
            state.filled += fill.count
            state.spent += fill.fee + own * fill.count
        return True

    def stop(self, why: str) -> None:
        """No order of it may leave any more (a stop, a settled market): what is held stays."""
        self._finish("held" if self._holds_anything() else "nothing", why)

    # -- what to do ----------------------------------------------------------------------------------

    def step(self, view: BasketView) -> Take | None:
        """The next order, None while there is nothing to send; ``status`` says what it is at."""
        if self.over or view.unanswered:
            return None
        if self.phase is Phase.CLEARING:
            return self._clear(view)
        if self.phase is Phase.BUYING:
            return self._buy(view)
        return self._close(view)

    def _clear(self, view: BasketView) -> Take | None:
        if view.in_the_way:
            if self._late(view):
                self._finish("nothing", "own quotes in its way were not gone in time")
            return None
        self.phase, self._since = Phase.BUYING, view.now.mono
        return self._buy(view)

    def _late(self, view: BasketView) -> bool:
        return view.now.mono - self._since >= self._rules.timeout_ms * MILLISECOND

    def _buy(self, view: BasketView) -> Take | None:
        if 0 in self._tried and len(self._tried) == 1:
            first = self.states[0]
            if not first.filled:
                return self._finish("nothing", f"{first.leg.ticker} was gone")
            if first.open:
                self._shrink(first.filled)
        if not any(state.open for state in self.states):
            return self._finish("complete", "")
        if self._late(view):
            self.phase, self._since = Phase.CLOSING, view.now.mono
            self._tried.clear()
            return self._close(view)
        for index, state in enumerate(self.states):
            if state.open and self._may_try(index, view.now):
                price = self._limit(index, view)
                if price is not None and _offered(view.books[state.leg.ticker], state.leg.side, price):
                    return self._take(index, state.leg.side, price, state.open)
            if not self._tried:
                return self._finish("nothing", f"{state.leg.ticker} was gone before it could be bought")
        return None

    def _may_try(self, index: int, now: Instant) -> bool:
        tried = self._tried.get(index)
        return tried is None or now.mono - tried >= RETRY

    def _limit(self, index: int, view: BasketView) -> Price | None:
        """The first leg pays what was planned; the others what leaves the whole at nothing or more."""
        leg = self.states[index].leg
        book, grid = view.books.get(leg.ticker), view.grids.get(leg.ticker)
        if book is None or grid is None:
            return None
        limit = leg_limit(self.basket, self.states, index, grid, book.fee, view.now.wall)
        if limit is None or (self._holds_anything() and self._bearable(index, limit)):
            return limit
        return min(limit, leg.limit) if leg.side is Side.BID else max(limit, leg.limit)

    def _bearable(self, index: int, limit: Price) -> bool:
        """Whether what is held with this leg at ``limit`` stays inside the leg-risk cap."""
        leg = self.states[index].leg
        slip = max((limit - leg.limit) * leg.side.sign, 0) * leg.count
        filled = [s.leg.count if i == index else s.filled for i, s in enumerate(self.states)]
        worst = worst_after_fills(self.space, [s.leg for s in self.states], filled)
        return worst - slip >= -self._rules.leg_risk

    def _shrink(self, lots: Count) -> None:
        """Go on with fewer lots; costs are rounded up."""
        self.basket = scaled(self.basket, lots)
        legs = {leg.ticker: leg for leg in self.basket.legs}
        for state in self.states:
            state.leg = legs[state.leg.ticker]

    def _close(self, view: BasketView) -> Take | None:
        """Late: what is complete stays; the rest goes the way that is certainly best."""
        complete = min(state.filled for state in self.states)
        lots = max(state.filled for state in self.states) - complete
        if not lots:
            return self._finish("complete" if self._way is Way.COMPLETE else "unwound", "")
        if any(state.leg.ticker not in view.books for state in self.states):
            if view.now.mono - self._since >= BOOK_PATIENCE:
                return self._finish("held", "a book it needs did not come back")
            return None
        self._closings += 1
        if self._closings > TRIES_PER_LEG * len(self.states):
            return self._finish("held", self._refusal or "the books did not bear the rest")
        rest = scaled(self.basket, lots)
        legs = {leg.ticker: leg for leg in rest.legs}
        states = [
            LegState(legs[s.leg.ticker], s.filled - complete, _share(s.spent, s.filled - complete, s.filled))
            for s in self.states
        ]
        missing = [self._at_market(s.leg.ticker, s.leg.side, s.open, view) for s in states if s.open]
        cost = None if None in missing else sum(leg.cost + leg.fee for leg in missing if leg is not None)
        cap, wall = self._rules.leg_risk, view.now.wall
        self._way, _ = choose_way(self.space, rest, states, view.books, cost, cap, wall)
        if self._way is Way.HOLD:
            return self._finish("held", self._refusal or "nothing else was better")
        return self._work_off(states, view)

    def _work_off(self, states: list[LegState], view: BasketView) -> Take | None:
        """The next order of the chosen way."""
        unwinds = self._way is Way.UNWIND
        for index, state in enumerate(states):
            count = state.filled if unwinds else state.open
            if not count or not self._may_try(index, view.now):
                continue
            side = state.leg.side.opposite if unwinds else state.leg.side
            leg = self._at_market(state.leg.ticker, side, count, view)
            if leg is not None:
                return self._take(index, side, leg.limit, count, unwinds)
        self._closings -= 1  # nothing was tried: the pause between two tries is not over
        return None

    def _at_market(self, ticker: str, side: Side, count: Count, view: BasketView) -> Leg | None:
        """``count`` at what the book shows; None where it does not bear that much."""
        try:
            unit = ((ticker, side),)
            return price_basket(self.space, "", unit, view.books, count, view.now.wall).legs[0]
        except ValueError:
            return None

    def _take(self, index: int, side: Side, price: Price, count: Count, unwinds: bool = False) -> Take:
        verb = "unwinding" if unwinds else "buying"
        ticker = self.states[index].leg.ticker
        self.status = f"{self.basket.relation}: {verb} {contracts(count)} of {ticker}"
        return Take(index, ticker, side, price, count, unwinds)

    def _holds_anything(self) -> bool:
        return any(state.filled for state in self.states)

    def _finish(self, outcome: str, why: str) -> Take | None:
        """It is over; None, so that a step can end with it."""
        self.phase, self.outcome = Phase.DONE, outcome
        tail = f": {why}" if why else ""
        if outcome == "nothing":
            self.status = f"{self.planned.relation}: no basket bought{tail}"
            return None
        lots = contracts(min(state.filled for state in self.states))
        money = f"worst case {dollars(self.realized)} of {dollars(self.promised)} promised"
        self.status = f"{self.planned.relation}: {outcome}, size {lots}, {money}{tail}"
        return None


def scaled(basket: Basket, lots: Count) -> Basket:
    """The same basket for fewer ``lots``: costs are rounded up, the payoff down, and each fee by a cent, which is
    the most the exchange's rounding of a fill can add."""
    if lots == basket.lots:
        return basket

    def leg(one: Leg) -> Leg:
        cost, fee = _share(one.cost, lots, one.count), _share(one.fee, lots, one.count)
        return replace(one, count=lots, cost=cost, fee=fee + DOLLAR // 100)

    return replace(
        basket,
        legs=tuple(leg(one) for one in basket.legs),
        lots=lots,
        payoff=basket.payoff * lots // basket.lots,
    )


def _share(money: Money, part: Count, whole: Count) -> Money:
    """``part / whole`` of an amount, rounded up; 0 of nothing."""
    return -(-money * part // whole) if whole else 0


def _offered(book: LegBook, side: Side, limit: Price) -> bool:
    """Whether the book shows anything at the limit or better."""
    levels = book.levels(side)
    return bool(levels) and (levels[0][0] - limit) * side.sign <= 0
