"""Keeps a screen that is open for days as large as it began."""

from __future__ import annotations

import gc

from rich.segment import Segment

TIDY_EVERY_S = 10.0


def tidy() -> None:
    """Collect the cycles that views leave behind, and forget the texts that Rich has cut.

    Rich remembers the last 16,384 texts it cut in two. Ours are numbers that never come again: a MiB a minute.
    """
    gc.collect()
    forget = getattr(getattr(Segment, "_split_cells", None), "cache_clear", None)
    if forget is not None:  # not public: another version of Rich may have none
        forget()
