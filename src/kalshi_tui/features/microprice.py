"""The micro-price table as it is used while trading: one look-up and one interpolation.

Fitting one needs numpy and lives in ``microprice_fit``.
"""

from __future__ import annotations

from msgspec import Struct


class MicroTable(Struct, frozen=True):
    """Stoikov's adjustment ``G*(imbalance, spread)`` in ticks, antisymmetric in the imbalance.

    Row s holds the adjustment at spread s + 1 for equal buckets of the bid's share of the touch, centred
    at (j + 1/2) / n. A wider spread than the last row has none: the mid is as good.
    """

    rows: tuple[tuple[float, ...], ...]
    fitted: tuple[bool, ...]
    """Per row: estimated from data, or the shrunk weighted mid for want of it."""
    source: str = ""
    """What it was fitted on, in words."""

    def __post_init__(self) -> None:
        widths = {len(row) for row in self.rows}
        if not self.rows or len(widths) != 1 or widths == {0} or len(self.fitted) != len(self.rows):
            raise ValueError("a micro-price table needs one flag per row and rows of one length")
        for row in self.rows:
            if any(abs(left + right) > 1e-9 for left, right in zip(row, reversed(row), strict=True)):
                raise ValueError("a micro-price table must be antisymmetric in the imbalance")

    def shift(self, share: float, spread_levels: int) -> float | None:
        """Ticks to add to the mid for the bid's ``share`` (0..1) of the touch; None for a spread not covered.

        Linear between bucket centres, constant beyond the outermost.
        """
        if not 1 <= spread_levels <= len(self.rows):
            return None
        row = self.rows[spread_levels - 1]
        place = share * len(row) - 0.5
        if place <= 0.0:
            return row[0]
        low = int(place)
        if low >= len(row) - 1:
            return row[-1]
        part = place - low
        return row[low] * (1.0 - part) + row[low + 1] * part
