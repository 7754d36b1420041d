"""``make run`` hands a trader no "Error 5" for an end that was asked for, and keeps the real errors."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(
    ("code", "made", "words"),
    [
        (0, 0, ""),
        (5, 0, "stopped by risk or kill (exit code 5"),
        (130, 0, ""),
        (143, 0, ""),
        (1, 2, "Error 1"),
    ],
)
def test_an_end_that_was_asked_for_does_not_look_like_a_crash(
    tmp_path: Path, code: int, made: int, words: str
) -> None:
    fake = tmp_path / "kalshi-tui"
    fake.write_text(f'#!/bin/sh\necho "$@"\nexit {code}\n')
    fake.chmod(0o755)
    done = subprocess.run(
        ["make", "--no-print-directory", "-o", ".venv/.run", "run", f"BIN={tmp_path}", "ARGS=--seed 7"],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"MAKEFLAGS": "", "LC_ALL": "C"}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (made, "run --seed 7\n")
    assert words in done.stderr if words else done.stderr == ""
