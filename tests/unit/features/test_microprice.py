"""The micro-price: the chain's fixed point, fitting with a full grid, loud fallback, the look-up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalshi_tui.features.microprice import MicroTable
from kalshi_tui.features.microprice_fit import (
    MOVES_PER_ROW,
    FitError,
    Sample,
    after_moves,
    fit_table,
    fixed_point,
    samples_from_touch,
)
from kalshi_tui.protocol.ticks import TickGrid


def biased_samples(count: int, strength: float) -> list[Sample]:
    """A book whose mid tends towards the heavy side, from a fixed linear congruence (no randomness)."""
    seed, out = 12345, []
    share, spread = 0.5, 1
    for _ in range(count):
        seed = (1103515245 * seed + 12345) % 2**31
        uniform = seed / 2**31
        seed = (1103515245 * seed + 12345) % 2**31
        next_share = seed / 2**31
        up = 0.1 + strength * (share - 0.5)
        down = 0.1 - strength * (share - 0.5)
        half_ticks = 2 if uniform < up else -2 if uniform > 1.0 - down else 0
        next_spread = 1 + (seed >> 16) % 2
        out.append(Sample(share, spread, next_share, next_spread, half_ticks))
        share, spread = next_share, next_spread
    return out


def test_the_fixed_point_agrees_with_a_long_sum_of_moves() -> None:
    q = np.array([[0.3, 0.1, 0.1], [0.1, 0.4, 0.1], [0.1, 0.1, 0.3]])
    r = np.array([[0.4, 0.1], [0.2, 0.2], [0.1, 0.4]])
    t = np.array([[0.2, 0.2, 0.1], [0.1, 0.2, 0.1], [0.1, 0.2, 0.2]])
    first, b, star = fixed_point(q, r, (-0.5, 0.5), t)
    assert np.allclose(b.sum(axis=1), 1.0)
    assert np.abs(star - after_moves(first, b, 400)).max() < 1e-10
    assert star[1] == pytest.approx(0.0, abs=1e-12)


def test_a_chain_that_drifts_is_refused() -> None:
    q = np.array([[0.4, 0.2], [0.2, 0.4]])
    r = np.array([[0.1, 0.3], [0.1, 0.3]])
    t = np.array([[0.2, 0.2], [0.2, 0.2]])
    with pytest.raises(FitError, match="not symmetric"):
        fixed_point(q, r, (-0.5, 0.5), t)


def test_a_chain_that_leaks_is_refused() -> None:
    q, r, t = np.array([[0.5]]), np.array([[0.2, 0.2]]), np.array([[0.4]])
    with pytest.raises(FitError, match="leaks"):
        fixed_point(q, r, (-0.5, 0.5), t)


def test_a_fit_leans_to_the_heavy_side_and_is_antisymmetric() -> None:
    table = fit_table(biased_samples(20_000, 0.15), buckets=5, spreads=2)
    assert table.fitted == (True, True)
    for row in table.rows:
        assert list(row) == sorted(row)
        assert row[2] == 0.0
        assert row[0] == -row[4] < -0.1


def test_pure_noise_fits_to_nothing() -> None:
    table = fit_table(biased_samples(20_000, 0.0), buckets=5, spreads=2)
    assert max(abs(value) for row in table.rows for value in row) < 0.05


def test_a_thin_row_falls_back_to_the_shrunk_weighted_mid_and_says_so() -> None:
    samples = [one for one in biased_samples(5_000, 0.15) if one.spread == 1]
    table = fit_table(samples, buckets=5, spreads=3, shrink=0.5)
    assert table.fitted == (True, False, False)
    assert table.rows[1] == pytest.approx((-0.4, -0.2, 0.0, 0.2, 0.4))


def test_a_row_is_believed_from_its_two_hundredth_move_on() -> None:
    one = Sample(0.9, 1, 0.1, 1, 2)
    assert fit_table([one] * MOVES_PER_ROW, spreads=1).fitted == (True,)
    assert fit_table([one] * (MOVES_PER_ROW - 1), spreads=1).fitted == (False,)


def test_jumps_are_left_out_of_a_fit() -> None:
    samples = biased_samples(5_000, 0.1)
    jumps = [Sample(0.9, 1, 0.9, 1, 60)] * 500
    assert fit_table(samples + jumps, spreads=1) == fit_table(samples, spreads=1)


def test_an_even_number_of_buckets_is_refused() -> None:
    with pytest.raises(FitError, match="odd"):
        fit_table([], buckets=4)


@settings(max_examples=20)
@given(
    st.lists(
        st.builds(
            Sample,
            share=st.floats(0, 1),
            spread=st.integers(1, 6),
            next_share=st.floats(0, 1),
            next_spread=st.integers(1, 6),
            half_ticks=st.integers(-4, 4),
        ),
        max_size=50,
    )
)
def test_any_sample_with_empty_cells_still_fits(samples: list[Sample]) -> None:
    """The full state grid is kept: no cell is dropped, shifted or singular."""
    table = fit_table(samples, buckets=3, spreads=4)
    assert len(table.rows) == 4
    for row in table.rows:
        assert all(np.isfinite(row))
        assert row[1] == 0.0


def test_the_look_up_interpolates_and_holds_beyond_the_ends() -> None:
    table = MicroTable(((-0.4, 0.0, 0.4),), (True,))
    assert table.shift(0.0, 1) == table.shift(1 / 6, 1) == -0.4
    assert table.shift(0.5, 1) == 0.0
    assert table.shift(2 / 3, 1) == pytest.approx(0.2)
    assert table.shift(1.0, 1) == 0.4
    assert table.shift(0.9, 2) is None and table.shift(0.9, 0) is None


@given(st.floats(0, 1))
def test_the_look_up_is_antisymmetric(share: float) -> None:
    table = MicroTable(((-0.7, -0.2, 0.0, 0.2, 0.7),), (True,))
    up, down = table.shift(share, 1), table.shift(1.0 - share, 1)
    assert up is not None and down is not None and up == pytest.approx(-down, abs=1e-9)


def test_a_table_that_is_not_antisymmetric_is_refused() -> None:
    with pytest.raises(ValueError, match="antisymmetric"):
        MicroTable(((-0.4, 0.0, 0.5),), (True,))
    with pytest.raises(ValueError, match="one flag per row"):
        MicroTable(((-0.4, 0.0, 0.4),), ())


def test_samples_of_touches_skip_what_is_no_book() -> None:
    grid = TickGrid.named("linear_cent")
    touches = [
        (4400, 1000, 4500, 1000),
        (4400, 3000, 4500, 1000),
        (4500, 1000, 4600, 1000),
        (4600, 1000, 4500, 1000),  # crossed: the chain ends
        (4500, 1000, 4700, 1000),
    ]
    found = list(samples_from_touch(touches, grid, prior=0))
    assert found == [Sample(0.5, 1, 0.75, 1, 0), Sample(0.75, 1, 0.5, 1, 2)]
