"""What the machine does to a trader: read-only folders, a full disk, taken sockets. Nothing is lost, all is said.

Root may write anywhere, so for root the folder is made unwritable the real way: a read-only or tiny file system in
a mount namespace of the test's own.
"""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from cli_bench import COMMAND, CONTROL, call, lines, until
from test_bad_input import one_sentence

from kalshi_tui.locations import EMBEDDED, DeskFolder
from kalshi_tui.storage.journal_db import trusted_rows


def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "t", "/mnt"], capture_output=True, check=False
    )
    return tried.returncode == 0


def mounted(folder: Path, options: str, *args: str) -> subprocess.Popen[str]:
    """A command that sees a file system of its own at ``folder``; nobody else does."""
    script = (
        f"mount -t tmpfs -o {options} t {shlex.quote(str(folder))} && exec {shlex.join([*COMMAND, *args])}"
    )
    return subprocess.Popen(
        ["unshare", "-m", "sh", "-c", script],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def on_read_only_home(home: Path, *args: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command whose HOME nobody can write to, root included."""
    if os.getuid() != 0:
        home.chmod(0o500)
        try:
            done = call(*args)
        finally:
            home.chmod(0o700)
        return done.returncode, done.stdout, done.stderr
    if may_mount():
        process = mounted(home, "ro", *args)
        out, err = process.communicate(timeout=40)
        return process.returncode, out, err
    done = call(*args, HOME="/sys")  # where not even root makes a folder
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("--no-ui", "--for", "1s"),
        ("kill",),
        ("config", "init", "--bankroll", "1000"),
        ("kill", "--venue", "prod"),
    ],
)
def test_a_read_only_home_is_named_with_what_to_do(sealed_home: Path, args: tuple[str, ...]) -> None:
    code, out, err = on_read_only_home(sealed_home, *args)
    assert (code, out) == (1, "")
    said = one_sentence(err).lower()
    assert "read-only" in said or "permission denied" in said or "not permitted" in said
    assert "make it writable" in said or "make the folder writable" in said


def test_lists_and_checks_work_on_a_read_only_home(sealed_home: Path) -> None:
    for args, expected in ((("status",), 1), (("config", "check"), 0), (("keys",), 0), (("themes",), 0)):
        code, _, err = on_read_only_home(sealed_home, *args)
        assert code == expected, err
    code, out, _ = on_read_only_home(sealed_home, "doctor", "--no-network")
    assert code == 1 and "FAIL  state folder" in out


@pytest.mark.skipif(not may_mount(), reason="a small disk needs a mount namespace: root, or user namespaces")
def test_a_disk_that_fills_up_while_running_kills_and_says_so(sealed_home: Path, tmp_path: Path) -> None:
    """The journal can not be written, so nothing more is sent; what rests is pulled, what was written stands."""
    process = mounted(sealed_home, "size=4m,mode=700", "--no-ui", "--json", "--quote", "--for", "12s")
    inside = Path(f"/proc/{process.pid}/root{sealed_home}")
    desks = Path(".local/state/kalshi-tui/desks")
    try:
        until(lambda: list((inside / desks).glob("*/journal.sqlite-wal")))
        time.sleep(3.0)  # it quotes by now
        held = os.open(inside, os.O_RDONLY)  # the small disk stays as long as this
        with pytest.raises(OSError, match="No space left"), (inside / "fill").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        out, err = process.communicate(timeout=40)
    finally:
        process.kill()
    rows = lines(out)
    [said] = [row["text"] for row in rows if row["type"] == "alert" and "killed" in row["text"]]
    assert "the disk is full" in said and "nothing is sent any more" in said
    summary = rows[-1]
    assert (process.returncode, summary["exit"]) == (5, 5)
    assert (summary["orders_live"], summary["orders_unknown"]) == (0, 0)
    [left] = Path(f"/proc/self/fd/{held}", desks).iterdir()
    for name in ("journal.sqlite", "journal.sqlite-wal"):
        shutil.copy(left / name, tmp_path)
    os.close(held)
    kinds = [row.kind for row in trusted_rows(tmp_path / "journal.sqlite")]
    assert kinds[0] == "boot" and kinds.count("intent") > 0
    assert "Traceback" not in err and not CONTROL.search(err.replace("\n", ""))


def test_a_socket_on_which_somebody_else_listens_is_left_alone() -> None:
    folder = DeskFolder.of("practice", EMBEDDED).make()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder.socket))
        other.listen()
        done = call("--no-ui", "--for", "1s")
        assert done.returncode == 1
        said = one_sentence(done.stderr)
        assert str(folder.socket) in said
        assert folder.socket.is_socket()


def test_known_markets_beside_an_unknown_one_start_nothing() -> None:
    ready = call("--no-ui", "--for", "1s", "--json", "--no-record")
    known = next(row["ticker"] for row in lines(ready.stdout) if row["type"] == "state")
    done = call("--no-ui", "--for", "1s", "--markets", f"{known},NOSUCH-1")
    assert (done.returncode, done.stdout) == (2, "")
    said = one_sentence(done.stderr)
    assert "NOSUCH-1: no such market on practice" in said and known not in said
    assert call("status").returncode == 1
