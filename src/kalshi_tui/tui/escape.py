"""A lone escape key is told from the beginning of an escape sequence by the time that passes after it.

Textual asks whether that time is over only after it has taken in the next key: an escape and a letter typed quickly
after it become one key with Alt, and a sheet that was to close takes the letter as text.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.message import Message

ESCAPE_S = 0.03
"""Seconds. A terminal on this machine writes a sequence at once; a hand takes longer from key to key."""


class PromptParser(XTermParser):
    """Asks before it takes in what came next."""

    def feed(self, data: str) -> Iterable[Message]:
        yield from self.tick()
        yield from super().feed(data)


def install() -> None:
    """For every screen of this process. Over a network a sequence may come in pieces: there, and where ``ESCDELAY``
    is set, the wait stays as long as it is."""
    linux_driver.XTermParser = PromptParser  # type: ignore[attr-defined]
    if "ESCDELAY" not in os.environ and "SSH_CONNECTION" not in os.environ:
        constants.ESCAPE_DELAY = ESCAPE_S  # type: ignore[misc]
