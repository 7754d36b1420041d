"""What a restart knows of the day: journaled as it moves, and not overwritten before the venue was read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kernel_bench import START, Bench

from kalshi_tui.kernel.pnl import day_pnl, market_day_pnl
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.commands import Clear
from kalshi_tui.protocol.orders import Fill, Settlement, VenuePosition
from kalshi_tui.protocol.units import DOLLAR, SECOND, Side
from kalshi_tui.risk.base import DayPnl, RiskState
from kalshi_tui.risk.r1 import R1, R1Params
from kalshi_tui.risk.r1_machine import DayState

LIMIT = 500 * DOLLAR
"""Of the bench's bankroll."""


def day_of(dollars: int) -> dict[str, object]:
    """What R1 saves of a day that stands at this."""
    engine = R1(R1Params.from_bankroll(10_000 * DOLLAR), START)
    engine.watch(RiskState(START, {}, day=DayPnl(dollars * DOLLAR, dollars * DOLLAR)))
    return engine.to_state(START)


def saved(bench: Bench) -> list[object]:
    return [row.payload["pnl"] for row in bench.made(ef.Journal) if row.kind == "day"]


def test_looking_before_the_venue_was_read_forgets_nothing() -> None:
    bench = Bench(boot=False, saved_day=day_of(-300))
    for _ in range(3):  # the reads take their time: whole seconds pass
        bench.wait(1)
        bench.turn()
        assert bench.kernel.state.chain.r1.remembered == -300 * DOLLAR
    bench.reads()
    for _ in range(3):
        bench.wait(1)
        bench.turn()
    assert bench.kernel.state.chain.r1.remembered == -300 * DOLLAR
    assert bench.kernel.state.chain.r1.used == 0.6


