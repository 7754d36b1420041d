"""The venue over REST: every call ends in exactly one event for the kernel and raises nothing.

**Writes.** An order that may have reached the exchange and was not answered is *unknown*: never sent again,
resolved by reading. Refused means that the exchange (or this client, before the first byte) said no.

| what came back | create | cancel, amend |
|---|---|---|
| 2xx that names the order | accepted | accepted |
| any other 2xx, 3xx, 5xx, 408, nothing after the first byte | unknown | unknown |
| 409 but ``trading_is_paused`` (mostly ``order_already_exists``) | unknown: look it up | refused |
| 4xx otherwise, 429 included | refused | refused |
| nothing, and not one byte left | refused (``not_sent``) | unknown |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

import msgspec

from kalshi_tui.protocol.effects import AmendOrder, CancelOrder
from kalshi_tui.protocol.events import (
    AmendAccepted,
    AmendRefused,
    AmendUnknown,
    BalanceRead,
    BudgetRead,
    CalendarRead,
    CancelAccepted,
    CancelRefused,
    CancelUnknown,
    CreateAccepted,
    CreateRefused,
    CreateUnknown,
    ExchangeStatusRead,
    FillsRead,
    MarketsRead,
    OrdersRead,
    PositionsRead,
    QueueRead,
    ReadFailed,
    SettlementsRead,
)
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import NewOrder, VenueError
from kalshi_tui.protocol.rest_errors import error_from_rest
from kalshi_tui.protocol.rest_orders import (
    amend_body,
    amended_from_rest,
    canceled_from_rest,
    create_body,
    placed_from_rest,
)
from kalshi_tui.protocol.rest_read import parse_body
from kalshi_tui.protocol.text import SafeText, safe_text
from kalshi_tui.protocol.units import Nanos, UnitError
from kalshi_tui.venue import account, calendar
from kalshi_tui.venue.budget import COST_AMEND, COST_CANCEL, COST_CREATE, TokenBucket
from kalshi_tui.venue.catalog import Catalog
from kalshi_tui.venue.transport import Answer, NoAnswer, Query, Transport, Withdrawn, Withheld, patience

ORDERS = "/portfolio/events/orders"


def _nothing_withheld() -> str | None:
    return None


class VenueClient:
    """Orders and reads of one account on one venue."""

    def __init__(self, transport: Transport, write_tokens: int = 100) -> None:
        self._transport = transport
        self._writes = TokenBucket(write_tokens, write_tokens, transport.now().mono)
        self.catalog = Catalog(transport)

    @property
    def skew_ms(self) -> int | None:
        """The exchange's clock minus ours, None before any answer; signatures are made with it applied."""
        return self._transport.offset.skew_ms

    async def create(
        self, order: NewOrder, withheld: Withheld = _nothing_withheld
    ) -> CreateAccepted | CreateRefused | CreateUnknown:
        """Send a new order, once, at once: without a write token it is refused, because a late quote is a
        wrong one. ``withheld`` is asked right before the first byte; a reason takes the order back."""
        number = order.client_order_id
        try:
            body = msgspec.json.encode(create_body(order))
        except UnitError as error:
            return CreateRefused(self._now(), number, VenueError(0, "invalid_order", safe_text(error)))
        outcome = await self._add("POST", ORDERS, body, COST_CREATE, withheld)
        if isinstance(outcome, NoAnswer):
            return CreateUnknown(outcome.at, number, outcome.why)
        if isinstance(outcome, VenueError):
            return CreateRefused(self._now(), number, outcome)
        if (refused := self._refusal(outcome)) is not None:
            if refused.status == 409 and refused.code != "trading_is_paused":
                why = safe_text(f"the exchange may hold this order already ({refused.code})")
                return CreateUnknown(outcome.at, number, why)
            return CreateRefused(outcome.at, number, refused)
        try:
            placed = placed_from_rest(_success(outcome))
            if placed.client_order_id not in ("", number):
                raise ValueError("the answer speaks of another order")
        except ValueError as error:
            return CreateUnknown(outcome.at, number, _not_understood(outcome, error))
        return CreateAccepted(outcome.at, number, placed.order_id, placed.filled, placed.remaining)

    async def amend(
        self, amend: AmendOrder, withheld: Withheld = _nothing_withheld
    ) -> AmendAccepted | AmendRefused | AmendUnknown:
        """Change price, total count or expiration of a resting order; as ``create`` in everything else."""
        number = amend.order_id
        try:
            body = msgspec.json.encode(amend_body(amend))
        except UnitError as error:
            return AmendRefused(self._now(), number, VenueError(0, "invalid_order", safe_text(error)))
        outcome = await self._add(
            "POST", f"{ORDERS}/{quote(number, safe='')}/amend", body, COST_AMEND, withheld
        )
        if isinstance(outcome, NoAnswer):
            return AmendUnknown(outcome.at, number, outcome.why)
        if isinstance(outcome, VenueError):
            return AmendRefused(self._now(), number, outcome)
        if (refused := self._refusal(outcome)) is not None:
            return AmendRefused(outcome.at, number, refused)
        try:
            amended = amended_from_rest(_success(outcome))
            if amended.order_id != number:
                raise ValueError("the answer speaks of another order")
        except ValueError as error:
            return AmendUnknown(outcome.at, number, _not_understood(outcome, error))
        return AmendAccepted(outcome.at, number, amended.remaining, amended.filled)

    async def cancel(self, cancel: CancelOrder) -> CancelAccepted | CancelRefused | CancelUnknown:
        """Cancel one order on its own shard; waits for write tokens rather than giving up."""
        await patience(self._writes, COST_CANCEL, self._transport.now)
        number = cancel.order_id
        query: Query = {"market_ticker": cancel.ticker, "exchange_index": cancel.exchange_index}
        try:
            answer = await self._transport.send("DELETE", f"{ORDERS}/{quote(number, safe='')}", query=query)
        except NoAnswer as error:
            return CancelUnknown(error.at, number, error.why)
        if (refused := self._refusal(answer)) is not None:
            return CancelRefused(answer.at, number, refused)
        try:
            canceled = canceled_from_rest(_success(answer))
            if canceled.order_id != number:
                raise ValueError("the answer speaks of another order")
        except ValueError as error:
            return CancelUnknown(answer.at, number, _not_understood(answer, error))
        return CancelAccepted(answer.at, number, canceled.reduced_by)

    async def read_orders(self, resting_only: bool, since: Nanos | None) -> OrdersRead | ReadFailed:
        return await account.read_orders(self._transport, resting_only, since)

    async def read_fills(self, since: Nanos) -> FillsRead | ReadFailed:
        return await account.read_fills(self._transport, since)

    async def read_positions(self) -> PositionsRead | ReadFailed:
        return await account.read_positions(self._transport)

    async def read_balance(self) -> BalanceRead | ReadFailed:
        return await account.read_balance(self._transport)

    async def read_settlements(self, since: Nanos) -> SettlementsRead | ReadFailed:
        return await account.read_settlements(self._transport, since)

    async def read_queue(self, tickers: Sequence[str]) -> QueueRead | ReadFailed:
        return await account.read_queue(self._transport, tickers)

    async def read_exchange_status(self) -> ExchangeStatusRead | ReadFailed:
        return await account.read_exchange_status(self._transport)

    async def read_markets(self, tickers: Sequence[str]) -> MarketsRead | ReadFailed:
        return await self.catalog.read_markets(tickers)

    async def load_universe(self, series: Iterable[str] = ()) -> MarketsRead | ReadFailed:
        return await self.catalog.load_universe(series)

    async def read_calendar(self) -> CalendarRead | ReadFailed:
        return await calendar.read_calendar(self._transport, self._transport.now().wall)

    async def read_budget(self) -> BudgetRead | ReadFailed:
        """The account's own limits, which the buckets of this client take over."""
        limits = await account.read_limits(self._transport)
        if isinstance(limits, ReadFailed):
            return limits
        at = self._now()
        self._writes.resize(limits.write.bucket_capacity, limits.write.refill_rate, at.mono)
        self._transport.reads.resize(limits.read.bucket_capacity, limits.read.refill_rate, at.mono)
        return self.budget()

    def budget(self) -> BudgetRead:
        """What this client's model of the write bucket holds now."""
        at = self._now()
        return BudgetRead(at, self._writes.tokens(at.mono), self._writes.capacity, self._writes.refill)

    async def close(self) -> None:
        await self._transport.close()

    def _now(self) -> Instant:
        return self._transport.now()

    async def _add(
        self, method: str, path: str, body: bytes, cost: int, withheld: Withheld
    ) -> Answer | VenueError | NoAnswer:
        """Send what may add risk: an answer, or why nothing was sent, or that nobody knows."""
        if not self._writes.spend(cost, self._now().mono):
            return VenueError(0, "not_sent", safe_text("the write budget is used up"))
        try:
            return await self._transport.send(method, path, body=body, withheld=withheld)
        except Withdrawn as error:
            return VenueError(0, "not_sent", safe_text(error))
        except NoAnswer as error:
            return error if error.sent else VenueError(0, "not_sent", error.why)

    def _refusal(self, answer: Answer) -> VenueError | None:
        """The exchange's "no", where it is one. A time-out (408) is none."""
        if not 400 <= answer.status < 500 or answer.status == 408:
            return None
        if answer.status == 429:
            self._writes.drained(answer.at.mono)
        return error_from_rest(answer.status, answer.body)


def _success(answer: Answer) -> dict[str, object]:
    """The body of a 2xx; ``ValueError`` for any other status."""
    if not 200 <= answer.status < 300:
        raise ValueError(error_from_rest(answer.status, answer.body).said)
    return parse_body(answer.body)


def _not_understood(answer: Answer, error: ValueError) -> SafeText:
    return safe_text(f"HTTP {answer.status} that names no order: {error}")
