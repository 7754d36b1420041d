"""Checks of a single order before any engine looks at it: the mistakes of fingers, units and loops.

Modelled on the list professionals check against (order size and value, price collar, duplicates, message
rate, self-cross; aligned with it, not certified by anyone). A refusal names the number that was too large.
"""

from __future__ import annotations

from collections import deque

from msgspec import Struct

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import NewOrder, Owner, TimeInForce
from kalshi_tui.protocol.quotes import Verdict
from kalshi_tui.protocol.units import (
    CENT,
    CONTRACT,
    DOLLAR,
    MILLISECOND,
    ONE,
    SECOND,
    Count,
    Money,
    Nanos,
    Price,
    Side,
    counted,
)
from kalshi_tui.risk.base import FULL, MarketExposure, RiskState, is_reducing, risk_per_unit, whole
from kalshi_tui.risk.r0 import day_limit
from kalshi_tui.risk.throttle import Throttle
from kalshi_tui.risk.words import cents, contracts, dollars


class ControlParams(Struct, frozen=True):
    """Limits of one order and of how fast orders leave. Size and value follow from the bankroll."""

    order_count: Count = 6_250
    """Most contracts (1/100) in one order: a quarter of R0's cap."""
    order_value: Money = 50 * DOLLAR
    """Most that one order can lose: 40 % of what its market may."""
    collar_cents: int = 10
    """An order may pay this far beyond the micro-price, or R2's number of levels if that is more."""
    duplicate_ms: int = 500
    """The same order again within this time is refused."""
    per_second: int = 10
    """Orders a second, all markets together; twice as many at once."""
    market_per_second: int = 2
    """Orders a second in one market, scaled by R2."""
    market_burst: int = 5
    """Orders at once in one market."""
    in_flight: int = 20
    """Most requests without an answer."""
    refusals: int = 3
    """After so many refusals by the venue in a minute a price is left alone for the rest of it."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) < 1:
                raise ValueError(f"controls.{name} must be above zero")

    @staticmethod
    def from_bankroll(bankroll: Money) -> ControlParams:
        day = day_limit(bankroll)
        count = max(day // 4 * 2 // DOLLAR // 4, 1) * CONTRACT
        return ControlParams(order_count=count, order_value=max(day // 10, DOLLAR))


SLIP = 4
"""An engine's order beyond this many times the limit is a slip of units, not a parameter."""

Place = tuple[str, Side, Price]


