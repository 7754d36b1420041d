"""The last words of a desk without a screen."""

from __future__ import annotations

from kalshi_tui.desk.narrate import refusals_said


def test_refused_orders_are_explained_code_by_code() -> None:
    assert refusals_said({"risk_refusals": {"R0_MARKET_CAP": 3}}) == [
        "refused 3 × R0_MARKET_CAP: the market's position limit was reached, resting orders included"
    ]
    assert refusals_said({"risk_refusals": {}}) == []
