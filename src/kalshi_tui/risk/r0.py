"""R0: inventory. What may be held, by the worst that everything already sent could do.

Every order that may still fill counts on its own side (worst long = position + open bids, worst short =
position - open asks), so no sequence of fills, cancels and late answers can carry a position past a cap
that no order was allowed to threaten. An order that only reduces passes the caps and never flips a position.
"""

from __future__ import annotations

from collections import deque

from msgspec import Struct

from kalshi_tui.portfolio.fees import trade_fee
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import Fill, NewOrder, Owner, TimeInForce
from kalshi_tui.protocol.quotes import Alert, AlertLevel, Verdict
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, ONE, SECOND, Count, Money, Nanos, Side
from kalshi_tui.risk.base import (
    FULL,
    FlattenRequest,
    MarketExposure,
    RiskState,
    Watched,
    is_reducing,
    reducible,
    risk_per_unit,
    whole,
)
from kalshi_tui.risk.scenarios import groups, is_idle, market_worst, settles_from_mark, settles_if_hit
from kalshi_tui.risk.totals import Share, Totals, side_cash
from kalshi_tui.risk.words import contracts, dollars


class R0Params(Struct, frozen=True):
    """Inventory limits. All follow from one bankroll (``from_bankroll``), so that they cannot contradict."""

    market_cap: Count = 25_000
    """Most contracts (1/100) held in one market, long or short, open orders counted."""
    market_loss: Money = 125 * DOLLAR
    """Most that one market may lose at settlement (millionths of a dollar)."""
    event_loss: Money = 250 * DOLLAR
    """Most that one event may lose at settlement: half the day's loss limit."""
    global_loss: Money = 1_500 * DOLLAR
    """Most that all events may lose together: three times the day's loss limit."""
    cash_reserve: Money = 125 * DOLLAR
    """Cash that no order may spend."""
    market_orders: int = 6
    """Most open orders in one market."""
    total_orders: int = 60
    """Most open orders in all markets."""
    repeat_orders: int = 5
    """More orders than this filled on one side of a market within ``repeat_window_s`` pause its engine."""
    repeat_window_s: int = 60
    """Seconds over which filled orders are counted."""
    repeat_pause_s: int = 60
    """Seconds for which an engine that was run over adds nothing."""
    flatten_share: int = 900
    """Thousandths of the cap to which a breach by fills is reduced."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) < (0 if name == "cash_reserve" else 1):
                raise ValueError(f"r0.{name} must be above zero")
        if not self.market_loss <= self.event_loss <= self.global_loss:
            raise ValueError("r0: market_loss must not exceed event_loss, nor event_loss global_loss")
        if self.flatten_share >= FULL:
            raise ValueError("r0.flatten_share must be below 1000 thousandths")

    @staticmethod
    def from_bankroll(bankroll: Money) -> R0Params:
        """Limits of a bankroll B with day limit D = 5 % of B: market D/4, event D/2, all 3 D, reserve D/4;
        the cap is what D/4 buys at 50 cents, in whole contracts."""
        if bankroll < 20 * DOLLAR:
            raise ValueError(f"a bankroll of {dollars(bankroll)} is too small: limits need at least $20")
        day = day_limit(bankroll)
        cap = max(day // 4 * 2 // DOLLAR, 1) * CONTRACT
        return R0Params(
            market_cap=cap,
            market_loss=day // 4,
            event_loss=day // 2,
            global_loss=3 * day,
            cash_reserve=day // 4,
        )


def day_limit(bankroll: Money) -> Money:
    """The most a day may lose: 5 % of the bankroll. Every other money limit is a share of it."""
    return bankroll // 20


class _Limit(Struct, frozen=True, gc=False):
    """How much of an order one limit leaves, and the refusal if that is too little."""

    room: Count
    code: str
    why: str


class R0:
    """The inventory engine. Holds only what fills have shown it; everything else is in the state."""

    name = "r0"

    def __init__(self, params: R0Params, totals: Totals | None = None) -> None:
        """``totals`` where the chain shares them with R3; otherwise its own."""
        self.params = params
        self._filled: dict[tuple[str, Side], deque[tuple[Nanos, str]]] = {}
        self._paused: dict[str, Nanos] = {}
        self._net_fills: dict[str, Count] = {}
        """Signed fills of ours since the last watch, by market."""
        self._breached: set[str] = set()
        self._totals = totals or Totals()

    def review(self, state: RiskState, order: NewOrder, replacing: Count = 0) -> Verdict:
        """May this order be sent? ``replacing``: what it takes off its side (an amend's own remainder)."""
        market = state.markets.get(order.ticker)
        if market is None:
            return Verdict.refuse("R0_UNKNOWN_MARKET", f"risk knows nothing of {order.ticker}")
        if order.count <= 0 or not 0 < order.price < ONE:
            return Verdict.refuse("R0_BAD_ORDER", "size and price must be above zero")
        if market.position is None:
            return Verdict.refuse("R0_POSITION_UNKNOWN", "the position here was not read from the venue yet")
        if is_reducing(market, order.side, order.count - replacing):
            return Verdict.allow(order.count)
        others = self._totals.others(state, market.event_ticker)
        beside = self._totals.beside(state, market)
        stopped = self._stopped(state, market, order, others.orders + beside.orders + market.open_orders)
        if stopped is not None:
            return stopped
        binding = self._binding(state, market, order, others, beside, replacing)
        if not binding:
            return Verdict.allow(order.count)
        return self._verdict(market, order, min(binding, key=lambda limit: limit.room))

    def watch(self, state: RiskState) -> list[Watched]:
        """Caps exceeded, engines paused, and one ``FlattenRequest`` per breach by fills of our own."""
        found: list[Watched] = []
        for market in state.markets.values():
            found.extend(self._cap_alert(market))
            until = self._paused.get(market.ticker)
            if until is not None and state.now.mono < until:
                text = (
                    f"{market.ticker}: its engine adds nothing for a while: filled over and over on one side"
                )
                found.append(Alert(f"r0 repeated {market.ticker}", AlertLevel.WARN, text, market.ticker))
        return found

    def forget(self, ticker: str) -> None:
        self._paused.pop(ticker, None)
        self._net_fills.pop(ticker, None)
        for side in Side:
            self._filled.pop((ticker, side), None)

    def note_fill(self, fill: Fill, owner: Owner, now: Instant) -> None:
        """Take in a fill of an order this desk sent (call it before ``watch``); found orders' are ignored.

        The repeated-execution throttle counts an engine's filled orders, not trades: one order that many
        small takers fill is one execution. What we took ourselves (the legs of a basket) ran over nobody's quote.
        """
        if owner is Owner.FOUND:
            return
        self._net_fills[fill.ticker] = self._net_fills.get(fill.ticker, 0) + fill.signed
        if owner is not Owner.ENGINE or fill.is_taker:
            return
        filled = self._filled.setdefault((fill.ticker, fill.side), deque())
        horizon = now.mono - self.params.repeat_window_s * SECOND
        while filled and filled[0][0] < horizon:
            filled.popleft()
        if all(order_id != fill.order_id for _, order_id in filled):
            filled.append((now.mono, fill.order_id))
        if len(filled) > self.params.repeat_orders:
            self._paused[fill.ticker] = now.mono + self.params.repeat_pause_s * SECOND
            filled.clear()

    def cap(self, market: MarketExposure) -> Count:
        """Most contracts (1/100) that may be held there now, long or short: the base cap as R2 scales it."""
        return self.params.market_cap * market.limits.position // FULL

    # -- review --------------------------------------------------------------------------------------

    def _stopped(
        self, state: RiskState, market: MarketExposure, order: NewOrder, total: int
    ) -> Verdict | None:
        """Refusals that no smaller order would escape."""
        params = self.params
        if market.limits.reduce_only:
            return Verdict.refuse("R0_REDUCE_ONLY", f"only orders that reduce: {market.limits.why}")
        until = self._paused.get(order.ticker)
        quotes = order.owner is Owner.ENGINE and not state.cannot_lose
        if quotes and until is not None and state.now.mono < until:
            left = (until - state.now.mono) // SECOND + 1
            return Verdict.refuse("R0_REPEATED", f"filled over and over on one side: paused for {left} s")
        if order.time_in_force is not TimeInForce.GTC:
            return None
        if market.open_orders >= params.market_orders:
            why = f"open orders {market.open_orders}/{params.market_orders} in this market"
            return Verdict.refuse("R0_OPEN_ORDERS", why)
        if total >= params.total_orders:
            return Verdict.refuse("R0_OPEN_ORDERS", f"open orders {total}/{params.total_orders} in all")
        return None

    def _binding(
        self,
        state: RiskState,
        market: MarketExposure,
        order: NewOrder,
        others: Share,
        beside: Share,
        replacing: Count,
    ) -> list[_Limit]:
        """The limits that leave less than the whole order; mostly none."""
        fee = order_fee(state, market, order)
        limits = (
            self._inventory(market, order, replacing),
            *self._losses(state, market, order, others.most, beside.most, fee),
            self._cash(state, market, order, others.cash + beside.cash, fee),
        )
        return [limit for limit in limits if limit is not None]

    def _inventory(self, market: MarketExposure, order: NewOrder, replacing: Count) -> _Limit | None:
        cap = self.cap(market)
        worst = market.worst_long if order.side is Side.BID else market.worst_short
        room = cap - worst * order.side.sign + replacing
        if room >= order.count:
            return None
        why = f"inventory {contracts(abs(worst))}/{contracts(cap)}"
        if cap < self.params.market_cap and market.limits.why:
            why += f" ({market.limits.why})"
        return _Limit(room, "R0_MARKET_CAP", why)

    def _losses(
        self,
        state: RiskState,
        market: MarketExposure,
        order: NewOrder,
        elsewhere: Money,
        beside: Money,
        fee: Money,
    ) -> list[_Limit | None]:
        """Room under the worst settlement of the market, of its event, and of everything.

        No netting at all (``elsewhere``, ``beside``) bounds the loss from above: mostly that already fits, and is
        quick to know.
        """
        params = self.params
        adds = risk_per_unit(order) * order.count + fee
        budget = params.market_loss * market.limits.loss // FULL
        alone = adds - market_worst(market)
        together = alone + beside
        found: list[_Limit | None] = []
        if alone > budget:
            found.append(
                _room_for_loss(order, [market], market, 0, budget, fee, "R0_MARKET_LOSS", "this market")
            )
        if together <= params.event_loss and elsewhere + together <= params.global_loss:
            return found
        event = self._totals.event(state, market.event_ticker)
        if together > params.event_loss:
            limit = params.event_loss
            found.append(_room_for_loss(order, event, market, 0, limit, fee, "R0_EVENT_LOSS", "this event"))
        if elsewhere + together > params.global_loss:
            rest = self._totals.loss_elsewhere(state, market.event_ticker)
            limit = params.global_loss
            found.append(_room_for_loss(order, event, market, rest, limit, fee, "R0_GLOBAL", "all events"))
        return found

    def _cash(
        self,
        state: RiskState,
        market: MarketExposure,
        order: NewOrder,
        elsewhere: Money,
        fee: Money,
    ) -> _Limit | None:
        if state.cash is None:
            return _Limit(0, "R0_CASH", "the balance was not read from the venue yet")
        spoken_for = self.params.cash_reserve + elsewhere + side_cash(market, order.side)
        free = state.cash - spoken_for - fee
        room = reducible(market, order.side) + free // risk_per_unit(order)
        if room >= order.count:
            return None
        return _Limit(room, "R0_CASH", f"cash {dollars(state.cash)}, {dollars(spoken_for)} of it spoken for")

    def _verdict(self, market: MarketExposure, order: NewOrder, least: _Limit) -> Verdict:
        # What merely takes the position off is never refused by a cap.
        room = max(whole(max(least.room, 0), order.count), reducible(market, order.side))
        if room <= 0 or order.time_in_force is TimeInForce.FOK:
            return Verdict.refuse(least.code, least.why)
        return Verdict.shrink(min(room, order.count), least.code, least.why)

    # -- watch ---------------------------------------------------------------------------------------

    def _cap_alert(self, market: MarketExposure) -> list[Watched]:
        position, cap = market.position or 0, self.params.market_cap
        request = self._breach(market)
        if abs(position) <= cap:
            return []
        text = f"{market.ticker}: inventory {contracts(abs(position))}/{contracts(cap)}; nothing may be added"
        alert = Alert(f"r0 cap {market.ticker}", AlertLevel.WARN, text, market.ticker)
        return [alert] if request is None else [alert, request]

    def _breach(self, market: MarketExposure) -> FlattenRequest | None:
        """A breach begins when our own fills grow a position past the base cap; it ends below the cap.

        A limit that was tightened, and lots found here, only stop additions: they never ask for a sweep.
        """
        position, cap = market.position or 0, self.params.market_cap
        grown = self._net_fills.pop(market.ticker, 0)
        if abs(position) <= cap:
            self._breached.discard(market.ticker)
            return None
        sign = 1 if position > 0 else -1
        mine = market.own_position * sign
        if grown * sign <= 0 or mine <= 0 or market.ticker in self._breached:
            return None
        self._breached.add(market.ticker)
        excess = abs(position) - cap * self.params.flatten_share // FULL
        target = sign * (abs(position) - min(excess, mine))
        why = f"inventory {contracts(abs(position))}/{contracts(cap)} after a fill"
        return FlattenRequest(market.ticker, target, why)


def order_fee(state: RiskState, market: MarketExposure, order: NewOrder) -> Money:
    """The most the order can cost in fees if it fills whole at its price (a taker's, unless post-only)."""
    return trade_fee(market.fee, order.price, order.count, not order.post_only, state.now.wall, order.side)


def _room_for_loss(
    order: NewOrder,
    markets: list[MarketExposure],
    market: MarketExposure,
    elsewhere: Money,
    limit: Money,
    fee: Money,
    code: str,
    where: str,
) -> _Limit | None:
    """What ``limit`` leaves of the order once ``elsewhere`` and the markets' own worst are taken off; None: all."""
    loss = elsewhere + _worst_where_it_hurts(markets, market, order)
    unit = risk_per_unit(order)
    room = (limit - loss - fee) // unit
    if room >= order.count:
        return None
    adds = unit * order.count + fee
    why = f"{where} can lose {dollars(max(loss, 0))} of {dollars(limit)}; this order adds {dollars(adds)}"
    return _Limit(room, code, why)


def _worst_where_it_hurts(markets: list[MarketExposure], market: MarketExposure, order: NewOrder) -> Money:
    """The largest loss among the outcomes that the order would make worse (its market NO for a bid, YES for
    an ask), the other groups of the event at their own worst."""
    hurts_on = order.side is Side.ASK
    loss = 0
    for group in groups([m for m in markets if m is market or not is_idle(m)]):
        values = [
            min(
                sum(f(m, yes) for m, yes in zip(group.markets, outcome.pays, strict=True))
                for f in (settles_if_hit, settles_from_mark)
            )
            for outcome in group.outcomes
            if market not in group.markets or outcome.pays[group.markets.index(market)] is hurts_on
        ]
        loss -= min(values, default=0)
    return loss
