"""One market of the practice world while it is open: its makers, its takers, what they see of the truth."""

from __future__ import annotations

import random
from collections.abc import Sequence

from kalshi_tui.practice.catalog import Listing, MarketListing
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.scenarios import Scenario
from kalshi_tui.practice.traders import STYLES, LadderMaker
from kalshi_tui.practice.traders_flow import Crowd, CrowdStyle, Take
from kalshi_tui.practice.world_belief import Moment
from kalshi_tui.protocol.orders import TimeInForce
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CONTRACT, SECOND, Count, Nanos, Side

_ARRIVALS = 0.22
"""First takers per market and second."""
_EVERYTHING: Count = 100_000 * CONTRACT


class OpenMarket:
    """Makers and takers of one market. ``at`` and ``known`` are world time, ``now`` is the exchange's."""

    def __init__(
        self,
        exchange: Exchange,
        listing: Listing,
        market: MarketListing,
        scenario: Scenario,
        moments: Sequence[Moment],
        seed: str,
        rate: float,
        known: Nanos,
    ) -> None:
        self.ticker = market.ticker
        self.open = True
        self.quiet_until: Nanos = 0
        """Takers look away until then (world time), so that a violation planted here is there to be found."""
        self.grid = TickGrid.from_ranges(market.body["price_ranges"])
        self._exchange = exchange
        self._number = listing.number
        self._strike = market.strike
        self._moments = tuple(moments)
        self._rate = rate
        self._takers = exchange.house_account("takers")
        makers = exchange.house_account(f"makers of {listing.event_ticker}")
        fair = self.fair(known)
        style = CrowdStyle(_ARRIVALS, scenario.informed)
        self.crowd = Crowd(style, self.grid, random.Random(f"{seed}/{self.ticker}/takers"))
        self.makers = [
            LadderMaker(
                exchange,
                makers,
                self.ticker,
                self.grid,
                maker_style,
                random.Random(f"{seed}/{self.ticker}/{maker_style.name}"),
                fair=fair,
            )
            for maker_style in STYLES
        ]
        self._looked = [known] * len(self.makers)

    def fair(self, known: Nanos) -> float:
        """The true probability given everything known at that instant."""
        return self._number.probability(self._strike, known)

    def appetite(self, at: Nanos) -> float:
        """How much makers dare, in (0, 1]."""
        return min((moment.appetite(at) for moment in self._moments), default=1.0)

    def fears(self, at: Nanos) -> bool:
        """Whether a scheduled print of exactly this instant moves this market."""
        return any(moment.at == at for moment in self._moments)

    def fill_books(self, at: Nanos, known: Nanos, now: Nanos) -> None:
        """The opening: every maker quotes its whole ladder."""
        for maker in self.makers:
            maker.fill_book(now, self.fair(known), self.appetite(at))

    def look(self, which: int, at: Nanos, known: Nanos, now: Nanos) -> None:
        """One maker looks at the market."""
        maker = self.makers[which]
        elapsed = (at - self._looked[which]) / SECOND
        self._looked[which] = at
        maker.look(now, elapsed, self.fair(known), self.appetite(at))

    def take(self, at: Nanos, known: Nanos, now: Nanos, before: Side | None = None) -> Side | None:
        """A taker comes; the side it took, None if it did not trade."""
        bid, ask = self._exchange.best(self.ticker)
        take = self.crowd.take(self.fair(known), bid, ask, before)
        if take is None or at < self.quiet_until:
            return None
        self._send(take, now)
        return take.side

    def snipe(self, known: Nanos, now: Nanos) -> None:
        """Somebody who has read the news takes all that is stale."""
        bid, ask = self._exchange.best(self.ticker)
        take = self.crowd.informed(self.fair(known), bid, ask, _EVERYTHING)
        if take is not None:
            self._send(take, now)

    def rest(self, which: int) -> float:
        """World seconds until that maker's next look."""
        return self.makers[which].rest() / self._rate

    def gap(self) -> float:
        """World seconds until the next first taker."""
        return self.crowd.gap() / self._rate

    def follower(self) -> float | None:
        """World seconds until a follower of the present taker, if there is one."""
        delay = self.crowd.follower()
        return None if delay is None else delay / self._rate

    def _send(self, take: Take, now: Nanos) -> None:
        self._exchange.place(
            self._takers,
            self.ticker,
            take.side,
            take.price,
            take.count,
            now=now,
            time_in_force=TimeInForce.IOC,
        )
