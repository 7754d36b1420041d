"""M3 in the kernel: scans, coherent fairs, and baskets that pass the one gate."""

from __future__ import annotations

import pytest
from kernel_bench import START, Bench, market

from kalshi_tui.execution.basket import RETRY
from kalshi_tui.kernel.panels import settlement_rows
from kalshi_tui.kernel.relations_state import EventRelations
from kalshi_tui.kernel.reviewing import working_orders
from kalshi_tui.portfolio.fees import trade_fee
from kalshi_tui.pricing.m3 import M3Params
from kalshi_tui.protocol import commands as cmd
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.market import Event, FeeSchedule
from kalshi_tui.protocol.orders import NewOrder, Owner, TimeInForce, VenueError
from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, MILLISECOND, SECOND, Side, format_money, parse_money
from kalshi_tui.risk.chain import RiskParams

TICKERS = ("T-1", "T-2", "T-3")


class Exclusive(Bench):
    """Three exclusive markets, M3 on all of them; bids of 33 each until ``break_it``."""

    def __init__(self, engine: str = "m3", tokens: int = 1_000, bid: int = 33, **changes: object) -> None:
        fields = {"risk": RiskParams.from_bankroll(100_000 * DOLLAR)} | changes
        super().__init__(TICKERS, boot=False, default_engine=engine, **fields)
        self.balance = 100_000 * DOLLAR
        self.kernel.apply(
            ev.MarketsRead(
                self.now, tuple(market(t) for t in TICKERS), (Event("E", "S", mutually_exclusive=True),)
            )
        )
        for followed in self.kernel.state.markets.values():
            followed.risk.mutually_exclusive = True
        self.kernel.apply(ev.BudgetRead(self.now, tokens, tokens, tokens))
        self.quote(bid)
        self.turn()
        self.reads()
        self.turn()
        self.accept_all()
        self.wait(2.0)
        self.kernel.apply(ev.FeedHeard(self.now, 1))
        self.turn()
        self.accept_all()

    def quote(self, bid: int) -> None:
        for ticker in TICKERS:
            self.book(ticker, bid)

    def book(self, ticker: str, bid: int) -> None:
        """100 contracts at ``bid`` and at two cents above it, 500 ten cents behind them."""
        self.seq += 1
        yes = f'["0.{bid - 10:02d}00","500.00"],["0.{bid:02d}00","100.00"]'
        no = f'["0.{88 - bid:02d}00","500.00"],["0.{98 - bid:02d}00","100.00"]'
        self.frame(
            f'{{"type":"orderbook_snapshot","sid":1,"seq":{self.seq},"msg":{{"market_ticker":"{ticker}",'
            f'"yes_dollars_fp":[{yes}],"no_dollars_fp":[{no}]}}}}'
        )

    def break_it(self) -> None:
        """Bids of 36 each: 1.08 dollars for what pays at most one."""
        self.wait(0.2)
        self.quote(36)
        self.turn()

    @property
    def relations(self) -> EventRelations:
        return self.kernel.state.relations["E"]

    def legs(self) -> list[NewOrder]:
        return [c.order for c in self.made(ef.CreateOrder) if c.order.time_in_force is TimeInForce.IOC]

    def rows(self) -> list[dict[str, object]]:
        return [row.payload for row in self.made(ef.Journal) if row.kind == "basket"]

    def answer(self, order: NewOrder, share: float = 1.0) -> None:
        """The exchange fills a leg at 36, as far as ``share``."""
        filled = int(order.count * share) // CONTRACT * CONTRACT
        order_id = f"x-{order.client_order_id}"
        self.kernel.apply(ev.CreateAccepted(self.now, order.client_order_id, order_id, filled, 0))
        if not filled:
            return
        fee = trade_fee(FeeSchedule(), 36_00, filled, True, self.now.wall, order.side)
        self.frame(
            f'{{"type":"fill","sid":9,"msg":{{"trade_id":"t-{order.client_order_id}","order_id":"{order_id}",'
            f'"market_ticker":"{order.ticker}","yes_price_dollars":"0.3600","count_fp":"{filled / 100:.2f}",'
            f'"is_taker":true,"fee_cost":"{format_money(fee)}","book_side":"{order.side.value}",'
            f'"ts_ms":{self.now.wall // MILLISECOND}}}}}'
        )

    def until_leg(self, turns: int = 40) -> NewOrder:
        """Confirm cancels and turn until a leg leaves."""
        for _ in range(turns):
            if self.legs():
                return self.legs()[0]
            self.cancel_all()
            self.turn(after_ms=20)
        raise AssertionError("no leg left")


