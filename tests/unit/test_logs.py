"""The log file holds no secret and is nobody else's to read."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kalshi_tui import logs

CANARY = "9f1c2d3e-canary-key-id"
PEM = "-----BEGIN PRIVATE KEY-----\nMIICANARYCANARY\n-----END PRIVATE KEY-----"


@pytest.fixture(autouse=True)
def restored_root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, noisy = root.handlers[:], root.level, logging.raiseExceptions
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = noisy


def test_secrets_never_reach_the_file(tmp_path: Path) -> None:
    path = tmp_path / "desk.log"
    logs.log_to(path, secrets=[CANARY], level=logging.DEBUG)
    log = logging.getLogger("kalshi_tui.test")
    log.warning("asked with %s", CANARY)
    log.warning("headers %r", {"KALSHI-ACCESS-SIGNATURE": "CANARYSIG==", "KALSHI-ACCESS-KEY": "CANARYID"})
    log.warning("Set-Cookie: session=CANARYCOOKIE")
    try:
        raise ValueError(f"cannot read {PEM}")
    except ValueError:
        log.exception("failed")
    text = path.read_text()
    assert "CANARY" not in text.upper()
    assert text.count("[redacted]") >= 4
    assert "ValueError" in text


def test_the_file_is_private_and_rotates(tmp_path: Path) -> None:
    path = tmp_path / "desk.log"
    logs.log_to(path)
    log = logging.getLogger("kalshi_tui.test")
    for _ in range(30):
        log.info("x" * 100_000)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_size <= logs.MAX_BYTES
    assert (tmp_path / "desk.log.1").exists()


@pytest.mark.parametrize("library", ["websockets.client", "httpx", "httpcore.http11"])
def test_libraries_that_print_headers_stay_silent(tmp_path: Path, library: str) -> None:
    path = tmp_path / "desk.log"
    logs.log_to(path, level=logging.DEBUG)
    logging.getLogger(library).debug("> KALSHI-ACCESS-KEY: x")
    logging.getLogger(library).info("HTTP Request: GET https://example.com/?q=1")
    assert path.read_text() == ""


def test_nothing_goes_to_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logs.log_to(tmp_path / "desk.log")
    logging.getLogger("kalshi_tui.test").error("not on the screen")
    assert capfd.readouterr() == ("", "")
