"""The macro season: CPI with a ladder and brackets on the same number, and the Fed decision it moves."""

from __future__ import annotations

import random
from collections.abc import Callable

from kalshi_tui.practice.catalog import (
    Body,
    Listing,
    MarketListing,
    Times,
    event_body,
    market_body,
    series_body,
)
from kalshi_tui.practice.catalog_assets import LEAD, wall_times
from kalshi_tui.practice.scenarios import Scenario
from kalshi_tui.practice.world_belief import Latent, Moment, Number, Strike
from kalshi_tui.protocol.market import StrikeType
from kalshi_tui.protocol.units import SECOND, Nanos

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_CPI_SD = 0.11
"""Percentage points between the consensus at listing and the print."""
_CPI_RATE = 0.000427**2
"""Variance per second that arrives before the print: about 1.2 cents per root minute at the money."""
_FED_SD = 10.9
"""Basis points of the decision that CPI does not explain."""
_FED_RATE = 0.036**2
_FED_PER_CPI = 80.0
"""Basis points the expected decision moves per percentage point of CPI."""
_CLOSE_AFTER_PRINT: Nanos = 10 * SECOND
_DETERMINE_AFTER_CLOSE: Nanos = 5 * SECOND

_FED = (
    ("C26", "cut more than 25", "more than 25 basis points lower", Strike(StrikeType.LESS, cap=-1)),
    ("C25", "cut 25", "25 basis points lower", Strike(StrikeType.BETWEEN, floor=-1, cap=-1)),
    ("H0", "hold", "unchanged", Strike(StrikeType.BETWEEN, floor=0, cap=0)),
    ("H25", "hike", "higher", Strike(StrikeType.GREATER, floor=0)),
)


