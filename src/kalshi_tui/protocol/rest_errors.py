"""Refusals of the REST side, in every shape they come in, as one ``VenueError``."""

from __future__ import annotations

import re

import msgspec

from kalshi_tui.protocol.orders import VenueError
from kalshi_tui.protocol.text import safe_text

_CODES = {401: "unauthorized", 403: "forbidden", 404: "not_found", 409: "conflict", 429: "too_many_requests"}
_WORD = re.compile(r"[^a-z0-9]+")


def error_from_rest(status: int, raw: bytes) -> VenueError:
    """Never raises. Seen shapes: ``{"error": {"code", "message", "details"}}``, the same flat,
    ``{"error": "text"}``, ``{"msg": "text"}``, plain text, nothing.

    ``code`` is in lower case with underscores, whatever the exchange wrote; without one it follows from the status.
    """
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return VenueError(status, _code_of(status), safe_text(raw[:800].decode("utf-8", "replace")))
    return _from_object(status, body)


def error_inside(entry: object) -> VenueError | None:
    """The ``error`` of one item of a batch reply, None when it has none."""
    error = entry.get("error") if isinstance(entry, dict) else None
    return _from_object(400, error) if error else None


def _from_object(status: int, body: object) -> VenueError:
    if not isinstance(body, dict):
        return VenueError(status, _code_of(status), safe_text(body))
    inner = body.get("error")
    if isinstance(inner, dict):
        body = inner
    elif isinstance(inner, str):
        return VenueError(status, _word(inner) or _code_of(status), safe_text(inner))
    code = body.get("code")
    texts = [body.get(name) for name in ("message", "msg", "details")]
    said = [safe_text(text) for text in texts if isinstance(text, str) and text]
    word = _word(code) if isinstance(code, str) else ""
    return VenueError(status, word or _code_of(status), safe_text(": ".join(dict.fromkeys(said))))


def _word(text: str) -> str:
    return _WORD.sub("_", text.lower()[:60]).strip("_")


def _code_of(status: int) -> str:
    return _CODES.get(status, f"http_{status}")
