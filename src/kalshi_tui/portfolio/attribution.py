"""Where P&L came from: spread, price moves, fees; and whose it is. Exact identities in Money; mids are doubled
(bid + ask)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from kalshi_tui.protocol.orders import Fill
from kalshi_tui.protocol.units import CONTRACT, Count, Money, Price, Side


class Attribution(Struct, frozen=True):
    """Twice each part, so that half-tick mids stay exact; ``total2 = spread2 + inventory2 - fees2``."""

    spread2: Money
    """Earned against the mid at each fill."""
    inventory2: Money
    """The position's share of later mid moves."""
    fees2: Money

    @property
    def total2(self) -> Money:
        return self.spread2 + self.inventory2 - self.fees2


def attribute(fills: Sequence[Fill], mids2: Sequence[int], last_mid2: int) -> Attribution:
    """Split the P&L of ``fills`` (in time order, from flat) marked at ``last_mid2``; ``mids2`` at each
    fill.
    """
    spread2 = inventory2 = fees2 = 0
    position = 0
    before = mids2[0] if mids2 else last_mid2
    for fill, mid2 in zip(fills, mids2, strict=True):
        inventory2 += position * (mid2 - before)
        spread2 += fill.signed * (mid2 - 2 * fill.price)
        fees2 += 2 * fill.fee
        position += fill.signed
        before = mid2
    inventory2 += position * (last_mid2 - before)
    return Attribution(spread2, inventory2, fees2)


def markout2(side: Side, price: Price, mid2_after: int) -> int:
    """Twice the markout of a fill per contract, in price units: positive is good for us."""
    return side.sign * (mid2_after - 2 * price)


def realized_spread2(side: Side, price: Price, mid2: int, mid2_after: int) -> tuple[int, int, int]:
    """Twice (effective half-spread, impact cost, realised half-spread); realised = effective - impact."""
    effective = markout2(side, price, mid2)
    realised = markout2(side, price, mid2_after)
    return effective, effective - realised, realised


@dataclass(slots=True)
class SourceBook:
    """The fills of one source (an engine, a part of one, a person), as if it had an account of its own."""

    fills: int = 0
    volume: Count = 0
    fees: Money = 0
    cash: Money = 0
    """From trades and settlements, before fees."""
    positions: dict[str, Count] = field(default_factory=dict)
    """Signed, by ticker; closed ones are left out."""

    def pnl(self, marks: Mapping[str, Price]) -> Money | None:
        """After fees, open positions at ``marks``; None where one of them has no mark."""
        total = self.cash - self.fees
        for ticker, count in self.positions.items():
            mark = marks.get(ticker)
            if mark is None:
                return None
            total += count * mark
        return total


class Sources:
    """Every source's book. Together they are the account's fills: no fill counts twice, none is left out."""

    def __init__(self) -> None:
        self.books: dict[str, SourceBook] = {}

    def fill(self, source: str, fill: Fill) -> None:
        """Book a trade under ``source``."""
        book = self.books.setdefault(source, SourceBook())
        book.fills += 1
        book.volume += fill.count
        book.fees += fill.fee
        book.cash -= fill.signed * fill.price
        self._hold(book, fill.ticker, fill.signed)

    def settle(self, ticker: str, value: Money) -> None:
        """Pay every source what one YES contract's ``value`` makes of its position."""
        for book in self.books.values():
            count = book.positions.get(ticker, 0)
            book.cash += count * value // CONTRACT
            self._hold(book, ticker, -count)

    @staticmethod
    def _hold(book: SourceBook, ticker: str, change: Count) -> None:
        count = book.positions.get(ticker, 0) + change
        if count:
            book.positions[ticker] = count
        else:
            book.positions.pop(ticker, None)
