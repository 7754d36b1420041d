"""What a fault plan may say, and the one sentence for what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from kalshi_tui.cli.exchange import exchange
from kalshi_tui.cli.main import main
from kalshi_tui.practice.faults_kinds import KINDS, Fault
from kalshi_tui.practice.faults_read import PlanError, parse_plan, read_plan
from kalshi_tui.protocol.units import MILLISECOND, SECOND

pytestmark = pytest.mark.fault


def row(text: str) -> Fault:
    (fault,) = parse_plan(f"[[fault]]\n{text}", "p.toml")
    return fault


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("drop@10s", Fault(KINDS["drop"], 10 * SECOND, "drop@10s", times=1)),
        ("dup@15s:3", Fault(KINDS["dup"], 15 * SECOND, "dup@15s", times=3)),
        ("silence@1.5s+6s", Fault(KINDS["silence"], 1500 * MILLISECOND, "silence@1.5s", 6 * SECOND)),
        ("lose@5+1s/1m", Fault(KINDS["lose"], 5 * SECOND, "lose@5", SECOND, 60 * SECOND)),
        ("pause@0s+5s", Fault(KINDS["pause"], 0, "pause@0s", 5 * SECOND, times=1)),
        ("slow@1h", Fault(KINDS["slow"], 3600 * SECOND, "slow@1h", times=1, by=SECOND)),
    ],
)
def test_the_short_form(text: str, expected: Fault) -> None:
    assert read_plan(text) == [expected]


def test_a_list_of_short_forms_and_the_second_of_a_name_is_called_so() -> None:
    labels = [fault.label for fault in read_plan("drop@1s, lose@2s:2 ,drop@1s")]
    assert labels == ["drop@1s", "lose@2s", "drop@1s#2"]


def test_a_file_says_everything(tmp_path: Path) -> None:
    path = tmp_path / "bad@day.toml"
    path.write_text(
        '[[fault]]\ndo = "unanswered"\nat = 2.5\nfor = "4s"\nevery = "10s"\ntimes = 7\nshare = 0.25\n'
        'path = "POST /portfolio/*"\nby = "300ms"\n\n[[fault]]\ndo = "void"\nat = "1m"\nmarket = "KXCPI*"\n'
    )
    assert read_plan(str(path)) == [
        Fault(
            KINDS["unanswered"],
            2500 * MILLISECOND,
            "unanswered@2.5",
            4 * SECOND,
            10 * SECOND,
            7,
            0.25,
            path="POST /portfolio/*",
            by=300 * MILLISECOND,
        ),
        Fault(KINDS["void"], 60 * SECOND, "void@1m", times=1, market="KXCPI*"),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('do = "drp"\nat = 1', "p.toml:2: do was 'drp'; expected one of drop, hangup"),
        ('do = "drp"\nat = 1', "the nearest is drop"),
        ("at = 1", "p.toml:1: do is missing; expected one of drop"),
        ('do = "drop"', "p.toml:1: at is missing; expected a time since the exchange is ready"),
        ('do = "drop"\nat = "soon"', "p.toml:3: at was 'soon'; expected a time such as 500ms, 10s or 2m"),
        ('do = "drop"\nat = -1', "p.toml:3: at was -1; expected a time"),
        ('do = "drop"\nat = nan', "p.toml:3: at was nan; expected a time"),
        ('do = "drop"\nat = 1e99', "p.toml:3: at was 1e+99; expected a time"),
        ('do = "drop"\nat = true', "p.toml:3: at was True; expected a time"),
        ('do = "drop"\nat = 1\nfor = 0', "p.toml:4: for was 0; expected a time above zero"),
        (
            'do = "lose"\nat = 1\nfor = 5\nevery = 5',
            "p.toml:5: every was 5; expected a longer time than `for`",
        ),
        (
            'do = "lose"\nat = 1\nshare = 0',
            "p.toml:4: share was 0; expected a probability above 0, at most 1",
        ),
        ('do = "lose"\nat = 1\nshare = 1.5', "p.toml:4: share was 1.5; expected a probability"),
        ('do = "lose"\nat = 1\nshare = nan', "p.toml:4: share was nan; expected a probability"),
        (
            'do = "lose"\nat = 1\ntimes = 0',
            "p.toml:4: times was 0; expected a whole number from 1 to 1000000",
        ),
        ('do = "lose"\nat = 1\ntimes = 1.5', "p.toml:4: times was 1.5; expected a whole number"),
        ('do = "lose"\nat = 1\nmarket = ""', "p.toml:4: market was ''; expected a text in which *"),
        ('do = "silence"\nat = 1', "p.toml:1: for is missing; expected how long it lasts"),
        ('do = "drop"\nat = 1\nmarket = "A"', "p.toml:4: drop takes no market; it takes do, at, for, every"),
        ('do = "lose"\nat = 1\nmarkt = "A"', "p.toml:4: unknown key markt; the nearest valid one is market"),
        ("do = \x1b", "p.toml: not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(PlanError) as error:
        row(text)
    assert sentence in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "there is no fault in it; begin each with a line [[fault]]"),
        ("[fault]\nat = 1", "p.toml:1: there is no fault in it"),
        ("[[faults]]\nat = 1", "p.toml:1: unknown key faults; the nearest valid one is fault"),
    ],
)
def test_a_file_without_faults(text: str, sentence: str) -> None:
    with pytest.raises(PlanError) as error:
        parse_plan(text, "p.toml")
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("drop", "drop: no such file or directory; name a TOML file"),
        ("drop10s@", "--faults: drop10s@: that is no fault; write NAME@AT"),
        ("drp@1s", "--faults: drp@1s: do was 'drp'"),
        ("drop@1s,", "--faults: : that is no fault"),
        ("drop@1s:3", "drop takes no times"),
        ("lose@1s:9999999999", "times was 9999999999"),
        (" " * 5000 + "@", "file name too long"),
        ("\x1b[31m@1s", "that is no fault"),
    ],
)
def test_the_command_line_says_it_in_one_sentence_and_exits_2(
    text: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["kalshi-tui", "exchange", "--faults", text])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert sentence in err
    assert len(err.splitlines()) == 1 and "\x1b" not in err
    assert out == ""


def test_a_folder_and_odd_bytes_are_no_plans(tmp_path: Path) -> None:
    (tmp_path / "odd").write_bytes(b"\xff\xfe")
    for path, words in ((tmp_path, "is a directory"), (tmp_path / "odd", "byte 0 is not UTF-8")):
        with pytest.raises(PlanError) as error:
            read_plan(str(path))
        assert words in str(error.value)


def test_the_help_names_every_fault() -> None:
    said = CliRunner().invoke(exchange, ["--help"]).output
    assert all(f"{name} " in said for name in KINDS)
