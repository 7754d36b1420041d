"""The order registry: what is live, what evidence ends an order, every trade once."""

from __future__ import annotations

from kalshi_tui.execution.orders import ABSENCES_NEEDED, OrderRegistry
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import (
    Fill,
    NewOrder,
    OrderState,
    Owner,
    TimeInForce,
    VenueError,
    VenueOrder,
)
from kalshi_tui.protocol.text import SafeText
from kalshi_tui.protocol.units import SECOND, Side

T0 = Instant(1_000 * SECOND, 2_000 * SECOND)
REFUSED = VenueError(400, "insufficient_balance", SafeText("no cash"))


def sent(registry: OrderRegistry, client_id: str = "b-e1", tif: TimeInForce = TimeInForce.GTC) -> NewOrder:
    order = NewOrder(client_id, "T-1", Side.BID, 4100, 1000, time_in_force=tif)
    registry.submit(order, T0)
    return order


def trade(trade_id: str, count: int, order_id: str = "o1", client_id: str = "") -> Fill:
    return Fill(trade_id, order_id, "T-1", Side.BID, 4100, count, 0, False, 0, client_id)


def report(
    status: str, filled: int = 0, remaining: int = 1000, order_id: str = "o1", client_id: str = "b-e1"
) -> VenueOrder:
    return VenueOrder(order_id, client_id, "T-1", Side.BID, 4100, 1000, filled, remaining, status)


def test_an_order_counts_from_the_moment_it_is_sent() -> None:
    registry = OrderRegistry()
    sent(registry)
    assert registry.exposure("T-1") == (1000, 0)
    assert registry.by_client_id["b-e1"].state is OrderState.SENT


def test_a_client_order_id_is_never_used_twice() -> None:
    registry = OrderRegistry()
    sent(registry)
    try:
        sent(registry)
    except ValueError as error:
        assert "b-e1" in str(error)
    else:
        raise AssertionError("the second use was accepted")


def test_a_lost_answer_stays_live_until_the_venue_shows_the_order() -> None:
    registry = OrderRegistry()
    sent(registry)
    change = registry.create_unknown("b-e1", "timeout")
    assert change is not None and change.what == "unknown"
    assert registry.exposure("T-1") == (1000, 0)
    assert registry.unresolved() == [registry.by_client_id["b-e1"]]
    registry.seen(report("resting"), T0)
    assert registry.by_client_id["b-e1"].state is OrderState.LIVE
    assert registry.unresolved() == []


def test_a_fill_may_come_before_the_answer() -> None:
    registry = OrderRegistry()
    sent(registry)
    result = registry.fill(trade("t1", 400, client_id="b-e1"))
    assert result.order is registry.by_client_id["b-e1"]
    assert registry.create_unknown("b-e1", "timeout") is None
    registry.create_accepted("b-e1", "o1", 400, 600)
    assert registry.by_client_id["b-e1"].remaining == 600


def test_a_trade_is_applied_once() -> None:
    registry = OrderRegistry()
    sent(registry)
    registry.create_accepted("b-e1", "o1", 0, 1000)
    assert not registry.fill(trade("t1", 400)).duplicate
    assert registry.fill(trade("t1", 400)).duplicate
    assert registry.by_client_id["b-e1"].filled == 400


def test_a_cancel_after_a_partial_fill_leaves_nothing_and_a_late_fill_is_taken() -> None:
    registry = OrderRegistry()
    sent(registry)
    registry.create_accepted("b-e1", "o1", 0, 1000)
    order = registry.by_client_id["b-e1"]
    registry.canceling(order, T0, "by hand")
    registry.cancel_accepted("o1", 500)
    assert order.state is OrderState.CANCELED
    # Half was filled, says the venue, and the trade has not come: it still counts and is looked up.
    assert registry.exposure("T-1") == (500, 0) and order.look_up
    assert registry.fill(trade("t1", 500)).anomaly == ""
    assert registry.exposure("T-1") == (0, 0) and not order.look_up


def test_404_on_a_cancel_proves_only_that_it_does_not_rest() -> None:
    registry = OrderRegistry()
    sent(registry)
    registry.create_accepted("b-e1", "o1", 0, 1000)
    order = registry.by_client_id["b-e1"]
    registry.canceling(order, T0, "by hand")
    registry.cancel_refused("o1", VenueError(404, "not_found"))
    assert order.is_open and order.look_up
    registry.fill(trade("t1", 1000))
    assert order.state is OrderState.FILLED


def test_any_other_refusal_of_a_cancel_means_it_still_rests() -> None:
    registry = OrderRegistry()
    sent(registry)
    registry.create_accepted("b-e1", "o1", 0, 1000)
    order = registry.by_client_id["b-e1"]
    registry.canceling(order, T0, "by hand")
    registry.cancel_refused("o1", VenueError(409, "trading_is_paused"))
    assert order.state is OrderState.LIVE


def test_ioc_never_rests() -> None:
    registry = OrderRegistry()
    sent(registry, tif=TimeInForce.IOC)
    registry.create_accepted("b-e1", "o1", 300, 0)
    order = registry.by_client_id["b-e1"]
    assert order.state is OrderState.CANCELED and order.exposure == 300
    registry.fill(trade("t1", 300))
    assert registry.exposure("T-1") == (0, 0)


