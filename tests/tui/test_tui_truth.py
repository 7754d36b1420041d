"""What a trader must not be misled by: a silent feed, an alert that is over, a cursor nobody saw, two of one name."""

from __future__ import annotations

import pytest
from fakes import WALL, view
from msgspec.structs import replace

from conftest import Stage, StageMaker
from kalshi_tui.protocol.commands import PlaceOrder, Stop
from kalshi_tui.protocol.units import SECOND
from kalshi_tui.protocol.views import DeskView, LogLine
from kalshi_tui.tui.panes.markets import _entries, _Event, _page, _to_head

SIZES = [(80, 24), (120, 36)]
OTHER = "CPI-25NOV-ABOVE-0.4%"


def silent(milliseconds: int, feed: str = "live") -> DeskView:
    first = view()
    return replace(first, status=replace(first.status, feed=feed, feed_age_ms=milliseconds, lag_ms=2))


def bar(on: Stage) -> str:
    return on.text().split("\n")[0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("feed", ["live", "lagging"])
async def test_a_silent_feed_shows_its_silence_growing(
    stage: StageMaker, size: tuple[int, int], feed: str
) -> None:
    """Without waiting for the bar's own turn: every view moves it."""
    async with stage(size=size, first=silent(900, feed)) as on:
        assert "SILENT" not in bar(on)
        for milliseconds, words in (
            (1_000, "feed quiet 1.0 s"),
            (2_900, "feed quiet 2.9 s"),
            (3_900, "FEED SILENT 3.9 s"),
        ):
            on.link.put(silent(milliseconds, feed))
            await on.settle(0.25)
            assert words in bar(on) and "2 ms" not in bar(on)
        ink = {ink for line in on.app.desk.panes["status"]._lines for text, ink in line if "SILENT" in text}
        assert ink == {"warn"}
        on.link.put(silent(40))
        await on.settle(0.7)
        assert "SILENT" not in bar(on)


async def test_a_dead_feed_is_as_old_in_the_ladder_as_in_the_bar(stage: StageMaker) -> None:
    first = silent(5_800, "dead")
    assert first.ladder is not None
    dead = replace(first.ladder, stale=True, book="the feed is dead", change_age_ms=6_400)
    async with stage(first=replace(first, ladder=dead)) as on:
        assert "FEED DEAD 5.8 s" in bar(on) and "STALE 5.8 s: the feed is dead" in on.text()


@pytest.mark.parametrize("keys", [["enter"], ["x", "backspace", "enter"], ["space", "enter"]])
async def test_nothing_is_chosen_in_the_palette_before_it_is_named(
    stage: StageMaker, keys: list[str]
) -> None:
    async with stage() as on:
        await on.press("ctrl+p", *keys)
        assert on.link.asked() == [] and on.app.desk.sheet is not None
        assert "▸ flatten" not in on.text()
        await on.press("down", "enter")
        assert [type(command) for command in on.link.asked()] == [Stop]


async def test_up_begins_at_the_end_of_the_palette(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("ctrl+p", "up", "enter")
        assert on.app.desk.sheet is not None, "the last action asks before it leaves"
        assert "Leave the screen?" in on.text()


@pytest.mark.parametrize("size", SIZES)
async def test_an_alert_that_is_over_says_so_and_gives_way(stage: StageMaker, size: tuple[int, int]) -> None:
    ended = LogLine(
        WALL - 9 * SECOND, "halt", "killed (key): nothing is sent any more", alert=7, seen=False, over=WALL
    )
    first = view()
    async with stage(size=size, first=replace(first, log=(ended, *first.log))) as on:
        lines = on.app.desk.panes["log"]._lines
        first_line = "".join(text for text, _ in lines[0])
        assert "WARN" in first_line and "enter" in first_line, "what lasts comes first"
        seen = tuple(replace(line, seen=True) for line in first.log)
        await on.show(replace(first, log=(ended, *seen)))
        text = on.text()
        assert "over 08:12:12 · killed (key)" in text
        inks = {ink for line in on.app.desk.panes["log"]._lines for part, ink in line if "killed" in part}
        assert inks == {"dim"}


@pytest.mark.parametrize("keys", [["1", "j"], ["n"], ["slash", *"0.4", "enter"]])
async def test_no_order_goes_to_a_cursor_nobody_saw(stage: StageMaker, keys: list[str]) -> None:
    first = view()
    assert first.ladder is not None
    there = replace(first, ladder=replace(first.ladder, ticker=OTHER, label="above 0.4%", orders=()))
    async with stage() as on:
        await on.press(*keys)
        assert on.state.selected == OTHER
        await on.show(there)
        for key in "bsBS":
            await on.press(key)
            assert on.said() == "not sent: look first and press again, now it is CPI Nov above 0.4%"
        on.clock.now += 1.1
        await on.show(replace(there, version=2))
        await on.press("b")
        assert [c.ticker for c in on.link.asked() if isinstance(c, PlaceOrder)] == [OTHER]


async def test_no_order_goes_to_a_ladder_that_was_not_drawn(stage: StageMaker) -> None:
    async with stage() as on:
        on.clock.now += 5
        on.link.put(view(version=2))
        await on.settle()
        on.state.drawn = ""
        on.app.control.do("buy")
        assert on.link.asked() == [] and "look first" in on.said()


@pytest.mark.parametrize("size", SIZES)
async def test_the_ladders_title_says_where_orders_go(stage: StageMaker, size: tuple[int, int]) -> None:
    first = view()
    armed = replace(first, status=replace(first.status, armed=True))
    async with stage(size=size, first=armed) as on:
        assert "orders →" not in on.text()
        await on.press("1")
        assert "orders → CPI Nov above 0.3% · YES · +12" in on.text()
        await on.show(view(version=2))
        assert "orders →" not in on.text(), "a safe hand sends none"


@pytest.mark.parametrize(("change", "names"), [
    ({"state": "reduce only"}, (" CPI Nov  ", "▸>0.3%")),
    ({"position": 3_750}, ("▸CPI >0.3%", " Fed Dec  ")),
])  # fmt: skip
async def test_a_market_is_never_without_its_event(
    stage: StageMaker, change: dict[str, str | int], names: tuple[str, str]
) -> None:
    first = view()
    rows = tuple(replace(row, **change) for row in first.markets)
    async with stage(size=(80, 24), first=replace(first, markets=rows)) as on:
        text = on.text()
        assert all(name in text for name in names), text


def test_two_events_of_one_first_word_have_their_names_above() -> None:
    row = view().markets[0]
    twin = replace(row, ticker="T", event_ticker="CPI-25DEC", event_title="CPI Dec")
    assert _to_head((row, twin), 9) == {"CPI-25NOV", "CPI-25DEC"}
    assert _to_head((row, twin), 13) == set()


@pytest.mark.parametrize("selected", range(8))
def test_a_page_begins_with_the_name_and_keeps_the_selected_row(selected: int) -> None:
    row = view().markets[0]
    rows = tuple(replace(row, ticker=f"T{n}") for n in range(8))
    headed = {row.event_ticker}
    entries = _entries(rows, headed)
    for first in range(len(entries) - 4):
        part = entries[first : first + 5]
        page = _page(part, headed, f"T{selected}")
        assert isinstance(page[0], _Event) and len(page) == 5
        if rows[selected] in part[:4]:
            assert rows[selected] in page


async def test_a_long_answer_takes_two_lines_where_there_is_room(stage: StageMaker) -> None:
    first = view()
    async with stage(size=(80, 24), first=replace(first, log=())) as on:
        on.state.say("refused " * 9 + "and `clear` in the palette opens the gate", "refused")
        on.app.desk.paint_all()
        await on.settle()
        assert "opens the gate" in on.text()


async def test_a_stop_says_what_to_do_before_why(stage: StageMaker) -> None:
    first = view()
    status = replace(first.status, latch="KILLED", latch_why="by hand, on the screen " * 4, engines_quoting=0)
    async with stage(size=(80, 24), first=replace(first, status=status)) as on:
        assert "KILLED: `clear` in the palette opens the gate; by hand" in on.text()
