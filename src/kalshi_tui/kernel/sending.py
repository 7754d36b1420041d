"""The only code that makes create, amend and cancel effects: gate, budget, risk, registry, journal, effect."""

from __future__ import annotations

from msgspec.structs import replace

from kalshi_tui.execution.budget import AMEND_COST, CANCEL_COST, CREATE_COST, pull_cost
from kalshi_tui.execution.gate import GateContext, StopKind
from kalshi_tui.execution.orders import Order
from kalshi_tui.kernel import report
from kalshi_tui.kernel.booking import refresh_exposure
from kalshi_tui.kernel.state import DeskState
from kalshi_tui.kernel.tokens import affords_order, order_counts
from kalshi_tui.kernel.words import book_sentence
from kalshi_tui.protocol.effects import AmendOrder, CancelOrder, CreateOrder, Journal
from kalshi_tui.protocol.orders import NewOrder, OrderState, Owner
from kalshi_tui.protocol.quotes import Decision, Verdict
from kalshi_tui.protocol.units import MILLISECOND, Count, format_count

CANCEL_RETRY_MS = (0, 250, 500, 1000, 2000, 5000)
"""Wait before the n-th cancel of one order; the last for every further one: a stop is retried for ever."""

BUDGET = "BUDGET"
"""Not a risk refusal: the order waits for tokens."""


def gate_context(desk: DeskState, order: NewOrder) -> GateContext:
    """What the gate must know about an order's market."""
    market = desk.markets.get(order.ticker)
    status = desk.feed.status(order.ticker)
    return GateContext(
        now=desk.now,
        market=None if market is None else market.facts,
        book_valid=status.valid,
        book_why=book_sentence(status),
        position=desk.ledger.position(order.ticker),
        open_same_side=0 if market is None else market.risk.open_on(order.side),
    )


def judge(desk: DeskState, order: NewOrder) -> Verdict:
    """Gate, then the write budget, then risk: the answer to "may this leave now?"."""
    if desk.settings.execution == "none":
        return Verdict.refuse("GATE_NO_EXECUTION", "this desk only watches (--execution none)")
    verdict = desk.gate.check(order, gate_context(desk, order))
    if verdict.decision is Decision.REFUSE:
        return verdict
    # Before risk: while tokens are short every quote waits, and asks again and again.
    if not affords_order(desk):
        return Verdict.refuse(BUDGET, "the write budget is spent; what is left is kept for pulling")
    desk.risk.in_flight = order_counts(desk)[1]
    if order.ticker in desk.risk.markets:
        desk.chain.totals.settle(desk.risk, desk.risk.markets[order.ticker].event_ticker)
    return desk.chain.review(desk.risk, order)


def create(desk: DeskState, order: NewOrder, why: str) -> Verdict | None:
    """Send an order, smaller if risk says so. The verdict when it left, None when it was refused."""
    verdict = judge(desk, order)
    if verdict.decision is Decision.REFUSE:
        _count(desk, order, verdict.code)
        return None
    if verdict.count < order.count:
        order = replace(order, count=verdict.count)
    open_orders, asked, lost = order_counts(desk)
    desk.orders.submit(order, desk.now)
    desk.order_counts = (open_orders + 1, asked + 1, lost)
    desk.chain.note_sent(order, desk.now)
    market = desk.markets.get(order.ticker)
    if market is not None:
        market.held_back.clear()
    refresh_exposure(desk, order.ticker)
    desk.budget.spend(CREATE_COST)
    desk.counters.orders_sent += 1
    desk.journal.append(report.intent_row(desk, order, why))
    desk.sends.append(CreateOrder(order))
    return verdict


def _count(desk: DeskState, order: NewOrder, code: str) -> None:
    """An engine asks again and again: its standing refusal counts once. Waiting for tokens is none."""
    market = desk.markets.get(order.ticker)
    if code == BUDGET:
        return
    if market is not None and order.owner is Owner.ENGINE:
        if code in market.held_back:
            return
        market.held_back.add(code)
    desk.counters.refuse(code)


def cancel(desk: DeskState, order: Order, why: str) -> bool:
    """Ask for an order to go. False when it must wait (no id yet, asked just now, market closed, budget)."""
    if not order.order_id or order.state is OrderState.CANCELING or not order.is_open:
        return False
    if order.cancel_sent is not None:
        wait = CANCEL_RETRY_MS[min(order.cancel_attempts, len(CANCEL_RETRY_MS) - 1)]
        if desk.now.mono - order.cancel_sent.mono < wait * MILLISECOND:
            return False
    market = desk.markets.get(order.ticker)
    if (
        market is not None
        and market.facts.close_time is not None
        and desk.now.wall >= market.facts.close_time
    ):
        return False  # the exchange sweeps closed markets itself and refuses every cancel there
    if not desk.budget.affords_cancel():
        return False
    desk.budget.spend(CANCEL_COST)
    desk.orders.canceling(order, desk.now, why)
    desk.order_counts = None
    desk.journal.append(Journal("cancel", {"order_id": order.order_id, "ticker": order.ticker, "why": why}))
    desk.cancels.append(
        CancelOrder(order.order_id, order.client_order_id, order.ticker, order.exchange_index, why)
    )
    return True


def amend(desk: DeskState, order: Order, count: Count, expiration_s: int | None, why: str) -> bool:
    """Amend in place: never a higher count, never another price, so that the order keeps its place."""
    if not order.order_id or order.state is not OrderState.LIVE or count > order.count:
        return False
    market = desk.markets.get(order.ticker)
    event = market.facts.event_ticker if market is not None else ""
    kind, _ = desk.gate.latches.strongest(order.ticker, event)
    if kind is StopKind.KILL or desk.gate.recovering:
        return False
    if not desk.budget.affords(AMEND_COST, pull_cost(order_counts(desk)[0])):
        return False
    desk.budget.spend(AMEND_COST)
    desk.orders.amending(order, desk.now, count, expiration_s)
    desk.order_counts = None
    fields: dict[str, object] = {
        "order_id": order.order_id,
        "count": format_count(count),
        "expiration_s": expiration_s,
        "why": why,
    }
    desk.journal.append(Journal("amend", fields))
    desk.sends.append(
        AmendOrder(
            order.order_id,
            order.client_order_id,
            order.ticker,
            order.side,
            order.price,
            count,
            expiration_s,
            order.exchange_index,
            why,
        )
    )
    return True
