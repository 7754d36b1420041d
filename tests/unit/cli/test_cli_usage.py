"""Mistakes on the command line and around it: one sentence, the right exit code, no control codes, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_bench import CONTROL, call, lines, on_terminal

from kalshi_tui import __version__
from kalshi_tui.cli.main import COMMANDS


def test_version_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['kalshi-tui', '--version']\n"
        "from kalshi_tui.cli.main import main\n"
        "try: main()\nexcept SystemExit as end: assert end.code == 0\n"
        "heavy = {'textual', 'httpx', 'websockets', 'aiohttp', 'numpy', 'cryptography', 'pydantic', 'msgspec', "
        "'asyncio', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"kalshi-tui {__version__}\n[]\n"


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_every_command_and_exit_code(flag: str) -> None:
    done = call(flag)
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in COMMANDS if name != "desk-process")
    assert "desk-process" not in done.stdout
    assert "143 terminated" in done.stdout


@pytest.mark.parametrize("args", [(), ("run",), ("--seed", "3")])
def test_without_a_terminal_help_goes_to_stderr(args: tuple[str, ...]) -> None:
    done = call(*args)
    assert (done.returncode, done.stdout) == (2, "")
    said, _, help_text = done.stderr.partition("\n\n")
    assert said == "kalshi-tui: there is no terminal for the screen; use --no-ui to run without one."
    assert help_text.startswith("Usage: kalshi-tui run")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--scenario", "foo"), "foo"),
        (("--for", "5s"), "--for needs --no-ui."),
        (("--for", "5s", "--json"), "--for, --json need --no-ui."),
        (("--venue", "demo", "--seed", "3"), "--seed belong to --venue practice"),
    ],
)
def test_without_a_terminal_what_else_is_wrong_is_said_first(options: tuple[str, ...], words: str) -> None:
    done = call("run", *options)
    assert (done.returncode, done.stdout) == (2, "")
    said, _, help_text = done.stderr.partition("\n\n")
    assert said.startswith("kalshi-tui: ") and words in said and "terminal" not in said
    assert help_text.startswith("Usage: kalshi-tui run")


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("--bogus",), 2, "no such option '--bogus'; `kalshi-tui run -h` shows what there is."),
        (("--thme", "day"), 2, "no such option '--thme'. (Did you mean one of"),
        (("statsu",), 2, "there is no command 'statsu', did you mean status; `kalshi-tui -h` shows"),
        (("status", "extra"), 2, "unexpected extra argument (extra); `kalshi-tui status -h` shows"),
        (("--seed", "-1"), 2, "invalid value for '--seed': -1 is not in the range x>=0;"),
        (("--no-ui", "--speed", "0"), 2, "command line: practice.speed was 0.0; expected a number from 0.1"),
        (("--no-ui", "--for", "banana"), 2, "'banana' is no time above zero such as 30s, 5m or 1h;"),
        (("--no-ui", "--for", "-5s"), 2, "'-5s' is no time above zero"),
        (("--no-ui", "--for"), 2, "option '--for' requires an argument;"),
        (("--no-ui", "--markets", " , "), 2, "' , ' names no ticker;"),
        (("--no-ui", "--theme", "nigth"), 2, "ui.theme was 'nigth'; expected one of colourblind, day, mono"),
        (
            ("--no-ui", "--layout", "ladr"),
            2,
            "expected one of desk, ladder, overview; the nearest is ladder.",
        ),
        (("--no-ui", "--config"), 2, "option '--config' requires an argument;"),
        (("--no-ui", "--config", "/"), 2, "File '/' is a directory;"),
        (("--no-ui", "--venue", "prod", "--live"), 2, "this version sends no order to prod"),
        (("config", "init", "--bankroll", "-5"), 2, "the bankroll was '-5'; expected at least 20 dollars"),
        (("exchange", "--scenario", "moon"), 2, "'moon' is not one of 'default', 'calm', 'cpi-day'"),
        (("exchange", "--speed", "nan"), 2, "'--speed': nan is no number from 0.1 to 100;"),
        (("--no-ui", "--for", "0s"), 2, "'0s' is no time above zero such as 30s, 5m or 1h"),
        (("--no-ui", "--venue", "paper"), 2, "'paper' is not one of 'practice', 'demo', 'prod'"),
        (("--no-ui", "--engine", "m9"), 2, "command line: engines.default was 'm9'; expected one of m0"),
        (("--no-ui", "--speed", "nan"), 2, "command line: practice.speed was nan; expected a finite number"),
        (("--no-ui", "--markets", "../x"), 2, "'../x' is not a ticker"),
        (
            ("--no-ui", "--rest", "http://127.0.0.1:1/trade-api/v2"),
            2,
            "also needs --ws, --key-id, --key-file",
        ),
        (("--no-ui", "--venue", "demo", "--seed", "3"), 2, "--seed belong to --venue practice"),
        (("--no-ui", "--venue", "demo"), 3, "demo needs an API key"),
        (("--no-ui", "--venue", "prod", "--execution", "none"), 3, "prod needs an API key"),
        (("--no-ui", "--config", "/nowhere.toml"), 2, "/nowhere.toml: there is no such file"),
        (("--no-ui", "--scenario", "moon", "--for", "1s"), 2, "expected one of default, calm, cpi-day, arb,"),
        (("attach",), 2, "a screen needs a terminal"),
        (("status",), 1, "no desk is running; `kalshi-tui run` starts one."),
        (
            ("status", "--venue", "demo"),
            1,
            "no demo desk is running; `kalshi-tui run --venue demo` starts one.",
        ),
        (("orders", "--venue", "demo"), 1, "no demo desk is running"),
        (("pull",), 1, "no desk is running"),
        (("stop",), 1, "no desk is running"),
        (("pull", "--market", "a b"), 1, "no desk is running"),
        (("replay", "/nowhere.jsonl", "--no-ui"), 1, "/nowhere.jsonl"),
    ],
)
def test_a_mistake_is_one_sentence_and_its_exit_code(args: tuple[str, ...], code: int, words: str) -> None:
    done = call(*args)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("kalshi-tui: ")
    assert not CONTROL.search(done.stderr)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"TERM": "dumb", "LANG": "C.UTF-8"}, "TERM is dumb"),
        ({"TERM": "xterm-256color", "LANG": "C", "LC_ALL": ""}, "not UTF-8"),
        ({"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLUMNS": "40"}, "needs 80 × 24"),
    ],
)
def test_a_terminal_that_cannot_show_the_screen_is_refused_before_a_desk_starts(
    env: dict[str, str], words: str, sealed_home: Path
) -> None:
    code, text = on_terminal(**env)
    assert code == 2
    assert words in text
    assert "\x1b" not in text
    assert not (sealed_home / ".local/state/kalshi-tui/desks").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[ui]\nthem = "day"\n', "config.toml:2: unknown key ui.them; the nearest valid one is ui.theme."),
        (
            '[ui]\nrefresh_hz = "x"\n',
            "config.toml:2: ui.refresh_hz was 'x'; expected a whole number from 4 to 30.",
        ),
    ],
)
@pytest.mark.parametrize("command", [("--no-ui",), ("config", "check"), ("config", "show"), ("keys",)])
def test_configuration_mistakes(sealed_home: Path, command: tuple[str, ...], text: str, words: str) -> None:
    file = sealed_home / ".config/kalshi-tui/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    done = call(*command)
    assert done.returncode == 2
    assert words in done.stderr
    assert "\x1b" not in done.stderr


def test_an_unknown_theme_is_refused_before_a_desk_starts() -> None:
    code, text = on_terminal("--theme", "pink", TERM="xterm-256color", LANG="C.UTF-8")
    assert code == 2
    assert "ui.theme was 'pink'; expected one of colourblind, day, mono, night" in text


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "There is no key file"),
        (lambda path: (path.write_text("x"), path.chmod(0o644)), "can be read by others (mode 0644)"),
        (lambda path: (path.write_text("x"), path.chmod(0o600)), "holds no private key"),
        (lambda path: path.symlink_to("/etc/passwd"), "is a link"),
    ],
)
def test_a_key_file_that_cannot_be_used_exits_with_authentication(
    tmp_path: Path, make: object, words: str
) -> None:
    path = tmp_path / "demo.pem"
    make(path)  # type: ignore[operator]
    done = call(
        "--no-ui", "--venue", "demo", "--markets", "KXA-1", "--key-id", "0b2a", "--key-file", str(path),
        TMPDIR=str(tmp_path),  # the lock of demo is one for the whole user: tests run side by side
    )  # fmt: skip
    assert done.returncode == 3
    assert words in done.stderr and str(path) in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "0b2a" not in done.stderr


def test_a_home_that_cannot_be_written_is_a_plain_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = call("--no-ui", "--for", "1s", HOME=str(blocked / "home"))
    assert done.returncode == 1
    assert "cannot be used (not a directory)" in done.stderr
    assert "XDG_STATE_HOME" in done.stderr


def test_config_init_makes_the_file_once(sealed_home: Path) -> None:
    path = sealed_home / ".config/kalshi-tui/config.toml"
    assert call("config", "path").stdout == f"{path}\n"
    assert call("config", "init").returncode == 2
    done = call("config", "init", "--bankroll", "2500.50")
    assert (done.returncode, done.stdout) == (0, f"{path}\n")
    assert os.stat(path).st_mode & 0o777 == 0o600
    shown = call("config", "show").stdout.splitlines()
    assert (
        f"risk.bankroll = 2500.5  # {path}:{1 + path.read_text().splitlines().index('bankroll = 2500.5')}"
        in shown
    )
    assert 'ui.theme = "night"  # default' in shown
    again = call("config", "init", "--bankroll", "1")
    assert again.returncode == 1 and "stays as it is" in again.stderr
    bad = call("config", "init", "--bankroll", "lots", HOME=str(sealed_home / "other"))
    assert bad.returncode == 2 and "the bankroll was 'lots'; expected an amount in dollars" in bad.stderr


def test_keys_and_themes_are_lists_of_what_there_is() -> None:
    keys = lines(call("keys", "--json").stdout)
    assert {"action": "kill", "keys": ["!"]}.items() <= {k["action"]: k for k in keys}["kill"].items()
    themes = call("themes").stdout.split("\n")
    assert any(line.startswith("night") for line in themes)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    done = call("completion", shell)
    assert done.returncode == 0 and "_KALSHI_TUI_COMPLETE" in done.stdout
