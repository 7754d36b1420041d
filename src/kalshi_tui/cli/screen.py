"""Opening the screen on a desk's socket. Textual is imported here and not before."""

from __future__ import annotations

import asyncio
import os
import select
import threading
import time
from typing import TYPE_CHECKING

from kalshi_tui.cli.common import Fault, say
from kalshi_tui.cli.options import USAGE

if TYPE_CHECKING:
    from kalshi_tui.config import Settings
    from kalshi_tui.desk.boot import RunningDesk
    from kalshi_tui.protocol.views import Goodbye


_LEAVES_S = 3.0
"""How long a screen may take to leave by itself once its terminal is gone."""


def check_screen(settings: Settings) -> None:
    """A theme or keymap that is refused, is refused before a desk is started for it."""
    from kalshi_tui.locations import user_themes_dir
    from kalshi_tui.tui.theme import ThemeError, load_themes, pick_theme

    try:
        pick_theme(load_themes(user_themes_dir()), settings.ui.theme)
    except ThemeError as error:
        raise Fault(f"{error}.", USAGE) from None


def show_screen(desk: RunningDesk, settings: Settings) -> int:
    """The screen until the trader leaves or the desk ends; the exit code. A desk that dies is a ``Fault``."""
    from kalshi_tui import logs
    from kalshi_tui.cli.aftermath import what_became
    from kalshi_tui.desk.client import DeskClient, DeskGoneError
    from kalshi_tui.locations import private_folder, state_dir, user_themes_dir
    from kalshi_tui.protocol.commands import Heartbeat
    from kalshi_tui.tui.app import run_screen

    _end_with_terminal()
    state = private_folder(state_dir())
    logs.log_to(state / "screen.log")

    named = settings.ui.model_fields_set

    async def attached() -> tuple[str, str, Goodbye | None]:
        link = await DeskClient.open(desk.socket)
        try:
            # From now on this session is shown views: the first one is here when the screen has come up.
            await link.request(Heartbeat(0))
            result = await run_screen(
                link,
                theme=settings.ui.theme if "theme" in named else None,
                layout=settings.ui.layout if "layout" in named else None,
                mouse=settings.ui.mouse,
                keymap=settings.keymap,
                themes_dir=user_themes_dir(),
                crash_file=state / "crash.txt",
                memory_file=state / "screen.json",
            )
            if result.exit == "stop":
                await link.wait_gone()
            return result.exit, result.message, link.goodbye
        finally:
            await link.close()

    try:
        end, message, goodbye = asyncio.run(attached())
    except DeskGoneError as error:
        raise Fault(what_became(desk) or f"{error}.") from None
    if end in ("stop", "desk gone") and goodbye is None:
        raise Fault(what_became(desk) or message)
    if message:
        say(message)
    if end in ("stop", "desk gone") and goodbye is not None:
        return goodbye.exit_code
    return 1 if end == "error" else 0


def _end_with_terminal() -> None:
    """End this process when its terminal is gone and the screen cannot leave by itself: Textual's drawing waits
    for ever for a terminal that stopped reading before it vanished, as a lost SSH connection does."""

    def watch() -> None:
        poller = select.poll()
        poller.register(1, 0)  # nothing but the hang-up, which is always reported
        poller.poll()
        time.sleep(_LEAVES_S)
        os._exit(0)

    threading.Thread(target=watch, name="terminal-watch", daemon=True).start()
