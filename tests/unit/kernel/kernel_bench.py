"""A kernel on a bench: one or two markets, frames and answers by hand, virtual time."""

from __future__ import annotations

from typing import Any, TypeVar

from kalshi_tui.kernel.kernel import Kernel
from kalshi_tui.kernel.settings import KernelSettings
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.commands import Ack, AnyCommand, Arm
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Event, Market
from kalshi_tui.protocol.orders import Fill, VenuePosition
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import DOLLAR, MILLISECOND, SECOND, Side
from kalshi_tui.protocol.wire import decode
from kalshi_tui.risk.chain import RiskParams

START = Instant(1_000 * SECOND, 1_790_000_000 * SECOND)
E = TypeVar("E")


def market(ticker: str = "T-1", event: str = "E") -> Market:
    return Market(
        ticker,
        event,
        grid=TickGrid.named("linear_cent"),
        open_time=START.wall - 86_400 * SECOND,
        close_time=START.wall + 86_400 * SECOND,
    )


def settings(**changes: object) -> KernelSettings:
    fields: dict[str, object] = {
        "venue": "practice",
        "execution": "venue",
        "mode": "PRACTICE",
        "boot": "b",
        "risk": RiskParams.from_bankroll(10_000 * DOLLAR),
        "quote_at_start": True,
    } | changes
    return KernelSettings(**fields)  # type: ignore[arg-type]


class Bench:
    """``turn`` decides and keeps the effects; helpers make the usual events."""

    def __init__(
        self,
        tickers: tuple[str, ...] = ("T-1",),
        *,
        boot: bool = True,
        saved_day: Any = None,
        **changes: object,
    ) -> None:
        self.now = START
        self.kernel = Kernel(settings(**changes), BookFeed(), START, saved_day)
        self.effects: list[ef.Effect] = []
        self.seq = 0
        self.balance = 1_000 * DOLLAR
        self.kernel.apply(ev.MarketsRead(self.now, tuple(market(t) for t in tickers), (Event("E", "S"),)))
        self.kernel.apply(ev.FeedOpened(self.now, 1))
        for ticker in tickers:
            self.snapshot(ticker)
        if boot:
            self.turn()
            self.reads()
            self.turn()

    # -- time and decisions --------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        self.now = self.now.plus(int(seconds * SECOND))

    def turn(self, after_ms: int = 1) -> list[ef.Effect]:
        self.now = self.now.plus(after_ms * MILLISECOND)
        self.effects = self.kernel.decide(self.now)
        return self.effects

    def made(self, kind: type[E]) -> list[E]:
        return [e for e in self.effects if isinstance(e, kind)]

    # -- events --------------------------------------------------------------------------------------

    def snapshot(
        self, ticker: str = "T-1", bid: str = "0.4400", ask_no: str = "0.5400", sid: int = 1
    ) -> None:
        """44 bid, 46 offered, 100 on each level; deeper levels behind."""
        self.seq += 1
        self.frame(
            f'{{"type":"orderbook_snapshot","sid":{sid},"seq":{self.seq},"msg":{{"market_ticker":"{ticker}",'
            f'"yes_dollars_fp":[["0.4000","500.00"],["{bid}","100.00"]],'
            f'"no_dollars_fp":[["0.5000","500.00"],["{ask_no}","100.00"]]}}}}'
        )

    def delta(
        self,
        price: str,
        change: str,
        side: str = "yes",
        ticker: str = "T-1",
        skip: int = 0,
        age_ms: int = 0,
    ) -> None:
        """``age_ms``: how long ago the exchange stamped it."""
        self.seq += 1 + skip
        stamp = self.now.wall // MILLISECOND - age_ms
        self.frame(
            f'{{"type":"orderbook_delta","sid":1,"seq":{self.seq},"msg":{{"market_ticker":"{ticker}",'
            f'"price_dollars":"{price}","delta_fp":"{change}","side":"{side}","ts_ms":{stamp}}}}}'
        )

    def frame(self, raw: str) -> None:
        self.kernel.apply(ev.FrameReceived(self.now, 1, decode(raw.encode())))

    def reads(self, positions: tuple[VenuePosition, ...] = (), fills: tuple[Fill, ...] = ()) -> None:
        """Complete reads that agree with a quiet account."""
        self.kernel.apply(ev.OrdersRead(self.now, self.now, (), complete=True, resting_only=True))
        self.kernel.apply(ev.FillsRead(self.now, self.now, fills, complete=True, since=START.wall))
        self.kernel.apply(ev.PositionsRead(self.now, self.now, positions, complete=True))
        self.kernel.apply(ev.BalanceRead(self.now, self.now, self.balance))

    def accept_all(self) -> list[str]:
        """Answer every create of the last turn; the order ids given."""
        ids = []
        for create in self.made(ef.CreateOrder):
            order = create.order
            ids.append(f"o-{order.client_order_id}")
            self.kernel.apply(ev.CreateAccepted(self.now, order.client_order_id, ids[-1], 0, order.count))
        return ids

    def cancel_all(self) -> None:
        """Confirm every cancel of the last turn, nothing filled."""
        for cancel in self.made(ef.CancelOrder):
            order = self.kernel.state.orders.by_order_id[cancel.order_id]
            self.kernel.apply(ev.CancelAccepted(self.now, cancel.order_id, order.remaining))

    def fill(self, order_id: str, count: int, trade_id: str, fee: int = 0) -> None:
        order = self.kernel.state.orders.by_order_id[order_id]
        body = (
            f'{{"type":"fill","sid":9,"msg":{{"trade_id":"{trade_id}","order_id":"{order_id}",'
            f'"market_ticker":"{order.ticker}","yes_price_dollars":"{order.price / 10_000:.4f}",'
            f'"count_fp":"{count / 100:.2f}","is_taker":false,"fee_cost":"{fee / 1e6:.6f}",'
            f'"book_side":"{order.side.value}","ts_ms":{self.now.wall // MILLISECOND}}}}}'
        )
        self.frame(body)

    def say(self, command: AnyCommand, session: int = 1, in_control: bool = True) -> Ack:
        """Give a command; its answer."""
        self.kernel.apply(ev.CommandReceived(self.now, session, command, in_control))
        self.turn()
        answers = self.made(ef.Answer)
        assert len(answers) == 1
        return answers[0].ack

    def arm(self) -> None:
        self.kernel.apply(ev.SessionChanged(self.now, 1, 1))
        assert self.say(Arm(1, True)).ok

    def resting(self, side: Side, ticker: str = "T-1") -> list[str]:
        return [o.order_id for o in self.kernel.state.orders.open_orders(ticker) if o.side is side]
