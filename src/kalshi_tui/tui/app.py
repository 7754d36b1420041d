"""Start a screen on a desk, and say how it ended. Nothing here prints."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from kalshi_tui.tui import escape
from kalshi_tui.tui.actions import resolve_keymap
from kalshi_tui.tui.arrange import LAYOUTS, pick_layout
from kalshi_tui.tui.desk_app import DeskApp
from kalshi_tui.tui.link import DeskLink
from kalshi_tui.tui.memory import Memory
from kalshi_tui.tui.result import ScreenResult, failure
from kalshi_tui.tui.state import ScreenState
from kalshi_tui.tui.theme import load_themes, pick_theme


async def run_screen(
    link: DeskLink,
    *,
    theme: str | None = None,
    layout: str | None = None,
    mouse: bool = True,
    keymap: Mapping[str, str] | None = None,
    themes_dir: Path | None = None,
    crash_file: Path | None = None,
    memory_file: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> ScreenResult:
    """Show the desk behind ``link`` until the trader leaves, the desk ends or a signal comes.

    ``theme`` and ``layout`` are None where nobody named one: then ``memory_file`` says what was chosen on the
    screen the last time. ``ThemeError``, ``LayoutError`` and ``KeymapError`` come before the terminal is touched.
    Under ``NO_COLOR`` the theme is ``mono``.
    """
    themes, memory = load_themes(themes_dir), Memory(memory_file)
    before = memory.choices
    if theme is None and before.theme in themes:
        theme = before.theme
    if layout is None and before.layout in LAYOUTS:
        layout = before.layout
    chosen = pick_theme(themes, "mono" if os.environ.get("NO_COLOR") else theme)
    state = ScreenState(link.hello, clock, resolve_keymap(keymap))
    state.layout = pick_layout(layout)
    escape.install()
    app = DeskApp(link, state, themes, chosen, crash_file, memory)
    # What was loaded lives as long as the process: the collector need never look at it again.
    gc.collect()
    gc.freeze()
    try:
        result = await app.run_async(mouse=mouse)
    except Exception as error:  # noqa: BLE001 - whatever it is, the trader gets a sentence and the desk goes on
        return failure(error, crash_file)
    return app.failure or result or ScreenResult("detach", "The screen closed; the desk goes on.")
