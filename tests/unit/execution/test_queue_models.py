from __future__ import annotations

import pytest

from kalshi_tui.execution.queue_models import MODELS, Logarithmic, Optimistic, Power, RiskAverse, power_front


def test_the_risk_averse_order_waits_for_trades() -> None:
    assert RiskAverse().on_depth(6000, 10_000, 8000, 0) == 6000
    assert RiskAverse().on_depth(6000, 10_000, 5000, 0) == 5000


def test_the_others_share_cancels_by_what_is_behind() -> None:
    assert Power(1.0).on_depth(6000, 10_000, 8000, 0) == 4800
    assert Power(2.0).on_depth(6000, 10_000, 8000, 0) == 4616, "rounded up: never a better place"
    assert 4800 < Logarithmic().on_depth(6000, 10_000, 8000, 0) < 5100
    assert Optimistic().on_depth(6000, 10_000, 8000, 0) == 0


def test_trades_explain_a_fall_and_rises_move_nothing() -> None:
    assert Power(1.0).on_depth(5000, 10_000, 9000, 1000) == 5000
    assert Power(3.0).on_depth(5000, 10_000, 20_000, 0) == 5000


def test_what_cannot_have_come_from_behind_came_from_in_front() -> None:
    assert power_front(90, 100, 50, 0, 1.0) == pytest.approx(45.0)
    assert power_front(40, 100, 1, 0, 3.0) == pytest.approx(1.0)
    assert power_front(0, 100, 50, 0, 1.0) == 0.0


def test_models_have_names_and_sane_parameters() -> None:
    assert sorted(MODELS) == ["logarithmic", "optimistic", "power", "risk averse"]
    assert all(model().on_depth(0, 10, 5, 0) == 0 for model in MODELS.values())
    with pytest.raises(ValueError, match="above zero"):
        Power(0.0)
