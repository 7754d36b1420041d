"""The flatten machine against a random book and a venue that answers late or not at all."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kalshi_tui.execution.flatten import Flatten, FlattenState
from kalshi_tui.execution.flatten_prices import CancelThis, FlattenRules, FlattenView, Rest, Take, sweep
from kalshi_tui.execution.orders import Order, OrderRegistry
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import Fill, NewOrder, OrderState, Owner, TimeInForce
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CONTRACT, MILLISECOND, SECOND, Count, Price, Side

GRID = TickGrid.named("linear_cent")
START = Instant(SECOND, 1_790_000_000 * SECOND)
STEP = 100 * MILLISECOND

levels = st.lists(st.integers(1, 300), min_size=0, max_size=4)


class World:
    """One market: displayed sizes, own orders in the real registry, and the true position."""

    def __init__(self, data: st.DataObject, position: Count) -> None:
        self.data = data
        self.registry = OrderRegistry()
        self.position = self.booked = position
        self.start = position
        self.late: list[Fill] = []
        self.fills = 0
        self.now = START

    def book(self) -> tuple[list[tuple[Price, Count]], list[tuple[Price, Count]]]:
        mid = self.data.draw(st.integers(10, 90))
        bids, asks = self.data.draw(levels), self.data.draw(levels)
        return (
            [((mid - 1 - i) * 100, n * 10) for i, n in enumerate(bids)],
            [((mid + 1 + i) * 100, n * 10) for i, n in enumerate(asks)],
        )

    def fill(self, order: Order, count: Count) -> None:
        self.fills += 1
        fill = Fill(
            f"t{self.fills}", order.order_id, "A", order.side, order.price, count, 0, True, SECOND,
            order.client_order_id,
        )  # fmt: skip
        if order.owner is Owner.FLATTEN:
            assert fill.signed * self.position < 0, "its own order grew the position"
            assert abs(fill.signed) <= abs(self.position), "its own order went through zero"
        self.position += fill.signed
        self.late.append(fill)

    def book_fills(self) -> None:
        for fill in self.late:
            if not self.registry.fill(fill).duplicate:
                self.booked += fill.signed
        self.late = []

    def place(self, side: Side, price: Price, count: Count, tif: TimeInForce) -> Order:
        number = len(self.registry.by_client_id)
        order = self.registry.submit(
            NewOrder(f"c{number}", "A", side, price, count, time_in_force=tif, owner=Owner.FLATTEN), self.now
        )
        order.order_id = f"v{number}"
        self.registry.by_order_id[order.order_id] = order
        order.state = OrderState.LIVE
        return order


@settings(max_examples=120)
@given(
    data=st.data(),
    position=st.integers(-80 * CONTRACT, 80 * CONTRACT),
    target=st.integers(-20 * CONTRACT, 80 * CONTRACT),
    emergency=st.booleans(),
    engine_orders=st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 500)), max_size=3),
)
def test_it_reduces_never_flips_and_ends(
    data: st.DataObject,
    position: Count,
    target: Count,
    emergency: bool,
    engine_orders: list[tuple[Side, Count]],
) -> None:
    world = World(data, position)
    left = abs(position)
    for side, count in engine_orders:
        # Orders on the adding side could grow the position while they are being cancelled, and more on the
        # reducing side than the position holds could flip it: both are R0's matter.
        order = world.place(side, 5000, count, TimeInForce.GTC)
        order.owner = Owner.ENGINE
        if side.sign * position > 0 or count > left:
            world.registry.cancel_accepted(order.order_id, order.count)
        else:
            left -= count
    machine = Flatten("A", target, FlattenRules(max_attempts=6), emergency=emergency)
    bids, asks = world.book()
    smallest = abs(position)
    # Some venues report trades within a step, some so late that the machine has lost patience by then.
    every = data.draw(st.sampled_from([1, 150]))
    for _ in range(3000):
        if data.draw(st.integers(0, 9)) == 0:
            bids, asks = world.book()
        live = list(world.registry.live.get("A", {}).values())
        view = FlattenView(
            world.now, world.booked, bids=bids, asks=asks, orders=live, grid=GRID, closable=True,
            book_valid=data.draw(st.integers(0, 19)) > 0,
        )  # fmt: skip
        act(world, machine, view)
        assert world.position * position >= 0, "flipped through zero"
        assert abs(world.position) <= smallest, "grew"
        smallest = abs(world.position)
        if machine.over:
            break
        world.now = world.now.plus(STEP if live else SECOND)
        if data.draw(st.integers(0, every)) == 0:
            world.book_fills()
    assert machine.over, "does not end"
    assert machine.step(FlattenView(world.now, world.booked, bids, asks, (), GRID, True)) == []
    world.book_fills()
    if machine.state is FlattenState.DONE:
        wanted = target if target * position > 0 and abs(target) < abs(position) else 0
        if abs(target) >= abs(position) and target * position >= 0:
            wanted = position
        assert abs(world.position) <= max(abs(wanted), 0)


@settings(max_examples=120)
@given(
    data=st.data(),
    position=st.integers(-20 * CONTRACT, 20 * CONTRACT),
    share=st.sampled_from([0, 0, 1, 3]),
    engine_orders=st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 3000)), max_size=3),
)
def test_whatever_was_under_way_it_ends_at_its_target(
    data: st.DataObject, position: Count, share: int, engine_orders: list[tuple[Side, Count]]
) -> None:
    """Orders of any size on either side, filled in any part while they are cancelled: through zero and back."""
    world = World(data, position)
    target = position * share // 4
    for side, count in engine_orders:
        world.place(side, 5000, count, TimeInForce.GTC).owner = Owner.ENGINE
    machine = Flatten("A", target, FlattenRules(max_attempts=20))
    book = [(4900, 9000)], [(5100, 9000)]
    for _ in range(3000):
        live = list(world.registry.live.get("A", {}).values())
        view = FlattenView(
            world.now, world.booked, bids=book[0], asks=book[1], orders=live, grid=GRID, closable=True
        )
        act(world, machine, view, lossy=False)
        if machine.over:
            break
        world.now = world.now.plus(STEP if live else SECOND)
        if data.draw(st.integers(0, 3)) == 0:
            world.book_fills()
    assert machine.over, "does not end"
    world.book_fills()
    if machine.state is FlattenState.DONE:
        assert abs(world.position) <= abs(target), machine.status
    else:
        assert machine.attempts >= 20 or "not confirmed" in machine.status, machine.status


def act(world: World, machine: Flatten, view: FlattenView, *, lossy: bool = True) -> None:
    """Carry out what the machine asks; the venue fills a random part, and may lose its answer."""
    held = world.position
    for action in machine.step(view):
        if isinstance(action, Take):
            assert action.count * action.side.sign * held < 0
            depth = view.bids if action.side is Side.ASK else view.asks
            assert sweep(depth, action.side, action.count, action.price).filled == action.count
            order = world.place(action.side, action.price, action.count, TimeInForce.IOC)
            filled = world.data.draw(st.integers(0, action.count))
            if filled:
                world.fill(order, filled)
            if not lossy or world.data.draw(st.integers(0, 3)):
                world.registry.create_accepted(order.client_order_id, order.order_id, filled, 0)
            else:
                order.state = OrderState.UNKNOWN
        elif isinstance(action, Rest):
            best = view.bids if action.side is Side.ASK else view.asks
            assert not best or (action.price - best[0][0]) * action.side.sign < 0, "a resting order crosses"
            world.place(action.side, action.price, action.count, TimeInForce.GTC)
        elif isinstance(action, CancelThis):
            world.registry.canceling(action.order, world.now, "test")
    for order in list(world.registry.live.get("A", {}).values()):
        resting = order.is_open and order.time_in_force is TimeInForce.GTC
        unseen = sum(f.count for f in world.late if f.order_id == order.order_id)
        left = order.remaining - unseen
        if resting and left > 0 and world.data.draw(st.integers(0, 9)) == 0:
            world.fill(order, world.data.draw(st.integers(1, left)))
        elif order.state is OrderState.CANCELING and world.data.draw(st.booleans()):
            world.registry.cancel_accepted(order.order_id, max(left, 0))
