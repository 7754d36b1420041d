"""The tick at a price on a grid of one step is that step."""

from __future__ import annotations

import pytest

from kalshi_tui.features.formulas import tick_around
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CENT, ONE


@pytest.mark.parametrize("step", [1, 10, CENT])
def test_one_band_tells_the_tick_without_looking(step: int) -> None:
    """The same prices in two bands are looked up price by price."""
    one, two = TickGrid.of([(0, ONE, step)]), TickGrid.of([(0, 5000, step), (5000, ONE, step)])
    assert one == two and len(two.bands) == 2
    for price in (step, step * 1.5, 4_999.5, 5_000, 5_000.5, ONE - step):
        assert tick_around(one, price) == tick_around(two, price) == step
