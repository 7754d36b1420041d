"""``kalshi-tui attach``: a screen on a desk that runs."""

from __future__ import annotations

from pathlib import Path

import click

from kalshi_tui.cli.common import Fault, is_terminal, one_desk, venue_option
from kalshi_tui.cli.options import PATH, USAGE


@click.command()
@venue_option
@click.option("--config", "config_file", type=PATH, help="Instead of your own configuration file.")
@click.option("--theme", metavar="NAME", help="`kalshi-tui themes` lists them.")
@click.option("--layout", metavar="NAME", help="The screen's layout: desk, ladder or overview.")
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal.")
def attach(
    venue: str | None, config_file: Path | None, theme: str | None, layout: str | None, no_mouse: bool
) -> int:
    """Open a screen on a running desk. Several may watch; the first one is in control."""
    if not is_terminal():
        raise Fault("a screen needs a terminal; `kalshi-tui status` works without one.", USAGE)
    desk = one_desk(venue)
    from kalshi_tui import config
    from kalshi_tui.cli.run import check_terminal
    from kalshi_tui.cli.screen import check_screen, show_screen

    check_terminal()
    options = {"ui.theme": theme, "ui.layout": layout, "ui.mouse": False if no_mouse else None}
    try:
        settings = config.load(config_file, options=options).settings
    except config.ConfigError as error:
        raise Fault(str(error), USAGE) from None
    check_screen(settings)
    return show_screen(desk, settings)
