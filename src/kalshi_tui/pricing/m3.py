"""M3: relations across markets. Riskless baskets where a proved relation is broken; otherwise quotes around a fair
value that agrees with the siblings', or, while a statistical pair is out of line, on the one side that it wants."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from kalshi_tui.pricing.baskets import (
    Basket,
    LegBook,
    Unit,
    candidates,
    gross_edge,
    leg_risk,
    price_basket,
    size_basket,
)
from kalshi_tui.pricing.m1 import inventory_used, sized
from kalshi_tui.pricing.outcomes import OutcomeSpace
from kalshi_tui.pricing.pipeline import Centre, blocked, finish, no_quote
from kalshi_tui.pricing.snapshot import MarketSnapshot, PairLean, QuoteParams, require
from kalshi_tui.protocol.quotes import QuoteIntent, QuoteSides
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, ONE, Count, Money, Nanos

YEAR_S = 365.0 * 86_400.0
STATISTICAL = "m3 statistical"
"""What quotes of a statistical pair are booked under, apart from those that rest on a proof."""


class M3Params(QuoteParams, frozen=True, kw_only=True):
    """Relations across markets: proved ones, and statistical pairs that a calibration has blessed."""

    edge: float = 0.015
    """Half-spread around the coherent fair value, dollars."""
    eta: float = 1.0
    """Skew at full inventory, in half-spreads."""
    max_shift: float = 0.03
    """The coherent fair value may differ from the market's mid by at most this, dollars; beyond it no
    quote.
    """
    basket_lots: int = 50
    """Most lots of one basket."""
    min_profit: float = 0.50
    """Least worst-case profit of a basket after fees, dollars."""
    min_lot_profit: float = 0.01
    """Least worst-case profit per lot, dollars."""
    hurdle: float = 0.10
    """Least annual return on the cash a basket locks up until it settles."""
    leg_risk: float = 20.0
    """Most a half-filled basket may lose at worst, dollars."""
    timeout_ms: int = 1_500
    """How long the legs of a basket may take."""
    pair_lots: int = 20
    """Most contracts a statistical pair holds in either of its markets; 0 trades none."""
    pair_shift: float = 0.02
    """A statistical pair moves a quote by at most this, dollars."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0.0 < self.edge <= 0.5, f"edge must be above 0, at most 0.5 dollars, not {self.edge}")
        require(0.0 <= self.eta <= 5.0, f"eta must be 0 to 5, not {self.eta}")
        require(
            0.0 < self.max_shift <= 0.5,
            f"max_shift must be above 0, at most 0.5 dollars, not {self.max_shift}",
        )
        require(1 <= self.basket_lots <= 10_000, f"basket_lots must be 1 to 10000, not {self.basket_lots}")
        require(self.min_profit >= 0.0, f"min_profit must be at least 0 dollars, not {self.min_profit}")
        require(
            self.min_lot_profit >= 0.0,
            f"min_lot_profit must be at least 0 dollars, not {self.min_lot_profit}",
        )
        require(0.0 <= self.hurdle <= 10.0, f"hurdle must be 0 to 10, not {self.hurdle}")
        require(self.leg_risk > 0.0, f"leg_risk must be above 0 dollars, not {self.leg_risk}")
        require(0 <= self.pair_lots <= 10_000, f"pair_lots must be 0 to 10000, not {self.pair_lots}")
        require(
            0.0 < self.pair_shift <= 0.1, f"pair_shift must be above 0, at most 0.1, not {self.pair_shift}"
        )
        require(100 <= self.timeout_ms <= 60_000, f"timeout_ms must be 100 to 60000, not {self.timeout_ms}")


class Scan(Struct, frozen=True):
    """What the relations of one event say now."""

    basket: Basket | None
    """The best basket that clears every bar, or None."""
    reason: str
    """One line: the basket, or the closest one and what it lacks."""


