"""Event override, engine parameters and tilt: what they send, and that nothing typed is lost to a refusal."""

from __future__ import annotations

import pytest
from fakes import WALL, view
from msgspec.structs import replace
from textual import events

from conftest import Stage, StageMaker
from kalshi_tui.protocol.commands import AnyCommand, Arm, OverrideRegime, ReadParams, SetParams, Stop, Tilt
from kalshi_tui.protocol.quotes import QuoteSides, Regime
from kalshi_tui.protocol.views import EngineParams
from kalshi_tui.tui.numbers import market_name
from kalshi_tui.tui.panes.features import regime_words
from kalshi_tui.tui.sheets.params import ParamsSheet

CPI = "CPI-25NOV-T0.3"
PARAMS = EngineParams(
    CPI, "m2", (("size", "10"), ("edge", "0.015"), ("ttl_ms", "30000"), ("follow", "True"), ("shift", "-0.5"))
)


def override(regime: Regime, seconds: int) -> OverrideRegime:
    return OverrideRegime(id=0, ticker=CPI, regime=regime, seconds=seconds)


def tilt(lean: int, widen: float, sides: QuoteSides) -> Tilt:
    return Tilt(id=0, ticker=CPI, lean_levels=lean, widen=widen, sides=sides)


SENT: list[tuple[list[str], AnyCommand]] = [
    (["o", "c"], override(Regime.CALM, 900)),
    (["o", "3", "0", "a"], override(Regime.ACTIVE, 1800)),
    (["o", "9", "backspace", "7", "e"], override(Regime.EVENT, 420)),
    (["o", "x"], override(Regime.ACTIVE, 0)),
    (["p"], ReadParams(id=0, ticker=CPI)),
    (["ctrl+p", *"tilt", "enter", "enter"], tilt(0, 0.0, QuoteSides.BOTH)),
    (
        ["ctrl+p", *"tilt", "enter", "left_square_bracket", "minus", "down", "plus", "right", "j", "left", "enter"],
        tilt(-2, 0.5, QuoteSides.REDUCE),
    ),
    (["ctrl+p", *"tilt", "enter", "plus", "r"], tilt(0, 0.0, QuoteSides.BOTH)),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "command"), SENT, ids=[" ".join(keys) for keys, _ in SENT])
async def test_a_sheet_sends_its_command(stage: StageMaker, keys: list[str], command: AnyCommand) -> None:
    async with stage() as on:
        await on.press(*keys)
        assert on.link.asked() == [command]
        assert on.app.desk.sheet is None


async def open_params(on: Stage) -> None:
    await on.press("p")
    on.link.put(PARAMS)
    await on.settle()
    assert isinstance(on.app.desk.sheet, ParamsSheet)


async def sent_params(on: Stage, *keys: str) -> list[dict[str, int | float | bool]]:
    await open_params(on)
    await on.press(*keys)
    return [c.values for c in on.link.asked() if isinstance(c, SetParams)]


async def test_only_what_changed_is_sent(stage: StageMaker) -> None:
    async with stage() as on:
        typed = ["1", "0", "down", "0", "full_stop", "0", "2", "down", "down", "space", "j", "minus", "1"]
        values = await sent_params(on, *typed, "enter")
        assert values == [{"edge": 0.02, "follow": False, "shift": -1}]
        assert [type(value) for value in values[0].values()] == [float, bool, int]
        assert on.app.desk.sheet is None


async def test_r_goes_back_to_the_desks(stage: StageMaker) -> None:
    async with stage() as on:
        assert await sent_params(on, "5", "r") == [{}]


@pytest.mark.parametrize("typed", [["minus"], ["1", "full_stop", "2", "full_stop"]])
async def test_what_is_no_number_is_not_sent(stage: StageMaker, typed: list[str]) -> None:
    async with stage() as on:
        assert await sent_params(on, *typed, "enter") == []
        assert "is not a number" in on.text()


async def test_nothing_changed_nothing_sent(stage: StageMaker) -> None:
    async with stage() as on:
        assert await sent_params(on, "enter") == []
        assert "nothing was sent" in on.text()


