"""Statistical pairs from recordings: what hangs together is found, what merely wanders is refused."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from calibrate_kit import CENTS, START, frame, row
from click.testing import CliRunner, Result

from kalshi_tui.cli.calibrate import calibrate
from kalshi_tui.kernel.sampling_state import begin
from kalshi_tui.protocol.units import CENT, ONE, SECOND
from kalshi_tui.research import calibrate_m3
from kalshi_tui.research.calibrate_file import CalibrationError, accepted, read
from kalshi_tui.research.calibrate_m3 import benjamini_hochberg, common, sampled, try_pairs
from kalshi_tui.research.calibrate_tape import State, Watched

pytest.importorskip("statsmodels")
HOURS = 3
SAMPLES = HOURS * 360


def line(seed: int, phi: float = 1.0, sd: float = 0.02) -> list[float]:
    """Log-odds every ten seconds: a walk, or an AR(1) around 0."""
    draw = Random(seed)
    found, value = [], 0.0
    for _ in range(SAMPLES):
        value = phi * value + draw.gauss(0.0, sd)
        found.append(value)
    return found


def cents(log_odds: float) -> float:
    """Fine prices, so that rounding does not drown the habit."""
    return ONE / (1.0 + float(np.exp(-log_odds)))


def observed(ticker: str, values: list[float], event: str = "", offset: int = 0) -> Watched:
    """One state every ten seconds with all the depth at the price."""
    states = []
    for number, value in enumerate(values):
        price = round(cents(value))
        at = number * 10 * SECOND
        states.append(
            State(at, True, 2 * price, price - CENT, 50, price + CENT, 50, 0.5, 2, CENT, False, 1.0, 1.0)
        )
    return Watched(ticker, event or ticker, "S", CENTS, [states], 0, 0, [offset])


def family() -> list[Watched]:
    """A and B share a walk; C and D walk by themselves."""
    walk, habit = line(1), line(2, 0.9)
    both = [0.8 * a + b for a, b in zip(walk, habit, strict=True)]
    return [observed("A", walk), observed("B", both), observed("C", line(3)), observed("D", line(4))]


def test_the_pair_that_hangs_together_is_the_one_that_passes() -> None:
    tests, short = try_pairs(family())
    assert len(tests) == 6 and short == 0
    passed = [test for test in tests if not test.refusal]
    assert [(test.y, test.x) for test in passed] == [("A", "B")]
    (found,) = passed
    assert found.beta == pytest.approx(1 / 0.8, abs=0.3)
    assert 30.0 < found.half_life_s < 200.0, "phi 0.9 halves in 66 s"
    spec = found.spec()
    (run,) = begin((spec,))
    assert run.pair.beta == spec.beta and run.pair.half_life_s == pytest.approx(spec.half_life_s)


def test_walks_of_their_own_are_refused_in_every_seed() -> None:
    """Twelve unrelated walks, 66 pairs: uncorrected, three or four would pass."""
    tests, _ = try_pairs([observed(f"M{i:02}", line(100 + i)) for i in range(12)])
    assert len(tests) == 66
    assert sum(test.p < 0.05 for test in tests) >= 1, "the correction has nothing to do here"
    assert [test for test in tests if not test.refusal] == []


def test_our_p_value_is_statsmodels_own() -> None:
    watched = family()[:2]
    tests, _ = try_pairs(watched)
    rows = common(sampled(watched[0]), sampled(watched[1]))
    y, x = np.array(rows).T
    coint = importlib.import_module("statsmodels.tsa.stattools").coint
    assert tests[0].p == pytest.approx(float(coint(y, x)[1]))


def test_adjusted_p_values_are_benjamini_and_hochbergs() -> None:
    p = [0.01, 0.02, 0.03, 0.04, 0.05, 0.9]
    multiple = importlib.import_module("statsmodels.stats.multitest").multipletests
    assert benjamini_hochberg(p) == pytest.approx(list(multiple(p, method="fdr_bh")[1]))
    assert benjamini_hochberg([]) == []


def test_markets_of_one_event_are_no_pair_and_few_samples_are_none() -> None:
    walk = line(1)
    assert try_pairs([observed("A", walk, "E"), observed("B", walk, "E")]) == ([], 0)
    assert try_pairs([observed("A", walk), observed("B", line(2)[:400])]) == ([], 1)


def test_events_tails_and_holes_leave_no_sample() -> None:
    market = observed("A", [0.0, 0.0, 5.0, 0.0])
    state = market.segments[0][1]
    market.segments[0][1] = State(
        state.at, True, state.mid2, state.bid, 50, state.ask, 50, 0.5, 2, CENT, True, 1.0, 1.0
    )
    assert sorted(sampled(market)) == [0, 3]
    far = dict.fromkeys((*range(5), *range(20, 40)), 0.0)
    assert len(common(far, far)) == 20


def test_recordings_meet_on_the_wall_clock() -> None:
    """Two boots, two monotonic clocks, one hour apart on the wall: nothing is in common by accident."""
    a, b = observed("A", line(1), offset=START), observed("B", line(2), offset=START + 24 * 3600 * SECOND)
    assert common(sampled(a), sampled(b)) == []


def tape(path: Path, seed: int = 7) -> Path:
    """Two markets of two events on one whole subscription, a state every ten seconds."""
    walk, habit = line(seed, sd=0.04), line(seed + 1, 0.8, 0.05)
    lines, seq = [], 0
    for number in range(SAMPLES):
        for second in (0, 4, 8):
            at = START + (number * 10 + second) * SECOND
            for ticker, value in (("KXA-1-T", walk[number]), ("KXB-1-T", walk[number] + habit[number])):
                seq += 1
                bid = min(max(round(cents(value) / CENT) - 1, 4), 94)
                lines.append(row(at, frame(ticker, seq, bid, 50, bid + 2, 50)))
    path.write_text("".join(lines))
    return path


def run(*args: object) -> Result:
    return CliRunner().invoke(calibrate, [str(arg) for arg in args], standalone_mode=False)


def test_the_command_leaves_a_file_that_a_desk_takes(tmp_path: Path) -> None:
    out = tmp_path / "m3.json"
    result = run(tape(tmp_path / "t.ndjson"), "--engine", "m3", "--out", out, "--json")
    assert result.return_value == 0, result.stderr
    lines: list[dict[str, Any]] = [json.loads(text) for text in result.stdout.splitlines()]
    assert [one["type"] for one in lines] == ["pair", "summary"]
    assert lines[0]["blessed"] and lines[-1]["blessed"], lines
    (calibration,) = accepted([out])
    (pair,) = calibration.pairs
    assert (pair.y, pair.x) == ("KXA-1-T", "KXB-1-T") and lines[-1]["pairs"][0]["y"] == pair.y
    assert len(read(out).comparisons) == 1


def test_a_file_without_a_pair_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate_m3, "LARGEST_P", 0.0)
    out = tmp_path / "m3.json"
    result = run(tape(tmp_path / "t.ndjson"), "--engine", "m3", "--out", out)
    assert (
        result.return_value == 0
        and "REFUSED" in result.stdout
        and "of 1 pair tried none passes" in result.stdout
    )
    with pytest.raises(CalibrationError, match="was refused"):
        accepted([out])


def test_without_statsmodels_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    path = tape(tmp_path / "t.ndjson")
    monkeypatch.setattr(importlib, "import_module", missing)
    result = run(path, "--engine", "m3")
    assert result.return_value == 1 and "pip install 'kalshi-tui[research]'" in result.stderr
