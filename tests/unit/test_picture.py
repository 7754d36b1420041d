"""The picture of the README: every letter, line and bar in its own cells, whatever font or renderer shows it."""

from __future__ import annotations

import re

import pytest
from screenshot import CELL, portable


def drawn(content: str, x: float = 24.4) -> str:
    """A run of the screen on its third line, as the library writes it."""
    length = len(content) * CELL
    return portable(
        f'<text class="r1" x="{x}" y="68.8" textLength="{length:.1f}" clip-path="url(#l)">{content}</text>'
    )


def spans(svg: str) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of every path."""
    found = []
    for path in re.findall(r' d="([^"]+)"', svg):
        numbers = [
            (kind, [float(n) for n in rest.split()]) for kind, rest in re.findall(r"([MHVQ])([^A-Z]+)", path)
        ]
        xs = [
            n
            for kind, values in numbers
            for n in (values[::2] if kind in "MQ" else values if kind == "H" else ())
        ]
        ys = [
            n
            for kind, values in numbers
            for n in (values[1::2] if kind in "MQ" else values if kind == "V" else ())
        ]
        found.append((min(xs), min(ys), max(xs), max(ys)))
    return found


def test_blanks_place_the_words_after_them_and_are_not_written() -> None:
    svg = drawn("&#160; bid &amp;  41")
    assert re.findall(r'x="([\d.]+)"[^>]*>([^<]+)<', svg) == [
        ("48.8", "bid"),
        ("97.6", "&amp;"),
        ("134.2", "41"),
    ]
    assert re.findall(r'textLength="([\d.]+)"', svg) == ["36.6", "12.2", "24.4"]


@pytest.mark.parametrize(
    ("glyphs", "place"),
    [
        ("────", (24.4, 61.8, 73.2, 63.2)),  # through the middle of its four cells
        ("████", (24.4, 50.3, 73.2, 74.7)),  # all of them
        ("▂", (24.4, 68.6, 36.6, 74.7)),  # the lowest quarter
        ("▎", (24.4, 50.3, 27.4, 74.7)),  # the leftmost quarter
        ("▒", (24.4, 50.3, 36.6, 74.7)),
        ("╭", (29.8, 61.8, 36.6, 74.7)),  # to the right and down
        ("╯", (24.4, 50.3, 31.2, 63.2)),  # to the left and up
    ],
)
def test_lines_and_bars_are_drawn_where_their_cells_are(
    glyphs: str, place: tuple[float, float, float, float]
) -> None:
    svg = drawn(glyphs)
    assert "<text" not in svg
    (span,) = spans(svg)
    assert span == pytest.approx(place, abs=0.11)


def test_uprights_of_two_lines_meet() -> None:
    ((_, top, _, bottom),) = spans(drawn("│"))
    assert bottom - top > 24.4


def test_words_and_lines_of_one_run_stand_side_by_side() -> None:
    svg = drawn("╰─ q ─╯", x=0)
    assert [round(span[0], 1) for span in spans(svg)] == [5.3, 12.2, 61.0, 73.2]
    assert re.findall(r'x="([\d.]+)"[^>]*>([^<]+)<', svg) == [("36.6", "q")]
