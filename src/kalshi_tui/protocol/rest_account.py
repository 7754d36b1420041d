"""REST bodies about the account and the exchange: balance, positions, settlements, queue places, status, limits."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.protocol.orders import Settlement, VenuePosition
from kalshi_tui.protocol.rest_read import cursor_of, optional_money, optional_time, rows, shaped
from kalshi_tui.protocol.text import safe_text, safe_ticker
from kalshi_tui.protocol.times import parse_time
from kalshi_tui.protocol.units import Count, Money, Nanos, parse_count, parse_money
from kalshi_tui.protocol.wire_convert import required_id

CENTS_TO_MONEY = 10_000


class _BalanceBody(Struct):
    balance_dollars: str | None = None
    balance: int | None = None


class _PositionBody(Struct):
    ticker: str
    position_fp: str
    realized_pnl_dollars: str | None = None
    fees_paid_dollars: str | None = None
    market_exposure_dollars: str | None = None
    total_traded_dollars: str | None = None


class _SettlementBody(Struct):
    ticker: str
    market_result: str
    settled_time: str
    yes_count_fp: str
    no_count_fp: str
    revenue: int
    value: int | None = None
    fee_cost: str | None = None


class _QueueBody(Struct):
    order_id: str
    queue_position_fp: str


def balance_from_rest(body: object) -> Money:
    """All shards together, exact; the truncated cents only where dollars are missing."""
    read = shaped(body, _BalanceBody)
    if read.balance_dollars is not None:
        return parse_money(read.balance_dollars)
    if read.balance is None:
        raise ValueError("the answer holds no balance")
    return read.balance * CENTS_TO_MONEY


def positions_from_rest(body: dict[str, object]) -> tuple[tuple[VenuePosition, ...], str]:
    """A page of positions by market (negative is NO) and the cursor."""
    found = []
    for row in rows(body, "market_positions"):
        read = shaped(row, _PositionBody)
        position = VenuePosition(
            ticker=safe_ticker(read.ticker),
            position=parse_count(read.position_fp),
            realized_pnl=optional_money(read.realized_pnl_dollars) or 0,
            fees_paid=optional_money(read.fees_paid_dollars) or 0,
            exposure=optional_money(read.market_exposure_dollars) or 0,
            total_traded=optional_money(read.total_traded_dollars) or 0,
        )
        found.append(position)
    return tuple(found), cursor_of(body)


def settlements_from_rest(body: dict[str, object]) -> tuple[tuple[Settlement, ...], str]:
    """A page of settlements and the cursor. ``revenue`` and ``value`` are cents here, everything else dollars."""
    found = []
    for row in rows(body, "settlements"):
        read = shaped(row, _SettlementBody)
        settlement = Settlement(
            ticker=safe_ticker(read.ticker),
            result=safe_text(read.market_result, 20),
            value=_settled_value(read),
            yes_count=parse_count(read.yes_count_fp),
            no_count=parse_count(read.no_count_fp),
            revenue=read.revenue * CENTS_TO_MONEY,
            fee=optional_money(read.fee_cost) or 0,
            wall=parse_time(read.settled_time) or 0,
        )
        found.append(settlement)
    return tuple(found), cursor_of(body)


def _settled_value(read: _SettlementBody) -> Money:
    if read.value is not None:
        return read.value * CENTS_TO_MONEY
    if read.market_result in ("yes", "no"):
        return 100 * CENTS_TO_MONEY if read.market_result == "yes" else 0
    raise ValueError(
        f"{safe_text(read.ticker, 80)} settled {safe_text(read.market_result, 20)!r} without a value"
    )


def queue_from_rest(body: dict[str, object]) -> dict[str, Count]:
    """Contracts ahead by order id; 0 is the front. The exchange sends null for no orders."""
    ahead: dict[str, Count] = {}
    for row in rows(body, "queue_positions"):
        read = shaped(row, _QueueBody)
        ahead[required_id(read.order_id, "order id of a queue place")] = parse_count(read.queue_position_fp)
    return ahead


class ShardStatus(Struct, frozen=True):
    exchange_index: int
    exchange_active: bool
    trading_active: bool


class ExchangeStatus(Struct, frozen=True):
    exchange_active: bool
    trading_active: bool
    exchange_estimated_resume_time: str | None = None
    exchange_index_statuses: tuple[ShardStatus, ...] | None = None

    @property
    def resume(self) -> Nanos | None:
        return optional_time(self.exchange_estimated_resume_time)


def exchange_status_from_rest(body: object) -> ExchangeStatus:
    """Comes with its normal body also under 503 and 504."""
    status = shaped(body, ExchangeStatus)
    optional_time(status.exchange_estimated_resume_time)
    return status


class Bucket(Struct, frozen=True):
    """A token bucket: tokens a second, and how many it holds."""

    refill_rate: int
    bucket_capacity: int


class AccountLimits(Struct, frozen=True):
    usage_tier: str
    read: Bucket
    write: Bucket


def account_limits_from_rest(body: object) -> AccountLimits:
    return shaped(body, AccountLimits)


class EndpointCost(Struct, frozen=True):
    method: str
    path: str
    cost: int


class EndpointCosts(Struct, frozen=True):
    """Tokens a request takes; ``path`` has ``:name`` for its parameters."""

    default_cost: int
    endpoint_costs: tuple[EndpointCost, ...] = ()


def endpoint_costs_from_rest(body: object) -> EndpointCosts:
    return shaped(body, EndpointCosts)
