from __future__ import annotations

from typing import TypeVar

import pytest
from msgspec.structs import replace

from kalshi_tui.execution.paper import PaperParams, PaperVenue
from kalshi_tui.execution.queue_models import Power
from kalshi_tui.portfolio.fees import trade_fee
from kalshi_tui.protocol import effects, events
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import FeeSchedule, Market, MarketStatus
from kalshi_tui.protocol.orders import (
    Fill,
    NewOrder,
    PublicTrade,
    SelfTradePrevention,
    TimeInForce,
    VenueOrder,
)
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CENT, CONTRACT, DOLLAR, MILLISECOND, SECOND, Count, Price, Side

E = TypeVar("E")
START = Instant(10 * SECOND, 1_790_000_000 * SECOND)
MARKET = Market("A", "E", grid=TickGrid.named("linear_cent"), fee=FeeSchedule())


class Book:
    """A displayed book; sizes in contracts, prices in cents."""

    def __init__(self, bids: dict[float, float], asks: dict[float, float]) -> None:
        self._sides = {
            Side.BID: {round(p * CENT): round(n * CONTRACT) for p, n in bids.items()},
            Side.ASK: {round(p * CENT): round(n * CONTRACT) for p, n in asks.items()},
        }

    def size_at(self, side: Side, price: Price) -> Count:
        return self._sides[side].get(price, 0)

    def levels(self, side: Side, limit: int | None = None) -> list[tuple[Price, Count]]:
        ordered = sorted(self._sides[side].items(), reverse=side is Side.BID)
        return ordered[:limit]


class Desk:
    """A paper venue, its clock, and what it said."""

    def __init__(
        self, bids: dict[float, float], asks: dict[float, float], venue: PaperVenue | None = None
    ) -> None:
        self.venue = venue or PaperVenue(PaperParams(delays_ms=(10,)))
        self.now = START
        self.said: list[events.KernelEvent] = []
        self.venue.on_market(MARKET, self.now)
        self.book(bids, asks)

    def wait(self, ms: int = 100) -> None:
        """Long enough for requests, answers and the judgement of levels."""
        for _ in range(2):
            self.now = self.now.plus(ms * MILLISECOND)
            self.said += self.venue.poll(self.now)

    def book(self, bids: dict[float, float], asks: dict[float, float]) -> None:
        self.venue.on_book("A", Book(bids, asks), self.now)

    def trade(self, cents: float, count: float, taker: Side | None, *, block: bool = False) -> None:
        self.venue.on_trade(
            PublicTrade(
                "A", round(cents * CENT), round(count * CONTRACT), taker, self.now.wall, is_block=block
            ),
            self.now,
        )
        self.wait()

    def place(
        self,
        side: Side,
        cents: float,
        count: float,
        *,
        tif: TimeInForce = TimeInForce.GTC,
        post_only: bool | None = None,
        reduce_only: bool = False,
        expires_in: int | None = None,
        stp: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS,
        ident: str = "",
    ) -> str:
        order = NewOrder(
            ident or f"c{len(self.said)}-{self.now.mono}",
            "A",
            side,
            round(cents * CENT),
            round(count * CONTRACT),
            time_in_force=tif,
            post_only=tif is TimeInForce.GTC if post_only is None else post_only,
            reduce_only=reduce_only,
            expiration_s=None if expires_in is None else self.now.wall // SECOND + expires_in,
            self_trade_prevention=stp,
        )
        self.venue.send(effects.CreateOrder(order), self.now)
        self.wait()
        accepted = self.of(events.CreateAccepted)
        return accepted[-1].order_id if accepted else ""

    def of(self, kind: type[E]) -> list[E]:
        return [e for e in self.said if isinstance(e, kind)]

    def fills(self) -> list[tuple[float, float, bool]]:
        """(cents, contracts, taker) of every fill the desk was told of."""
        found = [f for e in self.of(events.FillsRead) for f in e.fills]
        return [(f.price / CENT, f.count / CONTRACT, f.is_taker) for f in found]

    def order(self, order_id: str) -> VenueOrder:
        return [o for e in self.of(events.OrdersRead) for o in e.orders if o.order_id == order_id][-1]

    def refused(self) -> str:
        error = self.of(events.CreateRefused)[-1].error
        return f"{error.status} {error.code} {error.message}".strip()