def test_calm_coherent_books_are_quoted_around_what_siblings_allow() -> None:
    bench = Exclusive()
    state = bench.kernel.state
    assert bench.relations.run is None and bench.relations.reason.startswith("no arb")
    assert bench.relations.coherent == pytest.approx(dict.fromkeys(TICKERS, 1 / 3), abs=1e-9)
    for ticker in TICKERS:
        assert state.markets[ticker].bid is not None
        assert "no arb" in state.markets[ticker].why


def test_a_broken_relation_is_bought_leg_by_leg_and_told() -> None:
    bench = Exclusive()
    bench.break_it()
    planned = [row for row in bench.rows() if row["what"] == "planned"]
    assert len(planned) == 1 and planned[0]["relation"] == "at most one pays: NO of all"
    sent = []
    rows: list[dict[str, object]] = []
    for _ in range(3):
        leg = bench.until_leg()
        assert (leg.side, leg.owner, leg.engine, leg.post_only) == (Side.ASK, Owner.ENGINE, "m3", False)
        sent.append(leg.ticker)
        bench.answer(leg)
        bench.turn()
        rows += bench.rows()
    bench.turn()
    rows += bench.rows()
    assert sorted(sent) == list(TICKERS)
    result = next(row for row in rows if row["what"] == "result")
    assert result["outcome"] == "complete" and bench.relations.run is None
    assert parse_money(str(result["realized"])) == parse_money(str(result["promised"])) > 0
    assert any("complete" in line.text for line in bench.kernel.view(bench.now).log)


def test_legs_not_sent_yet_count_in_risk_and_are_let_go_after() -> None:
    bench = Exclusive()
    bench.break_it()
    first = bench.until_leg()
    others = [t for t in TICKERS if t != first.ticker]
    markets = bench.kernel.state.markets
    assert all(markets[t].risk.open_ask >= first.count for t in others)
    bench.answer(first, share=0.0)
    bench.turn()
    assert bench.relations.run is None
    bench.cancel_all()
    bench.turn()
    resting = {
        t: sum(o.exposure for o in bench.kernel.state.orders.open_orders(t) if o.side is Side.ASK)
        for t in others
    }
    assert all(markets[t].risk.open_ask == resting[t] for t in others)


def test_there_is_one_basket_at_a_time_and_a_pause_after_it() -> None:
    bench = Exclusive()
    bench.break_it()
    leg = bench.until_leg()
    for _ in range(5):
        bench.turn(after_ms=60)
        assert not bench.legs()
    bench.answer(leg, share=0.0)
    bench.turn()
    assert bench.relations.run is None
    for _ in range(15):
        bench.delta("0.1000", "1.00")
        bench.turn(after_ms=60)
        assert bench.relations.run is None and not bench.legs()
    bench.wait(0.2)
    bench.delta("0.1000", "1.00")
    bench.turn()
    assert bench.relations.run is not None


def test_legs_never_count_as_resting_quotes() -> None:
    bench = Exclusive()
    bench.break_it()
    leg = bench.until_leg()
    market = bench.kernel.state.markets[leg.ticker]
    assert leg.client_order_id in bench.kernel.state.orders.by_client_id
    ids = [o.client_order_id for side in Side for o in working_orders(bench.kernel.state, market, side)]
    assert leg.client_order_id not in ids


def test_own_quotes_in_the_way_are_cancelled_before_the_first_leg() -> None:
    """These parameters would go on quoting a bid that the leg on T-1 could trade with."""
    eager = M3Params(edge=0.005, min_edge=0.001, max_shift=0.2)
    bench = Exclusive(bid=34, engine_params={"m3": eager})
    state = bench.kernel.state
    bid = next(o for o in state.orders.open_orders("T-1") if o.side is Side.BID)
    bench.break_it()
    assert bench.relations.run is not None and bench.relations.in_the_way("T-1", Side.BID, bid.price)
    assert not bench.relations.in_the_way("T-1", Side.ASK, bid.price)
    assert not bench.legs()
    assert bid.order_id in [e.order_id for e in bench.made(ef.CancelOrder)]
    assert "in a basket's way" in state.markets["T-1"].why
    leg = bench.until_leg()
    assert not [
        o for o in state.orders.open_orders(leg.ticker) if o.side is Side.BID and o.price >= leg.price
    ]