class Controls:
    """The pre-trade checks. ``note_sent`` every order that really left."""

    name = "controls"

    def __init__(self, params: ControlParams) -> None:
        self.params = params
        self._sent: deque[tuple[Nanos, NewOrder]] = deque()
        self._all = Throttle(params.per_second, 2 * params.per_second)
        self._by_market: dict[str, Throttle] = {}
        self._refused: dict[Place, deque[Nanos]] = {}

    def review(self, state: RiskState, order: NewOrder) -> Verdict:
        """Flatten orders carry their own floors and clips: for them only the order itself is checked."""
        market = state.markets.get(order.ticker)
        if market is None:
            return Verdict.refuse("CTRL_UNKNOWN_MARKET", f"risk knows nothing of {order.ticker}")
        if order.count <= 0 or not 0 < order.price < ONE:
            return Verdict.refuse("CTRL_BAD_ORDER", "size and price must be above zero")
        if order.owner is Owner.FLATTEN:
            return Verdict.allow(order.count)
        refusal = (
            self._size(order, market)
            or self._collar(order, market)
            or self_cross(order, market)
            or self._rate(order, market, state)
            or self._repeats(order, state.now)
        )
        return refusal or self._scaled(order, market)

    def note_sent(self, order: NewOrder, now: Instant) -> None:
        """An order really left: it counts against the rates, and against its own repetition."""
        self._all.take(now.mono)
        if order.ticker not in self._by_market:
            self._by_market[order.ticker] = Throttle(self.params.market_per_second, self.params.market_burst)
        self._by_market[order.ticker].take(now.mono)
        self._sent.append((now.mono, order))
        while now.mono - self._sent[0][0] > self.params.duplicate_ms * MILLISECOND:
            self._sent.popleft()

    def note_refused(self, order: NewOrder, now: Instant) -> None:
        """The venue refused it: the same price again and again would be refused again and again."""
        refusals = self._refused.setdefault((order.ticker, order.side, order.price), deque())
        refusals.append(now.mono)
        while now.mono - refusals[0] > 60 * SECOND:
            refusals.popleft()

    def forget(self, ticker: str) -> None:
        self._by_market.pop(ticker, None)
        for place in [place for place in self._refused if place[0] == ticker]:
            del self._refused[place]

    # -- checks --------------------------------------------------------------------------------------

    def _size(self, order: NewOrder, market: MarketExposure) -> Verdict | None:
        """A hand's order that is too large is refused; an engine's is cut later, unless it looks like a slip of
        units: larger by a factor that no parameter explains."""
        if is_reducing(market, order.side, order.count):
            return None
        slack = SLIP if order.owner is Owner.ENGINE else 1
        most, value = self.params.order_count, order.count * risk_per_unit(order)
        if order.count > most * slack:
            why = f"a size of {contracts(order.count)}; one order may have {contracts(most)}"
            return Verdict.refuse("CTRL_ORDER_SIZE", why)
        if value > self.params.order_value * slack:
            why = (
                f"the order can lose {dollars(value)}; one order may lose {dollars(self.params.order_value)}"
            )
            return Verdict.refuse("CTRL_ORDER_VALUE", why)
        return None

    def _collar(self, order: NewOrder, market: MarketExposure) -> Verdict | None:
        """Refuses paying too far beyond the micro-price; a price on the patient side harms nobody."""
        if market.mark is None:
            return Verdict.refuse(
                "CTRL_COLLAR", "no price to compare with: the book has had no two sides yet"
            )
        reach = self.params.collar_cents * CENT
        if market.grid is not None:
            reach = max(reach, market.limits.collar_levels * market.grid.tick_at(market.mark))
        beyond = (order.price - market.mark) * order.side.sign
        if beyond <= reach:
            return None
        far = f"{cents(order.price)} is {cents(beyond)} beyond the market at {cents(market.mark)}"
        why = f"{far}; the limit is {cents(reach)}"
        return Verdict.refuse("CTRL_COLLAR", why)

    def _rate(self, order: NewOrder, market: MarketExposure, state: RiskState) -> Verdict | None:
        if not self._all.allows(state.now.mono):
            return Verdict.refuse(
                "CTRL_RATE", f"more than {counted(self.params.per_second, 'order')} a second"
            )
        here = self._by_market.get(order.ticker)
        if here is not None and not here.allows(state.now.mono, market.limits.rate):
            why = f"more than {counted(self.params.market_per_second, 'order')} a second in this market"
            return Verdict.refuse("CTRL_RATE", why)
        if state.in_flight >= self.params.in_flight:
            return Verdict.refuse(
                "CTRL_IN_FLIGHT", f"{counted(state.in_flight, 'request')} without an answer yet"
            )
        return None

    def _repeats(self, order: NewOrder, now: Instant) -> Verdict | None:
        span = self.params.duplicate_ms * MILLISECOND
        for at, sent in self._sent:
            if (
                sent.ticker == order.ticker
                and sent.price == order.price
                and sent.side is order.side
                and sent.count == order.count
                and now.mono - at < span
            ):
                return Verdict.refuse("CTRL_DUPLICATE", "the same order left a moment ago")
        refused = self._refused.get((order.ticker, order.side, order.price), ())
        if sum(1 for at in refused if now.mono - at <= 60 * SECOND) >= self.params.refusals:
            why = f"the venue refused {cents(order.price)} {counted(self.params.refusals, 'time')} within a minute"
            return Verdict.refuse("CTRL_REFUSED_BEFORE", why)
        return None

    def _scaled(self, order: NewOrder, market: MarketExposure) -> Verdict:
        """The largest order R2 and the value limit leave: what exceeds it is cut."""
        by_count = self.params.order_count * market.limits.size // FULL
        by_value = self.params.order_value // risk_per_unit(order)
        most = min(by_count, by_value)
        if order.count <= most or is_reducing(market, order.side, order.count):
            return Verdict.allow(order.count)
        code = "R2_ORDER_SIZE" if by_count <= by_value and market.limits.size < FULL else "CTRL_ORDER_SIZE"
        reason = f" ({market.limits.why})" if code == "R2_ORDER_SIZE" and market.limits.why else ""
        why = f"orders here are at most {contracts(most)}{reason}"
        room = whole(most, order.count)
        if room <= 0 or order.time_in_force is TimeInForce.FOK:
            return Verdict.refuse(code, why)
        return Verdict.shrink(room, code, why)


def self_cross(order: NewOrder, market: MarketExposure) -> Verdict | None:
    """A refusal where the order would trade with an open order of ours; the newer one gives way."""
    other = market.best_own_ask if order.side is Side.BID else market.best_own_bid
    if other is None or (order.price - other) * order.side.sign < 0:
        return None
    name = "ask" if order.side is Side.BID else "bid"
    return Verdict.refuse("CTRL_SELF_CROSS", f"it would trade with our own {name} at {cents(other)}")
