"""The desk as seen by whoever attaches: a screen, or the command line. Cheap to import, no Textual."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from kalshi_tui.desk import wire
from kalshi_tui.protocol.commands import Ack, AnyCommand, ReadStatus
from kalshi_tui.protocol.views import DeskView, EngineParams, FromDesk, Goodbye, Hello, MarketCard

READ_CHUNK = 256 * 1024
ANSWER_S = 10.0
"""The desk answers within milliseconds; one that is silent for this long is not well."""


class DeskGoneError(Exception):
    """No desk listens there, it closed the connection, or it does not answer."""


class DeskClient:
    """One attached session. Make it with ``open``; ``hello`` says what was found."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = wire.message_reader()
        self._answers: dict[int, asyncio.Future[Ack]] = {}
        self._next_id = 1
        self._cards: deque[MarketCard | EngineParams] = deque()
        self._news = asyncio.Event()
        self._view: DeskView | None = None
        self._full: DeskView | None = None
        self._gone = False
        self._hello: asyncio.Future[Hello] = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen())
        self.hello: Hello
        self.goodbye: Goodbye | None = None

    @classmethod
    async def open(cls, path: Path) -> DeskClient:
        """Attach to the desk behind ``path``; ``DeskGoneError`` when none answers."""
        try:
            reader, writer = await asyncio.open_unix_connection(path)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise DeskGoneError(f"no desk answers at {path} ({reason})") from None
        client = cls(reader, writer)
        try:
            client.hello = await asyncio.wait_for(asyncio.shield(client._hello), ANSWER_S)
        except TimeoutError:
            await client.close()
            raise DeskGoneError(f"the desk at {path} does not answer") from None
        except BaseException:
            await client.close()
            raise
        return client

    async def messages(self) -> AsyncIterator[FromDesk]:
        """Views, cards and the goodbye as they come. Of views only the newest unread one is given, of the
        others all. Ends when the desk is gone."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._cards:
                yield self._cards.popleft()
            if self._view is not None:
                view, self._view = self._view, None
                yield view
            if self._gone:
                if self.goodbye is not None:
                    yield self.goodbye
                return

    async def request(self, command: AnyCommand) -> Ack:
        """Send a command (its id is set here) and wait for the desk's answer; ``DeskGoneError`` without
        one."""
        number = self._next_id
        self._next_id += 1
        answer: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            if self._gone:
                raise DeskGoneError("the desk is gone")
            self._writer.write(wire.encode(msgspec.structs.replace(command, id=number)))
            return await asyncio.wait_for(answer, ANSWER_S)
        except TimeoutError:
            raise DeskGoneError(f"the desk gave no answer within {ANSWER_S:.0f} s") from None
        finally:
            del self._answers[number]

    async def status(self) -> DeskView:
        """One full view, with all own orders."""
        await self.request(ReadStatus(0))
        if self._full is None:
            raise DeskGoneError("the desk sent no status")
        return self._full

    async def wait_gone(self) -> None:
        """Until the desk has closed the connection."""
        await asyncio.shield(self._listening)

    async def close(self) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            pass

    async def _listen(self) -> None:
        why = "the desk closed the connection"
        try:
            while data := await self._reader.read(READ_CHUNK):
                for message in self._frames.feed(data):
                    self._take(message)
        except OSError:
            pass
        except wire.WireError as error:
            why = f"the desk sent what this version does not understand ({error}); restart the desk"
        finally:
            self._gone = True
            gone = DeskGoneError(why)
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(gone)
            if not self._hello.done():
                self._hello.set_exception(gone)
            self._news.set()

    def _take(self, message: FromDesk) -> None:
        match message:
            case Hello():
                if not self._hello.done():
                    self._hello.set_result(message)
            case Ack():
                answer = self._answers.get(message.id)
                if answer is not None and not answer.done():
                    answer.set_result(message)
            case DeskView():
                self._view = self._full = message
                self._news.set()
            case MarketCard() | EngineParams():
                self._cards.append(message)
                self._news.set()
            case Goodbye():
                self.goodbye = message
