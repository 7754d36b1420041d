"""The money journal on disk: SQLite in WAL mode, every commit synced, rows chained by their hashes.

A row's hash covers all its columns and the hash before it, so a changed, missing or reordered row shows. A
missing end does not show in a chain, therefore a small head file beside it holds the newest sequence number
and hash. Neither a secondary index nor anything else outside the chain is trusted when reading.
Synchronous: runs in the thread of whoever calls; ``journal`` gives it one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.units import Nanos
from kalshi_tui.storage.files import create_private, move_aside, private_folder, sync_folder

GENESIS = "0" * 64
"""What the first row's hash is chained to."""
QUARANTINED = "journal_quarantined"
"""Kind of the first row of a journal whose predecessor could not be trusted."""
_SCHEMA = """CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY, wall INTEGER NOT NULL, mono INTEGER NOT NULL, boot TEXT NOT NULL,
    version TEXT NOT NULL, kind TEXT NOT NULL, cause INTEGER NOT NULL, payload TEXT NOT NULL, hash TEXT NOT NULL
) STRICT"""
_COLUMNS = "seq, wall, mono, boot, version, kind, cause, payload, hash"
_SIDES = ("", "-wal", "-shm")
"""Files of one SQLite database."""
_HEAD_SIZE = 96
_DAMAGE = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR))
"""Primary result codes that speak of the file's content, not of the disk or its permissions."""


class JournalError(Exception):
    """The journal can not do what was asked; a sentence for the trader. Nothing may be sent on its account."""


class Entry(Struct, frozen=True):
    """A row to be written. ``cause`` is the sequence number of the row that led to it, 0 for none."""

    wall: Nanos
    mono: Nanos
    kind: str
    payload: dict[str, object]
    cause: int = 0


class Row(Struct, frozen=True):
    """A row as it stands; ``payload`` is canonical JSON (sorted keys, no spaces)."""

    seq: int
    wall: Nanos
    mono: Nanos
    boot: str
    version: str
    kind: str
    cause: int
    payload: str
    hash: str


