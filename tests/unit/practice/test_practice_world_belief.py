"""What the world knows: strikes, probabilities that agree with each other, news on schedule."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_tui.practice.world_belief import Latent, Moment, Number, Strike
from kalshi_tui.protocol.market import StrikeType
from kalshi_tui.protocol.units import SECOND


def number(mean: float = 0.3, variance: float = 0.01, fixing: int = 100 * SECOND) -> Number:
    latent = Latent(mean, 0.0, random.Random(1), jumps=((fixing, variance),))
    return Number(latent, fixing, 1, 10)


def above(step: int) -> Strike:
    return Strike(StrikeType.GREATER, floor=step)


def between(low: int, high: int) -> Strike:
    return Strike(StrikeType.BETWEEN, floor=low, cap=high)


@pytest.mark.parametrize(
    ("strike", "pays", "not_pays"),
    [
        (Strike(StrikeType.GREATER, floor=3), 4, 3),
        (Strike(StrikeType.GREATER_OR_EQUAL, floor=3), 3, 2),
        (Strike(StrikeType.LESS, cap=3), 2, 3),
        (Strike(StrikeType.LESS_OR_EQUAL, cap=3), 3, 4),
        (Strike(StrikeType.BETWEEN, floor=2, cap=3), 3, 4),
        (Strike(StrikeType.BETWEEN, floor=2, cap=3), 2, 1),
    ],
)
def test_strikes_pay_at_their_own_edge(strike: Strike, pays: int, not_pays: int) -> None:
    assert strike.pays(pays)
    assert not strike.pays(not_pays)


def test_even_odds_at_the_rounding_boundary() -> None:
    # 0.35 rounds half up to 0.4, so "above 0.3" is worth one half when 0.35 is expected.
    assert number(mean=0.35).probability(above(3), 0) == pytest.approx(0.5)


def test_one_deviation_above_the_boundary() -> None:
    assert number(mean=0.45, variance=0.01).probability(above(3), 0) == pytest.approx(0.841345, abs=1e-6)


@given(st.floats(-0.5, 1.0), st.floats(1e-6, 1.0))
def test_brackets_and_thresholds_agree(mean: float, variance: float) -> None:
    cpi = number(mean, variance)
    brackets = [Strike(StrikeType.LESS, cap=2), between(2, 2), between(3, 3), above(3)]
    assert sum(cpi.probability(b, 0) for b in brackets) == pytest.approx(1.0)
    difference = cpi.probability(above(2), 0) - cpi.probability(above(3), 0)
    assert cpi.probability(between(3, 3), 0) == pytest.approx(difference, abs=1e-12)


def test_the_published_number_decides() -> None:
    cpi = number(mean=0.3, variance=0.0)
    assert cpi.fix(100 * SECOND) == 3
    assert cpi.probability(above(2), 100 * SECOND) == 1.0
    assert cpi.probability(above(3), 100 * SECOND) == 0.0


def test_a_number_is_published_once() -> None:
    latent = Latent(0.3, 0.01, random.Random(3))
    cpi = Number(latent, 10 * SECOND, 1, 10)
    first = cpi.fix(10 * SECOND)
    latent.advance(5_000 * SECOND)
    assert cpi.fix(5_000 * SECOND) == first


def test_native_values_and_steps_are_inverse() -> None:
    fed = Number(Latent(0.0, 1.0, random.Random(1)), SECOND, 25, 1)
    assert fed.native(-1) == -25.0
    assert fed.text(-1) == "-25"
    assert number().text(3) == "0.3"
    assert fed.steps(-25.0) == -1
    assert fed.steps(-12.5) == 0
    assert fed.steps(-12.6) == -1


def test_a_jump_arrives_at_its_instant_and_not_before() -> None:
    latent = Latent(1.0, 0.0, random.Random(2), jumps=((10 * SECOND, 4.0),))
    latent.advance(10 * SECOND - 1)
    assert latent.mean == 1.0
    latent.advance(10 * SECOND)
    assert latent.mean != 1.0
    assert latent.remaining(10 * SECOND, 20 * SECOND) == 0.0


def test_a_child_moves_beta_times_its_parent() -> None:
    cpi = Latent(0.3, 0.0, random.Random(2), jumps=((SECOND, 0.01),))
    fed = Latent(-6.0, 0.0, random.Random(3), parent=cpi, beta=80.0)
    assert fed.mean == pytest.approx(-6.0)
    assert fed.remaining(0, SECOND) == pytest.approx(64.0)
    fed.advance(SECOND)
    assert fed.mean - -6.0 == pytest.approx(80.0 * (cpi.mean - 0.3))


def test_waves_shift_without_chance() -> None:
    latent = Latent(1.0, 0.0, random.Random(2), waves=((SECOND, -0.25), (2 * SECOND, -0.25)))
    latent.advance(SECOND)
    assert latent.mean == 0.75
    latent.advance(5 * SECOND)
    assert latent.mean == 0.5


def test_appetite_falls_before_a_print_and_comes_back() -> None:
    moment = Moment(100 * SECOND, 60.0, 30.0)
    assert moment.appetite(0) == 1.0
    assert moment.appetite(70 * SECOND) == pytest.approx(0.5)
    assert moment.appetite(100 * SECOND) == moment.appetite(101 * SECOND) < 0.1
    assert moment.appetite(117 * SECOND) == pytest.approx(0.5)
    assert moment.appetite(140 * SECOND) == 1.0
