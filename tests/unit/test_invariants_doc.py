"""Every test that docs/invariants.md names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def test_the_named_tests_exist() -> None:
    rows = [row for row in (ROOT / "docs" / "invariants.md").read_text().splitlines() if row.startswith("|")]
    named = [found for row in rows for found in NAMED.findall(row)]
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not re.search(rf"^(async )?(def|class) {name}\b", (ROOT / "tests" / path).read_text(), re.M)
    ]
    assert missing == []
    assert all(NAMED.search(row) for row in rows if not row.startswith(("| ---", "| invariant")))
