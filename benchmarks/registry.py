"""The list of measurements. To add one: a module with ``ABOUT`` and ``run(options)``, and a line here."""

from __future__ import annotations

from msgspec import Struct

MEASUREMENTS: dict[str, str] = {
    "books": "benchmarks.books",
    "kernel": "benchmarks.kernel",
    "memory": "benchmarks.memory",
    "startup": "benchmarks.startup",
}
"""Name to module; ``make bench`` runs them in this order."""

ON_REQUEST: dict[str, str] = {
    "fuzz": "benchmarks.fuzz",
    "soak": "benchmarks.soak",
}
"""Only when named: they take minutes."""


class Options(Struct, frozen=True):
    seed: int = 1
    rounds: int = 5
    frames: int | None = None
    """How much work; None leaves it to the measurement."""
    tapes: tuple[str, ...] = ()
    """Recordings to work on too."""
    seconds: float | None = None
    """How long; None leaves it to the measurement."""
