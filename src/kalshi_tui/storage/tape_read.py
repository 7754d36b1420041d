"""Reading tapes: the form is found from the content, rows come out in the order they were received.

Foreign tapes are read whole and put in order: by receive time, and among rows of one stamp each
subscription's frames by sequence (recorders' clocks are coarse). Our own are read as a stream: their writer
keeps the order in which the desk saw things, which a stepping wall clock must not change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from heapq import merge
from itertools import chain, count
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from kalshi_tui.storage import tape_forms
from kalshi_tui.storage.tape_forms import BAD_JSON, Placed
from kalshi_tui.storage.tape_lines import blocks
from kalshi_tui.storage.tape_rows import TAPE_FORM, TapeError, TapeRow, TapeStart, shown

Line = TypeVar("Line")
Row = TypeVar("Row", bound=TapeRow)


class Form(StrEnum):
    """See the table of ``tape_forms``."""

    OURS = "ours"
    CONN = "conn"
    CUT = "cut"
    RAW = "raw"
    BARE = "bare"
    OBJECT = "object"


class Recording(Struct, frozen=True):
    """One recording: what is known of it before its rows are read.

    ``dense``: the sequence counts every frame of a subscription, so a missing number is a lost frame.
    Otherwise the tape is a cut of a wider subscription and only a number going backwards means anything
    (a reconnect). ``timed`` is False where receive times are the exchange's own stamps.
    """

    paths: tuple[Path, ...]
    form: Form
    start: TapeStart | None = None

    @property
    def dense(self) -> bool:
        return self.form is not Form.CUT

    @property
    def timed(self) -> bool:
        return self.form is not Form.BARE

    @property
    def use_yes_price(self) -> bool:
        """Whether NO levels are YES-leg priced; foreign tapes have the exchange's default, NO-leg."""
        return self.start is not None and self.start.use_yes_price

    def rows(self, damage: list[TapeError] | None = None) -> Iterator[TapeRow]:
        """The rows in order. Where a file is damaged: ``TapeError`` after the last good row of it, or with a
        list for it, one more in ``damage``, and on with the segment after it."""
        if self.form is Form.OURS:
            for path in self.paths:
                yield from _undamaged(_read(path, tape_forms.OurRow, tape_forms.our_row), damage)
        else:
            yield from _undamaged(self._foreign(), damage)

    def _foreign(self) -> Iterator[TapeRow]:
        problem: TapeError | None = None
        placed: list[Placed] = []
        try:
            placed.extend(_foreign_rows(self.form, self.paths[0]))
        except TapeError as error:
            problem = error
        if self.form is Form.BARE:
            _lend_stamps(placed)
        _put_in_order(placed)
        yield from placed
        if problem is not None:
            raise problem


def open_tapes(paths: Sequence[Path], damage: list[TapeError] | None = None) -> tuple[Recording, ...]:
    """The recordings in these files and folders, each form found by content.

    A folder stands for the segments in it; segments of one session of ours make one recording, whatever
    order they are named in. ``TapeError`` for what can not be opened, is empty, or is no tape; with a list for
    it, one more in ``damage``, and on with the others.
    """
    ours: dict[str, list[tuple[int, Path, TapeStart]]] = {}
    tapes: list[Recording] = []
    for path in chain.from_iterable(_files(path) for path in paths):
        try:
            form, start = _detect(path)
        except TapeError as error:
            if damage is None:
                raise
            damage.append(error)
            continue
        if form is Form.OURS and start is not None:
            ours.setdefault(start.session, []).append((start.segment, path, start))
        else:
            tapes.append(Recording((path,), form, start))
    for segments in ours.values():
        segments.sort(key=lambda segment: segment[:2])
        tapes.append(Recording(tuple(path for _, path, _ in segments), Form.OURS, segments[0][2]))
    return tuple(tapes)


def read_tapes(tapes: Sequence[Recording], damage: list[TapeError] | None = None) -> Iterator[TapeRow]:
    """The rows of all tapes by receive time; connection numbers of different tapes never collide.

    ``damage`` as for ``Recording.rows``: with it every tape is read, whatever became of the others.
    """
    if len(tapes) == 1:
        return tapes[0].rows(damage)
    numbers: dict[tuple[int, int], int] = {}
    renumbered = [_renumber(tape.rows(damage), index, numbers) for index, tape in enumerate(tapes)]
    return merge(*renumbered, key=lambda row: row.recv_ns)


def _undamaged(rows: Iterator[TapeRow], damage: list[TapeError] | None) -> Iterator[TapeRow]:
    try:
        yield from rows
    except TapeError as error:
        if damage is None:
            raise
        damage.append(error)


def _renumber(rows: Iterator[TapeRow], tape: int, numbers: dict[tuple[int, int], int]) -> Iterator[TapeRow]:
    for row in rows:
        row.conn = numbers.setdefault((tape, row.conn), len(numbers) + 1)
        yield row


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.jsonl.zst"))
    if not found:
        raise TapeError(path, None, "the folder holds no tape (*.jsonl.zst)")
    return found


class _Probe(Struct):
    """Which keys the first row has (an empty ``Raw`` is false)."""

    recv_ns: Raw = Raw(b"")
    recv_ms: Raw = Raw(b"")
    recv_ts_ns: Raw = Raw(b"")
    mono_ns: Raw = Raw(b"")
    event: Raw = Raw(b"")
    raw: Raw = Raw(b"")
    frames: Raw = Raw(b"")
    type: Raw = Raw(b"")
    facts: TapeStart | None = None