class JournalFile:
    """One open journal, verified from its first row to its last.

    A file that does not verify is moved aside (``quarantined``) and a new one begins with a row that says so;
    the rows before the damage can still be had from ``trusted_rows``.
    """

    def __init__(self, path: Path, boot: str, version: str, at: Instant) -> None:
        self.path = path
        self.quarantined: Path | None = None
        self.fault = ""
        self._boot = boot
        self._version = version
        self._seq = 0
        self._last = GENESIS
        try:
            private_folder(path.parent)
            self._head = os.open(
                _head_path(path), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
            self._db = self._verified(at)
        except (sqlite3.Error, OSError) as error:
            raise JournalError(_sentence(path, "opened", error)) from None

    def append(self, entries: Sequence[Entry]) -> list[int]:
        """Write rows in one transaction, on disk when this returns; their sequence numbers. All or none."""
        rows: list[tuple[int | str, ...]] = []
        seq, last = self._seq, self._last
        for entry in entries:
            seq += 1
            row = (
                seq, entry.wall, entry.mono, self._boot, self._version, entry.kind, entry.cause,
                canonical(entry.payload),
            )  # fmt: skip
            last = _chained(last, row)
            rows.append((*row, last))
        try:
            with self._db:
                self._db.executemany(f"INSERT INTO journal ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?)", rows)
            self._seq, self._last = seq, last
            # Unsynced on purpose: it only has to outlive this process, and a stale head accuses nobody.
            os.pwrite(self._head, f"{seq} {last}".ljust(_HEAD_SIZE).encode(), 0)
        except (sqlite3.Error, OSError) as error:
            raise JournalError(_sentence(self.path, "written", error)) from None
        return list(range(seq - len(rows) + 1, seq + 1))

    def rows(self, kinds: Iterable[str] = (), after: int = 0) -> list[Row]:
        """Rows of these kinds (of all, if none is named) with a greater sequence number, in order."""
        named = tuple(kinds)
        where = f" AND kind IN ({','.join('?' * len(named))})" if named else ""
        query = f"SELECT {_COLUMNS} FROM journal WHERE seq > ?{where} ORDER BY seq"
        try:
            return [Row(*row) for row in self._db.execute(query, (after, *named))]
        except sqlite3.Error as error:
            raise JournalError(_sentence(self.path, "read", error)) from None

    def close(self) -> None:
        self._db.close()
        os.close(self._head)

    def _verified(self, at: Instant) -> sqlite3.Connection:
        told = _read_head(self._head)
        db = None
        try:
            db = _connect(self.path)
            self._seq, self._last, self.fault = _verify(db)
            if not self.fault and self._seq < told:
                self.fault = f"rows {self._seq + 1} to {told} are missing at its end"
            if not self.fault:
                return db
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if not _is_damage(error):
                raise
            self.fault = f"the file is damaged ({error})"
        if db is not None:
            db.close()
        self.quarantined = _quarantine(self.path)
        self._seq, self._last = 0, GENESIS
        self._db = _connect(self.path)
        note: dict[str, object] = {"file": self.quarantined.name, "fault": self.fault}
        self.append([Entry(at.wall, at.mono, QUARANTINED, note)])
        return self._db


def canonical(payload: dict[str, object]) -> str:
    """JSON with sorted keys and no spaces: one text for one value."""
    return msgspec.json.encode(payload, order="sorted").decode()


def trusted_rows(path: Path) -> list[Row]:
    """The rows of a quarantined journal up to its first fault; what follows proves nothing."""
    rows: list[Row] = []
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    except sqlite3.Error:
        return rows
    try:
        last = GENESIS
        for values in db.execute(f"SELECT {_COLUMNS} FROM journal ORDER BY seq"):
            last = _chained(last, values[:-1])
            if values[0] != len(rows) + 1 or values[-1] != last:
                break
            rows.append(Row(*values))
    except (sqlite3.Error, UnicodeDecodeError):
        pass
    finally:
        db.close()
    return rows


def _chained(last: str, row: tuple[int | str, ...]) -> str:
    return sha256(last.encode() + msgspec.json.encode(row)).hexdigest()


def _connect(path: Path) -> sqlite3.Connection:
    if not path.exists():
        os.close(create_private(path))
        sync_folder(path.parent)
    db = sqlite3.connect(path, timeout=2.0, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        with db:
            db.execute(_SCHEMA)
    except (sqlite3.Error, UnicodeDecodeError):
        db.close()
        raise
    return db


def _verify(db: sqlite3.Connection) -> tuple[int, str, str]:
    """Newest sequence number, its hash, and what is wrong (empty: nothing)."""
    seq, last = 0, GENESIS
    for values in db.execute(f"SELECT {_COLUMNS} FROM journal ORDER BY seq"):
        last = _chained(last, values[:-1])
        if values[0] != seq + 1:
            return seq, last, f"row {seq + 1} is missing"
        seq += 1
        if values[-1] != last:
            return seq, last, f"row {seq} does not fit its hash"
    return seq, last, ""


def _quarantine(path: Path) -> Path:
    aside = move_aside(path)
    for side in _SIDES[1:]:
        beside = path.with_name(path.name + side)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + side))
    sync_folder(path.parent)
    return aside


def _head_path(path: Path) -> Path:
    return path.with_name(path.name + ".head")


def _read_head(fd: int) -> int:
    """The newest sequence number this file was told, 0 when it was never told one."""
    seq, _, _ = os.pread(fd, _HEAD_SIZE, 0).partition(b" ")
    return int(seq) if seq.isdigit() else 0


def _is_damage(error: Exception) -> bool:
    # Text that is no UTF-8, in a row or in the library's own message, carries no code: it is damage as well.
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF in _DAMAGE


def _sentence(path: Path, done: str, error: Exception) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    reasons = {
        sqlite3.SQLITE_FULL: "the disk is full",
        sqlite3.SQLITE_READONLY: "the file or its folder is read-only",
        sqlite3.SQLITE_CANTOPEN: "the file or its folder is not accessible",
        sqlite3.SQLITE_BUSY: "another process holds it",
        sqlite3.SQLITE_CONSTRAINT: "another process has written to it",
        sqlite3.SQLITE_IOERR: "the disk reports an error",
    }
    why = reasons.get(code) or getattr(error, "strerror", None) or str(error)
    return f"The journal can not be {done}: {why} ({path}). No order that adds risk is sent until it can."
