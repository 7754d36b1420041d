"""Faults of the feed: a frame lost, a frame twice, a connection cut, a connection that is open and dead."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from fault_bench import Bench, FrameFault, bench
from practice_served import TICKER

from kalshi_tui.protocol.units import Side

pytestmark = pytest.mark.fault


async def test_f01_a_lost_delta_is_a_gap_and_the_book_is_taken_again(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = FrameFault(monkeypatch)
    async with bench(short_folder, monkeypatch) as on:
        await on.start(quote=False)
        await on.until(on.book_is_true)
        fault.drop = 1
        on.venue.trade(Side.BID, 40, 7)  # this one never arrives
        on.venue.trade(Side.BID, 39, 5)  # and this one shows the hole
        await on.until(lambda: on.state.feed.counters.gaps == 1)
        await on.until(lambda: on.state.feed.status(TICKER).valid and on.book_is_true())
        assert fault.dropped == 1
        assert on.state.feed.counters.resyncs >= 1
        assert on.state.feed.counters.book_mismatches == 0


async def test_f01_quotes_are_pulled_while_the_book_has_a_hole(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = FrameFault(monkeypatch)
    async with bench(short_folder, monkeypatch) as on:
        await on.start()
        fault.kind, fault.drop = b'"orderbook_', 60  # deltas, and every snapshot that would heal the book
        on.venue.trade(Side.BID, 40, 7)
        fault.kind = b'"orderbook_snapshot"'
        on.venue.trade(Side.BID, 39, 5)
        await on.until(lambda: not on.resting(), 3.0)
        assert fault.dropped >= 2
        assert not on.state.feed.status(TICKER).valid
        fault.drop = 0
        await on.until(lambda: len(on.resting()) == 2 and on.book_is_true(), 12.0)


async def test_f02_a_delta_twice_changes_the_book_once(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = FrameFault(monkeypatch)
    async with bench(short_folder, monkeypatch) as on:
        await on.start(quote=False)
        await on.until(on.book_is_true)
        fault.double = 1
        on.venue.trade(Side.BID, 40, 7)
        await on.until(lambda: on.state.feed.counters.duplicates + on.state.feed.counters.gaps)
        await on.until(lambda: on.state.feed.status(TICKER).valid and on.book_is_true())
        assert fault.doubled == 1
        assert on.state.feed.counters.book_mismatches == 0


async def test_f05_after_a_reconnect_no_old_level_is_left(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(short_folder, monkeypatch) as on:
        await on.start(quote=False)
        await on.until(on.book_is_true)
        on.relay.refusing = True
        on.relay.cut()
        await on.until(lambda: on.state.conn is None)
        on.venue.trade(Side.ASK, 44, 40)  # takes the whole best level away while nobody listens
        assert on.venue.exchange.levels(TICKER, Side.BID, 1) == [(4300, 4000)]
        await on.until(lambda: on.relay.turned_away >= 1)
        on.relay.refusing = False
        await on.until(lambda: on.state.feed.status(TICKER).valid, 8.0)
        assert on.relay.dialed == 2
        assert on.book_is_true()


async def test_f09_a_frozen_connection_is_dead_after_five_seconds_and_its_quotes_go(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(short_folder, monkeypatch) as on:
        await on.start()
        on.relay.frozen = True
        frozen = time.monotonic()
        await on.until(lambda: not on.resting(), 7.0)
        assert 2.0 < time.monotonic() - frozen < 6.5
        assert on.relay.swallowed > 0
        view = await on.view()
        assert view.status.feed in ("dead", "connecting")
        said = [line.text for line in view.log if "feed lost" in line.text]
        # The connection's own watch and the kernel's may each be first.
        assert said and "byte for 5" in said[0], view.log
        on.relay.frozen = False
        await on.until(lambda: on.state.conn is not None and len(on.resting()) == 2, 6.0)
        assert on.relay.dialed == 2


async def test_f29_a_fill_while_the_feed_is_away_is_found_by_reading_it_back(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(short_folder, monkeypatch) as on:
        await on.start()
        on.relay.refusing = True
        on.relay.cut()
        on.hit(1)  # before the desk can have pulled anything
        assert on.position() == 100
        assert on.state.ledger.position(TICKER) == 0
        on.relay.refusing = False
        await on.until(lambda: on.state.ledger.position(TICKER) == 100, 8.0)
        assert on.state.counters.fills == 1
        assert len(on.state.orders.trades) == 1
        await _agrees(on)


async def test_f43_a_fill_by_feed_and_by_read_counts_once(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = FrameFault(monkeypatch)
    fault.kind = b'"fill"'
    async with bench(short_folder, monkeypatch) as on:
        await on.start()
        fault.double = 1
        on.hit(1)
        await on.until(lambda: on.state.ledger.position(TICKER) == 100)
        await asyncio.sleep(0.5)  # a read that young would say nothing
        asked = on.state.recovery.compared.get("fills")
        on.state.recovery.next_check = 0  # read now, not in twenty seconds
        await on.until(lambda: on.state.recovery.compared.get("fills") != asked)
        assert fault.doubled == 1
        assert on.state.ledger.position(TICKER) == on.position() == 100
        assert on.state.counters.fills == 1
        assert on.state.counters.volume == 100


async def _agrees(on: Bench) -> None:
    """Every kind of record agrees with the venue's at the end."""
    assert await on.stop() == 0
    summary = on.desk.core.summary()
    assert (summary["unreconciled"], summary["orders_live"], summary["orders_unknown"]) == (0, 0, 0)
