"""One row of the ladder, column by column, and the place of the fair line between rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from kalshi_tui.protocol.orders import Owner
from kalshi_tui.protocol.units import DOLLAR, Count, Money, Price, Side
from kalshi_tui.protocol.views import LadderView, OwnOrder
from kalshi_tui.tui.ink import Line, Row, Span
from kalshi_tui.tui.numbers import UNKNOWN, bar, cents, contracts, dollars, edge_cents, signed
from kalshi_tui.tui.window import Rung, middle_of

_UNCERTAIN = ("unknown", "canceling", "sent", "amending")


class LadderColumns(NamedTuple):
    """Cells: right edges of what is right-aligned, left edges of what is left-aligned."""

    mine_end: int
    bid_end: int
    bid_bar: int
    price_end: int
    ask_bar: int
    ask: int
    mine: int
    mark_end: int
    cursor: int
    edge_end: int
    out_end: int
    number: int
    """Cells a number of contracts may take."""

    @property
    def cuts(self) -> tuple[int, ...]:
        """Where a pane is best cut: before the bids, price, asks, marks, edge and out."""
        return (
            self.mine_end,
            self.price_end - 5,
            self.ask_bar - 1,
            self.mine,
            self.edge_end - 5,
            self.edge_end,
        )


def ladder_columns(width: int) -> LadderColumns:
    """Columns for an inside of ``width`` >= 44 cells: the drawing's at 44 and 56, wider numbers beyond."""
    if width < 56:
        return LadderColumns(4, 10, 11, 17, 18, 20, 26, 31, 31, 37, width, 6)
    number = min(8 + (width - 56) // 4, 11)
    money = min((width - 56) // 3, 4)
    """Cells ``out`` has beyond the six of the drawing."""
    bid_end = 5 + number + 1
    price_end = bid_end + 7
    ask = price_end + 4
    mine = ask + number
    mark_end = mine + 9
    return LadderColumns(
        mine_end=5,
        bid_end=bid_end,
        bid_bar=bid_end + 1,
        price_end=price_end,
        ask_bar=price_end + 2,
        ask=ask,
        mine=mine,
        mark_end=mark_end,
        cursor=mark_end + 1,
        edge_end=width - 7 - money,
        out_end=width,
        number=number,
    )


def header_line(cols: LadderColumns, width: int) -> Line:
    row = Row(width).right(cols.mine_end, "mine", "dim").right(cols.bid_end, "bids", "dim")
    row.right(cols.price_end, "¢", "dim").left(cols.ask, "asks", "dim").left(cols.mine, "mine", "dim")
    return row.right(cols.edge_end, "edge", "dim").right(cols.out_end, "out", "dim").line()


class Mine(NamedTuple):
    """Own orders of one row: contracts a side and the glyph that says whose they are."""

    bid: Count
    bid_glyph: str
    ask: Count
    ask_glyph: str


def split(orders: Sequence[OwnOrder], rung: Rung) -> Mine:
    """Own orders on a rung: ``·`` an engine's, ``•`` by hand, ``°`` found, ``?`` while one is not confirmed."""
    totals = {Side.BID: 0, Side.ASK: 0}
    glyphs = {Side.BID: "·", Side.ASK: "·"}
    for order in orders:
        if not rung.holds(order.price):
            continue
        totals[order.side] += order.remaining
        if order.state in _UNCERTAIN:
            glyphs[order.side] = "?"
        elif order.owner is not Owner.ENGINE and glyphs[order.side] != "?":
            glyphs[order.side] = "°" if order.owner is Owner.FOUND else "•"
    return Mine(totals[Side.BID], glyphs[Side.BID], totals[Side.ASK], glyphs[Side.ASK])


def rung_line(
    rung: Rung,
    mine: Mine,
    mark: Span,
    most: Count,
    places: int,
    cols: LadderColumns,
    width: int,
    cursor: bool,
    old: bool,
    flash: Callable[[Price, str, int, str], str],
) -> Line:
    """One row. ``most`` is the longest bar, ``places`` the decimals of the price column.

    ``flash`` says the ink of a number that may just have changed.
    """

    def ink(name: str) -> str:
        return "stale" if old else name

    row = Row(width, "cursor" if cursor else "")
    if mine.bid:
        row.right(cols.mine_end, contracts(mine.bid, cols.mine_end - 1) + mine.bid_glyph, ink("own"))
    if rung.bid:
        shown = ink(flash(rung.low, "bid", rung.bid, "bid"))
        row.right(cols.bid_end, contracts(rung.bid, cols.number), shown)
        row.left(cols.bid_bar, bar(rung.bid, most), ink("bid"))
    elif not rung.known:
        row.right(cols.bid_end, UNKNOWN, "stale")
    else:
        flash(rung.low, "bid", 0, "bid")
    row.right(cols.price_end, cents(rung.low, places), ink("") if rung.known else "stale")
    if rung.ask:
        row.left(cols.ask_bar, bar(rung.ask, most), ink("ask"))
        row.left(cols.ask, contracts(rung.ask, cols.number), ink(flash(rung.low, "ask", rung.ask, "ask")))
    elif not rung.known:
        row.left(cols.ask, UNKNOWN, "stale")
    else:
        flash(rung.low, "ask", 0, "ask")
    if mine.ask:
        row.left(cols.mine, mine.ask_glyph + contracts(mine.ask, 4), ink("own"))
    # Beside own orders a mark keeps a blank, or two numbers read as one; its arrow alone where the size has no room.
    mark_end = cols.mark_end - (cursor and cols.cursor == cols.mark_end)
    for text in (mark[0], mark[0][:1] if mark[1] == "last" else ""):
        if not mine.ask or mark_end - len(text) > row.end:
            row.right(mark_end, text, ink(mark[1]))
            break
    if cursor:
        row.left(cols.cursor, "◂", "key")
    if rung.edge is not None:
        row.right(cols.edge_end, edge_cents(rung.edge), ink("dim"))
    if rung.out is not None:
        row.right(cols.out_end, _narrow(rung.out, cols.out_end - cols.edge_end - 1), ink("dim"))
    return row.line()


def _narrow(money: Money, width: int) -> str:
    """Dollars and cents, or whole dollars where that is too wide: a number is never cut."""
    text = dollars(money)
    return text if len(text) <= width else signed(money, DOLLAR, 0)


class FairSlot:
    """The row before which the fair line stands. It follows fair, but not back and forth across one price."""

    SLACK = 0.2
    """Of a row: how far fair must be past a price before the line changes places with it."""

    def __init__(self) -> None:
        self._key: tuple[Price, Price, int] | None = None
        self._slot = 0

    def place(self, fair: float | None, ladder: LadderView, drawn: Sequence[Rung]) -> int:
        """The number of rows (highest first) above the line; without a fair it stands at the market's middle."""
        if not drawn:
            return 0
        middle = middle_of(ladder)
        price = fair * 10_000 if fair is not None else middle
        if price is None:
            return len(drawn) // 2
        key = (drawn[0].low, drawn[-1].low, len(drawn))
        slot = sum(1 for rung in drawn if rung.low > price)
        if key == self._key and abs(slot - self._slot) == 1:
            crossed = drawn[min(slot, self._slot)].low
            row = abs(drawn[0].low - drawn[-1].low) / max(len(drawn) - 1, 1)
            if abs(price - crossed) < row * self.SLACK:
                slot = self._slot
        self._key, self._slot = key, slot
        return slot