def desk(**kwargs: PaperVenue) -> Desk:
    return Desk({44: 60, 42: 30}, {46: 50, 47: 10}, **kwargs)


def test_answers_take_their_time() -> None:
    here = desk()
    order = NewOrder("c1", "A", Side.BID, 4400, 1000)
    here.venue.send(effects.CreateOrder(order), here.now)
    assert here.venue.next_due() == START.mono + 10 * MILLISECOND
    assert here.venue.poll(here.now.plus(19 * MILLISECOND)) == []
    (accepted,) = here.venue.poll(here.now.plus(20 * MILLISECOND))
    assert accepted == events.CreateAccepted(START.plus(20 * MILLISECOND), "c1", "paper-1", 0, 1000)
    assert here.venue.next_due() is None


def test_a_touch_fills_nobody_and_the_queue_goes_first() -> None:
    here = desk()
    bid = here.place(Side.BID, 44, 10)
    here.book({44: 60, 42: 30}, {45: 10})
    here.wait()
    here.trade(46, 100, Side.BID)
    assert here.fills() == []
    here.trade(44, 60, Side.ASK)
    assert here.fills() == []
    here.trade(44, 4, Side.ASK)
    assert here.fills() == [(44, 4, False)]
    assert (here.order(bid).status, here.order(bid).remaining) == ("resting", 6 * CONTRACT)
    here.trade(44, 50, Side.ASK)
    assert here.fills() == [(44, 4, False), (44, 6, False)]
    assert here.order(bid).status == "executed"


def test_a_trade_beyond_the_price_fills_whole() -> None:
    here = desk()
    here.place(Side.BID, 44, 10)
    here.place(Side.ASK, 47, 5)
    here.trade(43, 1, Side.ASK)
    here.trade(48, 1, Side.BID)
    assert here.fills() == [(44, 10, False), (47, 5, False)]


def test_an_offer_displayed_beyond_the_price_would_have_met_it() -> None:
    here = desk()
    here.place(Side.BID, 44, 10)
    here.book({42: 30}, {43: 4, 46: 50})
    here.wait()
    assert here.fills() == [(44, 4, False)]
    here.book({42: 30}, {43: 4, 46: 50})
    here.wait()
    assert here.fills() == [(44, 4, False)], "the same displayed contracts trade once"
    here.book({42: 30}, {43: 9, 46: 50})
    here.wait()
    assert here.fills()[1:] == [(44, 5, False)]


def test_trades_nobody_can_place_and_blocks_fill_nothing() -> None:
    here = desk()
    here.place(Side.BID, 44, 10)
    here.trade(43, 100, None)
    here.trade(43, 100, Side.ASK, block=True)
    assert here.fills() == []


def test_a_trade_and_its_delta_count_once_in_either_order() -> None:
    for delta_first in (True, False):
        here = desk()
        here.place(Side.BID, 44, 10)
        if delta_first:
            here.book({44: 10, 42: 30}, {46: 50})
            here.trade(44, 50, Side.ASK)
        else:
            here.venue.on_trade(PublicTrade("A", 4400, 50 * CONTRACT, Side.ASK, None), here.now)
            here.book({44: 10, 42: 30}, {46: 50})
            here.wait()
        here.trade(44, 10, Side.ASK)
        assert here.fills() == [], "sixty were in front, sixty have traded"
        here.trade(44, 1, Side.ASK)
        assert here.fills() == [(44, 1, False)]


def test_cancels_in_front_move_the_order_up_only_where_the_model_says_so() -> None:
    for venue, expected in ((PaperVenue(), 0.0), (PaperVenue(model=Power(1.0)), 10.0)):
        here = desk(venue=venue)
        here.place(Side.BID, 44, 10)
        here.book({44: 100}, {46: 50})
        here.wait(200)
        here.book({44: 80}, {46: 50})
        here.wait(200)
        here.trade(44, 58, Side.ASK)
        assert sum(n for _, n, _ in here.fills()) == expected


