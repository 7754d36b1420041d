"""Baskets of the kernel: started only when everything they may need is there, then driven order by order.

Every leg passes the one gate and the whole risk chain like any other order. What a basket may still send is reserved
in the exposure risk looks at, so that no quote takes its room; and a leg is judged by the limits in force when that
room was reserved: a tightening in between stops additions, it does not strand a half-bought basket.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from kalshi_tui.execution.basket import BasketRules, BasketRun, BasketView, Take
from kalshi_tui.execution.budget import CREATE_COST, pull_cost
from kalshi_tui.kernel.booking import raise_alert, refresh_exposure
from kalshi_tui.kernel.observing import conditions
from kalshi_tui.kernel.relations_state import EventRelations, could_meet
from kalshi_tui.kernel.sending import create, judge
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.pricing.baskets import Basket, Leg, LegBook
from kalshi_tui.pricing.m3 import M3Params, scan
from kalshi_tui.protocol.effects import Journal
from kalshi_tui.protocol.orders import NewOrder, Owner, TimeInForce
from kalshi_tui.protocol.quotes import Alert, AlertLevel, Decision, Regime
from kalshi_tui.protocol.units import (
    CONTRACT,
    DOLLAR,
    MILLISECOND,
    SECOND,
    Count,
    Nanos,
    format_count,
    format_money,
    format_price,
)
from kalshi_tui.risk.base import Multipliers
from kalshi_tui.risk.r2 import target_multipliers

FRESH: Nanos = 300 * MILLISECOND
"""The connection must have been heard of this recently before a basket starts."""
SAVING: Nanos = 100 * MILLISECOND
"""How long new quotes wait, each time a basket lacks nothing but write tokens."""
SAVING_MOST: Nanos = 2 * SECOND
"""How long in all they wait for one basket."""
SAVING_PAUSE: Nanos = 5 * SECOND
"""After that they are not asked to wait again for so long."""
REST: Nanos = SECOND
"""Pause of an event after a basket, however it ended."""
EASING = "easing"
"""How R2's words end while limits come back after a jump."""


