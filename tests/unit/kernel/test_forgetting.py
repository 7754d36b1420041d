"""A desk that forgets what is over against one that never does: the same events, the same books and verdicts."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from kernel_bench import START, market, settings
from msgspec.structs import replace

from kalshi_tui.execution.orders import OrderRegistry
from kalshi_tui.execution.trades import MARGIN, STAMP_SKEW, BookedTrades
from kalshi_tui.kernel.kernel import Kernel
from kalshi_tui.kernel.recovery import ENDED_KEPT, fills_since
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Event
from kalshi_tui.protocol.orders import Fill, NewOrder, VenueOrder, VenuePosition
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import DOLLAR, ONE, SECOND, Money, Nanos, Side

TICKERS = ("T-1", "T-2")
STEP = 4 * SECOND


class KeepsTrades(BookedTrades):
    def settle(self, before: Nanos) -> None:
        pass


class KeepsAll(OrderRegistry):
    def forget_ended(self) -> None:
        pass


@dataclass
class Placed:
    """An order as the venue has it."""

    new: NewOrder
    order_id: str
    filled: int = 0
    status: str = "resting"
    known: bool = True
    """The desk was told its id."""

    def report(self, status: str) -> VenueOrder:
        left = self.new.count - self.filled if status == "resting" else 0
        new = self.new
        return VenueOrder(
            self.order_id, new.client_order_id, new.ticker, new.side, new.price, new.count, self.filled, left, status
        )  # fmt: skip


@dataclass
class World:
    """A venue that tells things late, twice, out of order or not at all, and two desks that listen to it."""

    rng: random.Random
    now: Instant = START
    orders: list[Placed] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    post: list[tuple[Nanos, Callable[[Kernel], ev.KernelEvent | None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        quiet = settings(quote_at_start=False, family="b")
        self.desks = [Kernel(quiet, BookFeed(), START) for _ in range(2)]
        self.forgets, self.keeps = self.desks
        self.keeps.state.orders = KeepsAll(family="b", trades=KeepsTrades())
        for desk in self.desks:
            desk.apply(ev.MarketsRead(START, tuple(market(t) for t in TICKERS), (Event("E", "S"),)))
            desk.decide(START)
        self.read(lag=0, delay=0)
        self.wait(1)

    # -- telling -------------------------------------------------------------------------------------

    def tell(self, delay: Nanos, make: Callable[[Kernel], ev.KernelEvent | None]) -> None:
        self.post.append((self.now.mono + delay, make))

    def wait(self, seconds: float) -> None:
        """Time passes in steps of ``STEP``; what is due arrives, in an order of its own."""
        end = self.now.mono + int(seconds * SECOND)
        while self.now.mono < end:
            self.now = self.now.plus(min(STEP, end - self.now.mono))
            due = [make for at, make in self.post if at <= self.now.mono]
            self.post = [(at, make) for at, make in self.post if at > self.now.mono]
            self.rng.shuffle(due)
            for make in due:
                for desk in self.desks:
                    event = make(desk)
                    if event is not None:
                        desk.apply(replace(event, at=self.now))
            for desk in self.desks:
                desk.decide(self.now)
            self.agree()

    @staticmethod
    def always(event: ev.KernelEvent) -> Callable[[Kernel], ev.KernelEvent]:
        return lambda desk: event

    def late(self) -> Nanos:
        """Mostly at once, sometimes seconds, sometimes minutes."""
        return int(self.rng.choice((0, 0, 0, 2, 20, 90, 400)) * SECOND)

    # -- what the venue does -------------------------------------------------------------------------

    def place(self, lost: float = 0.15) -> None:
        """An order; with the probability ``lost`` nobody hears of its answer until it is looked up."""
        rng = self.rng
        name = f"b-e{len(self.orders) + 1}"
        count = rng.randint(1, 20) * 100
        new = NewOrder(name, rng.choice(TICKERS), rng.choice(list(Side)), rng.randint(30, 60) * 100, count)
        placed = Placed(new, f"o{len(self.orders)}")
        self.orders.append(placed)
        for desk in self.desks:
            desk.state.orders.submit(new, self.now)
        if rng.random() < lost:
            placed.known = False
            unknown = ev.CreateUnknown(self.now, name, safe_text("timeout"))
            self.tell(0, lambda desk: unknown)
            self.tell(3 * SECOND, lambda desk: self.orders_read(resting_only=False))
        else:
            accepted = ev.CreateAccepted(self.now, name, placed.order_id, 0, count)
            self.tell(0, lambda desk: accepted)

    def trade(self) -> None:
        """One trade of a resting order; the stream brings it late, skewed, more than once, or never."""
        resting = [o for o in self.orders if o.status == "resting"]
        if not resting:
            return
        rng, order = self.rng, self.rng.choice(resting)
        count = min(rng.randint(1, 10) * 100, order.new.count - order.filled)
        order.filled += count
        if order.filled == order.new.count:
            order.status = "executed"
        stamp = self.now.wall + rng.randint(0, SECOND)
        new = order.new
        name, fee = f"t{len(self.fills)}", rng.randint(0, 50) * 100
        fill = Fill(name, order.order_id, new.ticker, new.side, new.price, count, fee, False, stamp)
        self.fills.append(fill)
        skewed = stamp // 1_000_000 * 1_000_000 + rng.choice((0, 0, -SECOND, 3 * SECOND))
        streamed = replace(fill, wall=skewed, client_order_id=new.client_order_id)
        read = ev.FillsRead(self.now, self.now, (streamed,), complete=False, since=skewed)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
            self.tell(self.late(), lambda desk: read)

    def cancel(self) -> None:
        resting = [o for o in self.orders if o.status == "resting" and o.known]
        if resting:
            order = self.rng.choice(resting)
            order.status = "canceled"
            answer = ev.CancelAccepted(self.now, order.order_id, order.new.count - order.filled)
            self.tell(self.rng.choice((0, 1, 5)) * SECOND, lambda desk: answer)

    def repeat_report(self) -> None:
        """The stream says once more how an order ended."""
        ended = [o for o in self.orders if o.status != "resting"]
        if ended:
            order = self.rng.choice(ended)
            report = order.report(order.status)
            read = ev.OrdersRead(self.now, self.now, (report,), complete=False, resting_only=False)
            self.tell(self.late(), lambda desk: read)

    # -- reads ---------------------------------------------------------------------------------------

    def orders_read(self, *, resting_only: bool) -> ev.OrdersRead:
        rows = tuple(o.report(o.status) for o in self.orders if o.status == "resting" or not resting_only)
        return ev.OrdersRead(self.now, self.now, rows, complete=True, resting_only=resting_only)

    def read(self, lag: Nanos, delay: Nanos) -> None:
        """All reads at once: the venue's records are ``lag`` old, and each answer takes up to ``delay``."""
        asked = self.now
        shown = [f for f in self.fills if f.wall <= asked.wall - lag] if lag else list(self.fills)
        held = {t: sum(f.signed for f in shown if f.ticker == t) for t in TICKERS}
        since = {id(desk): fills_since(desk.state) for desk in self.desks}
        positions = tuple(VenuePosition(t, n) for t, n in held.items())
        short = sum(ONE * max(-n, 0) for n in held.values())
        cash: Money = sum(-f.signed * f.price - f.fee for f in shown) - short

        def fills(desk: Kernel) -> ev.FillsRead:
            floor = since[id(desk)] // SECOND * SECOND
            rows = tuple(f for f in reversed(shown) if f.wall >= floor)
            return ev.FillsRead(asked, asked, rows, complete=True, since=since[id(desk)])

        def took() -> Nanos:
            return self.rng.randint(0, delay)

        for resting_only in (True, False):
            self.tell(took(), self.always(self.orders_read(resting_only=resting_only)))
        self.tell(took(), fills)
        self.tell(took(), lambda desk: ev.PositionsRead(asked, asked, positions, complete=True))
        self.tell(took(), lambda desk: ev.BalanceRead(asked, asked, 1_000 * DOLLAR + cash))

    # -- what must hold ------------------------------------------------------------------------------

    def agree(self) -> None:
        """Books, counts, exposure and verdicts of both desks are the same."""
        one, two = (self.told(desk) for desk in self.desks)
        assert one == two

    @staticmethod
    def told(desk: Kernel) -> dict[str, object]:
        state = desk.state
        return {
            "books": {p.ticker: (p.own, p.found, p.cost, p.realized, p.fees, p.cash) for p in state.ledger},
            "counts": (state.counters.fills, state.counters.volume),
            "verdicts": state.recovery.differences,
            "exposure": [state.orders.exposure(t) for t in TICKERS],
            "open": [o.client_order_id for o in state.orders.open_orders()],
            "unresolved": [o.client_order_id for o in state.orders.unresolved()],
            "alerts": state.alerts.raised,
        }


