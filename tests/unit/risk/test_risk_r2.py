from __future__ import annotations

from math import nan

import pytest
from risk_kit import START, market

from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.units import SECOND
from kalshi_tui.risk.base import Multipliers, effective_limit
from kalshi_tui.risk.r2 import R2, Conditions, R2Params, target_multipliers

DAY = 86_400.0


def at(
    regime: Regime | None = Regime.CALM,
    close: float | None = None,
    life: float | None = None,
    event: float | None = None,
    calm: float = 0.0,
) -> Conditions:
    return Conditions(regime, close, life, event, calm)


def row(m: Multipliers) -> tuple[int, int, int, int, int]:
    return m.position, m.size, m.loss, m.collar_levels, m.rate


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (at(), (1000, 1000, 1000, 10, 1000)),
        (at(Regime.ACTIVE), (500, 500, 750, 8, 1000)),
        (at(Regime.EVENT), (100, 100, 500, 5, 500)),
        (at(None), (100, 100, 500, 5, 500)),
        (at(close=3600, life=30 * DAY), (500, 500, 750, 8, 1000)),
        (at(close=3601, life=30 * DAY), (1000, 1000, 1000, 10, 1000)),
        (at(close=600, life=30 * DAY), (0, 0, 500, 5, 1000)),
        (at(Regime.EVENT, close=3000), (100, 100, 500, 5, 500)),
        (at(close=nan), (0, 0, 500, 5, 1000)),
        (at(event=120), (100, 100, 500, 5, 500)),
        (at(event=-30), (100, 100, 500, 5, 500)),
    ],
)
def test_the_table_by_the_least_of_each_column(conditions: Conditions, expected: tuple[int, ...]) -> None:
    assert row(target_multipliers(R2Params(), conditions)) == expected


def test_a_market_of_fifteen_minutes_stays_tradable() -> None:
    life = 900.0
    limits = [target_multipliers(R2Params(), at(close=s, life=life)) for s in (800, 451, 450, 91, 90, 10)]
    assert [m.position for m in limits] == [1000, 1000, 500, 500, 0, 0]
    assert [m.reduce_only for m in limits] == [False] * 4 + [True] * 2
    assert limits[-1].why == "about to close"


def test_caps_taper_before_a_print_instead_of_dropping() -> None:
    caps = [target_multipliers(R2Params(), at(event=s)).position for s in (1801, 1800, 960, 121, 120)]
    assert caps == [1000, 1000, 550, 100, 100]
    assert target_multipliers(R2Params(), at(event=960)).why == "event in 16 min ×0.55"


def test_a_warned_day_halves_sizes_and_the_least_counts_not_the_product() -> None:
    warned = target_multipliers(R2Params(), at(Regime.ACTIVE), r1_warn=True)
    assert (warned.position, warned.size) == (500, 500)
    assert target_multipliers(R2Params(), at(), r1_warn=True).why == "day near its loss limit ×0.5"
    assert effective_limit(200, [500, 400, 500, 1000]) == 80


def test_the_calm_bonus_is_asked_for_and_earned() -> None:
    assert target_multipliers(R2Params(calm_bonus=True), at(calm=7200)).position == 1250
    assert target_multipliers(R2Params(calm_bonus=True), at(calm=7199)).position == 1000
    assert target_multipliers(R2Params(), at(calm=9999)).position == 1000


def test_tightening_is_immediate_and_loosening_takes_minutes() -> None:
    engine, held = R2(R2Params()), market()
    assert engine.scale(held, at(), START).position == 1000
    assert engine.scale(held, at(Regime.EVENT), START.plus(SECOND)).position == 100
    positions = [
        engine.scale(held, at(), START.plus((1 + s) * SECOND)).position for s in (0, 6, 60, 120, 600)
    ]
    assert positions == [100, 110, 200, 300, 1000]
    assert held.limits.position == 1000
    assert engine.scale(held, at(Regime.EVENT), START.plus(700 * SECOND)).position == 100
    easing = engine.scale(held, at(), START.plus(730 * SECOND))
    assert (easing.position, easing.why) == (150, "×0.15 easing")


def test_small_steps_loosen_as_fast_as_large_ones() -> None:
    engine, held = R2(R2Params()), market()
    engine.scale(held, at(Regime.EVENT), START)
    for tenth in range(1, 601):
        engine.scale(held, at(), START.plus(tenth * SECOND // 10))
    assert 190 <= held.limits.position <= 200


def test_parameters_are_checked() -> None:
    with pytest.raises(ValueError, match="taper_s must be longer"):
        R2Params(taper_s=60)
