"""What a trader gets wrong, or the machine does: one sentence on stderr, the right exit code, and nothing is lost.

Mistyped options, configuration keys, terminals and key files are in ``test_cli_usage``; disks, folders and sockets
in ``test_bad_machine``; a second desk in ``test_cli_desk``; an exchange that disappears in ``tests/faults``.
"""

from __future__ import annotations

import gzip
import json
import socket
from pathlib import Path

import pytest
from cli_bench import CONTROL, call, lines

from kalshi_tui.locations import EMBEDDED, DeskFolder

START_NS = 1_795_000_000_000_000_000


def rows(count: int) -> str:
    """A tape of one market: a snapshot, then deltas."""
    facts = {"market_ticker": "KXA-1", "market_id": "x"}
    book = {"yes_dollars_fp": [["0.4000", "10.00"]], "no_dollars_fp": [["0.5000", "10.00"]]}
    change = {"price_dollars": "0.4000", "delta_fp": "1.00", "side": "yes", "ts": "2026-11-22T20:44:01Z"}
    text = ""
    for n in range(count):
        kind, msg = ("orderbook_delta", change) if n else ("orderbook_snapshot", book)
        event = {"type": kind, "sid": 1, "seq": n + 1, "msg": facts | msg}
        text += json.dumps({"recv_ns": START_NS + n * 1_000_000, "conn": 1, "event": event}) + "\n"
    return text


def one_sentence(stderr: str) -> str:
    """What was said, if it is one line of plain text."""
    assert stderr.startswith("kalshi-tui: ")
    assert len(stderr.splitlines()) == 1, stderr
    assert "Traceback" not in stderr and not CONTROL.search(stderr.rstrip("\n"))
    return stderr


@pytest.mark.parametrize(
    ("name", "content", "frames", "words"),
    [
        ("torn.jsonl", rows(50)[:-40].encode(), 49, "row 50: can not be read"),
        (
            "torn.jsonl.gz",
            gzip.compress(rows(50).encode(), mtime=0)[:200],
            None,
            "compressed data ends early",
        ),
        ("half.jsonl", (rows(5) + "not a row\n").encode(), 5, "row 6"),
    ],
    ids=("torn", "cut gzip", "half"),
)
def test_a_damaged_tape_names_its_row_and_what_came_before_it_stands(
    tmp_path: Path, name: str, content: bytes, frames: int | None, words: str
) -> None:
    tape = tmp_path / name
    tape.write_bytes(content)
    done = call("replay", str(tape), "--no-ui", "--json")
    assert done.returncode == 1
    said = one_sentence(done.stderr)
    assert words in said and str(tape) in said and "What came before it stands." in said
    summary = lines(done.stdout)[-1]
    assert summary["type"] == "summary"
    assert 0 < summary["frames"] < 50 if frames is None else summary["frames"] == frames


@pytest.mark.parametrize("content", [b"hello\n", bytes(range(256)) * 8, b'{"a": 1}\n', b"PK\x03\x04zip"])
def test_a_foreign_file_is_refused_and_named(tmp_path: Path, content: bytes) -> None:
    tape = tmp_path / "foreign"
    tape.write_bytes(content)
    done = call("replay", str(tape), "--no-ui", "--json")
    assert done.returncode == 1
    assert str(tape) in one_sentence(done.stderr)
    assert tape.read_bytes() == content


def test_an_unknown_market_is_named_and_leaves_nothing_running() -> None:
    done = call("--no-ui", "--markets", "NOSUCH-1,NOSUCH-2", "--for", "1s")
    assert (done.returncode, done.stdout) == (2, "")
    assert "NOSUCH-1, NOSUCH-2: no such market on practice." in one_sentence(done.stderr)
    assert call("status").returncode == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[ui\n", "not valid TOML"),
        (b"\xff\xfe", "byte 0 is not UTF-8"),
        (b'[ui]\ntheme = "night"\ntheme = "day"\n', "line 3"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "c.toml"
    file.write_bytes(content)
    done = call("--no-ui", "--config", str(file))
    assert done.returncode == 2
    assert words in (said := one_sentence(done.stderr)) and str(file) in said
    assert file.read_bytes() == content


def test_an_unknown_key_in_the_environment_names_the_variable_and_the_nearest_one() -> None:
    done = call("config", "check", KALSHI_TUI__UI__THEM="day")
    assert done.returncode == 2
    assert "KALSHI_TUI__UI__THEM: unknown key ui.them; the nearest valid one is ui.theme." in one_sentence(
        done.stderr
    )


def test_something_foreign_in_the_sockets_place_is_named_and_left_alone(sealed_home: Path) -> None:
    folder = DeskFolder.of("practice", EMBEDDED).make()
    folder.socket.write_text("mine")
    done = call("--no-ui", "--for", "1s")
    assert done.returncode == 1
    said = one_sentence(done.stderr)
    assert str(folder.socket) in said and "remove what is there" in said
    assert folder.socket.read_text() == "mine"


def test_the_socket_of_a_dead_desk_is_taken_over(sealed_home: Path) -> None:
    folder = DeskFolder.of("practice", EMBEDDED).make()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder.socket))
    assert folder.socket.is_socket()
    done = call("--no-ui", "--for", "1s", "--no-record")
    assert done.returncode == 0
    assert not folder.socket.exists()


def test_an_exchange_that_is_not_there_is_said_at_start(tmp_path: Path) -> None:
    from kalshi_tui.practice.auth import make_key

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    key = make_key("ed25519", "me", tmp_path)
    where = (
        "--rest",
        f"http://127.0.0.1:{port}/trade-api/v2",
        "--ws",
        f"ws://127.0.0.1:{port}/trade-api/ws/v2",
    )
    done = call("--no-ui", *where, "--key-id", key.api_key.key_id, "--key-file", str(key.path))
    assert done.returncode == 1
    said = one_sentence(done.stderr)
    assert "can not be reached" in said
    assert key.api_key.key_id not in said
