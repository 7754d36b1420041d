"""What a flatten says of itself: one line for what it did, nothing of what is over, and why something is left."""

from __future__ import annotations

import pytest
from kernel_bench import START, Bench, market
from msgspec.structs import replace

from kalshi_tui.kernel import stops
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.commands import Clear, PlaceOrder, Scope, SetQuoting, Stop
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.orders import VenuePosition
from kalshi_tui.protocol.text import SafeText
from kalshi_tui.protocol.units import SECOND, Side
from kalshi_tui.protocol.views import LogLine, MarketRow
from kalshi_tui.risk.base import FlattenRequest

TICKERS = ("T-1", "T-2", "T-3", "T-4")


def row(bench: Bench, ticker: str = "T-1") -> MarketRow:
    return next(r for r in bench.kernel.view(bench.now).markets if r.ticker == ticker)


def said(bench: Bench) -> list[LogLine]:
    """Its alerts, oldest first; on this bench the feed is silent, and that is said too."""
    log = reversed(bench.kernel.view(bench.now).log)
    return [line for line in log if line.alert and not line.text.startswith("feed lost")]


def holding(tickers: tuple[str, ...], **held: int) -> Bench:
    """A desk that quotes nothing and has found ``held`` (``T_1=300``)."""
    bench = Bench(tickers, boot=False, quote_at_start=False)
    bench.turn()
    bench.reads(tuple(VenuePosition(name.replace("_", "-"), count) for name, count in held.items()))
    bench.turn()
    return bench


def close(bench: Bench, ticker: str) -> None:
    facts = replace(market(ticker), status=MarketStatus.FINALIZED, close_time=START.wall - 60 * SECOND)
    bench.kernel.apply(ev.MarketsRead(bench.now, (facts,), ()))
    bench.turn()


def work(bench: Bench, turns: int = 60) -> None:
    """The exchange gives every flatten order all it asks for, and every cancel."""
    for number in range(turns):
        bench.cancel_all()
        for create in bench.made(ef.CreateOrder):
            order = create.order
            made = ev.CreateAccepted(
                bench.now, order.client_order_id, f"o-{order.client_order_id}", order.count, 0
            )
            bench.kernel.apply(made)
            bench.fill(f"o-{order.client_order_id}", order.count, f"t{number}-{order.client_order_id}")
        bench.turn(100)


def test_one_line_names_what_was_flattened_and_counts_the_rest() -> None:
    bench = holding(TICKERS, T_1=300, T_2=-200)
    close(bench, "T-4")
    assert bench.say(Stop(1, "flatten")).text == "flattening 2 positions in everything; quoting is off there"
    work(bench)
    assert [line.text for line in said(bench)] == ["flat: E T-1, E T-2; nothing was open in 1 other market"]
    assert not bench.kernel.state.flattening
    # Once more: there is nothing to do, and nothing is said but the answer.
    assert bench.say(Stop(2, "flatten")).text.startswith("flattening 0 positions in everything")
    work(bench, 3)
    assert len(said(bench)) == 1


def test_one_market_alone_is_said_as_its_own() -> None:
    bench = holding(TICKERS, T_1=300)
    bench.say(Stop(1, "flatten", Scope(ticker="T-1")))
    work(bench)
    assert [(line.text, line.ticker) for line in said(bench)] == [("T-1: flat", "T-1")]


def test_many_are_named_only_in_part() -> None:
    tickers = tuple(f"T-{n}" for n in range(10))
    bench = holding(tickers, **{name.replace("-", "_"): 100 for name in tickers})
    facts = replace(market("T-0"), yes_sub_title=SafeText("E above 3"))
    bench.kernel.apply(ev.MarketsRead(bench.now, (facts,), ()))
    bench.say(Stop(1, "flatten"))
    work(bench)
    (line,) = said(bench)
    assert line.text.startswith("flat: E above 3, E T-1, E T-2, ")
    assert line.text.endswith("E T-7 and 2 more")


def test_what_has_closed_waits_for_its_settlement_and_is_not_worked() -> None:
    bench = holding(("T-1", "T-2"), T_1=300, T_2=300)
    close(bench, "T-2")
    text = bench.say(Stop(1, "flatten")).text
    assert text == "flattening 1 position in everything, 1 more waits for settlement; quoting is off there"
    work(bench)
    assert [line.text for line in said(bench)] == ["T-1: flat"]
    assert (row(bench, "T-2").residue, row(bench, "T-2").position) == ("", 300)


def test_quoting_off_is_counted_as_the_list_counts() -> None:
    bench = holding(TICKERS)
    close(bench, "T-4")
    assert len(bench.kernel.view(bench.now).markets) == 3
    assert bench.say(SetQuoting(1, False)).text == "quoting is off in 3 markets"


