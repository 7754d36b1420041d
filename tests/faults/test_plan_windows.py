"""When a plan's faults act: windows, how many, which share; seeded, and told once a window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kalshi_tui.practice.faults import FaultPlan
from kalshi_tui.practice.faults_read import parse_plan, read_plan
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Nanos

START: Nanos = 1_790_000_000 * SECOND
TENTHS = range(100)


def hits(plan: FaultPlan, kind: str = "lose", market: str = "A") -> list[int]:
    """The tenths of a second of the first ten at which a message was taken."""
    at = (START + tenth * 100 * MILLISECOND for tenth in TENTHS)
    return [tenth for tenth, now in zip(TENTHS, at, strict=True) if plan.hit(kind, now, market=market)]


def plan_of(text: str, seed: int = 1) -> FaultPlan:
    return FaultPlan(read_plan(text) if "@" in text else parse_plan(text, "p"), seed, START)


def test_windows_and_numbers() -> None:
    assert hits(plan_of("lose@1s")) == [10]
    assert hits(plan_of("lose@1s:3")) == [10, 11, 12]
    assert hits(plan_of("lose@1s+300ms")) == [10, 11, 12]
    assert hits(plan_of("lose@1s+1s:2")) == [10, 11]
    assert hits(plan_of("lose@1s/4s:2")) == [10, 11, 50, 51, 90, 91]
    assert hits(plan_of("lose@1s+200ms/4s")) == [10, 11, 50, 51, 90, 91]
    assert hits(plan_of("dup@1s")) == []
    assert hits(plan_of("lose@1s,lose@1s:2")) == [10, 11, 12]  # each takes its own


def test_a_market_or_a_path_chooses() -> None:
    one = '[[fault]]\ndo = "lose"\nat = 0\nfor = 1\nmarket = "KXA-*"\n'
    assert hits(plan_of(one), market="KXB-1") == []
    assert len(hits(plan_of(one), market="KXA-1")) == 10
    calls = {"POST /orders": 1, "GET /orders": 1, "GET /orders/7": 0}
    for call, expected in calls.items():
        plan = plan_of('[[fault]]\ndo = "error"\nat = 0\npath = "/orders"\n')
        assert (plan.hit("error", START, path=call) is not None) == bool(expected), call
    only = plan_of('[[fault]]\ndo = "error"\nat = 0\npath = "GET /orders*"\n')
    assert only.hit("error", START, path="POST /orders") is None
    assert only.hit("error", START, path="GET /orders/7") is not None


@given(st.integers(0, 10_000), st.integers(2, 9))
def test_a_share_is_the_same_for_the_same_seed_and_a_row_more_changes_nothing(seed: int, tenths: int) -> None:
    rows = f'[[fault]]\ndo = "lose"\nat = 0\nfor = 10\nshare = 0.{tenths}\n'
    taken = hits(plan_of(rows, seed))
    assert taken == hits(plan_of(rows, seed))
    assert taken == hits(plan_of(rows + '[[fault]]\ndo = "dup"\nat = 0\nfor = 10\nshare = 0.5\n', seed))


def test_seeds_differ_and_a_share_is_about_its_size() -> None:
    rows = '[[fault]]\ndo = "lose"\nat = 0\nfor = 10\nshare = 0.3\n'
    each = [hits(plan_of(rows, seed)) for seed in range(50)]
    assert len({tuple(taken) for taken in each}) == 50
    assert 1_350 < sum(map(len, each)) < 1_650  # 5,000 draws; over four standard deviations either way


def test_what_lasts_opens_and_closes_once() -> None:
    plan = plan_of("halt@1s+2s/5s,drop@4s")
    seen = []
    for tenth in TENTHS:
        now = START + tenth * 100 * MILLISECOND
        seen += [(tenth, fault.kind.name, begins) for fault, begins in plan.turns(now)]
        assert (plan.lasts("halt", now) > 0) == (10 <= tenth < 30 or 60 <= tenth < 80)
    assert seen == [
        (10, "halt", True),
        (30, "halt", False),
        (40, "drop", True),
        (60, "halt", True),
        (80, "halt", False),
    ]
    assert plan.lasts("halt", START + SECOND) == 2 * SECOND


def test_a_window_nobody_looked_into_is_closed_before_the_next_opens() -> None:
    plan = plan_of("halt@1s+2s/5s")
    assert [begins for _, begins in plan.turns(START + 2 * SECOND)] == [True]
    assert [begins for _, begins in plan.turns(START + 7 * SECOND)] == [False, True]


def test_lateness_grows_to_by() -> None:
    plan = plan_of('[[fault]]\ndo = "delay"\nat = 1\nfor = 4\nby = 8\n')
    late = [plan.lateness(START + second * SECOND) // SECOND for second in range(7)]
    assert late == [0, 0, 2, 4, 6, 0, 0]


def test_each_window_is_told_once_and_everything_is_counted() -> None:
    said: list[str] = []
    plan = FaultPlan(read_plan("lose@1s/4s:2,dup@30s"), 1, START, said.append)
    hits(plan, market="KXA")
    assert plan.counts() == {"lose@1s": 6, "dup@30s": 0}
    assert said == [
        f"{second} s: lose@1s: a delta of a book is numbered and not sent (KXA)"
        for second in ("1.0", "5.0", "9.0")
    ]
