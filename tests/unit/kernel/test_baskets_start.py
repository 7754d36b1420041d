"""What lets a basket start on a small desk: tokens saved for it, limits that fit it, fees that are known."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from test_relations_live import TICKERS, Exclusive

from kalshi_tui.kernel.relations_baskets import SAVING_MOST, SAVING_PAUSE, most_legs
from kalshi_tui.pricing.m3 import M3Params
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol.events import FeedHeard
from kalshi_tui.protocol.market import FeeType
from kalshi_tui.protocol.orders import Fill, NewOrder, Owner, TimeInForce
from kalshi_tui.protocol.quotes import Decision, Regime
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, MILLISECOND, SECOND, Side
from kalshi_tui.risk.base import Multipliers
from kalshi_tui.risk.chain import RiskParams


def quotes(bench: Exclusive) -> list[NewOrder]:
    return [c.order for c in bench.made(ef.CreateOrder) if c.order.time_in_force is TimeInForce.GTC]


def test_the_basic_tier_bears_five_legs_and_no_more() -> None:
    """100 tokens, half of them kept for pulling many orders: 10 a leg now, as much again by the timeout."""
    bench = Exclusive(tokens=100)
    desk = bench.kernel.state
    kept = 2 * desk.orders.open_count()
    assert most_legs(desk, M3Params()) == (100 - kept) // 10
    assert most_legs(desk, M3Params(timeout_ms=100)) == (110 - kept) // 20
    desk.budget.configure(2 * kept, 100)
    assert most_legs(desk, M3Params()) == kept // 10


def test_quotes_wait_until_a_basket_has_its_tokens() -> None:
    bench = Exclusive(tokens=100)
    state = bench.kernel.state
    state.budget.spend(110)
    bench.break_it()
    assert bench.relations.run is None and "waiting for write tokens" in bench.relations.reason
    waited = 0
    while bench.relations.run is None and waited < 1_000:
        assert quotes(bench) == [], "a quote took the tokens a basket waits for"
        bench.kernel.apply(FeedHeard(bench.now, 1))
        bench.turn(after_ms=20)
        waited += 20
    assert 100 < waited < 1_000


@pytest.mark.parametrize(("bid", "kind"), [(31, ef.CreateOrder), (33, ef.AmendOrder)])
def test_quotes_and_renewals_wait_while_tokens_are_saved_and_come_after(bid: int, kind: type) -> None:
    """Books that move ask for new quotes, books that stay for the renewal of those about to expire."""
    bench = Exclusive()
    state = bench.kernel.state
    bench.relations.saving_until = state.now.mono + 2_000 * MILLISECOND
    for order in list(state.orders.open_orders()):
        order.expiration_s = state.now.wall // SECOND + 5
    early = []
    for _ in range(60):
        bench.quote(bid)
        bench.turn(after_ms=50)
        bench.cancel_all()
        early += [state.now.mono < bench.relations.saving_until for _ in bench.made(kind)]
        bench.accept_all()
    assert early and not any(early), "it took tokens while they were saved, or never came"


def test_they_do_not_wait_for_ever() -> None:
    bench = Exclusive(tokens=100)
    state = bench.kernel.state
    bench.wait(0.2)
    bench.quote(36)
    waits = []
    for _ in range(int((SAVING_MOST + SAVING_PAUSE) * 1.3) // (50 * MILLISECOND)):
        state.budget.spend(state.budget.tokens)
        bench.kernel.apply(FeedHeard(bench.now, 1))
        bench.turn(after_ms=50)
        waits.append(state.now.mono < bench.relations.saving_until)
    assert bench.relations.run is None
    waiting = sum(waits) * 50 * MILLISECOND
    assert SAVING_MOST <= waiting <= 2 * SAVING_MOST, "once, and again after the pause"
    assert not all(waits[len(waits) // 2 - 20 : len(waits) // 2])


def test_nothing_is_promised_where_the_fee_is_not_known() -> None:
    bench = Exclusive()
    third = bench.kernel.state.markets["T-3"]
    third.facts = replace(third.facts, fee=replace(third.facts.fee, type=FeeType.FLAT))
    bench.break_it()
    assert bench.relations.run is None and not bench.legs()


@pytest.mark.parametrize(("why", "lots"), [("jump", 31), ("easing", 31), ("calendar", 6)])
def test_a_jump_that_is_the_broken_relation_does_not_shrink_it(why: str, lots: int) -> None:
    """On a bankroll of $10,000: half of 62 contracts a leg as in any active market, not a tenth."""
    bench = Exclusive(
        risk=RiskParams.from_bankroll(10_000 * DOLLAR),
        engine_params={"m3": M3Params(leg_risk=100.0, min_profit=0.01)},
    )
    state = bench.kernel.state
    words = {"jump": "event ×0.1", "easing": "×0.1 easing", "calendar": "event in 5 min ×0.1"}[why]
    for ticker in TICKERS:
        market = state.markets[ticker]
        market.risk.limits = Multipliers(100, 100, 500, 500, 5, why=words)
        market.regime = Regime.EVENT if why == "jump" else Regime.ACTIVE
        market.watcher.why = "jump" if why == "jump" else ""
    bench.wait(0.1)
    for ticker in TICKERS:
        bench.book(ticker, 36)
    bench.turn()
    run = bench.relations.run
    assert run is not None and run.planned.lots == lots * CONTRACT


def test_its_own_takes_pause_no_engine_and_a_pause_stops_no_basket() -> None:
    state = Exclusive().kernel.state
    r0 = state.chain.r0
    for number in range(r0.params.repeat_orders + 2):
        fill = Fill(f"t{number}", f"o{number}", "T-1", Side.ASK, 36_00, CONTRACT, 0, True, state.now.wall)
        r0.note_fill(fill, Owner.ENGINE, state.now)
    leg = NewOrder("c", "T-1", Side.ASK, 36_00, CONTRACT, owner=Owner.ENGINE, time_in_force=TimeInForce.IOC)
    assert r0.review(state.risk, leg).decision is Decision.ALLOW
    for number in range(r0.params.repeat_orders + 2):
        fill = Fill(f"m{number}", f"p{number}", "T-1", Side.ASK, 36_00, CONTRACT, 0, False, state.now.wall)
        r0.note_fill(fill, Owner.ENGINE, state.now)
    assert r0.review(state.risk, leg).code == "R0_REPEATED"
    state.risk.cannot_lose = True
    assert r0.review(state.risk, leg).decision is Decision.ALLOW


def test_r3_lets_a_leg_pass_that_no_outcome_pays_for() -> None:
    """A lone order of this size is past the settlement limit; as a leg of a whole basket it is no risk."""
    params = RiskParams.from_bankroll(100_000 * DOLLAR)
    tight = replace(params, r3=replace(params.r3, sd=DOLLAR, es99=DOLLAR))
    state = Exclusive(risk=tight).kernel.state
    leg = NewOrder(
        "c", "T-1", Side.ASK, 36_00, 50 * CONTRACT, owner=Owner.ENGINE, time_in_force=TimeInForce.IOC
    )
    assert state.chain.r3.review(state.risk, leg).code in ("R3_SD", "R3_ES99")
    state.risk.cannot_lose = True
    assert state.chain.r3.review(state.risk, leg).decision is Decision.ALLOW
