"""Fixtures shared by all tests: sealed from the developer's own files, and the one place that finds recordings."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy comes in; as the command line does

settings.register_profile("kalshi-tui", deadline=None, print_blob=True)
settings.load_profile("kalshi-tui")


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A temporary folder with a short path: a Unix socket's may have 100 bytes."""
    with tempfile.TemporaryDirectory(prefix="kt-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def sealed_home(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the developer's configuration, state or keys."""
    home = short_folder / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "DATA", "STATE", "CACHE", "RUNTIME"):
        monkeypatch.delenv(f"XDG_{name}_HOME", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return home


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings; skips where it is absent (a newcomer's machine does not have it)."""
    path = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not path.is_dir():
        pytest.skip("the folder of real recordings is not on this machine")
    return path


@pytest.fixture(scope="session")
def shared_reference() -> Path:
    """The folder of reference vectors and official specifications; skips where it is absent."""
    path = Path(__file__).resolve().parents[2] / "shared" / "reference"
    if not path.is_dir():
        pytest.skip("the folder of reference vectors is not on this machine")
    return path
