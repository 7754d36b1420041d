"""Spaces over several events: what a person ticks, the fields must bear."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kalshi_tui.pricing.baskets import proved_units, worst_payoff
from kalshi_tui.pricing.joint import JointError, nested, same_number
from kalshi_tui.protocol.market import Event, Market, StrikeType
from kalshi_tui.protocol.text import SafeText
from kalshi_tui.protocol.units import SECOND, Side

K = StrikeType
STEP = Decimal("0.1")


def struck(ticker: str, kind: StrikeType, floor: float | None = None, cap: float | None = None) -> Market:
    return Market(ticker, ticker[0], strike_type=kind, floor_strike=floor, cap_strike=cap)


LADDER = [struck(f"A{s}", K.GREATER, floor=s) for s in (0.1, 0.2, 0.3, 0.4)]
BRACKETS = [
    struck("BLOW", K.LESS, cap=0.2),
    *(struck(f"B{s}", K.BETWEEN, s, s) for s in (0.2, 0.3, 0.4)),
    struck("BHIGH", K.GREATER, floor=0.4),
]
CPI = {"A": LADDER, "B": BRACKETS}


def by_event(ticker: str, end: int, label: str = "") -> Market:
    return Market(ticker, ticker.split("-")[0], close_time=end * SECOND, yes_sub_title=SafeText(label))


def units(step: Decimal | None) -> set[frozenset[tuple[str, Side]]]:
    return {frozenset(unit) for _, unit in proved_units(same_number(CPI, step))}


def test_a_bracket_is_the_difference_of_thresholds_of_another_event() -> None:
    space = same_number(CPI, STEP)
    assert space.event_ticker == "A+B" and space.events == (
        tuple(m.ticker for m in LADDER),
        tuple(m.ticker for m in BRACKETS),
    )
    dear = (("B0.3", Side.ASK), ("A0.3", Side.ASK), ("A0.2", Side.BID))
    cheap = (("B0.3", Side.BID), ("A0.3", Side.BID), ("A0.2", Side.ASK))
    assert {frozenset(dear), frozenset(cheap)} <= units(STEP)
    assert (worst_payoff(space, dear), worst_payoff(space, cheap)) == (2, 1)
    sum_of_brackets = frozenset(
        {("B0.2", Side.BID), ("B0.3", Side.BID), ("A0.3", Side.BID), ("A0.1", Side.ASK)}
    )
    assert sum_of_brackets in units(STEP)


def test_without_the_published_step_only_the_safe_direction_is_proved() -> None:
    """0.25 is above 0.2, not above 0.3 and not exactly 0.3: the bracket may then fall short of the difference."""
    dear = frozenset({("B0.3", Side.ASK), ("A0.3", Side.ASK), ("A0.2", Side.BID)})
    cheap = frozenset({("B0.3", Side.BID), ("A0.3", Side.BID), ("A0.2", Side.ASK)})
    assert dear in units(None) and cheap not in units(None)


def test_each_event_keeps_what_it_proves_alone() -> None:
    ladder, brackets = same_number(CPI, STEP).by_event()
    assert ladder.implies("A0.2", "A0.1") and not ladder.exclusive
    assert brackets.exclusive and brackets.exhaustive


def test_a_person_can_read_the_proof() -> None:
    proof = same_number(CPI, STEP).proof
    assert proof[0] == "A and B speak of one number"
    assert "exactly 0.3" in proof[1] and "A0.2 pays if the number is above 0.2" in proof


def test_a_market_without_a_strike_breaks_the_one_number() -> None:
    with pytest.raises(JointError, match="strike on a number"):
        same_number({"A": LADDER, "C": [Market("C1", "C")]}, STEP)


def test_by_june_lies_within_by_december() -> None:
    members = {"JUN": [by_event("JUN-1", 6)], "DEC": [by_event("DEC-1", 12)]}
    space = nested(members, {})
    assert set(space.pays) == {(0, 0), (0, 1), (1, 1)}
    assert space.implies("JUN-1", "DEC-1") and not space.implies("DEC-1", "JUN-1")
    assert (("DEC-1", Side.BID), ("JUN-1", Side.ASK)) in [unit for _, unit in proved_units(space)]


def test_nesting_follows_labels_and_keeps_what_each_event_proves() -> None:
    members = {
        "JUN": [by_event("JUN-A", 6, "Ann"), by_event("JUN-B", 6, "Bob")],
        "DEC": [by_event("DEC-A", 12, "Ann"), by_event("DEC-B", 12, "Bob")],
    }
    space = nested(members, {name: Event(name, "S", mutually_exclusive=True) for name in members})
    assert space.implies("JUN-A", "DEC-A") and not space.implies("JUN-A", "DEC-B")
    assert all(row[0] + row[1] <= 1 and row[2] + row[3] <= 1 for row in space.pays)


def test_an_outer_event_that_ends_first_is_no_nesting() -> None:
    members = {"DEC": [by_event("DEC-1", 12)], "JUN": [by_event("JUN-1", 6)]}
    with pytest.raises(JointError, match="innermost event first"):
        nested(members, {})
    with pytest.raises(JointError, match="same label"):
        nested({"A": [by_event("A-1", 1, "x"), by_event("A-2", 1, "y")], "B": [by_event("B-1", 2, "z")]}, {})