def test_a_trade_explains_its_own_fall_and_no_later_one() -> None:
    here = desk(venue=PaperVenue(PaperParams(delays_ms=(10,)), Power(1.0)))
    here.place(Side.BID, 44, 10)
    here.book({44: 90}, {46: 50})
    here.wait(200)
    here.book({44: 60}, {46: 50})
    here.trade(44, 30, Side.ASK)  # thirty left in front, thirty behind
    here.book({44: 40}, {46: 50})
    here.wait(200)  # twenty cancelled, half of them in front
    here.trade(44, 21, Side.ASK)
    assert here.fills() == [(44, 1, False)]


def test_own_orders_at_one_price_fill_in_their_order() -> None:
    here = desk()
    first, second = here.place(Side.BID, 44, 3), here.place(Side.BID, 44, 5)
    here.venue.send(effects.ReadQueue(("A",)), here.now)
    here.wait()
    assert here.of(events.QueueRead)[-1].ahead == {first: 60 * CONTRACT, second: 63 * CONTRACT}
    here.trade(44, 65, Side.ASK)
    assert here.fills() == [(44, 3, False), (44, 2, False)]
    assert here.order(first).status == "executed"


def test_a_taker_takes_displayed_depth_once() -> None:
    here = desk()
    here.place(Side.BID, 47, 55, tif=TimeInForce.IOC)
    assert here.fills() == [(46, 50, True), (47, 5, True)]
    here.place(Side.BID, 47, 55, tif=TimeInForce.IOC)
    assert here.fills()[2:] == [(47, 5, True)]
    accepted = here.of(events.CreateAccepted)[-1]
    assert (accepted.filled, accepted.remaining) == (5 * CONTRACT, 0)
    here.book({44: 60}, {46: 70})
    here.place(Side.BID, 46, 30, tif=TimeInForce.IOC)
    assert here.fills()[3:] == [(46, 20, True)]


def test_fees_are_the_schedules_and_cash_is_exact() -> None:
    here = desk()
    here.place(Side.BID, 46, 10, tif=TimeInForce.IOC)
    fee = trade_fee(MARKET.fee, 4600, 10 * CONTRACT, True, here.now.wall)
    assert fee == 173_900
    spent = here.venue.totals()
    assert spent.balance == 10_000 * DOLLAR - 4_600_000 - fee
    here.place(Side.ASK, 44, 25, tif=TimeInForce.IOC)
    short = here.venue.totals()
    assert short.positions[0].position == -15 * CONTRACT
    proceeds = 25 * 440_000 - trade_fee(MARKET.fee, 4400, 25 * CONTRACT, True, here.now.wall, Side.ASK)
    assert short.balance == spent.balance + proceeds - 15 * DOLLAR
    assert short.positions[0].exposure == 15 * 560_000


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"price": 4450}, "400 INVALID_PRICE not a price of this market"),
        ({"price": 4600}, "400 invalid order post only cross"),
        ({"count": 0}, "400 invalid_order_size the count must be above zero"),
        ({"ticker": "Z"}, "404 MARKET_NOT_FOUND Z"),
        ({"reduce_only": True}, "400 invalid_order reduce only needs immediate or cancel"),
        ({"expiration_s": 1}, "400 invalid_order Expiration timestamp must be in the future"),
        ({"count": 30_000 * CONTRACT}, "400 insufficient_balance not enough cash for this order"),
        ({"client_order_id": "used"}, "409 order_already_exists order already exists"),
    ],
)
def test_refusals_are_the_venues(change: dict[str, object], error: str) -> None:
    here = desk()
    here.place(Side.BID, 40, 1, ident="used")
    order = replace(NewOrder("new", "A", Side.BID, 4400, 1000), **change)
    here.venue.send(effects.CreateOrder(order), here.now)
    here.wait()
    assert here.refused() == error
    assert len(here.venue.totals().orders) == 1


def test_immediate_orders_with_an_expiry_and_orders_before_any_book_are_refused() -> None:
    here = desk()
    here.place(Side.BID, 46, 1, tif=TimeInForce.IOC, expires_in=60)
    assert here.refused() == "400 invalid_order only good till canceled orders expire"
    blind = PaperVenue()
    blind.on_market(MARKET, START)
    blind.send(effects.CreateOrder(NewOrder("c", "A", Side.BID, 4400, 100)), START)
    (refused,) = blind.poll(START.plus(SECOND))
    assert isinstance(refused, events.CreateRefused) and "no book" in refused.error.message


