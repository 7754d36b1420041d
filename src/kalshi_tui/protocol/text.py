"""Text a stranger wrote, made safe once, before any terminal or log can see it."""

from __future__ import annotations

import unicodedata
from typing import NewType

SafeText = NewType("SafeText", str)
"""Text that holds nothing a terminal could act on. Made by ``safe_text`` alone."""

_FORBIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_MAX_COMBINING = 4


def safe_text(raw: object, limit: int = 200) -> SafeText:
    """``raw`` as NFC text without control, format, bidi, surrogate, private or unassigned characters.

    Line breaks and tabs become single spaces; runs of combining marks and the length are capped
    (``limit`` characters, the last an ellipsis when something was cut).
    """
    text = raw if isinstance(raw, str) else ("" if raw is None else str(raw))
    # Cut before normalizing: normalization of megabytes of combining marks is quadratic in places.
    text = unicodedata.normalize("NFC", text[: limit * 8])
    out: list[str] = []
    combining = 0
    for char in text:
        if char in "\n\r\t\u2028\u2029":
            char = " "
        category = unicodedata.category(char)
        if category in _FORBIDDEN:
            continue
        if category in ("Mn", "Me", "Mc"):
            combining += 1
            if combining > _MAX_COMBINING:
                continue
        else:
            combining = 0
        if char == " " and (not out or out[-1] == " "):
            continue
        out.append(char)
    cleaned = "".join(out).strip()
    if len(cleaned) > limit:
        cleaned = cleaned[: limit - 1].rstrip() + "…"
    return SafeText(cleaned)


def safe_ticker(raw: str) -> str:
    """A ticker as the exchange writes them (``A-Z 0-9 . -``, at most 80), or ``ValueError``.

    A ticker reaches file names, queries and screens; nothing else may pass for one.
    """
    if not raw or len(raw) > 80 or not raw.isascii():
        raise ValueError(f"{safe_text(raw, 40)!r} is not a ticker")
    if not all(c.isdigit() or ("A" <= c <= "Z") or c in ".-_" for c in raw) or ".." in raw:
        raise ValueError(f"{safe_text(raw, 40)!r} is not a ticker")
    return raw
