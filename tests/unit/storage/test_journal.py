"""The money journal: durable, chained, one writer; damage is found, kept and said."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import time
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.storage import journal as journal_module
from kalshi_tui.storage.journal import Journal
from kalshi_tui.storage.journal_db import (
    GENESIS,
    QUARANTINED,
    Entry,
    JournalError,
    JournalFile,
    canonical,
    trusted_rows,
)

AT = Instant(7, 1_700_000_000_000_000_000)


def entry(number: int, kind: str = "intent") -> Entry:
    return Entry(AT.wall + number, AT.mono + number, kind, {"n": number, "a": "ä"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


def opened(path: Path) -> JournalFile:
    return JournalFile(path, "boot-1", "0.1.0", AT)


def filled(path: Path, rows: int = 20) -> None:
    file = opened(path)
    for number in range(rows):
        file.append([entry(number)])
    file.close()


def test_rows_come_back_as_written_and_are_chained(path: Path) -> None:
    file = opened(path)
    assert file.append([entry(1), entry(2, "fill")]) == [1, 2]
    assert file.append([Entry(5, 6, "ack", {"b": 1, "a": [1, "x"]}, cause=2)]) == [3]
    rows = file.rows()
    assert [(row.seq, row.kind, row.cause, row.boot, row.version) for row in rows] == [
        (1, "intent", 0, "boot-1", "0.1.0"),
        (2, "fill", 0, "boot-1", "0.1.0"),
        (3, "ack", 2, "boot-1", "0.1.0"),
    ]
    assert rows[2].payload == '{"a":[1,"x"],"b":1}'
    last = GENESIS
    for row in rows:
        body = [row.seq, row.wall, row.mono, row.boot, row.version, row.kind, row.cause, row.payload]
        last = sha256(last.encode() + msgspec.json.encode(body)).hexdigest()
        assert row.hash == last
    assert [row.seq for row in file.rows(["fill", "ack"])] == [2, 3]
    assert [row.seq for row in file.rows(after=2)] == [3]
    file.close()


def test_the_next_boot_goes_on_where_the_last_one_ended(path: Path) -> None:
    filled(path, 3)
    file = JournalFile(path, "boot-2", "0.2.0", AT)
    assert (file.quarantined, file.fault) == (None, "")
    assert file.append([entry(9)]) == [4]
    assert [row.boot for row in file.rows()] == ["boot-1"] * 3 + ["boot-2"]
    file.close()


def test_files_are_private_and_synced_fully(path: Path) -> None:
    old = os.umask(0)
    try:
        file = opened(path)
        file.append([entry(1)])
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        modes = {stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()}
        assert modes == {0o600}
        assert len(list(path.parent.iterdir())) == 4
    finally:
        os.umask(old)
    assert file._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert file._db.execute("PRAGMA synchronous").fetchone() == (2,)
    file.close()


def test_a_payload_has_one_text_whatever_the_order_of_its_keys() -> None:
    assert canonical({"b": {"d": 1, "c": 2}, "a": 1}) == canonical({"a": 1, "b": {"c": 2, "d": 1}})


def test_a_failed_transaction_leaves_nothing_behind(path: Path) -> None:
    file = opened(path)
    with pytest.raises(TypeError):
        file.append([entry(1), Entry(1, 1, "bad", {"x": object()})])
    assert file.append([entry(2)]) == [1]
    file.close()


def damage_hash(path: Path) -> None:
    change(path, "UPDATE journal SET payload = replace(payload, '5', '6') WHERE seq = 6")


def damage_middle(path: Path) -> None:
    change(path, "DELETE FROM journal WHERE seq = 7")


def damage_end(path: Path) -> None:
    change(path, "DELETE FROM journal WHERE seq > 15")


def damage_table(path: Path) -> None:
    change(path, "ALTER TABLE journal RENAME COLUMN kind TO sort")


def damage_head_page(path: Path) -> None:
    path.write_bytes(b"garbage!" * 512)


def damage_tear(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 4096)


def damage_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    place = content.index(b'{"a"')
    content[place + 2] ^= 1
    path.write_bytes(content)


def damage_utf8(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b'{"a"') + 2] = 0xFF
    path.write_bytes(content)


def damage_schema_text(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b"CREATE TABLE journal") + 14] = 0xFF
    path.write_bytes(content)


def change(path: Path, statement: str) -> None:
    db = sqlite3.connect(path)
    db.execute(statement)
    db.commit()
    db.close()


@pytest.mark.fault
@pytest.mark.parametrize(
    "damage",
    [
        damage_hash,
        damage_middle,
        damage_end,
        damage_table,
        damage_head_page,
        damage_tear,
        damage_bit,
        damage_utf8,
        damage_schema_text,
    ],
)
def test_f75_a_damaged_journal_is_moved_aside_and_the_new_one_says_so(path: Path, damage: object) -> None:
    filled(path)
    damage(path)  # type: ignore[operator]
    file = opened(path)
    assert file.quarantined == path.with_name("journal.bad-1.db")
    assert file.quarantined.exists()
    [first] = file.rows()
    assert (first.kind, first.wall) == (QUARANTINED, AT.wall)
    assert msgspec.json.decode(first.payload)["file"] == "journal.bad-1.db"
    assert file.append([entry(1)]) == [2]
    file.close()
    again = opened(path)
    assert again.quarantined is None
    assert len(again.rows()) == 2
    again.close()


@pytest.mark.fault
def test_f75_rows_before_the_damage_can_still_be_read(path: Path) -> None:
    filled(path)
    damage_hash(path)
    file = opened(path)
    assert file.fault == "row 6 does not fit its hash"
    assert file.quarantined is not None
    assert [row.seq for row in trusted_rows(file.quarantined)] == [1, 2, 3, 4, 5]
    file.close()


@pytest.mark.fault
def test_f75_a_journal_that_vanished_is_said(path: Path) -> None:
    filled(path)
    path.unlink()
    file = opened(path)
    assert file.fault == "rows 1 to 20 are missing at its end"
    file.close()


@pytest.mark.fault
def test_f75_a_write_ahead_log_that_lost_its_end_is_said(path: Path) -> None:
    file = opened(path)
    for number in range(20):
        file.append([entry(number)])
    # As the disk looks after a crash: nothing was moved into the main file yet.
    for side in ("", "-wal", ".head"):
        source = path.with_name(path.name + side)
        (path.parent / f"copy.db{side}").write_bytes(source.read_bytes())
    file.close()
    copy = path.parent / "copy.db"
    log = path.parent / "copy.db-wal"
    log.write_bytes(log.read_bytes()[: log.stat().st_size * 2 // 3])
    reopened = opened(copy)
    assert "missing at its end" in reopened.fault
    reopened.close()


def test_two_damaged_journals_are_both_kept(path: Path) -> None:
    for number in (1, 2):
        filled(path)
        damage_head_page(path)
        file = opened(path)
        assert file.quarantined == path.with_name(f"journal.bad-{number}.db")
        file.close()


@pytest.mark.fault
def test_f74_a_full_disk_is_a_sentence_and_the_chain_goes_on_afterwards(path: Path) -> None:
    file = opened(path)
    file.append([entry(0)])
    pages = file._db.execute("PRAGMA page_count").fetchone()[0]
    file._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalError, match="the disk is full") as caught:
        for number in range(1000):
            file.append([Entry(1, 1, "big", {"n": number, "x": "x" * 5000})])
    assert str(path) in str(caught.value)
    file._db.execute("PRAGMA max_page_count = 100000")
    [seq] = file.append([entry(3)])
    assert [row.seq for row in file.rows()] == list(range(1, seq + 1))
    file.close()
    again = opened(path)
    assert again.quarantined is None
    again.close()


@pytest.mark.fault
def test_f74_a_read_only_folder_is_a_sentence(path: Path) -> None:
    filled(path)
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    file = opened(path)
    file._db.close()
    file._db = db
    with pytest.raises(JournalError, match="read-only"):
        file.append([entry(1)])
    file.close()
    blocked = path.parent / "file"
    blocked.write_text("")
    with pytest.raises(JournalError, match="can not be opened"):
        opened(blocked / "journal.db")


@pytest.mark.fault
def test_a_second_writer_is_refused_at_its_first_row(path: Path) -> None:
    one, other = opened(path), opened(path)
    one.append([entry(1)])
    with pytest.raises(JournalError, match="another process has written"):
        other.append([entry(2)])
    one.append([entry(3)])
    one.close()
    other.close()
    again = opened(path)
    assert again.quarantined is None
    again.close()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 2**32), bit=st.integers(0, 7))
def test_any_flipped_bit_is_either_harmless_or_found(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    path = tmp_path_factory.mktemp("j") / "journal.db"
    filled(path, 8)
    expected = [(row.seq, row.payload) for row in trusted_rows(path)]
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    try:
        file = opened(path)
    except JournalError:
        return
    if file.quarantined is None:
        assert [(row.seq, row.payload) for row in file.rows()] == expected
    file.close()


async def test_appends_from_a_loop_are_ordered_and_durable(path: Path) -> None:
    journal = await Journal.open(path, "b", "v", AT)
    numbers = await asyncio.gather(*(journal.append([entry(i)]) for i in range(50)))
    assert [seq for [seq] in numbers] == list(range(1, 51))
    # Seen by another connection: it is in the file, not in this process.
    assert sqlite3.connect(path).execute("SELECT count(*) FROM journal").fetchone() == (50,)
    assert len(await journal.rows(["intent"])) == 50
    await journal.close()


@pytest.mark.fault
async def test_a_stalled_disk_is_an_error_and_the_loop_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "MAX_WAITING", 3)
    journal = await Journal.open(path, "b", "v", AT)
    inner = journal._file.append

    def slow(entries: list[Entry]) -> list[int]:
        time.sleep(0.2)
        return inner(entries)

    monkeypatch.setattr(journal._file, "append", slow)
    waiting = [asyncio.ensure_future(journal.append([entry(i)])) for i in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(JournalError, match="does not keep up"):
        await journal.append([entry(9)])
    await asyncio.gather(*waiting)
    with pytest.raises(JournalError, match="takes longer"):
        await journal._run(lambda: journal._file.append([entry(9)]), stall_s=0.05)
    # The row was written all the same: whoever gave up has sent nothing on its account.
    assert [row.seq for row in await journal.rows()] == [1, 2, 3, 4]
    await journal.close()


@pytest.mark.fault
def test_f69_no_acknowledged_row_is_lost_to_kill_9(path: Path, tmp_path: Path) -> None:
    script = tmp_path / "writer.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from kalshi_tui.protocol.instant import Instant
        from kalshi_tui.storage.journal_db import Entry, JournalFile
        file = JournalFile(Path({str(path)!r}), "b", "v", Instant(1, 1))
        while True:
            [seq] = file.append([Entry(1, 1, "intent", {{"x": "y" * 300}})])
            sys.stdout.write(f"{{seq}}\\n")
            sys.stdout.flush()
        """)
    )
    acknowledged = 0
    for _ in range(3):
        child = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(40)]
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.readlines()
        child.wait()
        child.stdout.close()
        acknowledged = max(acknowledged, *(int(line) for line in lines if line.endswith("\n")))
        file = opened(path)
        assert file.quarantined is None
        assert len(file.rows()) >= acknowledged
        file.close()