def scan(
    space: OutcomeSpace,
    books: Mapping[str, LegBook],
    params: M3Params,
    wall: Nanos,
    seconds_locked: float | None,
    most_legs: int | None = None,
) -> Scan:
    """The best riskless basket of a group of markets. ``books`` are settled, own orders taken out.

    ``seconds_locked`` is how long the cash is gone, until expected settlement; None passes no hurdle check.
    ``most_legs`` is how many legs can be sent at all.
    """
    most: Count = params.basket_lots * CONTRACT
    best: Basket | None = None
    for relation, unit in candidates(space, books, most_legs):
        if gross_edge(space, unit, books) <= 0:
            continue
        basket = size_basket(space, relation, unit, books, wall, most)
        basket = _within_leg_risk(space, unit, books, basket, params, wall)
        if basket is not None and (best is None or basket.profit > best.profit):
            best = basket
    if best is None:
        return Scan(None, "no arb: no relation is broken")
    why = _refusal(best, params, seconds_locked)
    per_lot = best.profit / (best.lots * ONE) * 100
    words = f"{best.relation}: {per_lot:+.1f} ¢ a lot on {best.lots // CONTRACT} after fees"
    return Scan(None, f"no arb: {words}, {why}") if why else Scan(best, f"arb: {words}")


def _within_leg_risk(
    space: OutcomeSpace,
    unit: Unit,
    books: Mapping[str, LegBook],
    basket: Basket | None,
    params: M3Params,
    wall: Nanos,
) -> Basket | None:
    """Fewer lots where a half-filled basket could lose more than allowed; None where one lot is too much."""
    cap = _money(params.leg_risk)
    while basket is not None and -leg_risk(space, basket.legs) > cap:
        fewer = basket.lots * cap // -leg_risk(space, basket.legs) // CONTRACT * CONTRACT
        basket = price_basket(space, basket.relation, unit, books, fewer, wall) if fewer else None
    return basket


def _refusal(basket: Basket, params: M3Params, seconds_locked: float | None) -> str:
    """Which bar the basket fails, or empty."""
    least: Money = max(_money(params.min_profit), _money(params.min_lot_profit) * basket.lots // CONTRACT)
    if basket.profit < least:
        return f"needs {least / DOLLAR:.2f}"
    locked = basket.cost + basket.fees
    if seconds_locked is not None and seconds_locked > 0.0:
        annual = basket.profit / locked * YEAR_S / seconds_locked
        if annual < params.hurdle:
            return f"{annual:.0%} a year is under {params.hurdle:.0%}"
    return ""


def _money(dollars: float) -> Money:
    return round(dollars * DOLLAR)


def quote(snapshot: MarketSnapshot, params: M3Params) -> QuoteIntent:
    """Quote around the coherent fair value; nothing for a market no relation speaks about.

    A statistical pair has its side of the market to itself while it wants something there.
    """
    why = blocked(snapshot, params)
    mid, coherent = snapshot.features.mid, snapshot.coherent
    if snapshot.pair is not None and why is None and mid is not None:
        return _quote_pair(snapshot, params, snapshot.pair, mid if coherent is None else coherent)
    if why is None and coherent is None:
        why = snapshot.relation or "no relation to another market is proved"
    if why is not None or mid is None or coherent is None:
        return no_quote(snapshot, "m3", why or "no mid", params.ttl_ms)
    if abs(coherent - mid) > params.max_shift:
        why = f"siblings say {coherent * 100:.1f}, the book {mid * 100:.1f}"
        return no_quote(snapshot, "m3", why, params.ttl_ms, coherent)
    used = inventory_used(snapshot)
    skew = -params.eta * used * params.edge
    bid_size, ask_size = sized(used)
    return finish(
        snapshot, params, "m3", Centre(coherent, params.edge, skew, bid_size, ask_size, snapshot.relation)
    )


def _quote_pair(snapshot: MarketSnapshot, params: M3Params, pair: PairLean, fair: float) -> QuoteIntent:
    """One passive quote on the side the pair wants, no larger than what it wants."""
    buys = pair.want > 0
    other = QuoteSides.ASK_ONLY if buys else QuoteSides.BID_ONLY
    if snapshot.sides is other:
        return no_quote(snapshot, STATISTICAL, f"{other.value}; {pair.words}", params.ttl_ms, fair)
    if snapshot.sides is QuoteSides.BOTH:
        snapshot = replace(snapshot, sides=QuoteSides.BID_ONLY if buys else QuoteSides.ASK_ONLY)
    share = min(abs(pair.want) / (params.size * CONTRACT), 1.0)
    moved = min(max(fair + pair.shift, 0.0), 1.0)
    sizes = (share, 0.0) if buys else (0.0, share)
    return finish(snapshot, params, STATISTICAL, Centre(moved, params.edge, 0.0, *sizes, pair.words))
