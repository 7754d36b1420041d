"""The file a calibration leaves: what was measured, on which data, and whether it may be traded on.

Only a blessed one is ever handed to a desk (``accepted``); a refused one stays readable, with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from kalshi_tui import __version__
from kalshi_tui.kernel.calibration import Calibration
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import UnitError
from kalshi_tui.storage.files import write_whole

FORMAT = 1
MAX_BYTES = 10_000_000


class CalibrationError(Exception):
    """A file that can not be used for trading, in one sentence that says what to do."""


class TapeMark(Struct, frozen=True):
    """Which recording; the hash is over the file as it lies."""

    name: str
    sha256: str


class DataMark(Struct, frozen=True):
    """What was measured on, all of it."""

    tapes: tuple[TapeMark, ...]
    tickers: tuple[str, ...]
    events: tuple[str, ...]
    first_ts_ms: int
    last_ts_ms: int


class CalibrationFile(Struct, frozen=True, kw_only=True):
    calibration: int = FORMAT
    program: str = __version__
    engine: str
    blessed: bool
    reason: str
    """Why it is refused; empty when blessed."""
    measured: Calibration
    data: DataMark
    parameters: dict[str, Any]
    """Everything that was chosen rather than measured."""
    folds: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]
    assumptions: list[str]


class _Version(Struct):
    calibration: int


def write(path: Path, file: CalibrationFile) -> None:
    """Whole or not at all. Raises ``OSError``."""
    write_whole(path, msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n")


def read(path: Path) -> CalibrationFile:
    """Blessed or not. Raises ``CalibrationError``."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CalibrationError(f"{path}: larger than {MAX_BYTES:,} bytes; this is no calibration.")
        content = path.read_bytes()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise CalibrationError(
            f"{path}: the calibration cannot be read ({why}); make it with `kalshi-tui calibrate`."
        ) from None
    try:
        version = msgspec.json.decode(content, type=_Version).calibration
        if version != FORMAT:
            raise CalibrationError(
                f"{path}: a calibration of form {version}, and this program reads {FORMAT}: calibrate again."
            )
        file = msgspec.json.decode(content, type=CalibrationFile)
        TickGrid.of(file.measured.bands)
    except (msgspec.DecodeError, UnitError, UnicodeDecodeError) as error:
        raise CalibrationError(
            f"{path}: no calibration ({safe_text(error, 120)}); make one with `kalshi-tui calibrate`."
        ) from None
    return file


def accepted(paths: Iterable[Path]) -> tuple[Calibration, ...]:
    """What a desk may trade on. Raises ``CalibrationError`` for a refused file, or two for the same markets."""
    taken: dict[tuple[str, str], Path] = {}
    found = []
    for path in paths:
        file = read(path)
        if not file.blessed or file.reason:
            raise CalibrationError(
                f"{path}: this calibration was refused and is not traded on: {safe_text(file.reason, 300)}. "
                "Take it out of engines.calibrations, or calibrate on more recordings."
            )
        for series in file.measured.series:
            other = taken.setdefault((file.engine, series), path)
            if other != path:
                raise CalibrationError(
                    f"{path} and {other} both calibrate {file.engine} for {safe_text(series)}: name one of them."
                )
        found.append(file.measured)
    return tuple(found)
