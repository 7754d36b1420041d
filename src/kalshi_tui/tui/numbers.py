"""Numbers in the trader's spelling: prices in cents, money in dollars, times of New York, unknown as a dash."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from kalshi_tui.protocol.units import CENT, CONTRACT, DOLLAR, SECOND, Count, Money, Nanos, Price

UNKNOWN = "–"
"""What an unknown value looks like. Never 0."""
NOW = "now"
"""A countdown that has reached its end, or will within a second."""
MINUS = "−"
BLOCKS = "▏▎▍▌▋▊▉█"
SPARKS = "▁▂▃▄▅▆▇█"
_NEW_YORK = ZoneInfo("America/New_York")


def places_of(prices: Iterable[Price]) -> int:
    """Decimals of a cent that spell every one of ``prices`` (or steps) exactly: 0, 1 or 2."""
    places = 0
    for price in prices:
        if price % 10:
            return 2
        if price % CENT:
            places = 1
    return places


def cents(price: Price | None, places: int | None = None) -> str:
    """``price`` in cents with ``places`` decimals, or as few as it needs: ``44``, ``44.5``, ``44.56``."""
    if price is None:
        return UNKNOWN
    if places is None:
        places = places_of((price,))
    whole, rest = divmod(price, CENT)
    return f"{whole}.{f'{rest:02d}'[:places]}" if places else str(whole)


def fair_cents(probability: float | None) -> str:
    """A model's price in cents with two decimals: ``44.56``."""
    return UNKNOWN if probability is None else f"{probability * 100:.2f}"


def percent(probability: float | None) -> str:
    return UNKNOWN if probability is None else f"{probability * 100:.1f}%"


def signed(value: int, unit: int, places: int, plus: bool = True) -> str:
    """``value / unit`` rounded half away from zero to ``places`` decimals, with − or + in front.

    What rounds to zero has no minus: a trader reads ``−0.00`` as a loss.
    """
    scale = 10**places
    rounded = (abs(value) * scale * 2 + unit) // (unit * 2)
    whole, rest = divmod(rounded, scale)
    text = f"{whole:,}.{rest:0{places}d}" if places else f"{whole:,}"
    if value < 0 and rounded:
        return MINUS + text
    return ("+" if plus else "") + text


def dollars(money: Money | None, plus: bool = True) -> str:
    """``+12.40``, nothing made or lost ``0.00``; with ``plus`` False a positive amount carries no sign."""
    return UNKNOWN if money is None else signed(money, DOLLAR, 2, plus and money != 0)


def whole_dollars(money: Money | None) -> str:
    """An amount that is a limit: ``120``, or with its cents where it has any."""
    if money is None:
        return UNKNOWN
    return signed(money, DOLLAR, 0 if money % DOLLAR == 0 else 2, plus=False)


def edge_cents(edge: Money | None) -> str:
    """Edge per contract in cents, one decimal: ``+3.1``."""
    return UNKNOWN if edge is None else signed(edge, DOLLAR // 100, 1)


def contracts(count: Count, width: int | None = None) -> str:
    """An unsigned number of contracts: ``1,204``, ``0.40``.

    Where that is wider than ``width``: without the fraction, then in thousands or millions.
    """
    whole, rest = divmod(count, CONTRACT)
    exact = f"{whole:,}.{rest:02d}" if rest else f"{whole:,}"
    if width is None or len(exact) <= width:
        return exact
    rounded = (count + CONTRACT // 2) // CONTRACT
    thousands, millions = rounded / 1e3, rounded / 1e6
    for text in (f"{rounded:,}", str(rounded), f"{thousands:.1f}k", f"{thousands:.0f}k", f"{millions:.1f}m"):
        if len(text) <= width:
            return text
    return f"{millions:.0f}m"


def position(count: Count, plus: bool = True) -> str:
    """A signed position, YES positive: ``+12``, ``−8``, ``+0.50``; flat is ``0``."""
    if count == 0:
        return "0"
    return (MINUS if count < 0 else "+" if plus else "") + contracts(abs(count))


def age(milliseconds: int | None) -> str:
    """``4 ms``, ``3.2 s``, ``4 min``, ``2 h``."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < 1_000:
        return f"{milliseconds} ms"
    seconds = milliseconds / 1_000
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3_600:.0f} h"


@lru_cache(maxsize=512)
def _clock(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, _NEW_YORK).strftime("%H:%M:%S")


def clock(wall: Nanos) -> str:
    """The time of day in New York, ``08:12:12``."""
    return _clock(wall // SECOND)


def countdown(until: Nanos | None, wall: Nanos) -> str:
    """Time left: ``17:48`` below an hour, ``3 h 05`` below a day, ``4 d`` beyond; ``now`` once reached."""
    if until is None:
        return UNKNOWN
    left = (until - wall) // SECOND
    if left <= 0:
        return NOW
    if left < 3_600:
        return f"{left // 60:02d}:{left % 60:02d}"
    if left < 86_400:
        return f"{left // 3_600} h {left % 3_600 // 60:02d}"
    return f"{left // 86_400} d"


def bar(value: int, full: int) -> str:
    """One cell filled in eighths by ``value`` of ``full``; anything above nothing shows."""
    if value <= 0 or full <= 0:
        return " "
    return BLOCKS[min(max(-(-value * 8 // full), 1), 8) - 1]


def spark(history: tuple[float, ...], width: int, low: float | None, high: float | None) -> str:
    """The newest ``width`` points as block glyphs, oldest first; unfilled width stays blank on the left.

    The scale is ``low``..``high`` where given, else the range shown; a flat line is drawn low and calm.
    """
    points = history[-width:] if width > 0 else ()
    if not points:
        return " " * max(width, 0)
    bottom = min(points) if low is None else low
    top = max(points) if high is None else high
    span = top - bottom
    glyphs = []
    for point in points:
        step = 0 if span <= 0 else int((point - bottom) / span * 7.999)
        glyphs.append(SPARKS[min(max(step, 0), 7)])
    return "".join(glyphs).rjust(width)


def market_name(event: str, label: str) -> str:
    """Event and market in one, no word twice in a row: ``CPI Nov exactly 0.2%``."""
    words = event.split()
    if words and label.split()[:1] == words[-1:]:
        words.pop()
    return " ".join([*words, label])
