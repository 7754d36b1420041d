"""The simulated venue of ``execution = paper`` and of replays: real books, simulated orders, real delays.

It takes the effects the real venue takes and answers with the same events. Fills and order updates come as
partial reads (``complete=False``): evidence of what is in them, of nothing else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from msgspec import Struct

from kalshi_tui.execution.paper_account import PaperTotals
from kalshi_tui.execution.paper_exchange import MakeEvent, PaperExchange, PaperRequest
from kalshi_tui.execution.paper_match import DisplayedBook
from kalshi_tui.execution.queue_models import QueueModel, RiskAverse
from kalshi_tui.protocol.events import KernelEvent
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Market
from kalshi_tui.protocol.orders import PublicTrade
from kalshi_tui.protocol.units import DOLLAR, MILLISECOND, Money, Nanos


class PaperParams(Struct, frozen=True):
    """The simulated account and its distance from the venue."""

    cash: Money = 10_000 * DOLLAR
    """What the account starts with."""
    delays_ms: tuple[int, ...] = (25,)
    """One-way delays, used in turn for requests and answers: a measured sample, or one number."""

    def __post_init__(self) -> None:
        if not self.delays_ms or min(self.delays_ms) < 0:
            raise ValueError("paper.delays_ms needs at least one delay, none below zero")
        if self.cash < 0:
            raise ValueError("paper.cash must not be below zero")


class _Request(Struct, frozen=True):
    arrives: Instant
    asked: Instant
    what: PaperRequest


class PaperVenue:
    """Feed it ``on_market``, ``on_book`` and ``on_trade``; ``send`` it effects; ``poll`` its events."""

    def __init__(self, params: PaperParams | None = None, model: QueueModel | None = None) -> None:
        self.params = params or PaperParams()
        self._exchange = PaperExchange(self.params.cash, model or RiskAverse())
        self._inbound: deque[_Request] = deque()
        self._outbound: deque[tuple[Nanos, MakeEvent]] = deque()
        self._delays_used = 0

    # -- the real market -----------------------------------------------------------------------------

    def on_market(self, market: Market, now: Instant) -> None:
        """Facts of a market, first or changed: closes, pauses and settlements act on its orders."""
        self._arrivals(now)
        self._tell(now, self._exchange.on_market(market, now))

    def on_book(self, ticker: str, book: DisplayedBook, now: Instant) -> None:
        """The market's book after a frame that changed it. The book is kept: it is the one orders meet."""
        self._tell(now, self._exchange.on_book(ticker, book, now))

    def on_trade(self, trade: PublicTrade, now: Instant) -> None:
        self._tell(now, self._exchange.on_trade(trade, now))

    # -- the desk ------------------------------------------------------------------------------------

    def send(self, request: PaperRequest, now: Instant) -> None:
        """A request leaves; it arrives, and is answered, later. Requests do not overtake each other."""
        arrives = now.plus(self._delay())
        if self._inbound and arrives.mono < self._inbound[-1].arrives.mono:
            arrives = self._inbound[-1].arrives
        self._inbound.append(_Request(arrives, now, request))

    def poll(self, now: Instant) -> list[KernelEvent]:
        """What has come back by now, oldest first. Call it before every decision."""
        self._arrivals(now)
        self._tell(now, self._exchange.on_time(now))
        ready: list[KernelEvent] = []
        while self._outbound and self._outbound[0][0] <= now.mono:
            ready.append(self._outbound.popleft()[1](now))
        return ready

    def next_due(self) -> Nanos | None:
        """The monotonic instant of the next arrival or answer; None while nothing is under way."""
        due = [self._inbound[0].arrives.mono] if self._inbound else []
        due += [self._outbound[0][0]] if self._outbound else []
        return min(due, default=None)

    def totals(self) -> PaperTotals:
        """The venue's own books, without delay: what a final reconciliation compares with."""
        return self._exchange.totals()

    # -- time ----------------------------------------------------------------------------------------

    def _delay(self) -> Nanos:
        delay = self.params.delays_ms[self._delays_used % len(self.params.delays_ms)]
        self._delays_used += 1
        return delay * MILLISECOND

    def _arrivals(self, now: Instant) -> None:
        while self._inbound and self._inbound[0].arrives.mono <= now.mono:
            request = self._inbound.popleft()
            self._tell(request.arrives, self._exchange.serve(request.what, request.asked, request.arrives))

    def _tell(self, at: Instant, answers: Iterable[MakeEvent]) -> None:
        """Answers and reports leave the venue together; they keep their place behind earlier ones."""
        due: Nanos | None = None
        for make in answers:
            if due is None:
                due = at.mono + self._delay()
                due = max(due, self._outbound[-1][0]) if self._outbound else due
            self._outbound.append((due, make))