def start(
    desk: DeskState,
    relations: EventRelations,
    basket: Basket,
    books: Mapping[str, LegBook],
    params: M3Params,
) -> str:
    """Begin it, smaller where risk leaves less room; empty, or why not."""
    space = relations.space
    assert space is not None
    refusal = _premises(desk, basket)
    if refusal:
        return refusal
    limits = {leg.ticker: _limits(desk, desk.markets[leg.ticker]) for leg in basket.legs}
    lots, why = _room(desk, basket, limits)
    if lots < basket.lots:
        if lots < CONTRACT:
            return why
        fewer = replace(params, basket_lots=lots // CONTRACT)
        found = scan(space, books, fewer, desk.now.wall, None, most_legs(desk, params))
        if found.basket is None:
            return f"{why} leaves too little to earn"
        basket = found.basket
        limits = {leg.ticker: _limits(desk, desk.markets[leg.ticker]) for leg in basket.legs}
        if _room(desk, basket, limits)[0] < basket.lots:
            return why
    refusal = _tokens(desk, relations, basket, params)
    if refusal:
        return refusal
    rules = BasketRules(params.timeout_ms, round(params.leg_risk * DOLLAR))
    relations.run = BasketRun(basket, space, rules, desk.now)
    relations.limits = limits
    for leg in basket.legs:
        refresh_exposure(desk, leg.ticker)
        desk.dirty[leg.ticker] = None  # quotes in its way are withdrawn
    _say_planned(desk, relations, basket)
    return ""


def _limits(desk: DeskState, market: MarketState) -> Multipliers:
    """R2's multipliers for a leg: those of an active market where only a jump has cut them further.

    The broken relation is the jump itself, and once whole the basket holds nothing that a further one could hurt;
    what a half-filled one may lose has its own cap. The clock's rows (close, scheduled print) stay as they are.
    """
    now = market.risk.limits
    feels = conditions(desk, market)
    if feels.regime is not Regime.EVENT and not now.why.endswith(EASING):
        return now
    calmer = replace(feels, regime=Regime.ACTIVE)
    without = target_multipliers(desk.chain.r2.params, calmer, r1_warn=desk.chain.r1.state != "normal")
    return max(now, without, key=lambda limits: (limits.position, limits.size))


def _premises(desk: DeskState, basket: Basket) -> str:
    """What must hold before its first order, or the sentence that it does not."""
    heard = desk.feed.heard_at
    if heard is None or desk.now.mono - heard.mono > FRESH:
        return "the connection is too quiet to trust every book"
    for leg in basket.legs:
        for order in desk.orders.open_orders(leg.ticker):
            near = order.side is leg.side.opposite and could_meet(basket, leg, order.price)
            if near and order.owner is not Owner.ENGINE:
                return f"an order on {leg.ticker} that is not an engine's is in its way"
    return ""


def most_legs(desk: DeskState, params: M3Params) -> int:
    """How many legs a full bucket of write tokens can start."""
    spare = desk.budget.capacity - _reserve(desk, 0)
    later = spare + desk.budget.rate * params.timeout_ms // 1000
    return max(min(spare // CREATE_COST, later // (2 * CREATE_COST)), 0)


def _reserve(desk: DeskState, legs: int) -> int:
    """Tokens that stay for pulling: as much of it as the budget ever keeps."""
    return min(pull_cost(desk.orders.open_count() + legs), desk.budget.capacity // 2)


def _tokens(desk: DeskState, relations: EventRelations, basket: Basket, params: M3Params) -> str:
    """20 tokens a leg beside the reserve for pulling: its order now, its unwinding by the time that may be due.

    Until they are there new quotes wait, for ``SAVING_MOST`` at the most; while it runs the others wait anyway, so
    what flows in until its timeout is its own.
    """
    legs = len(basket.legs)
    reserve = _reserve(desk, legs)
    coming = desk.budget.rate * params.timeout_ms // 1000
    now, later = legs * CREATE_COST + reserve, 2 * legs * CREATE_COST + reserve
    if desk.budget.tokens >= now and desk.budget.tokens + coming >= later:
        relations.saving_since = None
        return ""
    since = relations.saving_since = relations.saving_since or desk.now.mono
    if desk.now.mono - since >= SAVING_MOST + SAVING_PAUSE:
        since = relations.saving_since = desk.now.mono
    if desk.now.mono - since < SAVING_MOST:
        relations.saving_until = desk.now.mono + SAVING
        due = desk.now.mono + SAVING // 2
        for ticker in (leg.ticker for leg in basket.legs):
            desk.waiting[ticker] = min(desk.waiting.get(ticker, due), due)
    return f"waiting for write tokens: {desk.budget.tokens} of {max(now, later - coming)}"


def _room(desk: DeskState, basket: Basket, limits: Mapping[str, Multipliers]) -> tuple[Count, str]:
    """Lots that risk lets through with every leg open at once (the worst partial fill), and what binds."""
    lots, why = basket.lots, ""
    held: list[tuple[MarketState, Leg, Multipliers]] = []
    desk.risk.cannot_lose = True
    for leg in basket.legs:
        market = desk.markets[leg.ticker]
        risk = market.risk
        held.append((market, leg, risk.limits))
        risk.limits = limits[leg.ticker]
        own = (risk.best_own_bid, risk.best_own_ask)
        # Own quotes in its way go first: they must not refuse it here.
        risk.best_own_bid = risk.best_own_ask = None
        verdict = desk.chain.review(desk.risk, _order(market, leg, leg.count, "review"))
        risk.best_own_bid, risk.best_own_ask = own
        if verdict.decision is Decision.REFUSE:
            lots, why = 0, f"{leg.ticker}: {verdict.why}"
        elif verdict.count < lots:
            lots, why = verdict.count, f"{leg.ticker}: {verdict.why}"
        risk.hold(leg.side, leg.limit, leg.count)
    for market, leg, in_force in held:
        market.risk.release(leg.side, leg.limit, leg.count)
        market.risk.limits = in_force
    desk.risk.cannot_lose = False
    return lots // CONTRACT * CONTRACT, why


def _order(market: MarketState, leg: Leg | Take, count: Count, client_id: str) -> NewOrder:
    return NewOrder(
        client_order_id=client_id,
        ticker=market.ticker,
        side=leg.side,
        price=leg.price if isinstance(leg, Take) else leg.limit,
        count=count,
        time_in_force=TimeInForce.IOC,
        post_only=False,
        exchange_index=market.facts.exchange_index,
        owner=Owner.ENGINE,
        engine="m3",
    )


def drive(desk: DeskState, relations: EventRelations, books: Mapping[str, LegBook]) -> None:
    """Let the basket in flight do its next thing."""
    run = relations.run
    assert run is not None
    view = _view(desk, relations, run, books)
    if not view.unanswered:
        stopped = _stopped(desk, run)
        if stopped:
            run.stop(stopped)
    take = run.step(view)
    if take is not None:
        _send(desk, relations, run, take)
    if run.over:
        _finish(desk, relations, run)


def _stopped(desk: DeskState, run: BasketRun) -> str:
    """Why nothing more of it may leave, or empty: a stop, a flatten, a market switched off."""
    for leg in run.basket.legs:
        market = desk.markets[leg.ticker]
        kind, why = desk.gate.latches.strongest(market.ticker, market.facts.event_ticker)
        if kind is not None:
            return f"{kind.value}: {why}"
        if market.flatten is not None or not market.quoting:
            return f"{leg.ticker} was switched off"
    return ""


def _view(
    desk: DeskState, relations: EventRelations, run: BasketRun, books: Mapping[str, LegBook]
) -> BasketView:
    sent = [desk.orders.by_client_id.get(client_id) for client_id in run.orders]
    tickers = [leg.ticker for leg in run.basket.legs]
    grids = {t: desk.markets[t].facts.grid for t in tickers}
    return BasketView(
        now=desk.now,
        books=books,
        grids={ticker: grid for ticker, grid in grids.items() if grid is not None},
        in_the_way=sum(
            relations.in_the_way(ticker, order.side, order.price)
            for ticker in tickers
            for order in desk.orders.open_orders(ticker)
            if order.time_in_force is TimeInForce.GTC and order.owner is Owner.ENGINE
        ),
        unanswered=any(order is not None and (order.is_open or order.exposure) for order in sent),
    )


def _send(desk: DeskState, relations: EventRelations, run: BasketRun, take: Take) -> None:
    market = desk.markets[take.ticker]
    order = _order(market, take, take.count, desk.next_client_id("e"))
    run.sent(take, order.client_order_id, desk.now)
    refresh_exposure(desk, take.ticker)  # the order itself takes the place of its reservation
    now_in_force = market.risk.limits
    market.risk.limits = relations.limits[take.ticker]
    desk.risk.cannot_lose = not take.unwinds
    try:
        left = create(desk, order, run.status) is not None
        if not left:
            run.refused(take, judge(desk, order).why, desk.now)
    finally:
        market.risk.limits = now_in_force
        desk.risk.cannot_lose = False
    if not left:
        return
    fields: dict[str, object] = {
        "event": relations.name,
        "what": "unwind" if take.unwinds else "leg",
        "client_order_id": order.client_order_id,
        "ticker": take.ticker,
        "side": take.side.value,
        "price": format_price(take.price),
        "count": format_count(take.count),
    }
    desk.journal.append(Journal("basket", fields))


def _finish(desk: DeskState, relations: EventRelations, run: BasketRun) -> None:
    relations.run, relations.limits = None, {}
    relations.rest_until = desk.now.mono + REST
    for leg in run.basket.legs:
        refresh_exposure(desk, leg.ticker)
        desk.dirty[leg.ticker] = None
    fields: dict[str, object] = {
        "event": relations.name,
        "what": "result",
        "outcome": run.outcome,
        "promised": format_money(run.promised),
        "realized": format_money(run.realized),
        "status": run.status,
    }
    desk.journal.append(Journal("basket", fields))
    if run.outcome != "nothing":
        level = AlertLevel.INFO if run.outcome == "complete" else AlertLevel.WARN
        key = f"basket {relations.name} {desk.now.mono}"
        raise_alert(desk, Alert(key, level, f"{relations.name}: {run.status}"))
        desk.alerts.over(key)  # it happened, it does not last


def _say_planned(desk: DeskState, relations: EventRelations, basket: Basket) -> None:
    legs: list[dict[str, object]] = [_leg_row(leg) for leg in basket.legs]
    space = relations.space
    fields: dict[str, object] = {
        "event": relations.name,
        "what": "planned",
        "relation": basket.relation,
        "lots": format_count(basket.lots),
        "payoff": format_money(basket.payoff),
        "promised": format_money(basket.profit),
        "legs": legs,
        "proof": list(basket.proof),
        "rules_hash": "" if space is None else space.rules_hash,
    }
    desk.journal.append(Journal("basket", fields))


def _leg_row(leg: Leg) -> dict[str, object]:
    return {
        "ticker": leg.ticker,
        "side": leg.side.value,
        "count": format_count(leg.count),
        "limit": format_price(leg.limit),
        "cost": format_money(leg.cost),
        "fee": format_money(leg.fee),
    }
