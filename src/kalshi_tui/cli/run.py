"""``kalshi-tui run``: a desk with a screen on it, or without one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kalshi_tui.cli.ahead import load_ahead
from kalshi_tui.cli.common import Fault, is_terminal, say
from kalshi_tui.cli.options import (
    USAGE,
    load_config,
    make_plan,
    only_where_they_mean_something,
    run_options,
)

if TYPE_CHECKING:
    from kalshi_tui.desk.boot import RunningDesk
    from kalshi_tui.desk.plan import Plan


@click.command()
@run_options
@click.pass_context
def run(ctx: click.Context, /, **given: Any) -> int:
    """Start a desk and open the screen on it, or attach where one runs already.

    Without options: the practice exchange that ships with the program, nothing quoted until you switch it on.
    """
    if given["no_ui"]:
        return _headless(given)
    if not is_terminal():
        return _without_terminal(ctx, given)
    from kalshi_tui.cli.screen import check_screen, show_screen

    check_terminal()
    loaded = load_config(given)
    check_screen(loaded.settings)
    plan = make_plan(given, loaded)
    desk = _running(plan)
    if desk is None:
        # The screen's library loads while the desk comes up: it is what a trader would wait for next.
        loading = load_ahead("kalshi_tui.tui.app")
        desk = _start(plan)
        loading.join()
    return show_screen(desk, loaded.settings)


def _without_terminal(ctx: click.Context, given: dict[str, Any]) -> int:
    """What else is wrong with the options comes first: with --no-ui it would be the next thing said."""
    why = "there is no terminal for the screen; use --no-ui to run without one."
    try:
        only_where_they_mean_something(given, load_config(given).settings.venue.name)
    except Fault as fault:
        why = fault.message
    click.echo(f"kalshi-tui: {why}\n\n{ctx.get_help()}", err=True)
    return USAGE


def check_terminal() -> None:
    """A terminal that cannot show the screen is refused before anything starts."""
    from kalshi_tui.tui.terminal import terminal_problem

    size = shutil.get_terminal_size()
    problem = terminal_problem(given_environment(), (size.columns, size.lines))
    if problem:
        raise Fault(problem, USAGE)


def given_environment() -> dict[str, str]:
    """The environment as it was given to us: Python itself sets LC_CTYPE to UTF-8 where the locale is C, which
    says nothing about the terminal."""
    env = dict(os.environ)
    try:
        given = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return env
    if not any(entry.startswith(b"LC_CTYPE=") for entry in given):
        env.pop("LC_CTYPE", None)
    return env


def _headless(given: dict[str, Any]) -> int:
    plan = make_plan(given, load_config(given))
    from kalshi_tui.cli.hosting import host

    return host(plan)


def _running(plan: Plan) -> RunningDesk | None:
    """The desk that already serves this account; ``Fault`` where it is of another kind."""
    from kalshi_tui.desk.boot import RunningDesk
    from kalshi_tui.desk.lock import holder_of

    holder = holder_of(plan.folder.lock)
    if holder is None:
        return None
    if holder.execution != plan.execution:
        raise Fault(
            f"a {holder.venue} desk with --execution {holder.execution} already runs "
            f"(process id {holder.pid}); `kalshi-tui stop` ends it."
        )
    say(
        f"Attaching to the {holder.venue} desk that runs (process id {holder.pid}); its own options stay in force."
    )
    return RunningDesk(plan.folder, holder)


def _start(plan: Plan) -> RunningDesk:
    from kalshi_tui.desk.boot import BootError, RunningDesk, start_desk
    from kalshi_tui.desk.lock import Holder

    command = [sys.executable, "-m", "kalshi_tui", "desk-process"]
    try:
        pid, socket = start_desk(plan, command, lambda step: say(f"{step} …"))
    except BootError as error:
        raise Fault(str(error), error.code) from None
    return RunningDesk(plan.folder, Holder(pid, plan.venue, plan.execution, str(socket)))
