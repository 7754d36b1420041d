"""Units, grids and text: what everything else is written in."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_tui.protocol.text import safe_text, safe_ticker
from kalshi_tui.protocol.ticks import STRUCTURES, TickGrid
from kalshi_tui.protocol.units import (
    ONE,
    UnitError,
    format_decimal,
    parse_count,
    parse_decimal,
    parse_money,
    parse_price,
)


@given(value=st.integers(-(10**16), 10**16), places=st.sampled_from([2, 4, 6]))
def test_decimals_round_trip(value: int, places: int) -> None:
    if abs(value) < 10 ** (12 + places):
        assert parse_decimal(format_decimal(value, places), places) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1e3",
        "1E+1",
        "NaN",
        "inf",
        "0.42000001",
        "+1",
        " 1",
        "1 ",
        "1_0",
        "１",
        "0x1",
        "9" * 5000,
        "1.",
        ".5",
    ],
)
def test_texts_that_are_no_plain_decimal(text: str) -> None:
    for parse in (parse_count, parse_money, parse_price):
        with pytest.raises(UnitError):
            parse(text)


def test_prices_are_of_the_yes_leg_and_within_a_dollar() -> None:
    assert [parse_price(text) for text in ("0", "0.42", "0.960", "0.4200", "0.420000", "1.0000")] == [
        0,
        4200,
        9600,
        4200,
        4200,
        ONE,
    ]
    for text in ("-0.01", "1.0001", "0.42005"):
        with pytest.raises(UnitError):
            parse_price(text)


@pytest.mark.parametrize("name", STRUCTURES)
def test_every_known_structure_is_a_grid(name: str) -> None:
    grid = TickGrid.named(name)
    assert grid is TickGrid.of(reversed(STRUCTURES[name]))
    assert all(grid.is_valid(cent) for cent in range(100, ONE, 100))
    assert not grid.is_valid(0) and not grid.is_valid(ONE)
    # Both legs have the same levels: a NO price is one dollar minus a YES price.
    assert grid.prices == tuple(sorted(ONE - price for price in grid.prices))


@given(name=st.sampled_from(sorted(STRUCTURES)), price=st.floats(0, ONE))
def test_rounding_onto_a_grid_is_outward_and_tight(name: str, price: float) -> None:
    grid = TickGrid.named(name)
    below, above = grid.floor(price), grid.ceil(price)
    assert below is None or (below <= price and grid.is_valid(below))
    assert above is None or (above >= price and grid.is_valid(above))
    if below is not None and above is not None and below != above:
        assert grid.levels_between(below, above) == 1


@given(st.text())
def test_safe_text_holds_nothing_a_terminal_acts_on(raw: str) -> None:
    cleaned = safe_text(raw)
    assert all(char.isprintable() or unicodedata.category(char) == "Zs" for char in cleaned)
    assert len(cleaned) <= 200
    assert safe_text(cleaned) == cleaned


def test_tickers_reach_files_and_screens() -> None:
    assert safe_ticker("KXHIGHNY-26NOV22-B54.5") == "KXHIGHNY-26NOV22-B54.5"
    for wrong in ("", "a", "A/B", "..", "A" * 81, "A\n", "А-1"):
        with pytest.raises(ValueError, match="not a ticker"):
            safe_ticker(wrong)
