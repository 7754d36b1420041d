"""A demo is a recording of the real workstation, and of nothing personal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import record_demo


def test_a_story_is_seconds_and_keys() -> None:
    assert record_demo.story("3 a 0.5 ctrl+q") == [(3.0, "a"), (0.5, "\x11")]


@pytest.mark.parametrize("text", ["", "3", "a 3"])
def test_another_story_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="--keys"):
        record_demo.story(text)


def test_a_demo_is_recorded_from_start_to_end(tmp_path: Path, sealed_home: Path) -> None:
    out = tmp_path / "demo.cast"
    assert record_demo.record(out, 100, 30, record_demo.story("4 a 1 ctrl+q 1 s"), ["--seed", "7"])
    header, *rows = (json.loads(line) for line in out.read_text().splitlines())
    assert (header["version"], header["width"], header["height"]) == (2, 100, 30)
    times = [time for time, kind, _ in rows if kind == "o"]
    assert len(times) == len(rows) > 10 and times == sorted(times)
    said = "".join(text for _, _, text in rows)
    assert "PRACTICE" in said and "ARMED" in said
    assert "\x1b[6n" not in said and str(sealed_home) not in said
