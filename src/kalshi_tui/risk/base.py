"""What the risk engines look at, and what they may say.

A risk engine has ``review(state, order) -> Verdict``, asked before every send (it may only shrink
or refuse), and ``watch(state) -> list[Alert | FlattenRequest]``, asked on every fill, mark and tick.
Cancels are never reviewed.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol, TypeAlias

from msgspec import Struct, field

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import FeeSchedule, StrikeType
from kalshi_tui.protocol.orders import NewOrder
from kalshi_tui.protocol.quotes import Alert, Verdict
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CONTRACT, ONE, Count, Money, Price, Side

FULL = 1000
"""A multiplier of one, in thousandths: limits are scaled in integers."""


class Multipliers(Struct, frozen=True, gc=False):
    """What R2 leaves of one market's limits, in thousandths of each base limit."""

    position: int = FULL
    size: int = FULL
    loss: int = FULL
    """Of the market's own loss budget; never of the day's."""
    rate: int = FULL
    collar_levels: int = 10
    reduce_only: bool = False
    why: str = ""
    """Which condition binds, in the trader's words: ``active ×0.5``. Empty when none does."""


class MarketExposure(Struct):
    """One market as risk sees it. The kernel keeps one per market and changes it in place.

    ``open_*`` hold every order that may still change the position, whoever owns it: resting, in flight, being
    cancelled, unknown, and fills the venue reported that have not arrived as trades. An order being amended
    counts with the larger of both sizes.
    """

    ticker: str
    event_ticker: str
    """The event it settles with: several events on one number are one, where that was ticked."""
    position: Count | None = None
    """All lots, YES-positive; None until the venue's positions were read: then nothing may be added."""
    own_position: Count = 0
    """Of these, the lots this desk opened (YES-positive)."""
    cost: Money | None = 0
    """What the position cost, fees included; negative for a short (what it brought in). None: unknown."""
    open_bid: Count = 0
    open_ask: Count = 0
    open_bid_risk: Money = 0
    """Sum of price x count over the open bids: what they lose if the market settles NO."""
    open_ask_risk: Money = 0
    """Sum of (1 - price) x count over the open asks: what they lose if it settles YES."""
    open_orders: int = 0
    best_own_bid: Price | None = None
    """Highest own open bid, for self-crosses."""
    best_own_ask: Price | None = None
    mark: Price | None = None
    """The micro-price (or mid) to the nearest 1/10,000 dollar; None when the book gives none."""
    fair: float | None = None
    """The engine's or the book's probability of YES in 0..1, for R3; None when unknown."""
    mutually_exclusive: bool = False
    """At most one of the event's markets settles YES."""
    strike_type: StrikeType = StrikeType.UNKNOWN
    floor_strike: float | None = None
    cap_strike: float | None = None
    number_step: Decimal | None = None
    """The strikes' number is published in steps of this; None: any number can come."""
    label: str = ""
    series_ticker: str = ""
    theme: str = ""
    """The series' category: events of one theme move together."""
    grid: TickGrid | None = None
    """For the price collar, which is counted in levels."""
    fee: FeeSchedule = field(default_factory=FeeSchedule)
    limits: Multipliers = field(default_factory=Multipliers)
    """Set by R2 before any other engine is asked."""

    def hold(self, side: Side, price: Price, count: Count) -> None:
        """Count one more open order (or a part of one)."""
        self._move(side, price, count)
        self.open_orders += 1

    def release(self, side: Side, price: Price, count: Count) -> None:
        """The inverse of ``hold``: the order is gone by the venue's word."""
        self._move(side, price, -count)
        self.open_orders -= 1

    def _move(self, side: Side, price: Price, count: Count) -> None:
        if side is Side.BID:
            self.open_bid += count
            self.open_bid_risk += price * count
        else:
            self.open_ask += count
            self.open_ask_risk += (ONE - price) * count

    def open_on(self, side: Side) -> Count:
        return self.open_bid if side is Side.BID else self.open_ask

    @property
    def worst_long(self) -> Count:
        return (self.position or 0) + self.open_bid

    @property
    def worst_short(self) -> Count:
        return (self.position or 0) - self.open_ask


class DayPnl(Struct, frozen=True, gc=False):
    """The account's profit and loss since the New York day began, after fees, by two marks."""

    micro: Money | None
    """Realized, and open positions at the micro-price; None while an open position has no mark."""
    liquidation: Money | None
    """Realized, and open positions at what selling them into the book now would bring after fees."""
    event_window: bool = False
    """A scheduled print is under way: liquidation marks are not to be trusted for a halt."""

    @property
    def known(self) -> bool:
        """Whether neither mark is missing."""
        return self.micro is not None and self.liquidation is not None


class RiskState(Struct):
    """Everything the engines may look at. ``markets`` is in a fixed order: the desk's."""

    now: Instant
    markets: dict[str, MarketExposure]
    in_flight: int = 0
    """Requests to the venue that are not answered yet."""
    day: DayPnl | None = None
    """Profit and loss of the New York day; None when nobody worked it out: then R1 refuses what adds."""
    cash: Money | None = None
    """Balance by the venue's last word; None when it was never read: then nothing may be added."""
    cannot_lose: bool = False
    """The order asked about is a leg of a basket that loses in no outcome once it is whole; what it may lose
    half-filled has a limit of its own."""

    def event(self, event_ticker: str) -> list[MarketExposure]:
        """The markets of one event, in the desk's order."""
        return [m for m in self.markets.values() if m.event_ticker == event_ticker]


class FlattenRequest(Struct, frozen=True):
    """A position is to be reduced after a breach by fills."""

    ticker: str
    target: Count
    """The signed YES position to stop at; never asks for lots this desk did not open."""
    why: str


class PullRequest(Struct, frozen=True):
    """Every engine order is to be cancelled; what reduces may be quoted again."""

    why: str


Watched: TypeAlias = Alert | FlattenRequest | PullRequest


class RiskEngine(Protocol):
    """R0, R1 and R3; R2 only scales the others' limits."""

    name: str

    def review(self, state: RiskState, order: NewOrder) -> Verdict: ...

    def watch(self, state: RiskState) -> list[Watched]: ...


def is_reducing(market: MarketExposure, side: Side, count: Count) -> bool:
    """Whether an order opposes the position and, with all that is open on its side, cannot flip it."""
    return 0 < count <= reducible(market, side)


def reducible(market: MarketExposure, side: Side) -> Count:
    """How much of the position a new order on ``side`` may still take off."""
    position = market.position or 0
    if position * side.sign >= 0:
        return 0
    return max(abs(position) - market.open_on(side), 0)


def whole(count: Count, wanted: Count) -> Count:
    """``count`` cut to whole contracts, unless less than one was wanted to begin with."""
    return count if wanted < CONTRACT or count >= wanted else count // CONTRACT * CONTRACT


def effective_limit(base: int, multipliers: Iterable[int]) -> int:
    """``base`` times the least of ``multipliers`` (thousandths), never their product; rounded down."""
    return max(base * min(multipliers, default=FULL) // FULL, 0)


def risk_per_unit(order: NewOrder) -> Money:
    """What 1/100 contract of the order loses where it loses: its price, or one less its price for an ask."""
    return order.price if order.side is Side.BID else ONE - order.price
