"""The desk as a process of its own: started by ``run``, told its plan on stdin. Not for people."""

from __future__ import annotations

import os
import sys

import click

MAX_PLAN = 1_000_000


@click.command(hidden=True)
def desk_process() -> int:
    """The desk process that `run` starts; it reads its plan from stdin."""
    from kalshi_tui.cli.common import Fault
    from kalshi_tui.cli.hosting import host
    from kalshi_tui.desk import plan
    from kalshi_tui.desk.boot import Word, tell

    what = plan.decode(sys.stdin.buffer.read(MAX_PLAN))
    # The folder the trader happened to stand in must not be held by a process that outlives the terminal.
    os.chdir("/")
    try:
        return host(what, on_step=lambda step: tell(Word(step=step)), on_ready=_ready)
    except Fault as fault:
        tell(Word(error=fault.message, code=fault.code))
        return fault.code


def _ready(socket: str) -> None:
    """Tell whoever started us, then let go of the pipe: nobody reads it from here on."""
    from kalshi_tui.desk.boot import Word, tell

    tell(Word(ready=socket))
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