def test_reduce_only_and_fill_or_kill() -> None:
    here = desk()
    here.place(Side.ASK, 44, 5, tif=TimeInForce.IOC, reduce_only=True)
    assert here.fills() == []
    here.place(Side.BID, 46, 3, tif=TimeInForce.IOC)
    here.place(Side.ASK, 44, 5, tif=TimeInForce.IOC, reduce_only=True)
    assert here.fills() == [(46, 3, True), (44, 3, True)]
    here.place(Side.BID, 46, 48, tif=TimeInForce.FOK)
    assert len(here.fills()) == 2
    here.place(Side.BID, 46, 47, tif=TimeInForce.FOK)
    assert here.fills()[2:] == [(46, 47, True)]


def test_self_trades_are_prevented_both_ways() -> None:
    here = desk()
    ask = here.place(Side.ASK, 47, 5)
    here.place(Side.BID, 48, 100, tif=TimeInForce.IOC)
    assert here.fills() == [(46, 50, True)], "stops where our own ask stands"
    here.place(Side.BID, 48, 100, tif=TimeInForce.IOC, stp=SelfTradePrevention.MAKER)
    assert here.order(ask).reason == "SelfTradeCancel"
    assert here.fills()[1:] == [(47, 10, True)]
    here.place(Side.ASK, 49, 5)
    here.place(Side.BID, 50, 1)
    assert here.refused() == "400 invalid order post only cross"


def test_cancels_and_what_does_not_rest() -> None:
    here = desk()
    bid = here.place(Side.BID, 44, 10)
    cancel = effects.CancelOrder(bid, "", "A", 0, "test")
    here.venue.send(cancel, here.now)
    here.venue.send(cancel, here.now)
    here.wait()
    assert [e.reduced_by for e in here.of(events.CancelAccepted)] == [10 * CONTRACT]
    assert [e.error.status for e in here.of(events.CancelRefused)] == [404]
    assert here.order(bid).status == "canceled"
    assert here.venue.totals().orders == ()


def amend(here: Desk, order_id: str, cents: float, count: float, expires_s: int | None = None) -> None:
    here.venue.send(
        effects.AmendOrder(
            order_id, "", "A", Side.BID, round(cents * CENT), round(count * CONTRACT), expires_s, 0, "test"
        ),
        here.now,
    )
    here.wait()


