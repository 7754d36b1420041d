"""What should be subscribed against what is: a pure state machine that says which commands to send.

The wish (``want``) outlives connections; everything else is of one connection and forgotten by ``opened``.
Each channel is subscribed by a command of its own and has at most one command in flight, so that a reply is
matched by its id whether the exchange says ``subscribed`` (new) or ``ok`` (merged into one that was there).
Time is given, in monotonic nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Nanos
from kalshi_tui.protocol.wire import Message
from kalshi_tui.protocol.wire_messages import ErrorMessage, Ok, Subscribed, Unsubscribed

BOOK = "orderbook_delta"
TICKER_CHANNELS = (BOOK, "trade", "ticker")
ACCOUNT_CHANNELS = ("fill", "user_orders", "market_positions", "market_lifecycle_v2", "order_group_updates")

_CHUNK = 100
"""Tickers in one command: some 4 kB."""
_REPLY_WITHIN: Nanos = 10 * SECOND
_TERMINAL = frozenset((10, 17, 25))
"""Error codes after which a subscription is gone: channel error, internal error, buffer overflow."""
_UNKNOWN_SID = 7
_TRY_AGAIN = frozenset((18, 27))
"""Command timeout, too many commands."""
_FIRST_RETRY: Nanos = 250 * MILLISECOND
_LAST_RETRY: Nanos = 30 * SECOND
_CALM: Nanos = 60 * SECOND
"""After this long without a failure the next one counts as the first."""

Operation = Literal["subscribe", "add_markets", "delete_markets", "unsubscribe"]


class _Pending(Struct, gc=False):
    id: int
    operation: Operation
    tickers: tuple[str, ...]
    deadline: Nanos


class _Channel:
    """One channel of the present connection. ``have`` is what its subscription holds, in order."""

    __slots__ = (
        "dropping",
        "failures",
        "have",
        "limit",
        "name",
        "pending",
        "per_ticker",
        "refused",
        "retry_at",
        "sid",
    )

    def __init__(self, name: str, per_ticker: bool, chunk: int) -> None:
        self.name = name
        self.per_ticker = per_ticker
        self.opened(chunk)

    def opened(self, chunk: int) -> None:
        self.failures = 0
        self.retry_at: Nanos = 0
        self.limit = chunk
        """Tickers a command may name: halved by a refusal, so that one bad ticker does not cost the rest."""
        self.sid: int | None = None
        self.have: dict[str, None] = {}
        self.pending: _Pending | None = None
        self.dropping = False
        self.refused: set[str] = set()
        """Tickers (or, for an account channel, its own name) the exchange refused: not asked again."""

    def gone(self) -> None:
        self.sid = None
        self.have = {}
        self.dropping = False


class Subscriptions:
    """The desired state and the commands that bring it about."""

    def __init__(self, account: bool = True, use_yes_price: bool = True, chunk: int = _CHUNK) -> None:
        self._use_yes_price = use_yes_price
        self._chunk = chunk
        self._wanted: dict[str, None] = {}
        self._channels = [_Channel(name, True, chunk) for name in TICKER_CHANNELS]
        if account:
            self._channels += [_Channel(name, False, chunk) for name in ACCOUNT_CHANNELS]
        self._broken: str | None = None
        self._next_id = 1
        self._extra: list[bytes] = []
        self.problems: dict[str, str] = {}
        """Channel to a sentence on what the exchange refused, for the connection at hand."""

    def want(self, tickers: Iterable[str]) -> None:
        """The whole set of markets to follow from now on, over all connections to come."""
        self._wanted = dict.fromkeys(tickers)

    def opened(self) -> None:
        """A new connection: nothing is subscribed on it and nothing is under way."""
        self._extra = []
        self._broken = None
        self.problems = {}
        for channel in self._channels:
            channel.opened(self._chunk)

    def sids(self) -> dict[str, int]:
        """Channel to its subscription on this connection, where there is one."""
        return {channel.name: channel.sid for channel in self._channels if channel.sid is not None}

    def request_snapshots(self, sid: int, tickers: Sequence[str]) -> None:
        """Ask for the books of these markets again; the snapshots come in the subscription's own stream."""
        for start in range(0, len(tickers), self._chunk):
            part = tuple(tickers[start : start + self._chunk])
            self._extra.append(self._update(self._take_id(), sid, "get_snapshot", part))

    def resubscribe(self, sid: int) -> None:
        """Unsubscribe and subscribe again; nothing where this sid is not (or no longer) ours."""
        for channel in self._channels:
            if channel.sid == sid:
                channel.dropping = True

    def commands(self, now: Nanos) -> list[bytes]:
        """Everything to send now, in order; each command is returned once."""
        out, self._extra = self._extra, []
        for channel in self._channels:
            if channel.pending is None and now >= channel.retry_at:
                command = self._next_command(channel, now)
                if command is not None:
                    out.append(command)
        return out

    def overdue(self, now: Nanos) -> str | None:
        """Why the connection is beyond trust: an unanswered command, an error that names no subscription."""
        if self._broken is not None:
            return self._broken
        for channel in self._channels:
            if channel.pending is not None and now >= channel.pending.deadline:
                return f"no reply to {channel.pending.operation} of {channel.name}"
        return None

    def on_message(self, message: Message, now: Nanos) -> None:
        """Take note of replies and of errors that end a subscription; other messages change nothing."""
        if isinstance(message, Subscribed):
            self._replied(message.id, message.msg.sid, now)
        elif isinstance(message, Ok | Unsubscribed):
            self._replied(message.id, message.sid, now)
        elif isinstance(message, ErrorMessage):
            self._failed(message, now)

    def _next_command(self, channel: _Channel, now: Nanos) -> bytes | None:
        if channel.dropping and channel.sid is not None:
            return self._send(channel, "unsubscribe", (), now)
        if not channel.per_ticker:
            if channel.sid is None and channel.name not in channel.refused:
                return self._send(channel, "subscribe", (), now)
            return None
        wanted = [ticker for ticker in self._wanted if ticker not in channel.refused]
        if not wanted:
            # Deleting the last market could leave an unfiltered subscription: everything the exchange has.
            return self._send(channel, "unsubscribe", (), now) if channel.sid is not None else None
        missing = [ticker for ticker in wanted if ticker not in channel.have][: channel.limit]
        if missing:
            return self._send(
                channel, "add_markets" if channel.sid is not None else "subscribe", missing, now
            )
        extra = [ticker for ticker in channel.have if ticker not in self._wanted][: self._chunk]
        return self._send(channel, "delete_markets", extra, now) if extra else None

    def _send(self, channel: _Channel, operation: Operation, tickers: Sequence[str], now: Nanos) -> bytes:
        number = self._take_id()
        channel.pending = _Pending(number, operation, tuple(tickers), now + _REPLY_WITHIN)
        if operation == "subscribe":
            params: dict[str, object] = {"channels": [channel.name]}
            if channel.per_ticker:
                params["market_tickers"] = list(tickers)
            if channel.name == BOOK:
                params["use_yes_price"] = self._use_yes_price
            return _command(number, "subscribe", params)
        assert channel.sid is not None
        if operation == "unsubscribe":
            return _command(number, "unsubscribe", {"sids": [channel.sid]})
        return self._update(number, channel.sid, operation, tickers)

    def _update(self, number: int, sid: int, action: str, tickers: Sequence[str]) -> bytes:
        params = {"sid": sid, "action": action, "market_tickers": list(tickers)}
        return _command(number, "update_subscription", params)

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    def _owner(self, number: int | None) -> _Channel | None:
        if number is None:
            return None
        return next((c for c in self._channels if c.pending is not None and c.pending.id == number), None)

    def _replied(self, number: int | None, sid: int | None, now: Nanos) -> None:
        channel = self._owner(number)
        if channel is None or channel.pending is None:
            return
        done, channel.pending = channel.pending, None
        if done.operation == "unsubscribe":
            channel.gone()
            return
        if sid is not None:
            channel.sid = sid
        if channel.sid is None:
            self._back_off(channel, now)
            return
        channel.limit = min(self._chunk, channel.limit * 2)
        if done.operation == "delete_markets":
            for ticker in done.tickers:
                channel.have.pop(ticker, None)
            return
        channel.have.update(dict.fromkeys(done.tickers))
        if channel.name == BOOK and done.operation == "add_markets":
            # Added markets were seen to come without a snapshot of their own.
            self.request_snapshots(channel.sid, done.tickers)

    def _failed(self, message: ErrorMessage, now: Nanos) -> None:
        code = message.msg.code
        if message.sid is not None and (code in _TERMINAL or code == _UNKNOWN_SID):
            for channel in self._channels:
                if channel.sid == message.sid:
                    channel.pending = None
                    channel.gone()
                    self._back_off(channel, now)
            return
        owner = self._owner(message.id)
        if owner is None or owner.pending is None:
            if code in _TERMINAL and message.id is None:
                self._broken = f"error {code} of the exchange names no subscription"
            return
        failed, owner.pending = owner.pending, None
        if failed.operation == "unsubscribe" or code == _UNKNOWN_SID:
            owner.gone()
        elif failed.operation == "delete_markets":
            owner.dropping = True
        elif code not in _TRY_AGAIN:
            self._refused(owner, failed, message)
            return
        self._back_off(owner, now)

    def _refused(self, channel: _Channel, failed: _Pending, message: ErrorMessage) -> None:
        if len(failed.tickers) > 1:
            channel.limit = len(failed.tickers) // 2
            return
        channel.refused.update(failed.tickers or (channel.name,))
        what = f"{channel.name} of {failed.tickers[0]}" if failed.tickers else channel.name
        self.problems[channel.name] = safe_text(
            f"The exchange refused {what} (code {message.msg.code}: {safe_text(message.msg.msg, 80)})."
        )

    def _back_off(self, channel: _Channel, now: Nanos) -> None:
        if now - channel.retry_at > _CALM:
            channel.failures = 0
        channel.retry_at = now + min(_LAST_RETRY, _FIRST_RETRY * 2 ** min(channel.failures, 10))
        channel.failures += 1


def _command(number: int, name: str, params: dict[str, object]) -> bytes:
    return msgspec.json.encode({"id": number, "cmd": name, "params": params})
