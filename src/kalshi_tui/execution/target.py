"""Target against working: the fewest messages that make the orders agree, keeping queue place.

Price-time priority survives only a decrease and an expiry-only amend, so:

* a working order close enough to its target stays where it is;
* an order the market moved against (more aggressive than its target) is cancelled first, replaced after;
* too much size is decreased in place, too little is a *new* order beside it, never an amend upward;
* an order about to expire is renewed by an amend that changes nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from kalshi_tui.execution.orders import Order
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import OrderState
from kalshi_tui.protocol.quotes import Quote
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Count, Nanos, Price, Side


class TargetRules(Struct, frozen=True):
    """How eagerly working orders follow their targets."""

    min_requote_ms: int = 250
    """A side is not moved more often than this, unless it has to be pulled."""
    renew_before_s: int = 20
    """An order that expires sooner than this is renewed while still wanted."""
    top_up_share: int = 50
    """A side is topped up when less than this share (percent) of its target still rests."""


class Cancel(Struct, frozen=True):
    order: Order
    why: str


class Create(Struct, frozen=True):
    side: Side
    price: Price
    count: Count


class Shrink(Struct, frozen=True):
    """Amend down to ``total`` (filled + wanted): keeps the place."""

    order: Order
    total: Count


class Renew(Struct, frozen=True):
    """Amend the expiry alone: keeps the place."""

    order: Order
    expiration_s: int


Action = Cancel | Create | Shrink | Renew


@dataclass(slots=True)
class SideClock:
    """When a side of a market was last moved."""

    moved: Nanos | None = None

    def may_move(self, now: Instant, rules: TargetRules) -> bool:
        return self.moved is None or now.mono - self.moved >= rules.min_requote_ms * MILLISECOND


def side_actions(
    side: Side,
    target: Quote | None,
    working: Sequence[Order],
    grid: TickGrid,
    now: Instant,
    *,
    rules: TargetRules,
    clock: SideClock,
    threshold: int,
    expiration_s: int | None,
    why: str,
) -> list[Action]:
    """What to do about one side: ``working`` are this engine side's open orders, oldest first.

    ``threshold`` is how many levels a passive order may lag its target before it moves.
    """
    if target is None:
        return [Cancel(o, why) for o in working if o.state is not OrderState.CANCELING]
    actions: list[Action] = []
    kept: list[Order] = []
    for order in working:
        if order.state is OrderState.CANCELING:
            continue
        reason = _misplaced(order, side, target.price, grid, threshold)
        if reason is None:
            kept.append(order)
        elif reason == "adverse" or clock.may_move(now, rules):
            actions.append(Cancel(order, f"{reason}: target moved to {target.price / 100:g}"))
        else:
            kept.append(order)
    if len(kept) + len(actions) < len(working) or actions:
        # Something is still leaving: the new order waits until it is confirmed gone, so that both never rest.
        return actions
    resting = sum(o.remaining for o in kept)
    if resting > target.count:
        actions.extend(_shrink(kept, resting - target.count))
    elif resting * 100 < target.count * rules.top_up_share and clock.may_move(now, rules):
        price = kept[0].price if kept else target.price
        actions.append(Create(side, price, target.count - resting))
    if expiration_s is not None:
        actions.extend(_renewals(kept, now, rules, expiration_s))
    return actions


def in_place(
    side: Side,
    target: Quote,
    working: Sequence[Order],
    grid: TickGrid,
    now: Instant,
    rules: TargetRules,
    threshold: int,
) -> bool:
    """Whether one order is all the target asks for: ``side_actions`` would do nothing, now or after its pause."""
    if len(working) != 1:
        return False
    order = working[0]
    if order.state is not OrderState.LIVE and order.state is not OrderState.SENT:
        return False
    if order.price != target.price and _misplaced(order, side, target.price, grid, threshold) is not None:
        return False
    resting = order.remaining
    if resting > target.count or resting * 100 < target.count * rules.top_up_share:
        return False
    expires = order.expiration_s
    return expires is None or expires >= now.wall // SECOND + rules.renew_before_s


def _misplaced(order: Order, side: Side, price: Price, grid: TickGrid, threshold: int) -> str | None:
    """``adverse`` when it gives away more than its target, ``lagging`` when too far behind it."""
    if not grid.is_valid(order.price):
        return "off the grid"
    ahead = (grid.index(order.price) - grid.index(price)) * side.sign
    if ahead > 0:
        return "adverse"
    return "lagging" if -ahead >= threshold else None


def _shrink(kept: Sequence[Order], excess: Count) -> list[Action]:
    """Take ``excess`` off the newest orders first: the oldest hold the best places."""
    actions: list[Action] = []
    for order in reversed(kept):
        if excess <= 0:
            break
        if order.state is not OrderState.LIVE:
            continue
        if order.remaining <= excess:
            actions.append(Cancel(order, "size cut"))
            excess -= order.remaining
        else:
            actions.append(Shrink(order, order.count - excess))
            excess = 0
    return actions


def _renewals(kept: Sequence[Order], now: Instant, rules: TargetRules, expiration_s: int) -> list[Action]:
    due = now.wall // SECOND + rules.renew_before_s
    return [
        Renew(o, expiration_s)
        for o in kept
        if o.state is OrderState.LIVE
        and o.expiration_s is not None
        and o.expiration_s < due
        and expiration_s > o.expiration_s
    ]


def expiration(now: Instant, close: Nanos | None, next_pull: Nanos | None, life_s: int = 60) -> int | None:
    """The dead man's hand: the earliest of now + 60 s, the next pull - 1 s, close - 60 s, in Unix seconds.

    None when that leaves less than two seconds: then the order may not be sent at all.
    """
    best = now.wall // SECOND + life_s
    if close is not None:
        best = min(best, close // SECOND - 60)
    if next_pull is not None:
        best = min(best, next_pull // SECOND - 1)
    return best if best >= now.wall // SECOND + 2 else None
