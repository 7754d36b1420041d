"""Every key that talks to the desk sends exactly its command; every key that must not, does not."""

from __future__ import annotations

import pytest
from fakes import CARD, WALL, view
from msgspec.structs import replace
from textual import events

from conftest import StageMaker
from kalshi_tui.protocol.commands import (
    Acknowledge,
    AnyCommand,
    Arm,
    CancelOrders,
    Describe,
    EndDesk,
    Focus,
    Heartbeat,
    PlaceOrder,
    Scope,
    SetEngine,
    SetQuoting,
    Stop,
)
from kalshi_tui.protocol.orders import Owner
from kalshi_tui.protocol.units import Side
from kalshi_tui.protocol.views import Goodbye
from kalshi_tui.tui.sheets.reader import Reader

CPI = "CPI-25NOV-T0.3"


def order(side: Side, price: int, take: bool = False, count: int = 1000) -> PlaceOrder:
    return PlaceOrder(id=0, ticker=CPI, side=side, price=price, count=count, view_wall=WALL, take=take)


SENT: list[tuple[list[str], AnyCommand]] = [
    (["a"], Arm(id=0, on=True)),
    (["q"], SetQuoting(id=0, on=False, ticker=CPI)),
    (["Q"], SetQuoting(id=0, on=False)),
    (["e", "3"], SetEngine(id=0, ticker=CPI, engine="m3")),
    (["f"], Stop(id=0, kind="flatten", scope=Scope(ticker=CPI))),
    (["F", "F"], Stop(id=0, kind="flatten")),
    (["exclamation_mark"], Stop(id=0, kind="kill")),
    (["b"], order(Side.BID, 4400)),
    (["s"], order(Side.ASK, 4400)),
    (["k", "B"], order(Side.BID, 4500, take=True)),
    (["S"], order(Side.ASK, 4400, take=True)),
    (["k", "k", "b"], order(Side.BID, 4600)),
    (["down", "s"], order(Side.ASK, 4300)),
    (["plus", "plus", "b"], order(Side.BID, 4400, count=2000)),
    (["minus", "b"], order(Side.BID, 4400, count=500)),
    (["j", "j", "j", "x"], CancelOrders(id=0, ticker=CPI, price=4100, engines=True)),
    (["X"], CancelOrders(id=0, ticker=CPI)),
    (["enter"], Acknowledge(id=0, alert=3)),
    (["i"], Describe(id=0, ticker=CPI)),
]


@pytest.mark.parametrize(("keys", "command"), SENT, ids=[" ".join(keys) for keys, _ in SENT])
async def test_a_key_sends_its_command(stage: StageMaker, keys: list[str], command: AnyCommand) -> None:
    async with stage() as on:
        await on.press(*keys)
        assert on.link.asked() == [command]


async def test_the_answer_is_shown_not_the_hope(stage: StageMaker) -> None:
    async with stage() as on:
        on.link.answers[Arm] = (False, "the feed is dead: hand stays safe")
        await on.press("a")
        assert "the feed is dead: hand stays safe" in on.text()
        assert "HAND safe" in on.text()
        on.link.answers[SetEngine] = (False, "this desk offers M0 and M2")
        await on.press("e", "1")
        assert "this desk offers M0 and M2" in on.said()


