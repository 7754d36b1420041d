"""R3: the portfolio at settlement. A jump at settlement cannot be stopped, only sized beforehand.

Measured in dollars over everything held and everything that may still fill: the standard deviation, the mean
of the worst hundredth, and the share one theme has of the risk.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import ceil, sqrt

import numpy as np
from msgspec import Struct

from kalshi_tui.protocol.orders import NewOrder
from kalshi_tui.protocol.quotes import Alert, AlertLevel, Verdict
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, Money, Side
from kalshi_tui.risk.base import FULL, MarketExposure, RiskState, Watched, is_reducing
from kalshi_tui.risk.correlation import estimate
from kalshi_tui.risk.covariance import component_sd, worst_sd, worst_sd_bound
from kalshi_tui.risk.gaussian import Array
from kalshi_tui.risk.r0 import day_limit
from kalshi_tui.risk.r3_model import SettlementModel, probability
from kalshi_tui.risk.scenarios import event_worst, is_idle
from kalshi_tui.risk.totals import Totals, span
from kalshi_tui.risk.words import dollars

TAIL = 100
"""Expected shortfall over the worst 1 / ``TAIL`` of the scenarios."""
TAIL_BOUND = sqrt(TAIL - 1)
"""No distribution's expected shortfall at 99 % exceeds its mean by more than this many sd (Cantelli)."""
MIN_HOURS = 2.0
"""With less data than this the estimated correlations are not believed."""
MOVED = 0.01
"""Probabilities that moved less than a cent leave the model as it is."""


