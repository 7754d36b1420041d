"""What totals remember between questions is what they would work out afresh."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from risk_kit import market, state

from kalshi_tui.protocol.units import CONTRACT, Side
from kalshi_tui.risk.totals import Totals

PLACES = ["AEE", "AEF", "BEG", "BEH"]
CHANGES = st.lists(
    st.tuples(
        st.integers(0, len(PLACES) - 1),
        st.sampled_from(["bid", "ask", "position", "mark", "cost"]),
        st.integers(1, 99),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60)
@given(CHANGES)
def test_totals_that_are_told_agree_with_totals_that_look(changes: list[tuple[int, str, int]]) -> None:
    markets = [market(ticker, ticker[0]) for ticker in PLACES]
    now = state(*markets)
    told, looking = Totals(told=True), Totals()
    for place, what, number in changes:
        changed = markets[place]
        if what == "position":
            changed.position = (number - 50) * CONTRACT
        elif what == "mark":
            changed.mark = number * 100
        elif what == "cost":
            changed.cost = (number - 50) * 10_000
        else:
            changed.hold(Side(what), number * 100, CONTRACT)
        told.changed(changed.event_ticker)
        for one in markets:
            told.settle(now, one.event_ticker)
            assert told.beside(now, one) == looking.beside(now, one)
            assert told.others(now, one.event_ticker) == looking.others(now, one.event_ticker)
            assert told.loss_elsewhere(now, one.event_ticker) == looking.loss_elsewhere(now, one.event_ticker)
