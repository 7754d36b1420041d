"""One client's WebSocket session without its socket: commands in, frames out, sequence numbers kept."""

from __future__ import annotations

from asyncio import Event
from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from kalshi_tui.practice import ws_frames
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.faults import FaultPlan
from kalshi_tui.practice.faults_frames import FrameFaults
from kalshi_tui.practice.limits import Bucket
from kalshi_tui.practice.markets import MarketState
from kalshi_tui.protocol.units import MILLISECOND, Nanos

SEQUENCED = ("orderbook_delta", "trade", "order_group_updates", "market_lifecycle_v2")
"""Channels whose messages are numbered."""
CHANNELS = (*SEQUENCED, "ticker", "fill", "user_orders", "market_positions")
_WITHOUT_TICKERS = ("order_group_updates", "market_lifecycle_v2")

BUFFER = 10_000
"""Frames of one subscription that may wait for a slow client; invented."""
MARKETS_MAX = 500_000
COMMANDS_PER_S = 10_000

ERRORS = {
    1: "Unable to process message",
    2: "Params required",
    3: "Channels required",
    4: "Subscription IDs required",
    5: "Unknown command",
    7: "Unknown subscription ID",
    8: "Unknown channel name",
    11: "Invalid parameter",
    12: "Exactly one subscription ID is required",
    13: "Unsupported action",
    14: "Market Ticker required",
    15: "Action required",
    25: "Subscription buffer overflow",
    26: "Subscription market limit exceeded",
    27: "Too many requests",
}


class Subscription(Struct, eq=False):
    """One channel on one socket. ``tickers`` None is every market; ``seq`` counts what carries numbers."""

    sid: int
    channel: str
    tickers: dict[str, None] | None
    use_yes_price: bool = False
    skip_ticker_ack: bool = False
    seq: int = 0
    queued: int = 0
    """Frames made but not yet written to the socket."""
    held: bytes | None = None
    """A frame that a fault sends after the next one."""

    def wants(self, ticker: str) -> bool:
        return self.tickers is None or ticker in self.tickers

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq


class CommandError(Exception):
    def __init__(self, code: int, sid: int | None = None) -> None:
        super().__init__(ERRORS[code])
        self.code = code
        self.sid = sid


