"""Where files live: the only place that knows.

Everything lies under the user's own folders (``platformdirs``: the XDG variables and HOME are respected).
What belongs to one account on one venue (lock, journal, latches, socket, log) lies in one folder of the
state folder. Folders are 0700. A Unix socket's path may hold about 100 bytes; a longer one moves to a
folder of the user's own under the system's temporary folder.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

APP = "kalshi-tui"
MAX_SOCKET_BYTES = 100
VENUES = ("practice", "demo", "prod")
EMBEDDED = "embedded"
"""Stands for the key id of the embedded practice exchange, which makes a new key at every start."""


class LocationError(Exception):
    """A folder that cannot be used: the message says which, why, and what to do."""


def config_dir() -> Path:
    return Path(platformdirs.user_config_dir(APP, appauthor=False))


def config_file() -> Path:
    return config_dir() / "config.toml"


def user_themes_dir() -> Path:
    return config_dir() / "themes"


def theme_names() -> list[str]:
    """Every theme that can be named, shipped and the user's own, unread."""
    folders = (packaged("themes"), user_themes_dir())
    return sorted({path.stem for folder in folders for path in folder.glob("*.toml")})


def state_dir() -> Path:
    return Path(platformdirs.user_state_dir(APP, appauthor=False))


def tapes_dir() -> Path:
    """Recorded market data: large, and no loss if it goes."""
    return Path(platformdirs.user_data_dir(APP, appauthor=False)) / "tapes"


def packaged(name: str) -> Path:
    """A file or folder that ships with the program (``themes``, ``config.example.toml``)."""
    installed = Path(__file__).parent / "data" / name
    return installed if installed.exists() else Path(__file__).parents[2] / name


@dataclass(frozen=True)
class DeskFolder:
    """The files of one account on one venue. The folder's name holds a digest, never the key id itself."""

    venue: str
    path: Path

    @staticmethod
    def of(venue: str, key_id: str) -> DeskFolder:
        digest = hashlib.sha256(key_id.encode()).hexdigest()[:12]
        return DeskFolder(venue, state_dir() / "desks" / f"{venue}-{digest}")

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def journal(self) -> Path:
        return self.path / "journal.sqlite"

    @property
    def latches(self) -> Path:
        return self.path / "latches.json"

    @property
    def log(self) -> Path:
        return self.path / "desk.log"

    @property
    def kill_file(self) -> Path:
        """While a file of this name lies here the desk is killed; ``touch`` is enough."""
        return self.path / "KILL"

    @property
    def socket(self) -> Path:
        """The control socket; under the temporary folder where the state folder's path is too long."""
        path = self.path / "desk.sock"
        if len(os.fsencode(path)) <= MAX_SOCKET_BYTES:
            return path
        return user_temp_dir() / (hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16] + ".sock")

    def make(self) -> DeskFolder:
        """Make sure the folder exists and is the user's alone; ``LocationError`` otherwise."""
        private_folder(self.path)
        return self


def known_desk_folders() -> list[DeskFolder]:
    """Every account folder there is, by name: running or not."""
    try:
        paths = sorted(path for path in (state_dir() / "desks").iterdir() if path.is_dir())
    except OSError:
        return []
    found = ((path.name.partition("-")[0], path) for path in paths)
    return [DeskFolder(venue, path) for venue, path in found if venue in VENUES]


def next_latches(venue: str) -> Path:
    """Stops for the next desk of a venue where no account of it is known: the desk that boots takes them over."""
    return state_dir() / "desks" / f"{venue}.latches.json"


def user_lock(venue: str) -> Path:
    """The lock of demo or prod that holds for the whole user, whatever HOME or the XDG variables say."""
    return user_temp_dir() / f"{venue}.lock"


def user_temp_dir() -> Path:
    """A 0700 folder of the user's own under the system's temporary folder.

    The name is guessable and the parent is everybody's, so a folder (or link) that somebody else put there
    is refused instead of used.
    """
    path = Path(tempfile.gettempdir()) / f"{APP}-{os.getuid()}"
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise LocationError(_cannot_use(path, error, "TMPDIR")) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise LocationError(f"{path} is not a folder of yours; remove it or set TMPDIR to one that is.")
    path.chmod(0o700)
    return path


def private_folder(path: Path) -> Path:
    """``path`` as an existing folder that only its owner can enter; ``LocationError`` otherwise."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
        if found.st_uid != os.getuid():
            raise LocationError(f"the folder {path} is another user's; remove it or set XDG_STATE_HOME.")
        if stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise LocationError(_cannot_use(path, error, "XDG_STATE_HOME")) from None
    return path


def _cannot_use(path: Path, error: OSError, variable: str) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"the folder {path} cannot be used ({reason}); make it writable or set {variable} to one that is."
