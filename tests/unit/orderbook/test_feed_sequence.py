"""The sequence of a subscription: shared by markets and replies, and what breaks it."""

from __future__ import annotations

import pytest
from feed_frames import CENT, CONN, at, delta, error, ok, opened, reasons, snapshot, subscribed, trade

from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.protocol.effects import RequestSnapshots, Resubscribe
from kalshi_tui.protocol.wire import Message
from kalshi_tui.protocol.wire_messages import BookDelta, InvalidFrame, UnknownFrame, Unsubscribed


def test_deltas_apply_in_sequence() -> None:
    feed = opened("A", "B")
    assert feed.apply(CONN, delta("A", 3, clock=7, ts_ms=5), at(1)) == "A"
    assert feed.apply(CONN, delta("B", 4, side="no", price="0.5500"), at(2)) == "B"
    a, b = feed.book("A"), feed.book("B")
    assert a is not None and b is not None
    assert (a.bid_size, a.last_change, a.clock) == (1100, at(1), 7)
    assert b.ask_size == 400
    assert (feed.counters.frames, feed.counters.deltas, feed.counters.snapshots) == (5, 2, 2)


def test_a_gap_costs_every_book_of_its_subscription_and_no_other() -> None:
    """F01."""
    feed = opened("A", "B")
    feed.follow("C", CENT)
    feed.apply(CONN, subscribed(5), at())
    feed.apply(CONN, snapshot("C", 1, sid=5), at())
    feed.turned()
    assert feed.apply(CONN, delta("A", 4), at(1)) is None
    assert reasons(feed) == {"A": "gap", "B": "gap", "C": "live"}
    assert feed.status("A").since == at(1)
    assert feed.turned() == ["A", "B"]
    assert not feed.settled("A") and feed.settled("C")
    assert feed.counters.gaps == 1
    assert feed.requests() == [RequestSnapshots(CONN, 1, ("A", "B"))]
    assert feed.requests() == []
    # Recovery per market, as each snapshot arrives; changes before it are dropped.
    feed.apply(CONN, delta("B", 5, "50.00"), at(2))
    assert feed.apply(CONN, snapshot("A", 6, [("0.4100", "2.00")]), at(3)) == "A"
    assert reasons(feed) == {"A": "live", "B": "gap", "C": "live"}
    assert feed.counters.resyncs == 1
    book = feed.book("A")
    assert book is not None and book.best_bid == 4100
    assert feed.counters.book_checks == 0


def test_a_frame_seen_before_is_never_applied_twice() -> None:
    """F02."""
    feed = opened("A")
    again = delta("A", 2, "5.00")
    assert feed.apply(CONN, again, at()) == "A"
    assert feed.apply(CONN, again, at(1)) is None
    assert feed.apply(CONN, delta("A", 2, "5.00"), at(2)) is None
    book = feed.book("A")
    assert book is not None
    assert (book.bid_size, feed.counters.duplicates, feed.counters.gaps) == (1500, 2, 0)
    assert feed.apply(CONN, delta("A", 3), at(3)) == "A"


def test_the_same_number_with_other_content_is_a_regression() -> None:
    feed = opened("A")
    feed.apply(CONN, delta("A", 2, "5.00"), at())
    assert feed.apply(CONN, delta("A", 2, "6.00"), at()) is None
    assert (feed.counters.gaps, feed.counters.duplicates, reasons(feed)) == (1, 0, {"A": "gap"})


def test_numbers_that_go_back_are_a_gap_and_count_on_from_there() -> None:
    """F03; a duplicate guard that swallows a restarted numbering would freeze the book."""
    feed = opened("A")
    for number in range(2, 10):
        feed.apply(CONN, delta("A", number), at())
    feed.apply(CONN, delta("A", 1), at())
    assert (feed.counters.gaps, reasons(feed)) == (1, {"A": "gap"})
    feed.apply(CONN, snapshot("A", 2), at())
    assert feed.apply(CONN, delta("A", 3), at()) == "A"
    assert feed.counters.gaps == 1


