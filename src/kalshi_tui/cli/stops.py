"""The safe stops from the command line: they need no screen, and ``kill`` needs no desk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from kalshi_tui.cli.common import (
    DeskSilent,
    Fault,
    emit,
    json_option,
    one_desk,
    say,
    venue_option,
    with_client,
)

if TYPE_CHECKING:
    from kalshi_tui.desk.boot import RunningDesk
    from kalshi_tui.desk.client import DeskClient
    from kalshi_tui.protocol.commands import Ack, Scope

F = TypeVar("F", bound=Callable[..., object])
CONFIRM_S = 10.0
"""How long a stop waits to see its orders confirmed gone before it says that they are not."""
GONE_S = 30.0


def scope_options(command: F) -> F:
    command = click.option("--event", metavar="E", help="Only the markets of this event.")(command)
    return click.option("--market", metavar="T", help="Only this market.")(command)


@click.command()
@scope_options
@venue_option
@json_option
def hold(market: str | None, event: str | None, venue: str | None, as_json: bool) -> int:
    """No order that adds risk; cancels and reductions go on."""
    return _stop(one_desk(venue), "hold", market, event, as_json)


@click.command()
@scope_options
@venue_option
@json_option
def pull(market: str | None, event: str | None, venue: str | None, as_json: bool) -> int:
    """Hold, and cancel every engine order, verified; engines stay off."""
    return _stop(one_desk(venue), "pull", market, event, as_json)


@click.command()
@scope_options
@venue_option
@json_option
def flatten(market: str | None, event: str | None, venue: str | None, as_json: bool) -> int:
    """Pull, cancel my orders too, then reduce to zero; waits a while and says what is left and why.

    Ends with 0 when nothing is left but what waits for its settlement, with 5 when a kill is in the way, else with 1.
    """
    from kalshi_tui.cli.flattening import flatten_desk

    return flatten_desk(one_desk(venue), stop_scope(market, event), as_json)


@click.command()
@scope_options
@venue_option
@json_option
def kill(market: str | None, event: str | None, venue: str | None, as_json: bool) -> int:
    """Close the gate, then cancel everything and verify. Holds through restarts until `clear`.

    With several desks all are killed; with none the next one starts killed.
    """
    from kalshi_tui.desk.boot import running_desks

    desks = running_desks(venue)
    if not desks:
        return _latch_kill(venue, stop_scope(market, event), as_json)
    codes = []
    for desk in desks:
        try:
            codes.append(_stop(desk, "kill", market, event, as_json))
        except DeskSilent as fault:  # one desk that does not answer must not spare the others
            Fault(fault.message + _lay_kill_file(desk)).show()
            codes.append(fault.code)
        except Fault as fault:
            fault.show()
            codes.append(fault.code)
    return max(codes)


@click.command()
@scope_options
@click.option(
    "--reduce-only", is_flag=True, help="Open the gate for orders that reduce, and for nothing else."
)
@venue_option
@json_option
def clear(market: str | None, event: str | None, reduce_only: bool, venue: str | None, as_json: bool) -> int:
    """Lift a hold, a pull or a kill. Quoting stays off until it is switched on."""
    from kalshi_tui.protocol.commands import Clear

    desk = one_desk(venue)
    command = Clear(0, reduce_only, stop_scope(market, event))
    ack = with_client(desk, lambda client: client.request(command))
    return _told(desk, "clear", ack, as_json)


@click.command()
@venue_option
@json_option
def stop(venue: str | None, as_json: bool) -> int:
    """Pull, verify, end the desk. Positions stay."""
    from kalshi_tui.protocol.commands import EndDesk

    desk = one_desk(venue)

    async def work(client: DeskClient) -> tuple[Ack, str]:
        ack = await client.request(EndDesk(0))
        if ack.ok:
            async with asyncio.timeout(GONE_S):
                await client.wait_gone()
        return ack, client.goodbye.reason if client.goodbye else ""

    try:
        ack, reason = with_client(desk, work)
    except TimeoutError:
        raise Fault(f"the desk (process id {desk.holder.pid}) has not ended within {GONE_S:.0f} s.") from None
    if not ack.ok:
        return _told(desk, "stop", ack, as_json)
    _wait_for_end(desk)
    if as_json:
        emit("stop", {"ok": True, "venue": desk.folder.venue, "pid": desk.holder.pid, "text": reason})
    else:
        say(f"the {desk.folder.venue} desk (process id {desk.holder.pid}) has ended: {reason}.")
    return 0


def _stop(desk: RunningDesk, kind: str, market: str | None, event: str | None, as_json: bool) -> int:
    """One stop on one desk, and whether its orders are confirmed gone."""
    from kalshi_tui.protocol.commands import Ack, Stop

    command = Stop(0, kind, stop_scope(market, event))

    async def work(client: DeskClient) -> tuple[Ack, int]:
        ack = await client.request(command)
        return ack, await _unconfirmed(client) if ack.ok and kind != "hold" else 0

    ack, left = with_client(desk, work)
    if ack.ok and not left and kind != "hold":
        ack = Ack(ack.id, True, f"{ack.text}; orders confirmed gone")
    return _told(desk, kind, ack, as_json, left)


async def _unconfirmed(client: DeskClient) -> int:
    """Orders the stop wants gone that are not, after waiting a while for none."""
    deadline = time.monotonic() + CONFIRM_S
    while True:
        left = (await client.status()).status.unconfirmed
        if not left or time.monotonic() >= deadline:
            return left
        await asyncio.sleep(0.2)


def _told(desk: RunningDesk, what: str, ack: Ack, as_json: bool, unconfirmed: int = 0) -> int:
    """Say how it went; the exit code."""
    if as_json:
        fields = {"ok": ack.ok, "venue": desk.folder.venue, "text": ack.text, "unconfirmed": unconfirmed}
        emit(what, dict(fields))
    elif ack.ok:
        say(f"{desk.folder.venue}: {ack.text}.")
    if not ack.ok:
        raise Fault(f"{what} was refused: {ack.text}.")
    if unconfirmed:
        from kalshi_tui.protocol.units import counted

        raise Fault(
            f"after {CONFIRM_S:.0f} s {counted(unconfirmed, 'order')} not confirmed gone; the desk goes on asking, "
            "see `kalshi-tui orders`."
        )
    return 0


def stop_scope(market: str | None, event: str | None) -> Scope:
    from kalshi_tui.protocol.commands import Scope
    from kalshi_tui.protocol.text import safe_ticker

    if market and event:
        raise Fault("--market and --event exclude each other.", 2)
    try:
        return Scope(safe_ticker(market) if market else "", safe_ticker(event) if event else "")
    except ValueError as error:
        raise Fault(f"{error}.", 2) from None


def _lay_kill_file(desk: RunningDesk) -> str:
    """The other way to the desk: it looks for this file, also while it boots. What to say of it."""
    path = desk.folder.kill_file
    try:
        path.touch(mode=0o600)
    except OSError as error:
        return f" The kill file {path} can not be made either ({error.strerror})."
    return f" The kill file {path} is laid: the desk is killed as soon as it looks. Remove it before `clear`."


def _latch_kill(venue: str | None, scope: Scope, as_json: bool) -> int:
    """No desk runs: every account we know starts killed until `clear`, and so does the next desk of a venue none
    of whose accounts we know."""
    from kalshi_tui.execution.gate import scope_key
    from kalshi_tui.locations import VENUES, known_desk_folders, next_latches
    from kalshi_tui.storage.latches import Latch, LatchError, LatchFile

    known = known_desk_folders()
    now = time.time_ns()
    venues = [name for name in VENUES if venue in (None, name)]
    paths = []
    for name in venues:
        paths += [folder.latches for folder in known if folder.venue == name] or [next_latches(name)]
    for path in paths:
        file = LatchFile(path)
        try:
            file.write(
                file.read(now) | {scope_key(scope): Latch("kill", "by command, while no desk ran", now)}
            )
        except LatchError as error:
            raise Fault(
                f"{str(error).rstrip('.')}: nothing is latched. Make the folder writable and kill again; orders "
                "that rest at the exchange are cancelled on its web site."
            ) from None
    if as_json:
        emit("kill", {"ok": True, "running": 0, "latched": len(paths), "venues": venues})
        return 0
    which = venue or "practice, demo or prod"
    where = f" in {scope.ticker or scope.event}" if scope.ticker or scope.event else ""
    say(f"no desk is running; the next {which} desk will start killed{where} until `kalshi-tui clear`.")
    if venue != "practice":
        say(
            "nothing was sent to the exchange, and what rests there is not known without a desk: look on its web "
            "site, or start a desk (killed, it sends no order) and ask `kalshi-tui orders`."
        )
    return 0


def _wait_for_end(desk: RunningDesk) -> None:
    """Until the process itself is gone."""
    from kalshi_tui.desk.boot import is_alive

    deadline = time.monotonic() + GONE_S
    while is_alive(desk.holder.pid):
        if time.monotonic() > deadline:
            raise Fault(f"the desk said goodbye, but process id {desk.holder.pid} is still there.")
        time.sleep(0.05)
