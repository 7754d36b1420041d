"""The last words of a desk without a screen."""

from __future__ import annotations

from kalshi_tui.desk.narrate import farewell, refusals_said


def test_refused_orders_are_explained_code_by_code() -> None:
    assert refusals_said({"risk_refusals": {"R0_MARKET_CAP": 3}}) == [
        "refused 3 × R0_MARKET_CAP: the market's position limit was reached, resting orders included"
    ]
    assert refusals_said({"risk_refusals": {}}) == []


def test_the_farewell_says_one_of_a_thing_as_one() -> None:
    """And two as two: a person reads this line when something is left over."""
    money = dict.fromkeys(
        ("volume_contracts", "realized_pnl_dollars", "unrealized_pnl_dollars", "fees_dollars"), "2.00"
    )
    one = farewell({**money, "fills": 1, "orders_live": 1, "orders_unknown": 0, "unreconciled": 1})
    assert (
        " 1 fill, " in one and "; 1 order live, 0 unknown, 1 difference from the venue; 1 order may " in one
    )
    two = farewell({**money, "fills": 2, "orders_live": 0, "orders_unknown": 2, "unreconciled": 0})
    assert (
        " 2 fills, " in two
        and "; 0 orders live, 2 unknown, 0 differences from the venue; 2 orders may " in two
    )
