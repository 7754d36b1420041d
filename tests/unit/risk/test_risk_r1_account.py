"""The time without a desk: what the venue's records say of the account that was kept, and what R1 makes of it."""

from __future__ import annotations

import json

import pytest
from risk_kit import START, market, order, state

from kalshi_tui.protocol.orders import Fill
from kalshi_tui.protocol.quotes import Decision
from kalshi_tui.protocol.units import DOLLAR, SECOND, Side
from kalshi_tui.risk.account import SavedAccount, SavedLot
from kalshi_tui.risk.base import DayPnl
from kalshi_tui.risk.r1 import R1, R1Params
from kalshi_tui.risk.r1_machine import DayState

PARAMS = R1Params(day_loss=100 * DOLLAR, drawdown=120 * DOLLAR)
SINCE = START.wall
DAY = 24 * 3600 * SECOND


def kept(*lots: tuple[str, int, int], known: tuple[str, ...] = ()) -> SavedAccount:
    return SavedAccount(SINCE, known, tuple(SavedLot(*lot) for lot in lots))


def fill(
    name: str, side: Side, price: int, count: int, fee: int = 0, at: int = SINCE, ticker: str = "T"
) -> Fill:
    return Fill(name, "o", ticker, side, price, count, fee, False, at)


def seen(engine: R1, dollars: int) -> None:
    engine.watch(state(market(), day=DayPnl(dollars * DOLLAR, dollars * DOLLAR)))


def restarted(pnl: int, account: SavedAccount, high: int = 0) -> R1:
    """R1 as a new boot finds it, after a day that stood at ``high`` and then at ``pnl`` dollars."""
    before = R1(PARAMS, START)
    seen(before, high)
    seen(before, pnl)
    return R1.from_state(PARAMS, json.loads(json.dumps(before.to_state(START, account))), START)


def test_trades_since_then_move_cash_and_lots_and_their_fees_count() -> None:
    fills = [
        fill("a", Side.ASK, 4000, 300, fee=500),
        fill("b", Side.BID, 6000, 200, ticker="U"),
        fill("c", Side.ASK, 6100, 200, fee=70, ticker="U"),
    ]
    cash, open_ = kept(("T", 1000, -5_000_000)).explain({"T": 700}, fills, {})
    assert (cash, open_) == ({"T": -5_000_000 + 300 * 4000 - 500, "U": 200 * 100 - 70}, "")


def test_what_was_counted_before_is_not_counted_again() -> None:
    account = kept(("T", 1000, 0), known=("kept",))
    old = [fill("kept", Side.BID, 5000, 100), fill("older", Side.BID, 5000, 100, at=SINCE - 1)]
    assert account.explain({"T": 1000}, old, {}) == ({"T": 0}, "")
    assert account.fresh([*old, fill("new", Side.BID, 5000, 100)])[0].trade_id == "new"


@pytest.mark.parametrize(
    ("position", "value", "cash"), [(1000, DOLLAR, 10), (1000, 0, 0), (-1000, DOLLAR, -10)]
)
def test_a_market_that_settled_meanwhile_is_paid_out(position: int, value: int, cash: int) -> None:
    account = kept(("T", position, 0))
    assert account.explain({}, [], {"T": value}) == ({"T": cash * DOLLAR}, "")
    # The trades before it settled count first.
    closing = fill("a", Side.ASK if position > 0 else Side.BID, 5000, 1000)
    assert account.explain({}, [closing], {"T": value})[0]["T"] == position * 5000


@pytest.mark.parametrize("positions", [{}, {"T": 900}, {"T": 1000, "U": 1}])
def test_lots_that_nothing_explains_give_no_number(positions: dict[str, int]) -> None:
    cash, open_ = kept(("T", 1000, 0)).explain(positions, [], {})
    assert (cash, open_) == ({}, "U" if "U" in positions else "T")


def test_a_loss_meanwhile_is_a_loss_of_the_day() -> None:
    engine = restarted(-40, kept())
    engine.resume()
    seen(engine, -75)
    assert (engine.remembered, engine.state) == (-75 * DOLLAR, DayState.WARN)


def test_a_gain_meanwhile_frees_nothing_and_is_no_new_high() -> None:
    engine = restarted(-40, kept(), high=10)
    engine.resume()
    seen(engine, 60)
    assert (engine.remembered, engine.high_micro) == (-40 * DOLLAR, 10 * DOLLAR)
    seen(engine, 30)  # and what is lost from now on is lost
    assert engine.remembered == -70 * DOLLAR
    seen(engine, 80)
    assert engine.remembered == -20 * DOLLAR


def test_a_day_that_made_money_goes_on_from_it() -> None:
    engine = restarted(90, kept(), high=90)
    engine.resume()
    seen(engine, 90)
    assert (engine.remembered, engine.drawdown, engine.state) == (90 * DOLLAR, 0, DayState.NORMAL)


def test_until_it_is_explained_nothing_is_added_and_the_account_is_kept() -> None:
    account = kept(("T", 1000, -5_000_000), known=("a", "b"))
    engine = restarted(-40, account)
    held = state(market(held=2), day=DayPnl(0, 0))
    verdict = engine.review(held, order(Side.BID, 1))
    assert (verdict.code, "not read back" in verdict.why) == ("R1_NO_PNL", True)
    assert engine.review(held, order(Side.ASK, 2)).decision is Decision.ALLOW
    again = R1.from_state(PARAMS, json.loads(json.dumps(engine.to_state(START, kept()))), START)
    assert again.account == account
    again.resume()
    assert again.to_state(START)["account"] is None


def test_a_new_day_forgets_the_account_of_the_old_one() -> None:
    engine = restarted(-40, kept(("T", 1000, 0)))
    engine.roll(START.plus(DAY))
    assert engine.account is None
    before = R1(PARAMS, START).to_state(START, kept(("T", 1000, 0)))
    assert R1.from_state(PARAMS, before, START.plus(DAY)).account is None


def test_what_cannot_be_explained_is_a_halt_that_a_person_ends() -> None:
    engine = restarted(-40, kept(("T", 1000, 0)))
    engine.distrust("look at it")
    seen(engine, -40)
    assert engine.review(state(market()), order(Side.BID, 1)).why == "halted for the day: look at it"
    engine.reset("looked")
    seen(engine, -40)
    assert engine.review(state(market()), order(Side.BID, 1)).decision is Decision.ALLOW


def test_a_row_from_before_accounts_were_kept_is_read() -> None:
    row = R1(PARAMS, START).to_state(START)
    del row["account"]
    engine = R1.from_state(PARAMS, row, START)
    assert (engine.state, engine.account) == (DayState.NORMAL, None)
