"""One desk at a time; a dead one's lock is free."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kalshi_tui.desk import lock
from kalshi_tui.desk.lock import DeskLock, Holder, LockHeldError, holder_of
from kalshi_tui.locations import LocationError

ME = Holder(pid=os.getpid(), venue="practice", execution="venue", socket="/x")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE_S", 0.05)


def test_a_second_desk_is_refused_and_told_the_pid(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with DeskLock.acquire([path], ME):
        assert holder_of(path) == ME
        with pytest.raises(LockHeldError, match=f"practice desk with process id {os.getpid()}") as refused:
            DeskLock.acquire([path], ME)
        assert refused.value.holder == ME
    assert holder_of(path) is None
    DeskLock.acquire([path], ME).release()


def test_all_locks_or_none(tmp_path: Path) -> None:
    account, user = tmp_path / "account", tmp_path / "user"
    with DeskLock.acquire([user], ME):
        with pytest.raises(LockHeldError):
            DeskLock.acquire([account, user], ME)
        assert holder_of(account) is None


def test_asking_does_not_disturb_a_starting_desk(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    for _ in range(50):
        held = DeskLock.acquire([path], ME)
        assert holder_of(path) == ME
        held.release()
        assert holder_of(path) is None


def test_kill_dash_nine_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys, time; from pathlib import Path; from kalshi_tui.desk.lock import DeskLock, Holder;"
        "import os; held = DeskLock.acquire([Path(sys.argv[1])], Holder(os.getpid(), 'demo', 'paper', ''));"
        "print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(LockHeldError, match=f"demo desk with process id {process.pid}"):
            DeskLock.acquire([path], ME)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with DeskLock.acquire([path], ME):
        assert holder_of(path) == ME


def test_a_torn_note_still_means_held(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with DeskLock.acquire([path], ME):
        path.write_bytes(b"\xff{")
        with pytest.raises(LockHeldError, match="another desk already runs here"):
            DeskLock.acquire([path], ME)


def test_a_lock_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "target")
    with pytest.raises(LocationError, match="cannot be opened"):
        DeskLock.acquire([tmp_path / "lock"], ME)
    assert not (tmp_path / "target").exists()
