"""Keeps a desk that runs for days as large as it began, where the C library is glibc.

By its defaults glibc moves ever larger blocks onto the heap once a few have been freed, and gives every thread a
heap of its own; between what lives long there, freed room is never given back.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Names of ``mallopt(3)``."""
_LARGE = 128 * 1024
"""Bytes: glibc's own first threshold, which stays where it is once it has been set."""


def settle() -> bool:
    """Large blocks leave with their owner and all threads share one heap; False where there is no such setting."""
    mallopt = _function("mallopt")
    if mallopt is None:
        return False
    return all([mallopt(_ARENA_MAX, 1), mallopt(_MMAP_THRESHOLD, _LARGE), mallopt(_TRIM_THRESHOLD, _LARGE)])


def give_back() -> bool:
    """Whole free pages go back to the system, about a millisecond's work; False where none did."""
    trim = _function("malloc_trim")
    return trim is not None and bool(trim(0))


@cache
def _function(name: str) -> Callable[..., int] | None:
    try:
        found: Callable[..., int] = getattr(ctypes.CDLL(None), name)
    except (OSError, TypeError, AttributeError):
        return None
    return found
