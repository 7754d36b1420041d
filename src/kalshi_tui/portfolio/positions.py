"""Positions, average cost and P&L, in exact integers.

Average cost on the YES-signed position, flips through zero included. The cost that a partial close takes
out is rounded to one Money unit and the rest stays with the position, so nothing is ever lost or made:

    realized + unrealized - fees == cash flow + mark * position        (exactly, after any fills)

where cash flow is what trading and settlement moved, fees included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kalshi_tui.protocol.orders import Fill, Settlement
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, ONE, Count, Money, Price


class Position:
    """One market's position as a ledger keeps it; read it, change it through ``Ledger`` alone."""

    __slots__ = (
        "cash",
        "cost",
        "day_base",
        "fees",
        "found",
        "own",
        "realized",
        "settled",
        "ticker",
        "volume",
    )

    def __init__(self, ticker: str) -> None:
        self.ticker = ticker
        self.own: Count = 0
        """YES-positive, opened by this desk; never of the opposite sign to ``found``."""
        self.found: Count = 0
        """YES-positive, there at start or opened elsewhere."""
        self.cost: Money | None = 0
        """What the open position cost (negative when short); None while nobody knows what found lots cost."""
        self.realized: Money = 0
        """Closed P&L before fees. Lots of unknown cost realize nothing when they close."""
        self.fees: Money = 0
        self.cash: Money = 0
        """What trading and settlement moved, before fees; found lots count as bought at ``cost``."""
        self.volume: Count = 0
        self.settled: Money | None = None
        """What one YES contract paid, once it has."""
        self.day_base: Money | None = 0
        """Equity when the day began; None until ``start_day`` has a mark for lots that were there."""

    @property
    def position(self) -> Count:
        """All lots, YES-positive."""
        return self.own + self.found

    @property
    def entry(self) -> float | None:
        """Average entry price in dollars, for display; None when flat or unknown. ``cost`` is exact."""
        if self.cost is None or not self.position:
            return None
        return self.cost / (self.position * ONE)

    def unrealized(self, mark: Price) -> Money | None:
        """Open P&L at ``mark``, before fees; None where the cost is unknown."""
        return None if self.cost is None else self.position * mark - self.cost

    def unrealized_at_mid(self, mid2: int) -> Money | None:
        """Open P&L at half of ``mid2`` (bid + ask), floored to one Money unit."""
        return None if self.cost is None else self.position * mid2 // 2 - self.cost

    def equity(self, mark: Price | None) -> Money | None:
        """Cash flow plus the position at ``mark`` minus fees; None when an open position has no mark."""
        if not self.position:
            return self.cash - self.fees
        return None if mark is None else self.cash + self.position * mark - self.fees

    def day_pnl(self, mark: Price | None) -> Money | None:
        """Realized plus unrealized since ``start_day``, after fees."""
        equity = self.equity(mark)
        return None if equity is None or self.day_base is None else equity - self.day_base

    def trade(self, signed: Count, paid: Money, found: bool) -> None:
        """Change the position by ``signed`` for ``paid`` (price * signed: negative when selling)."""
        before = self.position
        closing = _closing(before, signed)
        if closing:
            paid_for_close = paid * closing // signed
            paid -= paid_for_close
            self.cash -= paid_for_close
            if self.cost is not None:
                # Half up, not half even: it commutes with relabelling YES and NO.
                released = (2 * self.cost * -closing + before) // (2 * before)
                self.realized -= paid_for_close + released
                self.cost -= released
            if closing == -before:
                self.cost = 0
        self.cash -= paid
        if self.cost is not None:
            self.cost += paid
        self._move_lots(signed, found)

    def absorb(self, other: Position) -> None:
        """Take over what a flat position has made and paid."""
        self.realized += other.realized
        self.fees += other.fees
        self.cash += other.cash
        self.volume += other.volume
        self.day_base = (self.day_base or 0) + (other.day_base or 0)

    def _move_lots(self, signed: Count, found: bool) -> None:
        """Close lots of the trade's own kind first, then the other kind, then open."""
        first, second = ("found", "own") if found else ("own", "found")
        for kind in (first, second):
            closing = _closing(getattr(self, kind), signed)
            setattr(self, kind, getattr(self, kind) + closing)
            signed -= closing
        setattr(self, first, getattr(self, first) + signed)


