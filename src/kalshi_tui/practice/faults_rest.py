"""What faults do to one REST call: refuse it, carry it out twice, answer late, with old news, or not at all."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from kalshi_tui.practice.auth import UNKNOWN_KEY
from kalshi_tui.practice.calls import TOO_MANY_REQUESTS, Reply
from kalshi_tui.practice.faults import FaultPlan
from kalshi_tui.practice.refusals import Refusal
from kalshi_tui.protocol.units import Nanos

_UNAVAILABLE = Refusal(503, "service_unavailable", "service unavailable")
"""Invented: what a gateway says for an exchange that is not there."""
_OLD_KEPT = 1_000
"""Answers kept to be given again."""
REFUSED = {
    "unauthorized": Reply(401, UNKNOWN_KEY.body()),
    "error": Reply(503, _UNAVAILABLE.body()),
    "limit": TOO_MANY_REQUESTS,
}
"""Faults that keep a call from the exchange, and what they answer."""


class Answer(Struct, frozen=True):
    """A reply, how long it is kept back, and whether the connection breaks instead of carrying it."""

    reply: Reply
    wait: Nanos = 0
    lost: bool = False


class RestFaults:
    """The faults of all REST calls of one exchange."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self._old: dict[str, tuple[Nanos, Reply]] = {}

    def answer(self, call: str, query: str, carry_out: Callable[[], Reply], now: Nanos) -> Answer:
        """``call`` is method and path below the API's root, ``carry_out`` what the exchange does for it."""
        for kind, reply in REFUSED.items():
            if self.plan.hit(kind, now, path=call) is not None:
                return Answer(reply)
        lag = self.plan.hit("lag", now, path=call)
        reply = carry_out() if lag is None else self._lagging(f"{call}?{query}", lag.by, carry_out, now)
        if self.plan.hit("replay", now, path=call) is not None:
            reply = carry_out()
        lost = self.plan.hit("unanswered", now, path=call)
        if lost is not None:
            return Answer(reply, lost.by, lost=True)
        slow = self.plan.hit("slow", now, path=call)
        return Answer(reply, slow.by if slow is not None else 0)

    def _lagging(self, what: str, by: Nanos, carry_out: Callable[[], Reply], now: Nanos) -> Reply:
        """The reply to the same question of up to ``by`` ago, as from a copy that is brought up to date so often."""
        asked, reply = self._old.get(what, (now - by, None))
        if reply is None or now - asked >= by:
            reply = carry_out()
            self._old.pop(what, None)
            self._old[what] = (now, reply)
            if len(self._old) > _OLD_KEPT:
                del self._old[next(iter(self._old))]
        return reply
