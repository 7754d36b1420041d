"""Times as the exchange writes them, and ids that the same seed makes again."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID, uuid5

from kalshi_tui.protocol.units import SECOND, Nanos

_NAMESPACE = UUID("6f1d1c1e-54a2-4d38-9c9a-0b7b3c5f2a10")


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def rfc3339(at: Nanos) -> str:
    """Microseconds, trailing zeros cut, ``Z``: ``2026-06-11T06:29:30.164956Z``."""
    seconds, rest = divmod(at, SECOND)
    micros = rest // 1000
    return _second(seconds) + (f".{micros:06d}".rstrip("0") if micros else "") + "Z"


def parse_rfc3339(text: str) -> Nanos:
    """The inverse, to the microsecond; ``ValueError`` when it is no time with a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    # Whole seconds and microseconds apart: a float timestamp is not exact to the microsecond.
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * SECOND + moment.microsecond * 1000


def stable_uuid(name: str) -> str:
    """A UUID that depends on ``name`` alone (market ids)."""
    return str(uuid5(_NAMESPACE, name))


class Ids:
    """UUID-shaped ids in sequence: cheap, unique, and the same for the same seed and order of calls."""

    __slots__ = ("_next", "_tail")

    def __init__(self, seed: int, kind: int) -> None:
        self._next = 0
        self._tail = f"-0000-4{kind:03x}-8000-{seed & 0xFFFF_FFFF_FFFF:012x}"

    def new(self) -> str:
        self._next += 1
        return f"{self._next:08x}{self._tail}"


def order_number(order_id: str) -> int:
    """Where an id of ``Ids`` stands in the sequence: later orders have higher numbers."""
    return int(order_id.partition("-")[0], 16)
