"""The paper venue against a recorded market: every resting fill has its reason on the tape."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from book_changes import change
from kalshi_tui.execution.paper import PaperVenue
from kalshi_tui.orderbook.book import Book
from kalshi_tui.protocol.effects import CancelOrder, CreateOrder
from kalshi_tui.protocol.events import CreateAccepted, FillsRead
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Market
from kalshi_tui.protocol.orders import Fill, NewOrder, PublicTrade
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import MILLISECOND, Side, parse_count, parse_price

FRAMES = 20_000


def test_resting_fills_follow_from_the_tape(shared_data: Path) -> None:
    (tape,) = (shared_data / "gold15m").glob("*101815*.ndjson.gz")
    grid = TickGrid.named("linear_cent")
    book, venue = Book("A", grid), PaperVenue()
    resting: list[str] = []
    fills: list[Fill] = []
    lowest, highest, asked_at, orders = 10_000, 0, 0, 0
    with gzip.open(tape, "rt") as lines:
        for _, line in zip(range(FRAMES), lines, strict=False):
            row = json.loads(line)
            kind, body = row["event"]["type"], row["event"]["msg"]
            now = Instant(row["recv_ms"] * MILLISECOND, row["recv_ms"] * MILLISECOND)
            if not orders:
                venue.on_market(Market("A", "E", grid=grid), now)
            if kind == "orderbook_snapshot":
                book.replace(book.read(body.get("yes_dollars_fp", ()), body.get("no_dollars_fp", ())))
            elif kind == "orderbook_delta":
                change(book, body["side"], body["price_dollars"], body["delta_fp"])
            if kind == "trade":
                price = parse_price(body["yes_price_dollars"])
                lowest, highest = min(lowest, price), max(highest, price)
                taker = Side.BID if body["taker_side"] == "yes" else Side.ASK
                venue.on_trade(PublicTrade("A", price, parse_count(body["count_fp"]), taker, now.wall), now)
            elif kind.startswith("orderbook"):
                venue.on_book("A", book, now)
            lowest, highest = min(lowest, book.best_ask or lowest), max(highest, book.best_bid or highest)
            for event in venue.poll(now):
                if isinstance(event, CreateAccepted):
                    resting.append(event.order_id)
                if isinstance(event, FillsRead):
                    for fill in event.fills:
                        # Since the last round of orders something must have come this far.
                        reached = lowest <= fill.price if fill.side is Side.BID else highest >= fill.price
                        assert reached or fill.is_taker
                    fills.extend(event.fills)
            if row["recv_ms"] - asked_at > 5000 and book.best_bid and book.best_ask and not book.crossed:
                asked_at, lowest, highest = row["recv_ms"], 10_000, 0
                for order_id in resting:
                    venue.send(CancelOrder(order_id, "", "A", 0, "round"), now)
                resting = []
                for side, price in ((Side.BID, book.best_bid), (Side.ASK, book.best_ask)):
                    orders += 1
                    venue.send(CreateOrder(NewOrder(f"c{orders}", "A", side, price, 1000)), now)
    totals = venue.totals()
    assert len(fills) > 20
    assert totals.fills == tuple(fills)
    assert totals.positions[0].position == sum(f.signed for f in fills)
    flow = sum(f.signed * f.price + f.fee for f in fills)
    assert totals.balance == venue.params.cash - flow - max(-totals.positions[0].position, 0) * 10_000
