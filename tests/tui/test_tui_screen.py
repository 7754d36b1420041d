"""What stands on the screen: the drawing's numbers, true words for every bad state, nothing a stranger wrote acts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import WALL, FakeLink, StillClock, view
from msgspec.structs import replace
from textual.app import App

from conftest import StageMaker
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import SECOND
from kalshi_tui.protocol.views import DeskView, Gauge, LogLine, StatusView
from kalshi_tui.tui.actions import resolve_keymap
from kalshi_tui.tui.desk_app import DeskApp
from kalshi_tui.tui.state import ScreenState
from kalshi_tui.tui.theme import load_themes, pick_theme

SnapCompare = Callable[..., bool]
SIZES = [(80, 24), (120, 36), (200, 60)]


def with_status(**changes: Any) -> DeskView:
    base = view()
    status: StatusView = replace(base.status, **changes)
    return replace(base, status=status)


def still_app(theme: str, first: DeskView) -> App[Any]:
    link = FakeLink(first)
    themes = load_themes()
    state = ScreenState(link.hello, StillClock(), resolve_keymap())
    return DeskApp(link, state, themes, pick_theme(themes, theme))


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x36", "200x60"])
def test_the_screen_looks_as_drawn(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(still_app("night", view()), terminal_size=size, run_before=_painted)


@pytest.mark.parametrize("theme", ["mono", "day"])
def test_the_screen_in_other_dress(snap_compare: SnapCompare, theme: str) -> None:
    assert snap_compare(still_app(theme, view()), terminal_size=(80, 24), run_before=_painted)


async def _painted(pilot: Any) -> None:
    await pilot.pause(0.2)
    pilot.app.desk.paint_all()
    await pilot.pause(0.1)


async def test_every_line_is_as_wide_as_the_terminal(stage: StageMaker) -> None:
    for size in (*SIZES, (100, 30), (121, 37), (140, 60)):
        async with stage(size=size) as on:
            lines = on.text().split("\n")
            assert len(lines) == size[1]
            assert {len(line) for line in lines} == {size[0]}


async def test_the_drawings_numbers(stage: StageMaker) -> None:
    async with stage(size=(200, 60)) as on:
        text = on.text()
        row = next(line for line in text.split("\n") if " 41  " in line and "avg" in line)
        assert "+3.1" in row and "−0.25" in row and "10·" in row and "388" in row
        for words in ("44.56", "settles YES +7.03   NO −4.97   out now +0.10", "−11.14", "day +12.40"):
            assert words in text


@pytest.mark.parametrize("size", SIZES[:2])
async def test_a_silent_desk_freezes_the_screen_in_words(stage: StageMaker, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        assert "FROZEN" not in on.text()
        on.clock.now += 3
        await on.settle()
        text = on.text()
        assert "FROZEN · desk silent 3 s" in text
        assert "STALE 3 s: the desk is silent" in text
        on.link.put(view(version=2))
        await on.settle()
        assert "FROZEN" not in on.text() and "STALE" not in on.text()


async def test_a_stale_book_says_so_and_how_old(stage: StageMaker) -> None:
    base = view()
    assert base.ladder is not None
    stale = replace(base.ladder, stale=True, book="feed dead", change_age_ms=3_240)
    async with stage(first=replace(base, ladder=stale)) as on:
        assert "STALE 3.2 s: feed dead" in on.text()
        inks = {ink for line in on.app.desk.panes["ladder"]._lines[1:8] for _, ink in line if ink}
        assert inks <= {"stale", "border", "key", "cursor", "stale/cursor", "key/cursor"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"armed": True}, "HAND ARMED"),
        ({"feed": "dead", "feed_age_ms": 12_000}, "FEED DEAD 12.0 s"),
        ({"feed": "lagging", "lag_ms": 900}, "FEED LAGGING 900 ms"),
        ({"feed": "connecting"}, "feed connecting"),
        (
            {"latch": "KILLED", "latch_why": "key", "unconfirmed": 3, "engines_quoting": 0},
            "KILLED · 3 NOT CONFIRMED",
        ),
        ({"latch": "HOLD"}, " HOLD "),
        ({"mode": "PROD·PAPER", "venue": "prod", "execution": "paper"}, "PROD·PAPER"),
        ({"day_pnl": None}, "day –"),
        ({"day_pnl": -12_400_000}, "day −12.40"),
        ({"lag_ms": None}, "feed –"),
        ({"controller": 9}, "WATCHING"),
        ({"restrictions": ("exchange paused until 02:00",)}, "exchange paused until 02:00"),
    ],
)
@pytest.mark.parametrize("size", SIZES[:2])
async def test_the_status_bar_says_it(
    stage: StageMaker, size: tuple[int, int], changes: dict[str, Any], words: str
) -> None:
    async with stage(size=size, first=with_status(**changes)) as on:
        text = on.text()
        assert words in text
        if "armed" not in changes:
            assert "HAND safe" in text


@pytest.mark.parametrize(
    "changes",
    [
        {"latch": "KILLED", "engines_quoting": 0},
        {"latch": "KILLED", "engines_quoting": 0, "unconfirmed": 17},
        {"controller": 9},
        {"controller": 9, "latch": "KILLED", "engines_quoting": 0, "gaps": 3},
        {"controller": 9, "armed": True, "latch": "FLATTENING"},
    ],
    ids=("killed", "unconfirmed", "watching", "both", "flattening"),
)
@pytest.mark.parametrize("event", ["CPI", "CPI Nov closes"])
async def test_the_countdown_outlives_everything_that_can_be_shorter(
    stage: StageMaker, changes: dict[str, Any], event: str
) -> None:
    first = with_status(next_event=event, **changes)
    async with stage(size=(80, 24), first=first) as on:
        bar = on.text().split("\n")[0]
        assert "CPI" in bar and "17:48" in bar and "day +12.40" in bar
        assert "latch" not in changes or str(changes["latch"]) in bar
        assert "controller" not in changes or "WATCHING" in bar


async def test_what_closes_this_second_is_closing(stage: StageMaker) -> None:
    drawn = view()
    soon = replace(drawn.markets[1], close=WALL + SECOND // 2)
    over = replace(drawn.markets[4], close=WALL - SECOND)
    rows = (drawn.markets[0], soon, over)
    first = with_status(next_event="CPI Nov closes", next_event_at=WALL + SECOND // 2)
    async with stage(size=(120, 36), first=replace(first, markets=rows[1:])) as on:
        text = on.text()
        assert "CPI closing  08:12:12 ET" in text.split("\n")[0]
        assert "CPI Nov — closing" in text and "Fed Dec — closed" in text
        assert "in now" not in text


@pytest.mark.parametrize("wide", [0, 120_000])
async def test_at_eighty_columns_the_name_gives_way_and_the_state_stays(stage: StageMaker, wide: int) -> None:
    """Also where positions are wide, and after a resize from a larger terminal."""
    drawn = view()
    states = ("quoting", "no quote", "risk", "no arb")
    rows = tuple(
        replace(row, engine="m3s", state=state, position=wide or row.position)
        for row, state in zip(drawn.markets[:4], states, strict=True)
    )
    async with stage(size=(120, 36), first=replace(drawn, markets=rows)) as on:
        assert on.pilot is not None
        await on.pilot.resize_terminal(80, 24)
        await on.settle()
        text = on.text()
        for state, name in zip(states, (">0.2%", ">0.3%", ">0.4%", "=0.3%"), strict=True):
            [line] = [line for line in text.split("\n") if name in line and state in line]
            assert "M3S" in line


@pytest.mark.parametrize("size", SIZES)
async def test_a_long_event_gives_way_to_the_numbers(stage: StageMaker, size: tuple[int, int]) -> None:
    async with stage(size=size, first=with_status(next_event="CPI Nov prints for the last time")) as on:
        bar = on.text().split("\n")[0]
        assert "HAND safe" in bar and "day +12.40" in bar and "08:12:12" in bar
        assert size[0] < 200 or "CPI Nov prints for the last time in 17:48" in bar


async def test_a_gauge_says_its_level_without_colour(stage: StageMaker) -> None:
    gauges = (
        Gauge("market", 0, 4, 40, "0…4/40", "plain"),
        Gauge("event", 180, 190, 200, "180/200", "warn"),
        Gauge("R1", 120, 120, 120, "stopped", "halt"),
    )
    async with stage(first=replace(view(), gauges=gauges)) as on:
        text = on.text()
        assert "! 180/200" in text and "!! stopped" in text
        assert "market  ▒▒" in text and "! 0…4/40" not in text


async def test_nothing_is_shown_as_zero_when_it_is_unknown(stage: StageMaker) -> None:
    base = view()
    assert base.ladder is not None
    bare = replace(base.ladder, fair=None, settles_yes=None, settles_no=None, out_now=None, last=None)
    async with stage(first=replace(base, ladder=bare)) as on:
        assert "settles YES –   NO –   out now –" in on.text()
        assert "fair" in on.text() and "44.56 ─" not in on.text()


async def test_alarms_stay_on_top_until_acknowledged(stage: StageMaker) -> None:
    newer = tuple(LogLine(WALL + n * SECOND, "fill", f"fill number {n}") for n in range(40, 0, -1))
    base = view()
    async with stage(size=(80, 24), first=replace(base, log=newer + base.log)) as on:
        assert "WARN Gold 15m ≥ 4,418.00: book lost a frame" in on.text()
        assert "fill number 40" in on.text()
        seen = tuple(replace(line, seen=True) for line in base.log)
        await on.show(replace(base, log=newer + seen))
        assert "WARN" not in on.text()


async def test_too_small_is_a_sentence_and_live_again_when_enlarged(stage: StageMaker) -> None:
    async with stage(size=(70, 20)) as on:
        assert "The terminal is 70 × 20; the screen needs 80 × 24" in " ".join(on.text().split())
        assert on.pilot is not None
        await on.pilot.resize_terminal(100, 30)
        await on.settle()
        assert "44.56" in on.text() and "Enlarge" not in on.text()
        await on.pilot.resize_terminal(60, 10)
        await on.settle()
        await on.press("b")
        assert on.link.asked() == []


HOSTILE = ["[/]", "[bold", "[@click=app.quit]x[/]", "[link=https://evil]", "\\[b]", "日本語の市場", "x" * 300]


@pytest.mark.parametrize("title", HOSTILE)
async def test_titles_are_text_whatever_they_hold(stage: StageMaker, title: str) -> None:
    base = view()
    assert base.ladder is not None
    clean = safe_text(title)
    rows = tuple(replace(row, label=clean, event_title=clean) for row in base.markets)
    hostile = replace(
        base, markets=rows, ladder=replace(base.ladder, title=clean, label=clean, why=clean, queue=clean),
        log=(LogLine(WALL, "warn", clean, alert=1, seen=False),), settlement_title=clean,
        status=replace(base.status, next_event=clean, latch_why=clean, latch="HOLD"),
    )  # fmt: skip
    for size in SIZES[:2]:
        async with stage(size=size, first=hostile) as on:
            assert clean[:8] in on.text()
            await on.press("slash", "escape", "e", "escape")
            assert on.link.asked() == []
            assert on.ended() == ""


async def test_prices_stand_still_while_the_market_moves(stage: StageMaker) -> None:
    async with stage() as on:
        base = view()
        assert base.ladder is not None
        window = on.state.window
        assert window is not None
        low = window.low
        await on.show(replace(base, version=2, ladder=replace(base.ladder, best_bid=4500, best_ask=4600)))
        assert on.state.window is window and window.low == low
        await on.show(replace(base, version=3, ladder=replace(base.ladder, best_bid=6000, best_ask=6100)))
        assert window.low > low
        assert not on.state.cursor_visible


async def test_only_changed_rows_are_refreshed(stage: StageMaker) -> None:
    async with stage() as on:
        base = view()
        assert base.ladder is not None
        pane = on.app.desk.panes["ladder"]
        before = list(pane._lines)
        rows = tuple(
            replace(row, bid=row.bid + 700) if row.price == 4000 else row for row in base.ladder.rows
        )
        await on.show(replace(base, version=2, ladder=replace(base.ladder, rows=rows)))
        changed = [y for y, (old, new) in enumerate(zip(before, pane._lines, strict=True)) if old != new]
        assert len(changed) == 1


async def test_a_failure_in_a_timer_closes_the_screen(tmp_path: Path) -> None:
    crash = tmp_path / "crash.txt"
    link = FakeLink(view())
    themes = load_themes()
    app = DeskApp(
        link, ScreenState(link.hello, StillClock(), resolve_keymap()), themes, themes["night"], crash
    )

    def boom(width: int, height: int) -> list[Any]:
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.pause(0.1)
            app.desk.panes["ladder"].lines = boom  # type: ignore[method-assign]
            await pilot.pause(0.4)
    assert app.failure is not None and app.failure.exit == "error"
    assert "RuntimeError" in app.failure.message and str(crash) in app.failure.message
    assert crash.stat().st_mode & 0o777 == 0o600 and "boom" in crash.read_text()
    assert app.return_code == 1
