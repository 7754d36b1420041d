"""The running exchange: one clock, the world that trades on it, who may call, and what they are told.

Every REST call and WebSocket command passes ``Service``: first the world and the expirations catch up with the
clock, then the call is carried out, then what happened is published. So nothing happens out of order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from kalshi_tui.practice.accounts import Account
from kalshi_tui.practice.auth import ApiKey, Doorkeeper
from kalshi_tui.practice.calls import TOO_MANY_REQUESTS, Call, Problem, Reply, Route, refuse
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.faults import FaultPlan
from kalshi_tui.practice.faults_deeds import Deeds
from kalshi_tui.practice.faults_frames import FrameFaults
from kalshi_tui.practice.faults_rest import Answer, RestFaults
from kalshi_tui.practice.limits import TIERS, Allowance
from kalshi_tui.practice.refusals import NOT_FOUND, Refusal
from kalshi_tui.practice.rest_orders import batch_items
from kalshi_tui.practice.ws_hub import Hub
from kalshi_tui.practice.ws_session import Session
from kalshi_tui.protocol.units import Money, Nanos

CONNECTIONS_MAX = 200
"""WebSocket connections of one user."""


class Outside(Protocol):
    """What trades on the exchange by itself."""

    def next_time(self) -> Nanos: ...

    def step(self, now: Nanos) -> None: ...


class Request(Struct, frozen=True):
    """An HTTP request without its transport. ``raw_path`` is what was signed: no host, no query."""

    method: str
    raw_path: str
    headers: Mapping[str, str]
    path: Mapping[str, str]
    query: Mapping[str, str]
    every: Callable[[str], list[str]]
    body: bytes


class Clock:
    """The wall clock, never backwards."""

    def __init__(self) -> None:
        self._last: Nanos = 0

    def __call__(self) -> Nanos:
        self._last = max(self._last, time.time_ns())
        return self._last


class Service:
    """An exchange that is being served."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        tier: str = "basic",
        clock: Callable[[], Nanos] | None = None,
        snapshot_on_add: bool = False,
    ) -> None:
        if tier not in TIERS:
            raise ValueError(f"tier {tier!r} is unknown; known ones: {', '.join(TIERS)}")
        self.exchange = exchange
        self.hub = Hub(exchange)
        self.doorkeeper = Doorkeeper()
        self.outside: Outside | None = None
        self.obey(FaultPlan())
        self.now: Callable[[], Nanos] = clock or Clock()
        self._tier = tier
        self._snapshot_on_add = snapshot_on_add
        self._allowances: dict[str, Allowance] = {}

    def open_account(self, user_id: str, cash: Money) -> Account:
        """A client's account with ``cash`` on every shard that lists a market."""
        account = self.exchange.account(user_id, cash)
        for shard in sorted({market.shard for market in self.exchange.markets.values()} - {0}):
            self.exchange.deposit(account, shard, cash)
        return account

    def admit(self, key: ApiKey) -> None:
        self.doorkeeper.admit(key)
        self._allowances[key.user_id] = Allowance(TIERS[self._tier])

    def obey(self, plan: FaultPlan, leave: Callable[[str], None] | None = None) -> None:
        """Let a plan's faults happen; ``leave`` hears of markets that end before their time. Called before
        anybody is connected."""
        self.plan = plan
        self._frames = FrameFaults(plan)
        self._calls = RestFaults(plan)
        self._deeds = Deeds(self.exchange, self.hub.sessions, self._frames, leave)

    # -- time ----------------------------------------------------------------------------------------------

    def catch_up(self, now: Nanos) -> None:
        """Let the world and the expirations reach ``now``, and publish what that brought."""
        if self.outside is not None and self.outside.next_time() <= now:
            self.outside.step(now)
        self.exchange.expire(now)
        self._deeds.catch_up(now)
        self.hub.publish(now)
        for session in self.hub.sessions:
            session.release(now)

    def next_wake(self) -> Nanos | None:
        """When something happens by itself again."""
        times = [self.exchange.next_expiration(), self.outside.next_time() if self.outside else None]
        return min((at for at in times if at is not None), default=None)

    # -- REST ------------------------------------------------------------------------------------------------

    def respond(self, route: Route, request: Request, root: str) -> Answer:
        """Carry out one REST call of a path below ``root``, unless a fault has it otherwise."""
        call = f"{request.method} {request.raw_path.removeprefix(root)}"
        query = "&".join(f"{name}={value}" for name, value in request.query.items())
        return self._calls.answer(call, query, lambda: self.answer(route, request), self.now())

    def answer(self, route: Route, request: Request) -> Reply:
        """Carry out one REST call."""
        now = self.now()
        self.catch_up(now)
        try:
            return route.handler(self._admitted(route, request, now))
        except Problem as problem:
            return problem.reply
        finally:
            self.hub.publish(now)

    def _admitted(self, route: Route, request: Request, now: Nanos) -> Call:
        """The call, once its signature and its cost are accepted; ``Problem`` otherwise."""
        user_id: str | None = None
        # A public call may be signed too, and is then paid from its account's bucket.
        if route.signed or "KALSHI-ACCESS-KEY" in request.headers:
            user_id = self._who(request.headers, request.method, request.raw_path, now)
        account = self.exchange.accounts[user_id] if user_id is not None else None
        allowance = self._allowances[user_id] if user_id is not None else None
        call = Call(
            self.exchange,
            account,
            allowance,
            self._tier,
            request.path,
            request.query,
            request.every,
            request.body,
            now,
        )
        if allowance is not None:
            cost = route.cost * len(batch_items(call)) if route.batch else route.cost
            if not allowance.take(route.bucket, cost, now):
                raise Problem(TOO_MANY_REQUESTS)
        return call

    def _who(self, headers: Mapping[str, str], method: str, path: str, now: Nanos) -> str:
        user_id, refusal = self.doorkeeper.check(headers, method, path, now)
        if user_id is None:
            raise refuse(refusal or NOT_FOUND)
        return user_id

    # -- WebSocket ---------------------------------------------------------------------------------------------

    def open_session(self, headers: Mapping[str, str], path: str) -> Session | Reply:
        """A session for a signed handshake, or the HTTP reply that refuses it."""
        away = self._deeds.turned_away(self.now())
        if away is not None:
            return away
        try:
            user_id = self._who(headers, "GET", path, self.now())
        except Problem as problem:
            return problem.reply
        if sum(session.user_id == user_id for session in self.hub.sessions) >= CONNECTIONS_MAX:
            return Reply(429, _CONNECTIONS.body())
        session = Session(self.exchange, user_id, snapshot_on_add=self._snapshot_on_add, faults=self._frames)
        self.hub.sessions.append(session)
        return session

    def close_session(self, session: Session) -> None:
        self.hub.sessions.remove(session)

    def command(self, session: Session, raw: str | bytes) -> None:
        """Carry out one WebSocket command."""
        now = self.now()
        self.catch_up(now)
        session.receive(raw, now)


_CONNECTIONS = Refusal(429, "too_many_connections", "too many connections")
"""Code invented."""