class MacroFamily:
    """Season after season: CPI at ``release_s``, the Fed at ``decision_s``, the next one at ``season_s``."""

    def __init__(self, scenario: Scenario, seed: str, wall: Callable[[Nanos], Nanos]) -> None:
        self._scenario = scenario
        self._seed = seed
        self._wall = wall

    def series(self) -> list[Body]:
        rows = (
            ("PRCPI", "CPI month over month, thresholds (practice)"),
            ("PRCPIBR", "CPI month over month, brackets (practice)"),
            ("PRFEDDEC", "Fed decision (practice)"),
        )
        return [
            series_body(
                ticker,
                title,
                "Economics",
                frequency="monthly",
                fee_type="quadratic_with_maker_fees",
                tags=("Practice", "Inflation" if ticker.startswith("PRCPI") else "Fed"),
            )
            for ticker, title in rows
        ]

    def times(self, n: int, *, fed: bool = False) -> Times:
        """The life of season n's CPI events, or of its Fed event, in world time."""
        scenario = self._scenario
        opens = n * scenario.season_s * SECOND
        prints = opens + (scenario.decision_s if fed else scenario.release_s) * SECOND
        closes = prints + _CLOSE_AFTER_PRINT
        determines = closes + _DETERMINE_AFTER_CLOSE
        return Times(
            created=max(opens - LEAD, 0),
            opens=opens,
            prints=prints,
            closes=closes,
            determines=determines,
            settles=determines + scenario.settle_s * SECOND,
        )

    def listings(self, n: int) -> list[Listing]:
        """Season n: the CPI ladder, the CPI brackets on the same number, the Fed brackets."""
        rng = random.Random(f"{self._seed}/macro/{n}")
        cpi_times, fed_times = self.times(n), self.times(n, fed=True)
        cpi = self._latent(rng.uniform(0.28, 0.33), _CPI_SD, _CPI_RATE, cpi_times, f"cpi/{n}")
        fed = self._latent(
            rng.uniform(-9.0, -4.0), _FED_SD, _FED_RATE, fed_times, f"fed/{n}", parent=cpi, beta=_FED_PER_CPI
        )
        released = Number(cpi, cpi_times.prints, 1, 10)
        return [
            self._ladder(released, cpi_times, n),
            self._brackets(released, cpi_times, n),
            self._fed(Number(fed, fed_times.prints, 25, 1), fed_times, n),
        ]

    def moments(self, listing: Listing, n: int) -> list[Moment]:
        """Makers step back around the CPI print, and in the Fed's markets around the decision too."""
        before, after = self._scenario.thin_before_s, self._scenario.back_after_s
        prints = [self.times(n).prints]
        if listing.series == "PRFEDDEC":
            prints.append(listing.times.prints)
        return [Moment(at, before, after) for at in prints]

    def _latent(
        self,
        value: float,
        deviation: float,
        rate: float,
        times: Times,
        purpose: str,
        *,
        parent: Latent | None = None,
        beta: float = 1.0,
    ) -> Latent:
        """A number whose whole uncertainty is ``deviation``: part arrives steadily, the rest at the print."""
        swing = self._scenario.swing
        seconds = (times.prints - times.created) / SECOND
        before = min(rate * swing * swing * seconds, 0.8 * deviation**2)
        return Latent(
            value,
            before / seconds,
            random.Random(f"{self._seed}/latent/{purpose}"),
            at=times.created,
            jumps=((times.prints, deviation**2 - before),),
            parent=parent,
            beta=beta,
            waves=self._scenario.waves_of(deviation),
        )

    def _ladder(self, number: Number, times: Times, n: int) -> Listing:
        month = _month(10 + n)
        event = f"PRCPI-{month}"
        rows = [
            (
                f"{event}-T{number.native(step):.1f}",
                f"above {number.native(step):.1f}%",
                f"increases by more than {number.native(step):.1f}%",
                Strike(StrikeType.GREATER, floor=step),
            )
            for step in (1, 2, 3, 4)
        ]
        return self._listing("PRCPI", event, f"CPI {_word(month)}", "DIRECNET", number, times, rows)

    def _brackets(self, number: Number, times: Times, n: int) -> Listing:
        month = _month(10 + n)
        event = f"PRCPIBR-{month}"
        rows = [
            (
                f"{event}-B0.1",
                "0.1% or lower",
                "changes by 0.1% or less",
                Strike(StrikeType.LESS, cap=2),
            )
        ]
        rows += [
            (
                f"{event}-B{number.native(step):.1f}",
                f"exactly {number.native(step):.1f}%",
                f"increases by exactly {number.native(step):.1f}%",
                Strike(StrikeType.BETWEEN, floor=step, cap=step),
            )
            for step in (2, 3, 4)
        ]
        rows.append(
            (
                f"{event}-B0.5",
                "0.5% or higher",
                "increases by 0.5% or more",
                Strike(StrikeType.GREATER, floor=4),
            )
        )
        return self._listing("PRCPIBR", event, f"CPI {_word(month)} exactly", "MECNET", number, times, rows)

    def _fed(self, number: Number, times: Times, n: int) -> Listing:
        month = _month(11 + n)
        event = f"PRFEDDEC-{month}"
        rows = [
            (f"{event}-{code}", label, f"leaves the target rate {words}", strike)
            for code, label, words, strike in _FED
        ]
        return self._listing("PRFEDDEC", event, f"Fed {_word(month)}", "MECNET", number, times, rows)

    def _listing(
        self,
        series: str,
        event_ticker: str,
        title: str,
        collateral: str,
        number: Number,
        times: Times,
        rows: list[tuple[str, str, str, Strike]],
    ) -> Listing:
        life = wall_times(times, self._wall)
        fed = series == "PRFEDDEC"
        subject = "the practice Fed" if fed else "the practice CPI"
        source = "rounded to the nearest 25 basis points" if fed else "as published, with one decimal"
        markets = tuple(
            MarketListing(
                ticker,
                strike,
                market_body(
                    ticker,
                    event_ticker,
                    f"{title}: {label}?",
                    label,
                    f"If {subject} of this event {words} ({source}), the market resolves to Yes.",
                    strike,
                    number,
                    life,
                    structure="center_half_edge_deci_cent" if fed else "linear_cent",
                    round_digits=0 if fed else 1,
                ),
            )
            for ticker, label, words, strike in rows
        )
        event = event_body(
            event_ticker, series, title, f"{title}, practice", life, collateral=collateral, cadence="monthly"
        )
        return Listing(series, event_ticker, number, times, event, markets)


def _month(index: int) -> str:
    """Months since January 2026 as the exchange writes them: 10 is ``26NOV``."""
    return f"{26 + index // 12}{_MONTHS[index % 12]}"


def _word(month: str) -> str:
    return month[2:].capitalize()
