"""What a turn looks at: with nothing but public frames only what they changed, and that loses nothing."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_bench import Bench

from kalshi_tui.kernel import alarm, quoting
from kalshi_tui.kernel import kernel as kernel_module
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.units import Side
from kalshi_tui.risk.totals import Totals

THREE = ("T-1", "T-2", "T-3")


def lively(bench: Bench, random: Random) -> None:
    """One turn: a frame somewhere, now and then answers and a fill, and time passes."""
    side, price = (
        ("yes", random.randrange(38, 46)) if random.random() < 0.5 else ("no", random.randrange(47, 55))
    )
    ticker = random.choice(THREE)
    bench.delta(f"0.{price:02d}00", f"{random.randrange(1, 50)}.00", side=side, ticker=ticker)
    bench.turn(after_ms=random.choice((1, 1, 1, 7, 60, 400)))
    ids = bench.accept_all()
    bench.cancel_all()
    if ids and random.random() < 0.2:
        bench.fill(ids[-1], 100, f"trade-{ids[-1]}")


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_turns_that_look_at_everything_decide_the_same(seed: int) -> None:
    def history(everything: bool) -> list[object]:
        random = Random(seed)
        with pytest.MonkeyPatch.context() as patch:
            if everything:
                patch.setattr(alarm, "next_due", lambda desk: alarm.AT_ONCE)
            bench = Bench(THREE, default_engine="m1", trace=True)
            for _ in range(80):
                lively(bench, random)
            return bench.kernel.take_trace()

    assert history(True) == history(False)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_remembered_shares_of_the_limits_are_never_stale(seed: int) -> None:
    random, bench = Random(seed), Bench(THREE, default_engine="m1")
    state = bench.kernel.state
    for _ in range(60):
        lively(bench, random)
        for market in state.risk.markets.values():
            fresh, told = Totals(), state.chain.totals
            event = market.event_ticker
            assert told.others(state.risk, "another event") == fresh.others(state.risk, "another event")
            assert told.beside(state.risk, market) == fresh.beside(state.risk, market)
            assert told.loss_elsewhere(state.risk, event) <= told.others(state.risk, event).most


def short_of_tokens() -> Bench:
    """A desk that has read everything and can pay for nothing yet."""
    bench = Bench(THREE, boot=False, default_engine="m1")
    bench.kernel.apply(ev.BudgetRead(bench.now, 100, 100, 100))
    bench.kernel.state.budget.spend(95)
    bench.turn()
    bench.reads()
    return bench


def test_quotes_without_tokens_wait_in_line() -> None:
    bench = short_of_tokens()
    assert bench.turn() is not None and bench.made(ef.CreateOrder) == []
    assert list(bench.kernel.state.unpaid) == list(THREE)
    served: list[str] = []
    for _ in range(100):
        bench.turn(after_ms=20)
        served += [create.order.ticker for create in bench.made(ef.CreateOrder)]
        bench.accept_all()
    assert served == [*THREE, *THREE]
    assert not bench.kernel.state.unpaid
    assert bench.kernel.state.orders.open_count() == 6


def test_a_market_in_line_follows_its_book_and_quotes_it_when_its_turn_comes() -> None:
    bench = short_of_tokens()
    bench.turn()
    state = bench.kernel.state
    last = state.markets[THREE[-1]]
    wanted, mark = last.ask, last.risk.mark
    assert wanted is not None and mark is not None
    bench.delta("0.450000", "50.00", ticker=last.ticker)
    bench.turn(after_ms=5)
    assert last.features.bid == 4_500 and last.risk.mark is not None and last.risk.mark > mark
    assert last.ask == wanted, "nothing could be sent: it is worked out when it can be"
    sent: list[int] = []
    while not sent:
        bench.turn(after_ms=20)
        orders = [create.order for create in bench.made(ef.CreateOrder)]
        sent += [o.price for o in orders if o.ticker == last.ticker and o.side is Side.ASK]
        bench.accept_all()
    assert last.ask is not None and sent == [last.ask.price]
    assert last.ask.price > wanted.price


def test_the_second_looks_at_every_market_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    tickers = tuple(f"T-{n}" for n in range(40))
    bench = Bench(tickers, default_engine="m1")
    for _ in range(30):
        bench.turn(after_ms=50)
        bench.accept_all()
    looked: list[str] = []
    decide = quoting.decide_market

    def noted(desk: DeskState, market: MarketState) -> bool:
        looked.append(market.ticker)
        return decide(desk, market)

    monkeypatch.setattr(kernel_module, "decide_market", noted)
    largest = 0
    for _ in range(20):
        before = len(looked)
        bench.turn(after_ms=50)
        largest = max(largest, len(looked) - before)
    assert set(looked) == set(tickers)
    assert largest <= 6
