"""``kalshi-tui calibrate``: measure, say what came out, leave a file. Refusing is a result, not a failure."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from kalshi_tui.protocol.units import MILLISECOND, SECOND, UnitError, counted
from kalshi_tui.research import calibrate_file
from kalshi_tui.research.calibrate_file import CalibrationFile, DataMark, TapeMark
from kalshi_tui.research.calibrate_m3 import NoStatsmodelsError
from kalshi_tui.research.calibrate_report import MixedMarketsError, Report, calibrate
from kalshi_tui.research.calibrate_tape import Observed, Watched, observe
from kalshi_tui.research.tape_facts import FactsError
from kalshi_tui.storage.tape_read import open_tapes
from kalshi_tui.storage.tape_rows import TapeError


def main(
    tapes: Sequence[Path],
    *,
    engine: str,
    out: Path | None,
    as_json: bool,
    events: Sequence[Path],
    price_structure: str,
    seed: int,
    only: Sequence[str] = (),
) -> int:
    """Run it; the exit code. A damaged tape is said, and what came before the damage is measured."""
    try:
        if out is not None:
            _may_write(out)
        observed = observe(tapes, events, price_structure)
        if not observed.markets:
            raise FactsError(
                observed.problem or "the tapes hold no market with a book: nothing to calibrate on."
            )
        observed.markets = chosen(observed.markets, only)
        if observed.problem:
            sys.stderr.write(f"kalshi-tui: {observed.problem} What came before it is measured.\n")
        report = calibrate(engine, observed, seed)
        file = _file(engine, report, observed, tapes)
        if out is not None:
            calibrate_file.write(out, file)
    except (
        TapeError,
        FactsError,
        UnitError,
        MixedMarketsError,
        NoStatsmodelsError,
        calibrate_file.CalibrationError,
    ) as error:
        sys.stderr.write(f"kalshi-tui: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(
            f"kalshi-tui: {out}: cannot be written ({(error.strerror or str(error)).lower()}).\n"
        )
        return 1
    code = 1 if observed.problem else 0
    if as_json:
        _say_json(report, file, observed, out, code)
    else:
        _say(report, file, observed, out)
    sys.stdout.flush()
    return code


def chosen(markets: list[Watched], only: Sequence[str]) -> list[Watched]:
    """The markets of these tickers, events or series; all where none is named. ``FactsError`` for a name that is
    none of the tapes'."""
    if not only:
        return markets
    known = {name for market in markets for name in (market.ticker, market.event, market.series)}
    for name in only:
        if name not in known:
            there = ", ".join(sorted({market.series for market in markets}))
            raise FactsError(
                f"--markets {name}: the tapes hold no such ticker, event or series; series: {there}."
            )
    return [m for m in markets if not {m.ticker, m.event, m.series}.isdisjoint(only)]


def _may_write(out: Path) -> None:
    """Found out before the work: the folder is there, and nothing but a calibration is replaced."""
    if not out.parent.is_dir():
        raise FactsError(f"{out.parent}: there is no such folder to write the calibration to.")
    if out.exists() and out.stat().st_size:
        try:
            calibrate_file.read(out)
        except calibrate_file.CalibrationError:
            raise FactsError(f"{out}: exists and is no calibration; name another file with --out.") from None


def _file(engine: str, report: Report, observed: Observed, tapes: Sequence[Path]) -> CalibrationFile:
    marks = [
        TapeMark(path.name, _sha256(path)) for recording in open_tapes(tapes, []) for path in recording.paths
    ]
    return CalibrationFile(
        engine=engine,
        blessed=not report.reason,
        reason=report.reason,
        measured=report.measured,
        data=DataMark(
            tuple(marks),
            tuple(sorted(market.ticker for market in observed.markets)),
            tuple(sorted({market.event for market in observed.markets})),
            observed.first // MILLISECOND,
            observed.last // MILLISECOND,
        ),
        parameters=report.parameters,
        folds=report.of("fold"),
        comparisons=[*report.of("comparison"), *report.of("pair")],
        assumptions=_assumptions(observed),
    )


def _assumptions(observed: Observed) -> list[str]:
    damage = (
        [f"a tape is damaged, what came before is measured: {observed.problem}"] if observed.problem else []
    )
    return [*observed.assumptions, *damage]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _say_json(report: Report, file: CalibrationFile, observed: Observed, out: Path | None, code: int) -> None:
    last = observed.last // MILLISECOND

    def line(kind: str, ts_ms: int, fields: dict[str, Any]) -> None:
        sys.stdout.buffer.write(msgspec.json.encode({"type": kind, "ts_ms": ts_ms, **fields}) + b"\n")

    for kind, fields in report.rows:
        line(kind, fields.get("ts_ms", last), fields)
    summary = {
        "engine": file.engine,
        "blessed": file.blessed,
        "reason": file.reason,
        "seed": report.parameters.get("seed"),
        "out": None if out is None else str(out),
        "seconds": round((observed.last - observed.first) / SECOND, 3),
        "series": list(file.measured.series),
        "parameters": file.parameters,
        "table": msgspec.to_builtins(file.measured.table),
        "regime": msgspec.to_builtins(file.measured.regime),
        "pairs": msgspec.to_builtins(file.measured.pairs),
        "folds": len(file.folds),
        **msgspec.to_builtins(file.data),
        "assumptions": file.assumptions,
        "exit": code,
    }
    line("summary", last, summary)


def _say(report: Report, file: CalibrationFile, observed: Observed, out: Path | None) -> None:
    data = file.data
    lines = [
        f"{counted(len(data.events), 'event')}, {counted(len(data.tickers), 'market')} "
        f"of {', '.join(file.measured.series)}"
        + (f"; seed {report.parameters['seed']}" if "seed" in report.parameters else ""),
        *report.lines,
        "BLESSED: it may be named in engines.calibrations."
        if file.blessed
        else f"REFUSED, not for trading: {file.reason}.",
        *([f"written to {out}"] if out is not None else ["nothing was written (no --out)"]),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    for sentence in file.assumptions:
        sys.stderr.write(f"assumed: {sentence}\n")
