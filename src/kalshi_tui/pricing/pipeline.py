"""From a fair value and a half-spread to a quote: the steps every engine shares.

fair -> half-spread -> skew -> fee floor -> clamp -> round outward -> post-only -> drop side. Inside, prices
are floats in 1/10,000 dollar (the unit of ``Price``), so that half ticks are exact.
"""

from __future__ import annotations

from math import ceil

from msgspec import Struct

from kalshi_tui.features.formulas import tick_around
from kalshi_tui.portfolio.fees import maker_fee_rate
from kalshi_tui.pricing.reason import Arithmetic
from kalshi_tui.pricing.snapshot import MarketSnapshot, QuoteParams
from kalshi_tui.pricing.words import cents, contracts
from kalshi_tui.protocol.market import FeeSchedule
from kalshi_tui.protocol.quotes import Quote, QuoteIntent, QuoteSides
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CENT, CONTRACT, ONE, Count, Price, Side

REQUOTE_FLOOR: Price = CENT // 2
"""A working order never gives up its place for less, however fine the grid."""
REDUCE_ONLY_S = 600.0
"""Before the close, or a tenth of the market's life where that is shorter."""
REDUCE_ONLY_SHARE = 0.1
_DUST = 1e-6


class Centre(Struct, frozen=True, gc=False):
    """What an engine decides: the rest is arithmetic."""

    fair: float
    """Dollars: what a contract is worth to this engine."""
    half: float
    """Dollars either side, before the desk's and the trader's widening."""
    skew: float = 0.0
    """Dollars the middle of the quote is moved from fair (inventory)."""
    bid_size: float = 1.0
    """Share of full size on the bid, 0..1."""
    ask_size: float = 1.0
    note: str = ""
    """What the trader must know of how this came about; ends the reason."""
    reduce_only: str = ""
    """Why the engine itself wants only reducing quotes, or empty."""


def no_quote(
    snapshot: MarketSnapshot, engine: str, why: str, ttl_ms: int, fair: float | None = None
) -> QuoteIntent:
    """Nothing on either side, with its reason."""
    return QuoteIntent(snapshot.ticker, engine, None, None, ttl_ms, f"no quote: {why}", fair)


def blocked(snapshot: MarketSnapshot, params: QuoteParams) -> str | None:
    """Why no engine may quote this market now, or None."""
    features = snapshot.features
    if snapshot.grid is None:
        return "price grid unknown"
    if features.problem:
        return features.problem
    if snapshot.seconds_to_close is not None and snapshot.seconds_to_close <= 0.0:
        return "market past its close"
    if features.spread is not None and features.spread > params.max_spread * ONE + _DUST:
        return f"spread {cents(features.spread)} wider than {params.max_spread * 100:g}"
    return None


def finish(
    snapshot: MarketSnapshot,
    params: QuoteParams,
    engine: str,
    centre: Centre,
    ttl_ms: int | None = None,
    requote_levels: int | None = None,
) -> QuoteIntent:
    """Turn a centre into a quote on the market's grid; the market must not be ``blocked``."""
    grid = snapshot.grid
    if grid is None:
        return no_quote(snapshot, engine, "price grid unknown", ttl_ms or params.ttl_ms, centre.fair)
    fair = centre.fair * ONE
    tick = snapshot.features.tick or tick_around(grid, fair)
    if snapshot.lean_levels:
        fair += snapshot.lean_levels * tick
    fair = min(max(_clean(fair), 0.0), float(ONE))
    rate = maker_fee_rate(snapshot.fee)
    floor = params.min_edge * ONE + (_fee(rate, fair) if rate else 0.0)
    half = max(min(centre.half * snapshot.edge_scale * (1.0 + snapshot.widen), params.max_half) * ONE, floor)
    middle = fair + centre.skew * ONE
    bid = _place_bid(snapshot, grid, min(middle - half, fair - floor), fair, rate, params)
    ask = _place_ask(snapshot, grid, max(middle + half, fair + floor), fair, rate, params)
    reduce_why = centre.reduce_only or _reduce_only(snapshot, params, fair)
    last = (params.edge_levels if params.edge_levels < grid.size else grid.size) - 1
    low, high = grid.prices[last], grid.prices[-1 - last]  # beyond these nothing may add risk
    bid_reduce = reduce_why or (f"{cents(bid)} too near the edge" if bid is not None and bid < low else "")
    ask_reduce = reduce_why or (f"{cents(ask)} too near the edge" if ask is not None and ask > high else "")
    bid_count, bid_why = _size(snapshot, params, 1, bid, centre.bid_size, bid_reduce)
    ask_count, ask_why = _size(snapshot, params, -1, ask, centre.ask_size, ask_reduce)
    requote = max(requote_levels or params.requote_levels, ceil(REQUOTE_FLOOR / tick))
    return QuoteIntent(
        snapshot.ticker,
        engine,
        Quote(bid, bid_count) if bid is not None and bid_count else None,
        Quote(ask, ask_count) if ask is not None and ask_count else None,
        ttl_ms or params.ttl_ms,
        Arithmetic(
            grid,
            snapshot.best_bid,
            snapshot.best_ask,
            snapshot.lean_levels,
            centre.skew,
            centre.note,
            fair,
            half,
            bid,
            bid_why,
            ask,
            ask_why,
        ),
        fair / ONE,
        (fair - bid - (_fee(rate, bid) if rate else 0.0)) / ONE if bid is not None and bid_count else None,
        (ask - fair - (_fee(rate, ask) if rate else 0.0)) / ONE if ask is not None and ask_count else None,
        requote,
    )