def test_an_ask_that_fills_while_it_is_cancelled_is_bought_back() -> None:
    bench = holding(("T-1",))
    bench.arm()
    wall = bench.kernel.view(bench.now).wall
    assert bench.say(PlaceOrder(2, "T-1", Side.BID, 4300, 300, wall)).ok
    (bid,) = bench.accept_all()
    bench.fill(bid, 300, "held")
    assert bench.say(PlaceOrder(2, "T-1", Side.ASK, 4700, 400, wall)).ok
    (ask,) = bench.accept_all()
    bench.turn()
    bench.say(Stop(3, "flatten"))
    assert [c.order_id for c in bench.made(ef.CancelOrder)] == [ask]
    bench.effects = []
    bench.fill(ask, 400, "late")
    bench.turn()
    assert row(bench).position == -100
    work(bench)
    assert row(bench).position == 0
    assert said(bench)[-1].text == "T-1: flat"


def test_under_a_kill_it_says_so_at_once_and_what_is_left() -> None:
    bench = holding(("T-1",), T_1=300)
    bench.say(Stop(1, "kill"))
    text = bench.say(Stop(2, "flatten")).text
    assert text.startswith("flattening 0 positions in everything, 1 not: killed; `clear --reduce-only` first")
    work(bench, 2)
    assert row(bench).residue.startswith("killed (by key at ")
    assert [line.kind for line in said(bench)] == ["halt"], "the kill's own line is enough"
    assert row(bench).flatten == ""
    bench.say(Clear(3, reduce_only=True))
    bench.say(Stop(4, "flatten"))
    assert row(bench).flatten and not row(bench).residue
    work(bench)
    assert (row(bench).position, row(bench).residue) == (0, "")


def test_a_reduction_that_risk_asks_for_under_a_kill_ends_with_the_reason() -> None:
    bench = holding(("T-1",), T_1=300)
    bench.say(Stop(1, "kill"))
    stops.on_request(bench.kernel.state, FlattenRequest("T-1", 200, "inventory 3/2 after a fill"))
    work(bench, 2)
    assert row(bench).residue.startswith("1 of 3 left: killed (by key at ")


def test_a_kill_in_the_middle_leaves_its_word() -> None:
    bench = holding(("T-1",), T_1=300)
    bench.say(Stop(1, "flatten"))
    bench.say(Stop(2, "kill"))
    bench.turn()
    assert row(bench).residue.startswith("killed before it was done: by key at ")


def test_its_resting_order_does_not_outlive_it() -> None:
    bench = holding(("T-1",), T_1=300)
    bench.delta("0.4400", "-100.00")
    bench.delta("0.4000", "-500.00")
    bench.say(Stop(1, "flatten"))
    for _ in range(5):
        if bench.made(ef.CreateOrder):
            break
        bench.turn(100)
    (rest,) = bench.accept_all()
    assert row(bench).flatten == "3 of 3 left: no bid here; resting 3 at 45"
    bench.kernel.apply(ev.ExchangeStatusRead(bench.now, bench.now, False, False))
    bench.wait(11)
    bench.turn()
    assert row(bench).residue == "3 of 3 left: the market does not trade"
    cancelled: list[str] = []
    for _ in range(10):
        bench.wait(1)
        cancelled += [c.order_id for c in bench.made(ef.CancelOrder)]
        bench.turn()
    assert rest in cancelled
    assert bench.kernel.view(bench.now).status.unconfirmed == 1


@pytest.mark.parametrize(
    ("held", "open_count", "begins"),
    [
        (0, 0, "only orders that reduce may go until `clear`; pull: flatten "),
        (300, 200, "at most 1 may go: more would not only reduce; pull: "),
        (200, 200, "open orders close it already: wait, or cancel them first; pul"),
    ],
)
def test_a_refusal_under_a_stop_begins_with_what_to_do(held: int, open_count: int, begins: str) -> None:
    bench = holding(("T-1",), T_1=held) if held else holding(("T-1",))
    bench.arm()
    if open_count:
        wall = bench.kernel.view(bench.now).wall
        assert bench.say(PlaceOrder(2, "T-1", Side.ASK, 4700, open_count, wall)).ok
        bench.accept_all()
        bench.turn()
    bench.kernel.state.gate.latches.pulled[""] = "flatten all by key at 12:30:05"
    wall = bench.kernel.view(bench.now).wall
    refused = bench.say(PlaceOrder(3, "T-1", Side.ASK, 4800, 200, wall))
    assert not refused.ok and refused.text[:60].startswith(begins[:60])