@hypothesis_settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32))
def test_forgetting_changes_no_book_and_no_verdict(seed: int) -> None:
    rng = random.Random(seed)
    world = World(rng)
    actions = (world.place, world.trade, world.trade, world.cancel, world.repeat_report)
    for _ in range(40):
        for _ in range(rng.randint(1, 4)):
            rng.choice(actions)()
        world.wait(rng.choice((0.2, 4, 16, 60)))
        world.read(lag=rng.choice((0, 0, 1, 30)) * SECOND, delay=rng.choice((0, 2, 25)) * SECOND)
    world.wait(450)  # the last of what is late
    for _ in range(2):
        world.read(lag=0, delay=0)
        world.wait(2 * ENDED_KEPT / SECOND)
    for ticker in TICKERS:
        true = sum(f.signed for f in world.fills if f.ticker == ticker)
        assert world.forgets.state.ledger.position(ticker) == true
    assert sum(p.fees for p in world.forgets.state.ledger) == sum(f.fee for f in world.fills)
    assert world.forgets.state.recovery.unreconciled == 0
    assert all(not p.found for p in world.forgets.state.ledger), "a trade of ours was taken for a stranger's"
    remembers_only_what_it_must(world)


def remembers_only_what_it_must(world: World) -> None:
    orders = world.forgets.state.orders
    assert len(world.keeps.state.orders.by_client_id) == len(world.orders)
    lasting = [o for o in orders.by_client_id.values() if o.is_open or o.exposure or o.state == "resolved"]
    assert len(orders.by_client_id) == len(lasting)
    if not world.fills:
        return
    newest = max(f.wall for f in world.fills)
    assert orders.trades.before == (newest - MARGIN) // SECOND * SECOND
    assert len(orders.trades) <= sum(f.wall >= newest - MARGIN - 2 * STAMP_SKEW for f in world.fills)


