from __future__ import annotations

import pytest
from risk_kit import START, fill, market, order, state

from kalshi_tui.portfolio.fees import trade_fee
from kalshi_tui.protocol.market import FeeSchedule
from kalshi_tui.protocol.orders import NewOrder, Owner, TimeInForce
from kalshi_tui.protocol.quotes import Alert, Decision, Regime, Verdict
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, SECOND, Side
from kalshi_tui.risk.base import DayPnl, RiskState, Watched, reducible, whole
from kalshi_tui.risk.chain import RiskChain, RiskParams
from kalshi_tui.risk.marks import liquidation_mark, missing_price, stale_mark
from kalshi_tui.risk.r2 import Conditions
from kalshi_tui.risk.words import cents, contracts, dollars, times

PARAMS = RiskParams.from_bankroll(10_000 * DOLLAR)


class Broken:
    """An engine with a defect."""

    def review(self, state: RiskState, order: NewOrder, replacing: int = 0) -> Verdict:
        raise ZeroDivisionError("division by zero")

    def watch(self, state: RiskState) -> list[Watched]:
        raise KeyError("A")


def test_limits_of_one_bankroll_are_coherent() -> None:
    day = PARAMS.r1.day_loss
    assert day == 500 * DOLLAR
    assert PARAMS.r0.event_loss * 2 == day == PARAMS.r3.es99
    assert PARAMS.r0.global_loss == 3 * day
    assert PARAMS.r3.sd * 10 == 4 * day
    assert PARAMS.controls.order_count * 4 <= PARAMS.r0.market_cap
    assert PARAMS.controls.order_value < PARAMS.r0.market_loss


def test_every_engine_may_shrink_and_the_last_cut_is_told() -> None:
    chain = RiskChain(PARAMS, START)
    held = market(held=190, fair=0.02)
    verdict = chain.review(state(held), order(Side.BID, 70))
    assert (verdict.decision, verdict.code, verdict.count) == (
        Decision.SHRINK,
        "R0_MARKET_CAP",
        60 * CONTRACT,
    )
    assert chain.review(state(market()), order(Side.BID, 10)).decision is Decision.ALLOW


def test_r2_scales_the_others_limits() -> None:
    chain, calm = RiskChain(PARAMS, START), market()
    current = state(calm)
    chain.scale(current, {"A": Conditions(Regime.ACTIVE, None)})
    verdict = chain.review(current, order(Side.BID, 60))
    assert (verdict.code, verdict.count) == ("R2_ORDER_SIZE", 31 * CONTRACT)
    chain.scale(current, {})
    assert calm.limits.position == 100, "no word of the market's regime is an event"
    chain.scale(current, {"A": Conditions(Regime.CALM, 30.0, 86_400.0)})
    assert chain.review(current, order(Side.BID, 1)).decision is Decision.REFUSE


def test_a_warned_day_halves_the_sizes() -> None:
    chain = RiskChain(PARAMS, START)
    warned = state(market(), day=DayPnl(-360 * DOLLAR, -360 * DOLLAR))
    chain.watch(warned)
    chain.scale(warned, {"A": Conditions(Regime.CALM, None)})
    assert warned.markets["A"].limits.size == 500


@pytest.mark.parametrize("name", ["controls", "r0", "r1", "r3"])
def test_an_engine_that_raises_has_refused(name: str) -> None:
    chain = RiskChain(PARAMS, START)
    setattr(chain, name, Broken())
    verdict = chain.review(state(market()), order(Side.BID, 1))
    assert (verdict.decision, verdict.code) == (Decision.REFUSE, f"{name.upper()}_FAILED")
    assert "division by zero" in verdict.why
    out = order(Side.ASK, 5, owner=Owner.FLATTEN, tif=TimeInForce.IOC)
    assert chain.review(state(market(held=5)), out).decision is not Decision.REFUSE
    assert chain.review(state(market(held=4)), out).decision is not Decision.ALLOW
    if name != "controls":
        assert [a.key for a in chain.watch(state(market())) if isinstance(a, Alert)] == [f"{name} failed"]


def test_fills_and_sends_reach_the_engines_that_count_them() -> None:
    chain = RiskChain(PARAMS, START)
    sent = order(Side.BID, 10)
    chain.note_sent(sent, START)
    assert chain.review(state(market()), sent).code == "CTRL_DUPLICATE"
    for i in range(6):
        chain.note_fill(fill(Side.BID, 1, order_id=f"o{i}", trade_id=f"t{i}"), Owner.ENGINE, START)
    later = state(market(), at=START.plus(SECOND))
    assert chain.review(later, order(Side.BID, 9)).code == "R0_REPEATED"
    for _ in range(3):
        chain.note_refused(order(Side.ASK, 1), START)
    assert chain.review(later, order(Side.ASK, 1)).code == "CTRL_REFUSED_BEFORE"


def test_the_day_survives_a_restart_of_the_chain() -> None:
    chain = RiskChain(PARAMS, START)
    chain.watch(state(market(), day=DayPnl(-600 * DOLLAR, -600 * DOLLAR)))
    again = RiskChain(PARAMS, START, chain.r1.to_state(START))
    assert again.review(state(market()), order(Side.BID, 1)).code == "R1_HALT"


def test_missing_depth_is_worth_fifteen_cents_less_than_the_micro_price() -> None:
    fee, wall = FeeSchedule(), START.wall
    bids = [(4400, 60 * CONTRACT)]
    walked = 60 * CONTRACT * 4400 - trade_fee(fee, 4400, 60 * CONTRACT, True, wall, Side.ASK)
    assert liquidation_mark(100 * CONTRACT, bids, [], 4600, fee, wall) == walked + 40 * CONTRACT * 3100
    assert liquidation_mark(-10 * CONTRACT, [], [], 9000, fee, wall) == -10 * CONTRACT * 10_000
    assert (missing_price(None, 1), missing_price(None, -1)) == (0, 10_000)
    assert liquidation_mark(0, [], [], None, fee, wall) == 0


def test_a_frozen_mark_creeps_against_its_holder_to_a_bound() -> None:
    assert stale_mark(4400, 1, 100, 3 * SECOND) == 4100
    assert stale_mark(4400, -1, 100, 3 * SECOND) == 4700
    assert stale_mark(4400, 1, 100, 3600 * SECOND) == 2900
    assert stale_mark(400, 1, 100, 3600 * SECOND) == 0


def test_helpers_of_the_engines() -> None:
    held = market(held=10)
    held.hold(Side.ASK, 5000, 4 * CONTRACT)
    assert reducible(held, Side.ASK) == 6 * CONTRACT
    held.release(Side.ASK, 5000, 4 * CONTRACT)
    assert (held.open_ask, held.open_ask_risk, held.open_orders) == (0, 0, 0)
    assert [whole(c, 500) for c in (499, 500, 99)] == [400, 500, 0]
    assert whole(37, 50) == 37


def test_numbers_are_said_as_a_trader_says_them() -> None:
    assert [contracts(c) for c in (4000, 1250, -800, 123456789)] == ["40", "12.5", "−8", "1,234,567.89"]
    assert [dollars(m) for m in (11_140_000, -300_000, 4_999, -4_999)] == [
        "$11.14",
        "−$0.30",
        "$0.00",
        "$0.00",
    ]
    assert [cents(p) for p in (4400, 4450, 4456, -50)] == ["44", "44.5", "44.56", "−0.5"]
    assert [times(m) for m in (500, 1000, 460)] == ["×0.5", "×1", "×0.46"]
