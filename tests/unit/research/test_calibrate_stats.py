"""Folds that never look ahead, intervals over events, the exact sign flip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_tui.research.calibrate_stats import EMBARGO, Span, cluster_interval, sign_flip_p, walk_forward


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**11)), min_size=1, max_size=12))
def test_training_is_over_before_the_test_begins_and_no_event_is_on_both_sides(
    drawn: list[tuple[int, int]],
) -> None:
    spans = {f"E{i}": Span(f"E{i}", begun, begun + life) for i, (begun, life) in enumerate(drawn)}
    folds = walk_forward(list(spans.values()))
    for fold in folds:
        assert fold.test not in fold.train
        assert all(spans[e].ended + EMBARGO <= spans[fold.test].begun for e in fold.train)
    begins = [spans[fold.test].begun for fold in folds]
    assert begins == sorted(begins)


def test_an_event_next_to_the_last_one_is_purged() -> None:
    spans = [Span("B", EMBARGO + 9, EMBARGO + 20), Span("A", 0, 10), Span("C", 3 * EMBARGO, 4 * EMBARGO)]
    assert [(fold.test, fold.train) for fold in walk_forward(spans)] == [("C", ("A", "B"))]


def test_five_of_five_is_one_in_32() -> None:
    good = [-1.2, -0.4, -2.1, -0.7, -0.3]
    assert sign_flip_p(good, 1) == 1 / 32
    assert sign_flip_p([-value for value in good], 1) == 1.0
    assert sign_flip_p([], 1) == 1.0


def test_many_events_are_flipped_at_random_and_repeatably() -> None:
    values = [-1.0] * 14 + [1.0] * 6
    # Binomial: 14 or more of 20 heads.
    assert sign_flip_p(values, 7) == pytest.approx(0.0577, abs=0.004)
    assert sign_flip_p(values, 7) == sign_flip_p(values, 7)


def test_the_interval_is_over_events_and_follows_the_seed() -> None:
    tops, bottoms = [float(i % 5) for i in range(100)], [1.0] * 100
    low, high = cluster_interval(tops, bottoms, 3) or (0.0, 0.0)
    # Mean 2, standard deviation sqrt 2 over 100 events: 2 -+ 1.96 * 0.1414.
    assert low == pytest.approx(1.723, abs=0.03)
    assert high == pytest.approx(2.277, abs=0.03)
    assert cluster_interval(tops, bottoms, 3) == (low, high)
    assert cluster_interval([1.0, 1.0], [1.0, 1.0], 3) == (1.0, 1.0)


def test_no_interval_where_nothing_can_be_said() -> None:
    assert cluster_interval([], [], 1) is None
    assert cluster_interval([1.0, 0.0], [1.0, 0.0], 1) is None
