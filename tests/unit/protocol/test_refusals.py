"""Every refusal code of the program has its sentence, and no sentence is left over."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import kalshi_tui
from kalshi_tui.protocol.refusals import MEANING, explained

CODE = re.compile(r"(GATE|CTRL|R[0-3])_[A-Z0-9_]+")
ROOMS = ("execution", "kernel", "risk")


def codes_of_the_program() -> set[str]:
    """Every string in the rooms that judge orders which has the form of a code."""
    found = {"BUDGET"}
    source = Path(kalshi_tui.__file__).parent
    for room in ROOMS:
        for path in sorted((source / room).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and CODE.fullmatch(node.value)
                ):
                    found.add(node.value)
    return found | {f"{engine}_FAILED" for engine in ("CONTROLS", "R0", "R1", "R2", "R3")}


def test_every_code_has_a_sentence_and_every_sentence_a_code() -> None:
    assert set(MEANING) == codes_of_the_program()


def test_refusals_are_explained_most_frequent_first() -> None:
    lines = explained({"R0_CASH": 2, "R9_X": 1, "GATE_BOOK": 7})
    assert [line.partition(":")[0] for line in lines] == ["7 × GATE_BOOK", "2 × R0_CASH", "1 × R9_X"]
    assert "order book" in lines[0] and "another version" in lines[2]
