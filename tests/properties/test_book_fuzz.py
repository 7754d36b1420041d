"""Mutated frames through decoder and feed (``python -m benchmarks fuzz`` does a million)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def fuzz(*arguments: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks", "fuzz", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_mutated_synthetic_frames() -> None:
    found = fuzz("--frames", "30000", "--seed", "11")
    assert "30000 frames in" in found
    # It was no fuzz at all if nothing was refused, or nothing damaged was believed.
    assert all(
        kind in found for kind in ("InvalidFrame", "BookDelta", "FullDelta", "BookSnapshot", "UnknownFrame")
    )


def test_mutated_recorded_frames(shared_data: Path) -> None:
    tapes = sorted(str(path) for path in (shared_data / "ws").iterdir())
    found = fuzz("--frames", "20000", "--seed", "12", "--tapes", *tapes)
    assert "355 recorded ones" in found
