"""What commands share: errors as sentences, output that scripts can read, finding the desk that is meant."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from kalshi_tui.desk.boot import RunningDesk
    from kalshi_tui.desk.client import DeskClient
    from kalshi_tui.protocol.views import Goodbye

T = TypeVar("T")


class Fault(click.ClickException):
    """One clear sentence on stderr and an exit code."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code

    def show(self, file: Any = None) -> None:
        click.echo(f"kalshi-tui: {self.message}", err=True)


class DeskSilent(Fault):
    """A desk that holds its lock and does not answer."""


venue_option = click.option(
    "--venue", type=click.Choice(("practice", "demo", "prod")), help="Which desk is meant, where several run."
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout.")


def say(sentence: str) -> None:
    """Narration: stderr. A terminal that has gone hears nothing, and that is no error."""
    with contextlib.suppress(OSError):
        click.echo(sentence, err=True)


def emit(kind: str, fields: dict[str, object]) -> None:
    """Data: one JSON line on stdout."""
    import time

    import msgspec

    line = {"type": kind, "ts_ms": time.time_ns() // 1_000_000, **fields}
    click.echo(msgspec.json.encode(line).decode())


def one_desk(venue: str | None) -> RunningDesk:
    """The desk that runs; ``Fault`` where none does or it is not clear which is meant."""
    from kalshi_tui.desk.boot import running_desks

    desks = running_desks(venue)
    if not desks:
        which, option = (f"{venue} ", f" --venue {venue}") if venue else ("", "")
        raise Fault(f"no {which}desk is running; `kalshi-tui run{option}` starts one.")
    if len(desks) > 1:
        raise Fault(f"several desks run: {describe(desks)}. Name one with --venue.")
    return desks[0]


def describe(desks: list[RunningDesk]) -> str:
    """Running desks in words."""
    return ", ".join(f"{d.folder.venue} (process id {d.holder.pid}, {d.holder.execution})" for d in desks)


def with_client(desk: RunningDesk, work: Callable[[DeskClient], Awaitable[T]]) -> T:
    """Attach, do ``work``, leave; a desk that does not answer, ends or dies meanwhile, is a ``Fault``."""
    from kalshi_tui.cli.aftermath import is_ending, what_became
    from kalshi_tui.desk.client import DeskClient, DeskGoneError

    goodbyes: list[Goodbye] = []

    async def attached() -> T:
        client = await DeskClient.open(desk.socket)
        try:
            return await work(client)
        finally:
            if client.goodbye is not None:
                goodbyes.append(client.goodbye)
            await client.close()

    try:
        return asyncio.run(attached())
    except DeskGoneError as error:
        if goodbyes:
            raise Fault(is_ending(desk, goodbyes[0])) from None
        if gone := what_became(desk):
            raise Fault(gone) from None
        if not desk.socket.exists():
            raise DeskSilent(
                f"the {desk.folder.venue} desk (process id {desk.holder.pid}) is just starting or ending; its log "
                f"is {desk.folder.log}."
            ) from None
        raise DeskSilent(
            f"{error}; its process {desk.holder.pid} still runs, its log is {desk.folder.log}."
        ) from None


def unexpected(error: Exception) -> int:
    """The sentence for what nobody foresaw; the traceback (without values) goes to a private file."""
    import traceback

    from kalshi_tui.locations import LocationError, private_folder, state_dir

    if isinstance(error, LocationError):
        Fault(str(error)).show()
        return 1
    where = ""
    try:
        path = private_folder(state_dir()) / "crash.txt"
        path.write_text("".join(traceback.format_exception(error)))
        path.chmod(0o600)
        where = f"; the details are in {path}"
    except (OSError, LocationError):
        pass
    Fault(f"something went wrong that should not ({type(error).__name__}){where}.").show()
    return 1


def is_terminal() -> bool:
    # Textual draws on stderr.
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()
