"""A whole desk in virtual time: kernel, venue client and subscriptions against the practice exchange, no sockets.

Nothing here sleeps and nothing reads a clock. Requests and frames take ``latency_ms`` each way; the world acts at
its own times; the kernel decides after everything that arrived at one instant, and every 50 ms. One run of a seed
is one history.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import partial
from typing import TypeVar, cast
from urllib.parse import unquote

import msgspec
from msgspec.structs import replace

from kalshi_tui.kernel.kernel import Kernel
from kalshi_tui.kernel.settings import KernelSettings
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.practice.calls import Call, Problem, Route
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.limits import TIERS, Allowance
from kalshi_tui.practice.rest_orders import batch_items
from kalshi_tui.practice.service import Service
from kalshi_tui.practice.sockets import all_routes
from kalshi_tui.practice.world import World
from kalshi_tui.practice.ws_session import Session
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.units import DOLLAR, MILLISECOND, SECOND, Money, Nanos
from kalshi_tui.protocol.wire import decode
from kalshi_tui.risk.chain import RiskParams
from kalshi_tui.venue.budget import TokenBucket
from kalshi_tui.venue.client import VenueClient
from kalshi_tui.venue.offset import ClockOffset
from kalshi_tui.venue.transport import Answer, Query, Transport
from kalshi_tui.ws_ingest.subscriptions import Subscriptions

START: Nanos = 1_790_000_000 * SECOND
TICK: Nanos = 50 * MILLISECOND
USER = "me"
CONN = 1
OVER = (MarketStatus.DETERMINED, MarketStatus.AMENDED, MarketStatus.FINALIZED)
T = TypeVar("T")


def settings(**changes: object) -> KernelSettings:
    """A practice desk's settings on a bankroll of 10,000 dollars."""
    fields: dict[str, object] = {
        "venue": "practice",
        "execution": "venue",
        "mode": "PRACTICE",
        "boot": "b",
        "risk": RiskParams.from_bankroll(10_000 * DOLLAR),
        "quote_at_start": True,
    } | changes
    return KernelSettings(**fields)  # type: ignore[arg-type]


