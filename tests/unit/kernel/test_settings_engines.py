"""Which engine a market starts with."""

from __future__ import annotations

from kernel_bench import Bench, market, settings


def test_the_most_particular_name_counts() -> None:
    engines = {"KXA": "m1", "KXA-26": "m2", "KXA-26-T1": "m3"}
    told = settings(default_engine="m0", engines=engines)
    found = [told.engine_of(market(t, e)) for t, e in (
        ("KXA-26-T1", "KXA-26"), ("KXA-26-T2", "KXA-26"), ("KXA-27-T1", "KXA-27"), ("KXB-26-T1", "KXB-26"),
    )]  # fmt: skip
    assert found == ["m3", "m2", "m1", "m0"]


def test_a_market_starts_with_its_own_engine() -> None:
    bench = Bench(("T-1", "T-2"), engines={"T-2": "m1"})
    assert [m.engine for m in bench.kernel.state.markets.values()] == ["m0", "m1"]
