"""``--execution paper``: the real feed, simulated fills. The venue's orders, fills and cash never come near it.

The kernel is wrapped so that the simulated venue sees every market, book and trade right after the kernel did, and
its answers reach the kernel right before it decides: the same order in which a replay drives both.
"""

from __future__ import annotations

from collections.abc import Callable

from kalshi_tui.execution.paper import PaperVenue
from kalshi_tui.kernel.kernel import Kernel
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.commands import Focus
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.views import DeskView
from kalshi_tui.protocol.wire_convert import trade_from
from kalshi_tui.protocol.wire_messages import (
    AnyDelta,
    BookSnapshot,
    FillMessage,
    MarketLifecycle,
    Trade,
    UserOrder,
)


class PaperKernel:
    """A core for the loop: the kernel and the simulated venue beside it."""

    def __init__(self, kernel: Kernel, paper: PaperVenue, record: Callable[[ev.KernelEvent], None]) -> None:
        """``record`` takes what the simulated venue answers, which no socket ever carried."""
        self._kernel = kernel
        self._paper = paper
        self._record = record

    def apply(self, event: ev.KernelEvent) -> None:
        if isinstance(event, ev.FrameReceived) and isinstance(event.message, FillMessage | UserOrder):
            # The real account's own: it counts for the sequence and for nothing else.
            self._kernel.state.feed.apply(event.conn, event.message, event.at)
            return
        self._kernel.apply(event)
        if isinstance(event, ev.FrameReceived):
            self._follow(event)
        elif isinstance(event, ev.MarketsRead):
            for market in event.markets:
                self._paper.on_market(market, event.at)

    def decide(self, now: Instant) -> list[ef.Effect]:
        for event in self._paper.poll(now):
            self._record(event)
            self._kernel.apply(event)
        return self._kernel.decide(now)

    def view(self, now: Instant, focus: Focus | None = None, full: bool = False) -> DeskView:
        return self._kernel.view(now, focus, full)

    def summary(self) -> dict[str, object]:
        return self._kernel.summary()

    def _follow(self, event: ev.FrameReceived) -> None:
        state, message = self._kernel.state, event.message
        if isinstance(message, AnyDelta | BookSnapshot):
            ticker = message.msg.market_ticker
            book = state.feed.book(ticker)
            if book is not None and state.feed.status(ticker).valid:
                self._paper.on_book(ticker, book, event.at)
        elif isinstance(message, Trade):
            self._paper.on_trade(trade_from(message), event.at)
        elif isinstance(message, MarketLifecycle) and message.msg.market_ticker in state.markets:
            self._paper.on_market(state.markets[message.msg.market_ticker].facts, event.at)
