"""Volatility formulas where the reference vectors do not reach."""

from __future__ import annotations

import pytest

from kalshi_tui.features.volatility import (
    bachelier_vol,
    is_jump,
    jump_share,
    lee_mykland_threshold,
    remaining_variance,
)


def test_without_movement_there_is_no_jump_share() -> None:
    assert jump_share([0.0, 0.0]) is None
    assert jump_share([0.01, -0.01] * 10) == 0.0
    assert jump_share([0.001, 0.001, 0.1, 0.001]) == pytest.approx(1.0, abs=0.05)


def test_a_tick_of_a_quiet_market_is_no_jump() -> None:
    quiet = [0.0] * 50 + [0.01] + [0.0] * 9
    assert not is_jump(0.01, quiet, tick=0.01, tested=1000)
    assert not is_jump(0.0299, quiet, tick=0.01, tested=1000)


def test_the_floor_asks_for_about_three_ticks() -> None:
    quiet = [0.0] * 60
    least = lee_mykland_threshold(1000) * 0.005
    assert 0.028 < least < 0.031
    assert is_jump(0.0301, quiet, tick=0.01, tested=1000)


def test_a_move_among_moves_of_its_size_is_no_jump() -> None:
    lively = [0.03, -0.03] * 30
    assert not is_jump(0.05, lively, tick=0.01, tested=1000)
    assert is_jump(0.5, lively, tick=0.01, tested=1000)


def test_volatility_rises_towards_the_close_and_vanishes_at_the_edges() -> None:
    assert bachelier_vol(0.5, 1.0) < bachelier_vol(0.5, 0.25)
    assert bachelier_vol(0.5, 0.25) == pytest.approx(2.0 * bachelier_vol(0.5, 1.0))
    assert bachelier_vol(0.01, 1.0) < bachelier_vol(0.3, 1.0)
    assert remaining_variance(0.5) == 0.25
