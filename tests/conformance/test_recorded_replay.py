"""Recorded days through the whole desk: books true, fills honest, every number reconciled, every run the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kalshi_tui.protocol.units import DOLLAR
from kalshi_tui.research.replay import Replay, ReplayOptions
from kalshi_tui.research.replay_main import replay_settings

GOLD = ("050800-00", "101815-15", "102030-30", "102045-45", "102130-30")
BITCOIN = ("1333Z", "1541Z")
SHORT = ("050800-00", "102030-30", "1541Z")
"""Replayed twice: long enough to decide thousands of times."""


def run(
    shared_data: Path, name: str, on_line: Callable[[str, int, dict[str, object]], None] | None = None
) -> Replay:
    if name in GOLD:
        tape = shared_data / "gold15m" / f"KXGOLD15M-26AUG{name}.ndjson.gz"
        event = shared_data / "gold15m" / f"KXGOLD15M-26AUG{name.split('-')[0]}.event.json"
        events: tuple[Path, ...] = (event,)
        structure = ""
    else:
        tape = next((shared_data / "btc15m").glob(f"*{name}*.gz"))
        events, structure = (), "tapered_deci_cent"
    settings = replay_settings("m0", {}, 10_000 * DOLLAR, True)
    replay = Replay(
        ReplayOptions((tape,), settings, events, structure), on_line or (lambda kind, ts, fields: None)
    )
    for _ in replay.steps():
        pass
    return replay


@pytest.mark.parametrize("name", GOLD + BITCOIN)
def test_a_recorded_market_quoted_by_m0(shared_data: Path, name: str) -> None:
    summary = run(shared_data, name).summary()
    for never in (
        "negative_levels",
        "crossed_settled",
        "book_mismatches",
        "gaps",
        "invalid_frames",
        "orders_unknown",
    ):
        assert summary[never] == 0, never
    assert summary["unreconciled"] == 0
    assert summary["orders_live"] == 0
    assert int(str(summary["decisions"])) > 100
    assert int(str(summary["fills"])) > 0
    if name in SHORT:
        again = run(shared_data, name).summary()
        assert again["decisions_hash"] == summary["decisions_hash"]
        assert again["final_books"] == summary["final_books"]


def test_nothing_of_the_future_is_told(shared_data: Path) -> None:
    """The event file was fetched after settlement; the desk must not see its result or status before their time."""
    replay = run(shared_data, "102045-45")
    facts = replay.kernel.state.markets["KXGOLD15M-26AUG102045-45"].facts
    body = json.loads((shared_data / "gold15m" / "KXGOLD15M-26AUG102045.event.json").read_bytes())["response"]
    assert body["markets"][0]["result"] in ("yes", "no")
    assert facts.result == "" and facts.settlement_value is None and facts.last_price is None
    assert facts.status.value in ("active", "closed")
