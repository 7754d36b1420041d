"""The basket machine against a small market that fills, misses or fills in part."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalshi_tui.execution.basket import ASK_AGAIN, RETRY, BasketRules, BasketRun, BasketView, Phase, Take
from kalshi_tui.portfolio.fees import trade_fee
from kalshi_tui.pricing.baskets import Basket, LegBook, leg_risk
from kalshi_tui.pricing.m3 import M3Params, scan
from kalshi_tui.pricing.outcomes import OutcomeSpace
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import FeeSchedule
from kalshi_tui.protocol.orders import Fill
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CENT, CONTRACT, DOLLAR, MILLISECOND, ONE, Count, Price, Side

GRID = TickGrid.named("linear_cent")
FEE = FeeSchedule()
CAP = 20 * DOLLAR
TIMEOUT_MS = 1_500
SPACE = OutcomeSpace(
    "E", ("A", "B", "C"), ("a", "b", "c", "none"), ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)), (), ""
)


def book(ticker: str, bid: Price, count: Count, ask: Price | None = None) -> LegBook:
    asks = ((bid + 2 * CENT if ask is None else ask, 500 * CONTRACT),)
    deep = ((bid - 10 * CENT, 500 * CONTRACT),) if bid > 10 * CENT else ()
    return LegBook(ticker, ((bid, count), *deep), asks, FEE)


def broken_books() -> dict[str, LegBook]:
    """Bids of exclusive markets that sum to $1.08; C is the scarcest."""
    return {
        "A": book("A", 40 * CENT, 80 * CONTRACT),
        "B": book("B", 38 * CENT, 60 * CONTRACT),
        "C": book("C", 30 * CENT, 20 * CONTRACT),
    }


class Floor:
    """The market: ``take`` fills an order from its books as far as ``allow`` lets it."""

    def __init__(self, space: OutcomeSpace = SPACE, books: dict[str, LegBook] | None = None) -> None:
        self.now = Instant(10**12, 1_790_000_000 * 10**9)
        self.space = space
        self.books = broken_books() if books is None else books
        self.cash = 0
        self.held = dict.fromkeys(self.books, 0)
        found = scan(space, self.books, M3Params(), self.now.wall, None).basket
        assert found is not None
        self.basket: Basket = found
        self.run = BasketRun(found, space, BasketRules(TIMEOUT_MS, CAP), self.now)
        self.orders: list[Take] = []
        self.in_the_way = 0
        self.unanswered = False

    def wait(self, ms: int) -> None:
        self.now = self.now.plus(ms * MILLISECOND)

    def view(self) -> BasketView:
        grids = dict.fromkeys(self.books, GRID)
        return BasketView(self.now, self.books, grids, self.in_the_way, self.unanswered)

    @property
    def worst(self) -> int:
        """Worst state of what the trades left, by YES positions and cash alone."""
        tickers = self.space.tickers
        return self.cash + min(
            sum(self.held[t] * ONE for t, pays in zip(tickers, row, strict=True) if pays)
            for row in self.space.pays
        )

    def step(self, allow: Count | None = None) -> Take | None:
        """One step; what it sends fills from the book, at most ``allow``."""
        take = self.run.step(self.view())
        if take is not None:
            self.orders.append(take)
            self.run.sent(take, f"e{len(self.orders)}", self.now)
            self._fill(take, f"e{len(self.orders)}", take.count if allow is None else min(allow, take.count))
        return take

    def _fill(self, take: Take, client_id: str, left: Count) -> None:
        kept = []
        levels = self.books[take.ticker].levels(take.side)
        for price, count in levels:
            got = min(left, count) if (price - take.price) * take.side.sign <= 0 else 0
            if got:
                fee = trade_fee(FEE, price, got, True, self.now.wall, take.side)
                fill = Fill(f"{client_id}-{price}", "", take.ticker, take.side, price, got, fee, True, 0)
                assert self.run.on_fill(client_id, fill)
                self.cash -= price * got * take.side.sign + fee
                self.held[take.ticker] += got * take.side.sign
            left -= got
            kept.append((price, count - got))
        rest = tuple((price, count) for price, count in kept if count)
        old = self.books[take.ticker]
        bids, asks = (old.bids, rest) if take.side is Side.BID else (rest, old.asks)
        self.books[take.ticker] = LegBook(take.ticker, bids, asks, FEE)


def test_legs_go_scarcest_first_and_bring_exactly_what_was_promised() -> None:
    floor = Floor()
    sent = [floor.step() for _ in range(4)]
    assert [take.ticker if take else None for take in sent] == ["C", "B", "A", None]
    assert all(take.side is Side.ASK and not take.unwinds for take in floor.orders)
    assert floor.run.over and floor.run.outcome == "complete"
    assert floor.run.realized == floor.run.promised == floor.basket.profit > 0


def test_a_first_leg_that_is_gone_costs_nothing() -> None:
    floor = Floor()
    floor.step(allow=0)
    assert floor.step() is None
    assert floor.run.outcome == "nothing" and floor.run.realized == 0


def test_the_first_leg_pays_no_more_than_planned() -> None:
    floor = Floor()
    planned = next(leg for leg in floor.basket.legs if leg.ticker == "C")
    floor.books["C"] = book("C", planned.limit - CENT, 100 * CONTRACT)
    assert floor.step() is None and floor.run.outcome == "nothing"


def test_fewer_lots_of_the_first_leg_make_a_smaller_basket() -> None:
    floor = Floor()
    floor.step(allow=7 * CONTRACT)
    floor.step()
    floor.step()
    floor.step()
    assert [take.count for take in floor.orders[1:]] == [7 * CONTRACT, 7 * CONTRACT]
    assert floor.run.outcome == "complete"
    assert floor.run.basket.lots == 7 * CONTRACT and floor.run.realized >= floor.run.promised > 0


def test_a_later_leg_pays_up_to_where_the_whole_earns_nothing_and_no_further() -> None:
    floor = Floor()
    floor.step()
    floor.books["B"] = book("B", 37 * CENT, 60 * CONTRACT)
    floor.step()
    assert [take.ticker for take in floor.orders] == ["C", "B"]
    assert 33 * CENT < floor.orders[-1].price < 38 * CENT
    floor.books["A"] = book("A", 25 * CENT, 80 * CONTRACT)
    assert floor.step() is None and not floor.run.over


def test_a_later_leg_pays_no_more_than_planned_where_that_would_pass_the_cap() -> None:
    """W pays whenever N or R does: R and N without W's NO are two outright bets."""
    space = OutcomeSpace("E", ("N", "R", "W"), ("n", "r", "0"), ((1, 0, 1), (0, 1, 1), (0, 0, 0)), (), "")
    books = {
        "N": book("N", 38 * CENT, 90 * CONTRACT, 40 * CENT),
        "R": book("R", 38 * CENT, 90 * CONTRACT, 40 * CENT),
        "W": book("W", 90 * CENT, 900 * CONTRACT),
    }
    floor = Floor(space, books)
    assert leg_risk(space, floor.basket.legs) < -CAP * 9 // 10
    floor.step()
    second = floor.step()
    assert [take.ticker for take in floor.orders] == ["N", "R"]
    assert second is not None and second.price == 40 * CENT


