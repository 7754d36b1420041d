"""The practice world: what trades, who trades, and what happens when. Seeded, without a clock of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from typing import Protocol

from kalshi_tui.practice.catalog import Body, Listing, MarketListing, Times, milestone_body
from kalshi_tui.practice.catalog_assets import PLANS, AssetFamily, asset_latents
from kalshi_tui.practice.catalog_macro import MacroFamily
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.registry import MILESTONES_KEPT
from kalshi_tui.practice.scenarios import scenario as scenario_named
from kalshi_tui.practice.traders_planter import Plant, Planter
from kalshi_tui.practice.world_belief import Moment
from kalshi_tui.practice.world_market import OpenMarket
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.units import DOLLAR, SECOND, Nanos, Side

_NEWS_EVERY: Nanos = SECOND // 5
"""How often what is known changes."""
_SNIPERS = 3
"""Takers who race for stale quotes at a print, in each market it moves."""
_SNIPE_S = 0.3
"""Their mean delay."""

Action = Callable[[Nanos], None]


PLANTS_KEPT = 1_000


class Family(Protocol):
    """Events that follow one another: the n-th batch is listed at ``times(n).created``."""

    def series(self) -> list[Body]: ...
    def times(self, n: int) -> Times: ...
    def listings(self, n: int) -> list[Listing]: ...
    def moments(self, listing: Listing, n: int) -> list[Moment]: ...


class World:
    """Runs a scenario on an exchange. Whoever serves it calls ``step`` at ``next_time`` and before every
    client's order, so that nothing on the exchange happens out of order.

    ``start`` and every ``now`` are wall nanoseconds. World time is nanoseconds since the start and runs
    ``speed`` times as fast as the wall; arrivals follow world time, and ``rate`` multiplies how busy the
    traders are. The same seed, scenario, rate and start give the same outside flow for the same own orders
    at the same world instants. ``ValueError`` for an unknown scenario, naming the known ones.
    """

    def __init__(
        self,
        exchange: Exchange,
        seed: int,
        scenario: str = "default",
        speed: float = 1.0,
        *,
        start: Nanos,
        rate: float = 1.0,
    ) -> None:
        if speed <= 0.0 or rate <= 0.0:
            raise ValueError("speed and rate must be above 0")
        self.scenario = scenario_named(scenario)
        self.planted: list[Plant] = []
        self._exchange = exchange
        self._seed = f"{seed}/{scenario}"
        self._speed = speed
        self._rate = rate
        # Whole seconds, as the exchange's own calendar has them.
        self._start = start - start % SECOND
        self._known: Nanos = 0
        self._agenda: list[tuple[Nanos, int, Action]] = []
        self._entries = 0
        self._markets: dict[str, OpenMarket] = {}
        self._listings: list[Listing] = []
        self._milestones: list[Body] = []
        self._snipers = random.Random(f"{self._seed}/snipers")
        self._begin()

    # -- what a server needs -----------------------------------------------------------------------------

    def next_time(self) -> Nanos:
        """Wall nanoseconds of the next action."""
        return self._wall(self._agenda[0][0])

    def step(self, now: Nanos) -> None:
        """Do everything that is due at ``now``; what is late is stamped with the time it was due."""
        while self.next_time() <= now:
            at, _, action = heappop(self._agenda)
            action(at)

    def milestones(self) -> list[Body]:
        """Scheduled releases and closes, as ``GET /milestones`` shows them."""
        return [dict(body) for body in self._milestones]

    def fair(self, ticker: str) -> float:
        """The true probability of an open market: for tests and for grading, never shown to a trader.

        ``KeyError`` where it is not open.
        """
        return self._markets[ticker].fair(self._known)

    def leave(self, ticker: str) -> None:
        """A market ends before its time, by somebody else's doing: nobody here trades it any more."""
        market = self._markets.pop(ticker, None)
        if market is not None:
            market.open = False

    # -- time --------------------------------------------------------------------------------------------

    def _wall(self, at: Nanos) -> Nanos:
        """World time on the wall clock, rounded up so that a step at ``next_time`` finds its action due."""
        return self._start + (at if self._speed == 1.0 else int(at / self._speed) + 1)

    def _plan(self, at: Nanos, action: Action) -> None:
        self._entries += 1
        heappush(self._agenda, (at, self._entries, action))

    def _after(self, at: Nanos, seconds: float, action: Action) -> None:
        self._plan(at + max(int(seconds * SECOND), 1), action)

    # -- the calendar ------------------------------------------------------------------------------------

    def _begin(self) -> None:
        scenario = self.scenario
        families: list[Family] = [MacroFamily(scenario, self._seed, self._wall)]
        if scenario.assets:
            latents = asset_latents(self._seed, scenario)
            families += [
                AssetFamily(plan, latents[plan.asset], self._seed, self._start, self._wall) for plan in PLANS
            ]
        for family in families:
            for body in family.series():
                self._exchange.add_series(body)
            self._list(family, 0, 0)
        self._plan(_NEWS_EVERY, self._news)
        for at, _ in scenario.waves_of(1.0):
            self._plan(at, self._wave)
        if scenario.plant_every_s:
            self._planter = Planter(self._exchange, random.Random(f"{self._seed}/planter"), self._speed)
            self._after(0, scenario.plant_every_s / 2, self._plant)

    def _list(self, family: Family, n: int, at: Nanos) -> None:
        """Put the n-th batch of a family on the exchange and its life on the agenda."""
        now = self._wall(at)
        batch = family.listings(n)
        self._note(batch, at)
        for listing in batch:
            times = listing.times
            self._listings.append(listing)
            self._exchange.add_event(listing.event, now)
            for market in listing.markets:
                self._exchange.add_market(market.body, now)
            moments = family.moments(listing, n)
            if times.opens > at:
                self._plan(times.opens, partial(self._open, listing, moments))
            else:
                self._trade(listing, moments, at)
            self._plan(times.prints, partial(self._print, listing))
            self._plan(times.closes, partial(self._close, listing))
            self._plan(times.determines, partial(self._determine, listing))
            self._plan(times.settles, partial(self._settle, listing))
        following = family.times(n + 1).created
        self._plan(following, partial(self._list, family, n + 1))

    def _open(self, listing: Listing, moments: list[Moment], at: Nanos) -> None:
        now = self._wall(at)
        for market in listing.markets:
            self._exchange.open_market(market.ticker, now)
        self._trade(listing, moments, at)

    def _print(self, listing: Listing, at: Nanos) -> None:
        """The number is out. Everything it moves is raced for."""
        self._learn(at)
        listing.number.fix(at)
        self._race([market for market in self._markets.values() if market.fears(at)], at)

    def _wave(self, at: Nanos) -> None:
        """Everything falls at once."""
        self._learn(at)
        self._race(list(self._markets.values()), at)

    def _race(self, markets: list[OpenMarket], at: Nanos) -> None:
        """Some read the news a moment before the makers do."""
        for market in markets:
            for _ in range(_SNIPERS):
                delay = self._snipers.expovariate(1.0 / _SNIPE_S)
                self._after(at, delay, partial(self._snipe, market))

    def _close(self, listing: Listing, at: Nanos) -> None:
        now = self._wall(at)
        for market in self._still(listing, MarketStatus.ACTIVE, MarketStatus.INACTIVE):
            self._exchange.close_market(market.ticker, now)
            self.leave(market.ticker)

    def _determine(self, listing: Listing, at: Nanos) -> None:
        now = self._wall(at)
        published = listing.number.fix(at)
        for market in self._still(listing, MarketStatus.CLOSED):
            yes = market.strike.pays(published)
            self._exchange.markets[market.ticker].body["expiration_value"] = listing.number.text(published)
            self._exchange.determine(market.ticker, "yes" if yes else "no", DOLLAR if yes else 0, now)

    def _settle(self, listing: Listing, at: Nanos) -> None:
        now = self._wall(at)
        for market in self._still(listing, MarketStatus.DETERMINED):
            self._exchange.settle(market.ticker, now)
        self._listings.remove(listing)

    def _still(self, listing: Listing, *statuses: MarketStatus) -> list[MarketListing]:
        """The markets of an event that got as far as they were to: not those that ended before their time."""
        there = self._exchange.markets
        return [m for m in listing.markets if m.ticker in there and there[m.ticker].status in statuses]

    def _note(self, batch: list[Listing], at: Nanos) -> None:
        """Each number's scheduled print, or close, as one milestone of all events on it."""
        for listing in batch:
            same = [other for other in batch if other.number is listing.number]
            if same[0] is not listing:
                continue
            moved = [other for other in batch if other.number.latent.parent is listing.number.latent]
            release = listing.times.prints < listing.times.closes
            body = milestone_body(
                "economic_release" if release else "market_close",
                "Economics" if release else "Financials",
                f"{listing.event['title']} {'prints' if release else 'closes'}",
                self._wall(listing.times.prints),
                self._wall(at),
                [other.event_ticker for other in same],
                [other.event_ticker for other in same + moved],
            )
            self._milestones.append(body)
            del self._milestones[:-MILESTONES_KEPT]
            self._exchange.add_milestone(body)

    # -- trading -----------------------------------------------------------------------------------------

    def _trade(self, listing: Listing, moments: list[Moment], at: Nanos) -> None:
        """Fill the books of an event that opens and send its traders off."""
        now = self._wall(at)
        self._learn(at)
        for row in listing.markets:
            market = OpenMarket(
                self._exchange, listing, row, self.scenario, moments, self._seed, self._rate, self._known
            )
            self._markets[row.ticker] = market
            market.fill_books(at, self._known, now)
            for which in range(len(market.makers)):
                self._after(at, market.rest(which), partial(self._look, market, which))
            self._after(at, market.gap(), partial(self._arrive, market))

    def _learn(self, at: Nanos) -> None:
        """Bring what is known up to ``at``."""
        self._known = at
        for listing in self._listings:
            listing.number.latent.advance(at)

    def _news(self, at: Nanos) -> None:
        self._learn(at)
        self._plan(at + _NEWS_EVERY, self._news)

    def _look(self, market: OpenMarket, which: int, at: Nanos) -> None:
        if market.open:
            market.look(which, at, self._known, self._wall(at))
            self._after(at, market.rest(which), partial(self._look, market, which))

    def _arrive(self, market: OpenMarket, at: Nanos) -> None:
        if market.open:
            self._take(market, None, at)
            self._after(at, market.gap(), partial(self._arrive, market))

    def _take(self, market: OpenMarket, before: Side | None, at: Nanos) -> None:
        if not market.open:
            return
        side = market.take(at, self._known, self._wall(at), before)
        delay = market.follower()
        if delay is not None:
            self._after(at, delay, partial(self._take, market, side))

    def _snipe(self, market: OpenMarket, at: Nanos) -> None:
        if market.open:
            market.snipe(self._known, self._wall(at))

    def _plant(self, at: Nanos) -> None:
        """Plant a violation where one can be planted now; it is taken back by its planter."""
        planted = self._planter.plant(self._listings, self._markets, at, self._known, self._wall(at))
        if planted is not None:
            plant, ends = planted
            self.planted.append(plant)
            del self.planted[:-PLANTS_KEPT]
            self._plan(ends, self._clear)
        self._after(at, self._planter.gap(self.scenario.plant_every_s), self._plant)

    def _clear(self, at: Nanos) -> None:
        self._planter.clear(self._wall(at))
