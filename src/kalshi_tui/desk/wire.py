"""The language of the control socket: a 4-byte length, then msgpack of one tagged struct.

Commands go to the desk, ``Hello``, views, cards, acks and a ``Goodbye`` come back. Both ends bound what
they take: a frame that is too long, or that is no message, ends the connection and nothing else.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from kalshi_tui.protocol.commands import AnyCommand
from kalshi_tui.protocol.views import FromDesk

HEADER = 4
MAX_COMMAND_BYTES = 16 * 1024
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""A view of a few hundred markets is well below 1 MiB."""

_encoder = msgspec.msgpack.Encoder()
T = TypeVar("T")


class WireError(Exception):
    """The other side sent something that is no message of this protocol."""


def encode(message: FromDesk | AnyCommand) -> bytes:
    """One frame, length included."""
    body = _encoder.encode(message)
    return len(body).to_bytes(HEADER, "big") + body


class FrameReader(Generic[T]):
    """Bytes in, messages out; no I/O. ``feed`` raises ``WireError`` and is not to be called again after
    that."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[T], limit: int) -> None:
        self._decoder = decoder
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[T]:
        self._buffer += data
        messages: list[T] = []
        start = 0
        while len(self._buffer) - start >= HEADER:
            length = int.from_bytes(self._buffer[start : start + HEADER], "big")
            if length > self._limit:
                raise WireError(f"a frame of {length:,} bytes is over the limit of {self._limit:,}")
            end = start + HEADER + length
            if len(self._buffer) < end:
                break
            messages.append(self._decode(bytes(self._buffer[start + HEADER : end])))
            start = end
        del self._buffer[:start]
        return messages

    def _decode(self, body: bytes) -> T:
        try:
            return self._decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError) as error:
            raise WireError(f"a frame of {len(body):,} bytes is no message: {error}") from None


def command_reader() -> FrameReader[AnyCommand]:
    """What the desk reads with."""
    return FrameReader(msgspec.msgpack.Decoder(AnyCommand), MAX_COMMAND_BYTES)


def message_reader() -> FrameReader[FromDesk]:
    """What a client reads with."""
    return FrameReader(msgspec.msgpack.Decoder(FromDesk), MAX_MESSAGE_BYTES)
