"""What the exchange keeps of each market beside its book, and how series, event and market settle the fee."""

from __future__ import annotations

from collections import deque
from typing import Any

from msgspec import Struct, field

from kalshi_tui.practice.clockwork import parse_rfc3339, stable_uuid
from kalshi_tui.practice.fees import require_known
from kalshi_tui.practice.matching import Book
from kalshi_tui.protocol.market import FeeSchedule, FeeType, MarketStatus
from kalshi_tui.protocol.text import safe_ticker
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import Count, Money, Nanos, Price, Side

_DAY: Nanos = 86_400_000_000_000
TRADES_KEPT = 500
"""Public trades of one market that can still be read."""
TRADES_OF_SETTLED = 100
_SLOT: Nanos = _DAY // 144


class PrintedTrade(Struct, frozen=True, gc=False):
    """A public trade as ``GET /markets/trades`` shows it."""

    number: int
    """Counts trades of the whole exchange upward: the order of the list."""
    trade_id: str
    ticker: str
    price: Price
    count: Count
    taker: Side
    at: Nanos


class MarketState(Struct, eq=False):
    """One market. ``body`` is the REST body as it was given, without what changes by trading."""

    body: dict[str, Any]
    ticker: str
    event_ticker: str
    series_ticker: str
    market_id: str
    shard: int
    grid: TickGrid
    fee: FeeSchedule
    status: MarketStatus
    close: Nanos
    book: Book = field(default_factory=Book)
    clock: int = 0
    """Of the last change of this book; 0 before any."""
    volume: Count = 0
    turnover: Money = 0
    """Sum of price times count of all trades."""
    open_interest: Count = 0
    last_price: Price | None = None
    last_count: Count = 0
    trades: deque[PrintedTrade] = field(default_factory=lambda: deque(maxlen=TRADES_KEPT))
    recent: deque[list[int]] = field(default_factory=lambda: deque(maxlen=_DAY // _SLOT + 1))
    """(begin, contracts) of the ten-minute slots of the last day in which it traded."""
    result: str = ""
    value: Money | None = None
    settled_at: Nanos | None = None

    def printed(self, trade: PrintedTrade) -> None:
        self.volume += trade.count
        self.turnover += trade.price * trade.count
        self.last_price = trade.price
        self.last_count = trade.count
        self.trades.append(trade)
        begin = trade.at - trade.at % _SLOT
        if not self.recent or self.recent[-1][0] != begin:
            self.recent.append([begin, 0])
        self.recent[-1][1] += trade.count

    def retire(self) -> None:
        """It has settled: most of its trades are never asked for again."""
        self.trades = deque(self.trades, maxlen=TRADES_OF_SETTLED)

    def volume_24h(self, now: Nanos) -> Count:
        """Of the last day, in whole slots of ten minutes."""
        return sum(count for begin, count in self.recent if begin > now - _DAY)


def read_market(body: dict[str, Any], series_ticker: str, fee: FeeSchedule) -> MarketState:
    """From a REST body; ``KeyError`` where a needed field is missing, ``ValueError`` where one is wrong."""
    status = MarketStatus(body.get("status", "initialized"))
    if status not in (MarketStatus.INITIALIZED, MarketStatus.ACTIVE):
        raise ValueError(f"market {body['ticker']} can not start as {status.value}")
    return MarketState(
        body=dict(body),
        ticker=safe_ticker(body["ticker"]),
        event_ticker=body["event_ticker"],
        series_ticker=series_ticker,
        market_id=stable_uuid(body["ticker"]),
        shard=int(body.get("exchange_index", 0)),
        grid=TickGrid.from_ranges(body["price_ranges"]),
        fee=fee,
        status=status,
        close=parse_rfc3339(body["close_time"]),
    )


def fee_schedule(
    series: dict[str, Any] | None, event: dict[str, Any] | None, market: dict[str, Any]
) -> FeeSchedule:
    """The fee in force: the series', overridden by the event's, until the market's waiver ends.

    ``ValueError`` for a fee type whose formula is unknown.
    """
    fee_type: str = (series or {}).get("fee_type", "quadratic")
    multiplier: float = (series or {}).get("fee_multiplier", 1)
    if event is not None:
        fee_type = event.get("fee_type_override") or fee_type
        override = event.get("fee_multiplier_override")
        multiplier = multiplier if override is None else override
    waiver = market.get("fee_waiver_expiration_time")
    schedule = FeeSchedule(
        FeeType(fee_type), round(multiplier * 1_000_000), parse_rfc3339(waiver) if waiver else None
    )
    return require_known(schedule)
