"""When to ask for what: snapshots first, the subscription again when none comes, then the connection.

One bad market must not cost the others theirs: a subscription is only given up for markets that are known to
be on it, and every unanswered request doubles the patience with that market.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kalshi_tui.orderbook.followed import Followed
from kalshi_tui.orderbook.streams import Stream
from kalshi_tui.protocol.effects import Reconnect, RequestSnapshots, Resubscribe
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Nanos

FIRST_SNAPSHOT: Nanos = 500 * MILLISECOND
"""A subscription sends its snapshots at once; ``add_markets`` sends none. After this we ask."""
PATIENCE: Nanos = 3 * SECOND
"""For the answer to a first ``get_snapshot``."""
RESUBSCRIBE_PATIENCE: Nanos = 10 * SECOND
CHUNK = 100
"""Markets in one request."""
_SCAN: Nanos = 100 * MILLISECOND
_MOST_DOUBLINGS = 5
_UNMENDABLE = ("off grid", "bad frame")
"""Reasons a new subscription would not cure: the snapshot itself is what we can not hold."""


class Recovery:
    """What is to be asked on one connection. ``BookFeed`` says when; this says what."""

    __slots__ = (
        "_again",
        "_at",
        "_check_every",
        "_reconnect",
        "_resubscribed",
        "_scanned",
        "book_sid",
        "probe",
    )

    def __init__(self, check_every: Nanos | None) -> None:
        self._check_every = check_every
        self.book_sid: int | None = None
        """The newest subscription of books: where a market is asked for that was seen on none."""
        self.probe = False
        """A frame could not be read: ask one market of every subscription, the answer's number will tell."""
        self._at: Nanos = 0
        self._scanned: Nanos = 0
        self._again: dict[int, str] = {}
        self._resubscribed: Nanos | None = None
        self._reconnect = ""

    def restart(self, at: Instant) -> None:
        self.book_sid = None
        self.probe = False
        self._at = self._scanned = at.mono
        self._again.clear()
        self._resubscribed = None
        self._reconnect = ""

    def subscribed(self, sid: int) -> None:
        self.book_sid = sid
        self._resubscribed = None

    def resubscribe(self, sid: int, why: str) -> None:
        self._again[sid] = why

    def reconnect(self, why: str) -> None:
        self._reconnect = why

    def scan(
        self, markets: Iterable[Followed], streams: Mapping[int | None, Stream], at: Instant
    ) -> list[Stream]:
        """Note what is overdue, at most ten times a second; returns streams that do not answer any more."""
        self._at = at.mono
        if at.mono - self._scanned < _SCAN:
            return []
        self._scanned = at.mono
        mute: dict[int | None, Stream] = {}
        for market in markets:
            stream = streams.get(market.sid)
            if market.asked is not None:
                patience = PATIENCE << min(market.tries - 1, _MOST_DOUBLINGS)
                if at.mono - market.asked <= patience:
                    continue
                market.asked = None
                market.wanted = True
                live = stream is not None and market.ticker in stream.live
                if stream is not None and not live and market.reason not in _UNMENDABLE:
                    mute[stream.sid] = stream
            elif market.reason == "waiting":
                began = market.since.mono if market.since is not None else at.mono
                market.wanted = market.wanted or at.mono - began > FIRST_SNAPSHOT
            elif self._check_every is not None and at.mono - market.compared >= self._check_every:
                market.wanted = True
        if self._resubscribed is not None and at.mono - self._resubscribed > RESUBSCRIBE_PATIENCE:
            self._resubscribed = None
            self._reconnect = "no answer to a subscription"
        return list(mute.values())

    def requests(
        self, conn: int, markets: Iterable[Followed], streams: Mapping[int | None, Stream], wanting: bool
    ) -> list[RequestSnapshots | Resubscribe | Reconnect]:
        """Everything due, once: what is handed out counts as asked. ``wanting``: some market wants a snapshot."""
        if not (self._reconnect or self._again or wanting or self.probe):
            return []
        if self._reconnect:
            why, self._reconnect = self._reconnect, ""
            return [Reconnect(conn, why)]
        out: list[RequestSnapshots | Resubscribe | Reconnect] = []
        for sid, why in self._again.items():
            out.append(Resubscribe(conn, sid, why))
            self._resubscribed = self._at
        self._again.clear()
        wanted: dict[int, list[str]] = {}
        for market in markets if wanting else ():
            sid_of = market.sid if market.sid is not None else self.book_sid
            if market.wanted and sid_of is not None and _open(streams.get(sid_of)):
                wanted.setdefault(sid_of, []).append(market.ticker)
                market.wanted = False
                market.asked = self._at
                market.tries += 1
        if self.probe:
            self.probe = False
            for stream in streams.values():
                if stream.sid is not None and stream.live and stream.sid not in wanted:
                    wanted[stream.sid] = [next(iter(stream.live))]
        for sid, tickers in wanted.items():
            for start in range(0, len(tickers), CHUNK):
                out.append(RequestSnapshots(conn, sid, tuple(tickers[start : start + CHUNK])))
        return out


def _open(stream: Stream | None) -> bool:
    return stream is not None and not stream.ended
