"""The prices a market accepts: bands of steps, read from ``price_ranges`` and from nothing else."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache

from kalshi_tui.protocol.units import CENT, ONE, Price, UnitError, parse_price

Band = tuple[Price, Price, Price]
"""(start, end, step): valid prices are start, start + step, ... end, 0 and ONE left out."""


class TickGrid:
    """The sorted valid prices of a market, each with an index: level 0 is the lowest price above 0.

    Immutable and shared: markets with the same bands hold the same object (``TickGrid.of``).
    0 and 1 dollar are settlement values, never prices.
    """

    __slots__ = ("_index", "bands", "prices", "size")

    def __init__(self, bands: Sequence[Band]) -> None:
        prices: set[Price] = set()
        for start, end, step in bands:
            if not (0 <= start < end <= ONE and step > 0):
                raise UnitError(f"price range {start}..{end} step {step} is not a band within one dollar")
            prices.update(range(start, end + 1, step))
        prices -= {0, ONE}
        if not prices:
            raise UnitError("price ranges hold no valid price")
        self.bands: tuple[Band, ...] = tuple(bands)
        self.prices: tuple[Price, ...] = tuple(sorted(prices))
        self.size = len(self.prices)
        self._index = {price: index for index, price in enumerate(self.prices)}

    @staticmethod
    def of(bands: Iterable[Band]) -> TickGrid:
        """The shared grid of these bands, in any order."""
        return _shared(tuple(sorted(bands)))

    @staticmethod
    def from_ranges(ranges: Iterable[dict[str, str]]) -> TickGrid:
        """From the exchange's ``[{"start", "end", "step"}]`` in dollars."""
        return TickGrid.of(
            (parse_price(r["start"]), parse_price(r["end"]), parse_price(r["step"])) for r in ranges
        )

    @staticmethod
    def named(structure: str) -> TickGrid:
        """The grid of a known ``price_level_structure``: for tapes, which carry no ranges."""
        if structure not in STRUCTURES:
            raise UnitError(
                f"price structure {structure!r} is unknown; known ones: {', '.join(sorted(STRUCTURES))}"
            )
        return TickGrid.of(STRUCTURES[structure])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TickGrid) and self.prices == other.prices

    def __hash__(self) -> int:
        return hash(self.prices)

    def __repr__(self) -> str:
        return f"TickGrid({self.size} prices, {self.prices[0]}..{self.prices[-1]})"

    def is_valid(self, price: Price) -> bool:
        return price in self._index

    def index(self, price: Price) -> int:
        """The level of a valid price; ``UnitError`` off the grid."""
        try:
            return self._index[price]
        except KeyError:
            raise UnitError(f"price {price} is not on this market's grid") from None

    def price(self, index: int) -> Price:
        """The price of a level, 0 <= index < size."""
        if not 0 <= index < self.size:
            raise UnitError(f"level {index} is outside this market's grid of {self.size}")
        return self.prices[index]

    def floor(self, price: float) -> Price | None:
        """The highest valid price <= ``price`` (which may lie between ticks), or None below the grid."""
        i = bisect_right(self.prices, price)
        return self.prices[i - 1] if i else None

    def ceil(self, price: float) -> Price | None:
        """The lowest valid price >= ``price``, or None above the grid."""
        i = bisect_left(self.prices, price)
        return self.prices[i] if i < self.size else None

    def next(self, price: float) -> Price | None:
        """The lowest valid price strictly above ``price``."""
        i = bisect_right(self.prices, price)
        return self.prices[i] if i < self.size else None

    def previous(self, price: float) -> Price | None:
        """The highest valid price strictly below ``price``."""
        i = bisect_left(self.prices, price)
        return self.prices[i - 1] if i else None

    def tick_at(self, price: float) -> Price:
        """The step at ``price``: the gap to the next valid price up, at the top to the one below."""
        i = min(max(bisect_right(self.prices, price) - 1, 0), self.size - 2)
        return self.prices[i + 1] - self.prices[i] if self.size > 1 else ONE

    def levels_between(self, low: Price, high: Price) -> int:
        """How many levels ``high`` lies above ``low`` (a spread in valid levels); both on the grid."""
        return self.index(high) - self.index(low)


def _edges(step: Price, centre: Price) -> tuple[Band, ...]:
    return ((0, 1000, step), (1000, 9000, centre), (9000, ONE, step))


STRUCTURES: dict[str, tuple[Band, ...]] = {
    "linear_cent": ((0, ONE, CENT),),
    "deci_cent": ((0, ONE, 10),),
    "tapered_deci_cent": _edges(10, CENT),
    "center_whole_edge_half_cent": _edges(50, CENT),
    "center_whole_edge_quint_cent": _edges(20, CENT),
    "center_half_edge_half_cent": _edges(50, 50),
    "center_half_edge_quint_cent": _edges(20, 50),
    "center_half_edge_deci_cent": _edges(10, 50),
    "center_quint_edge_quint_cent": _edges(20, 20),
    "center_quint_edge_deci_cent": _edges(10, 20),
    "center_centi_edge_centi_cent": ((0, ONE, 1),),
    "center_deci_edge_centi_cent": ((0, 100, 1), (100, 9900, 10), (9900, ONE, 1)),
}
"""Bands by label. Only tapes and the practice world use labels; a live market's ``price_ranges`` rule."""


@lru_cache(maxsize=256)
def _shared(bands: tuple[Band, ...]) -> TickGrid:
    return TickGrid(bands)
