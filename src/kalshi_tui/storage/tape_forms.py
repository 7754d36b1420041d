"""The forms a tape may have, found by looking at its first row, and how a row of each is read.

| form | a row | sequence |
|---|---|---|
| ours | ``{"recv_ns","mono_ns","conn","raw"}``, facts and kernel events between | dense |
| conn | ``{"recv_ns","conn","event"}``: a whole subscription, the recorder's own rows between | dense |
| cut | ``{"recv_ms","event"}``: one market cut out of a wider subscription | sparse |
| raw | ``{"recv_ts_ns","raw"}`` | dense |
| bare | the frame itself, without a time | dense |
| object | one JSON object with ``frames``: ``[{"received_ms","frame"}, ...]`` | dense |
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct

from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.times import parse_time
from kalshi_tui.protocol.units import MILLISECOND
from kalshi_tui.storage.tape_rows import (
    Connected,
    Fact,
    KernelRow,
    MarketRotated,
    RecorderRow,
    RowsDropped,
    TapeRow,
    TapeStart,
    WatchMarket,
)

BAD_JSON = (msgspec.MsgspecError, ValueError, RecursionError)
"""Everything that reading a row raises where its bytes are not what they should be."""

_NONE = Raw(b"")
"""Stands for an absent key: msgspec has no optional ``Raw``."""

Stamp: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Millis: TypeAlias = Annotated[int, Meta(ge=0, le=2**43)]


class Placed(TapeRow, gc=False):
    """A row of a tape that has to be put in order: ``sid`` and ``seq`` as the frame says."""

    sid: int | None = None
    seq: int | None = None


class OurRow(Struct, gc=False):
    recv_ns: Stamp
    mono_ns: Stamp
    conn: int = 0
    raw: str | None = None
    raw_b64: str | None = None
    kernel: Raw = _NONE
    facts: TapeStart | None = None
    dropped: int | None = None


class ConnRow(Struct, gc=False):
    recv_ns: Stamp
    conn: int
    event: Raw


class CutRow(Struct, gc=False):
    recv_ms: _Millis
    event: Raw


class RawRow(Struct, gc=False):
    recv_ts_ns: Stamp
    raw: str


class ObjectFrame(Struct, gc=False):
    frame: Raw
    received_ms: _Millis


class _Head(Struct, gc=False):
    type: str
    sid: int | None = None
    seq: int | None = None


class _Stamped(Struct, gc=False):
    ts_ms: _Millis | None = None


class _Sent(Struct, gc=False):
    sending_ts_ms: _Millis | None = None
    msg: _Stamped | None = None


class _WatchBody(Struct):
    market_ticker: str
    close_time: str | None = None
    status: str = ""
    strike: float | None = None


class _RotatedBody(Struct):
    previous_market_ticker: str = ""
    active_market_ticker: str = ""


class _ConnectedBody(Struct):
    market_ticker: str = ""


class _Recorded(Struct):
    type: str
    msg: Raw = _NONE


_read_head = msgspec.json.Decoder(_Head).decode
_read_sent = msgspec.json.Decoder(_Sent).decode
_recorded = msgspec.json.Decoder(_Recorded).decode


def _head(raw: bytes) -> _Head:
    """Type and place of a frame. A frame that is no such thing is still a frame: its decoder will say so."""
    try:
        return _read_head(raw)
    except BAD_JSON:
        return _Head("")


def our_row(line: OurRow, row: int) -> TapeRow:
    fact: Fact | None = None
    raw: bytes | None = None
    if line.raw is not None:
        raw = line.raw.encode()
    elif line.kernel:
        fact = KernelRow(bytes(line.kernel))
    elif line.raw_b64 is not None:
        raw = base64.b64decode(line.raw_b64, validate=True)
    elif line.facts is not None:
        fact = line.facts
    elif line.dropped is not None:
        fact = RowsDropped(line.dropped)
    else:
        raise msgspec.ValidationError("the row holds neither a frame nor a fact")
    return TapeRow(line.recv_ns, line.mono_ns, line.conn, raw, fact, row)


def conn_row(line: ConnRow, row: int) -> Placed:
    raw = bytes(line.event)
    head = _head(raw)
    if head.type in _FACTS or head.type.startswith("ws_"):
        return _recorder_row(line, raw, row)
    return Placed(line.recv_ns, None, line.conn, raw, None, row, head.sid, head.seq)


def cut_row(line: CutRow, row: int) -> Placed:
    raw = bytes(line.event)
    head = _head(raw)
    return Placed(line.recv_ms * MILLISECOND, None, 1, raw, None, row, head.sid, head.seq)


def raw_row(line: RawRow, row: int) -> Placed:
    raw = line.raw.encode()
    head = _head(raw)
    return Placed(line.recv_ts_ns, None, 1, raw, None, row, head.sid, head.seq)


def object_row(line: ObjectFrame, row: int) -> Placed:
    raw = bytes(line.frame)
    head = _head(raw)
    return Placed(line.received_ms * MILLISECOND, None, 1, raw, None, row, head.sid, head.seq)


def bare_row(line: Raw, row: int) -> Placed:
    """A frame without a receive time: ``recv_ns`` is 0 where the exchange's stamp is missing too."""
    raw = bytes(line)
    head = _read_head(raw)
    try:
        sent = _read_sent(raw)
        stamp = sent.sending_ts_ms or (sent.msg.ts_ms if sent.msg is not None else None)
    except BAD_JSON:
        stamp = None
    return Placed((stamp or 0) * MILLISECOND, None, 1, raw, None, row, head.sid, head.seq)


def _recorder_row(line: ConnRow, raw: bytes, row: int) -> Placed:
    recorded = _recorded(raw)
    if recorded.type == "ws_subscribed" and recorded.msg:
        # The recorder wrapped the exchange's own reply: it goes to the book feed like any frame.
        return Placed(line.recv_ns, None, line.conn, bytes(recorded.msg), None, row)
    read = _FACTS.get(recorded.type)
    if read is not None and recorded.msg:
        fact = read(bytes(recorded.msg))
    else:
        fact = RecorderRow(safe_text(recorded.type, 40))
    return Placed(line.recv_ns, None, line.conn, None, fact, row)


def _watch(body: bytes) -> Fact:
    told = msgspec.json.decode(body, type=_WatchBody)
    close = parse_time(told.close_time) if told.close_time else None
    return WatchMarket(told.market_ticker, close, told.status, told.strike)


def _rotated(body: bytes) -> Fact:
    told = msgspec.json.decode(body, type=_RotatedBody)
    return MarketRotated(told.previous_market_ticker, told.active_market_ticker)


def _connected(body: bytes) -> Fact:
    return Connected(msgspec.json.decode(body, type=_ConnectedBody).market_ticker)


_FACTS: dict[str, Callable[[bytes], Fact]] = {
    "watch_market": _watch,
    "market_rotated": _rotated,
    "ws_connected": _connected,
}
