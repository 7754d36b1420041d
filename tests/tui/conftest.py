"""A screen on the fake desk, at a size, with a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from fakes import FakeLink, StillClock, view
from textual.pilot import Pilot

from kalshi_tui.protocol.views import DeskView
from kalshi_tui.tui.actions import resolve_keymap
from kalshi_tui.tui.desk_app import DeskApp
from kalshi_tui.tui.keygate import HOLD
from kalshi_tui.tui.result import ScreenResult
from kalshi_tui.tui.state import ScreenState
from kalshi_tui.tui.theme import load_themes, pick_theme


class Stage:
    """An app on a fake desk and what a test does to them."""

    def __init__(
        self, size: tuple[int, int], first: DeskView | None, theme: str, crash_file: Path | None
    ) -> None:
        self.size = size
        self.clock = StillClock()
        self.link = FakeLink(first)
        self.state = ScreenState(self.link.hello, self.clock, resolve_keymap())
        themes = load_themes()
        self.app = DeskApp(self.link, self.state, themes, pick_theme(themes, theme), crash_file)
        self.pilot: Pilot[ScreenResult] | None = None

    async def press(self, *keys: str) -> None:
        """Keys as a person presses them: one after the other."""
        assert self.pilot is not None
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause(HOLD * 2.5)

    async def settle(self, seconds: float = 0.15) -> None:
        assert self.pilot is not None
        await self.pilot.pause(seconds)

    async def show(self, new: DeskView) -> None:
        """A new view from the desk, painted everywhere."""
        self.link.put(new)
        await self.settle(0.05)
        self.app.desk.paint_all()
        await self.settle(0.05)

    def text(self) -> str:
        """The characters on the screen."""
        strips = self.app.desk._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    def ended(self) -> str:
        """How the screen ended, empty while it lives."""
        result = self.app.return_value
        return "" if result is None else f"{result.exit}: {result.message}"

    def said(self) -> str:
        """What was answered to the last key."""
        return self.state.local[0].text if self.state.local else ""


StageMaker: TypeAlias = Callable[..., AbstractAsyncContextManager[Stage]]


@pytest.fixture
def stage() -> StageMaker:
    @asynccontextmanager
    async def make(
        size: tuple[int, int] = (120, 36),
        first: DeskView | None = None,
        theme: str = "night",
        crash_file: Path | None = None,
        empty: bool = False,
    ) -> AsyncIterator[Stage]:
        made = Stage(size, None if empty else first or view(), theme, crash_file)
        async with made.app.run_test(size=size) as pilot:
            made.pilot = pilot
            await made.settle()
            made.app.desk.paint_all()
            yield made

    return make
