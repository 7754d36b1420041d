"""The units every part speaks: exact integers, never floats.

| kind  | unit                | example           |
|-------|---------------------|-------------------|
| Price | 1/10,000 dollar     | 0.4450 $ -> 4450  |
| Count | 1/100 contract      | 12.34    -> 1234  |
| Money | 1/1,000,000 dollar  | 5.50 $   -> 5_500_000 |

``Price * Count`` is exactly ``Money``. A price is always the YES leg's; the NO price is ``ONE - price``.
Floats begin at features and end where a quote is rounded outward onto the market's grid.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeAlias

Price: TypeAlias = int
Count: TypeAlias = int
Money: TypeAlias = int
Nanos: TypeAlias = int

ONE: Price = 10_000
"""One dollar as a price: what a contract pays when it settles YES."""
CONTRACT: Count = 100
"""One contract."""
DOLLAR: Money = 1_000_000
"""One dollar of money."""
CENT: Price = 100
SECOND: Nanos = 1_000_000_000
MILLISECOND: Nanos = 1_000_000

PRICE_PLACES = 4
COUNT_PLACES = 2
MONEY_PLACES = 6

# At most 12 digits before the point: no number of the exchange is longer, and a 5,000-digit one is an attack.
_DECIMAL = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,6}))?", re.ASCII)


class UnitError(ValueError):
    """A decimal string that is not an exact number of the unit asked for."""


class Side(StrEnum):
    """A side of the YES book. Buying NO is asking on YES at one minus its price."""

    BID = "bid"
    ASK = "ask"

    @property
    def sign(self) -> int:
        """+1 for a bid (buys YES), -1 for an ask (sells YES)."""
        return 1 if self is Side.BID else -1

    @property
    def opposite(self) -> Side:
        return Side.ASK if self is Side.BID else Side.BID


BID, ASK = Side.BID, Side.ASK
"""The same by a name of their own: an attribute of an enum costs ten times a global, and a decision reads dozens."""


def parse_decimal(text: str, places: int) -> int:
    """``text`` as an integer number of ``10**-places``; ``UnitError`` unless it is exactly that.

    At most six decimals are accepted; digits beyond ``places`` must be zeros.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        shown = text if len(text) <= 24 else text[:21] + "..."
        raise UnitError(f"{shown!r} is not a plain decimal number")
    sign, whole, fraction = match.group(1), match.group(2), match.group(3) or ""
    if len(fraction) > places:
        if fraction[places:].strip("0"):
            raise UnitError(f"{text!r} is finer than {places} decimals")
        fraction = fraction[:places]
    scale: int = 10**places
    value = int(whole) * scale + int(fraction.ljust(places, "0") or "0")
    return -value if sign else value


def parse_price(text: str) -> Price:
    """Dollars as text to a price in 0..ONE."""
    price = parse_decimal(text, PRICE_PLACES)
    if not 0 <= price <= ONE:
        raise UnitError(f"{text!r} is not a price between 0 and 1 dollar")
    return price


def parse_count(text: str) -> Count:
    """Contracts as text, signed, to a count."""
    return parse_decimal(text, COUNT_PLACES)


def parse_money(text: str) -> Money:
    """Dollars as text, signed, to money."""
    return parse_decimal(text, MONEY_PLACES)


def format_decimal(value: int, places: int) -> str:
    """The inverse of ``parse_decimal``: always ``places`` decimals, at least one, never an exponent."""
    digits = str(abs(value)).zfill(places + 1)
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def format_price(price: Price) -> str:
    return format_decimal(price, PRICE_PLACES)


def format_count(count: Count) -> str:
    return format_decimal(count, COUNT_PLACES)


def format_money(money: Money) -> str:
    return format_decimal(money, MONEY_PLACES)


def counted(number: int, noun: str) -> str:
    """``1 position``, ``2 positions``: every sentence that says how many."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
