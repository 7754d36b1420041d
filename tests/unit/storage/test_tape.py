"""Recording: what was handed over comes back, a crash costs the last block, the disk is never filled."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.commands import Scope, Stop
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Market
from kalshi_tui.protocol.orders import VenueError
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.storage import kernel_rows, tape_segments
from kalshi_tui.storage import tape as tape_module
from kalshi_tui.storage.kernel_rows import Decided, Recorded
from kalshi_tui.storage.tape import Tape
from kalshi_tui.storage.tape_read import Form, open_tapes, read_tapes
from kalshi_tui.storage.tape_rows import KernelRow, RowsDropped, TapeError, TapeRow, TapeStart
from kalshi_tui.storage.tape_segments import Segments

START = TapeStart(session="boot1", program="kalshi-tui 0.1.0", venue="practice")
WALL = 1_781_159_360_000_000_000


def at(step: int) -> Instant:
    return Instant(1000 + step, WALL + step)


def rows_of(folder: Path) -> list[TapeRow]:
    return list(read_tapes(open_tapes([folder])))


def frame(number: int) -> bytes:
    return b'{"type":"orderbook_delta","seq":%d,"msg":{"t":"\xc3\xa4\\"\\\\"}}' % number


def wait_for(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not ready():
        assert time.monotonic() < until
        time.sleep(0.01)


EVENTS: list[Recorded] = [
    ev.FeedOpened(at(1), 1),
    ev.MarketsRead(at(2), (Market("A", "E", grid=TickGrid.named("tapered_deci_cent"), floor_strike=1.5),)),
    ev.CommandReceived(at(3), 2, Stop(7, "kill", Scope("A")), True),
    ev.CreateRefused(at(4), "c", VenueError(400, "invalid_order", safe_text("post only cross"))),
    ev.QueueRead(at(5), {"o": 300}),
    Decided(at(6)),
]


def test_frames_and_events_come_back_in_the_order_they_were_handed_over(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "tape", START)
    for step, event in enumerate(EVENTS):
        tape.frame(at(step), 3, frame(step))
        tape.kernel_event(event)
    tape.frame(at(9), 3, b"\xff\x00 not text")
    tape.close()
    [found] = open_tapes([tmp_path / "tape"])
    assert (found.form, found.start, found.dense, found.use_yes_price) == (Form.OURS, START, True, True)
    rows = list(found.rows())[1:]
    assert [row.raw for row in rows if row.raw is not None] == [*map(frame, range(6)), b"\xff\x00 not text"]
    assert [(row.conn, row.recv_ns, row.mono_ns) for row in rows if row.raw][1] == (3, WALL + 1, 1001)
    told = [kernel_rows.decode(row.fact.body) for row in rows if isinstance(row.fact, KernelRow)]
    assert told == EVENTS
    assert [row.raw is None for row in rows] == [False, True] * 6 + [False]
    assert (tape.dropped, tape.problem) == (0, "")


def test_every_kernel_event_but_the_frame_has_a_row() -> None:
    names = {kind.__name__ for kind in ev.KernelEvent.__args__}
    assert set(kernel_rows._TYPES) == (names - {"FrameReceived"}) | {"Decided"}


@pytest.mark.parametrize(
    "body", [b"{}", b'{"type":"FrameReceived"}', b'{"type":"FeedOpened"}', b"[" * 100_000]
)
def test_a_row_that_is_no_event_of_ours_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"event|read"):
        kernel_rows.decode(body)


def test_files_are_private_and_any_zstandard_tool_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "tape"
    tape = Tape(folder, START)
    tape.frame(at(1), 1, frame(1))
    tape.close()
    [segment] = folder.iterdir()
    assert segment.name == "20260611T062920Z-boot1-0000.jsonl.zst"
    assert stat.S_IMODE(segment.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    if shutil.which("zstdcat"):
        text = subprocess.run(["zstdcat", segment], capture_output=True, check=True, text=True).stdout
        assert text.count("\n") == 2


def test_rows_can_be_read_while_recording_goes_on(tmp_path: Path) -> None:
    tape = Tape(tmp_path, START)
    for number in range(100):
        tape.frame(at(number), 1, frame(number))

    def readable() -> int:
        found: list[TapeRow] = []
        try:
            for row in read_tapes(open_tapes([tmp_path])):
                found.append(row)
        except TapeError:
            pass
        return len(found)

    wait_for(lambda: readable() == 101)
    assert tape.problem == ""
    tape.close()


@pytest.mark.fault
def test_a_killed_recorder_loses_no_more_than_the_last_block(tmp_path: Path) -> None:
    folder = tmp_path / "tape"
    script = tmp_path / "recorder.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from kalshi_tui.protocol.instant import Instant
        from kalshi_tui.storage.tape import Tape
        from kalshi_tui.storage.tape_rows import TapeStart
        tape = Tape(Path({str(folder)!r}), TapeStart(session="s"))
        for number in range(10**9):
            tape.frame(Instant(time.monotonic_ns(), time.time_ns()), 1, b"%d" % number)
            if number % 100 == 0:
                sys.stdout.write(f"{{time.time_ns()}} {{number}}\\n")
                sys.stdout.flush()
                time.sleep(0.001)
        """)
    )
    child = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(300)]
    child.send_signal(signal.SIGKILL)
    killed = time.time_ns()
    lines += child.stdout.readlines()
    child.wait()
    child.stdout.close()
    rows: list[TapeRow] = []
    with pytest.raises(TapeError, match="torn"):
        for row in read_tapes(open_tapes([folder])):
            rows.append(row)
    numbers = [int(row.raw) for row in rows if row.raw is not None]
    assert numbers == list(range(len(numbers)))
    # A generous multiple of the block, for a machine that is busy with other things.
    old = [
        int(line.split()[1])
        for line in lines
        if line.endswith("\n") and int(line.split()[0]) < killed - 10**9 // 2
    ]
    assert not old or old[-1] < len(numbers)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.floats(0.0, 1.0))
