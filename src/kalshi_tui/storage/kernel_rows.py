"""Kernel events as rows of the tape, and back: with the frames they replay a whole day.

A row is ``{"type": <name of the event>, ...fields}``. Frames are not written this way (their bytes are on the
tape already). Each ``decide`` is a row too, because when it was called is part of what happened.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

import msgspec
from msgspec import Raw, Struct

from kalshi_tui.protocol import events
from kalshi_tui.protocol.events import FrameReceived, KernelEvent
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.ticks import TickGrid


class Decided(Struct, frozen=True):
    """``decide`` was called at this instant, after everything before this row was applied."""

    at: Instant


Recorded: TypeAlias = KernelEvent | Decided

_TYPES: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (*events.KernelEvent.__args__, Decided) if kind is not FrameReceived
}


class _Typed(Struct):
    type: str


def _to_json(value: object) -> object:
    if isinstance(value, TickGrid):
        return value.bands
    raise NotImplementedError(f"{type(value).__name__} has no form on a tape")


def _from_json(kind: type, value: Any) -> object:
    if kind is TickGrid:
        return TickGrid.of(tuple(band) for band in value)
    raise NotImplementedError(f"{kind.__name__} has no form on a tape")


@cache
def _decoder(name: str) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_TYPES[name], dec_hook=_from_json)


_encoder = msgspec.json.Encoder(enc_hook=_to_json)


def encode(event: Recorded) -> bytes:
    """The JSON object of an event that is no frame."""
    name = type(event).__name__
    if name not in _TYPES:
        raise ValueError(f"{name} is not written as a kernel row")
    return b'{"type":"' + name.encode() + b'",' + _encoder.encode(event)[1:]


def decode(body: bytes | Raw) -> Recorded:
    """The event of such an object; ``ValueError`` for what none of ours is or was."""
    try:
        name = msgspec.json.decode(body, type=_Typed).type
        if name not in _TYPES:
            raise ValueError(f"{name[:40]!r} is no kernel event")
        event: Recorded = _decoder(name).decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"the kernel event can not be read ({error})") from None
    return event
