"""``kalshi-tui calibrate``: fit an engine to recordings and judge the fit on events it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kalshi_tui.cli.common import Fault, json_option
from kalshi_tui.cli.options import PATH, USAGE, Tickers
from kalshi_tui.cli.tapes import TAPES, recordings

if TYPE_CHECKING:
    from kalshi_tui.kernel.calibration import Calibration


def accepted_calibrations(paths: Sequence[str]) -> tuple[Calibration, ...]:
    """The calibrations a configuration names; one that may not be traded on is a mistake in it."""
    if not paths:
        return ()
    from kalshi_tui.research.calibrate_file import CalibrationError, accepted

    try:
        return accepted([Path(path).expanduser() for path in paths])
    except CalibrationError as error:
        raise Fault(f"engines.calibrations: {error}", USAGE) from None


@click.command()
@TAPES
@click.option(
    "--engine",
    type=click.Choice(("m1", "m2", "m3")),
    required=True,
    help="m1: the micro-price table. m2: the thresholds of the regime. m3: statistical pairs.",
)
@click.option(
    "--out", type=PATH, metavar="FILE", help="Where to leave the result; it says if it may be used."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the resampling.")
@json_option
@click.option("--markets", type=Tickers(), help="Only these of the tapes' tickers, events or series.")
@click.option(
    "--event", "events", type=PATH, multiple=True, help="A REST event body with the markets' facts."
)
@click.option(
    "--price-structure", default="", metavar="NAME", help="Price grid of markets whose own is unknown."
)
def calibrate(
    tapes: tuple[Path, ...],
    engine: str,
    out: Path | None,
    seed: int,
    as_json: bool,
    markets: list[str] | None,
    events: tuple[Path, ...],
    price_structure: str,
) -> int:
    """Fit an engine to recordings, event by event: each is judged by a fit on the ones before it.

    A fit that is not shown to be better is refused: it is written with its reason, and no desk loads it.
    """
    from kalshi_tui.research.calibrate_main import main

    return main(
        recordings(tapes),
        engine=engine,
        out=out,
        as_json=as_json,
        only=markets or (),
        events=events,
        price_structure=price_structure,
        seed=seed,
    )
