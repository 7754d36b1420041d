"""Everything a desk process is told at its start, as it travels from the command line to the process."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from kalshi_tui.kernel.calibration import Calibration
from kalshi_tui.locations import EMBEDDED, DeskFolder
from kalshi_tui.protocol.calendar import ScheduledPrint
from kalshi_tui.protocol.relations import TickedRelation
from kalshi_tui.protocol.units import Money


class Plan(Struct, frozen=True):
    """One desk. Holds the path of a key file, never a key."""

    venue: str
    execution: str
    engine: str
    engine_params: dict[str, dict[str, Any]]
    """Engine name -> its parameters, as plain values."""
    bankroll: Money
    engines: dict[str, str] = {}
    """Ticker, event or series -> the engine its markets start with instead."""
    calibrations: tuple[Calibration, ...] = ()
    """Blessed ones only: micro-price tables and regime thresholds with the markets they were measured on."""
    prints: tuple[ScheduledPrint, ...] = ()
    """The trader's own calendar."""
    relations: tuple[TickedRelation, ...] = ()
    """Relations across events that the trader has read the rules of."""
    markets: tuple[str, ...] = ()
    """Tickers to follow; empty: every open market of the practice exchange."""
    quote: bool = False
    unattended: bool = False
    headless: bool = False
    json: bool = False
    seconds: float | None = None
    refresh_hz: int = 10
    record: bool = True
    record_gib: int = 5
    seed: int = 1
    speed: float = 1.0
    scenario: str = "default"
    rest: str = ""
    """Addresses of an exchange that already runs; empty: the venue's own, or the embedded one."""
    ws: str = ""
    key_id: str = ""
    key_file: str = ""

    @property
    def embedded(self) -> bool:
        """Whether this desk brings its own practice exchange."""
        return self.venue == "practice" and not self.rest

    @property
    def folder(self) -> DeskFolder:
        return DeskFolder.of(self.venue, EMBEDDED if self.embedded else self.key_id)

    @property
    def mode(self) -> str:
        """The one word of venue and execution."""
        word = self.venue.upper()
        return {"venue": word, "paper": f"{word}·PAPER", "none": f"{word}·WATCH"}[self.execution]


def encode(plan: Plan) -> bytes:
    return msgspec.json.encode(plan)


def decode(raw: bytes) -> Plan:
    return msgspec.json.decode(raw, type=Plan)