def test_own_quotes_in_the_way_are_waited_for_but_not_for_long() -> None:
    floor = Floor()
    floor.in_the_way = 1
    assert floor.step() is None and floor.run.phase is Phase.CLEARING
    floor.wait(TIMEOUT_MS - 1)
    assert floor.step() is None and not floor.run.over
    floor.in_the_way = 0
    assert floor.step() is not None
    late = Floor()
    late.in_the_way = 1
    late.wait(TIMEOUT_MS)
    assert late.step() is None and late.run.outcome == "nothing"


def test_nothing_is_sent_while_an_order_may_still_fill() -> None:
    floor = Floor()
    floor.step()
    floor.unanswered = True
    floor.wait(10_000)
    assert floor.step() is None and not floor.run.over
    assert floor.run.unsent == [s.leg for s in floor.run.states[1:]]


def test_a_missed_leg_is_tried_again_and_then_the_rest_is_worked_off() -> None:
    floor = Floor()
    floor.step()
    floor.step()
    assert floor.step(allow=0) is not None
    assert floor.step() is None, "not again at once"
    floor.wait(RETRY // MILLISECOND)
    assert floor.step(allow=0) is not None
    floor.books["A"] = book("A", 20 * CENT, 80 * CONTRACT)
    floor.wait(TIMEOUT_MS)
    while not floor.run.over:
        floor.step()
        floor.wait(100)
    assert floor.run.outcome in ("unwound", "held")
    assert 0 > floor.run.realized == floor.worst >= -CAP


def test_what_the_gate_refuses_is_asked_again_soon_and_at_the_end_kept() -> None:
    floor = Floor()
    floor.step()
    for _ in range(60):
        take = floor.run.step(floor.view())
        if take is not None:
            floor.run.sent(take, "refused", floor.now)
            floor.run.refused(take, "held", floor.now)
            assert floor.run.step(floor.view()) is None or not floor.run.over
        floor.wait(ASK_AGAIN // MILLISECOND)
    assert floor.run.outcome == "held" and "held" in floor.run.status
    assert floor.run.realized >= -CAP


def test_a_refused_first_leg_ends_it() -> None:
    floor = Floor()
    take = floor.run.step(floor.view())
    assert take is not None
    floor.run.sent(take, "e1", floor.now)
    floor.run.refused(take, "cash", floor.now)
    assert floor.run.outcome == "nothing" and floor.run.status.endswith("cash")


def test_a_stop_keeps_what_is_held_and_sends_nothing_more() -> None:
    floor = Floor()
    floor.step()
    floor.run.stop("pulled")
    assert floor.step() is None
    assert floor.run.outcome == "held" and floor.run.realized >= -CAP


@settings(max_examples=150)
@given(st.lists(st.integers(0, 60), min_size=40, max_size=40), st.lists(st.integers(0, 700), min_size=40))
def test_whatever_fills_it_ends_inside_the_leg_risk_cap_and_never_buys_too_much(
    allows: list[int], waits: list[int]
) -> None:
    floor = Floor()
    assert leg_risk(SPACE, floor.basket.legs) >= -CAP
    for allow, wait in zip(allows, waits, strict=False):
        floor.step(allow * CONTRACT)
        assert floor.run.realized == floor.worst
        floor.wait(wait)
        assert all(0 <= s.filled <= floor.basket.lots for s in floor.run.states)
        if floor.run.over:
            break
    assert floor.run.realized >= -CAP


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.sampled_from("ABC"), st.integers(2, 97)), min_size=1, max_size=80
    )
)
def test_it_ends_and_stays_within_its_lots_however_the_books_move(moves: list[tuple[int, str, int]]) -> None:
    floor = Floor()
    for allow, ticker, bid in moves:
        floor.step(allow * CONTRACT)
        assert floor.run.realized == floor.worst
        floor.books[ticker] = book(ticker, bid * CENT, 50 * CONTRACT, min((bid + 2) * CENT, ONE - CENT))
        floor.wait(130)
        assert all(0 <= s.filled <= floor.basket.lots for s in floor.run.states)
    for _ in range(200):
        if floor.run.over:
            break
        floor.step()
        floor.wait(250)
    assert floor.run.over, floor.run.status


@pytest.mark.parametrize("missing", ["A", "B"])
def test_a_book_that_does_not_come_back_ends_it_too(missing: str) -> None:
    floor = Floor()
    floor.step()
    del floor.books[missing]
    for _ in range(100):
        floor.step()
        floor.wait(250)
    assert floor.run.over and floor.run.outcome == "held"
