"""Logging to a rotating file, never to the terminal, with secrets blacked out.

The libraries that print request headers at their lower levels (access key, signature, cookies) are pinned
to WARNING whatever the level of our own loggers; what still slips through is redacted in the final text,
exception text included.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

MAX_BYTES = 2_000_000
BACKUPS = 4
CHATTY = ("websockets", "httpx", "httpcore", "aiohttp", "asyncio", "hpack")
"""Libraries that log headers, URLs or bodies below WARNING."""

_PATTERNS = (
    re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL),
    re.compile(r"(?i)(?<=KALSHI-ACCESS-)(KEY|SIGNATURE|TIMESTAMP)(['\"]?\s*[:=,]\s*['\"]?)[^\s'\",}]+"),
    re.compile(r"(?i)\b(authorization|set-cookie|cookie)(['\"]?\s*[:=,]\s*).*"),
)


class RedactingFormatter(logging.Formatter):
    """Formats a record, then blacks out every secret in the result (arguments and tracebacks too)."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__("%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s  %(message)s", "%Y-%m-%dT%H:%M:%S")
        self._secrets = tuple(secret for secret in secrets if secret)

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record), self._secrets)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without the given secrets, PEM blocks, signature headers and cookies."""
    for secret in secrets:
        text = text.replace(secret, "[redacted]")
    for pattern in _PATTERNS:
        text = pattern.sub("[redacted]", text)
    return text


class _PrivateFile(RotatingFileHandler):
    """A rotating file that only its owner can read."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def log_to(path: Path, secrets: Iterable[str] = (), level: int = logging.INFO) -> None:
    """Send all logging of this process to ``path`` and nowhere else. May be called again with more
    secrets."""
    handler = _PrivateFile(path, maxBytes=MAX_BYTES, backupCount=BACKUPS)
    handler.setFormatter(RedactingFormatter(secrets))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # A log that cannot be written (disk full) must not answer with a traceback on the trader's screen.
    logging.raiseExceptions = False
