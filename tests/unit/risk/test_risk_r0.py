from __future__ import annotations

import pytest
from risk_kit import START, fill, market, order, state

from kalshi_tui.protocol.orders import Owner, TimeInForce
from kalshi_tui.protocol.quotes import Alert, Decision
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, SECOND, Side
from kalshi_tui.risk.base import FlattenRequest, Multipliers
from kalshi_tui.risk.r0 import R0, R0Params

PARAMS = R0Params(
    market_cap=40 * CONTRACT,
    market_loss=100 * DOLLAR,
    event_loss=100 * DOLLAR,
    global_loss=200 * DOLLAR,
    cash_reserve=10 * DOLLAR,
)


def test_resting_orders_count_on_the_side_they_threaten() -> None:
    held = market(held=20)
    held.hold(Side.BID, 5000, 15 * CONTRACT)
    engine = R0(PARAMS)
    assert engine.review(state(held), order(Side.BID, 5)).decision is Decision.ALLOW
    shrunk = engine.review(state(held), order(Side.BID, 9))
    assert (shrunk.decision, shrunk.count, shrunk.code) == (Decision.SHRINK, 5 * CONTRACT, "R0_MARKET_CAP")
    held.hold(Side.BID, 5000, 5 * CONTRACT)
    refused = engine.review(state(held), order(Side.BID, 9))
    assert (refused.decision, refused.why) == (Decision.REFUSE, "inventory 40/40")
    # The other side still has all of its room: 20 down to -40.
    assert engine.review(state(held), order(Side.ASK, 60)).count == 60 * CONTRACT


def test_a_reducing_order_passes_a_full_cap_but_never_flips() -> None:
    over = market(held=60)
    over.limits = Multipliers(position=0, reduce_only=True, why="closes in 9 min")
    engine = R0(PARAMS)
    assert engine.review(state(over, cash=None), order(Side.ASK, 60)).decision is Decision.ALLOW
    flip = engine.review(state(over), order(Side.ASK, 61))
    assert (flip.decision, flip.code) == (Decision.REFUSE, "R0_REDUCE_ONLY")
    over.hold(Side.ASK, 5000, 50 * CONTRACT)
    assert engine.review(state(over), order(Side.ASK, 11)).decision is Decision.REFUSE


def test_a_short_is_mirrored() -> None:
    short = market(held=-38)
    engine = R0(PARAMS)
    assert engine.review(state(short), order(Side.ASK, 5)).count == 2 * CONTRACT
    assert engine.review(state(short), order(Side.BID, 38)).decision is Decision.ALLOW


def test_worst_settlement_of_a_market_counts_from_the_entry_and_from_the_mark() -> None:
    params = R0Params(
        market_cap=1000 * CONTRACT, market_loss=20 * DOLLAR, event_loss=20 * DOLLAR, global_loss=20 * DOLLAR
    )
    from_entry = R0(params).review(state(market(held=30, entry=50, mark=10)), order(Side.BID, 20, 50))
    assert (from_entry.code, from_entry.count) == ("R0_MARKET_LOSS", 10 * CONTRACT)
    from_mark = R0(params).review(state(market(held=30, entry=10, mark=60)), order(Side.BID, 20, 50))
    assert (from_mark.code, from_mark.count) == ("R0_MARKET_LOSS", 4 * CONTRACT)
    assert "can lose $18.00 of $20.00" in from_mark.why


def test_an_event_nets_what_cannot_happen_together() -> None:
    """Two NO positions of an exclusive event: only one of them can lose."""
    params = R0Params(
        market_cap=1000 * CONTRACT, market_loss=60 * DOLLAR, event_loss=60 * DOLLAR, global_loss=60 * DOLLAR
    )
    apart = [market("A", held=-100, entry=50), market("B", held=-100, entry=50)]
    tied = [market(t, held=-100, entry=50, exclusive=True) for t in ("A", "B")]
    extra = order(Side.ASK, 10, 50)
    assert R0(params).review(state(*apart), extra).code == "R0_EVENT_LOSS"
    assert R0(params).review(state(*tied), extra).decision is Decision.ALLOW


def test_all_events_share_the_global_limit() -> None:
    params = R0Params(
        market_cap=1000 * CONTRACT, market_loss=60 * DOLLAR, event_loss=60 * DOLLAR, global_loss=100 * DOLLAR
    )
    markets = [market("A", "E1", held=100), market("B", "E2", held=80)]
    engine = R0(params)
    assert engine.review(state(*markets), order(Side.BID, 20, ticker="B")).count == 20 * CONTRACT
    markets[0].hold(Side.BID, 5000, 10 * CONTRACT)
    verdict = engine.review(state(*markets), order(Side.BID, 20, ticker="B"))
    assert (verdict.code, verdict.count) == ("R0_GLOBAL", 10 * CONTRACT)


def test_cash_is_spoken_for_by_the_dearer_side_of_every_market() -> None:
    one, two = market("A"), market("B", "E2")
    two.hold(Side.BID, 4000, 20 * CONTRACT)  # $8
    two.hold(Side.ASK, 4000, 10 * CONTRACT)  # $6
    verdict = R0(PARAMS).review(state(one, two, cash=20), order(Side.BID, 10))  # 20 - 10 - 8 = $2
    assert (verdict.code, verdict.count) == ("R0_CASH", 4 * CONTRACT)
    assert R0(PARAMS).review(state(one, cash=None), order(Side.BID, 1)).code == "R0_CASH"
    sells_what_it_holds = market(held=10)
    assert R0(PARAMS).review(state(sells_what_it_holds, cash=0), order(Side.ASK, 12)).count == 10 * CONTRACT


