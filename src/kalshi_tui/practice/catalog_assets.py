"""Events on a price that never stops: short ones that close and settle while you watch, and an hourly one."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct

from kalshi_tui.practice.catalog import (
    Body,
    Listing,
    MarketListing,
    Times,
    event_body,
    market_body,
    series_body,
)
from kalshi_tui.practice.scenarios import Scenario
from kalshi_tui.practice.world_belief import Latent, Moment, Number, Strike
from kalshi_tui.protocol.market import StrikeType
from kalshi_tui.protocol.units import SECOND, Nanos

LEAD: Nanos = 30 * SECOND
"""How long before its opening an event is listed as ``initialized``."""
_DETERMINE_AFTER: Nanos = 2 * SECOND
_SETTLE_AFTER: Nanos = 5 * SECOND


class AssetPlan(Struct, frozen=True):
    """One series of threshold markets on an asset. Money of the asset's own unit, published to the cent."""

    series: str
    title: str
    """Short name of the event, e.g. ``BTC 3m``."""
    asset: str
    words: str
    """How long it runs, for the rules."""
    structure: str
    length_s: int
    first_close_s: int
    strikes: tuple[float, ...]
    """Offsets from the asset's price at the opening."""
    strike_step: float
    fixing_sd: float
    """Standard deviation of what only the fixing reveals."""
    cadence: str = ""


class Asset(Struct, frozen=True):
    """A price: where it starts (drawn within ``spread`` of ``level``) and its variance per second."""

    name: str
    level: float
    spread: float
    rate: float


ASSETS = (Asset("Bitcoin", 104_250.0, 2_000.0, 3.35**2), Asset("Gold", 4_414.0, 40.0, 0.149**2))
PLANS = (
    AssetPlan(
        "PRBTC3M",
        "BTC 3m",
        "Bitcoin",
        "3 minutes",
        "tapered_deci_cent",
        length_s=180,
        first_close_s=165,
        strikes=(-60.0, 0.0, 60.0),
        strike_step=10.0,
        fixing_sd=78.0,
        cadence="three_min",
    ),
    AssetPlan(
        "PRGOLD5M",
        "Gold 5m",
        "Gold",
        "5 minutes",
        "linear_cent",
        length_s=300,
        first_close_s=255,
        strikes=(0.0, 1.8),
        strike_step=0.2,
        fixing_sd=4.5,
        cadence="five_min",
    ),
    AssetPlan(
        "PRBTCH",
        "BTC hourly",
        "Bitcoin",
        "1 hour",
        "tapered_deci_cent",
        length_s=3_600,
        first_close_s=3_600,
        strikes=(-150.0, -50.0, 50.0, 150.0),
        strike_step=50.0,
        fixing_sd=330.0,
        cadence="hourly",
    ),
)
"""``first_close_s`` is staggered so that somewhere something is always in the middle of its life."""


def asset_latents(seed: str, scenario: Scenario) -> dict[str, Latent]:
    """Each asset's price by name."""
    latents = {}
    for asset in ASSETS:
        rng = random.Random(f"{seed}/asset/{asset.name}")
        latents[asset.name] = Latent(
            asset.level + rng.uniform(-asset.spread, asset.spread),
            asset.rate * scenario.swing**2,
            rng,
            waves=scenario.waves_of(2.0 * math.sqrt(asset.rate * 180.0)),
        )
    return latents


class AssetFamily:
    """The events of one plan, one after another: as one closes the next opens."""

    def __init__(
        self, plan: AssetPlan, asset: Latent, seed: str, start: Nanos, wall: Callable[[Nanos], Nanos]
    ) -> None:
        self.plan = plan
        self._asset = asset
        self._seed = seed
        self._start = start
        self._wall = wall

    def series(self) -> list[Body]:
        plan = self.plan
        return [
            series_body(
                plan.series,
                f"{plan.asset} {plan.words} (practice)",
                "Crypto" if plan.asset == "Bitcoin" else "Commodities",
                frequency=plan.cadence or "hourly",
                fee_type="quadratic",
                tags=("Practice",),
            )
        ]

    def times(self, n: int) -> Times:
        """The n-th event's life in world time: the first one is already running at the start."""
        closes = (self.plan.first_close_s + n * self.plan.length_s) * SECOND
        opens = closes - self.plan.length_s * SECOND if n else 0
        determines = closes + _DETERMINE_AFTER
        return Times(
            created=max(opens - LEAD, 0),
            opens=opens,
            prints=closes,
            closes=closes,
            determines=determines,
            settles=determines + _SETTLE_AFTER,
        )

    def listings(self, n: int) -> list[Listing]:
        """The n-th event. Strikes lie around the asset's price when it is listed."""
        plan, times = self.plan, self.times(n)
        rng = random.Random(f"{self._seed}/{plan.series}/{n}")
        fixing = (times.prints, plan.fixing_sd**2)
        latent = Latent(
            self._asset.mean, 0.0, rng, at=times.created, jumps=(fixing,), parent=self._asset, beta=1.0
        )
        number = Number(latent, times.prints, 1, 100)
        event_ticker = f"{plan.series}-{self._stamp(times.closes)}"
        life = wall_times(times, self._wall)
        base = round(self._asset.mean / plan.strike_step) * plan.strike_step
        markets = tuple(
            self._market(event_ticker, number, number.steps(base + offset), life) for offset in plan.strikes
        )
        event = event_body(
            event_ticker,
            plan.series,
            plan.title,
            f"{plan.words}, {base:,.2f} at listing",
            life,
            collateral="DIRECNET",
            cadence=plan.cadence,
        )
        return [Listing(plan.series, event_ticker, number, times, event, markets)]

    def moments(self, listing: Listing, n: int) -> list[Moment]:
        """Makers step back before the fixing: for the last twentieth of the event's life."""
        return [Moment(listing.times.prints, self.plan.length_s / 20, 1.0)]

    def _market(self, event_ticker: str, number: Number, level: int, life: Times) -> MarketListing:
        plan = self.plan
        strike = Strike(StrikeType.GREATER_OR_EQUAL, floor=level)
        value = number.native(level)
        ticker = f"{event_ticker}-T{value:.2f}".removesuffix("0").removesuffix(".0")
        rules = (
            f"If the practice fixing of {plan.asset}, published when this market closes and rounded to the "
            f"cent, is at least {value:,.2f}, the market resolves to Yes. The fixing differs from the "
            f"running practice index by a draw with a standard deviation of {plan.fixing_sd:,.2f}."
        )
        title = f"{plan.asset} at {value:,.2f} or above at the close?"
        body = market_body(
            ticker,
            event_ticker,
            title,
            f"≥ {value:,.2f}",
            rules,
            strike,
            number,
            life,
            structure=plan.structure,
            round_digits=2,
        )
        return MarketListing(ticker, strike, body)

    def _stamp(self, closes: Nanos) -> str:
        """When it closes by the world's own calendar, e.g. ``26NOV22140730``: unique at any speed."""
        moment = datetime.fromtimestamp((self._start + closes) // SECOND, UTC)
        return moment.strftime("%y%b%d%H%M%S").upper()


def wall_times(times: Times, wall: Callable[[Nanos], Nanos]) -> Times:
    """The same life on the wall clock."""
    return Times(
        created=wall(times.created),
        opens=wall(times.opens),
        prints=wall(times.prints),
        closes=wall(times.closes),
        determines=wall(times.determines),
        settles=wall(times.settles),
    )
