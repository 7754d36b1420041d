"""A replay on the screen: the tape's desk in this process, drawn as if it were live."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import msgspec

from kalshi_tui import __version__
from kalshi_tui.cli.common import Fault, say
from kalshi_tui.protocol.commands import Ack, AnyCommand, EndDesk, Focus
from kalshi_tui.protocol.units import SECOND
from kalshi_tui.protocol.views import DeskView, EngineParams, FromDesk, Goodbye, Hello, MarketCard

if TYPE_CHECKING:
    from kalshi_tui.config import Settings
    from kalshi_tui.research.replay import Replay

VIEW_S = 0.1
SLICE_S = 0.02
"""The tape is played in slices this long, so that keys and painting get their turn."""


class ReplayLink:
    """The replayed desk as the screen wants it: one session, in control."""

    def __init__(self, replay: Replay, pace: float | None) -> None:
        self.hello = Hello(__version__, "replay", "paper", "REPLAY", os.getpid(), 1, True)
        self._replay = replay
        self._pace = pace
        self._focus: Focus | None = None
        self._cards: list[MarketCard | EngineParams] = []
        self._next_id = 1
        self._over = False
        self._begun = asyncio.Event()

    async def play(self) -> None:
        """Step the tape at its pace; ``None`` as fast as the screen allows."""
        loop = asyncio.get_running_loop()
        began = slice_began = loop.time()
        for at in self._replay.steps():
            self._begun.set()
            due = slice_began
            if self._pace is not None and self._replay.first is not None:
                due = began + (at.wall - self._replay.first) / SECOND / self._pace
            if due > loop.time() or loop.time() - slice_began > SLICE_S:
                await asyncio.sleep(max(due - loop.time(), 0))
                slice_began = loop.time()
            if self._over:
                return
        self._over = True

    async def messages(self) -> AsyncIterator[FromDesk]:
        await self._begun.wait()
        self._replay.attach()
        while not self._over:
            while self._cards:
                yield self._cards.pop(0)
            yield self._view()
            await asyncio.sleep(VIEW_S)
        yield self._view()
        yield Goodbye("the tape is over", 0)

    async def request(self, command: AnyCommand) -> Ack:
        command = msgspec.structs.replace(command, id=self._next_id)
        self._next_id += 1
        if isinstance(command, Focus):
            self._focus = command
        if isinstance(command, EndDesk):
            self._over = True
            return Ack(command.id, True, "the replay ends")
        if not self._replay.begun:
            return Ack(command.id, False, "the tape has not begun")
        answer = self._replay.command(command)
        if answer.card is not None:
            self._cards.append(answer.card)
        return answer.ack

    async def close(self) -> None:
        self._over = True

    def _view(self) -> DeskView:
        return self._replay.kernel.view(self._replay.now, self._focus)


def show_replay(replay: Replay, pace: float | None, settings: Settings) -> int:
    """Play the tape on the screen until it is over or the trader leaves; the exit code."""
    from kalshi_tui.locations import private_folder, state_dir, user_themes_dir
    from kalshi_tui.tui.app import run_screen

    async def shown() -> tuple[str, str]:
        link = ReplayLink(replay, pace)
        playing = asyncio.create_task(link.play())
        result = await run_screen(
            link,
            theme=settings.ui.theme,
            layout=settings.ui.layout,
            mouse=settings.ui.mouse,
            keymap=settings.keymap,
            themes_dir=user_themes_dir(),
            crash_file=private_folder(state_dir()) / "crash.txt",
        )
        await link.close()
        await playing
        if replay.damage:
            raise Fault(f"{' '.join(map(str, replay.damage))} What came before it was shown.")
        return result.exit, result.message

    end, message = asyncio.run(shown())
    if message:
        say(message)
    return 1 if end == "error" else 0
