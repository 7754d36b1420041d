"""``kalshi-tui replay``: a recording through the whole desk."""

from __future__ import annotations

from pathlib import Path

import click

from kalshi_tui.cli.common import Fault
from kalshi_tui.cli.options import PATH, USAGE


@click.command()
@click.argument("tapes", nargs=-1, required=True, type=PATH, metavar="TAPE…")
@click.option("--engine", help="The engine markets start with.")
@click.option("--quote", is_flag=True, help="Switch quoting on, against a simulated venue.")
@click.option("--speed", type=click.Choice(("max", "1", "10")), default="max", show_default=True)
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
    speed: str,
    no_ui: bool,
    as_json: bool,
    events: tuple[Path, ...],
    price_structure: str,
) -> int:
    """Run recorded market data through the desk; orders go to a simulated venue."""
    from kalshi_tui import config
    from kalshi_tui.research.replay_main import main

    if not no_ui:
        raise Fault("a replay has no screen yet: add --no-ui.", USAGE)
    try:
        settings = config.load(options={"engines.default": engine}).settings
    except config.ConfigError as error:
        raise Fault(str(error), USAGE) from None
    return main(
        tapes,
        engine=settings.engines.default,
        engine_params=settings.engines.params(),
        bankroll=settings.risk.bankroll,
        quote=quote,
        speed=speed,
        as_json=as_json,
        events=events,
        price_structure=price_structure,
    )