def finished(work: Coroutine[object, object, T]) -> T:
    """The result of a coroutine that never really waits."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    raise AssertionError("a call to the exchange waited for something")


class _Direct:
    """The venue client's transport, straight into the exchange's handlers."""

    def __init__(self, desk: VirtualDesk) -> None:
        self.offset = ClockOffset()
        self.reads = TokenBucket(10**6, 10**6, 0)
        self.asked = desk.now
        self._desk = desk
        self._routes = [
            (route, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path))) for route in all_routes()
        ]

    def now(self) -> Instant:
        return self._desk.now

    async def read(self, path: str, query: Query | None = None, bulk: bool = False) -> Answer:
        return await self.send("GET", path, query=query)

    async def send(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: bytes | None = None,
        deadline_s: float = 0.0,
        withheld: Callable[[], str | None] = lambda: None,
    ) -> Answer:
        for route, pattern in self._routes:
            match = pattern.fullmatch(path)
            if match is not None and route.method == method:
                names = {name: unquote(text) for name, text in match.groupdict().items()}
                status, reply = self._desk.serve(route, names, query or {}, body or b"")
                return Answer(status, reply, self.asked, self._desk.now)
        raise AssertionError(f"the exchange has no {method} {path}")


class VirtualDesk:
    """``run`` advances everything; ``kernel``, ``exchange`` and ``world`` are there to be looked at.

    ``watch`` is called after every decision with its effects; ``account`` is the exchange's own record of ours.
    """

    def __init__(
        self,
        scenario: str,
        seed: int,
        kernel_settings: KernelSettings | None = None,
        *,
        speed: float = 1.0,
        latency_ms: float = 2.0,
        cash: Money = 10_000 * DOLLAR,
        tier: str = "basic",
        watch: Callable[[VirtualDesk, list[ef.Effect]], None] = lambda desk, effects: None,
    ) -> None:
        self.now = Instant(1_000 * SECOND, START)
        self.latency = int(latency_ms * MILLISECOND)
        self.exchange = Exchange(seed=seed)
        self.service = Service(self.exchange, clock=lambda: self.now.wall)
        self.world = World(self.exchange, seed, scenario, speed, start=START)
        self.service.outside = self.world
        self.account = self.service.open_account(USER, cash)
        self.session = Session(self.exchange, USER)
        self.service.hub.sessions.append(self.session)
        self.watch = watch
        self.decisions = 0
        self.ended: ef.EndDesk | None = None
        self.tier = tier
        self._allowance = Allowance(TIERS[tier])
        self._direct = _Direct(self)
        # The exchange itself enforces the write limit here, with a 429.
        self.venue = VenueClient(cast(Transport, self._direct), write_tokens=10**6)
        self._subscriptions = Subscriptions()
        self._agenda: list[tuple[Nanos, int, Callable[[], object]]] = []
        self._number = 0
        self._boot(kernel_settings or settings())

    # -- running -------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let this much time pass."""
        end = self.now.wall + int(seconds * SECOND)
        while self._step(end):
            pass

    def say(self, event: ev.KernelEvent) -> None:
        """Give the kernel an event of the test's own now; it decides at once."""
        self.kernel.apply(event)
        self._decide()

    def kill(self) -> None:
        """The desk dies without a word: its orders rest, what was on its way is lost."""
        self._agenda.clear()
        self.service.hub.sessions.remove(self.session)

    def stay_down(self, seconds: float) -> None:
        """The exchange goes on without a desk."""
        for _ in range(int(seconds)):
            self.now = self.now.plus(SECOND)
            self.service.catch_up(self.now.wall)

    def start_again(self, kernel_settings: KernelSettings, saved_day: Mapping[str, object]) -> None:
        """Another boot that knows only what the journal kept."""
        self.session = Session(self.exchange, USER)
        self.service.hub.sessions.append(self.session)
        self._subscriptions = Subscriptions()
        self._boot(kernel_settings, saved_day)

    # -- inside --------------------------------------------------------------------------------------

    def _boot(self, kernel_settings: KernelSettings, saved_day: Mapping[str, object] | None = None) -> None:
        tier = TIERS[self.tier]
        books = BookFeed(use_yes_price=True, check_every=4 * SECOND)
        self.kernel = Kernel(kernel_settings, books, self.now, saved_day)
        self.kernel.apply(ev.BudgetRead(self.now, tier.write_capacity, tier.write_capacity, tier.write))
        self.kernel.apply(cast(ev.KernelEvent, finished(self.venue.load_universe())))
        self.kernel.apply(ev.FeedOpened(self.now, CONN))
        self._subscriptions.opened()
        self._later(0, self._heartbeat)
        self._later(0, self._tick)

    def _later(self, delay: Nanos, action: Callable[[], object]) -> None:
        """The kernel decides after an action unless that returns False."""
        self._number += 1
        heapq.heappush(self._agenda, (self.now.wall + delay, self._number, action))

    def _step(self, end: Nanos) -> bool:
        """The next instant at which anything happens; False when it lies past ``end``."""
        wake = self.service.next_wake()
        at = min(self._agenda[0][0], end if wake is None else wake)
        at = max(at, self.now.wall)
        if at > end:
            self.now = self.now.plus(end - self.now.wall)
            return False
        self.now = self.now.plus(at - self.now.wall)
        self.service.catch_up(at)
        self._post()
        heard = False
        while self._agenda[0][0] <= at:
            _, _, action = heapq.heappop(self._agenda)
            heard = action() is not False or heard
            self._post()
        if heard:
            self._decide()
        return self.now.wall < end

    def _decide(self) -> None:
        effects = self.kernel.decide(self.now)
        self.decisions += 1
        self.watch(self, effects)
        for effect in effects:
            self._carry_out(effect)
        wanted = [m.ticker for m in self.kernel.state.markets.values() if m.facts.status not in OVER]
        self._subscriptions.want(wanted)
        for command in self._subscriptions.commands(self.now.mono):
            self._later(self.latency, partial(self._command, command))

    def _tick(self) -> None:
        self._later(TICK, self._tick)

    def _heartbeat(self) -> None:
        self.kernel.apply(ev.FeedHeard(self.now, CONN))
        self._later(SECOND, self._heartbeat)

    # -- the socket ----------------------------------------------------------------------------------

    def _post(self) -> None:
        """Frames that left the exchange are on their way."""
        while self.session.outgoing:
            sub, raw = self.session.outgoing.popleft()
            self.session.written(sub)
            self._later(self.latency, partial(self._frame, raw))

    def _frame(self, raw: bytes) -> None:
        message = decode(raw)
        self._subscriptions.on_message(message, self.now.mono)
        self.kernel.apply(ev.FrameReceived(self.now, CONN, message))

    def _command(self, raw: bytes) -> bool:
        self.session.receive(raw, self.now.wall)
        return False

    # -- requests ------------------------------------------------------------------------------------

    def serve(self, route: Route, names: dict[str, str], query: Query, body: bytes) -> tuple[int, bytes]:
        """One call at the exchange's door: what is due first, then the call, then its frames."""
        at = self.now.wall
        self.service.catch_up(at)
        texts = {name: str(value) for name, value in query.items()}
        account = self.account if route.signed else None

        def every(name: str) -> list[str]:
            return [texts[name]] if name in texts else []

        call = Call(self.exchange, account, self._allowance, self.tier, names, texts, every, body, at)
        cost = route.cost * len(batch_items(call)) if route.batch else route.cost
        try:
            if route.bucket == "write" and not self._allowance.take("write", cost, at):
                return 429, b'{"error":"too many requests"}'
            reply = route.handler(call)
        except Problem as problem:
            reply = problem.reply
        finally:
            self.service.hub.publish(at)
        if isinstance(reply.body, str):
            return reply.status, reply.body.encode()
        return reply.status, b"" if reply.body is None else msgspec.json.encode(reply.body)

    def _carry_out(self, effect: ef.Effect) -> None:
        match effect:
            case ef.RequestSnapshots(_, sid, tickers):
                self._subscriptions.request_snapshots(sid, tickers)
            case ef.Resubscribe(_, sid, _):
                self._subscriptions.resubscribe(sid)
            case ef.Reconnect(_, why):
                raise AssertionError(f"the desk wants a new connection: {why}")
            case ef.EndDesk():
                self.ended = effect
            case ef.Journal() | ef.Answer() | ef.Report():
                pass
            case _:
                self._later(self.latency, partial(self._request, effect, self.now))

    def _request(self, effect: ef.Effect, asked: Instant) -> bool:
        """A request reaches the exchange; its answer comes back later."""
        self._direct.asked = asked
        event = cast(ev.KernelEvent, finished(self._call(effect)))
        self._later(self.latency, partial(self._arrive, event))
        return False

    def _arrive(self, event: ev.KernelEvent) -> None:
        self.kernel.apply(replace(event, at=self.now))

    def _call(self, effect: ef.Effect) -> Coroutine[object, object, object]:
        venue = self.venue
        match effect:
            case ef.CreateOrder(order):
                return venue.create(order)
            case ef.AmendOrder():
                return venue.amend(effect)
            case ef.CancelOrder():
                return venue.cancel(effect)
            case ef.ReadOrders(resting_only, since):
                return venue.read_orders(resting_only, since)
            case ef.ReadFills(since):
                return venue.read_fills(since)
            case ef.ReadPositions():
                return venue.read_positions()
            case ef.ReadBalance():
                return venue.read_balance()
            case ef.ReadSettlements(since):
                return venue.read_settlements(since)
            case ef.ReadQueue(tickers):
                return venue.read_queue(tickers)
            case ef.ReadMarkets(tickers):
                return venue.read_markets(tickers)
            case ef.ReadCalendar():
                return venue.read_calendar()
            case ef.ReadExchangeStatus():
                return venue.read_exchange_status()
        raise AssertionError(f"nobody carries out {type(effect).__name__}")


def made(effects: list[ef.Effect], kind: type[T]) -> Iterator[T]:
    """The effects of one kind."""
    return (effect for effect in effects if isinstance(effect, kind))
