"""The way into REST bodies: parsed once, shaped by type, refused in one way.

Everything in the ``rest_*`` files raises ``ValueError`` (of which ``UnitError`` is one) for a body that lacks or
garbles what its meaning depends on, and nothing else. Unknown words of an enumeration are no such thing: they
are kept as unknown. Fields the exchange leaves out or sends as null are None.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from kalshi_tui.protocol.text import SafeText, safe_text
from kalshi_tui.protocol.times import parse_time
from kalshi_tui.protocol.units import Count, Money, Nanos, parse_count, parse_money

T = TypeVar("T")


def parse_body(raw: bytes) -> dict[str, object]:
    """The JSON object of a response; ``ValueError`` for anything else."""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ValueError(f"the answer is no JSON: {safe_text(error, 120)}") from None
    if not isinstance(body, dict):
        raise ValueError("the answer is no JSON object")
    return body


def shaped(body: object, kind: type[T]) -> T:
    """``body`` as ``kind``, fields checked by type."""
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise ValueError(safe_text(error, 160)) from None


def rows(body: dict[str, object], *names: str) -> list[object]:
    """The list under the first of these names; null and absent are empty only if the name is there at all."""
    for name in names:
        if name in body:
            found = body[name]
            if found is None:
                return []
            if isinstance(found, list):
                return found
    raise ValueError(f"the answer has no list {names[0]!r}")


def cursor_of(body: dict[str, object]) -> str:
    """Where the next page starts; empty at the end."""
    cursor = body.get("cursor")
    return cursor if isinstance(cursor, str) else ""


def optional_time(text: str | None) -> Nanos | None:
    return parse_time(text) if text else None


def optional_money(text: str | None) -> Money | None:
    return parse_money(text) if text else None


def optional_count(text: str | None) -> Count | None:
    return parse_count(text) if text else None


def long_text(raw: str | None) -> SafeText:
    """Rules and the like: longer than a title, still bounded."""
    return safe_text(raw, 4000)
