"""The one gate: each check refuses with its own code, cancels never come here, reducing is told from adding."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kalshi_tui.execution.budget import WriteBudget, pull_cost
from kalshi_tui.execution.gate import Gate, GateContext
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Market, MarketStatus
from kalshi_tui.protocol.orders import NewOrder, Owner
from kalshi_tui.protocol.quotes import Decision
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import SECOND, Side

NOW = Instant(1_000 * SECOND, 2_000_000 * SECOND)
MARKET = Market(
    "T-1",
    "E",
    grid=TickGrid.named("linear_cent"),
    open_time=NOW.wall - 7200 * SECOND,
    close_time=NOW.wall + 3600 * SECOND,
)
CONTEXT = GateContext(NOW, MARKET, True, "live", 0, 0)
BID = NewOrder("b-e1", "T-1", Side.BID, 4100, 1000)
ASK = replace(BID, side=Side.ASK, price=4800)


def gate() -> Gate:
    return Gate(recovering="")


def test_a_plain_order_passes() -> None:
    assert gate().check(BID, CONTEXT).decision is Decision.ALLOW


@pytest.mark.parametrize(
    ("order", "context", "code"),
    [
        (BID, replace(CONTEXT, market=None), "GATE_MARKET"),
        (BID, replace(CONTEXT, market=replace(MARKET, status=MarketStatus.INACTIVE)), "GATE_MARKET"),
        (BID, replace(CONTEXT, market=replace(MARKET, status=MarketStatus.UNKNOWN)), "GATE_MARKET"),
        (BID, replace(CONTEXT, market=replace(MARKET, close_time=NOW.wall)), "GATE_CLOSE"),
        (BID, replace(CONTEXT, market=replace(MARKET, close_time=NOW.wall + 59 * SECOND)), "GATE_CLOSE"),
        (BID, replace(CONTEXT, book_valid=False), "GATE_BOOK"),
        (BID, replace(CONTEXT, market=replace(MARKET, grid=None)), "GATE_GRID"),
        (replace(BID, price=4150), CONTEXT, "GATE_GRID"),
        (replace(BID, count=0), CONTEXT, "GATE_SIZE"),
    ],
)
def test_each_thing_wrong_has_its_code(order: NewOrder, context: GateContext, code: str) -> None:
    verdict = gate().check(order, context)
    assert (verdict.decision, verdict.code) == (Decision.REFUSE, code)
    assert verdict.why


def test_nothing_passes_before_recovery_during_a_pause_or_after_kill() -> None:
    assert Gate().check(BID, CONTEXT).code == "GATE_RECOVERING"
    paused = gate()
    paused.trading_active = False
    assert paused.check(BID, CONTEXT).code == "GATE_PAUSED"
    killed = gate()
    killed.latches.killed = True
    for order in (BID, ASK, replace(ASK, owner=Owner.FLATTEN)):
        assert killed.check(order, replace(CONTEXT, position=5000)).code == "GATE_KILLED"


def test_a_hold_lets_only_reducing_orders_go() -> None:
    held = gate()
    held.latches.held["event E"] = "test"
    long = replace(CONTEXT, position=1000)
    assert held.check(BID, long).code == "GATE_HELD"
    assert held.check(ASK, long).decision is Decision.ALLOW
    # Not through zero, not together with what is open already.
    assert held.check(replace(ASK, count=1001), long).code == "GATE_HELD"
    assert held.check(ASK, replace(long, open_same_side=1)).code == "GATE_HELD"


def test_a_pull_stops_engines_even_when_they_reduce() -> None:
    pulled = gate()
    pulled.latches.pulled["market T-1"] = "test"
    assert pulled.check(ASK, replace(CONTEXT, position=1000)).code == "GATE_PULLED"
    mine = replace(ASK, owner=Owner.MINE)
    assert pulled.check(mine, replace(CONTEXT, position=1000)).decision is Decision.ALLOW


def test_reduce_only_after_a_kill_lets_reducing_go() -> None:
    killed = gate()
    killed.latches.killed = killed.latches.reduce_only = True
    assert killed.check(BID, CONTEXT).code == "GATE_HELD"
    assert killed.check(ASK, replace(CONTEXT, position=1000)).decision is Decision.ALLOW


def test_the_last_window_of_a_short_market_is_a_share_of_its_life() -> None:
    short = replace(MARKET, open_time=NOW.wall - 160 * SECOND, close_time=NOW.wall + 20 * SECOND)
    assert gate().check(BID, replace(CONTEXT, market=short)).decision is Decision.ALLOW
    last = replace(short, close_time=NOW.wall + 8 * SECOND)
    assert gate().check(BID, replace(CONTEXT, market=last)).code == "GATE_CLOSE"


def test_the_budget_keeps_what_pulling_costs() -> None:
    budget = WriteBudget()
    budget.refill(NOW)
    assert budget.affords(10, pull_cost(20))
    budget.spend(55)
    assert not budget.affords(10, pull_cost(20))
    assert budget.affords_cancel()
    budget.refill(NOW.plus(SECOND // 10))
    assert budget.tokens == 55
