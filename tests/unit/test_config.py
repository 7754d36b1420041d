"""Configuration: precedence, and every mistake named with its place."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from kalshi_tui import config, locations
from kalshi_tui.config_example import example, user_file
from kalshi_tui.config_lines import key_lines
from kalshi_tui.config_models import Practice
from kalshi_tui.practice.scenarios import scenario_names
from kalshi_tui.protocol.units import DOLLAR


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


CPI = '[[calendar]]\nlabel = "CPI"\nat = 2026-12-10T08:30:00\n'


def mistake(file: Path, text: str, env: dict[str, str] | None = None) -> str:
    file.write_text(text)
    with pytest.raises(config.ConfigError) as error:
        config.load(file, env or {})
    return str(error.value)


def test_defaults_without_any_file() -> None:
    loaded = config.load(env={})
    assert loaded.settings.venue.name == "practice"
    assert loaded.settings.risk.bankroll == 10_000 * DOLLAR
    assert loaded.file == locations.config_file()
    assert loaded.origins == {}


def test_command_line_over_environment_over_file_over_default(file: Path) -> None:
    file.write_text('[ui]\ntheme = "day"\nrefresh_hz = 20\nmouse = false\n')
    env = {"KALSHI_TUI__UI__THEME": "mono", "KALSHI_TUI__UI__REFRESH_HZ": "15", "OTHER": "x"}
    loaded = config.load(file, env, {"ui.theme": "night", "venue.name": None})
    ui = loaded.settings.ui
    assert (ui.theme, ui.refresh_hz, ui.mouse) == ("night", 15, False)
    assert loaded.origins == {
        "ui.theme": "command line",
        "ui.refresh_hz": "KALSHI_TUI__UI__REFRESH_HZ",
        "ui.mouse": f"{file}:4",
    }


def test_environment_text_becomes_the_settings_type() -> None:
    env = {
        "KALSHI_TUI__VENUE__MARKETS": "KXA-1, KXB-2",
        "KALSHI_TUI__VENUE__DEMO__KEY_ID": "123",
        "KALSHI_TUI__RISK__BANKROLL": "250.50",
        "KALSHI_TUI__ENGINES__M0__EDGE": "0.02",
        "KALSHI_TUI__RECORD__ON": "false",
    }
    settings = config.load(env=env).settings
    assert settings.venue.markets == ["KXA-1", "KXB-2"]
    assert settings.venue.demo.key_id == "123"
    assert settings.risk.bankroll == 250_500_000
    assert settings.engines.params()["m0"].edge == 0.02  # type: ignore[attr-defined]
    assert settings.record.on is False


def test_markets_may_have_engines_of_their_own(file: Path) -> None:
    file.write_text('[engines.markets]\nKXCPI = "m3"\n"KXFED-26DEC-T3.75" = "m1"\n')
    loaded = config.load(file, {}, {"engines.default": "m2"})
    assert loaded.settings.engines.default == "m2"
    assert loaded.settings.engines.markets == {"KXCPI": "m3", "KXFED-26DEC-T3.75": "m1"}
    assert set(loaded.settings.engines.params()) == {"m0", "m1", "m2", "m3"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[ui]\n\nthem = "day"\n', ":3: unknown key ui.them; the nearest valid one is ui.theme."),
        ("[iu]\n", ":1: unknown key iu; the nearest valid one is ui."),
        (
            "[engines.m0]\nedgee = 1\n",
            ":2: unknown key engines.m0.edgee; the nearest valid one is engines.m0.edge.",
        ),
        (
            '[ui]\nrefresh_hz = "fast"\n',
            ":2: ui.refresh_hz was 'fast'; expected a whole number from 4 to 30.",
        ),
        ("ui.refresh_hz = 99\n", ":1: ui.refresh_hz was 99; expected a number from 4 to 30."),
        ("[ui]\nmouse = 1\n", ":2: ui.mouse was 1; expected true or false."),
        ("[ui]\ntheme = 3\n", ":2: ui.theme was 3; expected text in quotes"),
        ('[venue]\nname = "live"\n', ":2: venue.name was 'live'; expected one of practice, demo, prod."),
        ('[venue]\nmarkets = "A"\n', ":2: venue.markets was 'A'; expected a list"),
        ('[venue]\nmarkets = ["../../x"]\n', ":2: venue.markets was ['../../x']; expected tickers such as"),
        ("[risk]\nbankroll = 0.001\n", ":2: risk.bankroll was 0.001; expected at least 20 dollars"),
        ("[risk]\nbankroll = 1e3\n", ":2: risk.bankroll was 1000.0; expected an amount in dollars"),
        (
            "[risk]\nbankroll = 10.1234567\n",
            ":2: risk.bankroll was 10.1234567; expected an amount in dollars",
        ),
        ("[practice]\nspeed = nan\n", ":2: practice.speed was nan; expected a finite number"),
        ('[engines]\ndefault = "m9"\n', ":2: engines.default was 'm9'; expected one of m0"),
        (
            '[ui]\ntheme = "nigth"\n',
            ":2: ui.theme was 'nigth'; expected one of colourblind, day, mono, night;",
        ),
        ('[ui]\nlayout = "dsk"\n', "expected one of desk, ladder, overview; the nearest is desk."),
        (
            '[practice]\nscenario = "clam"\n',
            "expected one of default, calm, cpi-day, arb, crash; the nearest is calm.",
        ),
        ("[engines.m0]\nedge = 0.9\n", ":2: engines.m0: edge must be above 0"),
        (
            '[engines.markets]\nKXCPI = "m9"\n',
            ":2: engines.markets: KXCPI was 'm9'; expected one of m0, m1, m2, m3.",
        ),
        ('[engines.markets]\nkxcpi = "m1"\n', ":2: engines.markets: kxcpi is no ticker, event or series."),
        ('[keymap]\nfly = "x"\n', ":1: keymap: there is no action 'fly'"),
        ('[keymap]\nbuy = "s"\n', ":1: keymap: key 's' is claimed by both buy and sell"),
        ('[keymap]\nkill = "f9"\n', ":2: keymap: kill can not lose its key '!'"),
        ('[[calendar]]\nlabel = "CPI"\n', ":1: calendar.at is missing"),
        (CPI + '[[calendar]]\nlabel = "Fed"\nat = "noon"\n', ":6: calendar.at was 'noon'; expected a date"),
        (
            CPI + '[[calendar]]\nlable = "Fed"\n',
            ":5: unknown key calendar.lable; the nearest valid one is calendar.label",
        ),
        ("ui = 3\n", ":1: ui was 3; expected a section of its own."),
        ("[ui\n", ": not valid TOML:"),
        ("[venue.demo]\npassword = '\x1b]0;x\x07'\n", ": not valid TOML:"),
        ('[venue.demo]\n"\\u001b[31m" = 1\n', ":1: unknown key venue.demo.[31m; the nearest"),
    ],
)
def test_a_mistake_names_its_place_what_it_was_and_what_is_expected(
    file: Path, text: str, words: str
) -> None:
    sentence = mistake(file, text)
    assert sentence.startswith(str(file))
    assert words in sentence
    assert "\x1b" not in sentence


def test_every_mistake_is_told_at_once(file: Path) -> None:
    env = {"KALSHI_TUI__UI__MOUSE": "perhaps", "KALSHI_TUI__UI__THEM": "x"}
    lines = mistake(file, "[record]\nmax_gib = 0\n", env).splitlines()
    assert len(lines) == 3
    assert "KALSHI_TUI__UI__MOUSE: ui.mouse was 'perhaps'; expected true or false." in lines
    assert "KALSHI_TUI__UI__THEM: unknown key ui.them; the nearest valid one is ui.theme." in lines


def test_every_mistake_of_a_file_is_told_with_its_line(file: Path) -> None:
    text = (
        '[venue]\nmarkets = ["kx a", "KXA-1", "../x"]\n[ui]\ntheme = "nigth"\nlayout = "dsk"\n'
        '[practice]\nscenario = "mooon"\n[engines]\ndefault = "m8"\n[engines.m9]\na = 1\n[iu]\nx = 1\n'
    )
    sentences = mistake(file, text).splitlines()
    assert sorted(int(said.split(":")[1]) for said in sentences) == [2, 4, 5, 7, 9, 10, 12]
    [tickers] = [said for said in sentences if "venue.markets" in said]
    assert tickers.endswith("'kx a' is not a ticker, '../x' is not a ticker.")


def test_more_mistakes_than_anyone_reads_are_counted(file: Path) -> None:
    sentences = mistake(file, "[ui]\n" + "".join(f"k{n} = 1\n" for n in range(130))).splitlines()
    assert (len(sentences), sentences[-1]) == (config.MAX_MISTAKES + 1, "and 30 mistakes more.")


def test_a_theme_of_ones_own_may_be_named(file: Path) -> None:
    themes = locations.user_themes_dir()
    themes.mkdir(parents=True)
    (themes / "mine.toml").write_text("")
    file.write_text('[ui]\ntheme = "mine"\n')
    assert config.load(file, {}).settings.ui.theme == "mine"


def test_every_scenario_of_the_exchange_can_be_configured() -> None:
    assert get_args(Practice.model_fields["scenario"].annotation) == scenario_names()


def test_files_that_cannot_be_read(file: Path) -> None:
    with pytest.raises(config.ConfigError, match="there is no such file; `kalshi-tui config init`"):
        config.load(file, {})
    file.write_bytes(b"[ui]\ntheme = '\xff'\n")
    with pytest.raises(config.ConfigError, match="byte 14 is not UTF-8"):
        config.load(file, {})
    with pytest.raises(config.ConfigError, match="cannot be read"):
        config.load(file.parent, {})
    file.write_text("#" * 1_000_001)
    with pytest.raises(config.ConfigError, match="larger than"):
        config.load(file, {})


def test_the_example_is_current_and_says_the_defaults(file: Path) -> None:
    text = locations.packaged("config.example.toml").read_text()
    assert text == example(), "make it again: python -m kalshi_tui.config_example > config.example.toml"
    lines = [line.removeprefix("#") if not line.startswith("# ") else line for line in text.splitlines()]
    file.write_text("\n".join(lines))
    settings = config.load(file, {}).settings
    assert [entry.label for entry in settings.calendar] == ["CPI"]
    assert settings.model_copy(update={"calendar": [], "relations": []}) == config.settings_model()()


def test_calendar_times_are_new_york_unless_they_say_otherwise(file: Path) -> None:
    file.write_text(CPI + 'series = ["KXCPI"]\n[[calendar]]\nlabel = "Fed"\nat = 2026-07-01T18:00:00Z\n')
    cpi, fed = (entry.scheduled() for entry in config.load(file, {}).settings.calendar)
    assert cpi.at == 1_796_909_400 * 10**9  # 13:30 UTC in winter
    assert (cpi.label, cpi.series, cpi.pre_s) == ("CPI", ("KXCPI",), 120.0)
    assert fed.at == 1_782_928_800 * 10**9


def test_init_writes_the_bankroll(file: Path) -> None:
    file.write_text(user_file(2_500_500_000))
    assert config.load(file, {}).settings.risk.bankroll == 2_500_500_000


def test_lines_of_keys_skip_long_strings() -> None:
    text = 'a = 1\n[t]\nb = """\nc = 2\n"""\nd.e = 3\n[[l]]\n"f g" = 4\n[[l]]\n'
    assert key_lines(text) == {
        ("a",): 1, ("t",): 2, ("t", "b"): 3, ("t", "d", "e"): 6,
        ("l",): 7, ("l", "0"): 7, ("l", "0", "f g"): 8, ("l", "1"): 9,
    }  # fmt: skip


HASH = "ab" * 32


def test_a_ticked_relation_is_read_exactly(file: Path) -> None:
    file.write_text(
        f'[[relations]]\nkind = "same_number"\nseries = ["KXCPI", "KXCPIBR"]\nstep = 0.1\nrules_sha256 = ["{HASH}"]\n'
    )
    (relation,) = config.load(file, {}).settings.relations
    ticked = relation.ticked()
    assert (ticked.name, ticked.step, ticked.rules_sha256) == ("KXCPI/KXCPIBR", Decimal("0.1"), (HASH,))
    assert ticked.proved == ""


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ('kind = "same_number"\nseries = ["A"]', "at least two"),
        ('kind = "same_number"\nseries = ["A", "B"]\nevents = ["C", "D"]', "either series or events"),
        ('kind = "nested"\nseries = ["A", "B"]', "innermost first"),
        ('kind = "equal"\nseries = ["A", "B"]', "same_number"),
    ],
)
def test_a_relation_that_binds_nothing_is_refused(file: Path, rows: str, says: str) -> None:
    assert says in mistake(file, f'[[relations]]\n{rows}\nrules_sha256 = ["{HASH}"]\n')


def test_a_relation_needs_what_was_read(file: Path) -> None:
    rows = '[[relations]]\nkind = "nested"\nevents = ["A-1", "A-2"]\n'
    assert "rules_sha256 is missing" in mistake(file, rows)
    assert "64 hex digits" in mistake(file, f'{rows}rules_sha256 = ["nonsense"]\n')
