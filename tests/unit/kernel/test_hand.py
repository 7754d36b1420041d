"""How large an order by hand may be, as the screen is told it and as a refusal says it."""

from __future__ import annotations

from kernel_bench import Bench
from msgspec.structs import replace

from kalshi_tui.kernel.hand import hand_most, too_large
from kalshi_tui.protocol.commands import Focus, PlaceOrder
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.units import DOLLAR, Side
from kalshi_tui.protocol.views import Gauge
from kalshi_tui.risk.chain import RiskParams


def scaled(bench: Bench, size: int) -> None:
    """R2 leaves this many thousandths of an order's size."""
    market = bench.kernel.state.markets["T-1"]
    market.risk.limits = replace(market.risk.limits, size=size, why=f"event ×{size / 1000:g}")


def test_r2_makes_the_largest_order_by_hand_smaller_and_is_named() -> None:
    bench = Bench(quote_at_start=False)
    bench.arm()
    desk, market = bench.kernel.state, bench.kernel.state.markets["T-1"]
    scaled(bench, 1000)
    controls = desk.chain.controls.params.order_count
    assert hand_most(desk, market) == (controls // 100 * 100, "")
    scaled(bench, 600 * 1000 // controls)  # six contracts, and a fraction that no order can have
    most, why = hand_most(desk, market)
    assert 0 < most < 1000 and most % 100 == 0 and why.startswith("event ×0.")
    ladder = bench.kernel.view(bench.now, Focus(1, "T-1")).ladder
    assert ladder is not None and (ladder.hand_most, ladder.hand_why) == (most, why)
    ack = bench.say(PlaceOrder(2, "T-1", Side.BID, 4400, 90_000, bench.now.wall))
    assert not ack.ok and ack.text == f"a size of 900 is too large: {too_large(most, why)}"
    assert f"may have {most // 100} here (event ×" in ack.text


def test_with_a_position_an_order_may_reduce_so_only_the_hands_own_limit_is_told() -> None:
    bench = Bench(quote_at_start=False)
    scaled(bench, 1)
    market = bench.kernel.state.markets["T-1"]
    assert hand_most(bench.kernel.state, market)[0] < 1000
    market.risk.position = 500
    own = bench.kernel.state.chain.controls.params.order_count // 100 * 100
    assert hand_most(bench.kernel.state, market) == (own, "")


def gauge(bench: Bench, name: str) -> Gauge:
    return next(g for g in bench.kernel.view(bench.now).gauges if g.name == name)


def test_a_market_that_is_over_is_not_about_to_close() -> None:
    bench = Bench()
    facts = bench.kernel.state.markets["T-1"].facts
    for status, word in ((MarketStatus.CLOSED, "closed"), (MarketStatus.FINALIZED, "settled")):
        bench.kernel.state.markets["T-1"].facts = replace(facts, status=status)
        assert gauge(bench, "R2").text == word


def test_a_small_bankrolls_limit_is_spelled_with_its_cents() -> None:
    bench = Bench(risk=RiskParams.from_bankroll(30 * DOLLAR))
    limit = bench.kernel.state.chain.r1.params.drawdown
    assert limit % DOLLAR
    assert gauge(bench, "R1").text == f"dd 0.00/{limit / DOLLAR:.2f}"