def _detect(path: Path) -> tuple[Form, TapeStart | None]:
    first = _first_line(path)
    if not first:
        raise TapeError(path, None, "the file is empty")
    try:
        probe = msgspec.json.decode(first, type=_Probe)
    except BAD_JSON:
        # A JSON object laid out over many lines begins like this too.
        if first.lstrip().startswith(b"{") and b'"frames"' in _whole(path):
            return Form.OBJECT, None
        raise TapeError(path, 1, f"is torn or is no row of a tape: {shown(first)!r}") from None
    if probe.facts is not None and probe.facts.tape > TAPE_FORM:
        raise TapeError(path, 1, "was written by a later version of this program")
    form = _form_of(probe)
    if form is None:
        raise TapeError(path, 1, f"is no row of a known tape: {shown(first)!r}")
    return form, probe.facts


def _form_of(probe: _Probe) -> Form | None:
    cases = (
        (probe.recv_ns, probe.mono_ns, Form.OURS),
        (probe.recv_ns, probe.event, Form.CONN),
        (probe.recv_ms, probe.event, Form.CUT),
        (probe.recv_ts_ns, probe.raw, Form.RAW),
        (probe.frames, probe.frames, Form.OBJECT),
        (probe.type, probe.type, Form.BARE),
    )
    return next((form for one, other, form in cases if one and other), None)


def _first_line(path: Path) -> bytes:
    """The first row that is not blank; what is wrong further on is found when the rows are read."""
    for block in blocks(path):
        for line in block.splitlines():
            if line.strip():
                return line
    return b""


def _whole(path: Path) -> bytes:
    return b"".join(blocks(path))


def _foreign_rows(form: Form, path: Path) -> Iterator[Placed]:
    if form is Form.CONN:
        return _read(path, tape_forms.ConnRow, tape_forms.conn_row)
    if form is Form.CUT:
        return _read(path, tape_forms.CutRow, tape_forms.cut_row)
    if form is Form.RAW:
        return _read(path, tape_forms.RawRow, tape_forms.raw_row)
    if form is Form.BARE:
        return _read(path, Raw, tape_forms.bare_row)
    return _object_rows(path)


def _object_rows(path: Path) -> Iterator[Placed]:
    """The frames of one JSON object, taken one after another so that those before damage stand."""
    text = ""
    problem: TapeError | None = None
    try:
        for block in blocks(path):
            text += block.decode("utf-8", "replace")
    except TapeError as error:
        problem = error
    place = text.find("[", text.find('"frames"'))
    scanner = json.JSONDecoder()
    for number in count(1):
        place = _next_item(text, place + 1)
        if text[place : place + 1] == "]":
            break
        try:
            _, end = scanner.raw_decode(text, place)
            line = text[place:end].encode()
            yield tape_forms.object_row(msgspec.json.decode(line, type=tape_forms.ObjectFrame), number)
        except (json.JSONDecodeError, *BAD_JSON):
            what = f"is torn or is no frame: {shown(text[place : place + 240].encode())!r}"
            raise TapeError(path, number, what) from None
        place = end - 1
    if problem is not None:
        raise problem


def _next_item(text: str, place: int) -> int:
    """The place of the next item of a JSON array, past white space and one comma."""
    while place < len(text) and text[place] in " \t\r\n,":
        place += 1
    return place


def _read(path: Path, line: type[Line], convert: Callable[[Line, int], Row]) -> Iterator[Row]:
    """Every row of a file of lines. A block is decoded at once; only where that fails, line by line."""
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(line)
    row = 1
    for block in blocks(path):
        lines = block.count(b"\n")
        try:
            decoded = decoder.decode_lines(block)
            converted = None
            if len(decoded) == lines:
                converted = [convert(one, number) for number, one in enumerate(decoded, row)]
        except BAD_JSON:
            converted = None
        if converted is not None:
            yield from converted
        else:
            yield from _one_by_one(path, block, row, decoder, convert)
        row += lines


def _one_by_one(
    path: Path, block: bytes, row: int, decoder: msgspec.json.Decoder[Any], convert: Callable[[Any, int], Row]
) -> Iterator[Row]:
    for number, line in enumerate(block.split(b"\n"), row):
        if not line.strip():
            continue
        try:
            yield convert(decoder.decode(line), number)
        except BAD_JSON as error:
            raise TapeError(path, number, f"can not be read ({error}): {shown(line)!r}") from None


def _lend_stamps(rows: list[Placed]) -> None:
    """Bare frames without a stamp take the one before them, those at the very start the first there is."""
    last = next((row.recv_ns for row in rows if row.recv_ns), 0)
    for row in rows:
        last = max(last, row.recv_ns)
        row.recv_ns = last


def _put_in_order(rows: list[Placed]) -> None:
    """By receive time; within one stamp each subscription's frames by sequence, in the places they hold."""
    if any(rows[i].recv_ns > rows[i + 1].recv_ns for i in range(len(rows) - 1)):
        rows.sort(key=lambda row: row.recv_ns)
    start = 0
    while start < len(rows):
        stamp = rows[start].recv_ns
        end = start + 1
        while end < len(rows) and rows[end].recv_ns == stamp:
            end += 1
        if end - start > 1:
            _order_stamp(rows, start, end)
        start = end


def _order_stamp(rows: list[Placed], start: int, end: int) -> None:
    last: dict[tuple[int, int | None], int] = {}
    for row in rows[start:end]:
        if row.seq is None:
            continue
        if row.seq < last.get((row.conn, row.sid), row.seq):
            break
        last[(row.conn, row.sid)] = row.seq
    else:
        return
    places: dict[tuple[int, int | None], list[int]] = {}
    for place in range(start, end):
        if rows[place].seq is not None:
            places.setdefault((rows[place].conn, rows[place].sid), []).append(place)
    for held in places.values():
        in_order = sorted((rows[place] for place in held), key=lambda row: row.seq or 0)
        for place, row in zip(held, in_order, strict=True):
            rows[place] = row
