"""The write budget and the clock offset: arithmetic with given times."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_tui.protocol.units import MILLISECOND, SECOND
from kalshi_tui.venue.budget import COST_CANCEL, COST_CREATE, TokenBucket
from kalshi_tui.venue.hosts import HostError, endpoints
from kalshi_tui.venue.offset import ClockOffset


def test_the_bucket_starts_full_refills_continuously_and_never_overflows() -> None:
    bucket = TokenBucket(100, 100, 0)
    assert all(bucket.spend(COST_CREATE, 0) for _ in range(10))
    assert not bucket.spend(COST_CANCEL, 0)
    assert bucket.tokens(19 * MILLISECOND) == 1
    assert bucket.spend(COST_CANCEL, 20 * MILLISECOND)
    assert bucket.tokens(3600 * SECOND) == 100


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 60)), max_size=60))
def test_waiting_as_long_as_said_is_enough_and_nothing_less_is(steps: list[tuple[int, int]]) -> None:
    bucket, now = TokenBucket(100, 77, 0), 0
    for pause, cost in steps:
        now += pause
        wait = bucket.wait(cost, now)
        if wait:
            assert not bucket.spend(cost, now + wait - 1)
        now += wait
        assert bucket.spend(cost, now)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 20)), max_size=80))
def test_never_more_is_spent_than_capacity_and_refill_allow(steps: list[tuple[int, int]]) -> None:
    bucket, now, spent = TokenBucket(100, 100, 0), 0, 0
    for pause, cost in steps:
        now += pause
        spent += cost if bucket.spend(cost, now) else 0
        assert spent * SECOND <= 100 * SECOND + now * 100


def test_a_429_empties_it_and_a_clock_that_stands_still_fills_nothing() -> None:
    bucket = TokenBucket(100, 100, 5)
    bucket.drained(5)
    assert bucket.tokens(5) == 0
    assert bucket.tokens(2) == 0
    assert bucket.tokens(5 + SECOND // 10) == 10


def test_the_accounts_own_limits_keep_what_was_spent() -> None:
    bucket = TokenBucket(100, 100, 0)
    assert bucket.spend(90, 0)
    bucket.resize(600, 300, 0)
    assert (bucket.tokens(0), bucket.capacity) == (510, 600)
    bucket.resize(50, 50, 0)
    assert bucket.tokens(0) == 0
    with pytest.raises(ValueError, match="above zero"):
        bucket.resize(0, 5, 0)


def date(wall_ms: int) -> str:
    return formatdate(wall_ms // 1000, usegmt=True)


def observe(offset: ClockOffset, ours_ms: int, theirs_ms: int, round_trip_ms: int = 40) -> None:
    asked = (ours_ms - round_trip_ms // 2) * MILLISECOND
    offset.observe(date(theirs_ms), asked, asked + round_trip_ms * MILLISECOND)


def test_a_clock_that_is_right_is_never_corrected() -> None:
    offset = ClockOffset()
    assert offset.skew_ms is None
    assert offset.apply(1000) == 1000
    for moment in range(1_700_000_000_000, 1_700_000_010_000, 137):
        observe(offset, moment, moment)
        assert offset.skew_ms == 0


@pytest.mark.parametrize("skew", [760_000, -2_000, 30_000, -6_500])
def test_a_wrong_clock_is_found_to_within_the_round_trip(skew: int) -> None:
    offset = ClockOffset()
    for moment in range(1_700_000_000_000, 1_700_000_020_000, 137):
        observe(offset, moment, moment + skew)
    assert abs((offset.skew_ms or 0) - skew) <= 40
    assert abs(offset.apply(5_000_000) - (5_000_000 + skew)) <= 40


def test_a_clock_that_was_set_starts_the_measurement_afresh() -> None:
    offset = ClockOffset()
    for moment in range(1_700_000_000_000, 1_700_000_005_000, 137):
        observe(offset, moment, moment)
    observe(offset, 1_700_000_600_000, 1_700_000_006_000)
    assert abs((offset.skew_ms or 0) + 594_000) <= 1_000


def test_a_header_that_is_no_date_teaches_nothing() -> None:
    offset = ClockOffset()
    for header in ("", "yesterday", "Mon, 99 Jan 2026 00:00:00 GMT", "\x1b[2J"):
        offset.observe(header, 0, 1)
    assert offset.skew_ms is None


def test_a_wait_in_which_our_clock_was_set_back_teaches_nothing() -> None:
    offset = ClockOffset()
    asked = 1_700_000_010_000 * MILLISECOND
    offset.observe(date(1_700_000_010_000), asked, asked - 5 * SECOND)
    assert offset.skew_ms is None


def test_rest_and_feed_are_always_of_one_venue() -> None:
    for venue in ("demo", "prod"):
        where = endpoints(venue)
        assert where.rest.startswith("https://")
        assert where.ws.startswith("wss://")
        assert ("demo" in where.rest) == ("demo" in where.ws) == (venue == "demo")
    older = endpoints("prod", "https://api.elections.kalshi.com/trade-api/v2")
    assert older.ws == "wss://api.elections.kalshi.com/trade-api/ws/v2"


@pytest.mark.parametrize(
    ("venue", "rest", "ws"),
    [
        ("moon", "", ""),
        ("prod", "https://external-api.demo.kalshi.co/trade-api/v2", ""),
        ("prod", endpoints("prod").rest, endpoints("demo").ws),
        ("demo", "http://external-api.demo.kalshi.co/trade-api/v2", ""),
        ("demo", "http://127.0.0.1:9/trade-api/v2", "ws://127.0.0.1:9/trade-api/ws/v2"),
        ("practice", "", ""),
        ("practice", "http://10.0.0.1:9/trade-api/v2", "ws://127.0.0.1:9/trade-api/ws/v2"),
        ("practice", "http://127.0.0.1:9/trade-api/v2", "ws://127.0.0.1.evil.com:9/trade-api/ws/v2"),
        ("practice", "http://127.0.0.1:9/", "ws://127.0.0.1:9/trade-api/ws/v2"),
    ],
)
def test_addresses_that_are_not_the_venues_are_refused(venue: str, rest: str, ws: str) -> None:
    with pytest.raises(HostError):
        endpoints(venue, rest, ws)


def test_practice_lives_on_loopback() -> None:
    where = endpoints("practice", "http://127.0.0.1:9/trade-api/v2", "ws://[::1]:9/trade-api/ws/v2")
    assert where.rest == "http://127.0.0.1:9/trade-api/v2"
