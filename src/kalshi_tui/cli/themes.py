"""``kalshi-tui themes``: the themes there are."""

from __future__ import annotations

import click

from kalshi_tui.cli.common import Fault, say


@click.command()
def themes() -> None:
    """List the themes, shipped and your own."""
    from kalshi_tui.locations import user_themes_dir
    from kalshi_tui.tui.theme import ThemeError, load_themes

    try:
        found = load_themes(user_themes_dir())
    except ThemeError as error:
        raise Fault(f"{error}.", 2) from None
    width = max(map(len, found), default=0)
    for name, theme in sorted(found.items()):
        click.echo(f"{name:<{width}}  {theme.description}".rstrip())
    say(f"Your own go into {user_themes_dir()}; choose one with --theme or [ui] theme.")
