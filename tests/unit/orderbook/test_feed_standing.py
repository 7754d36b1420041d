"""Connections, checks, crosses, silence: when a book may be believed."""

from __future__ import annotations

from feed_frames import CENT, CONN, WALL, at, delta, error, opened, reasons, snapshot, subscribed

from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.orderbook.recovery import CHUNK
from kalshi_tui.protocol.effects import Reconnect, RequestSnapshots, Resubscribe
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import MILLISECOND, SECOND
from kalshi_tui.protocol.wire_messages import BookDelta


def crossing(seq: int, change: str = "1.00", ts_ms: int = 7) -> BookDelta:
    """An ask one cent below the best bid, put there or taken away."""
    return delta("A", seq, change, "0.6100", "no", ts_ms=ts_ms)


def test_a_new_connection_is_a_new_epoch() -> None:
    """F05: the snapshot replaces; nothing of the old book stays, late frames of the old connection are dropped."""
    feed = opened("A")
    feed.close(CONN, at(1))
    assert reasons(feed) == {"A": "closed"}
    assert not feed.alive
    assert feed.requests() == []
    feed.open(2, at(2))
    assert (reasons(feed), feed.turned()) == ({"A": "waiting"}, ["A"])
    assert feed.apply(CONN, delta("A", 2), at(3)) is None
    assert feed.apply(CONN, snapshot("A", 3), at(3)) is None
    feed.close(CONN, at(3))
    assert reasons(feed) == {"A": "waiting"}
    feed.apply(2, subscribed(), at(4))
    feed.apply(2, snapshot("A", 1, [("0.2000", "1.00")], None), at(4))
    book = feed.book("A")
    assert book is not None and book.state() == (((2000, 100),), ())
    assert (feed.counters.resyncs, feed.counters.gaps, feed.counters.book_checks) == (0, 0, 0)
    assert (feed.counters.frames, feed.counters.deltas) == (6, 1)


def test_an_in_stream_snapshot_is_an_exact_check() -> None:
    feed = opened("A")
    feed.apply(CONN, delta("A", 2, "0.37"), at(1))
    assert feed.apply(CONN, snapshot("A", 3, [("0.4000", "10.37")]), at(2)) is None
    assert (feed.counters.book_checks, feed.counters.book_mismatches) == (1, 0)
    book = feed.book("A")
    assert book is not None and book.last_change == at(1)
    assert feed.apply(CONN, snapshot("A", 4, [("0.4000", "10.36")]), at(3)) == "A"
    assert (feed.counters.book_checks, feed.counters.book_mismatches) == (2, 1)
    assert (book.bid_size, book.last_change, reasons(feed)) == (1036, at(3), {"A": "live"})


def test_the_sweep_at_close_is_no_check() -> None:
    close = WALL + 60 * SECOND
    for moment, checks in ((61_000, 0), (59_500, 0), (30_000, 1)):
        feed = opened("A")
        feed.follow("A", CENT, close)
        feed.apply(CONN, snapshot("A", 2, None, None), at(moment))
        assert (feed.counters.book_checks, feed.counters.book_mismatches) == (checks, checks)
        book = feed.book("A")
        assert book is not None and book.empty


def test_a_snapshot_older_than_the_book_re_bases_it() -> None:
    """Clocks may go down across maintenance."""
    feed = opened("A")
    feed.apply(CONN, delta("A", 2, clock=90), at())
    feed.apply(CONN, snapshot("A", 3, clock=20), at())
    assert feed.counters.book_checks == 0
    assert feed.apply(CONN, delta("A", 4, clock=21), at()) == "A"


def test_checks_are_asked_for_regularly_and_at_the_end() -> None:
    feed = opened("A", "B", check_every=5 * SECOND)
    feed.heard(at(4900))
    feed.expire(at(4900))
    assert feed.requests() == []
    feed.heard(at(5000))
    feed.expire(at(5050))
    assert feed.requests() == [RequestSnapshots(CONN, 1, ("A", "B"))]
    # No answer to a check is no harm to a live book: it is asked for again.
    for ms in range(5100, 9000, 100):
        feed.heard(at(ms))
        feed.expire(at(ms))
    assert reasons(feed) == {"A": "live", "B": "live"}
    assert feed.requests() == [RequestSnapshots(CONN, 1, ("A", "B"))]
    feed.check_all()
    assert feed.requests() == [RequestSnapshots(CONN, 1, ("A", "B"))]


