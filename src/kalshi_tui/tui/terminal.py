"""Can this terminal show the screen at all? Asked before anything starts."""

from __future__ import annotations

from collections.abc import Mapping

MIN_WIDTH = 80
MIN_HEIGHT = 24


def terminal_problem(env: Mapping[str, str], size: tuple[int, int]) -> str | None:
    """One sentence that says why the screen can not start here and what to do; None when it can.

    ``env`` is the process environment, ``size`` columns and rows.
    """
    kind = env.get("TERM", "")
    if kind in ("", "dumb", "unknown"):
        shown = kind or "not set"
        return f"TERM is {shown}: this terminal can not place text. Set TERM (xterm-256color) or use --no-ui."
    locale = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""
    if "utf-8" not in locale.lower() and "utf8" not in locale.lower():
        shown = locale or "not set"
        return (
            f"The locale is {shown}, not UTF-8: the ladder needs its glyphs. Set LANG=C.UTF-8 or use --no-ui."
        )
    return too_small(size)


def too_small(size: tuple[int, int]) -> str | None:
    """The sentence shown instead of a broken layout, None where the screen fits."""
    width, height = size
    if width >= MIN_WIDTH and height >= MIN_HEIGHT:
        return None
    return f"The terminal is {width} × {height}; the screen needs {MIN_WIDTH} × {MIN_HEIGHT}. Enlarge it."