def test_swapped_frames_are_one_gap() -> None:
    feed = opened("A", "B")
    feed.apply(CONN, delta("A", 4), at())
    feed.apply(CONN, delta("A", 3), at())
    assert feed.counters.gaps == 1
    feed.apply(CONN, snapshot("A", 5), at())
    assert feed.apply(CONN, delta("A", 6), at()) == "A"
    assert feed.counters.gaps == 1


def test_replies_and_unknown_types_take_numbers() -> None:
    """F04, F16."""
    feed = opened("A")
    frames: list[Message] = [ok(2, ["A"]), UnknownFrame("new", 1, 3), error(11, 4), delta("A", 5)]
    changed = [feed.apply(CONN, frame, at()) for frame in frames]
    assert changed == [None, None, None, "A"]
    assert (feed.counters.gaps, feed.counters.resyncs) == (0, 0)


def test_an_unsequenced_or_foreign_frame_says_nothing() -> None:
    feed = opened("A")
    feed.apply(CONN, error(8, None, None), at())
    feed.apply(CONN, trade(77), at())
    feed.apply(CONN, trade(78), at())
    feed.apply(CONN, delta("NOT-MINE", 2), at())
    assert feed.apply(CONN, delta("A", 3), at()) == "A"
    assert (feed.counters.gaps, feed.counters.trades) == (0, 2)


def test_a_gap_on_trades_costs_no_book() -> None:
    feed = opened("A")
    feed.apply(CONN, trade(1), at())
    feed.apply(CONN, trade(3), at())
    assert (feed.counters.gaps, reasons(feed)) == (1, {"A": "live"})


def test_a_delta_before_its_snapshot_is_dropped_and_the_snapshot_asked_for() -> None:
    """F06."""
    feed = BookFeed()
    feed.follow("A", CENT)
    feed.open(CONN, at())
    feed.apply(CONN, subscribed(), at())
    assert feed.apply(CONN, delta("A", 1), at()) is None
    assert reasons(feed) == {"A": "waiting"}
    assert feed.requests() == [RequestSnapshots(CONN, 1, ("A",))]
    feed.apply(CONN, snapshot("A", 2), at())
    assert (reasons(feed), feed.counters.resyncs, feed.counters.gaps) == ({"A": "live"}, 0, 0)


def test_changes_a_snapshot_already_holds_are_dropped_by_clock() -> None:
    feed = BookFeed()
    feed.follow("A", CENT)
    feed.open(CONN, at())
    feed.apply(CONN, snapshot("A", 1, clock=50), at())
    assert feed.apply(CONN, delta("A", 2, clock=50), at()) is None
    assert feed.apply(CONN, delta("A", 3, clock=51), at()) == "A"
    assert feed.apply(CONN, delta("A", 4, clock=51), at()) == "A"
    assert feed.apply(CONN, delta("A", 5, clock=0), at()) == "A"
    book = feed.book("A")
    assert book is not None
    assert (book.bid_size, feed.counters.duplicates, feed.counters.gaps) == (1300, 1, 0)


@pytest.mark.parametrize(
    ("frame", "word"),
    [
        (delta("A", 3, "-11.00"), "negative"),
        (delta("A", 3, price="0.4050"), "off grid"),
        (delta("A", 3, price="1e-1"), "bad frame"),
        (delta("A", 3, change="9" * 5000), "bad frame"),
    ],
)
def test_a_change_that_can_not_be_true_costs_only_its_market(frame: BookDelta, word: str) -> None:
    """F07, F15."""
    feed = opened("A", "B")
    assert feed.apply(CONN, frame, at(1)) == "A"
    assert reasons(feed) == {"A": word, "B": "live"}
    negative = word == "negative"
    assert (feed.counters.negative_levels, feed.counters.invalid_frames) == (negative, not negative)
    assert feed.requests() == [RequestSnapshots(CONN, 1, ("A",))]
    assert feed.apply(CONN, delta("B", 4), at(2)) == "B"
    assert feed.counters.gaps == 0


