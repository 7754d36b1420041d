"""Money in the view: at every moment the same truth in each of its numbers."""

from __future__ import annotations

from kernel_bench import Bench

from kalshi_tui.protocol.commands import Scope, Stop
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, Side


def test_a_fill_moves_position_pnl_drawdown_and_cash_in_one_picture() -> None:
    bench = Bench()
    _bid, ask = bench.accept_all()
    before = bench.kernel.view(bench.now).status
    price = next(o.price for o in bench.kernel.state.orders.open_orders() if o.side is Side.ASK)
    bench.fill(ask, 2 * CONTRACT, "t1", fee=10_000)
    view = bench.kernel.view(bench.now)
    (row,), status = [m for m in view.markets if m.position], view.status
    held = row.holding
    assert held is not None and held.mark is not None and held.unrealized is not None
    assert row.position == -2 * CONTRACT
    assert held.cost == -2 * CONTRACT * price
    assert held.unrealized == row.position * held.mark - held.cost
    assert (status.realized, status.unrealized, status.fees) == (0, held.unrealized, 10_000)
    assert status.day_pnl == row.day_pnl == held.unrealized - 10_000
    assert status.drawdown is not None and status.day_pnl is not None
    assert status.drawdown >= -status.day_pnl
    assert before.balance is not None and status.balance is not None
    assert status.balance == before.balance + 2 * CONTRACT * price - 2 * DOLLAR - 10_000


def test_the_drawdown_is_never_less_than_the_days_loss() -> None:
    bench = Bench()
    bid, _ask = bench.accept_all()
    bench.fill(bid, 5 * CONTRACT, "t1")
    bench.turn()  # R1 looks now, and not again within the second
    bench.snapshot(bid="0.4100", ask_no="0.5800")
    bench.turn()
    status = bench.kernel.view(bench.now).status
    assert status.day_pnl is not None and status.drawdown is not None
    assert status.day_pnl < 0
    assert status.drawdown >= -status.day_pnl


def test_stops_on_less_than_everything_are_told() -> None:
    bench = Bench()
    assert bench.kernel.view(bench.now).status.stops == ()
    bench.say(Stop(7, "hold", Scope(ticker="T-1"), why="lunch"))
    status = bench.kernel.view(bench.now).status
    assert status.latch == ""
    (told,) = status.stops
    assert told.startswith("hold on market T-1")


def test_a_mark_is_no_better_than_the_only_quote_left() -> None:
    """After a print: 99 is bid for what was sold at 46, nobody offers; the loss shows at once."""
    bench = Bench()
    _bid, ask = bench.accept_all()
    bench.fill(ask, 2 * CONTRACT, "t1")
    bench.turn()
    before = bench.kernel.view(bench.now).status.day_pnl
    bench.delta("0.9900", "100.00")
    for price, count in (("0.5400", "-100.00"), ("0.5000", "-500.00")):
        bench.delta(price, count, side="no")
    bench.turn()
    view = bench.kernel.view(bench.now)
    (row,) = [m for m in view.markets if m.position]
    assert (row.bid, row.ask) == (9900, None)
    assert row.holding is not None and row.holding.mark == 9900
    assert before is not None and row.day_pnl is not None and row.day_pnl < before - DOLLAR
    assert view.status.day_pnl == row.day_pnl
