"""Events on one number: nothing false is found, what is planted is, and a basket never pays less than it promised."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kalshi_tui.portfolio.attribution import Sources
from kalshi_tui.portfolio.positions import Ledger
from kalshi_tui.pricing import lp
from kalshi_tui.pricing.baskets import (
    LegBook,
    candidates,
    gross_edge,
    leg_risk,
    size_basket,
    worst_after_fills,
)
from kalshi_tui.pricing.joint import same_number
from kalshi_tui.pricing.outcomes import OutcomeSpace
from kalshi_tui.protocol.market import FeeSchedule, Market, StrikeType
from kalshi_tui.protocol.orders import Fill
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, ONE, Side

K = StrikeType
FEES = FeeSchedule()
FREE = FeeSchedule(multiplier=0)
STEPS = (1, 2, 3, 4)


def cpi(step: str | None = "0.1") -> OutcomeSpace:
    ladder = [Market(f"A{s}", "A", strike_type=K.GREATER, floor_strike=s / 10) for s in STEPS]
    inner = [
        Market(f"B{s}", "B", strike_type=K.BETWEEN, floor_strike=s / 10, cap_strike=s / 10) for s in STEPS[1:]
    ]
    ends = [
        Market("BLOW", "B", strike_type=K.LESS, cap_strike=0.2),
        Market("BHIGH", "B", strike_type=K.GREATER, floor_strike=0.4),
    ]
    return same_number({"A": ladder, "B": [*inner, *ends]}, None if step is None else Decimal(step))


SPACE = cpi()


@st.composite
def coherent(draw: st.DrawFn, fee: FeeSchedule, space: OutcomeSpace = SPACE) -> dict[str, LegBook]:
    """Books around the prices of some probability measure."""
    weights = draw(st.lists(st.integers(1, 100), min_size=len(space.states), max_size=len(space.states)))
    books = {}
    for i, ticker in enumerate(space.tickers):
        paid = sum(weight for weight, row in zip(weights, space.pays, strict=True) if row[i])
        low, high = paid * ONE // sum(weights), -(-paid * ONE // sum(weights))
        bid, ask = low - draw(st.integers(0, 300)), high + draw(st.integers(0, 300))
        count = draw(st.integers(1, 200)) * CONTRACT
        books[ticker] = LegBook(
            ticker, ((bid, count),) if bid > 0 else (), ((ask, count),) if 0 < ask < ONE else (), fee
        )
    return books


@given(coherent(FREE))
def test_coherent_books_of_two_events_hold_no_arbitrage(books: dict[str, LegBook]) -> None:
    assert all(gross_edge(SPACE, unit, books) <= 0 for _, unit in candidates(SPACE, books))


@given(coherent(FREE), st.sampled_from(STEPS[1:3]), st.booleans(), st.integers(50, 400))
def test_a_bracket_out_of_line_with_the_thresholds_is_found(
    books: dict[str, LegBook], step: int, dear: bool, edge: int
) -> None:
    """The bracket is quoted ``edge`` beyond what the thresholds of the other event bear: some basket pays that."""
    wide, narrow = books[f"A{step - 1}"], books[f"A{step}"]
    assume(wide.bids and wide.asks and narrow.bids and narrow.asks)
    price = wide.asks[0][0] - narrow.bids[0][0] + edge if dear else wide.bids[0][0] - narrow.asks[0][0] - edge
    assume(0 < price < ONE)
    at = ((price, CONTRACT),)
    books[f"B{step}"] = LegBook(f"B{step}", at if dear else (), () if dear else at, FREE)
    best = max(gross_edge(SPACE, unit, books) for _, unit in candidates(SPACE, books))
    assert best >= edge * CONTRACT


@settings(max_examples=60)
@given(coherent(FREE), st.sampled_from(SPACE.tickers), st.integers(200, 2_000))
def test_the_linear_program_finds_no_more_than_the_closed_forms_miss(
    books: dict[str, LegBook], ticker: str, off: int
) -> None:
    """Second opinion, where scipy is installed: one price moved; a profit the program sees is seen by a basket."""
    assume(lp.solver_available())
    book = books[ticker]
    bids = tuple((min(price + off, ONE - 1), count) for price, count in book.bids)
    books[ticker] = LegBook(
        ticker, bids, tuple(level for level in book.asks if not bids or level[0] > bids[0][0]), FREE
    )
    result = lp.solve_books(SPACE, books)
    found = any(gross_edge(SPACE, unit, books) > 0 for _, unit in candidates(SPACE, books))
    assert result is not None and found == (result.profit > 1e-7)


@given(coherent(FEES), st.data())
def test_no_outcome_pays_less_than_promised_and_half_a_basket_loses_no_more_than_said(
    books: dict[str, LegBook], data: st.DataObject
) -> None:
    units = [unit for _, unit in candidates(SPACE, books)]
    assume(units)
    unit = data.draw(st.sampled_from(units))
    basket = size_basket(SPACE, "", unit, books, 0)
    assume(basket is not None)
    assert basket is not None
    counts = [leg.count for leg in basket.legs]
    assert worst_after_fills(SPACE, basket.legs, counts) >= basket.profit
    mask = data.draw(st.lists(st.booleans(), min_size=len(counts), max_size=len(counts)))
    half = [count if filled else 0 for count, filled in zip(counts, mask, strict=True)]
    assert worst_after_fills(SPACE, basket.legs, half) >= leg_risk(SPACE, basket.legs)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["m1", "m3", "m3 statistical", "mine"]),
            st.sampled_from(["X", "Y"]),
            st.sampled_from(list(Side)),
            st.integers(1, 99),
            st.integers(1, 500),
            st.integers(0, 20_000),
        ),
        max_size=30,
    ),
    st.booleans(),
)
def test_sources_together_are_the_account(
    trades: list[tuple[str, str, Side, int, int, int]], yes: bool
) -> None:
    """Cash, fees and positions by source add up to the ledger's, before and after a settlement."""
    ledger, sources = Ledger(), Sources()
    for number, (source, ticker, side, cents, count, fee) in enumerate(trades):
        fill = Fill(f"t{number}", "o", ticker, side, cents * 100, count, fee, False, 0)
        ledger.apply_fill(fill)
        sources.fill(source, fill)
    marks = {"X": 4_000, "Y": 7_000}
    realized, unrealized, fees = ledger.totals(marks)
    pnls = [book.pnl(marks) for book in sources.books.values()]
    assert unrealized is not None and None not in pnls
    assert sum(pnl for pnl in pnls if pnl is not None) == realized + unrealized - fees
    sources.settle("X", DOLLAR if yes else 0)
    after = [book.pnl({"X": 0, "Y": 7_000}) for book in sources.books.values()]
    held = ledger.position("X")
    gain = held * ((ONE if yes else 0) - marks["X"])
    assert sum(pnl for pnl in after if pnl is not None) == realized + unrealized - fees + gain
    assert all("X" not in book.positions for book in sources.books.values())
