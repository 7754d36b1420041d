"""Frames of the control socket: whole or in pieces, hostile or not."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_tui.desk import wire
from kalshi_tui.protocol.commands import Ack, AnyCommand, Arm, Focus, PlaceOrder, Scope, Stop
from kalshi_tui.protocol.units import Side
from kalshi_tui.protocol.views import FromDesk, Goodbye

COMMANDS: list[AnyCommand] = [
    Arm(1, True),
    Stop(2, "kill", Scope(event="KXFED-26DEC")),
    PlaceOrder(3, "KXFED-26DEC-H0", Side.ASK, 4450, 1000, view_wall=10**18, take=True),
    Focus(4, "KXFED-26DEC-H0", low=100),
]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=200))
def test_commands_survive_any_cutting(cuts: list[int]) -> None:
    stream = b"".join(wire.encode(command) for command in COMMANDS)
    reader, found = wire.command_reader(), []
    for size in (cut for _ in range(len(stream)) for cut in cuts):
        if not stream:
            break
        found += reader.feed(stream[:size])
        stream = stream[size:]
    assert found == COMMANDS


def test_messages_of_the_desk_are_told_apart() -> None:
    messages: list[FromDesk] = [Ack(1, False, "hand is safe"), Goodbye("stopped", 0)]
    assert wire.message_reader().feed(b"".join(wire.encode(message) for message in messages)) == messages


@given(st.binary(max_size=300))
def test_random_bytes_end_in_messages_or_one_plain_error(data: bytes) -> None:
    reader = wire.command_reader()
    try:
        reader.feed(data)
    except wire.WireError as error:
        assert "Traceback" not in str(error)


@given(st.sampled_from(COMMANDS), st.integers(0, 60), st.integers(0, 255))
def test_a_damaged_command_is_a_command_or_one_plain_error(command: AnyCommand, at: int, byte: int) -> None:
    frame = bytearray(wire.encode(command))
    frame[wire.HEADER + at % (len(frame) - wire.HEADER)] = byte
    try:
        found = wire.command_reader().feed(bytes(frame))
    except wire.WireError:
        return
    assert all(isinstance(item, msgspec.Struct) for item in found)


@pytest.mark.parametrize(
    "body",
    [
        b"\x91" * 10_000,
        msgspec.msgpack.encode({"do": "arm", "id": 1.5, "on": True}),
        msgspec.msgpack.encode({"do": "rm -rf", "id": 1}),
        msgspec.msgpack.encode(["arm", 1, True]),
        b"",
    ],
)
def test_what_is_no_command_is_refused(body: bytes) -> None:
    frame = len(body).to_bytes(wire.HEADER, "big") + body
    with pytest.raises(wire.WireError, match="is no message"):
        wire.command_reader().feed(frame)


def test_a_frame_over_the_limit_is_refused_before_it_arrives() -> None:
    with pytest.raises(wire.WireError, match="over the limit"):
        wire.command_reader().feed((wire.MAX_COMMAND_BYTES + 1).to_bytes(wire.HEADER, "big"))
