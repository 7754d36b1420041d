"""Statistical pairs in the kernel: passive, one side each, capped, told apart."""

from __future__ import annotations

from math import log

import pytest
from kernel_bench import Bench
from kernel_bench import market as plain
from msgspec.structs import replace

from kalshi_tui.kernel import pairs_live
from kalshi_tui.kernel.booking import book_settlement
from kalshi_tui.kernel.calibration import Calibration
from kalshi_tui.kernel.sampling_state import SAMPLE_S, PairRun, begin
from kalshi_tui.pricing.m3 import STATISTICAL, M3Params
from kalshi_tui.pricing.pairs import Pair, PairSpec
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.market import Event
from kalshi_tui.protocol.orders import Fill, NewOrder, Settlement
from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, MILLISECOND, ONE, SECOND, Side

LOGIT_48 = log(0.48 / 0.52)
SPEC = PairSpec("Y-1", "X-1", 1.0, LOGIT_48, LOGIT_48, 0.05, 300.0, 2_000, 0.01)
LOTS = M3Params().pair_lots


class Two(Bench):
    """Two markets of two events, both at 47 to 49, M3 on both, one blessed pair."""

    def __init__(
        self, *, engine: str = "m3", spec: PairSpec = SPEC, life_s: float = 86_400.0, min_edge: float = 0.005
    ) -> None:
        calibration = Calibration(("Y", "X"), (), pairs=(spec,))
        params = {"m3": M3Params(min_edge=min_edge)}
        super().__init__(
            (), boot=False, default_engine=engine, calibrations=(calibration,), engine_params=params
        )
        facts = [plain("Y-1", "Y"), plain("X-1", "X")]
        ends = [replace(one, close_time=self.now.wall + int(life_s * SECOND)) for one in facts]
        self.kernel.apply(ev.MarketsRead(self.now, tuple(ends), (Event("Y", "Y"), Event("X", "X"))))
        self.move(48, 48)
        self.turn()
        self.reads()
        self.turn()
        for one in self.kernel.state.markets.values():
            one.watcher.pin(Regime.CALM, self.now.mono + 90_000 * SECOND)

    def move(self, y: int, x: int) -> None:
        for ticker, mid in (("Y-1", y), ("X-1", x)):
            self.seq += 1
            self.frame(
                f'{{"type":"orderbook_snapshot","sid":1,"seq":{self.seq},"msg":{{"market_ticker":"{ticker}",'
                f'"yes_dollars_fp":[["0.{mid - 1}00","100.00"]],"no_dollars_fp":[["0.{99 - mid}00","100.00"]]}}}}'
            )

    def ten_seconds(self, y: int, x: int) -> list[NewOrder]:
        """The books move, ten seconds pass, own orders are answered; what was sent."""
        sent: list[NewOrder] = []
        self.wait(SAMPLE_S - 1.0)
        for _ in range(8):
            self.move(y, x)
            self.kernel.apply(ev.FeedHeard(self.now, 1))
            self.turn(after_ms=300)
            sent += [c.order for c in self.made(ef.CreateOrder)]
            self.accept_all()
            self.cancel_all()
        return sent

    @property
    def run(self) -> PairRun:
        return self.kernel.state.pairs[0]

    def trade(self, order: NewOrder) -> None:
        order_id = self.kernel.state.orders.by_client_id[order.client_order_id].order_id
        self.frame(
            f'{{"type":"fill","sid":9,"msg":{{"trade_id":"t-{order.client_order_id}","order_id":"{order_id}",'
            f'"market_ticker":"{order.ticker}","yes_price_dollars":"0.{order.price // 100:02d}00",'
            f'"count_fp":"{order.count / 100:.2f}","is_taker":false,"fee_cost":"0.0100",'
            f'"book_side":"{order.side.value}","ts_ms":{self.now.wall // MILLISECOND}}}}}'
        )


def test_nothing_leans_while_the_pair_is_in_line() -> None:
    bench = Two()
    assert bench.ten_seconds(48, 48) == [] and bench.kernel.state.leans == {}
    assert "statistical" not in bench.kernel.state.markets["Y-1"].why


def test_out_of_line_it_quotes_one_side_of_each_market_and_says_so() -> None:
    bench = Two()
    sent = bench.ten_seconds(51, 48) + bench.ten_seconds(51, 48)
    sides = {(order.ticker, order.side) for order in sent}
    assert sides == {("Y-1", Side.ASK), ("X-1", Side.BID)}
    assert all(order.post_only and order.engine == STATISTICAL for order in sent)
    target = bench.run.target  # deltas against each other: the market nearer to even odds needs fewer
    assert -LOTS * CONTRACT <= target["Y-1"] <= -(LOTS - 1) * CONTRACT and target["X-1"] == LOTS * CONTRACT
    why = bench.kernel.state.markets["Y-1"].why
    assert "statistical: z +" in why and f"selling {-target['Y-1'] // CONTRACT} against X-1" in why
    row = next(row for row in bench.kernel.view(bench.now).markets if row.ticker == "Y-1")
    assert row.engine == "m3s"


