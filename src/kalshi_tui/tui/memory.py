"""What a person chose on the screen and finds again the next time: layout and theme, in one small file."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct


class Choices(Struct, frozen=True, omit_defaults=True):
    """None where nothing was chosen: the configuration or the default decides."""

    layout: str | None = None
    theme: str | None = None


class Memory:
    """Choices in a file of the state folder. A file that can not be read or written costs the memory, no more."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.choices = _read(path) if path is not None else Choices()

    def remember(self, *, layout: str | None = None, theme: str | None = None) -> None:
        """Keep what was chosen just now beside what was chosen before."""
        self.choices = Choices(layout or self.choices.layout, theme or self.choices.theme)
        if self._path is None:
            return
        beside = self._path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            beside.write_bytes(msgspec.json.encode(self.choices))
            beside.chmod(0o600)
            beside.replace(self._path)


def _read(path: Path) -> Choices:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Choices)
    except (OSError, msgspec.MsgspecError):
        return Choices()
