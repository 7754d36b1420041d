"""What needs no terminal: spelling of numbers, keymaps, themes, the window, bursts, lines."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import StillClock, ladder
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color, ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.drivers._writer_thread import WriterThread
from textual.drivers.headless_driver import HeadlessDriver

from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CENT, ONE
from kalshi_tui.protocol.views import SettleRow
from kalshi_tui.tui import numbers
from kalshi_tui.tui.actions import ACTIONS, KeymapError, catalogue, resolve_keymap
from kalshi_tui.tui.arrange import LAYOUTS, plan
from kalshi_tui.tui.flash import Flash
from kalshi_tui.tui.ink import Row, clauses, first_difference, fit, plain, text_line, wrap
from kalshi_tui.tui.keygate import KeyGate
from kalshi_tui.tui.panes.ladder_rows import FairSlot
from kalshi_tui.tui.panes.risk import gauge_bar
from kalshi_tui.tui.panes.settlement import at_fair
from kalshi_tui.tui.pulse import Pulse
from kalshi_tui.tui.result import write_crash
from kalshi_tui.tui.terminal import terminal_problem
from kalshi_tui.tui.theme import ROLES, ThemeError, load_themes, pick_theme, read_theme
from kalshi_tui.tui.tidy import tidy
from kalshi_tui.tui.window import GROUPINGS, Window, middle_of, rungs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (numbers.cents(4400), "44"),
        (numbers.cents(4450), "44.5"),
        (numbers.cents(4456), "44.56"),
        (numbers.cents(4400, 1), "44.0"),
        (numbers.cents(5, 2), "0.05"),
        (numbers.cents(None), "–"),
        (numbers.fair_cents(0.4456), "44.56"),
        (numbers.dollars(12_400_000), "+12.40"),
        (numbers.dollars(-1_204_560_000), "−1,204.56"),
        (numbers.dollars(-4_000), "+0.00"),
        (numbers.dollars(0), "0.00"),
        (numbers.dollars(-5_000), "−0.01"),
        (numbers.dollars(None), "–"),
        (numbers.whole_dollars(120_000_000), "120"),
        (numbers.whole_dollars(1_500_000), "1.50"),
        (numbers.edge_cents(31_300), "+3.1"),
        (numbers.edge_cents(-9_500), "−1.0"),
        (numbers.position(0), "0"),
        (numbers.position(-800), "−8"),
        (numbers.position(1250), "+12.50"),
        (numbers.contracts(123_456_700, 4), "1.2m"),
        (numbers.contracts(40, 4), "0.40"),
        (numbers.age(4), "4 ms"),
        (numbers.age(3_240), "3.2 s"),
        (numbers.age(None), "–"),
        (numbers.clock(1_762_434_732_000_000_000), "08:12:12"),
        (numbers.countdown(10_000_000_000, 0), "00:10"),
        (numbers.countdown(4_000 * 10**9, 0), "1 h 06"),
        (numbers.countdown(1, 2), "now"),
        (numbers.percent(0.235), "23.5%"),
    ],
)
def test_numbers_are_spelled_for_a_trader(text: str, expected: str) -> None:
    assert text == expected


@given(st.integers(0, ONE), st.integers(0, 2))
def test_a_price_is_never_cut(price: int, places: int) -> None:
    needed = max(places, numbers.places_of((price,)))
    assert round(float(numbers.cents(price, needed)) * CENT) == price


@given(st.integers(0, 10**10), st.integers(4, 11))
def test_a_number_of_contracts_fits(count: int, width: int) -> None:
    assert len(numbers.contracts(count, width)) <= width


def test_bars_show_anything_above_nothing() -> None:
    assert numbers.bar(0, 100) == " "
    assert numbers.bar(1, 100_000) == "▏"
    assert numbers.bar(100, 100) == "█"


def test_a_flat_spark_is_calm() -> None:
    assert numbers.spark((3.0, 3.0, 3.0), 5, None, None) == "  ▁▁▁"
    assert numbers.spark((0.0, 1.0), 2, 0.0, 1.0) == "▁█"


@given(st.integers(-500, 500), st.integers(0, 500), st.integers(1, 400), st.integers(4, 40))
def test_a_gauge_fills_its_width(used: int, more: int, cap: int, width: int) -> None:
    full, worst, free = gauge_bar(used, abs(used) + more, cap, width)
    assert len(full) + len(worst) + len(free) == width
    assert bool(full) == bool(used)


def test_keymap_defaults_do_not_clash() -> None:
    keys = resolve_keymap()
    names = [name for action in keys for name in keys[action]]
    assert len(names) == len(set(names))
    assert [row[0] for row in catalogue()] == list(ACTIONS)


@pytest.mark.parametrize(
    ("keymap", "reason"),
    [
        ({"flatten": "g"}, "flatten can not lose its key 'f'"),
        ({"kill": ""}, "kill can not lose its key '!'"),
        ({"buy": "s"}, "'s' is claimed by both buy and sell"),
        ({"bye": "z"}, "did you mean 'buy'"),
        ({"buy": "escape"}, "only ever closes"),
        ({"buy": "z,,y"}, "empty key"),
    ],
)
def test_a_bad_keymap_is_refused_in_words(keymap: dict[str, str], reason: str) -> None:
    with pytest.raises(KeymapError, match=reason):
        resolve_keymap(keymap)


def test_a_keymap_moves_and_swaps_keys() -> None:
    keys = resolve_keymap({"buy": "s", "sell": "b", "flatten": "f,f9", "size_up": "="})
    assert (keys["buy"], keys["sell"], keys["flatten"], keys["size_up"]) == (
        ("s",), ("b",), ("f", "f9"), ("equals_sign",),
    )  # fmt: skip


def test_the_catalogue_needs_no_screen() -> None:
    code = (
        "import sys; from kalshi_tui.tui import actions, terminal; actions.catalogue(); "
        "bad = {'textual', 'rich', 'httpx', 'numpy'} & set(sys.modules); assert not bad, bad"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_shipped_themes_are_complete() -> None:
    themes = load_themes()
    assert {"night", "day", "colourblind", "mono"} <= set(themes)
    assert pick_theme(themes, None).name == "night"
    with pytest.raises(ThemeError, match="did you mean 'night'"):
        pick_theme(themes, "nigth")
    loud = [themes["mono"].styles[role] for role in ("prod", "halt", "warn", "own", "armed", "stale")]
    assert all("bold" in style or "dim" in style for style in loud)
    assert not any("#" in style for style in themes["mono"].styles.values())


def test_every_meaning_is_legible_in_sixteen_colours() -> None:
    def number(colour: Color | None) -> int | None:
        return None if colour is None else colour.downgrade(ColorSystem.STANDARD).number

    for theme in load_themes().values():
        if theme.name == "mono":
            continue
        ground = number(Style.parse(theme.styles["background"]).color)
        cursor = number(Style.parse(theme.styles["cursor"]).bgcolor)
        for role in ROLES:
            style = Style.parse(theme.styles[role])
            if role in ("background", "cursor"):
                continue
            behind = {number(style.bgcolor)} if style.bgcolor else {ground, cursor}
            assert number(style.color) not in behind, (theme.name, role)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("halt = ", "hallt = "), "styles.hallt is not a meaning; did you mean 'halt'"),
        (('bid = "#4a9ff5"', ""), "styles.bid is missing"),
        (('bid = "#4a9ff5"', 'bid = "sky"'), "styles.bid = 'sky'"),
        (('bid = "#4a9ff5"', 'bid = "link https://x"'), "styles.bid"),
        (("dark = true", "dark = 1"), "dark was 1"),
        (('background = "#0f1318"', 'background = "bold"'), "is not one colour"),
        (("dark = true", "drak = true"), "'drak' is not a key"),
        (("dark = true", "dark ="), "is not TOML"),
    ],
)
def test_a_bad_theme_names_file_and_key(tmp_path: Path, change: tuple[str, str], reason: str) -> None:
    night = Path(__file__).resolve().parents[2] / "themes" / "night.toml"
    text = night.read_text(encoding="utf-8")
    assert change[0] in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(change[0], change[1], 1), encoding="utf-8")
    with pytest.raises(ThemeError) as refused:
        read_theme(path)
    assert str(path) in str(refused.value) and reason in str(refused.value)


def test_a_users_theme_replaces_a_shipped_one(tmp_path: Path) -> None:
    night = Path(__file__).resolve().parents[2] / "themes" / "night.toml"
    text = night.read_text(encoding="utf-8").replace("dark, calm: the default", "mine")
    (tmp_path / "night.toml").write_text(text, encoding="utf-8")
    assert load_themes(tmp_path)["night"].description == "mine"
    assert set(load_themes(tmp_path)["night"].styles) == set(ROLES)


@pytest.mark.parametrize(
    ("env", "size", "reason"),
    [
        ({"TERM": "dumb", "LANG": "C.UTF-8"}, (120, 36), "TERM is dumb"),
        ({"LANG": "C.UTF-8"}, (120, 36), "TERM is not set"),
        ({"TERM": "xterm", "LANG": "C"}, (120, 36), "not UTF-8"),
        ({"TERM": "xterm", "LC_ALL": "C", "LANG": "C.UTF-8"}, (120, 36), "locale is C"),
        ({"TERM": "xterm", "LANG": "C.UTF-8"}, (79, 36), "79 × 36"),
    ],
)
def test_a_terminal_that_can_not(env: dict[str, str], size: tuple[int, int], reason: str) -> None:
    problem = terminal_problem(env, size)
    assert problem is not None and reason in problem
    assert terminal_problem({"TERM": "xterm", "LC_CTYPE": "UTF-8"}, (80, 24)) is None


@given(
    st.integers(80, 240), st.integers(24, 80), st.sampled_from(sorted(LAYOUTS)), st.sampled_from(["", "risk"])
)
def test_panes_never_overlap_or_leave_the_terminal(width: int, height: int, layout: str, zoom: str) -> None:
    taken: set[tuple[int, int]] = set()
    for name, box in plan(width, height, layout, zoom).boxes.items():
        assert box.width > 0 and box.height > 0, name
        cells = {(x, y) for x in range(box.x, box.x + box.width) for y in range(box.y, box.y + box.height)}
        assert not cells & taken, name
        taken |= cells
    assert taken == {(x, y) for x in range(width) for y in range(height)}


def test_the_window_stands_until_it_must_jump() -> None:
    window = Window(TickGrid.named("linear_cent"))
    window.resize(12, 4450)
    low = window.low
    assert not any(window.follow(price) for price in (4450, 4500, 4200, 4600))
    assert window.low == low
    assert window.follow(4900)
    assert window.low != low


def test_a_held_cursor_keeps_the_window_longer() -> None:
    window = Window(TickGrid.named("linear_cent"))
    window.resize(12, 4450)
    edge = window.high
    assert not window.follow(edge, held=True)
    assert window.follow(edge + 100, held=True)


@given(st.sampled_from(["linear_cent", "tapered_deci_cent", "deci_cent"]), st.integers(1, 60), st.integers(1, 9_999),
       st.lists(st.sampled_from([-1, 1]), max_size=4))  # fmt: skip
def test_the_window_stays_on_the_grid(structure: str, rows: int, price: int, steps: list[int]) -> None:
    window = Window(TickGrid.named(structure))
    window.resize(rows, price)
    for step in steps:
        assert window.regroup(step, price) in GROUPINGS
    window.reveal(window.grid.prices[-1])
    window.reveal(window.grid.prices[0])
    low, high = window.wanted
    assert window.grid.prices[0] <= low <= window.low <= window.high <= high <= window.grid.prices[-1]
    buckets = window.buckets()
    assert len(buckets) <= rows
    assert buckets == sorted(buckets)


def test_what_the_desk_did_not_send_is_not_drawn_as_empty() -> None:
    rows = rungs(ladder(40, 50), [(3900, 3900), (4000, 4000), (4400, 4500)])
    assert [row.known for row in rows] == [False, True, True]
    assert (rows[2].bid, rows[2].ask, rows[2].edge) == (131_000, 112_000, None)


def test_the_fair_line_does_not_hop_across_a_price() -> None:
    view = ladder(40, 50)
    drawn = list(reversed(rungs(view, [(c * 100, c * 100) for c in range(40, 51)])))
    slot = FairSlot()
    at_first = slot.place(0.4498, view, drawn)
    assert at_first == 6
    assert [slot.place(fair, view, drawn) for fair in (0.4501, 0.4499, 0.4510)] == [6, 6, 6]
    assert slot.place(0.4525, view, drawn) == 5
    assert slot.place(None, view, drawn) == 6
    assert middle_of(view) == 4450


def test_a_change_flashes_once() -> None:
    flash = Flash(2)
    inks = []
    for value in (5, 5, 6, 6, 6):
        inks.append(flash.ink("k", value, "bid"))
        flash.painted()
    assert inks == ["bid", "bid", "bid/flash", "bid/flash", "bid"]
    flash.ink("other", 1, "bid")
    flash.painted()
    assert flash.ink("k", 9, "bid") == "bid"


@pytest.mark.parametrize(
    ("keys", "actions", "said"),
    [
        (["buy"], ["buy"], ""),
        (["flatten_all", "flatten_all"], ["flatten_all", "flatten_all"], ""),
        (["cursor_down", "buy"], ["cursor_down"], "buy not done"),
        (["buy", None], [], "buy not done"),
        (["kill", None, None, None], [], "taken for pasted text"),
        ([None, None, None, None], [], ""),
    ],
)
def test_bursts(keys: list[str | None], actions: list[str], said: str) -> None:
    gate = KeyGate()
    opened = [gate.key(key) for key in keys]
    assert opened == [True] + [False] * (len(keys) - 1)
    burst = gate.release()
    assert burst.actions == actions and said in burst.said
    assert gate.key(None) and gate.take_total() == len(keys) + 1 and gate.take_total() == 0


def test_rows_never_cut_or_overlap() -> None:
    row = Row(20).left(0, "abc", "bid").right(10, "123", "ask").left(8, "overlaps").right(21, "outside")
    assert plain(row.line()) == "abc    123          "
    assert [text for text, _ in row.line()] == ["abc    ", "123          "]


def test_differences_are_the_least_region() -> None:
    old = Row(20).left(0, "name", "").right(20, "44", "bid").line()
    new = Row(20).left(0, "name", "").right(20, "45", "bid").line()
    assert first_difference(old, new) == (19, 20)
    assert first_difference(old, old) is None
    assert first_difference(text_line("x", 3, "bid"), text_line("x", 3, "ask")) == (0, 3)


def test_words_are_wrapped_and_clauses_dropped_whole() -> None:
    assert wrap("bid 41 = fair 44.6 − 2.6 to grid; ask 48", 20, 2) == [
        "bid 41 = fair 44.6 −",
        "2.6 to grid; ask 48",
    ]
    assert wrap("a" * 30, 10, 2) == ["a" * 10, "a" * 9 + "…"]
    assert clauses("sd 14/150 · worst −31/800", 23) == "sd 14/150 worst −31/800"
    assert clauses("sd 14/150 · worst −31/800", 15) == "sd 14/150 …"
    assert fit("日本語", 5) == "日本…"


def test_at_fair_is_unknown_unless_all_is_known() -> None:
    rows = (SettleRow("a", 0.6, 10_000_000, 0), SettleRow("b", 0.4, -5_000_000, 0))
    assert at_fair(rows) == 4_000_000
    assert at_fair((rows[0], SettleRow("b", None, 0, 0))) is None
    assert at_fair(rows[:1]) is None


def test_a_crash_file_is_private_and_holds_no_values(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "crash.txt"
    secret = "s3cret-value"
    try:
        raise ValueError("it broke")
    except ValueError as error:
        assert write_crash(path, error) and write_crash(path, error)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "it broke" in path.read_text() and secret not in path.read_text().replace(
        'secret = "s3cret-value"', ""
    )
    assert not write_crash(tmp_path, ValueError())


def test_a_terminal_that_stopped_answering_is_not_alive() -> None:
    clock = StillClock()
    driver = HeadlessDriver.__new__(HeadlessDriver)
    pulse = Pulse(clock)
    clock.now += 60
    assert pulse.alive(driver)  # one that never answers at all is judged by what it takes
    pulse.answered()
    clock.now += 2.9
    assert pulse.alive(driver)
    clock.now += 0.2
    assert not pulse.alive(driver)
    pulse.answered()
    assert pulse.alive(driver)
    writer = WriterThread(io.StringIO())
    driver._writer_thread = writer  # type: ignore[attr-defined]
    assert pulse.alive(driver)
    for _ in range(3):
        writer.write("a frame nobody takes")
    assert not pulse.alive(driver)


def test_cut_texts_are_forgotten() -> None:
    for number in range(100):
        Segment(f"−{number}").split_cells(1)
    remembered = Segment._split_cells.cache_info
    assert remembered().currsize >= 100
    tidy()
    assert remembered().currsize == 0
