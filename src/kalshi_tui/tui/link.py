"""What the screen needs of the desk: views in, commands out. ``desk.client`` and the tests' fake both fit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from kalshi_tui.protocol.commands import Ack, AnyCommand
from kalshi_tui.protocol.views import FromDesk, Hello


class DeskLink(Protocol):
    """A session with a desk."""

    @property
    def hello(self) -> Hello:
        """The desk's first message: who it is and whether this session is in control."""

    def messages(self) -> AsyncIterator[FromDesk]:
        """Everything the desk says. Views are conflated (only the newest unread one is delivered), cards and
        the goodbye are never dropped. Ends when the desk is gone."""

    async def request(self, command: AnyCommand) -> Ack:
        """Send ``command`` (its id is assigned here) and wait for the desk's answer."""

    async def close(self) -> None:
        """End the session; the desk lives on."""