def test_open_orders_are_limited_for_what_rests() -> None:
    busy = market()
    for _ in range(PARAMS.market_orders):
        busy.hold(Side.BID, 1000, CONTRACT)
    engine = R0(PARAMS)
    assert engine.review(state(busy), order(Side.BID, 1)).why == "open orders 6/6 in this market"
    assert engine.review(state(busy), order(Side.BID, 1, tif=TimeInForce.IOC)).decision is Decision.ALLOW


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"position": None}, "R0_POSITION_UNKNOWN"),
        ({"ticker": "Z"}, "R0_UNKNOWN_MARKET"),
    ],
)
def test_what_is_not_known_is_refused(change: dict[str, object], code: str) -> None:
    known = market()
    for name, value in change.items():
        setattr(known, name, value)
    assert R0(PARAMS).review(state(known), order(Side.BID, 1)).code == code


def test_bad_numbers_are_refused() -> None:
    assert R0(PARAMS).review(state(market()), order(Side.BID, 0)).code == "R0_BAD_ORDER"
    assert R0(PARAMS).review(state(market()), order(Side.BID, 1, 100)).code == "R0_BAD_ORDER"


def test_fill_or_kill_is_never_shrunk() -> None:
    verdict = R0(PARAMS).review(state(market()), order(Side.BID, 50, tif=TimeInForce.FOK))
    assert verdict.decision is Decision.REFUSE


def test_shrinking_leaves_whole_contracts() -> None:
    held = market()
    held.position = 39_50 - 100
    assert R0(PARAMS).review(state(held), order(Side.BID, 9)).count == CONTRACT


def test_a_breach_by_own_fills_asks_once_for_nine_tenths_of_the_cap() -> None:
    engine, held = R0(PARAMS), market(held=50)
    engine.note_fill(fill(Side.BID, 20), Owner.ENGINE, START)
    found = engine.watch(state(held))
    assert [f for f in found if isinstance(f, FlattenRequest)] == [
        FlattenRequest("A", 36 * CONTRACT, "inventory 50/40 after a fill")
    ]
    engine.note_fill(fill(Side.BID, 1, trade_id="t2"), Owner.ENGINE, START)
    again = engine.watch(state(held))
    assert [type(f) for f in again] == [Alert]
    held.position = held.own_position = 30 * CONTRACT
    assert engine.watch(state(held)) == []
    held.position = held.own_position = -41 * CONTRACT
    engine.note_fill(fill(Side.ASK, 71, trade_id="t3"), Owner.MINE, START)
    assert any(
        isinstance(f, FlattenRequest) and f.target == -36 * CONTRACT for f in engine.watch(state(held))
    )


def test_found_lots_and_tightened_limits_sweep_nothing() -> None:
    engine, found_here = R0(PARAMS), market(held=90)
    found_here.own_position = 0
    engine.note_fill(fill(Side.BID, 50), Owner.FOUND, START)
    assert [type(f) for f in engine.watch(state(found_here))] == [Alert]
    # Partly found: only the desk's own five may go.
    found_here.own_position = 5 * CONTRACT
    engine.note_fill(fill(Side.BID, 5, trade_id="t2"), Owner.ENGINE, START)
    requests = [f for f in engine.watch(state(found_here)) if isinstance(f, FlattenRequest)]
    assert [r.target for r in requests] == [85 * CONTRACT]
    tightened, held = R0(PARAMS), market(held=30)
    held.limits = Multipliers(position=100)
    tightened.note_fill(fill(Side.BID, 10), Owner.ENGINE, START)
    assert tightened.watch(state(held)) == []


def test_an_engine_that_is_run_over_pauses_but_may_reduce() -> None:
    engine, held = R0(PARAMS), market(held=6)
    for i in range(6):
        engine.note_fill(fill(Side.BID, 1, order_id=f"o{i}", trade_id=f"t{i}"), Owner.ENGINE, START)
    assert engine.review(state(held), order(Side.BID, 1)).code == "R0_REPEATED"
    assert engine.review(state(held), order(Side.ASK, 6)).decision is Decision.ALLOW
    assert engine.review(state(held), order(Side.BID, 1, owner=Owner.MINE)).decision is Decision.ALLOW
    (paused,) = engine.watch(state(held))
    assert isinstance(paused, Alert) and "adds nothing for a while" in paused.text
    later = START.plus(61 * SECOND)
    assert engine.review(state(held, at=later), order(Side.BID, 1)).decision is Decision.ALLOW


def test_one_order_filled_in_many_trades_is_one_execution() -> None:
    engine = R0(PARAMS)
    for i in range(20):
        engine.note_fill(fill(Side.BID, 0.5, trade_id=f"t{i}"), Owner.ENGINE, START)
    assert engine.review(state(market()), order(Side.BID, 1)).decision is Decision.ALLOW


def test_an_amend_counts_its_own_order_once() -> None:
    held = market(held=20)
    held.hold(Side.BID, 5000, 20 * CONTRACT)
    engine = R0(PARAMS)
    assert engine.review(state(held), order(Side.BID, 20)).decision is Decision.REFUSE
    assert engine.review(state(held), order(Side.BID, 20), replacing=20 * CONTRACT).decision is Decision.ALLOW


def test_limits_from_one_bankroll_hang_together() -> None:
    params = R0Params.from_bankroll(2_000 * DOLLAR)
    assert params.event_loss == 50 * DOLLAR == 2 * params.market_loss
    assert params.global_loss == 300 * DOLLAR
    assert params.market_cap == 50 * CONTRACT
    with pytest.raises(ValueError, match=r"bankroll of \$19.00 is too small"):
        R0Params.from_bankroll(19 * DOLLAR)
    with pytest.raises(ValueError, match="market_loss must not exceed"):
        R0Params(market_loss=2, event_loss=1)