class R3Params(Struct, frozen=True):
    """Limits of the settlement distribution. All follow from the day's loss limit D."""

    sd: Money = 200 * DOLLAR
    """Most standard deviation at settlement, open orders counted: 0.4 D."""
    es99: Money = 500 * DOLLAR
    """Most mean loss over the worst hundredth: D."""
    theme_share: int = 600
    """Thousandths of the sd that one theme may have, once the sd is above half its limit."""
    same_series: float = 0.8
    """Correlation assumed between events of one series."""
    same_theme: float = 0.3
    """Correlation assumed between events of one theme."""

    def __post_init__(self) -> None:
        if min(self.sd, self.es99) <= 0 or not 0 < self.theme_share <= FULL:
            raise ValueError("r3.sd, r3.es99 and r3.theme_share must be above zero")
        if not 0.0 <= self.same_theme <= self.same_series < 1.0:
            raise ValueError("r3: correlations must satisfy 0 <= same_theme <= same_series < 1")

    @staticmethod
    def from_bankroll(bankroll: Money) -> R3Params:
        day = day_limit(bankroll)
        return R3Params(sd=day * 2 // 5, es99=day)


class Measure(Struct, frozen=True):
    """The settlement risk of one book, in Money, rounded up."""

    sd: Money
    sd_if_hit: Money
    """With the open orders filled in whatever way is worst."""
    es99: Money
    worst: Money
    """The least the events can pay together, hurting orders filled (negative is a loss)."""
    themes: tuple[tuple[str, float], ...]
    """(theme, share of the sd), largest first; a negative share hedges."""


class R3:
    """The portfolio engine."""

    name = "r3"

    def __init__(self, params: R3Params, totals: Totals | None = None) -> None:
        """``totals`` where the chain shares them with R0: they answer most questions at once."""
        self.params = params
        self._totals = totals
        self._most_surely = min(params.sd / 2, params.es99 / TAIL_BOUND) / (DOLLAR // CONTRACT)
        """Below this sum of sds, in 1/100 contracts, no limit is near whatever hangs together."""
        self.by_count_alone = False
        """Whether the last answer was a yes that no price can change."""
        self._estimated: dict[tuple[str, str], float] = {}
        self._model: SettlementModel | None = None
        self._believed = False
        """Whether the model's correlations are known well enough to go without stress."""
        self._payoffs: Array | None = None
        self._key: tuple[tuple[str, float], ...] = ()
        self._built = 0
        self._judged: dict[tuple[str, Side], tuple[tuple[int, bytes, bytes, bytes], Verdict | None]] = {}
        """The last answer by market and side: most decisions ask the same again."""

    def learn(self, correlations: Mapping[tuple[str, str], float], hours: float) -> None:
        """Estimated latent correlations by (event, event). Too little data keeps the assumed and stressed ones."""
        believed = correlations.items() if hours >= MIN_HOURS else ()
        self._estimated = {(min(a, b), max(a, b)): rho for (a, b), rho in believed}
        self._model = None

    def blended(self, a: MarketExposure, b: MarketExposure, increments: Array) -> float:
        """The latent correlation of two events from ``increments`` (minutes x 2, log-odds, latent numbers rising),
        shrunk toward what is assumed of them."""
        prior = self._assumed(a, b)
        return float(estimate(increments, np.array([[1.0, prior], [prior, 1.0]]))[0, 1])

    def regrouped(self) -> None:
        """Events were joined or parted: the model is built again."""
        self._model = None

    def forget(self, ticker: str) -> None:
        for side in Side:
            self._judged.pop((ticker, side), None)

    def review(self, state: RiskState, order: NewOrder) -> Verdict:
        """Refuses what would take the settlement distribution past its limits; what lowers the sd passes, and what
        lowers the P&L of no outcome."""
        market = state.markets.get(order.ticker)
        if market is None:
            return Verdict.refuse("R3_UNKNOWN_MARKET", f"risk knows nothing of {order.ticker}")
        self.by_count_alone = self._fits_at_even_odds(state, market, order)
        if (
            self.by_count_alone
            or state.cannot_lose
            or is_reducing(market, order.side, order.count)
            or self._surely_fits(state, order)
        ):
            return Verdict.allow(order.count)
        if probability(market) is None:
            return Verdict.refuse("R3_NO_FAIR", "the market has no fair value or mark to judge its risk by")
        book = _Book(self._current(state, market), state, order)
        key = (self._built, book.n.tobytes(), book.bids.tobytes(), book.asks.tobytes())
        known = self._judged.get((order.ticker, order.side))
        if known is None or known[0] != key:
            breaches = self._breaches(book, theme_of(market))
            refusal = Verdict.refuse(*breaches[0]) if breaches and not book.adds_nothing() else None
            known = self._judged[(order.ticker, order.side)] = (key, refusal)
        return known[1] or Verdict.allow(order.count)

    def watch(self, state: RiskState) -> list[Watched]:
        """Alerts while the book as it stands exceeds a limit (prices moved); nothing is sold for it."""
        if self._surely_fits(state, None):
            return []
        busy = [m for m in state.markets.values() if not is_idle(m)]
        book = _Book(self._current(state, busy[0]), state, None)
        return [Alert(code.lower(), AlertLevel.WARN, why) for code, why in self._breaches(book)]

    def measure(self, state: RiskState) -> Measure | None:
        """The figures of the risk pane; None for an empty book."""
        busy = [m for m in state.markets.values() if not is_idle(m)]
        if not busy:
            return None
        book = _Book(self._current(state, busy[0]), state, None)
        sd, components = component_sd(book.model.related, book.n)
        shares = book.theme_shares(components, sd)
        events = dict.fromkeys(m.event_ticker for m in busy)
        return Measure(
            sd=_money(book.sd(self._believed)),
            sd_if_hit=_money(book.sd_if_hit(self._believed)),
            es99=_money(book.es99(self._tail(book.model))),
            worst=sum(event_worst(state.event(name)) for name in events),
            themes=tuple(sorted(shares.items(), key=lambda item: -item[1])),
        )

    # -- inside --------------------------------------------------------------------------------------

    def _fits_at_even_odds(self, state: RiskState, market: MarketExposure, order: NewOrder) -> bool:
        """The quickest yes: ``_surely_fits`` were every market as uncertain as can be, an sd of 1/2 a contract."""
        if self._totals is None or probability(market) is None:
            return False
        elsewhere = (
            self._totals.others(state, market.event_ticker).span + self._totals.beside(state, market).span
        )
        return (elsewhere + span(market) + order.count) / 2 <= self._most_surely

    def _surely_fits(self, state: RiskState, order: NewOrder | None) -> bool:
        """A quick yes: even if everything moved together, far below every limit. Needs every market priced."""
        most = self._most_surely
        total = 0.0
        for market in state.markets.values():
            mine = order is not None and order.ticker == market.ticker
            if not mine and is_idle(market):
                continue
            p = probability(market)
            if p is None:
                return False
            bid = market.open_bid + (order.count if mine and order and order.side is Side.BID else 0)
            ask = market.open_ask + (order.count if mine and order and order.side is Side.ASK else 0)
            position = market.position or 0
            total += max(abs(position + bid), abs(position - ask)) * sqrt(p * (1.0 - p))
            if total > most:
                return False
        return True

    def _current(self, state: RiskState, wanted: MarketExposure) -> SettlementModel:
        """The model of every market that matters now; rebuilt when one joins or a probability moved."""
        needed = [m for m in state.markets.values() if m is wanted or not is_idle(m)]
        key = tuple((m.ticker, probability(m) or 0.5) for m in needed)
        known = dict(self._key)
        moved = any(abs(known.get(ticker, 2.0) - p) > MOVED for ticker, p in key)
        gone = any(ticker not in state.markets for ticker in known)
        if self._model is None or moved or gone:
            self._model = SettlementModel(needed, self._correlation)
            self._believed = self._believes(self._model)
            self._payoffs = None
            self._key = key
            self._built += 1
        return self._model

    def _tail(self, model: SettlementModel) -> Array:
        if self._payoffs is None:
            self._payoffs = model.payoffs()
        return self._payoffs

    def _correlation(self, a: MarketExposure, b: MarketExposure) -> float:
        low, high = sorted((a.event_ticker, b.event_ticker))
        estimated = self._estimated.get((low, high))
        return self._assumed(a, b) if estimated is None else estimated

    def _assumed(self, a: MarketExposure, b: MarketExposure) -> float:
        """Without data: by series and theme."""
        if a.event_ticker == b.event_ticker or (a.series_ticker and a.series_ticker == b.series_ticker):
            return self.params.same_series
        return self.params.same_theme if a.theme and a.theme == b.theme else 0.0

    def _believes(self, model: SettlementModel) -> bool:
        """Whether every two of its events have been estimated: one that was not keeps the stress on all."""
        events = sorted({group.markets[0].event_ticker for group in model.groups})
        return bool(self._estimated) and all(pair in self._estimated for pair in combinations(events, 2))

    def _plainly_fits(self, book: _Book) -> bool:
        """A quick no to ``_breaches``: with a dollar to spare, by what no combination of fills can exceed."""
        held = book.sd(self._believed) * DOLLAR
        if held * TAIL_BOUND >= self.params.es99 - DOLLAR:
            return False
        return max(book.sd_if_hit_bound(self._believed) * DOLLAR, held) * 2.0 < self.params.sd - DOLLAR

    def _breaches(self, book: _Book, theme: str | None = None) -> list[tuple[str, str]]:
        """(code, sentence) of every limit the book exceeds; of themes only ``theme``, where it is given."""
        params = self.params
        found: list[tuple[str, str]] = []
        if self._plainly_fits(book):
            return found
        sd = _money(book.sd_if_hit(self._believed))
        if sd > params.sd:
            found.append(("R3_SD", f"settlement sd {dollars(sd)} of {dollars(params.sd)}"))
        es99 = _money(book.sd(self._believed) * TAIL_BOUND)
        if es99 > params.es99:
            es99 = _money(book.es99(self._tail(book.model)))
        if es99 > params.es99:
            found.append(("R3_ES99", f"worst-hundredth loss {dollars(es99)} of {dollars(params.es99)}"))
        if sd * 2 > params.sd:
            total, components = component_sd(book.model.related, book.n)
            for name, share in book.theme_shares(components, total).items():
                if share * FULL > params.theme_share and theme in (None, name):
                    why = f"{name} has {share:.0%} of the risk; at most {params.theme_share / FULL:.0%}"
                    found.append(("R3_THEME", why))
        return found


class _Book:
    """Positions and open orders as arrays over a model's markets, ``order`` filled if there is one."""

    def __init__(self, model: SettlementModel, state: RiskState, order: NewOrder | None) -> None:
        self.model = model
        rows = [state.markets[ticker] for ticker in model.column]
        self._markets = rows
        self.before: Array = np.array([(m.position or 0) / CONTRACT for m in rows])
        self.bids: Array = np.array([m.open_bid / CONTRACT for m in rows])
        self.asks: Array = np.array([m.open_ask / CONTRACT for m in rows])
        self.n = self.before.copy()
        if order is not None:
            self.n[model.column[order.ticker]] += order.count * order.side.sign / CONTRACT

    def adds_nothing(self) -> bool:
        """Whether the filled order leaves the sd no larger, however the groups hang together."""
        covariances = (self.model.independent, self.model.related, self.model.stressed(self.n))
        return all(component_sd(c, self.n)[0] <= component_sd(c, self.before)[0] for c in covariances)

    def sd(self, believed: bool) -> float:
        return max(component_sd(c, self.n)[0] for c in self._covariances(believed))

    def sd_if_hit_bound(self, believed: bool) -> float:
        """At least what fills alone can make of the sd; ``sd_if_hit`` is at most the larger of this and ``sd``."""
        model = self.model
        most = worst_sd_bound(model.related, model.related_sizes, self.n, self.bids, self.asks)
        if believed:
            return most
        alone = worst_sd_bound(model.independent, model.independent_sizes, self.n, self.bids, self.asks)
        return max(most, alone)

    def sd_if_hit(self, believed: bool) -> float:
        """The stressed correlations are applied to what is held; fills are added under the others."""
        blocks = self.model.blocks
        related = [self.model.related] if believed else [self.model.independent, self.model.related]
        hit = max(worst_sd(c, self.n, self.bids, self.asks, blocks) for c in related)
        return max(hit, self.sd(believed))

    def es99(self, payoffs: Array) -> float:
        """The mean loss over the worst hundredth of the scenarios, never negative."""
        results = payoffs @ self.n
        worst = max(len(results) // TAIL, 1)
        return max(-float(np.partition(results, worst - 1)[:worst].mean()), 0.0)

    def theme_shares(self, components: Array, sd: float) -> dict[str, float]:
        """Each theme's share of the sd."""
        shares: dict[str, float] = {}
        for market, component in zip(self._markets, components, strict=True):
            theme = theme_of(market)
            shares[theme] = shares.get(theme, 0.0) + (float(component) / sd if sd > 0.0 else 0.0)
        return shares

    def _covariances(self, believed: bool) -> list[Array]:
        """Believed correlations alone, or (without data) the worst of none, assumed and stressed."""
        if believed:
            return [self.model.related]
        return [self.model.independent, self.model.related, self.model.stressed(self.n)]


def theme_of(market: MarketExposure) -> str:
    """What the market's risk is counted under: its theme, else its series, else its event."""
    return market.theme or market.series_ticker or market.event_ticker


def _money(dollars_: float) -> Money:
    """Rounded up to a cent; a figure that is no number is past every limit."""
    return ceil(dollars_ * 100.0 - 1e-9) * (DOLLAR // 100) if dollars_ == dollars_ else 10**15
