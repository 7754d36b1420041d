"""Bodies of the practice catalogue against the official specification."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
import yaml

from kalshi_tui.practice.catalog_macro import MacroFamily
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.scenarios import scenario, scenario_names
from kalshi_tui.practice.world import World
from kalshi_tui.protocol.text import safe_text, safe_ticker
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import SECOND

START = 1_795_000_000 * SECOND


@pytest.fixture(scope="module")
def schemas(shared_reference: Path) -> dict[str, Any]:
    text = gzip.decompress((shared_reference / "openapi.yaml.gz").read_bytes())
    loaded: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    found: dict[str, Any] = loaded["components"]["schemas"]
    return found


def listed(name: str) -> Exchange:
    exchange = Exchange(seed=1)
    World(exchange, 1, name, start=START)
    return exchange


def check(body: dict[str, Any], schema: dict[str, Any]) -> None:
    missing = [field for field in schema["required"] if field not in body]
    assert not missing, missing
    for field, value in body.items():
        allowed = schema["properties"].get(field, {}).get("enum")
        assert allowed is None or value in allowed, (field, value)
    unknown = [field for field in body if field not in schema["properties"]]
    assert not unknown, unknown


@pytest.mark.parametrize("name", scenario_names())
def test_every_body_has_the_official_fields(name: str, schemas: dict[str, Any]) -> None:
    exchange = listed(name)
    for series in exchange.series.values():
        check(series, schemas["Series"])
    for event in exchange.events.values():
        check(event, schemas["EventData"])
    for market in exchange.markets.values():
        check(market.body, schemas["Market"])
    for milestone in exchange.milestones:
        check(milestone, schemas["Milestone"])


def test_texts_are_clean_and_say_practice() -> None:
    exchange = listed("default")
    for market in exchange.markets.values():
        body = market.body
        assert safe_ticker(body["ticker"]) == body["ticker"]
        for field in ("title", "yes_sub_title", "rules_primary", "rules_secondary"):
            assert body[field] and safe_text(body[field], 2_000) == body[field]
        assert "ractice" in body["rules_primary"]
        assert TickGrid.from_ranges(body["price_ranges"]) == TickGrid.named(body["price_level_structure"])


def test_brackets_are_contiguous_and_cover_everything() -> None:
    exchange = listed("default")
    bodies = [m.body for m in exchange.markets.values() if m.event_ticker == "PRCPIBR-26NOV"]
    assert [b["strike_type"] for b in bodies] == ["less", "between", "between", "between", "greater"]
    assert bodies[0]["cap_strike"] == bodies[1]["floor_strike"] == 0.2
    assert bodies[-2]["cap_strike"] == bodies[-1]["floor_strike"] == 0.4
    middle = [(b["floor_strike"], b["cap_strike"]) for b in bodies[1:-1]]
    assert middle == [(0.2, 0.2), (0.3, 0.3), (0.4, 0.4)]


@pytest.mark.parametrize("name", ["default", "cpi-day", "calm"])
def test_the_whole_uncertainty_does_not_depend_on_the_schedule(name: str) -> None:
    ladder, _, fed = MacroFamily(scenario(name), "seed", lambda at: START + at).listings(0)
    assert ladder.number.latent.remaining(0, ladder.times.prints) == pytest.approx(0.11**2)
    parent = fed.number.latent.parent
    assert parent is ladder.number.latent
    assert fed.number.latent.remaining(0, fed.times.prints) >= 10.9**2 + (80.0 * 0.11) ** 2 - 1e-9


def test_tickers_name_their_own_strikes() -> None:
    exchange = listed("default")
    for market in exchange.markets.values():
        code = market.ticker.rsplit("-", 1)[1]
        if code.startswith("T"):
            assert float(code[1:]) == market.body["floor_strike"]
