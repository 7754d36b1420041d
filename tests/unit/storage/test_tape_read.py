"""Reading tapes: every form by content, in order, and damage said with its row while the rest stands."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard

from kalshi_tui.protocol.wire import decode
from kalshi_tui.protocol.wire_messages import BookDelta, BookSnapshot, InvalidFrame, Ok, Subscribed
from kalshi_tui.storage.tape_read import Form, open_tapes, read_tapes
from kalshi_tui.storage.tape_rows import (
    Connected,
    KernelRow,
    MarketRotated,
    RecorderRow,
    RowsDropped,
    TapeError,
    TapeRow,
    TapeStart,
    WatchMarket,
)

MS = 1_000_000


def rows_of(*paths: Path) -> list[TapeRow]:
    return list(read_tapes(open_tapes(paths)))


def rows_until_error(path: Path) -> tuple[list[TapeRow], TapeError]:
    rows: list[TapeRow] = []
    with pytest.raises(TapeError) as caught:
        for row in read_tapes(open_tapes([path])):
            rows.append(row)
    return rows, caught.value


def delta(seq: int | None, sid: int | None = 1, ticker: str = "A") -> dict[str, object]:
    frame: dict[str, object] = {
        "type": "orderbook_delta",
        "seq": seq,
        "msg": {"market_ticker": ticker, "price_dollars": "0.5000", "delta_fp": "1.00", "side": "yes"},
    }
    return frame if sid is None else {**frame, "sid": sid}


def write_lines(path: Path, rows: Iterable[object]) -> Path:
    path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))
    return path


CUT = [{"recv_ms": 1000 + i, "event": delta(10 * i)} for i in range(20)]


def test_a_cut_of_a_wider_subscription(tmp_path: Path) -> None:
    tape = open_tapes([write_lines(tmp_path / "x.txt", CUT)])[0]
    rows = list(tape.rows())
    assert (tape.form, tape.dense, tape.timed) == (Form.CUT, False, True)
    assert [row.recv_ns for row in rows] == [(1000 + i) * MS for i in range(20)]
    assert rows[3].raw == json.dumps(delta(30), separators=(",", ":")).encode()
    assert rows[3].row == 4


@pytest.mark.parametrize("pack", [lambda b: b, gzip.compress, zstandard.ZstdCompressor().compress])
def test_compression_is_found_by_content(tmp_path: Path, pack: object) -> None:
    plain = write_lines(tmp_path / "plain", CUT).read_bytes()
    odd = tmp_path / "named-anything.csv"
    odd.write_bytes(pack(plain))  # type: ignore[operator]
    assert len(rows_of(odd)) == 20


def test_several_compressed_streams_after_one_another_are_one_tape(tmp_path: Path) -> None:
    halves = [
        write_lines(tmp_path / name, part).read_bytes() for name, part in (("a", CUT[:7]), ("b", CUT[7:]))
    ]
    whole = tmp_path / "x.zst"
    whole.write_bytes(b"".join(zstandard.ZstdCompressor().compress(half) for half in halves))
    assert len(rows_of(whole)) == 20


def test_recorders_rows_become_facts_and_a_wrapped_reply_becomes_a_frame(tmp_path: Path) -> None:
    body = {"close_time": "2026-05-13T13:45:00Z", "market_ticker": "A", "status": "active", "strike": 1.5}
    reply = {"id": 1, "type": "subscribed", "msg": {"channel": "ticker", "sid": 1}}
    kinds = [
        ("watch_market", body),
        ("ws_connected", {"market_ticker": "A"}),
        ("ws_subscribed", reply),
        ("market_rotated", {"active_market_ticker": "B", "previous_market_ticker": "A"}),
        ("ws_odd\x1b", {"x": 1}),
    ]
    lines = [
        {"recv_ns": i, "conn": 1, "event": {"type": kind, "seq": None, "msg": msg}}
        for i, (kind, msg) in enumerate(kinds)
    ]
    rows = rows_of(write_lines(tmp_path / "t", [*lines, {"recv_ns": 9, "conn": 1, "event": delta(2, None)}]))
    facts = [row.fact for row in rows if row.fact is not None]
    assert facts == [
        WatchMarket("A", 1_778_679_900 * 10**9, "active", 1.5),
        Connected("A"),
        MarketRotated("A", "B"),
        RecorderRow("ws_odd"),  # type: ignore[arg-type]
    ]
    assert [type(decode(row.raw)) for row in rows if row.raw is not None] == [Subscribed, BookDelta]


def test_rows_of_one_stamp_are_ordered_by_sequence_within_their_subscription(tmp_path: Path) -> None:
    # The trade subscription (sid 2) counts for itself: its small numbers must not jump ahead of the book's.
    places = [(1, 12), (2, 5), (1, 10), (2, 4), (1, 11)]
    lines = [{"recv_ms": 7, "event": delta(seq, sid)} for sid, seq in places]
    frames = [json.loads(row.raw or b"") for row in rows_of(write_lines(tmp_path / "t", lines))]
    assert [(f["sid"], f["seq"]) for f in frames] == [(1, 10), (2, 4), (1, 11), (2, 5), (1, 12)]


def test_a_new_connection_in_the_same_stamp_stays_behind_the_old_one(tmp_path: Path) -> None:
    lines = [
        {"recv_ns": 5, "conn": conn, "event": delta(seq)} for conn, seq in ((1, 90), (1, 91), (2, 1), (2, 2))
    ]
    rows = rows_of(write_lines(tmp_path / "t", lines))
    assert [row.conn for row in rows] == [1, 1, 2, 2]


def test_shuffled_rows_come_out_by_receive_time(tmp_path: Path) -> None:
    lines = list(CUT)
    random.Random(11).shuffle(lines)
    assert [row.recv_ns // MS for row in rows_of(write_lines(tmp_path / "t", lines))] == list(
        range(1000, 1020)
    )


def test_bare_frames_take_the_exchanges_stamp_and_lend_it_to_frames_without_one(tmp_path: Path) -> None:
    stamped = delta(2)
    stamped["msg"] = {**stamped["msg"], "ts_ms": 5000}  # type: ignore[dict-item]
    ok = {"type": "ok", "id": 3, "msg": [{"channel": "ticker", "sid": 2}]}
    earlier = {**delta(3), "sending_ts_ms": 4000}
    tape = open_tapes([write_lines(tmp_path / "t", [delta(1), stamped, ok, earlier])])[0]
    assert (tape.form, tape.timed, tape.dense) == (Form.BARE, False, True)
    assert [row.recv_ns for row in tape.rows()] == [5000 * MS] * 4


def test_raw_text_and_a_frame_that_is_no_json_are_frames(tmp_path: Path) -> None:
    lines = [{"recv_ts_ns": 1, "raw": '{"type":"ok","id":1}\n'}, {"recv_ts_ns": 2, "raw": "garbage"}]
    tape = open_tapes([write_lines(tmp_path / "t", lines)])[0]
    assert tape.form is Form.RAW
    assert [type(decode(row.raw or b"")) for row in tape.rows()] == [Ok, InvalidFrame]


def test_one_object_with_frames_in_one_line_or_many(tmp_path: Path) -> None:
    body = {"captured_ms": 1, "frames": [{"received_ms": 5, "frame": delta(i)} for i in range(3)]}
    for number, indent in enumerate((None, 1)):
        path = tmp_path / f"t{number}"
        path.write_text(json.dumps(body, indent=indent))
        tape = open_tapes([path])[0]
        assert tape.form is Form.OBJECT
        assert [json.loads(row.raw or b"")["seq"] for row in tape.rows()] == [0, 1, 2]


def test_the_frames_before_the_tear_of_an_object_stand(tmp_path: Path) -> None:
    text = json.dumps({"frames": [{"received_ms": 5, "frame": delta(i)} for i in range(3)]}, indent=1)
    path = tmp_path / "t"
    path.write_text(text[: text.rindex("delta_fp")])
    rows, error = rows_until_error(path)
    assert (len(rows), error.row) == (2, 3)


OUR_START = {
    "recv_ns": 1,
    "mono_ns": 1,
    "facts": {"session": "s", "segment": 0, "program": "p", "venue": "demo", "use_yes_price": True},
}


def test_our_rows_keep_their_order_and_their_facts(tmp_path: Path) -> None:
    lines = [
        OUR_START,
        {"recv_ns": 30, "mono_ns": 2, "conn": 1, "raw": '{"type":"ok"}'},
        # The wall clock was set back; the desk saw this row after the one above.
        {"recv_ns": 20, "mono_ns": 3, "conn": 1, "raw_b64": "/w=="},
        {"recv_ns": 21, "mono_ns": 4, "kernel": {"type": "FeedOpened"}},
        {"recv_ns": 22, "mono_ns": 5, "dropped": 7},
    ]
    tape = open_tapes([write_lines(tmp_path / "t", lines)])[0]
    rows = list(tape.rows())
    assert (tape.form, tape.use_yes_price, tape.dense) == (Form.OURS, True, True)
    assert [row.mono_ns for row in rows] == [1, 2, 3, 4, 5]
    assert rows[2].raw == b"\xff"
    assert [row.fact for row in rows if row.raw is None] == [
        TapeStart(session="s", program="p", venue="demo"),
        KernelRow(b'{"type":"FeedOpened"}'),
        RowsDropped(7),
    ]


def test_segments_of_a_boot_are_one_tape_in_their_own_order(tmp_path: Path) -> None:
    for segment, name in ((1, "a.jsonl.zst"), (0, "b.jsonl.zst")):
        facts = {"session": "s", "segment": segment}
        frame = {"recv_ns": 5 + segment, "mono_ns": 5 + segment, "conn": 1, "raw": str(segment)}
        write_lines(tmp_path / name, [{**OUR_START, "facts": facts}, frame])
    for paths in ([tmp_path], [tmp_path / "a.jsonl.zst", tmp_path / "b.jsonl.zst"]):
        tapes = open_tapes(paths)
        assert len(tapes) == 1
        assert [row.raw for row in read_tapes(tapes) if row.raw] == [b"0", b"1"]


def test_tapes_read_together_are_merged_and_their_connections_kept_apart(tmp_path: Path) -> None:
    one = write_lines(tmp_path / "a", [{"recv_ns": t, "conn": 1, "event": delta(t)} for t in (1, 3, 5)])
    two = write_lines(tmp_path / "b", [{"recv_ns": t, "conn": 1, "event": delta(t)} for t in (2, 4)])
    rows = rows_of(one, two)
    assert [row.recv_ns for row in rows] == [1, 2, 3, 4, 5]
    assert len({row.conn for row in rows if row.recv_ns % 2}) == 1
    assert len({row.conn for row in rows}) == 2


@pytest.mark.parametrize("pack", [lambda b: b, gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_torn_tape_gives_what_came_before_and_names_the_row(tmp_path: Path, pack: object) -> None:
    plain = write_lines(tmp_path / "plain", CUT * 500).read_bytes()
    torn = tmp_path / "torn"
    packed = pack(plain)  # type: ignore[operator]
    torn.write_bytes(packed[: len(packed) * 2 // 3])
    rows, error = rows_until_error(torn)
    whole_lines = [row.row for row in rows]
    assert sorted(whole_lines) == list(range(1, len(rows) + 1))
    assert error.row == len(rows) + 1
    assert str(torn) in str(error)
    assert f"row {len(rows) + 1}" in str(error)


@pytest.mark.parametrize(
    "bad",
    [
        b'{"recv_ms":1,"event":{"type":',
        b'{"recv_ms":-5,"event":{}}',
        b'{"recv_ms":1.5,"event":{}}',
        b'{"recv_ns":1,"raw":"x"}',
        b"\xff\xfe",
        b'{"recv_ms":1,"event":' + b"[" * 100_000,
        b"\x1b]52;c;AAAA\x07",
    ],
)
def test_a_bad_row_is_named_and_the_rows_before_it_stand(tmp_path: Path, bad: bytes) -> None:
    path = write_lines(tmp_path / "t", CUT)
    path.write_bytes(path.read_bytes() + b"\n" + bad + b"\n" + b'{"recv_ms":2000,"event":{}}\n')
    rows, error = rows_until_error(path)
    assert (len(rows), error.row) == (20, 22)
    assert "\x1b" not in str(error)


def test_a_flipped_byte_in_compressed_data_is_an_error(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(write_lines(tmp_path / "p", CUT * 50).read_bytes()))
    packed[len(packed) // 2] ^= 0x10
    path = tmp_path / "t.gz"
    path.write_bytes(packed)
    _, error = rows_until_error(path)
    assert error.row is not None


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"hello\n", b"[1,2]\n", b'{"a":1}\n', b"\x1f\x8b", b"42\n"]
)
def test_a_file_that_is_no_tape_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t"
    path.write_bytes(content)
    with pytest.raises(TapeError, match=str(path)):
        open_tapes([path])


def test_a_tape_of_a_later_program_is_refused(tmp_path: Path) -> None:
    later = {**OUR_START, "facts": {"session": "s", "segment": 0, "tape": 2}}
    with pytest.raises(TapeError, match="later version"):
        open_tapes([write_lines(tmp_path / "t", [later])])


def test_a_file_that_is_not_there_and_a_folder_without_tapes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="can not be read"):
        open_tapes([tmp_path / "nothing"])
    with pytest.raises(TapeError, match="holds no tape"):
        open_tapes([tmp_path])


@pytest.mark.parametrize(
    ("name", "form", "count"),
    [
        ("gold15m/KXGOLD15M-26AUG050800-00.ndjson.gz", Form.CUT, 29_015),
        ("gold15m/KXGOLD15M-26AUG102130-30.ndjson.gz", Form.CUT, 197_896),
        ("btc15m/KXBTC15M-20260513T1333Z.ndjson.gz", Form.CONN, 94_571),
        ("btc15m/KXBTC15M-20260513T1541Z.ndjson.gz", Form.CONN, 60_136),
        ("ws/KXBTC-8-strikes-one-event.jsonl", Form.RAW, 74),
        ("ws/demo-no-leg-prices.jsonl", Form.BARE, 7),
        ("ws/demo-use-yes-price.jsonl", Form.BARE, 5),
        ("ws/sports-12-markets-one-sid.json", Form.OBJECT, 269),
    ],
)
def test_recorded_tapes(shared_data: Path, name: str, form: Form, count: int) -> None:
    tape = open_tapes([shared_data / name])[0]
    rows = list(tape.rows())
    assert (tape.form, len(rows)) == (form, count)
    assert all(one.recv_ns <= other.recv_ns for one, other in pairwise(rows))
    frames = [decode(row.raw) for row in rows[:5000] if row.raw is not None]
    assert not any(isinstance(frame, InvalidFrame) for frame in frames)
    assert any(isinstance(frame, BookSnapshot) for frame in frames)


def test_recorded_facts_of_a_rotating_market(shared_data: Path) -> None:
    rows = rows_of(shared_data / "btc15m" / "KXBTC15M-20260513T1333Z.ndjson.gz")
    watched = [row.fact for row in rows if isinstance(row.fact, WatchMarket)]
    assert [fact.ticker for fact in watched] == ["KXBTC15M-26MAY130945-45", "KXBTC15M-26MAY131000-00"]
    assert watched[0].strike == 80128.27
    assert sum(isinstance(row.fact, MarketRotated) for row in rows) == 1


def test_a_damaged_copy_of_a_recorded_tape(shared_data: Path, tmp_path: Path) -> None:
    source = (shared_data / "gold15m" / "KXGOLD15M-26AUG050800-00.ndjson.gz").read_bytes()
    torn = tmp_path / "torn.gz"
    torn.write_bytes(source[: len(source) // 2])
    rows, error = rows_until_error(torn)
    whole = rows_of(shared_data / "gold15m" / "KXGOLD15M-26AUG050800-00.ndjson.gz")
    assert 10_000 < len(rows) < 20_000
    assert [row.raw for row in rows] == [row.raw for row in whole[: len(rows)]]
    assert error.row == len(rows) + 1
