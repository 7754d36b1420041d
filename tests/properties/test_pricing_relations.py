"""No false arbitrage on coherent books, none missed on broken ones, and money that adds up state by state."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kalshi_tui.portfolio.fees import trade_fee
from kalshi_tui.pricing import lp
from kalshi_tui.pricing.baskets import LegBook, candidates, gross_edge, size_basket
from kalshi_tui.pricing.ladder import coherent_fairs, isotonic
from kalshi_tui.pricing.m3 import M3Params, scan
from kalshi_tui.pricing.outcomes import OutcomeSpace
from kalshi_tui.protocol.market import FeeSchedule
from kalshi_tui.protocol.units import CONTRACT, ONE, Side

FREE = FeeSchedule(multiplier=0)


@st.composite
def spaces(draw: st.DrawFn) -> OutcomeSpace:
    """An event of any shape: a ladder, an exclusive set, or an arbitrary table of payoffs."""
    markets = draw(st.integers(2, 5))
    shape = draw(st.sampled_from(["ladder", "exclusive", "any"]))
    if shape == "ladder":
        rows = [tuple(int(state > market) for market in range(markets)) for state in range(markets + 1)]
    elif shape == "exclusive":
        rows = [tuple(int(state == market) for market in range(markets)) for state in range(markets + 1)]
        if draw(st.booleans()):
            rows.pop()
    else:
        bit = st.integers(0, 1)
        rows = draw(st.lists(st.tuples(*[bit] * markets), min_size=2, max_size=6, unique=True))
    tickers = tuple(f"M{i}" for i in range(markets))
    return OutcomeSpace("E", tickers, tuple(str(row) for row in rows), tuple(rows), (), "")


@st.composite
def coherent_books(draw: st.DrawFn, fee: FeeSchedule = FREE) -> tuple[OutcomeSpace, dict[str, LegBook]]:
    """Books around the prices of some probability measure: bid <= p <= ask on every market."""
    space = draw(spaces())
    weights = draw(st.lists(st.integers(1, 100), min_size=len(space.states), max_size=len(space.states)))
    books = {}
    for index, ticker in enumerate(space.tickers):
        paid = sum(weight for weight, row in zip(weights, space.pays, strict=True) if row[index])
        low, high = paid * ONE // sum(weights), -(-paid * ONE // sum(weights))
        bid, ask = low - draw(st.integers(0, 300)), high + draw(st.integers(0, 300))
        count = draw(st.integers(1, 300)) * CONTRACT
        books[ticker] = LegBook(
            ticker, ((bid, count),) if bid > 0 else (), ((ask, count),) if ask < ONE else (), fee
        )
    return space, books


@given(coherent_books())
def test_coherent_books_hold_no_arbitrage(case: tuple[OutcomeSpace, dict[str, LegBook]]) -> None:
    space, books = case
    for _, unit in candidates(space, books):
        assert gross_edge(space, unit, books) <= 0
    assert scan(space, books, M3Params(), 0, None).basket is None


@pytest.mark.skipif(not lp.solver_available(), reason="scipy is not installed")
@settings(max_examples=60)
@given(coherent_books())
def test_the_program_agrees_that_coherent_books_hold_none(
    case: tuple[OutcomeSpace, dict[str, LegBook]],
) -> None:
    space, books = case
    result = lp.solve_books(space, books)
    if result is not None and result.lots:
        assert result.profit == pytest.approx(0.0, abs=1e-6)
        assert sum(result.state_prices) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.skipif(not lp.solver_available(), reason="scipy is not installed")
@settings(max_examples=60)
@given(coherent_books(), st.data())
def test_the_closed_forms_never_beat_the_program(
    case: tuple[OutcomeSpace, dict[str, LegBook]], data: st.DataObject
) -> None:
    """On books moved out of line the program finds at least what the closed forms find."""
    space, books = case
    moved = {}
    for ticker, book in books.items():
        shift = data.draw(st.integers(-1_500, 1_500))
        bids = tuple((min(max(price + shift, 1), ONE - 1), count) for price, count in book.bids)
        asks = tuple((min(max(price + shift, 1), ONE - 1), count) for price, count in book.asks)
        moved[ticker] = LegBook(ticker, bids, asks, book.fee)
    result = lp.solve_books(space, moved)
    assert result is not None
    for relation, unit in candidates(space, moved):
        basket = size_basket(space, relation, unit, moved, 0)
        if basket is not None:
            assert basket.profit / 1e6 <= result.profit + 1e-6


@pytest.mark.skipif(not lp.solver_available(), reason="scipy is not installed")
@settings(max_examples=60)
@given(st.integers(2, 5), st.data())
def test_a_ladder_pushed_out_of_line_is_found_by_both(markets: int, data: st.DataObject) -> None:
    rows = tuple(tuple(int(state > market) for market in range(markets)) for state in range(markets + 1))
    space = OutcomeSpace("E", tuple(f"M{i}" for i in range(markets)), ("",) * len(rows), rows, (), "")
    wide, narrow = sorted(
        data.draw(st.lists(st.integers(0, markets - 1), min_size=2, max_size=2, unique=True))
    )
    price = data.draw(st.integers(1_000, 8_000))
    edge = data.draw(st.integers(100, 500))
    books = {
        f"M{wide}": LegBook(f"M{wide}", (), ((price, 5_000),), FREE),
        f"M{narrow}": LegBook(f"M{narrow}", ((price + edge, 5_000),), (), FREE),
    }
    found = scan(space, books, M3Params(min_profit=0.0, hurdle=0.0, leg_risk=1e6), 0, None)
    assert found.basket is not None and found.basket.profit == edge * 5_000
    result = lp.solve_books(space, books)
    assert result is not None and result.profit == pytest.approx(edge * 5_000 / 1e6, rel=1e-6)


@given(coherent_books(FeeSchedule()), st.integers(200, 2_000))
def test_a_baskets_profit_is_its_worst_state_by_enumeration(
    case: tuple[OutcomeSpace, dict[str, LegBook]], cheaper: int
) -> None:
    space, books = case
    cheap = {
        ticker: LegBook(
            ticker, book.bids, tuple((max(price - cheaper, 1), count) for price, count in book.asks), book.fee
        )
        for ticker, book in books.items()
    }
    for relation, unit in candidates(space, cheap):
        basket = size_basket(space, relation, unit, cheap, 0)
        assume(basket is not None)
        assert basket is not None
        worst = None
        for row in space.pays:
            pnl = 0
            for leg in basket.legs:
                pays = row[space.tickers.index(leg.ticker)]
                own = pays if leg.side is Side.BID else 1 - pays
                price = leg.limit if leg.side is Side.BID else ONE - leg.limit
                fee = trade_fee(FeeSchedule(), leg.limit, leg.count, True, 0, leg.side)
                pnl += leg.count * (own * ONE - price) - fee
            worst = pnl if worst is None else min(worst, pnl)
        assert worst == basket.profit


def offered_below(books: dict[str, LegBook], cheaper: int) -> dict[str, LegBook]:
    """The same books with every offer that much lower: contradictions, where it is much."""
    return {
        ticker: LegBook(ticker, book.bids, tuple((max(p - cheaper, 1), q) for p, q in book.asks), book.fee)
        for ticker, book in books.items()
    }


@given(coherent_books(), st.data(), st.integers(100, 3_000))
def test_the_order_of_the_markets_does_not_matter(
    case: tuple[OutcomeSpace, dict[str, LegBook]], data: st.DataObject, cheaper: int
) -> None:
    space, coherent = case
    books = offered_below(coherent, cheaper)
    order = data.draw(st.permutations(range(len(space.tickers))))
    pays = tuple(tuple(row[i] for i in order) for row in space.pays)
    shuffled = OutcomeSpace("E", tuple(space.tickers[i] for i in order), space.states, pays, (), "")

    def best(one: OutcomeSpace) -> tuple[int, int]:
        units = [unit for _, unit in candidates(one, books)]
        found = scan(one, books, M3Params(min_profit=0.0, min_lot_profit=0.0), 0, None).basket
        return max((gross_edge(one, unit, books) for unit in units), default=0), found.profit if found else 0

    assert best(space) == best(shuffled)


def mirrored(book: LegBook) -> LegBook:
    """The same market written as its NO."""
    return LegBook(
        book.ticker,
        tuple((ONE - price, count) for price, count in book.asks),
        tuple((ONE - price, count) for price, count in book.bids),
        book.fee,
    )


@pytest.mark.skipif(not lp.solver_available(), reason="scipy is not installed")
@settings(max_examples=60)
@given(coherent_books(), st.data(), st.integers(0, 3_000))
def test_writing_markets_as_their_no_changes_nothing_for_the_program(
    case: tuple[OutcomeSpace, dict[str, LegBook]], data: st.DataObject, cheaper: int
) -> None:
    space, coherent = case
    books = offered_below(coherent, cheaper)
    turned = [data.draw(st.booleans()) for _ in space.tickers]
    pays = tuple(tuple(x ^ turn for x, turn in zip(row, turned, strict=True)) for row in space.pays)
    other = OutcomeSpace("E", space.tickers, space.states, pays, (), "")
    theirs = {
        ticker: mirrored(books[ticker]) if turn else books[ticker]
        for ticker, turn in zip(space.tickers, turned, strict=True)
    }
    one, two = lp.solve_books(space, books), lp.solve_books(other, theirs)
    assert one is not None and two is not None
    assert one.profit == pytest.approx(two.profit, abs=1e-6)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 10)), min_size=1, max_size=12))
def test_the_isotonic_fit_is_monotone_keeps_the_mean_and_leaves_order_alone(
    rows: list[tuple[float, float]],
) -> None:
    values, weights = [v for v, _ in rows], [w for _, w in rows]
    fitted = isotonic(values, weights)
    assert all(a >= b - 1e-12 for a, b in pairwise(fitted))
    total = sum(v * w for v, w in rows)
    assert sum(f * w for f, w in zip(fitted, weights, strict=True)) == pytest.approx(
        total, rel=1e-9, abs=1e-9
    )
    falling = sorted(values, reverse=True)
    assert isotonic(falling, weights) == pytest.approx(falling)
    assert isotonic(fitted, weights) == pytest.approx(fitted)


@given(coherent_books())
def test_fair_values_no_relation_contradicts_are_left_as_they_are(
    case: tuple[OutcomeSpace, dict[str, LegBook]],
) -> None:
    space, _ = case
    mean = {t: sum(row[i] for row in space.pays) / len(space.pays) for i, t in enumerate(space.tickers)}
    fitted = coherent_fairs(space, mean, dict.fromkeys(mean, 1.0))
    for ticker, fair in fitted.items():
        assert fair == pytest.approx(mean[ticker], abs=1e-9)
