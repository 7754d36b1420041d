"""The write budget: exact, whatever the rhythm it is looked at."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kalshi_tui.execution.budget import CREATE_COST, WriteBudget
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.units import MILLISECOND

START = Instant(5, 7)


def spent(tokens: int, rate: int = 100) -> WriteBudget:
    budget = WriteBudget(rate=rate)
    budget.refill(START)
    budget.spend(tokens)
    return budget


@given(steps=st.lists(st.integers(0, 50 * MILLISECOND), min_size=1, max_size=40))
def test_many_refills_are_one(steps: list[int]) -> None:
    often, once = spent(100), spent(100)
    now = START
    for step in steps:
        now = now.plus(step)
        often.refill(now)
    once.refill(now)
    for cost in range(0, 101, 5):
        assert often.affords(cost, 0) is once.affords(cost, 0)
    assert often.tokens == once.tokens


@given(tokens=st.integers(0, 100), reserve=st.integers(0, 80), rate=st.sampled_from((30, 100, 170)))
def test_when_is_the_first_moment_that_affords(tokens: int, reserve: int, rate: int) -> None:
    budget = spent(tokens, rate)
    due = budget.when(CREATE_COST, reserve)
    if due > START.mono:
        budget.refill(START.plus(due - START.mono - 1))
        assert not budget.affords(CREATE_COST, reserve)
    budget.refill(START.plus(due - START.mono))
    assert budget.affords(CREATE_COST, reserve)
