"""The tapes a command is given: files, and folders of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from kalshi_tui.cli.common import Fault

ENDINGS = tuple(f".{lines}{packed}" for lines in ("jsonl", "ndjson") for packed in ("", ".gz", ".zst"))
TAPES = click.argument("tapes", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TAPE…")
"""Recordings; a folder stands for every tape in it."""


def recordings(tapes: Sequence[Path]) -> tuple[Path, ...]:
    """Every file that is meant, those of a folder by name. ``Fault`` for a folder without a tape."""
    found: list[Path] = []
    for path in tapes:
        if not path.is_dir():
            found.append(path)
            continue
        try:
            inside = sorted(path.iterdir())
        except OSError as error:
            raise Fault(f"{path}: can not be read ({(error.strerror or str(error)).lower()}).") from None
        files = [file for file in inside if file.name.endswith(ENDINGS) and not file.is_dir()]
        if not files:
            folders = [folder.name for folder in inside if folder.is_dir()]
            hint = f"; its folders are {', '.join(folders[:8])}: name one of them" if folders else ""
            raise Fault(f"{path}: the folder holds no tape ({', '.join(ENDINGS)}){hint}.")
        found += files
    return tuple(found)