def test_a_cross_inside_one_stamp_is_not_settled_and_no_harm() -> None:
    feed = opened("A")
    feed.apply(CONN, crossing(2), at(0))
    assert not feed.settled("A")
    assert feed.status("A").valid
    feed.apply(CONN, delta("A", 3, "0.50", ts_ms=7), at(40))
    feed.expire(at(80))
    feed.apply(CONN, crossing(4, "-1.00"), at(85))
    feed.expire(at(500))
    assert feed.settled("A")
    assert feed.counters.crossed_settled == 0


def test_a_cross_that_stays_is_a_lost_book() -> None:
    """F08."""
    feed = opened("A")
    feed.apply(CONN, crossing(2), at(0))
    feed.expire(at(50))
    assert reasons(feed) == {"A": "live"}
    feed.expire(at(51))
    assert (reasons(feed), feed.counters.crossed_settled) == ({"A": "crossed"}, 1)
    assert feed.status("A").since == at(51)
    assert feed.requests() == [RequestSnapshots(CONN, 1, ("A",))]
    feed.expire(at(200))
    assert feed.counters.crossed_settled == 1


def test_a_cross_that_the_next_stamp_finds_is_a_lost_book() -> None:
    """Without any timer in between, as in a replay."""
    for change in (delta("A", 3, "0.10", ts_ms=8), crossing(3, "-1.00", 8)):
        feed = opened("A")
        feed.apply(CONN, crossing(2), at(0))
        feed.apply(CONN, change, at(51))
        assert (reasons(feed), feed.counters.crossed_settled) == ({"A": "crossed"}, 1)


def test_silence_is_a_dead_feed_and_quiet_is_not_stale() -> None:
    """F09, F10."""
    feed = opened("A")
    for second in range(600):
        feed.heard(at(second * 1000))
        feed.expire(at(second * 1000 + 500))
    assert feed.status("A").valid
    assert feed.requests() == []
    feed.turned()
    feed.expire(at(599_000 + 5001))
    status = feed.status("A")
    assert (status.valid, status.reason, status.since) == (False, "feed dead", at(604_001))
    assert not feed.settled("A") and not feed.alive
    assert feed.turned() == ["A"]
    assert feed.requests() == [Reconnect(CONN, "no byte for 5 s")]
    assert feed.requests() == []
    # Bytes again on the same connection: nothing was lost in between.
    feed.apply(CONN, delta("A", 2), at(605_000))
    feed.expire(at(605_001))
    assert feed.status("A").valid and feed.alive


def test_a_market_without_a_snapshot_is_asked_for_after_a_moment() -> None:
    feed = opened("A")
    feed.follow("LATER", CENT)
    feed.expire(at(400))
    assert feed.requests() == []
    feed.expire(at(600))
    assert feed.requests() == [RequestSnapshots(CONN, 1, ("LATER",))]
    feed.apply(CONN, snapshot("LATER", 2), at(700))
    assert reasons(feed) == {"A": "live", "LATER": "live"}
    assert feed.counters.resyncs == 0


def test_no_answer_ends_the_subscription_and_then_the_connection() -> None:
    feed = opened("A")
    feed.apply(CONN, delta("A", 9), at())
    assert feed.requests() == [RequestSnapshots(CONN, 1, ("A",))]
    seen: list[object] = []
    for ms in range(0, 20_000, 100):
        feed.heard(at(ms))
        feed.expire(at(ms))
        seen += feed.requests()
    assert seen == [Resubscribe(CONN, 1, "no snapshot"), Reconnect(CONN, "no answer to a subscription")]


def test_one_market_nobody_knows_does_not_cost_the_others() -> None:
    feed = opened("A")
    feed.follow("NEVER", CENT)
    seen: list[object] = []
    for ms in range(0, 60_000, 100):
        feed.heard(at(ms))
        feed.expire(at(ms))
        seen += feed.requests()
    assert set(map(type, seen)) == {RequestSnapshots}
    assert 3 <= len(seen) <= 6
    assert reasons(feed) == {"A": "live", "NEVER": "waiting"}


def test_a_gap_that_may_have_swallowed_the_answer_asks_again() -> None:
    feed = opened("A")
    feed.apply(CONN, delta("A", 9), at())
    feed.requests()
    feed.apply(CONN, error(11, 12), at())
    assert feed.requests() == [RequestSnapshots(CONN, 1, ("A",))]


