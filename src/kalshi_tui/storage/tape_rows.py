"""What a tape yields, whoever recorded it: frames and facts with the times they were received."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from kalshi_tui.protocol.text import SafeText, safe_text
from kalshi_tui.protocol.units import Nanos


class TapeError(Exception):
    """A tape that can not be read on from here. Rows given out before it stand."""

    def __init__(self, path: Path, row: int | None, what: str) -> None:
        place = f"{path}, row {row}" if row is not None else str(path)
        super().__init__(f"{place}: {what}.")
        self.path = path
        self.row = row


TAPE_FORM = 1
"""Version of the rows we write; a reader refuses tapes of a later one."""


class TapeStart(Struct, frozen=True, gc=False, kw_only=True):
    """First row of each of our segments: what the desk was when it began to record."""

    session: str
    """Segments of one session (one boot of a desk) make one recording."""
    segment: int = 0
    tape: int = TAPE_FORM
    program: str = ""
    venue: str = ""
    use_yes_price: bool = True
    """NO levels of the book are YES-leg priced."""


class RowsDropped(Struct, frozen=True, gc=False):
    """The recorder could not keep up or had no room: this many rows are missing here."""

    count: int


class WatchMarket(Struct, frozen=True, gc=False):
    """A recorder began to follow a market; what it knew then (nothing of it is look-ahead)."""

    ticker: str
    close: Nanos | None = None
    status: str = ""
    strike: float | None = None


class MarketRotated(Struct, frozen=True, gc=False):
    """A recorder left a closed market for the next one."""

    previous: str
    active: str


class Connected(Struct, frozen=True, gc=False):
    """A recorder opened a connection."""

    ticker: str = ""


class RecorderRow(Struct, frozen=True, gc=False):
    """A recorder's own row of a kind that says nothing to us."""

    type: SafeText


class KernelRow(Struct, frozen=True, gc=False):
    """A kernel event of ours that is no frame; ``kernel_rows.decode`` turns it back."""

    body: bytes


Fact: TypeAlias = TapeStart | RowsDropped | WatchMarket | MarketRotated | Connected | RecorderRow | KernelRow


class TapeRow(Struct, gc=False):
    """One row. Exactly one of ``raw`` (a frame's bytes) and ``fact`` is there.

    ``recv_ns`` is wall time; for bare frames, which carry none, the exchange's own stamp. ``mono_ns`` is None
    where it was not recorded. ``conn`` is the recorder's connection number, made unique over several tapes.
    ``row`` counts lines from 1 (frames, in a tape that is one JSON object).
    """

    recv_ns: Nanos
    mono_ns: Nanos | None
    conn: int
    raw: bytes | None
    fact: Fact | None
    row: int


def shown(raw: bytes, limit: int = 60) -> SafeText:
    """The beginning of a bad row, fit for a terminal."""
    return safe_text(raw[: limit * 4].decode("utf-8", "replace"), limit)
