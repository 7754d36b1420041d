"""The simulated venue keeps what can still be asked for, and its sums are exact without the rest."""

from __future__ import annotations

import pytest

from kalshi_tui.execution import paper_account, paper_exchange
from kalshi_tui.execution.paper_account import PaperAccount
from kalshi_tui.execution.paper_exchange import PaperExchange
from kalshi_tui.execution.paper_match import Execution, PaperOrder
from kalshi_tui.execution.queue_models import RiskAverse
from kalshi_tui.protocol import effects, events
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Market, MarketStatus
from kalshi_tui.protocol.orders import NewOrder
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import DOLLAR, SECOND, Count, Price, Side

START = Instant(1_000 * SECOND, 1_790_000_000 * SECOND)
FACTS = Market("A", "E", grid=TickGrid.named("linear_cent"), close_time=START.wall + 3_600 * SECOND)


class Book:
    """One level a side that no order here reaches."""

    def levels(self, side: Side, limit: int | None = None) -> list[tuple[Price, Count]]:
        return [(1000, 5000)] if side is Side.BID else [(9000, 5000)]

    def size_at(self, side: Side, price: Price) -> Count:
        return 0


@pytest.fixture
def exchange() -> PaperExchange:
    made = PaperExchange(10_000 * DOLLAR, RiskAverse())
    made.on_market(FACTS, START)
    made.on_book("A", Book(), START)
    return made


def test_ended_orders_are_forgotten_oldest_first_and_resting_ones_never(
    exchange: PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper_exchange, "ORDERS_KEPT", 10)
    for number in range(50):
        create = effects.CreateOrder(NewOrder(f"c{number}", "A", Side.BID, 4000, 100))
        exchange.serve(create, START, START)
        if number:
            cancel = effects.CancelOrder(f"paper-{number + 1}", f"c{number}", "A", 0, "test")
            exchange.serve(cancel, START, START)
    (make,) = exchange.serve(effects.ReadOrders(resting_only=False), START, START)
    read = make(START)
    assert isinstance(read, events.OrdersRead)
    assert [o.order_id for o in read.orders] == ["paper-1", *(f"paper-{n}" for n in range(41, 51))]
    assert len(exchange._client_ids) == 11


def test_a_market_that_has_settled_is_dropped(exchange: PaperExchange) -> None:
    over = Market("A", "E", grid=FACTS.grid, status=MarketStatus.FINALIZED, settlement_value=DOLLAR)
    exchange.on_market(over, START)
    assert not exchange._markets


def test_positions_stay_exact_without_the_old_fills_and_a_read_says_when_it_is_not_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paper_account, "RECORDS_KEPT", 5)
    account = PaperAccount(10_000 * DOLLAR)
    for number in range(12):
        order = PaperOrder(f"o{number}", NewOrder(f"c{number}", "A", Side.BID, 4000, 100), 4000, 100)
        account.book(Execution(order, 4000, 100, is_taker=False), FACTS, START.wall + number)
    (held,) = account.positions()
    assert (held.position, held.total_traded) == (1200, 12 * 4000 * 100)
    assert [f.trade_id for f in account.fills] == [f"paper-trade-{n}" for n in range(8, 13)]
    assert account.fills_since(START.wall + 8) == (tuple(account.fills)[1:], True)
    assert not account.fills_since(START.wall)[1]
