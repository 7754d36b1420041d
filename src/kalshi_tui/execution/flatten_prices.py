"""What the flatten machine is shown, what it may ask for, and the prices it may pay."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TypeAlias

from msgspec import Struct

from kalshi_tui.execution.orders import Order
from kalshi_tui.portfolio.fees import taker_fee_per_contract
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import FeeSchedule
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CONTRACT, ONE, Count, Money, Price, Side

Level = tuple[Price, Count]


class FlattenRules(Struct, frozen=True):
    """How far a flatten may pay up, and how patient it is."""

    max_slip: Price = 500
    """Furthest a sweep may sell below (buy above) the mid it started from: 5 cents."""
    emergency_slip: Price = 1500
    """The same for an emergency: 15 cents."""
    slip_levels: int = 3
    """Furthest one clip reaches beyond the best price, in price levels."""
    clip_share: int = 25
    """Percent of the five best levels that one clip may take."""
    clip_pause_ms: int = 500
    """Between two clips."""
    confirm_s: int = 1
    """After this the venue is asked again what became of a cancel."""
    confirm_patience_s: int = 3
    """After this the machine goes on, counting unconfirmed orders as if they will fill."""
    passive_s: int = 10
    """How long a passive order rests before the book is looked at again."""
    max_attempts: int = 20
    """Clips and rests before the machine gives up and says what is left."""
    dearer_than_waiting: float = 0.2
    """A contract is swept only while that costs less than this share of the settlement risk it removes,
    sqrt(p (1 - p)); dearer ones are worked passively. Emergencies sweep regardless."""


class FlattenView(Struct, frozen=True):
    """What the machine is shown at each step."""

    now: Instant
    position: Count
    """All lots, YES-positive."""
    bids: Sequence[Level]
    """Best first, own orders taken out."""
    asks: Sequence[Level]
    orders: Sequence[Order]
    """Every order of this market that may still change the position, whoever owns it."""
    grid: TickGrid | None
    closable: bool
    """An order can be sent at all."""
    bar: str = "the market does not trade"
    """Why it can not, where it can not."""
    book_valid: bool = True
    mark: Price | None = None
    """The last micro-price or mid of a two-sided book: what a lonely bid is measured against."""
    fee: FeeSchedule = FeeSchedule()


class CancelThis(Struct, frozen=True):
    order: Order


class Take(Struct, frozen=True):
    """An immediate-or-cancel, reduce-only order; ``price`` is its limit."""

    side: Side
    price: Price
    count: Count


class Rest(Struct, frozen=True):
    """A post-only order."""

    side: Side
    price: Price
    count: Count


class LookUp(Struct, frozen=True):
    """Ask the venue for the market's orders, fills and position: an answer is missing."""


FlattenAction: TypeAlias = CancelThis | Take | Rest | LookUp


class Swept(Struct, frozen=True):
    """What taking ``levels`` up to a limit would give."""

    filled: Count
    residual: Count
    cost: Money
    """Sum of price x count of what filled."""


def sweep(levels: Sequence[Level], side: Side, count: Count, limit: Price) -> Swept:
    """Walk ``levels`` (best first) with an order on ``side`` for ``count``, never beyond ``limit``."""
    left, cost = count, 0
    for price, size in levels:
        if left <= 0 or (price - limit) * side.sign > 0:
            break
        taken = min(left, size)
        left -= taken
        cost += price * taken
    return Swept(count - left, left, cost)


def mid(view: FlattenView) -> Price | None:
    """The mid to the nearest 1/10,000 dollar below; None when a side is empty."""
    if not view.bids or not view.asks:
        return None
    return (view.bids[0][0] + view.asks[0][0]) // 2


def reference_price(view: FlattenView, emergency: bool) -> Price | None:
    """What slippage is measured from. None when the book shows nothing the contract could be worth:
    a lonely price may be anybody's joke, and only an emergency takes it."""
    if view.bids and view.asks:
        return mid(view)
    lonely = (view.bids or view.asks)[0][0] if view.bids or view.asks else None
    return view.mark if view.mark is not None else (lonely if emergency else None)


def next_clip(
    view: FlattenView,
    grid: TickGrid,
    side: Side,
    free: Count,
    *,
    reference: Price | None,
    rules: FlattenRules,
    emergency: bool,
) -> tuple[Count, Price]:
    """(size, limit) of the next clip: what the book bears within the floor; size 0 to take nothing."""
    levels = view.bids if side is Side.ASK else view.asks
    if not levels or reference is None:
        return 0, 0
    best = levels[0][0]
    floor = reference + (rules.emergency_slip if emergency else rules.max_slip) * side.sign
    limit = _limit(grid, side, best, floor, rules.slip_levels)
    if limit is None or (not emergency and _dearer_than_waiting(view, reference, best, rules)):
        return 0, 0
    reach = sweep(levels, side, free, limit).filled
    share = sum(size for _, size in levels[:5]) * rules.clip_share // 100
    return min(reach, max(share, CONTRACT)), limit


def _limit(grid: TickGrid, side: Side, best: Price, floor: Price, slip_levels: int) -> Price | None:
    """The worst price of a clip: a few levels past the best one, never past the floor."""
    near, outward = best, grid.previous if side is Side.ASK else grid.next
    for _ in range(slip_levels):
        near = outward(near) or near
    limit = grid.ceil(max(near, floor)) if side is Side.ASK else grid.floor(min(near, floor))
    return limit if limit is not None and (best - limit) * side.sign <= 0 else None


def _dearer_than_waiting(view: FlattenView, reference: Price, best: Price, rules: FlattenRules) -> bool:
    p, taken = (mid(view) or reference) / ONE, best / ONE
    cost = abs(p - taken) + taker_fee_per_contract(view.fee, taken)
    return cost > rules.dearer_than_waiting * sqrt(p * (1.0 - p))


def resting_price(view: FlattenView, grid: TickGrid, side: Side, reference: Price | None) -> Price | None:
    """One level inside the spread where there is room, else the own side's best; never crossing."""
    if not view.book_valid:
        return None
    own, other = (view.asks, view.bids) if side is Side.ASK else (view.bids, view.asks)
    inward, outward = (grid.previous, grid.next) if side is Side.ASK else (grid.next, grid.previous)
    if own:
        inside = inward(own[0][0])
        has_room = inside is not None and (not other or (inside - other[0][0]) * side.sign < 0)
        return inside if has_room else own[0][0]
    if other:
        return outward(other[0][0])
    return reference if reference is not None and grid.is_valid(reference) else None
