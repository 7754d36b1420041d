"""Starting a desk process: its progress, its errors, its death."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kalshi_tui.desk import plan
from kalshi_tui.desk.boot import BootError, is_alive, running_desks, start_desk
from kalshi_tui.desk.lock import DeskLock, Holder
from kalshi_tui.locations import DeskFolder
from kalshi_tui.protocol.units import DOLLAR

PLAN = plan.Plan("practice", "venue", "m0", {"m0": {"edge": 0.015}}, 1000 * DOLLAR, markets=("KXA-1",))
PROLOGUE = "import sys, time; from kalshi_tui.desk import plan; what = plan.decode(sys.stdin.buffer.read());"


def child(code: str) -> list[str]:
    return [sys.executable, "-c", PROLOGUE + code]


def test_the_plan_arrives_whole_and_progress_is_told() -> None:
    steps: list[str] = []
    code = (
        "from kalshi_tui.desk.boot import Word, tell; tell(Word(step=repr(what.markets)));"
        "print('noise', flush=True); tell(Word(ready='/tmp/s')); time.sleep(30)"
    )
    pid, socket = start_desk(PLAN, child(code), steps.append)
    try:
        assert (steps, socket) == (["('KXA-1',)"], Path("/tmp/s"))
        assert is_alive(pid)
        # A session of its own: closing our terminal does not reach it.
        assert os.getsid(pid) == pid
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    assert not is_alive(pid)


def test_what_the_desk_says_is_wrong_is_what_we_say() -> None:
    code = "from kalshi_tui.desk.boot import Word, tell; tell(Word(error='the key is refused.', code=3))"
    with pytest.raises(BootError, match=r"^the key is refused\.$") as error:
        start_desk(PLAN, child(code), lambda step: None)
    assert error.value.code == 3


def test_a_desk_that_just_dies_is_reported_with_its_last_words() -> None:
    PLAN.folder.make()
    PLAN.folder.log.write_text("one\nthe disk is on fire\n")
    with pytest.raises(BootError, match=r"exit code 7\); the last line of .* is: the disk is on fire"):
        start_desk(PLAN, child("sys.exit(7)"), lambda step: None)


def test_running_desks_are_those_that_hold_their_lock() -> None:
    practice, demo = DeskFolder.of("practice", "a").make(), DeskFolder.of("demo", "b").make()
    demo.lock.write_text('{"pid":1,"venue":"demo","execution":"venue","socket":"/x"}')
    holder = Holder(os.getpid(), "practice", "paper", "/y")
    with DeskLock.acquire([practice.lock], holder):
        [desk] = running_desks()
        assert (desk.folder, desk.holder) == (practice, holder)
        assert running_desks("demo") == []
    assert running_desks() == []


def test_the_plan_never_holds_a_key_and_names_its_folder() -> None:
    assert plan.decode(plan.encode(PLAN)) == PLAN
    assert PLAN.embedded and PLAN.mode == "PRACTICE"
    other = plan.Plan("demo", "paper", "m0", {}, DOLLAR, key_id="k", key_file="/k.pem")
    assert (other.embedded, other.mode) == (False, "DEMO·PAPER")
    assert other.folder == DeskFolder.of("demo", "k") != PLAN.folder