async def test_a_refusal_stands_in_the_sheet_and_loses_nothing(stage: StageMaker) -> None:
    async with stage() as on:
        on.link.answers[SetParams] = (False, "M2: size must be above 0")
        on.link.answers[Arm] = (True, "hand armed")
        assert await sent_params(on, "7", "enter") == [{"size": 7}]
        await on.settle()
        assert "M2: size must be above 0" in on.text() and "→ 7" in on.text()
        await on.press("a")
        assert "hand armed" in on.text()
        on.link.answers[SetParams] = (True, "")
        await on.press("enter")
        assert on.link.asked()[2:] == [
            Arm(id=0, on=True), SetParams(id=0, ticker=CPI, values={"size": 7}),
        ]  # fmt: skip


async def test_a_refused_override_keeps_its_minutes(stage: StageMaker) -> None:
    async with stage() as on:
        on.link.answers[OverrideRegime] = (False, "overriding an event window needs an armed hand: press a")
        await on.press("o", "4", "5", "c")
        assert "needs an armed hand" in on.text() and "45▏ minutes" in on.text()
        await on.press("backspace", "backspace", "0", "e")
        assert "0 minutes pin nothing" in on.text()
        assert on.link.asked() == [override(Regime.CALM, 2700)]


async def test_the_override_shows_regime_and_next_print(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("o")
        assert "now   ACTIVE, event at 08:28" in on.text() and "next  CPI in 17:48" in on.text()


async def test_a_silent_desk_is_told_only_to_tighten(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("o")
        on.clock.now += 3
        await on.press("c", "a")
        assert on.link.asked() == []
        assert "not sent: the desk is silent" in on.text()
        await on.press("e")
        assert on.link.asked() == [override(Regime.EVENT, 900)]


async def test_the_sheet_keeps_its_market(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("o")
        on.app.control.look_at("FED-25DEC-CUT-25")
        await on.press("e")
        assert on.link.asked() == [override(Regime.EVENT, 900)]


async def test_stops_go_through_a_form(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("o", "f", "exclamation_mark")
        assert [c.kind for c in on.link.asked() if isinstance(c, Stop)] == ["flatten", "kill"]


async def test_late_parameters_do_not_replace_another_sheet(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("p", "slash")
        typing = on.app.desk.sheet
        on.link.put(PARAMS)
        await on.settle()
        assert on.app.desk.sheet is typing


async def test_keys_that_arrive_together_are_not_taken_for_numbers(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("o")
        for key in "45":
            on.app.post_message(events.Key(key, key))
        await on.settle()
        assert "15▏ minutes" in on.text() and "press them again" in on.said()


async def test_a_wider_column_moves_what_stands_right_of_it(stage: StageMaker) -> None:
    async with stage() as on:
        await on.press("1")
        rows = view().markets
        wider = (replace(rows[0], day_pnl=-1_234_560_000, position=-123_450), *rows[1:])
        await on.show(replace(view(version=2, wall=WALL), markets=wider))
        left = [line[1 : on.app.desk.plan.boxes["markets"].width - 1] for line in on.text().split("\n")]
        assert any("Gold 15m — closes in 02:48 " in line for line in left)
        assert any("−1,234.5" in line for line in left)
        pane = on.app.desk.panes["markets"]
        assert pane.placed == pane.slices(pane.inner.width)


@pytest.mark.parametrize(
    ("text", "width", "words"),
    [
        ("ACTIVE, CPI Nov prints in 17:48", 31, "ACTIVE, CPI Nov prints in 17:48"),
        ("ACTIVE, CPI Nov prints in 17:48", 28, "ACTIVE, CPI Nov prints 17:48"),
        ("ACTIVE, CPI Nov prints in 17:48", 22, "ACTIVE, CPI 17:48"),
        ("ACTIVE (jump), CPI Nov prints in 17:48", 24, "ACTIVE (jump), CPI 17:48"),
        ("EVENT (pinned event by hand), CPI Nov prints in 17:48", 23, "EVENT (by hand)"),
        ("EVENT (CPI Nov window), CPI Nov prints in 17:48", 16, "EVENT, CPI 17:48"),
        ("CALM, CPI Nov prints in 17:48", 8, "CALM"),
        ("a sentence of another kind", 12, "a sentence…"),
    ],
)
def test_the_regime_in_few_words(text: str, width: int, words: str) -> None:
    assert regime_words(text, width) == words


def test_a_name_says_no_word_twice() -> None:
    assert market_name("CPI Nov exactly", "exactly 0.2%") == "CPI Nov exactly 0.2%"
    assert market_name("CPI Nov", "above 0.3%") == "CPI Nov above 0.3%"
