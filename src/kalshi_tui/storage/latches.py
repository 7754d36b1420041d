"""The stops that outlive the process: one small file, replaced whole, and killed when in doubt.

``{"latches": {scope: {"stop", "why", "wall"}}, "sha256": ...}``. A missing file means that nothing was ever
latched; a file that can not be read or whose hash does not fit means the worst that may have been in it.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from kalshi_tui.protocol.units import Nanos
from kalshi_tui.storage.files import move_aside, private_folder, write_whole

_MAX_FILE = 1024 * 1024


class Latch(Struct, frozen=True):
    """One stop in force: ``stop`` is hold, pull, flatten or kill."""

    stop: str
    why: str
    wall: Nanos
    reduce_only: bool = False
    """A kill that a person opened for reducing alone."""


class LatchError(Exception):
    """The latches can not be made durable; what they forbid must be treated as forbidden."""


class _File(Struct):
    latches: msgspec.Raw
    sha256: str


class LatchFile:
    """Read once at boot, written at every change. ``broken`` says what was found wrong, empty otherwise."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.broken = ""

    def read(self, wall: Nanos) -> dict[str, Latch]:
        """The latches by scope; the scope of everything is empty.

        Anything but a whole, well-formed file or none at all yields a kill of everything, stamped ``wall``,
        which stays until a person clears it. The bad file is kept under another name.
        """
        try:
            raw = self._path.read_bytes()[:_MAX_FILE]
        except FileNotFoundError:
            return {}
        except OSError as error:
            return self._worst(f"The file of stops {self._path} can not be read ({error.strerror})", wall)
        try:
            file = msgspec.json.decode(raw, type=_File)
            if sha256(bytes(file.latches)).hexdigest() == file.sha256:
                return msgspec.json.decode(file.latches, type=dict[str, Latch])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
        what = f"The file of stops {self._path} is damaged"
        try:
            what += f" and kept as {move_aside(self._path).name}"
            latches = self._worst(what, wall)
            self.write(latches)
        except (OSError, LatchError):
            # Where it can not be written either, the damaged file goes on saying the same at every boot.
            latches = self._worst(what, wall)
        return latches

    def write(self, latches: dict[str, Latch]) -> None:
        """Replace the file; durable on return. ``LatchError`` in one sentence where that can not be done."""
        body = msgspec.json.encode(dict(sorted(latches.items())))
        whole = b'{"latches":' + body + b',"sha256":"' + sha256(body).hexdigest().encode() + b'"}\n'
        try:
            private_folder(self._path.parent)
            write_whole(self._path, whole)
        except OSError as error:
            raise LatchError(f"The stops can not be written to {self._path} ({error.strerror}).") from None

    def _worst(self, what: str, wall: Nanos) -> dict[str, Latch]:
        self.broken = f"{what}: the desk counts as killed until you clear it."
        return {"": Latch("kill", self.broken, wall)}
