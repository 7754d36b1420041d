"""Small builders for the tests of the risk engines. Prices in cents, counts in contracts, money in dollars."""

from __future__ import annotations

from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import FeeSchedule, StrikeType
from kalshi_tui.protocol.orders import Fill, NewOrder, Owner, TimeInForce
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CENT, CONTRACT, DOLLAR, SECOND, Side
from kalshi_tui.risk.base import DayPnl, MarketExposure, RiskState

START = Instant(1_000 * SECOND, 1_790_000_000 * SECOND)
FREE = FeeSchedule(multiplier=0)


def market(
    ticker: str = "A",
    event: str = "E",
    *,
    held: float = 0,
    entry: float = 50,
    mark: float | None = 50,
    strike: float | None = None,
    kind: StrikeType = StrikeType.GREATER,
    exclusive: bool = False,
    fair: float | None = None,
    theme: str = "",
    series: str = "",
) -> MarketExposure:
    position = round(held * CONTRACT)
    return MarketExposure(
        ticker,
        event,
        position=position,
        own_position=position,
        cost=position * round(entry * CENT),
        mark=None if mark is None else round(mark * CENT),
        strike_type=StrikeType.UNKNOWN if strike is None else kind,
        floor_strike=strike if kind in (StrikeType.GREATER, StrikeType.GREATER_OR_EQUAL) else None,
        cap_strike=strike if kind in (StrikeType.LESS, StrikeType.LESS_OR_EQUAL) else None,
        mutually_exclusive=exclusive,
        fair=fair,
        theme=theme,
        series_ticker=series,
        fee=FREE,
        grid=TickGrid.named("linear_cent"),
    )


def state(
    *markets: MarketExposure,
    cash: float | None = 100_000,
    day: DayPnl | None = DayPnl(0, 0),
    at: Instant = START,
) -> RiskState:
    return RiskState(
        at,
        {m.ticker: m for m in markets},
        cash=None if cash is None else round(cash * DOLLAR),
        day=day,
    )


def order(
    side: Side,
    count: float,
    cents: float = 50,
    ticker: str = "A",
    *,
    owner: Owner = Owner.ENGINE,
    tif: TimeInForce = TimeInForce.GTC,
    client_order_id: str = "c1",
) -> NewOrder:
    return NewOrder(
        client_order_id,
        ticker,
        side,
        round(cents * CENT),
        round(count * CONTRACT),
        time_in_force=tif,
        post_only=tif is TimeInForce.GTC,
        owner=owner,
    )


def fill(side: Side, count: float, ticker: str = "A", order_id: str = "o1", trade_id: str = "t1") -> Fill:
    return Fill(trade_id, order_id, ticker, side, 5000, round(count * CONTRACT), 0, False, START.wall)
