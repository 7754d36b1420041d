"""A desk's day in small: synthetic frames, and a venue that rests what the desk sends, as one list of batches.

Written down once, with a kernel that decides after every frame; then replayed as often as wanted: the same events
give the same orders, so the answers in the list fit every run.
"""

from __future__ import annotations

import random

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.frames import CENT_STEP, Market, Stream
from kalshi_tui.kernel.kernel import Kernel
from kalshi_tui.kernel.settings import KernelSettings
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.events import FrameReceived
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Event, MarketStatus
from kalshi_tui.protocol.market import Market as Facts
from kalshi_tui.protocol.orders import NewOrder
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import DOLLAR, MILLISECOND, ONE, SECOND, Side
from kalshi_tui.protocol.wire import decode
from kalshi_tui.risk.chain import RiskParams
from kalshi_tui.risk.controls import ControlParams

START = Instant(1_000 * SECOND, 1_795_000_000 * SECOND)
BANKROLL = 100_000 * DOLLAR
REQUESTS = (ef.CreateOrder, ef.CancelOrder, ef.AmendOrder)
ANSWER_AFTER = 20
"""Batches (milliseconds) between a request and its answer."""


class Means(Struct, frozen=True):
    """What a desk may write."""

    name: str
    tokens: int | None = None
    """A second, and at once; None leaves the desk its default."""
    controls: ControlParams | None = None
    """Order rates; None leaves those of the bankroll."""


DEFAULT = Means("default budget: 100 tokens a second, ten orders")
AMPLE = Means(
    "ample budget: 1,000 tokens a second, so that quotes follow every move",
    tokens=1_000,
    controls=ControlParams(per_second=200, market_per_second=20, market_burst=20, in_flight=100),
)


class Batch(Struct, frozen=True):
    """What one turn of a desk's loop finds: frames, then answers of the venue."""

    at: Instant
    frames: tuple[bytes, ...]
    answers: tuple[ev.KernelEvent, ...] = ()


class Day(Struct, frozen=True):
    tickers: dict[str, int]
    """Ticker to the step of its grid, 1/10,000 dollar."""
    snapshots: tuple[bytes, ...]
    warm_up: tuple[Batch, ...]
    """Until quotes rest on both sides."""
    batches: tuple[Batch, ...]
    traffic: bytes
    """By batch: whether it brought answers or sent a request."""
    rested: float
    """Share of the (market, side, batch) in which an order of ours rested."""


class Quoted(Market):
    """A market whose public orders never trade with ours: a change that would is drawn again."""

    def __init__(self, market: Market) -> None:
        self.__dict__.update(market.__dict__)
        self.own: dict[str, tuple[str, int, int]] = {}
        """Order id to (leg, price on the leg, size) of what rests here of ours."""
        self.next: tuple[str, int, int] | None = None
        """The next change, when it is one of ours."""

    def change(self, random_: random.Random) -> tuple[str, int, int]:
        if self.next is not None:
            ours, self.next = self.next, None
            self.clock += 1
            return ours
        while True:
            leg, price, delta = super().change(random_)
            if delta < 0 or not any(theirs != leg and price + p >= ONE for theirs, p, _ in self.own.values()):
                return leg, price, delta
            self.legs[leg][price] -= delta
            if not self.legs[leg][price]:
                del self.legs[leg][price]