def test_an_amend_downward_or_of_the_expiry_keeps_the_place() -> None:
    here = desk()
    bid = here.place(Side.BID, 44, 10)
    here.book({44: 90, 42: 30}, {46: 50})
    here.wait()
    amend(here, bid, 44, 6, expires_s=here.now.wall // SECOND + 60)
    here.trade(44, 62, Side.ASK)
    assert here.fills() == [(44, 2, False)]
    amend(here, bid, 44, 20)
    here.trade(44, 80, Side.ASK)
    assert here.fills() == [(44, 2, False)], "a larger size goes to the back"
    amend(here, bid, 44, 2)
    amend(here, bid, 46, 20)
    amend(here, "nobody", 44, 20)
    errors = [(e.error.code, str(e.error.message)) for e in here.of(events.AmendRefused)]
    assert errors == [
        ("invalid_order_size", "the count must exceed what has filled"),
        ("invalid order", "post only cross"),
        ("not_found", "the order does not rest"),
    ]


def test_an_amend_to_another_price_joins_its_queue() -> None:
    here = desk()
    bid = here.place(Side.BID, 44, 10)
    amend(here, bid, 42, 10)
    here.trade(42, 31, Side.ASK)
    assert here.fills() == [(42, 1, False)]
    answer = here.of(events.AmendAccepted)[-1]
    assert (answer.remaining, answer.filled) == (10 * CONTRACT, 0)


def test_orders_expire_and_a_close_cancels_the_rest() -> None:
    here = desk()
    short_lived = here.place(Side.BID, 44, 10, expires_in=2)
    stays = here.place(Side.BID, 42, 10)
    here.wait(3000)
    assert here.order(short_lived).reason == "ExpiryCancel"
    here.venue.on_market(replace(MARKET, close_time=here.now.wall + SECOND), here.now)
    here.wait(2000)
    assert here.order(stays).reason == "CloseCancel"
    here.place(Side.BID, 42, 10)
    assert here.refused() == "400 MARKET_INACTIVE the market has closed"


def test_a_pause_cancels_what_asked_for_it_and_stops_the_rest() -> None:
    here = desk()
    bid = here.place(Side.BID, 44, 10)
    here.venue.on_market(replace(MARKET, status=MarketStatus.INACTIVE), here.now)
    here.wait()
    assert here.order(bid).reason == "HaltCancel"
    here.place(Side.BID, 44, 10)
    assert here.refused() == "400 MARKET_NOT_ACTIVE the market is inactive"


def test_a_settlement_pays_once() -> None:
    here = desk()
    here.place(Side.BID, 46, 10, tif=TimeInForce.IOC)
    before = here.venue.totals().balance
    final = replace(MARKET, status=MarketStatus.FINALIZED, result="yes", settlement_value=DOLLAR)
    for _ in range(2):
        here.venue.on_market(final, here.now)
        here.wait()
    assert here.venue.totals().balance == before + 10 * DOLLAR
    (told,) = here.of(events.SettlementsRead)
    assert (told.settlements[0].revenue, told.settlements[0].yes_count) == (10 * DOLLAR, 10 * CONTRACT)


def test_a_short_is_settled_from_its_own_leg() -> None:
    here = desk()
    here.place(Side.ASK, 44, 10, tif=TimeInForce.IOC)
    before = here.venue.totals().balance
    here.venue.on_market(replace(MARKET, status=MarketStatus.FINALIZED, settlement_value=300_000), here.now)
    here.wait()
    assert here.venue.totals().balance == before + 7 * DOLLAR


def test_reads_are_complete_and_agree_with_the_venues_books() -> None:
    here = desk()
    here.place(Side.BID, 46, 10, tif=TimeInForce.IOC)
    bid = here.place(Side.BID, 44, 10)
    for read in (
        effects.ReadOrders(resting_only=True),
        effects.ReadOrders(resting_only=False),
        effects.ReadFills(0),
        effects.ReadPositions(),
        effects.ReadBalance(),
        effects.ReadSettlements(0),
    ):
        here.venue.send(read, here.now)
    here.wait()
    resting, everything = (e for e in here.of(events.OrdersRead) if e.complete)
    assert [o.order_id for o in resting.orders] == [bid]
    assert len(everything.orders) == 2
    totals = here.venue.totals()
    fills = [e for e in here.of(events.FillsRead) if e.complete]
    assert fills[-1].fills == totals.fills
    assert here.of(events.PositionsRead)[-1].positions == totals.positions
    assert here.of(events.BalanceRead)[-1].balance == totals.balance
    assert here.of(events.SettlementsRead)[-1].settlements == ()
    assert totals.orders == resting.orders


def test_the_same_day_gives_the_same_events() -> None:
    def day() -> list[events.KernelEvent]:
        here = desk(venue=PaperVenue(PaperParams(delays_ms=(10, 35, 4))))
        here.place(Side.BID, 44, 10)
        here.place(Side.ASK, 46, 10)
        here.trade(44, 65, Side.ASK)
        here.trade(47, 5, Side.BID)
        return here.said

    first = day()
    assert first == day()
    assert len([f for e in first if isinstance(e, events.FillsRead) for f in e.fills]) == 2


def test_requests_do_not_overtake_each_other() -> None:
    here = desk(venue=PaperVenue(PaperParams(delays_ms=(50, 1))))
    order = NewOrder("c1", "A", Side.BID, 4400, 1000)
    here.venue.send(effects.CreateOrder(order), here.now)
    here.venue.send(effects.CancelOrder("paper-1", "c1", "A", 0, "test"), here.now)
    here.wait()
    kinds = [type(e).__name__ for e in here.said]
    assert kinds == ["CreateAccepted", "CancelAccepted", "OrdersRead"]


def test_parameters_are_checked() -> None:
    with pytest.raises(ValueError, match="at least one delay"):
        PaperParams(delays_ms=())
    with pytest.raises(ValueError, match=r"paper\.cash"):
        PaperParams(cash=-1)


def test_market_data_of_markets_it_was_not_told_of_is_ignored() -> None:
    venue = PaperVenue()
    venue.on_book("Z", Book({}, {}), START)
    venue.on_trade(PublicTrade("Z", 5000, 100, Side.BID, None), START)
    assert venue.poll(START) == []
    assert [f for f in venue.totals().fills if isinstance(f, Fill)] == []