def test_an_unreadable_frame_asks_each_subscription_for_a_sign() -> None:
    """F13: whose it was is unknown; the number of any answer tells."""
    feed = opened("A", "B")
    feed.apply(CONN, InvalidFrame("torn", "0" * 64, 5), at())
    assert reasons(feed) == {"A": "live", "B": "live"}
    assert feed.requests() == [RequestSnapshots(CONN, 1, ("A",))]
    assert feed.counters.invalid_frames == 1
    feed.apply(CONN, snapshot("A", 4), at())
    assert reasons(feed) == {"A": "live", "B": "gap"}
    assert feed.counters.gaps == 1


@pytest.mark.parametrize("code", [10, 25])
def test_a_terminal_error_ends_its_subscription_only(code: int) -> None:
    """F12."""
    feed = opened("A")
    feed.follow("C", CENT)
    feed.apply(CONN, subscribed(5), at())
    feed.apply(CONN, snapshot("C", 1, sid=5), at())
    feed.apply(CONN, error(code, 2), at())
    assert reasons(feed) == {"A": "channel error", "C": "live"}
    assert feed.requests() == [Resubscribe(CONN, 1, "channel error")]
    assert feed.apply(CONN, delta("A", 3), at()) is None
    for ms in range(0, 2000, 100):
        feed.heard(at(ms))
        feed.expire(at(ms))
        assert feed.requests() == []
    feed.apply(CONN, subscribed(6), at())
    assert feed.requests() == [RequestSnapshots(CONN, 6, ("A",))]
    feed.apply(CONN, snapshot("A", 1, sid=6), at())
    assert reasons(feed) == {"A": "live", "C": "live"}
    assert (feed.counters.resyncs, feed.counters.gaps) == (1, 0)


def test_unsubscribed_markets_are_not_told_any_more() -> None:
    feed = opened("A", "B")
    feed.apply(CONN, ok(3, ["B"]), at())
    assert reasons(feed) == {"A": "unsubscribed", "B": "live"}
    feed.apply(CONN, Unsubscribed(sid=1, seq=4), at())
    assert reasons(feed) == {"A": "unsubscribed", "B": "unsubscribed"}


def test_a_reply_on_the_trade_channel_says_nothing_about_books() -> None:
    feed = opened("A")
    feed.apply(CONN, subscribed(2, "trade"), at())
    feed.apply(CONN, ok(1, ["A", "B"], sid=2), at())
    feed.apply(CONN, ok(2, [], sid=2), at())
    assert reasons(feed) == {"A": "live"}
    assert feed.apply(CONN, delta("A", 2), at()) == "A"
    feed.follow("B", CENT)
    feed.apply(CONN, ok(3, ["A", "B"], sid=2), at())
    feed.expire(at(600))
    assert feed.requests() == [RequestSnapshots(CONN, 1, ("B",))]


def test_a_sparse_tape_only_minds_numbers_that_go_back() -> None:
    feed = BookFeed(sparse=True)
    feed.follow("A", CENT)
    feed.open(CONN, at())
    feed.apply(CONN, snapshot("A", 1000), at())
    assert feed.apply(CONN, delta("A", 1007), at()) == "A"
    assert feed.apply(CONN, delta("A", 1007), at()) is None
    assert feed.counters.duplicates == 1
    feed.turned()
    assert feed.apply(CONN, delta("A", 5), at()) is None
    assert (reasons(feed), feed.turned(), feed.counters.gaps) == ({"A": "waiting"}, ["A"], 0)
    feed.apply(CONN, snapshot("A", 9, [("0.1000", "1.00")]), at())
    assert (reasons(feed), feed.counters.book_checks, feed.counters.resyncs) == ({"A": "live"}, 0, 0)


def test_frames_without_sid_or_numbers_apply_as_they_come() -> None:
    feed = BookFeed()
    feed.follow("A", CENT)
    feed.open(CONN, at())
    feed.apply(CONN, snapshot("A", None, sid=None), at())
    assert feed.apply(CONN, delta("A", None, sid=None), at()) == "A"
    feed.open(2, at())
    feed.apply(2, snapshot("A", 1, sid=None), at())
    assert feed.apply(2, delta("A", 2, sid=None), at()) == "A"
    assert feed.apply(2, delta("A", 4, sid=None), at()) is None
    assert reasons(feed) == {"A": "gap"}
    assert feed.requests() == []
