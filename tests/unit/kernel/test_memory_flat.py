"""Hours of quoting in virtual time: what the kernel holds after the first ten minutes is what it holds for ever."""

from __future__ import annotations

import gc
from types import ModuleType

from kernel_bench import START, Bench

from kalshi_tui.execution.trades import MARGIN
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.orders import Fill, NewOrder, VenueOrder, VenuePosition
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Nanos, Side

WARM_S = 600
HOURS = 2
FILL_EVERY_S = 5
SLACK = 60
"""What rests, waits or was just said differs by this much from one moment to another."""


class Venue:
    """Answers every effect at once: orders rest until cancelled or until one in turn is filled."""

    def __init__(self) -> None:
        self.on = Bench(reconcile_every_s=20, retire_after_s=600)
        self.resting: dict[str, NewOrder] = {}
        self.fills: list[Fill] = []
        self.position = 0
        self.longest_read = 0
        self.answer()

    def second(self, number: int) -> None:
        up = number // 3 % 2
        bid, ask_no = ("0.4500", "0.5300") if up else ("0.4400", "0.5400")
        self.on.snapshot(bid=bid, ask_no=ask_no)
        if number % FILL_EVERY_S == 0:
            self.trade()
        self.on.turn(after_ms=1000)
        self.answer()

    def trade(self) -> None:
        """An order that brings the position back towards zero is filled whole, and the stream says so."""
        side = Side.ASK if self.position > 0 else Side.BID
        found = next((i for i, o in self.resting.items() if o.side is side), None)
        if found is None:
            return
        order = self.resting.pop(found)
        wall = self.on.now.wall // MILLISECOND * MILLISECOND
        name = f"t{len(self.fills)}"
        self.fills.append(
            Fill(name, found, order.ticker, order.side, order.price, order.count, 0, False, wall)
        )
        self.position += order.count * order.side.sign
        self.on.fill(found, order.count, name)

    def answer(self) -> None:
        for effect in self.on.effects:
            event = self.event(effect)
            if event is not None:
                self.on.kernel.apply(event)

    def event(self, effect: ef.Effect) -> ev.KernelEvent | None:
        now = self.on.now
        match effect:
            case ef.CreateOrder(order):
                name = f"o-{order.client_order_id}"
                self.resting[name] = order
                return ev.CreateAccepted(now, order.client_order_id, name, 0, order.count)
            case ef.CancelOrder(order_id):
                gone = self.resting.pop(order_id)
                return ev.CancelAccepted(now, order_id, gone.count)
            case ef.AmendOrder():
                return ev.AmendAccepted(now, effect.order_id, effect.count, 0)
            case ef.ReadOrders(resting_only):
                rows = tuple(
                    VenueOrder(
                        i, o.client_order_id, o.ticker, o.side, o.price, o.count, 0, o.count, "resting"
                    )
                    for i, o in self.resting.items()
                )
                return ev.OrdersRead(now, now, rows, complete=True, resting_only=resting_only)
            case ef.ReadFills(since):
                return self.fills_read(since)
            case ef.ReadPositions():
                held = (VenuePosition("T-1", self.position),) if self.position else ()
                return ev.PositionsRead(now, now, held, complete=True)
            case ef.ReadSettlements():
                return ev.SettlementsRead(now, now, (), complete=True)
        return None

    def fills_read(self, since: Nanos) -> ev.FillsRead:
        rows = tuple(fill for fill in self.fills if fill.wall >= since)
        self.longest_read = max(self.longest_read, len(rows))
        return ev.FillsRead(self.on.now, self.on.now, rows, complete=True, since=since)


def held_by(root: object) -> int:
    """Objects the collector follows that can be reached from ``root``, code left out."""
    seen, todo = {id(root)}, [root]
    while todo:
        for one in gc.get_referents(todo.pop()):
            if id(one) not in seen and gc.is_tracked(one) and not isinstance(one, type | ModuleType):
                seen.add(id(one))
                todo.append(one)
    return len(seen)


def test_a_kernel_holds_no_more_after_hours_than_after_minutes() -> None:
    venue = Venue()
    state = venue.on.kernel.state
    sizes: dict[str, list[int]] = {}
    for second in range(1, HOURS * 3_600 + 1):
        venue.second(second)
        if second >= WARM_S and second % 300 == 0:
            orders = state.orders
            for name, size in (
                ("objects", held_by(state)),
                ("orders", len(orders.by_client_id)),
                ("orders by id", len(orders.by_order_id)),
                ("trades", len(orders.trades)),
                ("alerts", len(state.alerts.active)),
                ("log", len(state.alerts.lines)),
            ):
                sizes.setdefault(name, []).append(size)
    assert state.counters.orders_sent > HOURS * 1_000
    assert state.counters.fills > HOURS * 3_600 // FILL_EVERY_S // 2
    assert state.counters.fills == len(venue.fills)
    assert state.ledger.position("T-1") == venue.position
    for name, seen in sizes.items():
        half = len(seen) // 2
        assert max(seen[half:]) <= max(seen[:half]) + SLACK, (name, seen)
    assert state.recovery.unreconciled == 0
    assert venue.longest_read <= (MARGIN // SECOND + 60) // FILL_EVERY_S
    assert state.orders.trades.before > START.wall + HOURS * 3_000 * SECOND
