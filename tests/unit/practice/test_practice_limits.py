"""Token buckets."""

from __future__ import annotations

import pytest
from practice_kit import NOW

from kalshi_tui.practice.limits import TIERS, Allowance, Bucket
from kalshi_tui.protocol.units import MILLISECOND, SECOND


def test_a_bucket_starts_full_and_refills_continuously() -> None:
    bucket = Bucket(rate=100, capacity=100)
    assert [bucket.take(10, NOW) for _ in range(11)] == [True] * 10 + [False]
    assert not bucket.take(10, NOW + 99 * MILLISECOND)
    assert bucket.take(10, NOW + 100 * MILLISECOND)
    assert not bucket.take(1, NOW + 100 * MILLISECOND)


def test_a_refusal_costs_nothing_and_time_does_not_run_back() -> None:
    bucket = Bucket(rate=100, capacity=100)
    assert not bucket.take(101, NOW)
    assert bucket.take(100, NOW)
    assert not bucket.take(1, NOW - SECOND)
    assert bucket.take(100, NOW + SECOND)


def test_capacity_bounds_a_long_rest() -> None:
    bucket = Bucket(rate=100, capacity=100)
    bucket.take(100, NOW)
    assert bucket.take(100, NOW + 3600 * SECOND)
    assert not bucket.take(1, NOW + 3600 * SECOND)


@pytest.mark.parametrize(("tier", "write"), [("basic", 100), ("advanced", 600), ("premier", 2_000)])
def test_basic_has_one_second_of_writes_and_no_reserve(tier: str, write: int) -> None:
    allowance = Allowance(TIERS[tier])
    assert allowance.take("write", write, NOW)
    assert not allowance.take("write", 1, NOW)
    assert allowance.take("read", 10, NOW)


def test_the_balance_is_read_once_a_second() -> None:
    allowance = Allowance(TIERS["basic"])
    assert allowance.take("balance", 1, NOW)
    assert not allowance.take("balance", 1, NOW + 999 * MILLISECOND)
    assert allowance.take("balance", 1, NOW + SECOND)
