"""``kalshi-tui flatten`` ends well only when the positions are gone, and says what is left where, and why."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kalshi_tui.cli import flattening
from kalshi_tui.cli.common import Fault
from kalshi_tui.desk.boot import RunningDesk
from kalshi_tui.desk.lock import Holder
from kalshi_tui.locations import EMBEDDED, DeskFolder
from kalshi_tui.protocol.commands import Ack, Scope
from kalshi_tui.protocol.views import MarketRow

ASKED = "flattening 1 position in everything; quoting is off there"


def row(position: int, ticker: str = "T-1", **changes: Any) -> MarketRow:
    fields: dict[str, Any] = {
        "event_ticker": "E", "event_title": "CPI", "label": "above 0.3%", "engine": "m0", "state": "pulled",
        "quoting": False, "bid": 4400, "ask": 4600, "day_pnl": None, "close": None, "book": "live", "why": "",
    }  # fmt: skip
    return MarketRow(ticker=ticker, position=position, **(fields | changes))


class Desk:
    """Answers a flatten, then shows one picture after the other; the last one stays."""

    def __init__(self, *pictures: tuple[list[MarketRow], int], ok: bool = True) -> None:
        self.pictures, self.ok, self.looked = list(pictures), ok, 0

    async def request(self, command: Any) -> Ack:
        assert command.kind == "flatten"
        return Ack(1, self.ok, ASKED)

    async def status(self) -> Any:
        self.looked += 1
        rows, unconfirmed = self.pictures[0] if len(self.pictures) == 1 else self.pictures.pop(0)
        return SimpleNamespace(wall=100, markets=tuple(rows), status=SimpleNamespace(unconfirmed=unconfirmed))


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setattr(flattening, "WAIT_S", 1.0)

    def flatten(desk: Desk, scope: Scope | None = None, as_json: bool = False) -> int:
        monkeypatch.setattr(flattening, "with_client", lambda _, work: asyncio.run(work(desk)))
        there = Holder(os.getpid(), "practice", "venue", str(tmp_path))
        running = RunningDesk(DeskFolder.of("practice", EMBEDDED), there)
        return flattening.flatten_desk(running, scope or Scope(), as_json)

    return flatten


def test_it_waits_for_the_positions_and_says_both_facts(ask: Any, capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(
        ([row(300, flatten="flattening 3 of 3")], 1), ([row(0, flatten="flat; 1 order")], 0), ([row(0)], 0)
    )
    assert ask(desk) == 0
    assert desk.looked == 3
    assert capsys.readouterr().err == f"practice: {ASKED}; orders confirmed gone; no position is left.\n"


def test_what_is_left_is_named_with_its_reason(ask: Any, capsys: pytest.CaptureFixture[str]) -> None:
    left = row(300, residue="3 of 3 left: not done after 20 attempts")
    with pytest.raises(Fault) as told:
        ask(Desk(([left, row(0, "T-2")], 0)))
    assert told.value.message == "CPI above 0.3% (T-1) holds +3: 3 of 3 left: not done after 20 attempts."
    assert told.value.code == 1
    assert capsys.readouterr().err == f"practice: {ASKED}; orders confirmed gone.\n"


def test_a_reason_of_many_is_said_once(ask: Any) -> None:
    rows = [row(300, residue="why"), row(-100, "T-2", residue="why")]
    with pytest.raises(Fault, match=r"\(T-1\) holds \+3, CPI above 0.3% \(T-2\) holds −1: why\.$"):
        ask(Desk((rows, 0)))


def test_a_flatten_that_goes_on_is_not_called_done(ask: Any) -> None:
    with pytest.raises(Fault, match=r"\+3: 3 of 3 left: no bid here; resting 3 at 45 \(the desk goes on\)"):
        ask(Desk(([row(300, flatten="3 of 3 left: no bid here; resting 3 at 45")], 0)))


def test_a_position_that_came_after_it_is_left_too(ask: Any) -> None:
    with pytest.raises(Fault, match="holds −1: it came after the flatten, which is over"):
        ask(Desk(([row(-100)], 0)))


def test_orders_that_are_not_confirmed_gone_are_no_success(
    ask: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Fault, match=r"^2 orders not confirmed gone; the desk goes on asking"):
        ask(Desk(([row(0)], 2)))
    assert "confirmed gone" not in capsys.readouterr().err


def test_a_kill_in_the_way_has_its_own_code(ask: Any) -> None:
    with pytest.raises(Fault) as told:
        ask(Desk(([row(300, state="killed", residue="3 of 3 left: killed")], 0)))
    assert told.value.code == 5


def test_what_waits_for_its_settlement_is_said_and_no_failure(
    ask: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = [row(300, state="closed"), row(-200, "T-2", close=100)]
    assert ask(Desk((closed, 0))) == 0
    assert "no other position is left; +3 in CPI above 0.3% (T-1) waits for its" in capsys.readouterr().err


def test_other_markets_do_not_count(ask: Any) -> None:
    rows = [row(0), row(300, "T-2", flatten="busy", event_ticker="F")]
    assert ask(Desk((rows, 0)), Scope(ticker="T-1")) == 0
    assert ask(Desk((rows, 0)), Scope(event="E")) == 0
    with pytest.raises(Fault):
        ask(Desk((rows, 0)), Scope(event="F"))


def test_json_says_what_is_left(ask: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Fault):
        ask(Desk(([row(300, residue="why"), row(100, "T-2", state="closed")], 0)), as_json=True)
    line = json.loads(capsys.readouterr().out)
    assert line["left"] == [{"ticker": "T-1", "position": "3.00", "flattening": False, "why": "why"}]
    assert [one["ticker"] for one in line["waiting_for_settlement"]] == ["T-2"]
    assert (line["ok"], line["unconfirmed"]) == (True, 0)


def test_a_refusal_is_one(ask: Any) -> None:
    with pytest.raises(Fault, match="flatten was refused"):
        ask(Desk(ok=False))