def test_requests_are_cut_into_chunks() -> None:
    feed = opened(*(f"M{n}" for n in range(CHUNK + 5)))
    feed.apply(CONN, delta("M0", 900), at())
    first, second = feed.requests()
    assert isinstance(first, RequestSnapshots) and isinstance(second, RequestSnapshots)
    assert (len(first.tickers), len(second.tickers)) == (CHUNK, 5)


def test_a_market_without_a_grid_is_booked_and_never_valid() -> None:
    feed = BookFeed()
    feed.follow("A", None)
    feed.open(CONN, at())
    feed.apply(CONN, snapshot("A", 1, [("0.1234", "1.00")], None), at())
    assert feed.apply(CONN, delta("A", 2, price="0.0001"), at()) == "A"
    assert (feed.status("A").valid, feed.status("A").reason, feed.settled("A")) == (False, "no grid", False)
    book = feed.book("A")
    assert book is not None and book.state() == (((1234, 100), (1, 100)), ())


def test_a_new_grid_keeps_a_book_that_fits_and_rebuilds_one_that_does_not() -> None:
    """F20."""
    feed = opened("A", "B")
    tapered = TickGrid.named("tapered_deci_cent")
    feed.regrid("A", tapered)
    assert feed.apply(CONN, delta("A", 3, price="0.0990"), at(1)) == "A"
    book = feed.book("A")
    assert book is not None and book.grid is tapered
    assert (book.best_bid, reasons(feed)) == (4000, {"A": "live", "B": "live"})
    feed.regrid("A", CENT)
    assert reasons(feed) == {"A": "off grid", "B": "live"}
    assert feed.requests() == [RequestSnapshots(CONN, 1, ("A",))]
    # A snapshot that does not fit either is not asked for again at once.
    feed.apply(CONN, snapshot("A", 4, [("0.0990", "1.00")]), at(2))
    assert (reasons(feed)["A"], feed.requests()) == ("off grid", [])
    for ms in range(100, 20_000, 100):
        feed.heard(at(ms))
        feed.expire(at(ms))
        assert not any(isinstance(r, Resubscribe) for r in feed.requests())


def test_following_and_leaving() -> None:
    feed = opened("A")
    feed.unfollow("A")
    feed.unfollow("A")
    assert feed.tickers == ()
    assert feed.book("A") is None
    assert (feed.status("A").reason, feed.settled("A")) == ("not followed", False)
    assert feed.apply(CONN, delta("A", 2), at()) is None
    feed.follow("A", CENT)
    feed.apply(CONN, snapshot("A", 3), at())
    assert reasons(feed) == {"A": "live"}


def test_ages_show_lag_whatever_the_offset_of_the_clocks() -> None:
    """F11."""
    feed = opened("A")
    assert (feed.ages().wire, feed.ages().exchange, feed.ages().lag) == (None, None, None)
    base = WALL // MILLISECOND - 250
    for n in range(200):
        feed.apply(CONN, delta("A", 2 + n, ts_ms=base + n, sent_ms=base + n + 240), at(n))
        feed.expire(at(n))
    assert (feed.ages().wire, feed.ages().exchange, feed.ages().lag) == (
        10 * MILLISECOND,
        250 * MILLISECOND,
        0,
    )
    feed.expire(at(250))
    assert feed.ages().exchange == 250 * MILLISECOND
    for n in range(200, 400):
        feed.apply(CONN, delta("A", 2 + n, ts_ms=base + n, sent_ms=base + n + 240), at(n + 4000))
        feed.expire(at(n + 4000))
    lag = feed.ages().lag
    assert lag is not None and 3000 * MILLISECOND < lag < 4000 * MILLISECOND


def test_an_age_that_is_over_is_forgotten_after_a_few_frames_of_a_quiet_market() -> None:
    feed = opened("A")
    base = WALL // MILLISECOND - 20_000
    for n in range(100):
        feed.apply(CONN, delta("A", 2 + n, ts_ms=base + n), at(n))
        feed.expire(at(n))
    assert feed.ages().exchange == 20_000 * MILLISECOND
    for n in range(3):
        moment = 2_000 * (n + 1)
        feed.apply(CONN, delta("A", 102 + n, ts_ms=base + 20_000 + moment), at(moment))
        feed.expire(at(moment))
    age = feed.ages().exchange
    assert age is not None and 0 < age < 1_000 * MILLISECOND
