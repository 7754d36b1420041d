"""``doctor``: every check by its name, with and without a network, and the exit code that follows."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
from cli_bench import call, lines, on_terminal, start

from kalshi_tui.cli.doctor import _venues
from kalshi_tui.cli.doctor_network import Reach, reach
from kalshi_tui.desk.loop import instant
from kalshi_tui.locations import EMBEDDED, DeskFolder
from kalshi_tui.venue.hosts import Endpoints, endpoints
from kalshi_tui.venue.transport import Transport


def checks(*args: str, code: int = 0, **env: str) -> dict[str, dict[str, object]]:
    """The findings by name; several of one name leave the last."""
    done = call("doctor", "--json", *args, **env)
    assert done.returncode == code, done.stdout
    return {str(row["name"]): row for row in lines(done.stdout)}


def test_a_machine_that_is_well() -> None:
    found = checks("--no-network")
    assert set(found) == {
        "program", "terminal", "configuration", "state folder", "tapes folder", "open files", "desks", "network",
    }  # fmt: skip
    assert all(row["ok"] for row in found.values())
    assert "writable" in str(found["state folder"]["text"])


def test_without_a_network_it_says_so_and_only_a_configured_venue_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nowhere(*args: object, **kwargs: object) -> list[object]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    demo, prod = _venues(["demo"])
    assert "the exchange can not be reached (Name or service not known)" in demo.text
    assert (demo.ok, prod.ok, prod.note) == (False, True, True)
    assert "practice needs no network" in prod.text and "practice" not in demo.text


def test_a_key_that_can_not_be_used_is_wrong_and_not_shown(sealed_home: Path) -> None:
    key = sealed_home / "demo.pem"
    key.write_text("x")
    key.chmod(0o644)
    account = {"KALSHI_TUI__VENUE__DEMO__KEY_FILE": str(key), "KALSHI_TUI__VENUE__DEMO__KEY_ID": "0b2a"}
    done = call("doctor", "--no-network", **account)
    assert done.returncode == 1
    assert "FAIL  demo key" in done.stdout and "(mode 0644)" in done.stdout and "0b2a" not in done.stdout


def test_a_venue_that_is_there_is_measured() -> None:
    exchange = start("exchange")
    try:
        assert exchange.stdout is not None
        [ready] = lines(exchange.stdout.readline())
        found = asyncio.run(reach(endpoints("practice", ready["rest"], ready["ws"])))
    finally:
        exchange.terminate()
        exchange.communicate(timeout=20)
    assert found.ok and found.rest_ms < 4_000
    assert found.skew_ms == 0
    assert "feed reachable, clocks agree within 1 s" in found.sentence()


@pytest.mark.parametrize(
    ("seconds", "words"), [(60, " s behind: signatures will be refused"), (-60, " s ahead: signatures will")]
)
def test_a_clock_that_is_off_is_wrong(seconds: int, words: str) -> None:
    """The exchange's own Date header tells; it has whole seconds, hence about half a second either way."""
    there = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
    body = {"exchange_active": True, "trading_active": False}

    def answer(request: httpx.Request) -> httpx.Response:
        assert "kalshi-access-key" not in request.headers
        return httpx.Response(200, json=body, headers={"date": format_datetime(there, usegmt=True)})

    with socket.create_server(("127.0.0.1", 0)) as feed:
        where = Endpoints(
            "practice", "http://127.0.0.1:1/trade-api/v2", f"ws://127.0.0.1:{feed.getsockname()[1]}/"
        )
        found = asyncio.run(reach(where, Transport(where, None, instant, inner=httpx.MockTransport(answer))))
    assert not found.ok
    assert found.skew_ms is not None and abs(found.skew_ms - seconds * 1000) <= 1_000
    assert words in found.sentence() and "timedatectl" in found.sentence()
    assert "(trading is paused)" in found.sentence()


def test_a_feed_that_is_away_is_wrong() -> None:
    body = {"exchange_active": True, "trading_active": True}
    inner = httpx.MockTransport(lambda request: httpx.Response(200, json=body))
    where = Endpoints("practice", "http://127.0.0.1:1/trade-api/v2", "ws://127.0.0.1:1/trade-api/ws/v2")
    found = asyncio.run(reach(where, Transport(where, None, instant, inner=inner)))
    assert not found.ok
    assert "feed can not be reached" in found.sentence() and "its clock was not told" in found.sentence()
    assert Reach("gave no answer", "", 0, None, "").sentence() == "REST gave no answer"


def test_every_mistake_of_the_configuration_is_a_finding(sealed_home: Path) -> None:
    file = sealed_home / ".config/kalshi-tui/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[ui]\ntheme = "nigth"\nlayout = "dsk"\n')
    done = call("doctor", "--no-network")
    assert done.returncode == 1
    assert done.stdout.count("FAIL  configuration") == 2
    assert "2 of 9 checks failed" in done.stderr


def test_stops_that_wait_for_a_desk_are_shown() -> None:
    folder = DeskFolder.of("practice", EMBEDDED).make()
    folder.kill_file.touch()
    assert call("kill", "--venue", "demo").returncode == 0
    found = checks("--no-network")
    assert "the next demo desk starts with kill on everything" in str(found["latch"]["text"])
    assert str(folder.kill_file) in str(found["kill file"]["text"])


def test_a_state_folder_that_can_not_be_used_is_wrong(sealed_home: Path) -> None:
    blocked = sealed_home / "file"
    blocked.write_text("")
    found = checks("--no-network", code=1, XDG_STATE_HOME=str(blocked))
    assert not found["state folder"]["ok"] and found["tapes folder"]["ok"]


def test_too_few_open_files_are_wrong() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        found = checks("--no-network", code=1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "at most 200: raise it" in str(found["open files"]["text"])


def test_on_a_terminal_its_size_colours_and_tmux_are_told() -> None:
    code, text = on_terminal(
        "doctor",
        "--no-network",
        TERM="xterm-256color",
        LANG="C.UTF-8",
        TMUX="/tmp/x,1,0",
        COLORTERM="truecolor",
    )
    assert code == 0
    assert "ok    terminal" in text and "UTF-8, true colour" in text
    assert "note  tmux" in text and "escape-time" in text
    code, text = on_terminal("doctor", "--no-network", TERM="dumb", LANG="C.UTF-8", TMUX="")
    assert code == 1 and "FAIL  terminal" in text and os.linesep in text
