from __future__ import annotations

from risk_kit import market

from kalshi_tui.protocol.market import StrikeType
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, Side
from kalshi_tui.risk.scenarios import event_worst, groups, market_worst, outcome_values


def test_a_ladder_and_a_bracket_share_the_cells_of_one_number() -> None:
    markets = [market(f"T{s}", strike=s) for s in (0.2, 0.3, 0.4)]
    bracket = market("B", strike=0.3)
    bracket.strike_type, bracket.floor_strike, bracket.cap_strike = StrikeType.BETWEEN, 0.3, 0.3
    (group,) = groups([*markets, bracket])
    assert [(o.label, o.pays) for o in group.outcomes] == [
        ("≤ 0.2", (False, False, False, False)),
        ("0.2 to 0.3", (True, False, False, False)),
        ("0.3", (True, False, False, True)),
        ("0.3 to 0.4", (True, True, False, False)),
        ("> 0.4", (True, True, True, False)),
    ]


def test_settlement_values_are_arithmetic() -> None:
    """12 YES at 41 and 8 NO at 79 (8 YES sold at 21), a bid of 10 at 41 and an ask of 10 at 48 open."""
    low = market("L", strike=0.3, held=12, entry=41)
    high = market("H", strike=0.4, held=-8, entry=21)
    low.hold(Side.BID, 4100, 10 * CONTRACT)
    low.hold(Side.ASK, 4800, 10 * CONTRACT)
    (group,) = groups([low, high])
    values = {v.label: (v.now * 100 // DOLLAR, v.if_hit * 100 // DOLLAR) for v in outcome_values(group)}
    assert values == {
        "≤ 0.3": (-492 + 168, -492 + 168 - 410),
        "0.3 to 0.4": (708 + 168, 708 + 168 - 520),
        "> 0.4": (708 - 632, 708 - 632 - 520),
    }


def test_brackets_that_touch_share_no_outcome() -> None:
    markets = [market(f"B{s}", strike=s, exclusive=True) for s in (1.0, 2.0)]
    for bracket, low in zip(markets, (1.0, 2.0), strict=True):
        bracket.strike_type, bracket.floor_strike, bracket.cap_strike = StrikeType.BETWEEN, low, low + 1.0
    (group,) = groups(markets)
    assert {o.pays for o in group.outcomes} == {(False, False), (True, False), (False, True)}


def test_an_exclusive_event_keeps_none_of_them_possible() -> None:
    markets = [market(t, held=10, entry=30, exclusive=True) for t in ("A", "B")]
    (group,) = groups(markets)
    assert [o.pays for o in group.outcomes] == [(True, False), (False, True), (False, False)]
    assert event_worst(markets) == -10 * DOLLAR  # from the marks at 50; from entry it would be -6


def test_unrelated_markets_of_an_event_do_not_net() -> None:
    markets = [market("A", held=10, entry=50), market("B", held=-10, entry=50)]
    assert len(groups(markets)) == 2
    assert event_worst(markets) == -10 * DOLLAR


def test_overlapping_strikes_called_exclusive_are_not_netted_on_that_word() -> None:
    markets = [market(f"T{s}", strike=s, exclusive=True, held=-10, entry=50) for s in (1.0, 2.0)]
    (group,) = groups(markets)
    assert (True, True) in {o.pays for o in group.outcomes}
    assert event_worst(markets) == -10 * DOLLAR


def test_less_and_greater_strikes_of_one_number() -> None:
    markets = [market("G", strike=2.0), market("L", strike=2.0, kind=StrikeType.LESS_OR_EQUAL)]
    (group,) = groups(markets)
    assert [(o.label, o.pays) for o in group.outcomes] == [("≤ 2", (False, True)), ("> 2", (True, False))]


def test_unknown_cost_is_taken_from_the_mark_and_without_one_at_its_dearest() -> None:
    held = market(held=10, mark=30)
    held.cost = None
    assert market_worst(held) == -3 * DOLLAR
    held.mark = None
    assert market_worst(held) == -10 * DOLLAR
