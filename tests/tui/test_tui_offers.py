"""What the screen advertises, names and remembers: only keys that act, no name that loses its market."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes import FakeLink, StillClock, view
from msgspec.structs import replace

from conftest import StageMaker
from kalshi_tui.protocol.orders import Owner
from kalshi_tui.protocol.quotes import QuoteSides
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.views import DeskView, SettleRow
from kalshi_tui.tui import desk_app
from kalshi_tui.tui.actions import resolve_keymap
from kalshi_tui.tui.hints import footer, hints
from kalshi_tui.tui.ink import plain
from kalshi_tui.tui.memory import Choices, Memory
from kalshi_tui.tui.panes.ladder_words import footing_height
from kalshi_tui.tui.panes.markets import _name
from kalshi_tui.tui.state import ScreenState
from kalshi_tui.tui.window import GROUPINGS, Window


def state(**status: Any) -> ScreenState:
    made = ScreenState(FakeLink().hello, StillClock(), resolve_keymap())
    base = view()
    made.receive(replace(base, status=replace(base.status, **status)))
    return made


def offered(where: str, made: ScreenState) -> set[str]:
    return {key for key, _ in hints(where, made)}


def footer_text(made: ScreenState, width: int = 120) -> str:
    return plain(tuple(footer(made, width)))


def test_a_safe_hand_is_shown_only_what_it_may_do() -> None:
    safe, armed = state(armed=False), state(armed=True)
    assert offered("ladder", armed) >= {"b", "s", "B", "S"}
    assert not offered("ladder", safe) & {"b", "s", "B", "S"}
    assert "a arm" in footer_text(safe) and "a safe" in footer_text(armed)
    # Its market quotes: switching off works from a safe hand.
    assert "q quoting off" in footer_text(safe)


def test_who_only_watches_is_not_told_to_arm() -> None:
    assert "a arm" not in footer_text(state(controller=9))


def test_a_killed_desk_offers_no_order_and_no_quoting() -> None:
    killed = state(armed=True, latch="KILLED")
    assert not offered("ladder", killed) & {"b", "s", "B", "S"}
    assert "! kill" in footer_text(killed)


def test_cancel_is_offered_where_something_rests() -> None:
    made = state()
    assert made.view is not None and made.view.ladder is not None
    assert "x" in offered("ladder", made) and "X" not in offered("ladder", made)
    mine = tuple(replace(order, owner=Owner.MINE) for order in made.view.ladder.orders)
    made.receive(replace(made.view, ladder=replace(made.view.ladder, orders=mine)))
    assert "X" in offered("ladder", made)
    assert made.view is not None and made.view.ladder is not None
    made.receive(replace(made.view, ladder=replace(made.view.ladder, orders=())))
    assert not offered("ladder", made) & {"x", "X"}


@pytest.mark.parametrize("armed", [True, False])
def test_the_smallest_footer_keeps_every_stop_and_help(armed: bool) -> None:
    text = footer_text(state(armed=armed), 80)
    for words in ("f flatten", "FF all", "! kill", "? help"):
        assert words in text


def with_ladder(**changes: Any) -> DeskView:
    base = view()
    assert base.ladder is not None
    return replace(base, ladder=replace(base.ladder, **changes))


LONG: dict[str, Any] = {
    "title": "A long event about the price of everything",
    "label": "exactly 0.2%",
    "lean_levels": -2,
    "widen": 0.5,
    "sides": QuoteSides.REDUCE,
}


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
async def test_the_title_never_loses_market_or_position(stage: StageMaker, size: tuple[int, int]) -> None:
    async with stage(size=size, first=with_ladder(**LONG)) as on:
        title = next(line for line in on.text().split("\n") if " · YES" in line)
        assert "exactly 0.2% · YES · +12" in title and ("tilted" in title or "lean −2" in title)


async def test_a_mark_is_not_called_fair(stage: StageMaker) -> None:
    async with stage(first=with_ladder(fair_name="mark")) as on:
        assert "mark ─" in on.text() and "fair ─" not in on.text()


async def test_own_size_and_last_trade_are_two_numbers(stage: StageMaker) -> None:
    async with stage(size=(80, 24), first=with_ladder(last=4800, last_count=1600)) as on:
        assert "·10 →" in on.text()


def test_a_name_in_the_list_says_no_word_twice() -> None:
    row = replace(view().markets[0], event_title="CPI Nov exactly", label="exactly 0.2%")
    assert _name(row, 40) == "CPI Nov exactly 0.2%"


async def test_every_outcome_is_shown_before_rule_and_mean(stage: StageMaker) -> None:
    rows = tuple(SettleRow(f"outcome {n}", 0.125, n * 1_000_000, 0) for n in range(6))
    async with stage(first=replace(view(), settlement=rows)) as on:
        text = on.text()
        assert all(f"outcome {n}" in text for n in range(6)) and "worst" in text
        assert "more" not in text.split("if it settles")[1]


async def test_panes_agree_at_once_after_a_fill(stage: StageMaker) -> None:
    async with stage() as on:
        base = view(version=2)
        filled = tuple(replace(row, position=4_200) if row.position == 1_200 else row for row in base.markets)
        on.app.desk._ticks = 1  # no turn of the list for another four
        armed = replace(base.status, armed=True)
        on.link.put(replace(base, status=armed, markets=filled))
        await on.settle(0.03)
        assert "HAND ARMED" in on.text() and "a safe" in on.text()
        assert "+42" in on.text()


def test_choices_are_found_again_and_a_bad_file_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "screen.json"
    memory = Memory(path)
    assert memory.choices == Choices()
    memory.remember(layout="ladder")
    memory.remember(theme="day")
    assert Memory(path).choices == Choices("ladder", "day")
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text('{"layout": 3')
    assert Memory(path).choices == Choices()
    Memory(tmp_path / "missing" / "screen.json").remember(layout="ladder")


async def test_layouts_that_look_the_same_are_skipped(stage: StageMaker) -> None:
    async with stage(size=(80, 24)) as on:
        assert on.state.layout == "desk"
        await on.press("v")
        assert on.state.layout == "overview"


async def test_a_take_that_would_take_nothing_is_not_sent(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("B")
        assert "the ask is 45, nothing to take at 44" in on.said()
        await on.press("k", "S")
        assert "the bid is 44, nothing to take at 45" in on.said()
    async with stage(first=with_ladder(best_ask=None)) as on:
        await on.press("B")
        assert "there is no ask to take" in on.said()
        assert on.link.asked() == []


def test_a_dead_feed_offers_no_arming() -> None:
    assert "a arm" not in footer_text(state(feed="dead"))


async def test_a_settled_market_is_over_not_stale(stage: StageMaker) -> None:
    async with stage(first=with_ladder(status="finalized", stale=True, book="its subscription ended")) as on:
        assert "market finalized: no more trading here" in on.text() and "STALE" not in on.text()


def test_a_market_that_left_the_list_keeps_its_name() -> None:
    made = state()
    assert made.view is not None
    gone = made.view.markets[0]
    made.receive(replace(made.view, markets=made.view.markets[1:]))
    assert made.names[gone.ticker] == "CPI Nov above 0.2%"


def test_grouping_is_offered_only_as_far_as_it_goes() -> None:
    made = state()
    made.window = Window(TickGrid.of(((0, 10_000, 100),)))
    assert {"[", "]"} & offered("ladder", made) == {"]"}
    made.window.group = GROUPINGS[-1]
    assert {"[", "]"} & offered("ladder", made) == {"["}


@pytest.mark.parametrize(("height", "lines"), [(16, 1), (17, 2), (25, 2), (26, 3), (50, 3)])
def test_a_taller_ladder_has_more_room_for_why(height: int, lines: int) -> None:
    assert footing_height(height) - 3 == lines


async def test_a_zoomed_settlement_keeps_its_columns_together(stage: StageMaker) -> None:
    async with stage(size=(200, 60)) as on:
        await on.press("5", "5")
        row = next(line for line in on.text().split("\n") if "≥ 0.5" in line)
        assert row.index("−11.14") < 75


async def test_the_screen_tidies_up_and_lives(stage: StageMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_app, "TIDY_EVERY_S", 0.05)
    async with stage() as on:
        await on.settle(0.3)
        assert on.app.failure is None and on.ended() == ""