@pytest.mark.parametrize("how", ["engine", "off", "hold", "pull", "window", "tokens", "mine", "paused"])
def test_a_basket_does_not_start_where_anything_forbids_it(how: str) -> None:
    """Two bids of 36 are no contradiction: what closes the third market closes the basket."""
    bench = Exclusive(tokens=100) if how == "tokens" else Exclusive()
    state = bench.kernel.state
    third = state.markets["T-3"]
    if how == "engine":
        third.engine = "m1"
    elif how == "off":
        third.quoting = False
    elif how == "hold":
        state.gate.latches.held[""] = "by hand"
    elif how == "pull":
        state.gate.latches.pulled["market T-3"] = "by hand"
    elif how == "window":
        third.watcher.pin(Regime.EVENT, bench.now.mono + 60 * SECOND)
        third.regime, third.watcher.why = Regime.EVENT, "pinned event by hand"
    elif how == "tokens":
        state.budget.spend(80)
    elif how == "paused":
        third.paused_sides[Side.ASK] = "cancelled by hand"
    else:
        bench.arm()
        ack = bench.say(cmd.PlaceOrder(2, "T-3", Side.BID, 34_00, 100, view_wall=bench.now.wall))
        assert ack.ok, ack.text
        bench.accept_all()
    bench.break_it()
    for _ in range(3):
        assert not bench.legs()
        if how == "tokens":
            state.budget.spend(60)
        bench.turn(after_ms=20)
    assert bench.relations.run is None


def test_a_quiet_connection_starts_no_basket() -> None:
    bench = Exclusive()
    bench.wait(0.2)
    bench.quote(36)
    bench.turn(after_ms=400)
    assert bench.relations.run is None and "too quiet" in bench.relations.reason


def test_a_pull_in_the_middle_stops_it_and_says_what_is_held() -> None:
    bench = Exclusive()
    bench.break_it()
    leg = bench.until_leg()
    bench.answer(leg)
    assert bench.say(cmd.Stop(1, "pull")).ok
    bench.turn()
    assert not bench.legs() and bench.relations.run is None
    held = [line for line in bench.kernel.view(bench.now).log if "held" in line.text and line.kind == "warn"]
    assert held


def test_a_leg_the_venue_refuses_is_tried_again_and_then_worked_off() -> None:
    bench = Exclusive()
    bench.break_it()
    first = bench.until_leg()
    bench.answer(first)
    bench.turn()
    second = bench.until_leg()
    error = VenueError(400, "invalid_order")
    bench.kernel.apply(ev.CreateRefused(bench.now, second.client_order_id, error))
    bench.turn()
    third = bench.until_leg()
    assert third.ticker not in (first.ticker, second.ticker)
    bench.answer(third)
    bench.turn()
    assert not bench.legs()
    bench.turn(after_ms=RETRY // MILLISECOND)
    again = bench.until_leg()
    assert (again.ticker, again.count) == (second.ticker, second.count)


def test_a_scan_waits_for_the_end_of_an_exchange_action() -> None:
    bench = Exclusive()
    before = bench.relations.scanned
    bench.wait(0.2)
    for ticker in ("T-1", "T-2"):
        bench.book(ticker, 36)
    bench.delta("0.7500", "10.00", ticker="T-3")
    bench.turn()
    assert bench.relations.scanned == before and bench.relations.run is None


def test_outcomes_of_an_exclusive_event_have_fair_values() -> None:
    bench = Exclusive()
    rows = settlement_rows(bench.kernel.state, bench.kernel.state.markets["T-1"])
    fairs = [row.fair for row in rows]
    assert len(fairs) == 4 and None not in fairs
    assert sum(fair for fair in fairs if fair is not None) == pytest.approx(1.0)


def test_other_engines_are_left_alone() -> None:
    bench = Exclusive(engine="m1")
    bench.break_it()
    bench.turn(after_ms=60)
    assert bench.kernel.state.relations == {} and not bench.legs()
    assert bench.now.mono > START.mono
