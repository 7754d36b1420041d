"""The sessions the practice exchange can play, each one settings of the same world."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.protocol.units import SECOND, Nanos


class Scenario(Struct, frozen=True):
    """One session. Seconds are world seconds since a season's start; multipliers are 1 in ``default``."""

    name: str
    line: str
    """What it is, in one line."""
    assets: bool = True
    """Whether crypto and gold trade beside CPI and the Fed."""
    release_s: int = 2_700
    """CPI print."""
    decision_s: int = 4_500
    """Fed decision."""
    season_s: int = 4_800
    """The next season's events open."""
    settle_s: int = 20
    """From the determination of a macro market to its settlement."""
    thin_before_s: float = 120.0
    """Makers start to step back this long before a scheduled print."""
    back_after_s: float = 45.0
    """And are all back this long after it."""
    swing: float = 1.0
    """Scales the volatility of every latent number before its fixing."""
    informed: float = 0.15
    """Share of takers who know the true probability (Glosten and Milgrom's alpha)."""
    wave_every_s: int = 0
    """Every so often the truth falls at once, and whoever knows takes what is stale; 0 for never."""
    wave: float = 0.0
    """How far, in standard deviations of each number."""
    waves: int = 0
    """How many times."""
    plant_every_s: float = 0.0
    """Mean time between planted violations; 0 for none."""

    def waves_of(self, deviation: float) -> list[tuple[Nanos, float]]:
        """When a number with this standard deviation falls, in world time, and how far."""
        every = self.wave_every_s * SECOND
        return [(every * (k + 1), self.wave * deviation) for k in range(self.waves)]


_SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "default",
            "a busy weekday: CPI in 45 minutes, the Fed after it, crypto and gold that keep settling",
        ),
        Scenario(
            "calm",
            "a quiet session: no release for hours, small moves, few informed takers",
            release_s=10_800,
            decision_s=14_400,
            season_s=15_000,
            swing=0.4,
            informed=0.04,
        ),
        Scenario(
            "cpi-day",
            "CPI prints 150 seconds in: thin before, a jump at the print, settled by minute four",
            assets=False,
            release_s=150,
            decision_s=2_400,
            season_s=2_700,
            thin_before_s=60.0,
            back_after_s=30.0,
            swing=2.5,
        ),
        Scenario(
            "arb",
            "now and then ladder, bracket and exclusive-set prices contradict each other for some seconds",
            informed=0.10,
            plant_every_s=12.0,
        ),
        Scenario(
            "crash",
            "everything falls in waves for five minutes and whoever knows is faster: makers lose money",
            informed=0.5,
            wave_every_s=10,
            wave=-0.10,
            waves=30,
        ),
    )
}


def scenario_names() -> tuple[str, ...]:
    """Every scenario, the default first."""
    return tuple(_SCENARIOS)


def scenario(name: str) -> Scenario:
    """The scenario of that name; ``ValueError`` naming the known ones."""
    if name not in _SCENARIOS:
        raise ValueError(f"scenario {name!r} is unknown; known ones: {', '.join(_SCENARIOS)}")
    return _SCENARIOS[name]