def test_a_torn_segment_gives_every_whole_row_before_the_tear(tmp_path: Path, cut: float) -> None:
    whole = tmp_path / f"whole{SUFFIX}"
    if not whole.exists():
        segments = Segments(tmp_path, START, 10**9, 0, 10**9)
        for block in range(20):
            rows = b"".join(
                b'{"recv_ns":1,"mono_ns":1,"conn":1,"raw":"%d"}\n' % (block * 5 + i) for i in range(5)
            )
            segments.write(rows, at(block))
        segments.close()
        next(tmp_path.glob("*boot1*")).rename(whole)
    content = whole.read_bytes()
    torn = tmp_path / "torn"
    torn.write_bytes(content[: int(len(content) * cut)])
    rows_found: list[TapeRow] = []
    try:
        for row in read_tapes(open_tapes([torn])):
            rows_found.append(row)
    except TapeError:
        assert cut < 1.0
    numbers = [int(row.raw) for row in rows_found if row.raw is not None]
    assert numbers == list(range(len(numbers)))
    if cut == 1.0:
        assert len(numbers) == 100


def test_a_tear_ends_a_segment_and_no_more_where_damage_is_collected(tmp_path: Path) -> None:
    """The segment after it and a later boot's recording are read, and the tear is told once."""
    for number, session in enumerate(("boot1", "boot1", "boot2")):
        start = TapeStart(session=session, segment=number)
        segments = Segments(tmp_path, start, 10**9, 0, 10**9)
        segments.write(b'{"recv_ns":%d,"mono_ns":1,"conn":1,"raw":"%d"}\n' % (number, number), at(number))
        segments.abandon() if number == 0 else segments.close()
    torn = next(tmp_path.glob("*-0000*"))
    damage: list[TapeError] = []
    rows = read_tapes(open_tapes([tmp_path], damage), damage)
    assert sorted(int(row.raw) for row in rows if row.raw is not None) == [0, 1, 2]
    assert [error.path for error in damage] == [torn]


SUFFIX = tape_segments.SUFFIX


