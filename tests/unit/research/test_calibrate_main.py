"""The command from tapes to a file, and from the file to a desk: only what was blessed gets there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from calibrate_kit import tapes
from click.testing import CliRunner, Result

from kalshi_tui.cli.calibrate import calibrate
from kalshi_tui.cli.common import Fault
from kalshi_tui.cli.replay import replay
from kalshi_tui.desk import plan
from kalshi_tui.kernel.calibration import Calibration
from kalshi_tui.kernel.kernel import Kernel
from kalshi_tui.kernel.settings import KernelSettings
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.pricing.regime import RegimeParams
from kalshi_tui.protocol.events import MarketsRead
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Market
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import DOLLAR
from kalshi_tui.research.calibrate_file import CalibrationError, CalibrationFile, accepted, read, write
from kalshi_tui.risk.chain import RiskParams


def run(*args: object) -> Result:
    return CliRunner().invoke(calibrate, [str(arg) for arg in args], standalone_mode=False)


def json_lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def blessed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("blessed")
    out = folder / "m1.json"
    result = run(*tapes(folder, 8), "--engine", "m1", "--out", out, "--json", "--seed", 3)
    assert result.return_value == 0, result.stderr
    return out, json_lines(result)


def refuse(path: Path, file: CalibrationFile, **changes: Any) -> Path:
    write(path, msgspec.structs.replace(file, **({"blessed": False, "reason": "it was no better"} | changes)))
    return path


def test_lines_folds_comparisons_summary(blessed: tuple[Path, list[dict[str, Any]]]) -> None:
    out, lines = blessed
    assert [line["type"] for line in lines] == ["fold"] * 7 + ["comparison"] * 2 + ["summary"]
    stamps = [line["ts_ms"] for line in lines]
    assert stamps == sorted(stamps)
    assert {c["against"] for c in lines[7:9]} == {"mid", "weighted mid"}
    summary = lines[-1]
    assert (summary["blessed"], summary["reason"], summary["seed"]) == (True, "", 3)
    assert (summary["out"], summary["exit"], summary["series"]) == (str(out), 0, ["KXTEST"])


def test_the_file_says_what_it_was_measured_on(blessed: tuple[Path, list[dict[str, Any]]]) -> None:
    out, lines = blessed
    file = read(out)
    assert (file.engine, file.blessed, file.measured.series) == ("m1", True, ("KXTEST",))
    assert file.data.events == tuple(f"KXTEST-26E{n}" for n in range(8))
    assert [len(tape.sha256) for tape in file.data.tapes] == [64] * 8
    assert len({tape.sha256 for tape in file.data.tapes}) == 8
    assert file.parameters["seed"] == 3 and file.parameters["horizon_s"] == 30.0
    assert len(file.folds) == 7 and len(file.comparisons) == 2
    assert out.stat().st_mode & 0o777 == 0o600
    assert accepted([out]) == (file.measured,)
    assert json.loads(msgspec.json.encode(file.measured.table)) == lines[-1]["table"]


def test_a_refused_fit_is_a_result_and_never_loads(tmp_path: Path) -> None:
    out = tmp_path / "m1.json"
    result = run(*tapes(tmp_path, 3, telling=False), "--engine", "m1", "--out", out)
    assert result.return_value == 0
    assert "REFUSED, not for trading: 2 held-out events can show nothing" in result.stdout
    assert "against mid: squared error" in result.stdout and "[95 %: " in result.stdout
    assert not read(out).blessed
    with pytest.raises(CalibrationError, match="was refused and is not traded on: 2 held-out events"):
        accepted([out])


def test_a_blessing_that_contradicts_its_reason_does_not_load(
    tmp_path: Path, blessed: tuple[Path, list[dict[str, Any]]]
) -> None:
    forged = refuse(tmp_path / "x.json", read(blessed[0]), blessed=True)
    with pytest.raises(CalibrationError, match="was refused"):
        accepted([forged])


def test_m2_writes_thresholds(tmp_path: Path) -> None:
    out = tmp_path / "m2.json"
    result = run(*tapes(tmp_path, 3), "--engine", "m2", "--out", out, "--json")
    assert [line["type"] for line in json_lines(result)] == ["fold"] * 2 + ["comparison"] * 2 + ["summary"]
    file = read(out)
    assert file.measured.regime is not None and file.measured.table is None
    assert set(file.folds[0]["confusion"]) >= {"jump_active", "jump_calm", "quiet_active", "quiet_calm"}


def test_nothing_but_a_calibration_is_replaced(tmp_path: Path) -> None:
    (tape,) = tapes(tmp_path, 1)
    before = tape.read_bytes()
    result = run(tape, "--engine", "m1", "--out", tape)
    assert result.return_value == 1
    assert "exists and is no calibration; name another file with --out" in result.stderr
    assert tape.read_bytes() == before
    result = run(tape, "--engine", "m1", "--out", tmp_path / "none" / "x.json")
    assert result.return_value == 1 and "there is no such folder" in result.stderr
    again = [run(tape, "--engine", "m1", "--out", tmp_path / "x.json").return_value for _ in range(2)]
    assert again == [0, 0]


def test_a_damaged_tape_is_said_measured_and_marked(tmp_path: Path) -> None:
    paths = tapes(tmp_path, 2)
    paths[1].write_text(paths[1].read_text() + "{torn")
    result = run(*paths, "--engine", "m1", "--json")
    assert result.return_value == 1
    assert "row 501" in result.stderr and "What came before it is measured" in result.stderr
    summary = json_lines(result)[-1]
    assert summary["exit"] == 1 and "a tape is damaged" in summary["assumptions"][-1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read .no such file"),
        ("no json", "no calibration"),
        ('{"calibration": 2}', "of form 2, and this program reads 1"),
        ('{"calibration": 1}', "no calibration"),
    ],
)
def test_a_file_that_is_no_calibration(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "x.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CalibrationError, match=words):
        accepted([path])


def test_a_table_that_is_not_antisymmetric_does_not_load(
    tmp_path: Path, blessed: tuple[Path, list[dict[str, Any]]]
) -> None:
    body = json.loads(blessed[0].read_text())
    body["measured"]["table"]["rows"][0][0] += 0.5
    path = tmp_path / "x.json"
    path.write_text(json.dumps(body))
    with pytest.raises(CalibrationError, match="antisymmetric"):
        accepted([path])


def test_two_files_for_the_same_markets_are_refused(
    tmp_path: Path, blessed: tuple[Path, list[dict[str, Any]]]
) -> None:
    file = read(blessed[0])
    other, second = tmp_path / "other.json", tmp_path / "second.json"
    write(other, file)
    with pytest.raises(CalibrationError, match="both calibrate m1 for KXTEST: name one of them"):
        accepted([blessed[0], other])
    write(second, msgspec.structs.replace(file, engine="m2"))
    assert len(accepted([blessed[0], second])) == 2


def test_the_command_line_names_the_setting_of_a_refused_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blessed: tuple[Path, list[dict[str, Any]]]
) -> None:
    refused = refuse(tmp_path / "no.json", read(blessed[0]))
    monkeypatch.setenv("KALSHI_TUI__ENGINES__CALIBRATIONS", str(refused))
    args = [str(tmp_path / "any.ndjson"), "--no-ui"]
    fault = CliRunner().invoke(replay, args, standalone_mode=False).exception
    assert isinstance(fault, Fault)
    assert fault.code == 2
    assert f"engines.calibrations: {refused}: this calibration was refused" in fault.message
    assert "it was no better" in fault.message


def market(ticker: str, grid: str = "linear_cent") -> Market:
    return Market(ticker, ticker.rpartition("-")[0], grid=TickGrid.named(grid))


def test_a_desk_uses_it_for_the_measured_markets_alone(
    blessed: tuple[Path, list[dict[str, Any]]],
) -> None:
    (measured,) = accepted([blessed[0]])
    assert measured.table is not None
    regime = Calibration(measured.series, measured.bands, regime=RegimeParams(up=2.0))
    settings = KernelSettings(
        venue="replay", execution="paper", mode="REPLAY", boot="b", risk=RiskParams.from_bankroll(100 * DOLLAR),
        calibrations=(measured, regime),
    )  # fmt: skip
    now = Instant(0, 0)
    kernel = Kernel(settings, BookFeed(), now)
    names = ("KXTEST-26E9-T", "KXOTHER-26E9-T")
    kernel.apply(MarketsRead(now, (*map(market, names), market("KXTEST-26E9-F", "deci_cent"))))
    tables = {ticker: held.features.table for ticker, held in kernel.state.markets.items()}
    assert tables == {"KXTEST-26E9-T": measured.table, "KXOTHER-26E9-T": None, "KXTEST-26E9-F": None}
    ups = [settings.regime_of(held.facts).up for held in kernel.state.markets.values()]
    assert ups == [2.0, RegimeParams().up, RegimeParams().up]
    # Its ticks are others now: the table no longer speaks of this market.
    kernel.apply(MarketsRead(now, (market("KXTEST-26E9-T", "deci_cent"),)))
    assert kernel.state.markets["KXTEST-26E9-T"].features.table is None


def test_it_travels_to_the_desk_process_unchanged(blessed: tuple[Path, list[dict[str, Any]]]) -> None:
    one = plan.Plan("practice", "venue", "m1", {}, 100 * DOLLAR, calibrations=accepted([blessed[0]]))
    assert plan.decode(plan.encode(one)) == one