class Venue:
    """Takes every order at once, tells it a little later, and shows it in the book."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        stream.markets = [Quoted(market) for market in stream.markets]
        self.markets = {m.ticker: m for m in stream.markets if isinstance(m, Quoted)}
        self._due: list[tuple[int, ef.Effect]] = []

    def take(self, effects: list[ef.Effect], turn: int) -> None:
        self._due += [(turn + ANSWER_AFTER, e) for e in effects if isinstance(e, REQUESTS)]

    def answers(self, turn: int, at: Instant) -> tuple[list[bytes], list[ev.KernelEvent]]:
        """Frames and answers due now."""
        frames: list[bytes] = []
        events: list[ev.KernelEvent] = []
        while self._due and self._due[0][0] <= turn:
            match self._due.pop(0)[1]:
                case ef.CreateOrder(order):
                    frames += self._rest(order)
                    name = order.client_order_id
                    events.append(ev.CreateAccepted(at, name, f"o-{name}", 0, order.count))
                case ef.CancelOrder(order_id=order_id, ticker=ticker):
                    market = self.markets[ticker]
                    leg, price, size = market.own.pop(order_id)
                    frames.append(self._changed(market, leg, price, -size))
                    events.append(ev.CancelAccepted(at, order_id, size))
                case ef.AmendOrder() as amend:
                    market = self.markets[amend.ticker]
                    leg, price, size = market.own[amend.order_id]
                    if amend.count != size:
                        market.own[amend.order_id] = (leg, price, amend.count)
                        frames.append(self._changed(market, leg, price, amend.count - size))
                    events.append(ev.AmendAccepted(at, amend.order_id, amend.count, 0))
        return frames, events

    def _rest(self, order: NewOrder) -> list[bytes]:
        """The order in the book; what the public moved into its way meanwhile steps back."""
        market = self.markets[order.ticker]
        leg, other, price = ("yes", "no", order.price)
        if order.side is Side.ASK:
            leg, other, price = ("no", "yes", ONE - order.price)
        in_the_way = {p: size for p, size in market.legs[other].items() if p + price >= ONE}
        frames = [self._changed(market, other, p, -size) for p, size in in_the_way.items()]
        for p in in_the_way:
            del market.legs[other][p]
        market.own[f"o-{order.client_order_id}"] = (leg, price, order.count)
        return [*frames, self._changed(market, leg, price, order.count)]

    def _changed(self, market: Quoted, leg: str, price: int, change: int) -> bytes:
        market.next = (leg, price, change)
        return self.stream.delta(market)


def written(seed: int, frames: int, means: Means, engine: str = "m1", warm_up: int = 4_000) -> Day:
    """A day of ``frames`` public frames, one a millisecond, over 20 markets that ``engine`` quotes."""
    stream = Stream(seed)
    tickers = {market.ticker: market.step for market in stream.markets}
    venue = Venue(stream)
    snapshots = tuple(stream.snapshots())
    kernel = booted(tickers, snapshots, means, engine)
    batches: list[Batch] = []
    traffic = bytearray()
    rested = 0
    chosen = random.Random(seed).choices(stream.markets, [1 / (n + 1) for n in range(20)], k=frames + warm_up)
    for turn, market in enumerate(chosen):
        at = START.plus((turn + 1) * MILLISECOND)
        first = stream.delta(market)
        told, answers = venue.answers(turn, at)
        batches.append(Batch(at, (first, *told), tuple(answers)))
        effects = turned(kernel, batches[-1])
        venue.take(effects, turn)
        traffic.append(bool(answers) or any(isinstance(effect, REQUESTS) for effect in effects))
        if turn >= warm_up:
            rested += sum(len({leg for leg, _, _ in m.own.values()}) for m in venue.markets.values())
    share = rested / (2 * len(tickers) * frames)
    return Day(
        tickers,
        snapshots,
        tuple(batches[:warm_up]),
        tuple(batches[warm_up:]),
        bytes(traffic[warm_up:]),
        share,
    )


def turned(kernel: Kernel, batch: Batch) -> list[ef.Effect]:
    """One turn: everything applied, then one decision."""
    for raw in batch.frames:
        kernel.apply(FrameReceived(batch.at, 1, decode(raw)))
    for answer in batch.answers:
        kernel.apply(answer)
    return kernel.decide(batch.at)


def booted(tickers: dict[str, int], snapshots: tuple[bytes, ...], means: Means, engine: str = "m1") -> Kernel:
    """A kernel that has read everything and quotes all markets; its snapshots are in."""
    risk = RiskParams.from_bankroll(BANKROLL)
    settings = KernelSettings(
        venue="practice",
        execution="venue",
        mode="PRACTICE",
        boot="b",
        risk=risk if means.controls is None else replace(risk, controls=means.controls),
        default_engine=engine,
        quote_at_start=True,
        read_calendar=False,
    )
    kernel = Kernel(settings, BookFeed(), START)
    facts = tuple(_facts(n, ticker, step) for n, (ticker, step) in enumerate(tickers.items()))
    events = tuple(Event(name, "KXBENCH") for name in dict.fromkeys(f.event_ticker for f in facts))
    kernel.apply(ev.MarketsRead(START, facts, events))
    if means.tokens is not None:
        kernel.apply(ev.BudgetRead(START, means.tokens, means.tokens, means.tokens))
    kernel.apply(ev.FeedOpened(START, 1))
    for raw in snapshots:
        kernel.apply(FrameReceived(START, 1, decode(raw)))
    kernel.decide(START)
    kernel.apply(ev.OrdersRead(START, START, (), complete=True, resting_only=True))
    kernel.apply(ev.FillsRead(START, START, (), complete=True, since=START.wall))
    kernel.apply(ev.PositionsRead(START, START, (), complete=True))
    kernel.apply(ev.BalanceRead(START, START, BANKROLL))
    return kernel


def _facts(n: int, ticker: str, step: int) -> Facts:
    """Five events of four markets."""
    return Facts(
        ticker,
        f"KXBENCH-26NOV22-{n // 4}",
        series_ticker="KXBENCH",
        status=MarketStatus.ACTIVE,
        grid=TickGrid.named("linear_cent" if step == CENT_STEP else "deci_cent"),
        open_time=START.wall - 86_400 * SECOND,
        close_time=START.wall + 86_400 * SECOND,
    )
