"""A probability that ends at 0 or 1 moves, in squares and on average, exactly p(1 - p): whatever the schedule.

Checked on the practice world's own numbers: the CPI release, the Fed decision it moves, a short crypto fixing.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from kalshi_tui.practice.catalog import Listing
from kalshi_tui.practice.catalog_assets import PLANS, AssetFamily, asset_latents
from kalshi_tui.practice.catalog_macro import MacroFamily
from kalshi_tui.practice.scenarios import scenario
from kalshi_tui.protocol.units import SECOND

START = 1_795_000_000 * SECOND
PATHS = 1_500
STEPS = 40


def macro(seed: str, which: int) -> Listing:
    return MacroFamily(scenario("cpi-day"), seed, lambda at: START + at).listings(0)[which]


def crypto(seed: str) -> Listing:
    latents = asset_latents(seed, scenario("default"))
    return AssetFamily(PLANS[0], latents["Bitcoin"], seed, START, lambda at: START + at).listings(0)[0]


WORLDS: dict[str, Callable[[str], Listing]] = {
    "cpi ladder": lambda seed: macro(seed, 0),
    "cpi brackets": lambda seed: macro(seed, 1),
    "fed": lambda seed: macro(seed, 2),
    "crypto": crypto,
}


def path(listing: Listing, market: int) -> tuple[float, float, float]:
    """(p at the start, sum of squared moves, p at the end) of one market along one draw of its number."""
    number, strike = listing.number, listing.markets[market].strike
    first = last = number.probability(strike, 0)
    squares = 0.0
    for step in range(1, STEPS + 1):
        at = number.fixing * step // STEPS
        number.latent.advance(at)
        if step == STEPS:
            number.fix(at)
        now = number.probability(strike, at)
        squares += (now - last) ** 2
        last = now
    return first, squares, last


@pytest.mark.parametrize("name", WORLDS)
def test_quadratic_variation_to_settlement_is_p_times_one_minus_p(name: str) -> None:
    gaps: list[float] = []
    drifts: list[float] = []
    for seed in range(PATHS):
        first, squares, last = path(WORLDS[name](f"theory/{seed}"), 1)
        assert last in (0.0, 1.0)
        gaps.append(squares - first * (1.0 - first))
        drifts.append(last - first)
    for errors in (gaps, drifts):
        mean = sum(errors) / PATHS
        spread = math.sqrt(sum((e - mean) ** 2 for e in errors) / (PATHS - 1) / PATHS)
        assert spread < 0.015
        assert abs(mean) < 3.5 * spread
