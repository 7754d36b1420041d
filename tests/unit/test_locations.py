"""Where files live, and what happens when they cannot."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from kalshi_tui import locations
from kalshi_tui.locations import DeskFolder, LocationError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_home_and_xdg_variables_are_respected(
    sealed_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert locations.config_file() == sealed_home / ".config/kalshi-tui/config.toml"
    assert locations.state_dir() == sealed_home / ".local/state/kalshi-tui"
    assert locations.tapes_dir() == sealed_home / ".local/share/kalshi-tui/tapes"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert locations.state_dir() == tmp_path / "kalshi-tui"


def test_everything_of_one_account_lies_in_one_private_folder() -> None:
    folder = DeskFolder.of("demo", "0b2a6f5e-secret").make()
    assert mode(folder.path) == 0o700
    assert "secret" not in str(folder.path)
    for path in (folder.lock, folder.journal, folder.latches, folder.log, folder.kill_file, folder.socket):
        assert path.parent == folder.path
    assert folder.path != DeskFolder.of("demo", "another key").path
    assert folder.path != DeskFolder.of("prod", "0b2a6f5e-secret").path
    assert locations.known_desk_folders() == [folder]


def test_a_loose_folder_of_ours_is_made_private() -> None:
    path = DeskFolder.of("practice", "x").path
    path.mkdir(parents=True, mode=0o755)
    path.chmod(0o755)
    DeskFolder.of("practice", "x").make()
    assert mode(path) == 0o700


def test_a_long_socket_path_moves_to_a_private_temporary_folder(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(short_folder))
    state = short_folder / ("deep" * 30)
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    folder = DeskFolder.of("practice", "x")
    assert folder.socket.parent == short_folder / f"kalshi-tui-{os.getuid()}"
    assert mode(folder.socket.parent) == 0o700
    assert len(os.fsencode(folder.socket)) <= locations.MAX_SOCKET_BYTES
    assert folder.socket != DeskFolder.of("practice", "y").socket


def test_a_temporary_folder_somebody_else_prepared_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"kalshi-tui-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LocationError, match="is not a folder of yours"):
        locations.user_temp_dir()


def test_a_read_only_home_is_a_plain_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(LocationError, match=r"cannot be used \(read-only file system\).*XDG_STATE_HOME"):
        DeskFolder.of("practice", "x").make()


def test_what_ships_with_the_program_is_found() -> None:
    assert locations.packaged("themes").is_dir()
    assert locations.packaged("config.example.toml").is_file()