def test_an_overfill_is_said_aloud() -> None:
    registry = OrderRegistry()
    sent(registry)
    registry.create_accepted("b-e1", "o1", 0, 1000)
    registry.fill(trade("t1", 1000))
    assert "filled of an order" in registry.fill(trade("t2", 100)).anomaly


def test_a_restated_order_never_unfills() -> None:
    registry = OrderRegistry()
    sent(registry)
    registry.create_accepted("b-e1", "o1", 0, 1000)
    registry.fill(trade("t1", 600))
    registry.seen(report("resting", filled=200, remaining=800), T0)
    order = registry.by_client_id["b-e1"]
    assert (order.filled, order.remaining, order.exposure) == (600, 400, 400)


def test_an_order_made_elsewhere_is_found_and_counted() -> None:
    registry = OrderRegistry()
    change = registry.seen(report("resting", filled=200, remaining=800, order_id="x", client_id=""), T0)
    assert change is not None and change.order.owner is Owner.FOUND
    assert registry.exposure("T-1") == (800, 0)


def test_a_leftover_of_an_earlier_boot_is_known_by_its_client_id() -> None:
    registry = OrderRegistry(family="kt12ab")
    for client_id, owner in (
        ("kt12abffff-e7", Owner.ENGINE),
        ("kt12abffff-m7", Owner.MINE),
        ("kt12abffff-x7", Owner.FOUND),
        ("someone-e7", Owner.FOUND),
        ("", Owner.FOUND),
    ):
        change = registry.seen(report("resting", order_id=f"o{client_id}", client_id=client_id), T0)
        assert change is not None and change.order.owner is owner


def test_absence_counts_only_in_complete_reads_spaced_apart() -> None:
    registry = OrderRegistry()
    sent(registry)
    registry.create_unknown("b-e1", "timeout")
    order = registry.by_client_id["b-e1"]
    assert registry.resting_read(frozenset(), T0.plus(SECOND // 2)) == []  # asked too soon after it was sent
    assert order.absences == 0
    changes = []
    for n in range(1, ABSENCES_NEEDED + 1):
        changes += registry.resting_read(frozenset(), T0.plus(2 * n * SECOND))
        registry.resting_read(frozenset(), T0.plus(2 * n * SECOND + 1))  # at once again: no evidence
        assert order.is_open is (n < ABSENCES_NEEDED)
    assert [c.what for c in changes] == ["resolved"]


def test_an_amend_that_is_not_answered_counts_with_the_larger_size() -> None:
    registry = OrderRegistry()
    sent(registry)
    registry.create_accepted("b-e1", "o1", 0, 1000)
    order = registry.by_client_id["b-e1"]
    registry.amending(order, T0, 600, None)
    registry.amend_failed("o1", None, "timeout")
    assert order.exposure == 1000 and order.look_up
    registry.amending(order, T0, 600, None)
    registry.amend_answered("o1", 600, 0)
    assert order.exposure == 600


def test_a_refused_order_is_over() -> None:
    registry = OrderRegistry()
    sent(registry)
    change = registry.create_refused("b-e1", REFUSED)
    assert change is not None and "no cash" in change.why
    assert registry.open_count() == 0


def canceled_after_a_lost_amend(registry: OrderRegistry) -> None:
    """1,000 became 600 and nobody was told; 600 are cancelled, so 400 seem to have traded."""
    sent(registry)
    registry.create_accepted("b-e1", "o1", 0, 1000)
    order = registry.by_client_id["b-e1"]
    registry.amending(order, T0, 600, None)
    registry.canceling(order, T0, "pull")
    registry.amend_failed("o1", None, "timeout")
    registry.cancel_accepted("o1", 600)
    assert order.state is OrderState.CANCELED
    assert (order.exposure, order.look_up) == (400, True), "they may have traded: a read tells"


def test_trades_reckoned_from_a_lost_amend_end_with_the_venues_last_word() -> None:
    registry = OrderRegistry()
    canceled_after_a_lost_amend(registry)
    registry.seen(report("resting", 0, 600), T0)  # asked before the cancel: no last word
    assert registry.by_client_id["b-e1"].exposure == 400
    registry.seen(report("canceled", 0, 0), T0)
    assert registry.by_client_id["b-e1"].exposure == 0
    assert "T-1" not in registry.live


def test_the_venues_last_word_keeps_what_really_traded() -> None:
    registry = OrderRegistry()
    canceled_after_a_lost_amend(registry)
    registry.seen(report("canceled", 100, 0), T0)
    assert registry.by_client_id["b-e1"].exposure == 100
    registry.fill(trade("t1", 100))
    assert registry.by_client_id["b-e1"].exposure == 0
    registry.seen(report("canceled", 0, 0), T0)  # a record that lags behind its trades takes none back
    assert registry.by_client_id["b-e1"].exposure == 0


def test_an_order_made_smaller_and_traded_whole_leaves_nothing() -> None:
    """The record of it still names the size it began with."""
    registry = OrderRegistry()
    sent(registry)
    registry.create_accepted("b-e1", "o1", 0, 1000)
    registry.seen(report("resting", 0, 600), T0)
    registry.seen(report("executed", 600, 0), T0)
    assert registry.by_client_id["b-e1"].exposure == 600
    registry.fill(trade("t1", 600))
    assert registry.by_client_id["b-e1"].exposure == 0 and "T-1" not in registry.live
