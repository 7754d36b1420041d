"""``kalshi-tui keys``: every action, its keys and its id for your keymap."""

from __future__ import annotations

import click

from kalshi_tui.cli.common import Fault, emit, json_option


@click.command()
@json_option
def keys(as_json: bool) -> None:
    """Every action with its keys under your configuration, and the id a keymap names."""
    from kalshi_tui import config
    from kalshi_tui.tui.actions import catalogue

    try:
        rows = catalogue(config.load().settings.keymap)
    except config.ConfigError as error:
        raise Fault(str(error), 2) from None
    if as_json:
        for action, pressed, meaning in rows:
            emit("key", {"action": action, "keys": pressed.split(), "description": meaning})
        return
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for action, pressed, meaning in rows:
        click.echo(f"{pressed:<{widths[1]}}  {action:<{widths[0]}}  {meaning}".rstrip())