@pytest.mark.fault
def test_a_tape_that_can_not_keep_up_drops_counts_and_notes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tape_module, "MAX_ROWS", 50)
    monkeypatch.setattr(tape_module, "BLOCK_S", 3600)
    tape = Tape(tmp_path, START)
    began = time.monotonic()
    for number in range(200):
        tape.frame(at(number), 1, frame(number))
    tape.kernel_event(ev.FeedOpened(at(200), 1))
    assert time.monotonic() - began < 0.5
    assert tape.dropped == 151
    tape.close()
    rows = rows_of(tmp_path)
    assert [row.raw for row in rows if row.raw] == [frame(number) for number in range(50)]
    assert rows[-1].fact == RowsDropped(151)


def test_large_frames_are_bounded_by_their_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape_module, "MAX_HELD", 10_000)
    monkeypatch.setattr(tape_module, "BLOCK_S", 3600)
    tape = Tape(tmp_path, START)
    for number in range(10):
        tape.frame(at(number), 1, b"x" * 4000)
    tape.close()
    assert tape.dropped == 7


def test_old_segments_go_when_the_cap_is_reached(tmp_path: Path) -> None:
    segments = Segments(tmp_path, START, 40_000, 0, 64 * 1024**2)
    for step in range(60):
        noise = os.urandom(1000).hex().encode()
        segments.write(b'{"recv_ns":1,"mono_ns":1,"conn":1,"raw":"%d %s"}\n' % (step, noise), at(step))
        assert segments.has_room()
    segments.close()
    total = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert 25_000 < total <= 41_000
    kept = [int(row.raw.split()[0]) for row in rows_of(tmp_path) if row.raw is not None]
    assert kept == list(range(kept[0], 60))
    assert kept[0] > 20


@pytest.mark.fault
def test_a_full_disk_pauses_the_tape_and_room_lets_it_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [0]
    monkeypatch.setattr(Segments, "_free", lambda self: free[0])
    tape = Tape(tmp_path, START, floor=1000)
    tape.frame(at(1), 1, frame(1))
    wait_for(lambda: tape.dropped == 1)
    assert "nearly full" in tape.problem
    free[0] = 5000
    tape.frame(at(2), 1, frame(2))
    wait_for(lambda: tape.problem == "")
    tape.close()
    rows = rows_of(tmp_path)[1:]
    assert [row.fact for row in rows][:1] == [RowsDropped(1)]
    assert [row.raw for row in rows][1:] == [frame(2)]


@pytest.mark.fault
def test_a_write_that_fails_half_way_leaves_the_segment_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segments = Segments(tmp_path, START, 10**9, 0, 10**9)
    segments.write(b'{"recv_ns":1,"mono_ns":1,"conn":1,"raw":"1"}\n', at(1))
    [path] = tmp_path.iterdir()
    before = path.read_bytes()
    inner = os.write

    def half(fd: int, data: memoryview) -> int:
        monkeypatch.setattr(os, "write", fail)
        return inner(fd, data[: len(data) // 2])

    def fail(fd: int, data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space"):
        segments.write(b'{"recv_ns":2,"mono_ns":1,"conn":1,"raw":"2"}\n', at(2))
    monkeypatch.setattr(os, "write", inner)
    assert path.read_bytes() == before
    segments.write(b'{"recv_ns":3,"mono_ns":1,"conn":1,"raw":"3"}\n', at(3))
    segments.close()
    first, second = sorted(tmp_path.iterdir())
    rows: list[TapeRow] = []
    with pytest.raises(TapeError, match="torn"):
        rows.extend(read_tapes(open_tapes([first])))
    assert [row.raw for row in read_tapes(open_tapes([second])) if row.raw] == [b"3"]


def test_a_recording_that_breaks_does_not_touch_the_desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Segments, rows: bytes, at: Instant) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(Segments, "write", broken)
    tape = Tape(tmp_path, START)
    tape.frame(at(1), 1, frame(1))
    wait_for(lambda: "failed" in tape.problem)
    for number in range(10):
        tape.frame(at(number), 1, frame(number))
    tape.close()
    assert "failed" in tape.problem
