"""``kalshi-tui doctor``: what would keep this machine from trading, and what to do about it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from typing import NamedTuple

import click

from kalshi_tui import __version__
from kalshi_tui.cli.common import emit, is_terminal, json_option, say

MIN_FREE = 500 * 1024 * 1024
"""Bytes; below this the tapes stop and the journal is in danger."""


class Finding(NamedTuple):
    name: str
    ok: bool
    text: str


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Look at this machine, the terminal, the configuration, keys and folders. Exit 1 if anything is wrong."""
    found = list(_examine())
    for finding in found:
        if as_json:
            emit("check", finding._asdict())
        else:
            click.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name:<14} {finding.text}")
    bad = sum(not finding.ok for finding in found)
    if not as_json:
        say("everything is well." if not bad else f"{bad} of {len(found)} checks failed.")
    return 1 if bad else 0


def _examine() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("program", True, f"kalshi-tui {__version__} on Python {version}")
    yield _terminal()
    yield from _configuration()
    yield from _folders()
    yield _desks()


def _terminal() -> Finding:
    from kalshi_tui.cli.run import given_environment
    from kalshi_tui.tui.terminal import terminal_problem

    if not is_terminal():
        return Finding("terminal", True, "none here: only --no-ui and the lists work without one")
    size = shutil.get_terminal_size()
    problem = terminal_problem(given_environment(), (size.columns, size.lines))
    depth = "true colour" if os.environ.get("COLORTERM") in ("truecolor", "24bit") else "256 colours or fewer"
    shown = f"{os.environ.get('TERM')}, {size.columns} × {size.lines}, {depth}"
    return Finding("terminal", problem is None, problem or shown)


def _configuration() -> Iterator[Finding]:
    from kalshi_tui import config

    try:
        loaded = config.load()
    except config.ConfigError as error:
        yield Finding("configuration", False, str(error).replace("\n", " "))
        return
    there = "valid" if loaded.file.exists() else "not there, the defaults are in force"
    yield Finding("configuration", True, f"{loaded.file}: {there}")
    for venue in ("demo", "prod"):
        account = getattr(loaded.settings.venue, venue)
        if account.key_file:
            yield _key(venue, account)
    from kalshi_tui.cli.common import Fault
    from kalshi_tui.cli.screen import check_screen

    try:
        check_screen(loaded.settings)
    except Fault as fault:
        yield Finding("theme", False, fault.message)


def _key(venue: str, account: object) -> Finding:
    from kalshi_tui.config_models import Account
    from kalshi_tui.venue.signer import KeyFileError, Signer

    assert isinstance(account, Account)
    try:
        Signer.load(account.key_id, account.key_path).close()
    except KeyFileError as error:
        return Finding(f"{venue} key", False, str(error))
    return Finding(f"{venue} key", True, f"{account.key_path} can be used")


def _folders() -> Iterator[Finding]:
    from kalshi_tui import locations

    for name, path in (("state folder", locations.state_dir()), ("tapes folder", locations.tapes_dir())):
        try:
            locations.private_folder(path)
            free = shutil.disk_usage(path).free
        except (locations.LocationError, OSError) as error:
            yield Finding(name, False, str(error))
            continue
        text = f"{path}, {free / 1024**3:.1f} GiB free"
        yield Finding(name, free >= MIN_FREE, text if free >= MIN_FREE else f"{text}: make room")


def _desks() -> Finding:
    from kalshi_tui.cli.common import describe
    from kalshi_tui.desk.boot import running_desks

    desks = running_desks()
    return Finding("desks", True, f"running: {describe(desks)}" if desks else "none is running")
