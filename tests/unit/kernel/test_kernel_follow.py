"""Public frames that cannot change a decision are not decided on again; what is quoted stays the same by it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_bench import Bench

from kalshi_tui.kernel import kernel as kernel_module
from kalshi_tui.kernel import quoting
from kalshi_tui.pricing.base import quote as engine_quote
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.commands import Stop
from kalshi_tui.protocol.text import SafeText


def quoting_bench(tickers: tuple[str, ...] = ("T-1",)) -> Bench:
    """M1's quotes rest on both sides, no pause is running."""
    bench = Bench(tickers, default_engine="m1")
    bench.accept_all()
    for _ in range(3):
        bench.turn(after_ms=100)
    return bench


def asked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with every question to an engine from here on."""
    names: list[str] = []
    original: Callable[..., object] = engine_quote

    def noted(name: str, *rest: object) -> object:
        names.append(name)
        return original(name, *rest)

    monkeypatch.setattr(quoting, "engine_quote", noted)
    return names


def test_only_a_change_of_the_touch_asks_the_engine_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = quoting_bench()
    names = asked(bench, monkeypatch)
    bench.delta("0.4000", "7.00")  # behind the touch
    bench.turn()
    bench.delta("0.4400", "1.00")  # more at the touch: no table, so no engine reads it
    bench.turn()
    assert names == []
    bench.delta("0.4500", "7.00")
    bench.turn()
    assert names == ["m1"]


def test_sizes_at_the_touch_move_the_mark() -> None:
    bench = quoting_bench()
    risk = bench.kernel.state.markets["T-1"].risk
    before = risk.mark
    bench.delta("0.4400", "100.00")
    bench.turn()
    assert before is not None and risk.mark is not None and risk.mark > before


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_the_same_is_quoted_as_when_every_frame_is_decided_on(seed: int) -> None:
    def quotes(every_frame: bool) -> list[object]:
        random, bench = Random(seed), quoting_bench()
        seen: list[object] = []
        with pytest.MonkeyPatch.context() as patch:
            if every_frame:
                patch.setattr(kernel_module, "follow_book", quoting.decide_market)
            for _ in range(60):
                price = random.randrange(38, 46)
                side, text = ("yes", price) if random.random() < 0.5 else ("no", random.randrange(47, 55))
                bench.delta(f"0.{text:02d}00", f"{random.randrange(1, 50)}.00", side=side)
                bench.turn(after_ms=5)
                bench.accept_all()
                bench.cancel_all()
                market = bench.kernel.state.markets["T-1"]
                seen.append((market.bid, market.ask, market.word, [type(e).__name__ for e in bench.effects]))
        return seen

    assert quotes(True) == quotes(False)


def test_after_a_kill_every_decision_sweeps_on() -> None:
    """A cancel of unknown fate is asked again within the second, though only another market's frames come."""
    bench = quoting_bench(("T-1", "T-2"))
    bench.arm()
    bench.say(Stop(2, "kill"))
    lost = next(c for c in bench.made(ef.CancelOrder) if c.ticker == "T-1")
    bench.kernel.apply(ev.CancelUnknown(bench.now, lost.order_id, SafeText("timed out")))
    again: list[str] = []
    for _ in range(12):
        bench.delta("0.4000", "1.00", ticker="T-2")
        bench.turn(after_ms=25)
        again += [c.order_id for c in bench.made(ef.CancelOrder)]
    assert again == [lost.order_id]
