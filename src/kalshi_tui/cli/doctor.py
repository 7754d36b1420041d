"""``kalshi-tui doctor``: what would keep this machine from trading, and what to do about it."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from kalshi_tui import __version__
from kalshi_tui.cli.common import emit, is_terminal, json_option, say

if TYPE_CHECKING:
    from kalshi_tui.cli.doctor_network import Reach
    from kalshi_tui.config import Loaded

MIN_FREE = 500 * 1024 * 1024
"""Bytes; below this the tapes stop and the journal is in danger."""
MIN_FILES = 256
"""Open files: a desk with a screen, its exchange's connections and segments needs well under a hundred."""


class Finding(NamedTuple):
    """``ok`` is False where something must be mended; ``note`` marks what is only worth knowing."""

    name: str
    ok: bool
    text: str
    note: bool = False


@click.command()
@json_option
@click.option("--no-network", is_flag=True, help="Look at this machine only.")
def doctor(as_json: bool, no_network: bool) -> int:
    """Look at this machine, the terminal, the configuration, keys, folders and venues. Exit 1 if anything is
    wrong. A venue that is not reached is wrong only where a key of it is configured.
    """
    found = []
    for finding in _examine(no_network):
        found.append(finding)
        if as_json:
            emit("check", finding._asdict())
        else:
            mark = "FAIL" if not finding.ok else "note" if finding.note else "ok"
            click.echo(f"{mark:<4}  {finding.name:<14} {finding.text}")
    bad = sum(not finding.ok for finding in found)
    if not as_json:
        say("everything is well." if not bad else f"{bad} of {len(found)} checks failed.")
    return 1 if bad else 0


def _examine(no_network: bool) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    new_enough = sys.version_info >= (3, 11)
    shown = f"kalshi-tui {__version__} on Python {version}"
    yield Finding("program", new_enough, shown if new_enough else f"{shown}: it needs 3.11 or newer")
    yield _terminal()
    yield from _around_the_terminal()
    loaded, findings = _configuration()
    yield from findings
    yield from _folders()
    yield _open_files()
    yield _desks()
    yield from _latches()
    configured = [v for v in ("demo", "prod") if loaded and getattr(loaded.settings.venue, v).key_file]
    if no_network:
        yield Finding("network", True, "not looked at (--no-network)", note=True)
    else:
        yield from _venues(configured)


def _terminal() -> Finding:
    from kalshi_tui.cli.run import given_environment
    from kalshi_tui.tui.terminal import terminal_problem

    if not is_terminal():
        return Finding("terminal", True, "none here: only --no-ui and the lists work without one", note=True)
    size = shutil.get_terminal_size()
    problem = terminal_problem(given_environment(), (size.columns, size.lines))
    depth = "true colour" if os.environ.get("COLORTERM") in ("truecolor", "24bit") else "256 colours or fewer"
    if os.environ.get("NO_COLOR"):
        depth = "no colour (NO_COLOR is set)"
    shown = f"{os.environ.get('TERM')}, {size.columns} × {size.lines}, UTF-8, {depth}"
    return Finding("terminal", problem is None, problem or shown)


def _around_the_terminal() -> Iterator[Finding]:
    """What stands between the screen and the eye, and what it needs to be told."""
    if os.environ.get("TMUX"):
        yield Finding(
            "tmux",
            True,
            "set in tmux.conf: `set -g default-terminal tmux-256color`, `set -ga terminal-features ',*:RGB'` for "
            "all colours, `set -s escape-time 10` so that escape is not late",
            note=True,
        )
    if any(name.startswith("mosh-server") for name in _ancestors()):
        yield Finding(
            "mosh",
            True,
            "mosh shows the screen but passes no mouse drag and no scrollback; numbers may be underlined while it "
            "guesses: start it with `mosh --predict=never`",
            note=True,
        )


def _ancestors() -> Iterator[str]:
    """Names of the processes above this one, where the system tells."""
    pid = os.getppid()
    while pid > 1:
        try:
            name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            return
        yield name
        pid = int(rest.split()[1])


