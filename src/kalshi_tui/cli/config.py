"""``kalshi-tui config``: make, show, check and find the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kalshi_tui.cli.common import Fault, is_terminal, say
from kalshi_tui.cli.options import PATH, USAGE

if TYPE_CHECKING:
    from kalshi_tui.config import Loaded

file_option = click.option("--config", "file", type=PATH, help="Instead of your own configuration file.")


@click.group()
def config() -> None:
    """Make, show, check and find the configuration file."""


@config.command()
@click.option("--bankroll", help="Dollars set aside for the desk; every limit follows from it.")
def init(bankroll: str | None) -> None:
    """Make your configuration file. An existing one is never touched."""
    from pydantic import ValidationError

    from kalshi_tui import locations
    from kalshi_tui.config_example import user_file
    from kalshi_tui.config_models import Risk

    path = locations.config_file()
    if path.exists() or path.is_symlink():
        raise Fault(f"{path} is there already and stays as it is; edit it, or move it away first.")
    if bankroll is None:
        if not is_terminal():
            raise Fault("how large is the bankroll? Add --bankroll DOLLARS.", USAGE)
        bankroll = click.prompt("Dollars set aside for the desk (every limit follows from it)", err=True)
    try:
        money = Risk.model_validate({"bankroll": bankroll}).bankroll
    except ValidationError as error:
        said = str(error.errors()[0]["ctx"]["error"])
        raise Fault(f"the bankroll was {bankroll!r}; {said}.", USAGE) from None
    locations.private_folder(path.parent)
    path.write_text(user_file(money), encoding="utf-8")
    click.echo(path)


@config.command()
@file_option
def show(file: Path | None) -> None:
    """Every setting in force, and where it comes from."""
    from kalshi_tui.config import keys_of
    from kalshi_tui.config_example import shown

    loaded = _load(file)
    settings = loaded.settings
    for key, field in keys_of(type(settings)):
        value: object = settings
        for part in key:
            value = getattr(value, part)
        name = ".".join(key)
        if isinstance(value, dict):
            for action, keys in sorted(value.items()):
                _line(loaded, f"{name}.{action}", f'"{keys}"')
        else:
            _line(loaded, name, shown(field, value))


@config.command()
@file_option
def check(file: Path | None) -> None:
    """Read the configuration as `run` would; every mistake is named with its place."""
    from kalshi_tui.cli.calibrate import accepted_calibrations
    from kalshi_tui.cli.screen import check_screen

    loaded = _load(file)
    mistakes = []
    for look in (
        lambda: check_screen(loaded.settings),
        lambda: accepted_calibrations(loaded.settings.engines.calibrations),
    ):
        try:
            look()
        except Fault as fault:
            mistakes.append(fault.message)
    if mistakes:
        raise Fault("\n".join(mistakes), USAGE)
    there = loaded.file.exists()
    say(f"{loaded.file} is valid." if there else f"{loaded.file} is not there; the defaults are in force.")


@config.command()
def path() -> None:
    """Where your configuration file is, or would be."""
    from kalshi_tui import locations

    click.echo(locations.config_file())


def _line(loaded: Loaded, name: str, value: str) -> None:
    click.echo(f"{name} = {value}  # {loaded.origins.get(name, 'default')}")


def _load(file: Path | None) -> Loaded:
    from kalshi_tui import config as configuration

    try:
        return configuration.load(file)
    except configuration.ConfigError as error:
        raise Fault(str(error), USAGE) from None