def _clean(price: float) -> float:
    """Free of float dust, so that a price meant to be on the grid is."""
    near = round(price)
    return float(near) if -_DUST < price - near < _DUST else price


def _fee(rate: float, price: float) -> float:
    """Maker fee per contract in price units."""
    return rate * price * (ONE - price) / ONE


def _place_bid(
    snapshot: MarketSnapshot, grid: TickGrid, raw: float, fair: float, rate: float, params: QuoteParams
) -> Price | None:
    """The highest valid bid at or below ``raw`` that neither crosses nor earns too little."""
    price = grid.floor(_clean(raw))
    if price is not None and snapshot.best_ask is not None and price >= snapshot.best_ask:
        price = grid.previous(snapshot.best_ask)
    if rate:
        # The fee at the bid differs a little from the fee at fair, which the floor was taken from.
        while price is not None and fair - price - _fee(rate, price) < params.min_edge * ONE - _DUST:
            price = grid.previous(price)
    return price


def _place_ask(
    snapshot: MarketSnapshot, grid: TickGrid, raw: float, fair: float, rate: float, params: QuoteParams
) -> Price | None:
    price = grid.ceil(_clean(raw))
    if price is not None and snapshot.best_bid is not None and price <= snapshot.best_bid:
        price = grid.next(snapshot.best_bid)
    if rate:
        while price is not None and price - fair - _fee(rate, price) < params.min_edge * ONE - _DUST:
            price = grid.next(price)
    return price


def _reduce_only(snapshot: MarketSnapshot, params: QuoteParams, fair: float) -> str:
    """Why only reducing quotes are proposed, or empty."""
    if snapshot.sides is QuoteSides.REDUCE:
        return "reduce only"
    left = snapshot.seconds_to_close
    if left is not None:
        life = snapshot.life_s
        start = REDUCE_ONLY_S if life is None else min(REDUCE_ONLY_S, REDUCE_ONLY_SHARE * life)
        if left <= start:
            return f"closes in {left:.0f} s"
    if snapshot.size_scale <= 0.0:
        return "size cut to 0"
    tail = params.tail * ONE
    if not tail <= fair <= ONE - tail:
        return f"fair {fair / 100:.1f} too near the edge"
    return ""


def _size(
    snapshot: MarketSnapshot,
    params: QuoteParams,
    sign: int,
    price: Price | None,
    share: float,
    reduce_why: str,
) -> tuple[Count, str]:
    """(count, why it is 0 or empty) of one side; ``sign`` is +1 for the bid."""
    if price is None:
        return 0, reduce_why or "outside the grid"
    sides = snapshot.sides
    if sides is not QuoteSides.BOTH and sides is (QuoteSides.ASK_ONLY if sign > 0 else QuoteSides.BID_ONLY):
        return 0, sides.value
    held = -snapshot.position * sign
    full = params.size * CONTRACT
    if reduce_why:
        # At least one contract: what is held must be able to leave.
        return (min(max(int(full * share), CONTRACT), held), "") if held > 0 else (0, reduce_why)
    room = snapshot.max_position + held
    if room <= 0:
        return 0, f"inventory {contracts(snapshot.position)}/{contracts(snapshot.max_position)}"
    scaled = int(full * share * snapshot.size_scale + _DUST) // CONTRACT * CONTRACT
    if not scaled:
        return 0, "size below one contract"
    return (scaled if scaled < room else room), ""


def maker_edge(fee: FeeSchedule, fair: float, price: Price, side: Side) -> float:
    """Dollars per contract an order at ``price`` earns against ``fair`` (dollars) after the maker fee."""
    return (side.sign * (fair * ONE - price) - _fee(maker_fee_rate(fee), price)) / ONE
