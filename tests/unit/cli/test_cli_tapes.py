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


@pytest.mark.parametrize("command", [("replay", "--no-ui"), ("calibrate", "--engine", "m1")])
def test_a_folder_without_a_tape_says_where_to_look(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "practice").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    done = call(command[0], str(tmp_path), *command[1:])
    assert (done.returncode, done.stdout) == (1, "")
    said = one_sentence(done.stderr)
    assert f"{tmp_path}: the folder holds no tape" in said and "its folders are practice: name one" in said