def test_a_day_that_moved_is_journaled_within_a_second() -> None:
    bench = Bench()
    r1 = bench.kernel.state.chain.r1
    bench.wait(1)
    bench.turn()
    for loss, kept in ((LIMIT // 50 - 1, []), (LIMIT // 50, [-LIMIT // 50]), (LIMIT // 50 + 5, [])):
        r1.handicap = loss
        bench.wait(1)
        bench.turn()  # watched
        bench.wait(1)
        bench.turn()
        assert saved(bench) == [] or saved(bench) == kept, loss
        assert bench.kernel.state.day_kept == (-LIMIT // 50 if loss >= LIMIT // 50 else 0)
    bench.wait(60)
    bench.turn()
    assert saved(bench) == [-(LIMIT // 50 + 5)]


def test_what_was_lost_before_halts_while_nothing_is_known_yet() -> None:
    bench = Bench(boot=False, saved_day=day_of(-499))
    assert bench.kernel.state.chain.r1.state is not DayState.HALT
    poorer = R1.from_state(R1Params.from_bankroll(9_000 * DOLLAR), day_of(-499), START)
    assert poorer.state is DayState.HALT
    assert poorer.why.startswith("day −$499.00 of −$450.00 before the restart")


# -- while no desk ran -------------------------------------------------------------------------------

TEN = 1000
"""Ten contracts."""
COST, FEE = 4300, 10_000
STOOD = TEN * (4500 - COST) - FEE
"""The day of the first life: ten contracts that cost 43 cents each and a cent of fees, at a mark of 45."""

BEGAN = START.wall - 60 * SECOND


def row_of(bench: Bench) -> dict[str, object]:
    """The day as the next boot finds it."""
    for _ in range(3):
        bench.wait(1)
        bench.turn()
        rows = [row.payload for row in bench.made(ef.Journal) if row.kind == "day"]
        if rows and rows[-1]["account"] is not None:
            kept: dict[str, object] = json.loads(json.dumps(rows[-1]))
            return kept
    raise AssertionError("no account was kept")


def bought() -> dict[str, object]:
    """What a life leaves that bought its ten contracts and died."""
    bench = Bench()
    bench.accept_all()
    bench.fill(bench.resting(Side.BID)[0], TEN, "t-1", fee=FEE)
    row = row_of(bench)
    assert row["pnl"] == STOOD
    return row


def made(name: str, side: Side, price: int, count: int, ticker: str = "T-1") -> Fill:
    return Fill(name, "o", ticker, side, price, count, 0, False, START.wall - SECOND)


FIRST = made("t-1", Side.BID, COST, TEN)
"""The first life's trade, as a read shows it: without the fee, which counts once."""


def held(count: int, ticker: str = "T-1") -> VenuePosition:
    return VenuePosition(ticker, count, exposure=count * COST)


def second(row: dict[str, object], **changes: Any) -> Bench:
    """The next life. The first was a minute before it, and not at the same moment as on the bench."""
    account: Any = row["account"]
    account["since"] = BEGAN
    return Bench(boot=False, saved_day=row, **changes)


def answer(bench: Bench, *positions: VenuePosition, fills: tuple[Fill, ...] = ()) -> None:
    trades = (FIRST, *fills)
    bench.kernel.apply(ev.FillsRead(bench.now, bench.now, trades, complete=True, since=BEGAN))
    bench.reads(positions)


def booted(bench: Bench, *positions: VenuePosition, fills: tuple[Fill, ...] = ()) -> int | None:
    bench.turn()
    assert [read.since for read in bench.made(ef.ReadFills)] == [BEGAN]
    assert [read.since for read in bench.made(ef.ReadSettlements)] == [BEGAN - 86_400 * SECOND]
    answer(bench, *positions, fills=fills)
    bench.turn()
    return bench.kernel.state.chain.r1.remembered


def test_a_day_goes_on_where_it_stood() -> None:
    bench = second(bought())
    assert booted(bench, held(TEN)) == STOOD
    assert day_pnl(bench.kernel.state) == STOOD
    bench.turn()
    assert bench.made(ef.CreateOrder), "it may quote at once"


def test_what_prices_did_meanwhile_counts() -> None:
    bench = second(bought())
    bench.delta("0.4400", "-100.00")
    bench.delta("0.5900", "100.00", side="no")  # 40 bid, 41 offered
    result = booted(bench, held(TEN))
    mark = bench.kernel.state.markets["T-1"].risk.mark
    assert mark is not None and 4000 < mark < 4100
    assert result == TEN * (mark - COST) - FEE


def test_trades_made_meanwhile_count_with_their_lots() -> None:
    bench = second(bought(), tickers=("T-1", "T-2"))
    sold = (made("t-2", Side.ASK, 3000, TEN), made("t-3", Side.BID, 6500, 200, "T-2"))
    paid = VenuePosition("T-2", 200, exposure=200 * 6500)
    lost = TEN * (COST - 3000) + FEE + 200 * (6500 - 4500)
    assert booted(bench, paid, fills=sold) == -lost
    assert market_day_pnl(bench.kernel.state, "T-2") == -200 * 2000


@pytest.mark.parametrize("moved", [-900, 5_000])
def test_money_taken_out_or_put_in_is_no_result(moved: int) -> None:
    bench = second(bought())
    bench.balance += moved * DOLLAR
    assert booted(bench, held(TEN)) == STOOD


def test_what_settled_meanwhile_was_paid() -> None:
    bench = second(bought())
    assert booted(bench) == STOOD, "memory alone"
    assert day_pnl(bench.kernel.state) is None
    settled = Settlement("T-1", "no", 0, TEN, 0, 0, 0, START.wall - SECOND)
    bench.kernel.apply(ev.SettlementsRead(bench.now, bench.now, (settled,), complete=True))
    bench.turn()
    assert bench.kernel.state.chain.r1.remembered == -(TEN * COST) - FEE
    assert "settlement" not in [row.kind for row in bench.made(ef.Journal)], "it was not in the ledger"


def test_a_loss_meanwhile_halts_before_an_order_leaves() -> None:
    row = bought() | {"pnl": -480 * DOLLAR, "high_micro": 0, "high_liquidation": 0}
    account: Any = row["account"]
    account["lots"].append(["T-9", 0, -480 * DOLLAR - STOOD])
    bench = second(row)
    sold = made("t-2", Side.ASK, 2000, 11 * TEN)
    lost = -480 * DOLLAR - STOOD - TEN * COST - FEE + 11 * TEN * 2000 - 10 * TEN * 4500
    assert booted(bench, held(-10 * TEN), fills=(sold,)) == lost
    assert bench.kernel.state.chain.r1.state is DayState.HALT
    for _ in range(3):
        assert all(create.order.side is Side.BID for create in bench.made(ef.CreateOrder))
        bench.wait(1)
        bench.turn()


def test_a_read_that_lags_is_waited_for_and_memory_is_not_overwritten() -> None:
    row = bought()
    bench = second(row)
    assert booted(bench) == STOOD
    reads = []
    for _ in range(5):
        bench.wait(1)
        bench.kernel.apply(ev.FeedHeard(bench.now, 1))
        bench.turn()
        reads += [read.since for read in bench.made(ef.ReadFills)]
        assert not bench.made(ef.CreateOrder)
        rows = [r.payload["account"] for r in bench.made(ef.Journal) if r.kind == "day"]
        assert all(json.loads(json.dumps(account)) == row["account"] for account in rows)
    assert len(reads) == 2 and set(reads) == {BEGAN}
    answer(bench, fills=(made("t-2", Side.ASK, 4000, TEN),))
    bench.turn()
    assert bench.kernel.state.chain.r1.remembered == -TEN * (COST - 4000) - FEE
    bench.turn()
    assert bench.made(ef.CreateOrder)


def test_a_read_older_than_the_last_trade_here_is_not_believed() -> None:
    bench = second(bought())
    booted(bench, held(2 * TEN))
    for name, side, price in (("s-1", "bid", "0.4400"), ("s-2", "ask", "0.4000")):
        bench.frame(
            f'{{"type":"fill","sid":9,"msg":{{"trade_id":"{name}","order_id":"x","market_ticker":"T-1",'
            f'"yes_price_dollars":"{price}","count_fp":"10.00","is_taker":true,"fee_cost":"0.00",'
            f'"book_side":"{side}","ts_ms":{bench.now.wall // 1_000_000}}}}}'
        )
    answer(bench, held(2 * TEN), fills=(late := made("t-2", Side.BID, 4500, TEN),))
    bench.turn()
    assert bench.kernel.state.chain.r1.account is not None, "two trades are missing that cancel out"
    bench.wait(1)
    streamed = (made("s-1", Side.BID, 4400, TEN), made("s-2", Side.ASK, 4000, TEN))
    answer(bench, held(2 * TEN), fills=(late, *streamed))
    bench.turn()
    assert bench.kernel.state.chain.r1.remembered == STOOD - TEN * 400


def test_trades_of_a_market_nobody_follows_stay_in_the_day() -> None:
    bench = second(bought())
    other = (made("t-2", Side.BID, 6000, TEN, "T-9"), made("t-3", Side.ASK, 1000, TEN, "T-9"))
    assert booted(bench, held(TEN), fills=other) == STOOD - TEN * 5000
    again = second(row_of(bench))
    assert booted(again, held(TEN), fills=other) == STOOD - TEN * 5000
    assert day_pnl(again.kernel.state) == STOOD - TEN * 5000


def test_lots_that_nothing_explains_halt_until_a_person_looked() -> None:
    bench = second(bought() | {"pnl": -DOLLAR})
    booted(bench, held(3 * TEN))
    r1 = bench.kernel.state.chain.r1
    for _ in range(59):
        bench.wait(1)
        bench.turn()
        assert r1.state is DayState.NORMAL
    for _ in range(2):
        bench.wait(1)
        bench.turn()
    assert r1.state is DayState.HALT
    assert "in T-1 while no desk ran cannot be told" in r1.why
    assert bench.say(Clear(2)).ok
    for _ in range(2):
        bench.wait(1)
        bench.turn()
    assert (r1.state, r1.remembered) == (DayState.NORMAL, -DOLLAR)


def test_a_day_that_ended_meanwhile_begins_anew() -> None:
    row = bought() | {"day": "2026-09-20"}
    bench = second(row)
    bench.turn()
    bench.reads((held(TEN),))
    bench.wait(1)
    bench.turn()
    bench.wait(1)
    bench.turn()
    assert bench.kernel.state.chain.r1.remembered == 0


def test_a_held_market_without_a_mark_is_waited_for_and_then_counted_whole() -> None:
    bench = second(bought())
    for price, count in (("0.5400", "-100.00"), ("0.5000", "-500.00")):
        bench.delta(price, count, side="no")
    assert booted(bench, held(TEN)) == STOOD
    assert bench.kernel.state.markets["T-1"].risk.mark is None
    assert day_pnl(bench.kernel.state) is None
    assert not bench.made(ef.CreateOrder)
    bench.delta("0.4400", "-100.00")
    bench.delta("0.5800", "500.00", side="no")  # 40 bid, 42 offered
    bench.turn()
    bench.wait(1)
    bench.turn()
    assert bench.kernel.state.chain.r1.remembered == -TEN * (COST - 4100) - FEE


def test_a_simulated_account_begins_anew_and_is_never_kept() -> None:
    bench = second(bought() | {"pnl": -DOLLAR}, execution="paper")
    bench.turn()
    bench.reads()
    for _ in range(61):
        bench.wait(1)
        bench.turn()
        assert all(r.payload["account"] is None for r in bench.made(ef.Journal) if r.kind == "day")
    assert bench.kernel.state.chain.r1.remembered == -DOLLAR


def test_an_account_that_was_not_read_is_not_kept() -> None:
    bench = Bench(boot=False)
    bench.wait(1)
    bench.turn()
    assert [r.payload["account"] for r in bench.made(ef.Journal) if r.kind == "day"] == [None]
    bench.reads((held(TEN),))
    assert row_of(bench)["account"] == {"since": START.wall, "known": [], "lots": [["T-1", TEN, -TEN * 4500]]}
