"""The screen's half of its session with the desk: views come in, commands go out, every answer is said aloud."""

from __future__ import annotations

from typing import Protocol

from kalshi_tui.desk.client import DeskGoneError
from kalshi_tui.protocol.commands import Ack, AnyCommand, EndDesk, Focus, Heartbeat
from kalshi_tui.protocol.views import DeskView, EngineParams, Goodbye, MarketCard
from kalshi_tui.tui.link import DeskLink
from kalshi_tui.tui.state import ScreenState

GONE = "The desk is gone: it closed the connection. `kalshi-tui status` says what runs."


class Listener(Protocol):
    """Who is told what arrived."""

    def view_came(self, first: bool) -> None:
        """``state.view`` is new; ``first`` when there was none before."""

    def card_came(self, card: MarketCard) -> None:
        """A market's card, asked for by ``Describe``."""

    def params_came(self, params: EngineParams) -> None:
        """A market's engine parameters, asked for by ``ReadParams``."""

    def answer_came(self) -> None:
        """``state.local`` has a new line."""

    def desk_gone(self, reason: str, stopped: bool) -> None:
        """No more will come; ``stopped`` when this screen asked for it."""


class Session:
    """One attachment. Requests are coroutines; the app runs them as workers."""

    def __init__(self, link: DeskLink, state: ScreenState, listener: Listener) -> None:
        self._link = link
        self._state = state
        self._listener = listener
        self._looked: Focus | None = None
        self._stopping = False

    async def listen(self) -> None:
        """Take what the desk says until it says no more."""
        reason = GONE
        async for message in self._link.messages():
            if isinstance(message, DeskView):
                first = self._state.view is None
                self._state.receive(message)
                self._listener.view_came(first)
            elif isinstance(message, MarketCard):
                self._listener.card_came(message)
            elif isinstance(message, EngineParams):
                self._listener.params_came(message)
            elif isinstance(message, Goodbye):
                reason = message.reason or GONE
                break
        self._listener.desk_gone(reason, self._stopping)

    async def ask(self, command: AnyCommand, title: str) -> Ack:
        """Ask and put the answer into the log. Without a ``title`` only what went wrong is said.

        A desk that is gone is answered for: refused, with what happened.
        """
        try:
            ack = await self._link.request(command)
        except DeskGoneError as error:
            text = f"{error}; whether it was done is not known"
            if title:
                self._say(f"{title}: {text}", "refused")
            return Ack(id=0, ok=False, text=text)
        if not ack.ok:
            self._say(f"{title or 'desk'}: {ack.text}", "refused")
        elif title:
            self._say(ack.text or f"{title}: done", "info")
        return ack

    def look(self) -> Focus | None:
        """What to tell the desk about where this screen looks, None when it knows."""
        window, ticker = self._state.window, self._state.selected
        low, high = window.wanted if window is not None and window.rows else (None, None)
        focus = Focus(id=0, ticker=ticker, low=low, high=high)
        if not ticker or focus == self._looked:
            return None
        self._looked = focus
        return focus

    async def end_desk(self) -> None:
        """Ask the desk to pull, verify and end."""
        self._stopping = True
        if (await self.ask(EndDesk(id=0), "stop")).ok:
            self._listener.desk_gone("The desk pulled its quotes and ended.", stopped=True)
        self._stopping = False

    async def beat(self, keys: int) -> None:
        """Tell the desk that somebody can see, and how many keys were pressed since."""
        await self.ask(Heartbeat(id=0, keys=keys), "")

    def _say(self, text: str, kind: str) -> None:
        self._state.say(text, kind)
        self._listener.answer_came()
