"""Bytes of a tape file as whole lines: plain, gzip or zstandard, told apart by their first bytes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import zstandard

from kalshi_tui.storage.tape_rows import TapeError

_CHUNK = 256 * 1024
_MAX_LINE = 64 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


class _Inflater(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def blocks(path: Path) -> Iterator[bytes]:
    """The file as blocks of whole lines, the last possibly without its line end.

    Every whole line that can be read is given out before ``TapeError`` says what is wrong with the rest:
    the file can not be opened, the compressed stream is damaged or ends early, a line has no end. A line cut
    off by such damage is left out.
    """
    rows = 0
    tail = b""
    try:
        for piece in _pieces(path):
            cut = piece.rfind(b"\n") + 1
            if not cut:
                tail += piece
                if len(tail) > _MAX_LINE:
                    raise TapeError(path, rows + 1, f"a row is over {_MAX_LINE // 1024 // 1024} MiB")
                continue
            block = tail + piece[:cut]
            tail = piece[cut:]
            rows += block.count(b"\n")
            yield block
    except OSError as error:
        raise TapeError(path, rows + 1 if rows else None, f"can not be read: {error.strerror}") from None
    except (zlib.error, zstandard.ZstdError):
        raise TapeError(path, rows + 1, "the compressed data is damaged") from None
    except EOFError:
        raise TapeError(path, rows + 1, "the file is torn: its compressed data ends early") from None
    if tail:
        yield tail


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        if head.startswith(_GZIP):
            yield from _inflated(file, lambda: zlib.decompressobj(wbits=31))
        elif head == _ZSTD:
            decompressor = zstandard.ZstdDecompressor()
            yield from _inflated(file, decompressor.decompressobj)
        else:
            while chunk := file.read(_CHUNK):
                yield chunk


def _inflated(file: BinaryIO, start: Callable[[], _Inflater]) -> Iterator[bytes]:
    """Any number of compressed streams after one another; ``EOFError`` where the last is not whole."""
    stream = start()
    begun = False
    while chunk := file.read(_CHUNK):
        while chunk:
            begun = True
            data = stream.decompress(chunk)
            chunk = b""
            if stream.eof:
                chunk = stream.unused_data
                stream, begun = start(), False
            if data:
                yield data
    if begun:
        raise EOFError
