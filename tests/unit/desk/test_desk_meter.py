"""The latency meter: what it says of many samples, in memory that never grows."""

from __future__ import annotations

import random

import pytest

from kalshi_tui.desk.meter import STEPS, LatencyMeter


def test_before_any_frame_there_is_nothing_to_say() -> None:
    assert LatencyMeter().summary() is None


@pytest.mark.parametrize("value", [0, 1, 63, 64, 127, 128, 1_000, 123_456_789, (1 << 63) - 1])
def test_one_sample_is_said_as_it_was(value: int) -> None:
    meter = LatencyMeter()
    meter.add(value)
    said = meter.summary()
    assert said is not None
    assert said["p50"] == said["p99"] == pytest.approx(value / 1000, rel=1 / (2 * STEPS), abs=0.06)


def test_a_clock_that_went_back_counts_as_no_time() -> None:
    meter = LatencyMeter()
    meter.add(-5)
    assert meter.summary() == {"p50": 0.0, "p99": 0.0}


@pytest.mark.parametrize("seed", range(5))
def test_ranks_are_those_of_the_sorted_samples(seed: int) -> None:
    rng = random.Random(seed)
    samples = [int(rng.lognormvariate(12, 2)) for _ in range(5_000)]
    meter = LatencyMeter()
    for sample in samples:
        meter.add(sample)
    said, ordered = meter.summary(), sorted(samples)
    assert said is not None
    for name, share in (("p50", 50), ("p99", 99)):
        exact = ordered[len(ordered) * share // 100] / 1000
        assert said[name] == pytest.approx(exact, rel=1 / (2 * STEPS), abs=0.06)