def _configuration() -> tuple[Loaded | None, list[Finding]]:
    from kalshi_tui import config
    from kalshi_tui.cli.common import Fault
    from kalshi_tui.cli.screen import check_screen

    try:
        loaded = config.load()
    except config.ConfigError as error:
        return None, [Finding("configuration", False, mistake) for mistake in str(error).splitlines()]
    there = "valid" if loaded.file.exists() else "not there, the defaults are in force"
    findings = [Finding("configuration", True, f"{loaded.file}: {there}")]
    for venue in ("demo", "prod"):
        account = getattr(loaded.settings.venue, venue)
        if account.key_file:
            findings.append(_key(venue, account.key_id, account.key_path))
    try:
        check_screen(loaded.settings)
    except Fault as fault:
        findings.append(Finding("theme", False, fault.message))
    return loaded, findings


def _key(venue: str, key_id: str, path: Path) -> Finding:
    from kalshi_tui.venue.signer import KeyFileError, Signer

    try:
        Signer.load(key_id, path).close()
    except KeyFileError as error:
        return Finding(f"{venue} key", False, str(error))
    return Finding(f"{venue} key", True, f"{path} can be used")


def _folders() -> Iterator[Finding]:
    """Each is made, written to, and has room."""
    from kalshi_tui import locations

    for name, path in (("state folder", locations.state_dir()), ("tapes folder", locations.tapes_dir())):
        try:
            locations.private_folder(path)
            with tempfile.NamedTemporaryFile(dir=path, prefix="doctor-") as file:
                file.write(b"x" * 4096)
                file.flush()
                os.fsync(file.fileno())
            free = shutil.disk_usage(path).free
        except locations.LocationError as error:
            yield Finding(name, False, str(error))
            continue
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            yield Finding(name, False, f"{path} can not be written ({reason}): make room or make it writable")
            continue
        text = f"{path}, writable, {free / 1024**3:.1f} GiB free"
        yield Finding(name, free >= MIN_FREE, text if free >= MIN_FREE else f"{text}: make room")


def _open_files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < MIN_FILES:
        return Finding("open files", False, f"at most {soft}: raise it (`ulimit -n {MIN_FILES * 4}`)")
    return Finding("open files", True, f"at most {'any number' if soft == resource.RLIM_INFINITY else soft}")


def _desks() -> Finding:
    from kalshi_tui.cli.common import describe
    from kalshi_tui.desk.boot import running_desks

    desks = running_desks()
    return Finding("desks", True, f"running: {describe(desks)}" if desks else "none is running")


def _latches() -> Iterator[Finding]:
    """Stops that wait for desks that do not run now: nobody sees them until one starts."""
    from kalshi_tui.desk.boot import running_desks
    from kalshi_tui.locations import VENUES, known_desk_folders, next_latches
    from kalshi_tui.protocol.times import format_time
    from kalshi_tui.storage.latches import LatchFile

    running = {desk.folder for desk in running_desks()}
    waiting = [folder for folder in known_desk_folders() if folder not in running]
    places = [(folder.venue, folder.latches) for folder in waiting]
    places += [(venue, next_latches(venue)) for venue in VENUES]
    for venue, path in places:
        for scope, latch in LatchFile(path).read(time.time_ns()).items():
            since = format_time(latch.wall // 10**9 * 10**9)
            text = f"the next {venue} desk starts with {latch.stop} on {scope or 'everything'} ({latch.why}, {since})"
            yield Finding("latch", True, f"{text}; `kalshi-tui clear` lifts it there", note=True)
    for folder in waiting:
        if folder.kill_file.exists():
            text = f"{folder.kill_file} lies there: the next {folder.venue} desk is killed at once; remove it"
            yield Finding("kill file", True, text, note=True)


def _venues(configured: list[str]) -> Iterator[Finding]:
    from kalshi_tui.cli.doctor_network import reach
    from kalshi_tui.venue.hosts import endpoints

    async def all_reached() -> list[Reach]:
        return await asyncio.gather(*(reach(endpoints(venue)) for venue in ("demo", "prod")))

    for venue, found in zip(("demo", "prod"), asyncio.run(all_reached()), strict=True):
        needed = venue in configured
        text = found.sentence()
        if not found.ok and not needed:
            text += "; no key of it is configured, and practice needs no network"
        yield Finding(venue, found.ok or not needed, text, note=not found.ok and not needed)