def test_two_rounds_after_its_end_an_order_is_forgotten() -> None:
    world = World(random.Random(1))
    world.place(lost=0.0)
    world.wait(4)
    world.cancel()
    world.wait(8)
    orders = world.forgets.state.orders
    assert len(orders.by_client_id) == len(orders.by_order_id) == 1
    world.wait(2 * ENDED_KEPT / SECOND)
    assert not orders.by_client_id and not orders.by_order_id


def test_a_trade_of_a_forgotten_order_that_comes_again_is_not_booked_again() -> None:
    world = World(random.Random(2))
    world.place(lost=0.0)
    world.wait(4)
    world.trade()
    first = world.fills[0]
    for _ in range(20):
        world.place(lost=0.0)
        world.trade()
        world.wait(40)
        world.read(lag=0, delay=0)
        world.wait(4)
    state = world.forgets.state
    assert state.orders.trades.before > first.wall + STAMP_SKEW
    booked = state.counters.fills
    for fill in (first, replace(first, wall=first.wall + 3 * SECOND)):
        for complete in (True, False):
            state.now = world.now
            world.forgets.apply(ev.FillsRead(world.now, world.now, (fill,), complete, since=first.wall))
    assert state.counters.fills == booked


def test_nothing_is_forgotten_while_the_positions_disagree() -> None:
    world = World(random.Random(3))
    for _ in range(20):
        world.place(lost=0.0)
        world.wait(40)
        world.trade()
        asked = world.now
        rows = tuple(world.fills)
        for desk in world.desks:
            desk.apply(ev.FillsRead(asked, asked, rows, complete=True, since=START.wall))
        world.now = world.now.plus(SECOND)
        wrong = (VenuePosition("T-1", 77_700),)
        for desk in world.desks:
            desk.apply(ev.PositionsRead(world.now, world.now, wrong, complete=True))
    assert world.fills[-1].wall - world.fills[0].wall > 2 * MARGIN
    assert world.forgets.state.orders.trades.before == 0
    assert world.forgets.state.recovery.differences["positions"]
