"""``kalshi-tui replay --no-ui``: the replay as a program, its output as JSON lines or sentences."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from kalshi_tui.kernel.calibration import Calibration
from kalshi_tui.kernel.settings import KernelSettings
from kalshi_tui.pricing.base import QuoteParams
from kalshi_tui.protocol.relations import TickedRelation
from kalshi_tui.protocol.units import SECOND, Money, UnitError
from kalshi_tui.research.replay import Replay, ReplayOptions
from kalshi_tui.research.tape_facts import FactsError
from kalshi_tui.risk.chain import RiskParams
from kalshi_tui.storage.tape_rows import TapeError


def main(
    tapes: Sequence[Path],
    *,
    engine: str,
    engine_params: dict[str, QuoteParams],
    calibrations: Sequence[Calibration] = (),
    relations: Sequence[TickedRelation] = (),
    bankroll: Money,
    quote: bool,
    speed: str,
    as_json: bool,
    events: Sequence[Path],
    price_structure: str,
) -> int:
    """Run it; the exit code. Each damaged file is said in one sentence; what came before the damage stands, and so
    does every other tape."""
    settings = replay_settings(engine, engine_params, bankroll, quote, calibrations, relations)

    def say(kind: str, ts_ms: int, fields: dict[str, object]) -> None:
        if as_json:
            line = msgspec.json.encode({"type": kind, "ts_ms": ts_ms, **fields})
            sys.stdout.buffer.write(line + b"\n")

    try:
        replay = Replay(ReplayOptions(tuple(tapes), settings, tuple(events), price_structure), say)
    except (TapeError, FactsError, UnitError) as error:
        sys.stderr.write(f"kalshi-tui: {error}\n")
        return 1
    _run(replay, None if speed == "max" else float(speed))
    for tear in replay.damage:
        stands = " What came before it stands." if replay.begun else ""
        sys.stderr.write(f"kalshi-tui: {tear}{stands}\n")
    if not replay.begun:
        if not replay.damage:
            sys.stderr.write("kalshi-tui: the tape holds no frame.\n")
        return 1
    summary = replay.summary()
    code = 1 if replay.damage else int(str(summary["exit"]))
    say("summary", replay.now.wall // 1_000_000, summary | {"exit": code})
    if not as_json:
        sys.stdout.write(farewell(summary) + "\n")
    sys.stdout.flush()
    return code


def replay_settings(
    engine: str,
    engine_params: dict[str, QuoteParams],
    bankroll: Money,
    quote: bool,
    calibrations: Sequence[Calibration] = (),
    relations: Sequence[TickedRelation] = (),
) -> KernelSettings:
    """The desk of a replay: simulated fills, decisions traced, nobody to ask for a calendar."""
    return KernelSettings(
        venue="replay",
        execution="paper",
        mode="REPLAY",
        boot="replay",
        risk=RiskParams.from_bankroll(bankroll),
        default_engine=engine,
        quote_at_start=quote,
        engine_params=dict(engine_params),
        calibrations=tuple(calibrations),
        relations=tuple(relations),
        trace=True,
        read_calendar=False,
    )


def _run(replay: Replay, pace: float | None) -> None:
    """All steps; with a pace, each no sooner than the tape's own clock over ``pace``."""
    began = time.monotonic()
    for at in replay.steps():
        if pace is not None and replay.first is not None:
            due = began + (at.wall - replay.first) / SECOND / pace
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)


def farewell(summary: dict[str, object]) -> str:
    """The summary in a few lines for a person."""
    names = (
        ("frames", "frames"),
        ("book_checks", "books checked"),
        ("book_mismatches", "mismatches"),
        ("decisions", "decisions"),
        ("orders_sent", "orders"),
        ("fills", "fills"),
        ("realized_pnl_dollars", "realized $"),
        ("unrealized_pnl_dollars", "unrealized $"),
        ("fees_dollars", "fees $"),
        ("unreconciled", "unreconciled"),
    )
    shown = {name: "–" if summary[name] is None else summary[name] for name, _ in names}
    figures = "  ".join(f"{label} {shown[name]}" for name, label in names)
    return f"{figures}\ndecisions {summary['decisions_hash']}"
