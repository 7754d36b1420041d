"""Stops outlive the process; a file in doubt means killed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kalshi_tui.storage.files import write_whole
from kalshi_tui.storage.latches import Latch, LatchError, LatchFile

LATCHES = {"": Latch("kill", "drawdown", 5, reduce_only=True), "A-B": Latch("pull", "key ä", 7)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "latches.json"


def test_no_file_is_no_latch_and_what_is_written_comes_back(path: Path) -> None:
    file = LatchFile(path)
    assert file.read(1) == {}
    file.write(LATCHES)
    assert LatchFile(path).read(1) == LATCHES
    assert LatchFile(path).broken == ""
    file.write({})
    assert LatchFile(path).read(1) == {}
    assert [found.name for found in path.parent.iterdir()] == ["latches.json"]


def test_the_file_is_private(path: Path) -> None:
    LatchFile(path).write(LATCHES)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"\xff\xfe", b'{"latches":{},"sha256":"0"}', b"[" * 100_000, b'{"latches":{}}'],
)
def test_a_damaged_file_is_a_kill_that_stays_until_cleared(path: Path, content: bytes) -> None:
    LatchFile(path).write(LATCHES)
    path.write_bytes(content)
    file = LatchFile(path)
    latches = file.read(99)
    assert set(latches) == {""}
    assert (latches[""].stop, latches[""].wall, latches[""].reduce_only) == ("kill", 99, False)
    assert "damaged" in file.broken
    assert path.with_name("latches.bad-1.json").read_bytes() == content
    assert LatchFile(path).read(100) == latches


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7), cut=st.booleans())
def test_any_flipped_bit_or_cut_kills(tmp_path: Path, place: int, bit: int, cut: bool) -> None:
    path = tmp_path / "latches.json"
    LatchFile(path).write({})
    content = bytearray(path.read_bytes().rstrip(b"\n"))
    if cut:
        content = content[: place % len(content)]
    else:
        content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    assert LatchFile(path).read(1)[""].stop == "kill"


def test_a_file_that_can_not_be_read_or_written_is_a_kill_and_an_error(path: Path) -> None:
    path.mkdir(parents=True)
    assert LatchFile(path).read(1)[""].stop == "kill"
    with pytest.raises(LatchError, match=str(path)):
        LatchFile(path).write(LATCHES)


def test_a_crash_while_writing_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    LatchFile(path).write(LATCHES)

    def broken(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(LatchError, match="No space left"):
        LatchFile(path).write({})
    assert LatchFile(path).read(1) == LATCHES
    assert [found.name for found in path.parent.iterdir()] == ["latches.json"]


def test_a_whole_write_replaces_a_link_and_does_not_follow_it(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(target)
    write_whole(link, b"new")
    assert target.read_text() == "mine"
    assert not link.is_symlink()
