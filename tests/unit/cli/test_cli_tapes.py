"""Folders of tapes: what a person has after recording, and what is said where a folder holds none."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from cli_bench import call, lines
from test_bad_input import one_sentence, rows

FIGURES = ("frames", "deltas", "snapshots", "gaps", "final_books", "decisions_hash")


def test_a_folder_stands_for_every_tape_in_it(tmp_path: Path) -> None:
    """In two halves, one packed, with files beside them that are no tapes."""
    whole = rows(20).splitlines(keepends=True)
    first, second = tmp_path / "a.jsonl", tmp_path / "b.ndjson.gz"
    first.write_text("".join(whole[:12]))
    second.write_bytes(gzip.compress("".join(whole[12:]).encode()))
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "x.jsonl").mkdir()
    folder = lines(call("replay", str(tmp_path), "--no-ui", "--json").stdout)[-1]
    named = lines(call("replay", str(first), str(second), "--no-ui", "--json").stdout)[-1]
    assert folder["frames"] == 20
    assert {name: folder[name] for name in FIGURES} == {name: named[name] for name in FIGURES}


def test_a_torn_tape_of_a_folder_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    """The torn one first, one torn in its very first row, one empty, and a later boot's whole one last."""
    whole = rows(20).splitlines(keepends=True)
    (tmp_path / "a.jsonl").write_text("".join(whole[:8])[:-30])
    (tmp_path / "b.jsonl").write_text(whole[0][:20])
    (tmp_path / "c.jsonl").write_text("")
    (tmp_path / "d.jsonl").write_text("".join(whole[12:]))
    done = call("replay", str(tmp_path), "--no-ui", "--json")
    summary = lines(done.stdout)[-1]
    assert (done.returncode, summary["exit"], summary["frames"]) == (1, 1, 7 + 8)
    assert summary["final_books"]
    said = done.stderr.splitlines()
    assert len(said) == 3, done.stderr
    for name, place in (
        ("a.jsonl", ", row 8: "),
        ("b.jsonl", ", row 1: "),
        ("c.jsonl", ": the file is empty"),
    ):
        assert sum(f"{tmp_path / name}{place}" in sentence for sentence in said) == 1, done.stderr


@pytest.mark.parametrize("command", [("replay", "--no-ui"), ("calibrate", "--engine", "m1")])
def test_a_folder_without_a_tape_says_where_to_look(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "practice").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    done = call(command[0], str(tmp_path), *command[1:])
    assert (done.returncode, done.stdout) == (1, "")
    said = one_sentence(done.stderr)
    assert f"{tmp_path}: the folder holds no tape" in said and "its folders are practice: name one" in said
