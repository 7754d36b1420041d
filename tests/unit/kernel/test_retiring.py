"""Markets that are over leave the desk; what they earned stays."""

from __future__ import annotations

from kernel_bench import START, Bench, market
from msgspec.structs import replace

from kalshi_tui.kernel.sampling_state import EventMoves
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.market import Event, MarketStatus
from kalshi_tui.protocol.orders import Fill
from kalshi_tui.protocol.quotes import Alert, AlertLevel
from kalshi_tui.protocol.units import DOLLAR, SECOND, Side

DAY_S = 86_400


def bench(**changes: object) -> Bench:
    """Two markets of one event that close in a day; nobody quotes."""
    return Bench(("T-1", "T-2"), **{"quote_at_start": False, "retire_after_s": 600} | changes)  # type: ignore[arg-type]


def over(on: Bench, *tickers: str) -> None:
    """The venue finalizes them: YES."""
    facts = tuple(
        replace(market(t), status=MarketStatus.FINALIZED, result="yes", settlement_value=DOLLAR)
        for t in tickers
    )
    on.kernel.apply(ev.MarketsRead(on.now, facts, (Event("E", "S"),)))


def trade(on: Bench, ticker: str, name: str, side: Side) -> None:
    fill = Fill(name, f"o-{name}", ticker, side, 4000, 500, 1700, True, on.now.wall)
    on.kernel.apply(ev.FillsRead(on.now, on.now, (fill,), complete=False, since=fill.wall))


def pass_minutes(on: Bench, minutes: int) -> None:
    for _ in range(minutes):
        on.now = on.now.plus(60 * SECOND - on.now.mono % (60 * SECOND))
        on.turn(after_ms=0)


def test_an_event_leaves_after_all_its_markets_are_final_and_it_closed_long_ago() -> None:
    on = bench()
    state = on.kernel.state
    over(on, "T-1")
    pass_minutes(on, 2)
    on.wait(DAY_S)
    pass_minutes(on, 11)
    assert list(state.markets) == ["T-1", "T-2"], "one market of the event is not final"
    over(on, "T-2")
    state.alerts.raise_alert(Alert("book T-2", AlertLevel.WARN, "T-2: its book is not true"), on.now.wall)
    state.alerts.raise_alert(Alert("book XT-2", AlertLevel.WARN, "another market's"), on.now.wall)
    state.moves["E+F"] = EventMoves("T-1")
    pass_minutes(on, 2)
    assert not state.moves
    assert not state.markets and not state.risk.markets and not state.feed.tickers and not state.events
    assert "book T-2" not in state.alerts.active and "book XT-2" in state.alerts.active
    assert on.kernel.view(on.now).markets == ()


def test_it_does_not_leave_right_after_its_close_nor_where_nothing_is_to_be_retired() -> None:
    for changes in ({}, {"retire_after_s": None}):
        on = bench(**changes)
        over(on, "T-1", "T-2")
        on.wait(DAY_S)
        pass_minutes(on, 8 if not changes else 30)
        assert len(on.kernel.state.markets) == 2


def test_a_position_keeps_its_event() -> None:
    on = bench()
    trade(on, "T-1", "t1", Side.BID)
    over(on, "T-1", "T-2")
    on.wait(DAY_S)
    pass_minutes(on, 15)
    assert "T-1" in on.kernel.state.markets


def test_what_it_earned_stays_also_when_its_name_is_forgotten() -> None:
    on = bench()
    state = on.kernel.state
    trade(on, "T-1", "t1", Side.BID)
    trade(on, "T-2", "t2", Side.BID)
    trade(on, "T-2", "t3", Side.ASK)
    on.frame('{"type":"market_lifecycle_v2","sid":3,"msg":{"market_ticker":"T-1","event_type":"determined",'
             '"result":"yes","settlement_value":"1.0000"}}')  # fmt: skip
    on.frame('{"type":"market_lifecycle_v2","sid":3,"msg":{"market_ticker":"T-1","event_type":"settled"}}')
    over(on, "T-1", "T-2")
    before = state.ledger.totals({})
    assert before[0] == 3 * DOLLAR and before[2] == 3 * 1700
    on.wait(DAY_S)
    pass_minutes(on, 15)
    assert not state.markets
    state.ledger.fold([held.ticker for held in state.ledger])
    assert [held.ticker for held in state.ledger] == [""]
    assert state.ledger.totals({}) == before
    assert on.kernel.summary()["realized_pnl_dollars"] == "3.000000"


def test_closed_markets_that_are_not_final_are_asked_for_again() -> None:
    on = bench()
    on.wait(DAY_S)
    asked: list[ef.ReadMarkets] = []
    for _ in range(25):
        pass_minutes(on, 1)
        asked += on.made(ef.ReadMarkets)
    assert asked == [ef.ReadMarkets(("T-1", "T-2"))] * len(asked) and 1 <= len(asked) <= 2
    assert START.wall < on.now.wall
