"""Bytes of a WebSocket frame to one typed message. ``decode`` never raises: what is no message is said so.

**Repeated keys.** JSON decoders keep the last of two equal keys in silence, so a damaged frame could move the
wrong level. Two objects with ``n`` keys between them hold at least ``n - 2`` commas: one more for each key that
is repeated or unknown, and more still for commas inside texts. So where the commas are as few as the *different*
keys found need, no key came twice. In the layout nearly all frames have, all thirteen keys are required: eleven
commas and a successful decoding are the whole proof. A delta of another layout has its keys counted. Where the
numbers differ, and for all other messages (far rarer), the frame is parsed once more with every pair in sight.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TypeAlias

import msgspec
from msgspec import Struct

from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.wire_messages import (
    BookDelta,
    BookSnapshot,
    ErrorMessage,
    EventFeeUpdate,
    EventLifecycle,
    FillMessage,
    FullDelta,
    InvalidFrame,
    MarketLifecycle,
    MarketPosition,
    Natural,
    Ok,
    OrderGroupUpdate,
    Subscribed,
    Ticker,
    Trade,
    UnknownFrame,
    Unsubscribed,
    UserOrder,
)

_Tagged: TypeAlias = (
    BookSnapshot
    | BookDelta
    | Trade
    | Ticker
    | FillMessage
    | UserOrder
    | MarketPosition
    | MarketLifecycle
    | EventLifecycle
    | EventFeeUpdate
    | OrderGroupUpdate
    | Subscribed
    | Unsubscribed
    | Ok
    | ErrorMessage
)
KnownMessage: TypeAlias = _Tagged | FullDelta
Message: TypeAlias = KnownMessage | UnknownFrame | InvalidFrame

MAX_FRAME = 4 * 1024 * 1024
"""Bytes (or characters); a snapshot of the finest grid, full on both sides, stays below 1 MiB. Not asked of a
``FullDelta``: the socket lets nothing larger in, and on its path every question costs."""


class _Envelope(Struct, gc=False):
    """What must be readable of a message whose type is not known."""

    type: str
    sid: Natural | None = None
    seq: Natural | None = None


_decode_known = msgspec.json.Decoder(_Tagged).decode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_full = msgspec.json.Decoder(FullDelta).decode
_KNOWN_TYPES = frozenset(kind.__struct_config__.tag for kind in _Tagged.__args__)
# Bad UTF-8 and lone surrogates are ValueErrors, depth is a RecursionError: none of them is a MsgspecError.
_REFUSALS = (msgspec.MsgspecError, ValueError, RecursionError)
_NOT_FULL = (*_REFUSALS, TypeError)


def decode(raw: bytes | str) -> Message:
    """The message in ``raw``; ``UnknownFrame`` for a type we do not know, else ``InvalidFrame``."""
    try:
        # A first glance, so that little else is decoded twice: five keys in the frame, eight in its body. Text has
        # no count of bytes: a TypeError.
        if raw.count(b",") == 11:  # type: ignore[arg-type]
            return _decode_full(raw)
    except _NOT_FULL:
        pass
    if len(raw) > MAX_FRAME:
        return _invalid(raw, f"larger than {MAX_FRAME} bytes")
    return _decode_any(raw)


def _decode_any(raw: bytes | str) -> Message:
    try:
        message: _Tagged = _decode_known(raw)
    except _REFUSALS as error:
        return _unknown_or_invalid(raw, error)
    if type(message) is BookDelta:
        commas = raw.count(b",") if isinstance(raw, bytes) else raw.count(",")
        if commas == _commas_of(message):
            return message
    fault = _repeated_key(raw)
    return message if fault is None else _invalid(raw, fault)


def _commas_of(delta: BookDelta) -> int:
    """One between type and msg, three between the four keys every delta has, one for each optional key."""
    body = delta.msg
    optional = (delta.sid, delta.seq, delta.id, delta.sending_ts_ms, body.clock, body.ts_ms, body.ts)
    own = (body.client_order_id, body.subaccount, body.market_id)
    return 4 + len(optional) + len(own) - optional.count(None) - own.count(None)


def _unknown_or_invalid(raw: bytes | str, error: Exception) -> UnknownFrame | InvalidFrame:
    try:
        envelope = _decode_envelope(raw)
    except _REFUSALS:
        return _invalid(raw, str(error))
    if envelope.type in _KNOWN_TYPES:
        return _invalid(raw, str(error))
    fault = _repeated_key(raw)
    if fault is not None:
        return _invalid(raw, fault)
    return UnknownFrame(type=safe_text(envelope.type, 40), sid=envelope.sid, seq=envelope.seq)


def _repeated_key(raw: bytes | str) -> str | None:
    """What is wrong with the keys of ``raw``, None when each object has each key once."""
    try:
        json.loads(raw, object_pairs_hook=_refuse_repeats)
    except (ValueError, RecursionError) as error:
        return str(error)
    return None


def _refuse_repeats(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise ValueError(f"key {key!r} appears twice")
        seen.add(key)


def _invalid(raw: bytes | str, reason: str) -> InvalidFrame:
    body = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass")
    return InvalidFrame(reason=safe_text(reason, 160), sha256=sha256(body).hexdigest(), size=len(body))