def test_its_fills_are_its_own_book_and_its_cap_holds() -> None:
    bench = Two()
    sent = bench.ten_seconds(51, 48) + bench.ten_seconds(51, 48)
    for _ in range(6):
        for order in sent:
            if order.ticker == "Y-1" and order.client_order_id in bench.kernel.state.orders.by_client_id:
                bench.trade(order)
        sent = bench.ten_seconds(51, 48)
    most = bench.run.target["Y-1"]
    assert bench.run.held["Y-1"] == most
    assert not [order for order in sent if order.ticker == "Y-1" and order.engine == STATISTICAL]
    books = bench.kernel.state.sources.books
    assert list(books) == [STATISTICAL] and books[STATISTICAL].positions["Y-1"] == most
    told = bench.kernel.summary()["pnl_by_source"]
    assert isinstance(told, dict) and told[STATISTICAL]["fills"] == books[STATISTICAL].fills >= 2


def test_a_settlement_pays_its_book() -> None:
    bench = Two()
    sent = bench.ten_seconds(51, 48) + bench.ten_seconds(51, 48)
    bench.trade(next(order for order in sent if order.ticker == "Y-1"))
    desk = bench.kernel.state
    book = desk.sources.books[STATISTICAL]
    sold, before = -book.positions["Y-1"], book.cash
    book_settlement(desk, Settlement("Y-1", "yes", DOLLAR, 0, sold, 0, 0, desk.now.wall))
    assert book.positions == {} and book.cash == before - sold * ONE


def test_back_in_line_it_leaves_what_it_holds() -> None:
    bench = Two()
    sent = bench.ten_seconds(51, 48) + bench.ten_seconds(51, 48)
    bench.trade(next(order for order in sent if order.ticker == "Y-1"))
    sold = -bench.run.held["Y-1"]
    bench.ten_seconds(48, 48)
    sent = bench.ten_seconds(48, 48)
    assert bench.run.side == 0 and bench.kernel.state.leans["Y-1"].want == sold
    assert "to leave" in bench.kernel.state.markets["Y-1"].why
    assert {order.side for order in sent if order.ticker == "Y-1"} <= {Side.BID}
    assert "X-1" not in bench.kernel.state.leans


@pytest.mark.parametrize("how", ["event", "close", "other engine", "no spread left", "stop"])
def test_it_is_out_where_its_rules_say_so(how: str) -> None:
    bench = Two(life_s=600.0 if how == "close" else 86_400.0, engine="m1" if how == "other engine" else "m3")
    if how == "event":
        bench.kernel.state.markets["X-1"].watcher.pin(Regime.EVENT, bench.now.mono + 900 * SECOND)
    y = {"no spread left": 49, "stop": 65}.get(how, 51)
    bench.ten_seconds(y, 48)
    bench.ten_seconds(y, 48)
    assert bench.run.side == 0 and bench.kernel.state.leans == {}


def test_what_does_not_pay_its_edge_and_fees_is_not_entered() -> None:
    """A residual of 0.08 log-odds comes back as 2 cents: enough for an edge of half a cent, not for one of 2."""
    narrow = replace(SPEC, sd=0.025)
    for min_edge, side in ((0.005, -1), (0.02, 0)):
        bench = Two(spec=narrow, min_edge=min_edge)
        bench.ten_seconds(50, 48)
        assert bench.run.side == side


def test_a_dear_hedge_makes_both_legs_smaller() -> None:
    bench = Two(spec=replace(SPEC, beta=3.0))
    bench.ten_seconds(51, 48)
    target = bench.run.target
    assert target["X-1"] <= LOTS * CONTRACT and 0 < -target["Y-1"] <= LOTS * CONTRACT // 2


def test_other_fills_are_not_its_own() -> None:
    bench = Two()
    fill = Fill("t", "o", "Y-1", Side.BID, 47_00, CONTRACT, 0, False, bench.now.wall)
    pairs_live.on_fill(bench.kernel.state, "m3", fill)
    assert not bench.run.held
    pairs_live.on_fill(bench.kernel.state, STATISTICAL, fill)
    assert bench.run.held == {"Y-1": CONTRACT}


def test_a_missing_sample_is_no_reason_to_trade() -> None:
    bench = Two()
    bench.ten_seconds(51, 48)
    before = (bench.run.side, dict(bench.run.target))
    pairs_live.step(bench.kernel.state, {"Y-1": 0.0})
    assert before[0] == -1 and (bench.run.side, bench.run.target) == before
    bench.kernel.state.markets["X-1"].quoting = False
    pairs_live.step(bench.kernel.state, {"Y-1": 0.0})
    assert bench.run.side == 0 and bench.run.target == {}


def test_three_half_lives_are_the_longest_it_holds() -> None:
    bench = Two(spec=replace(SPEC, half_life_s=35.0))
    seen = []
    for _ in range(30):
        bench.ten_seconds(51, 48)
        seen.append((bench.run.side, bench.run.exhausted))
    sides = [side for side, _ in seen]
    assert sides[0] == -1 and sides[-1] == 0 and seen[-1][1], seen
    assert 0 not in sides[: sides.count(-1)], "it came back in while still exhausted"


def test_a_market_is_in_one_pair_the_surest() -> None:
    second = replace(SPEC, x="Z-1", p=0.001)
    (run,) = begin((SPEC, second))
    assert run.spec is second


def test_a_measured_pair_starts_where_the_recordings_ended() -> None:
    pair = Pair.measured(SPEC, SAMPLE_S)
    assert pair.half_life_s == pytest.approx(SPEC.half_life_s, rel=1e-9)
    pair.update(LOGIT_48 + 0.2, LOGIT_48)
    z = pair.z
    assert z is not None and 2.0 < z <= 4.0
