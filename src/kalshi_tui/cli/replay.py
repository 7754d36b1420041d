"""``kalshi-tui replay``: a recording through the whole desk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kalshi_tui.cli.common import Fault
from kalshi_tui.cli.options import PATH, USAGE
from kalshi_tui.cli.tapes import TAPES, recordings

if TYPE_CHECKING:
    from kalshi_tui.config import Settings


@click.command()
@TAPES
@click.option("--engine", help="The engine markets start with.")
@click.option("--quote", is_flag=True, help="Switch quoting on, against a simulated venue.")
@click.option(
    "--speed", type=click.Choice(("max", "1", "10")), help="Default: 1 on the screen, max without one."
)
@click.option("--no-ui", is_flag=True, help="No screen: print what happens.")
@click.option("--json", "as_json", is_flag=True, help="With --no-ui: one JSON object a line on stdout.")
@click.option(
    "--event", "events", type=PATH, multiple=True, help="A REST event body with the markets' facts."
)
@click.option(
    "--price-structure", default="", metavar="NAME", help="Price grid of markets whose own is unknown."
)
def replay(
    tapes: tuple[Path, ...],
    engine: str | None,
    quote: bool,
    speed: str | None,
    no_ui: bool,
    as_json: bool,
    events: tuple[Path, ...],
    price_structure: str,
) -> int:
    """Run recorded market data through the desk; orders go to a simulated venue.

    A folder stands for every tape in it, in the order of their names; rows are merged by receive time.
    """
    from kalshi_tui import config
    from kalshi_tui.cli.calibrate import accepted_calibrations
    from kalshi_tui.research.replay_main import main

    tapes = recordings(tapes)
    try:
        settings = config.load(options={"engines.default": engine}).settings
    except config.ConfigError as error:
        raise Fault(str(error), USAGE) from None
    if not no_ui:
        return _on_screen(tapes, settings, quote, speed or "1", events, price_structure)
    return main(
        tapes,
        engine=settings.engines.default,
        engine_params=settings.engines.params(),
        calibrations=accepted_calibrations(settings.engines.calibrations),
        relations=[entry.ticked() for entry in settings.relations],
        bankroll=settings.risk.bankroll,
        quote=quote,
        speed=speed or "max",
        as_json=as_json,
        events=events,
        price_structure=price_structure,
    )


def _on_screen(
    tapes: tuple[Path, ...],
    settings: Settings,
    quote: bool,
    speed: str,
    events: tuple[Path, ...],
    price_structure: str,
) -> int:
    from kalshi_tui.cli.calibrate import accepted_calibrations
    from kalshi_tui.cli.common import is_terminal
    from kalshi_tui.cli.replay_screen import show_replay
    from kalshi_tui.protocol.units import UnitError
    from kalshi_tui.research.replay import Replay, ReplayOptions
    from kalshi_tui.research.replay_main import replay_settings
    from kalshi_tui.research.tape_facts import FactsError
    from kalshi_tui.storage.tape_rows import TapeError

    if not is_terminal():
        raise Fault("a replay without a terminal needs --no-ui.", USAGE)
    engines = settings.engines
    accepted = accepted_calibrations(engines.calibrations)
    relations = [entry.ticked() for entry in settings.relations]
    kernel = replay_settings(
        engines.default, engines.params(), settings.risk.bankroll, quote, accepted, relations
    )
    try:
        replay = Replay(
            ReplayOptions(tapes, kernel, events, price_structure), lambda kind, ts_ms, fields: None
        )
    except (TapeError, FactsError, UnitError) as error:
        raise Fault(str(error)) from None
    return show_replay(replay, None if speed == "max" else float(speed), settings)