class Session:
    """What one connection subscribed to, and the frames that wait to be written to it.

    ``snapshot_on_add`` sends a book snapshot after ``add_markets``, which the real service was not seen to do.
    ``faults`` are what a plan does to its frames.
    """

    def __init__(
        self,
        exchange: Exchange,
        user_id: str,
        *,
        snapshot_on_add: bool = False,
        faults: FrameFaults | None = None,
    ) -> None:
        self.user_id = user_id
        self.ending = ""
        """How its connection is to end now: ``drop`` or ``hangup``; empty while it is to stay."""
        self.by_channel: dict[str, Subscription] = {}
        self.outgoing: deque[tuple[Subscription | None, bytes]] = deque()
        self.wake = Event()
        """Set whenever something waits in ``outgoing``, or the connection is to end."""
        self._exchange = exchange
        self._snapshot_on_add = snapshot_on_add
        self._faults = faults or FrameFaults(FaultPlan())
        self._late: deque[tuple[Nanos, Subscription | None, bytes]] = deque()
        self._sids = 0
        self._rate = Bucket(COMMANDS_PER_S, COMMANDS_PER_S)

    # -- frames out ----------------------------------------------------------------------------------------

    def send(
        self,
        sub: Subscription,
        kind: str,
        msg: bytes,
        now: Nanos,
        command_id: int | None = None,
        ticker: str | None = None,
    ) -> None:
        """One message of a subscription, about a market; numbered on a sequenced channel. A subscription whose
        client does not read is ended with error 25."""
        head = f'{{"type":"{kind}","sid":{sub.sid}'
        if command_id:
            head += f',"id":{command_id}'
        if sub.channel in SEQUENCED:
            head += f',"seq":{sub.next_seq()}'
        head += f',"sending_ts_ms":{now // MILLISECOND},"msg":'
        for frame in self._faults.passed(sub, kind, head.encode() + msg + b"}", ticker or "", now):
            self._put(sub, frame, now)
            sub.queued += 1
        if sub.queued >= BUFFER:
            self.overflow(sub.channel, now)

    def overflow(self, channel: str, now: Nanos) -> None:
        """End a subscription with error 25, where there is one."""
        sub = self.by_channel.pop(channel, None)
        if sub is not None:
            seq = sub.next_seq() if channel in SEQUENCED else None
            self._reply("error", now, sid=sub.sid, seq=seq, msg={"code": 25, "msg": ERRORS[25]})

    def end(self, how: str) -> None:
        """The connection is to end (``drop`` or ``hangup``); whoever writes to it does so."""
        self.ending = how
        self.wake.set()

    def release(self, now: Nanos) -> None:
        """Queue what was kept back and is due."""
        while self._late and self._late[0][0] <= now:
            _, sub, frame = self._late.popleft()
            self._queue(sub, frame)

    def _put(self, sub: Subscription | None, frame: bytes, now: Nanos) -> None:
        """Into the queue, or behind what is late."""
        due = now + self._faults.plan.lateness(now)
        if due > now or self._late:
            self._late.append((max(due, self._late[-1][0] if self._late else due), sub, frame))
        else:
            self._queue(sub, frame)

    def _reply(self, kind: str, now: Nanos, **fields: object) -> None:
        present = {name: value for name, value in fields.items() if value is not None}
        frame = {"type": kind, **present, "sending_ts_ms": now // MILLISECOND}
        self._put(None, msgspec.json.encode(frame), now)

    def _queue(self, sub: Subscription | None, frame: bytes) -> None:
        self.outgoing.append((sub, frame))
        self.wake.set()

    def written(self, sub: Subscription | None) -> None:
        """A frame left for the socket."""
        if sub is not None:
            sub.queued -= 1

    # -- commands in ---------------------------------------------------------------------------------------

    def receive(self, raw: str | bytes, now: Nanos) -> None:
        """Carry out one command; what is wrong with it is answered, never raised."""
        command_id: int | None = None
        try:
            command = _command(raw)
            command_id = command["id"] or None
            if not self._rate.take(1, now):
                raise CommandError(27)
            self._obey(command, command_id, now)
        except CommandError as error:
            msg = {"code": error.code, "msg": ERRORS[error.code]}
            self._reply("error", now, id=command_id, msg=msg)

    def _obey(self, command: dict[str, Any], command_id: int | None, now: Nanos) -> None:
        name = command.get("cmd")
        if name == "list_subscriptions":
            rows = [{"channel": s.channel, "sid": s.sid} for s in self.by_channel.values()]
            self._reply("ok", now, id=command_id, msg=rows)
            return
        if name not in ("subscribe", "unsubscribe", "update_subscription"):
            raise CommandError(5)
        params = command.get("params")
        if not isinstance(params, dict):
            raise CommandError(2)
        if name == "subscribe":
            self._subscribe(params, command_id, now)
        elif name == "unsubscribe":
            self._unsubscribe(params, command_id, now)
        else:
            self._update(params, command_id, now)

    def _subscribe(self, params: dict[str, Any], command_id: int | None, now: Nanos) -> None:
        channels = params.get("channels")
        if not isinstance(channels, list) or not channels:
            raise CommandError(3)
        if any(channel not in CHANNELS for channel in channels):
            raise CommandError(8)
        tickers = self._tickers(params)
        if "orderbook_delta" in channels and not tickers:
            raise CommandError(14)
        for channel in dict.fromkeys(channels):
            wanted = None if channel in _WITHOUT_TICKERS or not tickers else dict.fromkeys(tickers)
            sub = self.by_channel.get(channel)
            if sub is None:
                sub = self._open(channel, wanted, params)
                msg = {"channel": channel, "sid": sub.sid}
                self._reply("subscribed", now, id=command_id, msg=msg)
                added = list(wanted or ())
            else:
                added = self._merge(sub, wanted)
                self._acknowledge(sub, command_id, now)
            self._first_messages(sub, added, params, now)

    def _open(self, channel: str, wanted: dict[str, None] | None, params: dict[str, Any]) -> Subscription:
        self._sids += 1
        sub = Subscription(
            self._sids,
            channel,
            wanted,
            use_yes_price=params.get("use_yes_price") is True,
            skip_ticker_ack=params.get("skip_ticker_ack") is True,
        )
        self.by_channel[channel] = sub
        return sub

    @staticmethod
    def _merge(sub: Subscription, wanted: dict[str, None] | None) -> list[str]:
        """Add markets; those that are new to the subscription."""
        if sub.tickers is None or wanted is None:
            sub.tickers = None
            return []
        added = [ticker for ticker in wanted if ticker not in sub.tickers]
        sub.tickers.update(wanted)
        return added

    def _first_messages(
        self, sub: Subscription, added: list[str], params: dict[str, Any], now: Nanos
    ) -> None:
        if sub.channel == "orderbook_delta":
            self._snapshots(sub, added, now)
        elif sub.channel == "ticker" and params.get("send_initial_snapshot") is True:
            for ticker in added:
                market = self._exchange.markets.get(ticker)
                if market is not None:
                    self.send(sub, "ticker", ws_frames.ticker_msg(market, now), now)

    def _snapshots(
        self, sub: Subscription, tickers: Iterable[str], now: Nanos, command_id: int | None = None
    ) -> None:
        for ticker in tickers:
            market = self._exchange.markets.get(ticker)
            if market is not None:
                self.show_book(sub, market, now, command_id)

    def show_book(
        self, sub: Subscription, market: MarketState, now: Nanos, command_id: int | None = None
    ) -> None:
        """A snapshot of a whole book."""
        yes = sub.use_yes_price
        msg = ws_frames.snapshot_msg(market, use_yes_price=yes)
        msg = self._faults.snapshot(market.ticker, msg, now, use_yes_price=yes)
        self.send(sub, "orderbook_snapshot", msg, now, command_id, market.ticker)

    def _acknowledge(self, sub: Subscription, command_id: int | None, now: Nanos) -> None:
        """``ok`` with the full list after the change; it takes the next number of a sequenced channel."""
        seq = sub.next_seq() if sub.channel in SEQUENCED else None
        listed = sub.tickers is not None and not sub.skip_ticker_ack
        msg = {"market_tickers": sorted(sub.tickers or ())} if listed else None
        self._reply("ok", now, id=command_id, sid=sub.sid, seq=seq, msg=msg)

    def _unsubscribe(self, params: dict[str, Any], command_id: int | None, now: Nanos) -> None:
        sids = params.get("sids")
        if not isinstance(sids, list) or not sids:
            raise CommandError(4)
        subs = [self._by_sid(sid) for sid in sids]
        for sub in dict.fromkeys(subs):
            del self.by_channel[sub.channel]
            self._reply("unsubscribed", now, id=command_id, sid=sub.sid, seq=sub.next_seq())

    def _update(self, params: dict[str, Any], command_id: int | None, now: Nanos) -> None:
        sids = [params["sid"]] if params.get("sid") is not None else params.get("sids")
        if not isinstance(sids, list) or len(sids) != 1:
            raise CommandError(12)
        sub = self._by_sid(sids[0])
        action = params.get("action")
        if not action:
            raise CommandError(15)
        if action not in ("add_markets", "delete_markets", "get_snapshot"):
            raise CommandError(13)
        tickers = self._tickers(params)
        if not tickers:
            raise CommandError(14)
        if action == "get_snapshot":
            self._get_snapshot(sub, tickers, command_id, now)
        elif action == "add_markets":
            added = self._merge(sub, dict.fromkeys(tickers)) if sub.tickers is not None else []
            self._acknowledge(sub, command_id, now)
            if sub.channel != "orderbook_delta" or self._snapshot_on_add:
                self._first_messages(sub, added, params, now)
        else:
            for ticker in tickers:
                if sub.tickers is not None:
                    sub.tickers.pop(ticker, None)
            self._acknowledge(sub, command_id, now)

    def _get_snapshot(
        self, sub: Subscription, tickers: list[str], command_id: int | None, now: Nanos
    ) -> None:
        """Books in-stream, under the command's id, each with the next number; nothing else changes."""
        if sub.channel != "orderbook_delta":
            raise CommandError(13)
        if not all(sub.wants(ticker) and ticker in self._exchange.markets for ticker in tickers):
            raise CommandError(11)
        if self._faults.refuses_snapshot(tickers, now):
            raise CommandError(1)
        self._snapshots(sub, tickers, now, command_id)

    def _by_sid(self, sid: object) -> Subscription:
        for sub in self.by_channel.values():
            if sub.sid == sid:
                return sub
        raise CommandError(7)

    def _tickers(self, params: dict[str, Any]) -> list[str]:
        """The markets a command names, by ticker or id; error 11 unless they are texts, 26 when too many."""
        one, many = params.get("market_ticker"), params.get("market_tickers")
        ids = params.get("market_ids") or ([params["market_id"]] if params.get("market_id") else [])
        if one is not None and many is not None:
            raise CommandError(11)
        named = [one] if one is not None else (many or [])
        if not isinstance(named, list) or not isinstance(ids, list):
            raise CommandError(11)
        if not all(isinstance(text, str) for text in (*named, *ids)):
            raise CommandError(11)
        if len(named) + len(ids) > MARKETS_MAX:
            raise CommandError(26)
        if ids:
            by_id = {market.market_id: ticker for ticker, market in self._exchange.markets.items()}
            named = [*named, *(by_id[market_id] for market_id in ids if market_id in by_id)]
        return named


def _command(raw: str | bytes) -> dict[str, Any]:
    """The command object; error 1 when it is none."""
    try:
        command = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise CommandError(1) from None
    if not isinstance(command, dict) or not isinstance(command.setdefault("id", 0), int):
        raise CommandError(1)
    return command
