"""An exchange that pauses: told by an order it refuses, asked about until it resumes, and no fault of a market."""

from __future__ import annotations

from kernel_bench import Bench

from kalshi_tui.kernel.booking import REJECTIONS_PAUSE
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.orders import VenueError

PAUSED = VenueError(409, "trading_is_paused")


def refuse(bench: Bench, error: VenueError) -> int:
    """Refuse every create that is on its way; their number."""
    creates = bench.made(ef.CreateOrder)
    for create in creates:
        bench.kernel.apply(ev.CreateRefused(bench.now, create.order.client_order_id, error))
    return len(creates)


def test_one_order_refused_for_a_pause_stops_all_and_the_exchange_is_asked_until_it_resumes() -> None:
    bench = Bench()
    assert refuse(bench, PAUSED) == 2
    refused_at = bench.now
    asked = 0
    for _ in range(6):
        bench.wait(1)
        bench.delta("0.4400", "1.00")
        bench.turn()
        assert not bench.made(ef.CreateOrder)
        asked += len(bench.made(ef.ReadExchangeStatus))
    assert 2 <= asked <= 4
    view = bench.kernel.view(bench.now)
    assert view.markets[0].state == "paused"
    assert any("the exchange has paused trading" in line.text for line in view.log)
    bench.kernel.apply(ev.ExchangeStatusRead(bench.now, refused_at, True, True))
    bench.turn()
    assert not bench.made(ef.CreateOrder), "that was asked before the pause was known"
    bench.kernel.apply(ev.ExchangeStatusRead(bench.now, bench.now, True, True))
    bench.turn()
    assert len(bench.made(ef.CreateOrder)) == 2


def test_too_many_requests_say_nothing_against_a_market_or_a_price() -> None:
    bench = Bench()
    for _ in range(2 * REJECTIONS_PAUSE):
        refuse(bench, VenueError(429, "too_many_requests"))
        bench.wait(1)
        bench.delta("0.4400", "1.00")
        bench.turn(300)
    said = [line.text for line in bench.kernel.view(bench.now).log if "too many requests" in line.text]
    assert len(said) == 1
    assert bench.kernel.state.markets["T-1"].quoting
    assert "CTRL_REFUSED_BEFORE" not in str(bench.kernel.summary()["risk_refusals"])
    assert len(bench.made(ef.CreateOrder)) == 2
    bench.accept_all()
    assert (bench.kernel.state.throttled, bench.kernel.state.alerts.active) == (0, {})