async def test_flatten_all_needs_two_within_a_second(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("F")
        assert on.link.asked() == []
        on.clock.now += 1.1
        await on.press("F")
        assert on.link.asked() == []


async def test_x_cancels_mine_before_an_engines(stage: StageMaker) -> None:
    first = view()
    assert first.ladder is not None
    orders = (first.ladder.orders[0], replace(first.ladder.orders[0], owner=Owner.MINE, order_id="o9"))
    async with stage(first=replace(first, ladder=replace(first.ladder, orders=orders))) as on:
        await on.press("j", "j", "j", "x")
        assert on.link.asked() == [CancelOrders(id=0, ticker=CPI, price=4100, engines=False)]
        await on.press("j", "x")
        assert len(on.link.asked()) == 1
        assert "no order of ours rests at 40" in on.said()


async def test_all_on_wants_the_number_typed(stage: StageMaker) -> None:
    first = view()
    off = tuple(replace(row, quoting=False) for row in first.markets)
    async with stage(first=replace(first, markets=off)) as on:
        await on.press("Q")
        assert on.app.desk.sheet is not None
        assert "worst −31/800" in on.text()
        await on.press("4", "enter")
        assert on.link.asked() == []
        await on.press("backspace", "5", "0", "enter")
        assert on.link.asked() == [SetQuoting(id=0, on=True)]


@pytest.mark.parametrize("change", ["silent", "stale", "elsewhere", "grouped", "hidden", "away"])
async def test_orders_are_refused_here_with_the_reason(stage: StageMaker, change: str) -> None:
    first = view()
    assert first.ladder is not None
    async with stage() as on:
        match change:
            case "silent":
                on.clock.now += 2
            case "stale":
                await on.show(replace(first, ladder=replace(first.ladder, stale=True, book="gap")))
            case "elsewhere":
                await on.press("n")
            case "grouped":
                await on.press("right_square_bracket")
            case "hidden":
                await on.press("4", "4")
            case "away":
                on.state.cursor = 9900
        for key in "bsBS":
            await on.press(key)
        assert on.link.asked() == []
        reason = {
            "silent": "desk is silent", "stale": "stale (gap)", "elsewhere": "has not arrived yet",
            "grouped": "2 ticks", "hidden": "not on the screen", "away": "out of sight",
        }[change]  # fmt: skip
        assert reason in on.said()


async def test_stops_go_out_when_the_desk_is_silent(stage: StageMaker) -> None:
    async with stage() as on:
        on.clock.now += 30
        await on.press("f", "exclamation_mark", "q", "a")
        kinds = [type(command).__name__ for command in on.link.asked()]
        assert kinds == ["Stop", "Stop", "SetQuoting"]
        assert "desk is silent" in on.said()


@pytest.mark.parametrize("opener", ["e", "question_mark", "ctrl+q"])
async def test_stops_work_over_a_sheet(stage: StageMaker, opener: str) -> None:
    async with stage() as on:
        await on.press(opener, "f", "exclamation_mark")
        assert [c.kind for c in on.link.asked() if isinstance(c, Stop)] == ["flatten", "kill"]


async def test_kill_works_while_typing_and_letters_are_text(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("slash", "f", "b", "F", "exclamation_mark")
        assert on.link.asked() == [Stop(id=0, kind="kill")]


async def test_find_selects_a_market(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("slash", *"cut", "enter")
        assert on.state.selected == "FED-25DEC-CUT-25"
        looks = [command.ticker for command in on.link.sent if isinstance(command, Focus)]
        assert looks[-1] == "FED-25DEC-CUT-25"


async def test_next_and_previous_go_round(stage: StageMaker) -> None:
    async with stage() as on:
        start = on.state.selected
        await on.press("N", "N")
        assert on.state.selected.startswith("NFP")
        await on.press("n", "n")
        assert on.state.selected == start


async def test_escape_does_nothing_to_an_order(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("escape", "e", "escape", "ctrl+q", "escape", "question_mark", "escape", "escape")
        assert on.link.asked() == []
        assert on.app.desk.sheet is None


async def test_a_paste_is_never_a_command(stage: StageMaker) -> None:
    async with stage() as on:
        on.app.post_message(events.Paste("bbFF!fq"))
        await on.settle()
        assert on.link.asked() == []
        assert "pasted text is never a command" in on.said()


async def test_a_burst_of_keys_is_a_paste(stage: StageMaker) -> None:
    async with stage() as on:
        for key in "bsq!":
            on.app.post_message(events.Key("exclamation_mark" if key == "!" else key, key))
        await on.settle()
        assert on.link.asked() == []
        assert "4 keys arrived at once" in on.said()


async def test_the_card_is_shown_and_closed(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("i")
        on.link.put(CARD)
        await on.settle()
        assert isinstance(on.app.desk.sheet, Reader)
        assert "Bureau of Labor Statistics" in on.text()
        await on.press("i")
        assert on.app.desk.sheet is None


async def test_detach_leaves_the_desk_alone(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("ctrl+q", "d")
        await on.settle()
        assert on.ended().startswith("detach: ")
        assert on.link.asked() == []


async def test_stop_ends_the_desk_and_says_so(stage: StageMaker) -> None:
    async with stage() as on:
        on.link.answers[EndDesk] = (False, "2 orders are not confirmed gone")
        await on.press("ctrl+q", "s")
        assert on.ended() == ""
        assert "2 orders are not confirmed gone" in on.said()
        on.link.answers[EndDesk] = (True, "")
        await on.press("ctrl+q", "s")
        await on.settle()
        assert on.ended().startswith("stop: ")


@pytest.mark.parametrize("last", [Goodbye("killed by risk R1", 5), None])
async def test_the_screen_ends_with_its_desk(stage: StageMaker, last: Goodbye | None) -> None:
    async with stage() as on:
        if last is None:
            on.link.hang_up()
        else:
            on.link.put(last)
        await on.settle()
        assert on.ended().startswith("desk gone: ")
        assert ("killed by risk R1" if last else "closed the connection") in on.ended()


async def test_heartbeats_carry_the_keys(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("j", "k")
        await on.settle(1.1)
        beats = [c for c in on.link.sent if isinstance(c, Heartbeat)]
        assert sum(beat.keys for beat in beats) == 2


async def test_the_desk_is_told_what_the_ladder_shows(stage: StageMaker) -> None:
    async with stage() as on:
        await on.show(view(version=2))
        looks = [c for c in on.link.sent if isinstance(c, Focus)]
        window = on.state.window
        assert window is not None and looks[-1].low is not None and looks[-1].high is not None
        assert looks[-1].low < window.low and looks[-1].high > window.high


async def test_palette_runs_what_has_no_key(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("ctrl+p", *"hold", "enter")
        assert on.link.asked() == [Stop(id=0, kind="hold")]


async def test_panes_layouts_and_zoom(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("1")
        assert on.app.desk.current == "markets"
        before = on.state.selected
        await on.press("j")
        assert on.state.selected != before
        await on.press("4", "4")
        assert on.state.shown == {"risk", "log"}
        await on.press("4")
        assert "ladder" in on.state.shown
        await on.press("tab")
        assert on.app.desk.current == "settlement"
        await on.press("v", "v")
        assert on.state.layout == "overview" and "ladder" not in on.state.shown
        assert on.link.asked() == []


async def test_a_theme_is_chosen(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("t", *"colour", "enter")
        assert on.app.desk.palette.theme.name == "colourblind"


async def test_no_view_no_order(stage: StageMaker) -> None:
    async with stage(empty=True) as on:
        await on.press("b", "f", "q", "x", "e", "slash", "escape", "exclamation_mark")
        assert on.link.asked() == [Stop(id=0, kind="kill")]


async def test_plus_ends_at_what_the_desk_would_take_and_says_why(stage: StageMaker) -> None:
    first = view()
    assert first.ladder is not None
    capped = replace(first.ladder, hand_most=1800, hand_why="event ×0.1")
    async with stage(first=replace(first, ladder=capped)) as on:
        await on.press("plus", "plus", "plus")
        assert on.state.count == 1500
        assert on.said() == "one order by hand may have 18 here (event ×0.1): the size stays"
        await on.press("minus")
        assert on.state.count == 1000