def _closing(position: Count, signed: Count) -> Count:
    """The part of ``signed`` that reduces ``position``; 0 when it adds to it."""
    if position * signed >= 0:
        return 0
    return signed if abs(signed) <= abs(position) else -position


class Ledger:
    """All positions of one account. Fills come in once each; totals do not depend on their order."""

    __slots__ = ("_positions",)

    def __init__(self) -> None:
        self._positions: dict[str, Position] = {}

    def __iter__(self) -> Iterator[Position]:
        """In the order the markets were first seen."""
        return iter(self._positions.values())

    def get(self, ticker: str) -> Position | None:
        return self._positions.get(ticker)

    def of(self, ticker: str) -> Position:
        """The market's position, flat if it was never traded."""
        found = self._positions.get(ticker)
        if found is None:
            found = self._positions[ticker] = Position(ticker)
        return found

    def position(self, ticker: str) -> Count:
        held = self._positions.get(ticker)
        return held.position if held else 0

    def seed(
        self, ticker: str, position: Count, cost: Money | None = None, *, realized: Money = 0, fees: Money = 0
    ) -> Position:
        """Start from lots that are there: they are *found*. ``cost`` is signed like the position.

        Without a cost there is no entry and no unrealized P&L until the market has been flat once. Until
        ``start_day`` gives a mark (the persisted one, else the first seen) the day's P&L is unknown.
        """
        held = self._positions[ticker] = Position(ticker)
        held.found = position
        held.cost = cost if position else 0
        held.cash = realized - (held.cost or 0)
        held.realized = realized
        held.fees = fees
        held.day_base = None if position else realized - fees
        return held

    def apply_fill(self, fill: Fill, *, found: bool = False) -> Position:
        """Book one fill and the fee the venue charged. ``found``: it was of an order this desk did not send.

        A fill that arrives after the market's settlement is settled at once.
        """
        held = self.of(fill.ticker)
        held.trade(fill.signed, fill.signed * fill.price, found)
        held.fees += fill.fee
        held.volume += fill.count
        if held.settled is not None:
            self._settle(held, held.settled)
        return held

    def apply_settlement(self, settlement: Settlement) -> Position:
        """Pay out the whole position at ``settlement.value``; a second time changes nothing.

        The settlement's own ``fee`` is the total the fills were charged already: it is not booked again.
        """
        held = self.of(settlement.ticker)
        held.settled = settlement.value
        self._settle(held, settlement.value)
        return held

    @staticmethod
    def _settle(held: Position, value: Money) -> None:
        if held.position:
            held.trade(-held.position, -held.position * value // CONTRACT, found=False)

    def start_day(self, marks: dict[str, Price]) -> None:
        """From here on ``day_pnl`` counts from now. Positions without a mark keep their old start."""
        for held in self._positions.values():
            equity = held.equity(marks.get(held.ticker))
            if equity is not None:
                held.day_base = equity

    def fold(self, tickers: Iterable[str]) -> None:
        """Add up flat positions of these markets into one without a ticker: their profit, fees and cash stay in
        every sum, their names are forgotten. One that is held, or whose day has not begun, stays."""
        for ticker in tickers:
            held = self._positions.get(ticker)
            if held is None or not ticker or held.position or held.day_base is None:
                continue
            del self._positions[ticker]
            self.of("").absorb(held)

    def totals(self, marks: dict[str, Price]) -> tuple[Money, Money | None, Money]:
        """(realized, unrealized, fees); unrealized is None while a position has no mark or no cost."""
        realized = fees = 0
        unrealized: Money | None = 0
        for held in self._positions.values():
            realized += held.realized
            fees += held.fees
            if held.position and unrealized is not None:
                mark = marks.get(held.ticker)
                open_pnl = None if mark is None else held.unrealized(mark)
                unrealized = None if open_pnl is None else unrealized + open_pnl
        return realized, unrealized, fees


def cost_of_exposure(position: Count, exposure: Money) -> Money:
    """The signed YES cost of a position the venue reports with its ``market_exposure``.

    The exchange counts what the position cost on its own leg: n YES at p cost n * p, n NO at 1 - p.
    """
    return exposure if position >= 0 else position * ONE + exposure


def settlement_revenue(settlement: Settlement) -> Money:
    """What the settlement must pay: YES contracts at ``value``, NO contracts at one dollar less it."""
    paid = settlement.yes_count * settlement.value + settlement.no_count * (DOLLAR - settlement.value)
    return paid // CONTRACT
