"""What faults do at a moment: to connections, to the books that are shown, to markets and to the exchange."""

from __future__ import annotations

from collections.abc import Callable

from kalshi_tui.practice.calls import Reply
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.faults_frames import FrameFaults
from kalshi_tui.practice.faults_kinds import Fault
from kalshi_tui.practice.faults_rest import REFUSED
from kalshi_tui.practice.happenings import LevelChanged
from kalshi_tui.practice.refusals import Refusal
from kalshi_tui.practice.ws_session import Session
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, ONE, Count, Money, Nanos, Price, Side

_PHANTOM: Count = 10 * CONTRACT
_AWAY = Reply(503, Refusal(503, "service_unavailable", "service unavailable").body())
_DOOR = "GET /ws"
"""What a handshake is called, for faults that are about paths."""


class Deeds:
    """Carries a plan's faults out when their windows open, and takes them back when they close.

    ``leave`` tells the world that a market will not live as long as it was to.
    """

    def __init__(
        self,
        exchange: Exchange,
        sessions: list[Session],
        frames: FrameFaults,
        leave: Callable[[str], None] | None,
    ) -> None:
        self._exchange = exchange
        self._sessions = sessions
        self._frames = frames
        self._plan = frames.plan
        self._leave = leave
        self._taken: dict[str, list[str]] = {}

    def catch_up(self, now: Nanos) -> None:
        """Do what is due."""
        for fault, begins in self._plan.turns(now):
            if fault.kind.name in _WHOLE:
                if begins:
                    self._plan.done(fault, now)
                self._whole(fault, begins, now)
            elif fault.kind.name in _ONE:
                if begins:
                    self._taken[fault.label] = self._plan.choose(fault, self._active(), now)
                for ticker in self._taken[fault.label]:
                    if ticker in self._exchange.markets:  # a settled one is forgotten one day
                        _ONE[fault.kind.name](self, ticker, begins, now)

    def turned_away(self, now: Nanos) -> Reply | None:
        """What a new connection is told instead of being let in."""
        if self._plan.lasts("drop", now) or self._plan.lasts("hangup", now):
            return _AWAY
        refused = (kind for kind in REFUSED if self._plan.hit(kind, now, path=_DOOR) is not None)
        return next((REFUSED[kind] for kind in refused), None)

    def _active(self) -> list[str]:
        markets = self._exchange.markets.values()
        return [market.ticker for market in markets if market.status is MarketStatus.ACTIVE]

    # -- the exchange and its connections -------------------------------------------------------------------

    def _whole(self, fault: Fault, begins: bool, now: Nanos) -> None:
        name = fault.kind.name
        if name in ("halt", "shut"):
            up = not begins
            self._exchange.set_exchange(exchange_active=up or name == "halt", trading_active=up, now=now)
        elif begins and name == "overflow":
            for session in self._sessions:
                session.overflow("orderbook_delta", now)
        elif begins and name in ("drop", "hangup"):
            for session in self._sessions:
                session.end(name)

    # -- markets ------------------------------------------------------------------------------------------------

    def _crossed(self, ticker: str, begins: bool, now: Nanos) -> None:
        """A bid above the best ask that nobody made, until it is taken back."""
        phantoms, (_, ask) = self._frames.phantoms, self._exchange.best(ticker)
        if begins and ask is not None and ticker not in phantoms:
            grid = self._exchange.markets[ticker].grid
            price = grid.price(min(grid.index(ask) + 1, grid.size - 1))
            phantoms[ticker] = (price, _PHANTOM)
            self._show(ticker, price, _PHANTOM, now)
        elif not begins and ticker in phantoms:
            price, count = phantoms.pop(ticker)
            self._show(ticker, price, -count, now)

    def _negative(self, ticker: str, begins: bool, now: Nanos) -> None:
        levels = self._exchange.levels(ticker, Side.BID, 1)
        if begins and levels:
            price, count = levels[0]
            self._show(ticker, price, -count - CONTRACT, now)

    def _show(self, ticker: str, price: Price, delta: Count, now: Nanos) -> None:
        """Tell of a change of a bid that did not happen."""
        clock = self._exchange.markets[ticker].clock
        self._exchange.outbox.append(LevelChanged(ticker, Side.BID, price, delta, clock, now, "", ""))

    def _pause(self, ticker: str, begins: bool, now: Nanos) -> None:
        if begins:
            self._exchange.pause_market(ticker, now)
        elif self._exchange.markets[ticker].status is MarketStatus.INACTIVE:
            self._exchange.resume_market(ticker, now)

    def _close(self, ticker: str, begins: bool, now: Nanos) -> None:
        """The exchange says so a moment before, as it does when a question is settled early."""
        if begins:
            if self._leave is not None:
                self._leave(ticker)
            self._exchange.move_close(ticker, now, now)
            self._exchange.close_market(ticker, now)

    def _void(self, ticker: str, begins: bool, now: Nanos) -> None:
        if not begins:
            return
        self._close(ticker, begins, now)
        last = self._exchange.markets[ticker].last_price
        value: Money = DOLLAR // 2 if last is None else last * (DOLLAR // ONE)
        self._exchange.determine(ticker, "scalar", value, now)
        self._exchange.settle(ticker, now)


_WHOLE = ("drop", "hangup", "silence", "overflow", "halt", "shut")
_ONE: dict[str, Callable[[Deeds, str, bool, Nanos], None]] = {
    "crossed": Deeds._crossed,
    "negative": Deeds._negative,
    "pause": Deeds._pause,
    "close": Deeds._close,
    "void": Deeds._void,
}
