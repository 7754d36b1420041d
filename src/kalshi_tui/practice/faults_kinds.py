"""What can go wrong with the practice exchange: the words of a fault plan."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.protocol.units import SECOND, Nanos

CREATE = "POST /portfolio/events/orders"


class Kind(Struct, frozen=True):
    """One thing that can go wrong. ``takes`` are the keys a plan may give beside ``at``, ``for`` and ``every``."""

    name: str
    meaning: str
    takes: tuple[str, ...] = ()
    by: Nanos = 0
    """What ``by`` is where the plan does not say; 0 where it means nothing."""
    path: str = "*"
    lasting: bool = False
    """It is nothing without ``for``."""
    times: int | None = None
    """What ``times`` is where the plan does not say but gives ``for``; None: no end."""


_FRAMES = ("market", "share", "times")
_MARKETS = ("market", "share", "times")
_CALLS = ("path", "share", "times")

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        # The connection.
        Kind("drop", "connections break without a word; with `for` nobody gets in meanwhile"),
        Kind("hangup", "connections are closed with code 1001; with `for` nobody gets in meanwhile"),
        Kind("silence", "connections stay open, with not a byte and not a pong", lasting=True),
        # Frames.
        Kind("lose", "a delta of a book is numbered and not sent", _FRAMES),
        Kind("dup", "a delta of a book is sent twice", _FRAMES),
        Kind("swap", "a delta of a book is sent after the next one", _FRAMES),
        Kind("delay", "frames come late, in the end by `by`", ("by",), 3 * SECOND, lasting=True),
        Kind("differ", "a snapshot shows a contract more than there is", _FRAMES),
        Kind("refuse", "get_snapshot is answered with error 1", _FRAMES),
        Kind("mute", "fills, order updates and positions are not told", _FRAMES),
        Kind("overflow", "the books' channel is ended with error 25"),
        Kind(
            "crossed",
            "a bid stands above the best ask, in deltas and snapshots",
            _MARKETS,
            lasting=True,
            times=1,
        ),
        Kind("negative", "a delta takes more from the best bid than there is", _MARKETS, times=1),
        # Requests.
        Kind("error", "requests are answered 503 and not carried out", _CALLS),
        Kind("limit", "requests are answered 429 and not carried out", _CALLS),
        Kind("unauthorized", "requests and new connections are answered 401", _CALLS),
        Kind(
            "unanswered",
            "requests are carried out and not answered; after `by` the connection breaks",
            (*_CALLS, "by"),
            10 * SECOND,
            CREATE,
        ),
        Kind("slow", "requests are carried out and answered after `by`", (*_CALLS, "by"), SECOND),
        Kind("replay", "requests are carried out twice, and the second answer is given", _CALLS, path=CREATE),
        Kind(
            "lag", "reads show what was true up to `by` ago", (*_CALLS, "by"), 3 * SECOND, "GET /portfolio/*"
        ),
        # The exchange and its markets.
        Kind("halt", "trading is paused on the whole exchange, cancels go on", lasting=True),
        Kind("shut", "the whole exchange is paused, cancels too", lasting=True),
        Kind("pause", "a market is paused", _MARKETS, times=1),
        Kind("close", "a market closes early", _MARKETS, times=1),
        Kind("void", "a market settles at its last price, neither yes nor no", _MARKETS, times=1),
    )
}


class Fault(Struct, frozen=True):
    """One row of a plan. Times are nanoseconds since the exchange was ready.

    A window opens at ``at`` and, with ``every``, again and again. It is ``lasts`` long, or open until ``times``
    messages (or markets) were taken. ``share`` is the probability of each that matches ``market`` or ``path``.
    """

    kind: Kind
    at: Nanos
    label: str
    """The name under which it is counted."""
    lasts: Nanos | None = None
    every: Nanos | None = None
    times: int | None = None
    """How many a window takes; None: all."""
    share: float = 1.0
    market: str = "*"
    path: str = "*"
    by: Nanos = 0

    def within(self, since: Nanos) -> Nanos:
        """How long a window is open, ``since`` nanoseconds after the start (which is not before ``at``)."""
        open_for = since - self.at
        return open_for % self.every if self.every else open_for
