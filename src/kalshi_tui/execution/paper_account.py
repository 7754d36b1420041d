"""The simulated account: cash, positions, fills and settlements, as the venue would report them."""

from __future__ import annotations

from collections import deque

from msgspec import Struct

from kalshi_tui.execution.paper_match import Execution, PaperOrder
from kalshi_tui.portfolio.fees import trade_fee
from kalshi_tui.portfolio.positions import Ledger
from kalshi_tui.protocol.market import Market
from kalshi_tui.protocol.orders import Fill, NewOrder, Settlement, VenueOrder, VenuePosition
from kalshi_tui.protocol.units import CONTRACT, ONE, SECOND, Count, Money, Nanos, Side

RECORDS_KEPT = 5_000
"""Fills, and settlements, that can still be read; older ones are in the positions and nowhere else."""


class PaperAccount:
    """Cash is exact: what trades and settlements moved, less fees, less one dollar held per short lot."""

    def __init__(self, cash: Money) -> None:
        self.ledger = Ledger()
        self.fills: deque[Fill] = deque(maxlen=RECORDS_KEPT)
        self.settlements: deque[Settlement] = deque(maxlen=RECORDS_KEPT)
        self._start = cash
        self._fills_made = 0
        self._traded: dict[str, Money] = {}
        """Price times count of every fill, by market."""

    @property
    def balance(self) -> Money:
        """Cash that is free to trade with. A short YES lot is a NO lot bought at one minus its price."""
        held = sum(p.cash - p.fees - max(-p.position, 0) * ONE for p in self.ledger)
        return self._start + held

    def book(self, execution: Execution, market: Market, wall: Nanos) -> Fill:
        """One execution as a fill with its fee; the ledger takes it in."""
        order = execution.order
        self._fills_made += 1
        paid = execution.price * execution.count
        self._traded[market.ticker] = self._traded.get(market.ticker, 0) + paid
        fee = trade_fee(
            market.fee, execution.price, execution.count, execution.is_taker, wall, order.sent.side
        )
        fill = Fill(
            trade_id=f"paper-trade-{self._fills_made}",
            order_id=order.order_id,
            ticker=market.ticker,
            side=order.sent.side,
            price=execution.price,
            count=execution.count,
            fee=fee,
            is_taker=execution.is_taker,
            wall=wall,
            client_order_id=order.sent.client_order_id,
        )
        self.fills.append(fill)
        self.ledger.apply_fill(fill)
        return fill

    def settle(self, market: Market, value: Money, wall: Nanos) -> Settlement | None:
        """Pay out the market's position; None where there is none."""
        held = self.ledger.of(market.ticker)
        position = held.position
        if not position:
            return None
        yes, no = max(position, 0), max(-position, 0)
        revenue = yes * value // CONTRACT + no * (ONE * CONTRACT - value) // CONTRACT
        settlement = Settlement(market.ticker, market.result, value, yes, no, revenue, held.fees, wall)
        self.settlements.append(settlement)
        self.ledger.apply_settlement(settlement)
        return settlement

    def positions(self) -> tuple[VenuePosition, ...]:
        """Every market ever traded, as the venue lists them: the exposure is the cost on the held leg."""
        return tuple(
            VenuePosition(
                ticker=p.ticker,
                position=p.position,
                realized_pnl=p.realized,
                fees_paid=p.fees,
                exposure=(p.cost or 0) + max(-p.position, 0) * ONE,
                total_traded=self._traded.get(p.ticker, 0),
            )
            for p in self.ledger
        )

    def fills_since(self, since: Nanos) -> tuple[tuple[Fill, ...], bool]:
        """Fills from a wall time on, and whether these are all of them."""
        forgotten = self._fills_made > len(self.fills)
        whole = not forgotten or self.fills[0].wall < since
        return tuple(fill for fill in self.fills if fill.wall >= since), whole

    def cost_to_rest(self, order: NewOrder, count: Count, same_side: Count) -> Money:
        """Cash that ``count`` of an order takes, filling after ``same_side`` open contracts of its side."""
        position = self.ledger.position(order.ticker)
        offset = max(-position * order.side.sign - same_side, 0)
        price = order.price if order.side is Side.BID else ONE - order.price
        return max(count - offset, 0) * price


def report(order: PaperOrder) -> VenueOrder:
    """The order as the venue would describe it."""
    return VenueOrder(
        order_id=order.order_id,
        client_order_id=order.sent.client_order_id,
        ticker=order.sent.ticker,
        side=order.sent.side,
        price=order.price,
        initial=order.count,
        filled=order.filled,
        remaining=order.remaining,
        status=order.status,
        expiration=None if order.expiration_s is None else order.expiration_s * SECOND,
        updated=order.updated,
        reason=order.reason,
    )


class PaperTotals(Struct, frozen=True):
    """What a final reconciliation compares the desk's books with."""

    orders: tuple[VenueOrder, ...]
    fills: tuple[Fill, ...]
    positions: tuple[VenuePosition, ...]
    balance: Money
