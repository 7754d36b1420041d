"""Folders 0700 and files 0600, and writes that are whole or absent: the habits of everything stored here."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600


def private_folder(path: Path) -> None:
    """Make the folder and its parents; the last one is set to 0700 whatever the umask was."""
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(FOLDER_MODE)


def create_private(path: Path) -> int:
    """A descriptor on a new file of mode 0600, for writing at its end; never follows a link."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, FILE_MODE)


def write_whole(path: Path, content: bytes) -> None:
    """Replace ``path`` so that a crash leaves the old content or the new, never a mixture; durable on return."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    fd = create_private(beside)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in the folder durable (a rename is only an entry until then)."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def move_aside(path: Path) -> Path:
    """Rename a file that can not be trusted to a free name beside it, and return that name."""
    number = 1
    while True:
        aside = path.with_name(f"{path.stem}.bad-{number}{path.suffix}")
        if not aside.exists():
            return path.rename(aside)
        number += 1
