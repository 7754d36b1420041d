"""R0's invariant: no accepted sequence of orders, fills, cancels, duplicates and late answers exceeds the cap."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kalshi_tui.execution.orders import OrderRegistry
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import Fill, NewOrder, VenueError
from kalshi_tui.protocol.quotes import Decision
from kalshi_tui.protocol.units import DOLLAR, SECOND, Count, Side
from kalshi_tui.risk.base import MarketExposure, RiskState, is_reducing
from kalshi_tui.risk.r0 import R0, R0Params

CAP = 2_000
RICH = 10**9 * DOLLAR
PARAMS = R0Params(
    market_cap=CAP,
    market_loss=RICH,
    event_loss=RICH,
    global_loss=RICH,
    cash_reserve=0,
    market_orders=50,
    total_orders=50,
)


class VenueSide:
    """One order as the venue truly has it: it may fill whenever it rests, whoever has been told of what."""

    def __init__(self, order: NewOrder, order_id: str) -> None:
        self.order = order
        self.order_id = order_id
        self.left = order.count
        self.resting = True


class Inventory(RuleBasedStateMachine):
    """A desk with the real registry and R0, and a venue that answers late, twice, out of order or never."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = R0(PARAMS)
        self.registry = OrderRegistry()
        self.market = MarketExposure("A", "E", position=0, mark=5000)
        self.state = RiskState(Instant(0, SECOND), {"A": self.market}, cash=RICH)
        self.at_venue: list[VenueSide] = []
        self.untold: list[Fill] = []
        self.told: list[Fill] = []
        self.true_position: Count = 0

    def sync(self) -> None:
        """What the kernel does after every event: exposures from the registry."""
        market = self.market
        market.open_bid = market.open_ask = market.open_bid_risk = market.open_ask_risk = (
            market.open_orders
        ) = 0
        for order in self.registry.live.get("A", {}).values():
            if order.exposure > 0:
                market.hold(order.side, order.price, order.exposure)

    @rule(side=st.sampled_from(Side), count=st.integers(1, 3 * CAP), answer=st.sampled_from(["yes", "lost"]))
    def place(self, side: Side, count: Count, answer: str) -> None:
        number = len(self.at_venue) + 1
        order = NewOrder(f"c{number}", "A", side, 5000, count)
        before, reducing = self.market.position or 0, is_reducing(self.market, side, count)
        verdict = self.engine.review(self.state, order)
        if verdict.decision is Decision.REFUSE:
            return
        assert 0 < verdict.count <= count
        if reducing:
            assert verdict.count == count
        sent = NewOrder(f"c{number}", "A", side, 5000, verdict.count)
        self.registry.submit(sent, self.state.now)
        venue = VenueSide(sent, f"v{number}")
        self.at_venue.append(venue)
        if answer == "yes":
            self.registry.create_accepted(sent.client_order_id, venue.order_id, 0, sent.count)
        else:
            self.registry.create_unknown(sent.client_order_id, "no answer")
        self.sync()
        if before > 0 and side is Side.ASK and reducing:
            assert self.market.worst_short >= 0, "a reducing order could flip the position"

    @precondition(lambda self: any(v.resting for v in self.at_venue))
    @rule(data=st.data())
    def trades_at_the_venue(self, data: st.DataObject) -> None:
        venue = data.draw(st.sampled_from([v for v in self.at_venue if v.resting]))
        count = data.draw(st.integers(1, venue.left))
        venue.left -= count
        venue.resting = venue.left > 0
        fill = Fill(
            f"t{len(self.untold) + len(self.told)}-{venue.left}-{venue.order_id}",
            venue.order_id,
            "A",
            venue.order.side,
            5000,
            count,
            0,
            False,
            SECOND,
            venue.order.client_order_id,
        )
        self.untold.append(fill)
        self.true_position += fill.signed

    @precondition(lambda self: self.untold)
    @rule(data=st.data())
    def a_fill_arrives_in_any_order(self, data: st.DataObject) -> None:
        fill = self.untold.pop(data.draw(st.integers(0, len(self.untold) - 1)))
        self.told.append(fill)
        self.learn(fill)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def a_fill_arrives_again(self, data: st.DataObject) -> None:
        self.learn(data.draw(st.sampled_from(self.told)))

    def learn(self, fill: Fill) -> None:
        result = self.registry.fill(fill)
        if not result.duplicate:
            self.market.position = (self.market.position or 0) + fill.signed
        self.sync()

    @precondition(lambda self: any(v.resting for v in self.at_venue))
    @rule(data=st.data(), told=st.booleans())
    def a_cancel_races_the_fills(self, data: st.DataObject, told: bool) -> None:
        venue = data.draw(st.sampled_from([v for v in self.at_venue if v.resting]))
        order = self.registry.by_client_id[venue.order.client_order_id]
        self.registry.canceling(order, self.state.now, "test")
        venue.resting = False
        if told and order.order_id:
            self.registry.cancel_accepted(order.order_id, venue.left)
        elif order.order_id:
            self.registry.cancel_unknown(order.order_id, "no answer")
        self.sync()

    @precondition(lambda self: any(not v.resting for v in self.at_venue))
    @rule(data=st.data())
    def a_cancel_finds_nothing_resting(self, data: st.DataObject) -> None:
        venue = data.draw(st.sampled_from([v for v in self.at_venue if not v.resting]))
        self.registry.cancel_refused(venue.order_id, VenueError(404, "not_found"))
        self.sync()

    @invariant()
    def nothing_known_or_possible_exceeds_the_cap(self) -> None:
        assert abs(self.true_position) <= CAP
        longest = self.true_position + sum(
            v.left for v in self.at_venue if v.resting and v.order.side is Side.BID
        )
        shortest = self.true_position - sum(
            v.left for v in self.at_venue if v.resting and v.order.side is Side.ASK
        )
        assert shortest >= -CAP and longest <= CAP

    @invariant()
    def the_desk_expects_the_worst(self) -> None:
        assert self.market.worst_short <= self.true_position <= self.market.worst_long


TestInventory = Inventory.TestCase
TestInventory.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
