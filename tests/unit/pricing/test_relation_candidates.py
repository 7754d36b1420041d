"""What ``kalshi-tui relations`` offers to read, and that the pasted table is what the desk then accepts."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from kalshi_tui import config
from kalshi_tui.cli import relations as command
from kalshi_tui.kernel.relations_links import find_links
from kalshi_tui.pricing.relation_candidates import blocks, candidates, toml_block
from kalshi_tui.protocol.market import Market, StrikeType
from kalshi_tui.protocol.relations import MarketRules, RelationKind, market_rules
from kalshi_tui.protocol.text import SafeText

END = 10**18


def market(series: str, month: str, name: str, **fields: object) -> Market:
    event = f"{series}-{month}"
    base = Market(
        f"{event}-{name}", event, series, close_time=END, rules_primary=SafeText(f"{series} {month} {name}")
    )
    return replace(base, yes_sub_title=SafeText(name), **fields)


CPI = [
    market("KXCPI", "JAN", "T0.2", strike_type=StrikeType.GREATER, floor_strike=0.2),
    market("KXCPI", "JAN", "T0.3", strike_type=StrikeType.GREATER, floor_strike=0.3),
    market("KXCPIBR", "JAN", "B0.3", strike_type=StrikeType.BETWEEN, floor_strike=0.3, cap_strike=0.3),
]
BY_DATE = [
    market("KXACT", "JUN", "passes", close_time=END),
    market("KXACT", "DEC", "passes", close_time=2 * END),
]


def rules(markets: list[Market], sources: tuple[str, ...] = ("BLS",)) -> list[MarketRules]:
    return [market_rules(one, sources) for one in markets]


def test_one_number_and_a_later_end_are_offered_with_the_inner_event_first() -> None:
    found = list(candidates(rules([*CPI, *reversed(BY_DATE)])))
    assert [(one.kind, one.events) for one in found] == [
        (RelationKind.SAME_NUMBER, ("KXCPI-JAN", "KXCPIBR-JAN")),
        (RelationKind.NESTED, ("KXACT-JUN", "KXACT-DEC")),
    ]


def test_other_sources_ends_or_strikes_are_not_offered() -> None:
    ladder, bracket = rules(CPI[:2]), rules(CPI[2:])
    assert list(candidates([*ladder, *rules(CPI[2:], ("Cleveland Fed",))])) == []
    assert list(candidates([*ladder, replace(bracket[0], ends=END + 1)])) == []
    assert list(candidates([*ladder, replace(bracket[0], floor_strike=0.7, cap_strike=0.7)])) == []
    assert len(list(candidates([*ladder, *bracket]))) == 1


@pytest.mark.parametrize("markets", [CPI, BY_DATE])
def test_the_pasted_table_puts_the_relation_in_force(markets: list[Market], tmp_path: Path) -> None:
    ((_, group),) = blocks(list(candidates(rules(markets)))).items()
    file = tmp_path / "config.toml"
    file.write_text(toml_block(group))
    (relation,) = config.load(file, {}).settings.relations
    facts: dict[str, list[Market]] = {}
    for one in markets:
        facts.setdefault(one.event_ticker, []).append(one)
    (link,) = find_links((relation.ticked(),), facts, {})
    assert link.space is not None and not link.off
    facts[markets[-1].event_ticker][-1] = replace(markets[-1], rules_primary=SafeText("other"))
    (link,) = find_links((relation.ticked(),), facts, {})
    assert "changed since they were read" in link.off


def test_months_of_the_same_series_share_one_table() -> None:
    february = [
        replace(m, event_ticker=m.event_ticker.replace("JAN", "FEB"), close_time=2 * END) for m in CPI
    ]
    renamed = [replace(m, rules_primary=SafeText(f"{m.rules_primary} Feb")) for m in february]
    ((names, group),) = blocks(list(candidates(rules([*CPI, *renamed])))).items()
    assert names == ("KXCPI", "KXCPIBR") and len(group) == 2
    assert len(tomllib.loads(toml_block(group))["relations"][0]["rules_sha256"]) == 6


def test_the_command_prints_both_rules_in_full_and_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_of_desk", lambda venue: rules(CPI))
    said = CliRunner().invoke(command.relations, []).output
    for one in CPI:
        assert one.rules_primary in said
    assert "same_number: KXCPI-JAN and KXCPIBR-JAN (not ticked)" in said and "[[relations]]" in said


def test_series_of_practice_are_refused_with_what_to_do() -> None:
    result = CliRunner().invoke(command.relations, ["PRCPI", "--venue", "practice"])
    assert result.exit_code != 0 and "leave them out" in result.output
