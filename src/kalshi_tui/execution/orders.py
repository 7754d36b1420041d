"""Every order the desk knows of, and what evidence has made of it.

The rules that keep money safe, all enforced here:

* an order counts as live from the moment it is handed to a shell until the *venue* says it is not;
* a lost answer is UNKNOWN, which is live;
* fills are taken in any state, once per trade id;
* what the venue reports as filled but has not yet shown us as trades still counts as exposure;
* an order nobody here made is adopted as FOUND: counted, shown, never touched.

What is over is forgotten, or the registry would grow for as long as the desk runs. An order may be forgotten when
nothing that can still come would be taken differently without it: the venue itself has ended it, and every contract
the venue says it filled has come as a trade. A trade of it that comes again is then a repetition (``trades`` knows it
by id, or by being older than its horizon), an answer or an "ended" report that comes again changes nothing, and a
"resting" report that outlived ``forget_ended``'s two rounds would be adopted, cancelled and found gone. Orders that
ended by policy, without the venue's word, may still trade: the newest ``RESOLVED_KEPT`` of them are kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from kalshi_tui.execution.order import Change, FillResult, Order
from kalshi_tui.execution.trades import BookedTrades
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import Fill, NewOrder, OrderState, Owner, TimeInForce, VenueError, VenueOrder
from kalshi_tui.protocol.units import SECOND, Count, Nanos, Side

__all__ = ["ABSENCES_NEEDED", "ABSENCE_SPACING", "Change", "FillResult", "Order", "OrderRegistry"]

FINAL = ("canceled", "executed")
"""What a report says of an order that nothing can happen to any more."""
ABSENCES_NEEDED = 5
"""Complete reads without an order, spaced apart, before policy may call it gone: reads lag writes."""
ABSENCE_SPACING: Nanos = SECOND
"""How long after sending a read must have been asked to say anything about an order."""
RESOLVED_KEPT = 500
"""Orders that ended without the venue's word are the rare case; they are remembered by number, not by age."""

_LETTERS = {"e": Owner.ENGINE, "m": Owner.MINE, "f": Owner.FLATTEN}


@dataclass(slots=True)
class OrderRegistry:
    family: str = ""
    """What the client ids of this desk begin with in every boot: leftovers of ours are told from strangers'."""
    by_client_id: dict[str, Order] = field(default_factory=dict)
    by_order_id: dict[str, Order] = field(default_factory=dict)
    live: dict[str, dict[str, Order]] = field(default_factory=dict)
    """ticker -> client id -> orders that still carry exposure."""
    trades: BookedTrades = field(default_factory=BookedTrades)
    _ended: list[Order] = field(default_factory=list)
    """Over since the last ``forget_ended``."""
    _ended_before: list[Order] = field(default_factory=list)
    """Over since the one before it."""
    _resolved: deque[Order] = field(default_factory=deque)

    # -- reading -------------------------------------------------------------------------------------

    def open_orders(self, ticker: str | None = None) -> Iterator[Order]:
        """Orders that may still fill, oldest first."""
        if ticker is not None:
            yield from (o for o in self.live.get(ticker, {}).values() if o.is_open)
            return
        for orders in self.live.values():
            yield from (o for o in orders.values() if o.is_open)

    def open_count(self) -> int:
        return sum(1 for _ in self.open_orders())

    def exposure(self, ticker: str) -> tuple[Count, Count]:
        """(bid, ask) contracts that could still be added by orders of any state and owner."""
        bid = ask = 0
        for order in self.live.get(ticker, {}).values():
            if order.side is Side.BID:
                bid += order.exposure
            else:
                ask += order.exposure
        return bid, ask

    def unresolved(self) -> list[Order]:
        """Orders whose fate only the venue's records can tell."""
        return [o for o in self._all_live() if o.look_up]

    def _all_live(self) -> Iterator[Order]:
        for orders in self.live.values():
            yield from orders.values()

    # -- sending -------------------------------------------------------------------------------------

    def submit(self, order: NewOrder, at: Instant) -> Order:
        """Register an order about to be sent. From here on it counts."""
        if order.client_order_id in self.by_client_id:
            raise ValueError(f"client order id {order.client_order_id} was used before")
        record = Order(
            client_order_id=order.client_order_id,
            ticker=order.ticker,
            side=order.side,
            price=order.price,
            count=order.count,
            owner=order.owner,
            engine=order.engine,
            state=OrderState.SENT,
            sent=at,
            time_in_force=order.time_in_force,
            reduce_only=order.reduce_only,
            expiration_s=order.expiration_s,
            exchange_index=order.exchange_index,
            intended=at,
        )
        self.by_client_id[record.client_order_id] = record
        self.live.setdefault(record.ticker, {})[record.client_order_id] = record
        return record

    def canceling(self, order: Order, at: Instant, why: str) -> None:
        order.state = OrderState.CANCELING
        order.cancel_sent = at
        order.cancel_attempts += 1
        order.why = why

    def amending(self, order: Order, at: Instant, count: Count, expiration_s: int | None) -> None:
        order.state = OrderState.AMENDING
        order.amend_sent = at
        order.asked_count = count
        order.asked_expiration_s = expiration_s

    # -- answers -------------------------------------------------------------------------------------

    def create_accepted(
        self, client_id: str, order_id: str, filled: Count, remaining: Count
    ) -> Change | None:
        order = self.by_client_id.get(client_id)
        if order is None:
            return None
        self._name(order, order_id)
        order.venue_filled = max(order.venue_filled, filled)
        if not order.is_open:
            return None  # the stream was faster and has said more
        order.look_up = False
        if order.time_in_force is not TimeInForce.GTC or remaining == 0:
            # IOC and FOK never rest: what is not filled by now is gone.
            return self._end(order, OrderState.FILLED if filled >= order.count else OrderState.CANCELED)
        if order.state not in (OrderState.SENT, OrderState.UNKNOWN):
            return None  # the stream was faster and has said so
        order.state = OrderState.LIVE
        return Change(order, "accepted")

    def create_refused(self, client_id: str, error: VenueError) -> Change | None:
        order = self.by_client_id.get(client_id)
        if order is None or not order.is_open:
            return None
        return self._end(order, OrderState.REJECTED, error.said)

    def create_unknown(self, client_id: str, why: str) -> Change | None:
        order = self.by_client_id.get(client_id)
        if order is None or not order.is_open or order.order_id:
            return None  # the stream has already shown it
        order.state = OrderState.UNKNOWN
        order.look_up = True
        return Change(order, "unknown", why)

    def cancel_accepted(self, order_id: str, reduced_by: Count) -> Change | None:
        order = self.by_order_id.get(order_id)
        if order is None or not order.is_open:
            return None
        order.venue_filled = max(order.venue_filled, order.count - reduced_by)
        return self._end(order, OrderState.CANCELED, order.why)

    def cancel_refused(self, order_id: str, error: VenueError) -> Change | None:
        """A 404 proves "not resting" only; anything else means it still rests."""
        order = self.by_order_id.get(order_id)
        if order is None or not order.is_open:
            return None
        if error.status == 404:
            order.look_up = True
            return Change(order, "not resting", "the venue no longer rests it; reading its fills")
        order.state = OrderState.LIVE
        return Change(order, "cancel refused", error.code)

    def cancel_unknown(self, order_id: str, why: str) -> Change | None:
        order = self.by_order_id.get(order_id)
        if order is None or not order.is_open:
            return None
        order.state = OrderState.LIVE
        order.look_up = True
        return Change(order, "cancel unknown", why)

    def amend_answered(self, order_id: str, remaining: Count | None, filled: Count | None) -> Change | None:
        order = self.by_order_id.get(order_id)
        if order is None or not order.is_open or order.asked_count is None:
            return None
        order.count = order.asked_count
        order.expiration_s = order.asked_expiration_s
        self._amend_over(order)
        if filled is not None:
            order.venue_filled = max(order.venue_filled, filled)
        if remaining == 0:
            return self._end(
                order, OrderState.FILLED if order.venue_filled >= order.count else OrderState.CANCELED
            )
        return Change(order, "amended")

    def amend_failed(self, order_id: str, error: VenueError | None, why: str) -> Change | None:
        """Refused (``error``) or unknown: the larger of both sizes counts until a read tells."""
        order = self.by_order_id.get(order_id)
        if order is None or not order.is_open:
            return None
        if error is None and order.asked_count is not None:
            order.count = max(order.count, order.asked_count)
        order.look_up = order.look_up or error is None or error.status == 404
        self._amend_over(order)
        return Change(order, "amend refused" if error else "amend unknown", why)

    # -- evidence ------------------------------------------------------------------------------------

    def seen(self, report: VenueOrder, at: Instant) -> Change | None:
        """The venue describes an order, on the stream or in a read."""
        order = self.by_order_id.get(report.order_id) or self.by_client_id.get(report.client_order_id)
        if order is None:
            return self._adopt(report, at)
        self._name(order, report.order_id)
        order.absences = 0
        if not order.is_open and report.status in FINAL:
            # The venue's last word: what was reckoned from an amend that lost its answer may be too much.
            order.venue_filled = max(order.filled, report.filled)
            self._retire(order)
            return None
        order.venue_filled = max(order.venue_filled, report.filled)
        if not order.is_open:
            return self._revive(order, report)
        if report.status == "canceled":
            return self._end(order, OrderState.CANCELED, report.reason or order.why)
        if report.status == "executed":
            if not report.filled:  # it says only that nothing is left
                order.venue_filled = max(order.venue_filled, report.initial)
            return self._end(order, OrderState.FILLED)
        if report.status != "resting":
            return None  # a status nobody knows: still live for risk
        order.price = report.price
        total = report.filled + report.remaining
        if order.state is not OrderState.AMENDING and report.filled >= order.filled:
            order.count = total
            order.look_up = False
        if report.expiration is not None and order.state is not OrderState.AMENDING:
            order.expiration_s = report.expiration // SECOND
        if order.state in (OrderState.SENT, OrderState.UNKNOWN):
            order.state = OrderState.LIVE
            return Change(order, "accepted")
        return None

    def fill(self, fill: Fill) -> FillResult:
        """Apply one trade of ours, once. The caller books it in the ledger unless it is a duplicate."""
        if self.trades.has(fill):
            return FillResult(fill, self.by_order_id.get(fill.order_id), duplicate=True)
        self.trades.add(fill)
        order = self.by_order_id.get(fill.order_id)
        if order is None and fill.client_order_id:
            order = self.by_client_id.get(fill.client_order_id)
            if order is not None:
                self._name(order, fill.order_id)
        if order is None:
            return FillResult(fill, None)
        anomaly = ""
        if fill.side is not order.side or fill.ticker != order.ticker:
            anomaly = f"a trade of {order.ticker} {order.side} was reported as {fill.ticker} {fill.side}"
        order.filled += fill.count
        order.venue_filled = max(order.venue_filled, order.filled)
        if order.filled > order.count:
            anomaly = f"{order.filled / 100:g} contracts filled of an order for {order.count / 100:g}"
        if order.is_open and order.filled >= order.count:
            self._end(order, OrderState.FILLED)
        elif order.state in (OrderState.SENT, OrderState.UNKNOWN):
            order.state = OrderState.LIVE
        self._retire(order)
        return FillResult(fill, order, anomaly=anomaly)

    def resting_read(self, present: frozenset[str], asked: Instant) -> list[Change]:
        """A *complete* read of resting orders: what is absent is not resting.

        Only orders sent well before the read was asked are judged. Named orders that are absent are looked
        up among all orders; orders without a name become RESOLVED after repeated absences.
        """
        changes: list[Change] = []
        for order in list(self._all_live()):
            if not order.is_open or asked.mono - order.sent.mono < ABSENCE_SPACING:
                continue
            if order.order_id and order.order_id in present:
                continue
            if order.last_absence is not None and asked.mono - order.last_absence.mono < ABSENCE_SPACING:
                continue
            order.absences += 1
            order.last_absence = asked
            order.look_up = True
            if order.absences >= ABSENCES_NEEDED:
                why = f"absent from {order.absences} complete reads of the venue's orders"
                changes.append(self._end(order, OrderState.RESOLVED, why))
        return changes

    # -- forgetting ----------------------------------------------------------------------------------

    def forget_ended(self) -> None:
        """Forget the orders that were over at the last call already. Called in steady rounds: what is over
        is remembered for one to two of them, for answers that come late and for whoever looks it up."""
        for order in self._ended_before:
            self._forget(order)
        self._ended_before, self._ended = self._ended, []
        while len(self._resolved) > RESOLVED_KEPT:
            self._forget(self._resolved.popleft())

    def _forget(self, order: Order) -> None:
        self.by_client_id.pop(order.client_order_id, None)
        self.by_order_id.pop(order.order_id, None)

    # -- inside --------------------------------------------------------------------------------------

    def _adopt(self, report: VenueOrder, at: Instant) -> Change | None:
        if report.status in FINAL:
            return None
        order = Order(
            client_order_id=report.client_order_id or f"found:{report.order_id}",
            ticker=report.ticker,
            side=report.side,
            price=report.price,
            count=report.filled + report.remaining,
            owner=self._owner(report.client_order_id),
            engine="",
            state=OrderState.LIVE,
            sent=at,
            order_id=report.order_id,
            # Its earlier trades are in the position already; only what comes can change it.
            filled=report.filled,
            venue_filled=report.filled,
            expiration_s=None if report.expiration is None else report.expiration // SECOND,
            exchange_index=report.exchange_index,
        )
        self.by_client_id[order.client_order_id] = order
        self.by_order_id[order.order_id] = order
        self.live.setdefault(order.ticker, {})[order.client_order_id] = order
        return Change(order, "found")

    def _revive(self, order: Order, report: VenueOrder) -> Change | None:
        """What ended by policy alone rests after all: evidence outranks policy. Other endings were evidence."""
        if order.state is not OrderState.RESOLVED or report.status != "resting":
            return None
        if order in self._resolved:
            self._resolved.remove(order)
        order.state, order.look_up, order.price = OrderState.LIVE, False, report.price
        self.live.setdefault(order.ticker, {})[order.client_order_id] = order
        return Change(order, "found", "it rests after all")

    def _owner(self, client_id: str) -> Owner:
        """Whose it is by its client id: ``<family><boot>-<owner letter><number>``."""
        head, _, tail = client_id.rpartition("-")
        if not self.family or not head.startswith(self.family) or not tail[1:].isdigit():
            return Owner.FOUND
        return _LETTERS.get(tail[0], Owner.FOUND)

    def _name(self, order: Order, order_id: str) -> None:
        if order_id and not order.order_id:
            order.order_id = order_id
            self.by_order_id[order_id] = order

    def _amend_over(self, order: Order) -> None:
        order.asked_count = None
        order.asked_expiration_s = None
        order.amend_sent = None
        if order.state is OrderState.AMENDING:
            order.state = OrderState.LIVE

    def _end(self, order: Order, state: OrderState, why: str = "") -> Change:
        order.state = state
        order.look_up = order.exposure > 0
        order.asked_count = None
        self._retire(order)
        return Change(order, state.value, why)

    def _retire(self, order: Order) -> None:
        """Out of the live table once nothing about it can change our position."""
        if not order.is_open and order.exposure == 0:
            order.look_up = False
            orders = self.live.get(order.ticker, {})
            if orders.pop(order.client_order_id, None) is None:
                return
            if not orders:
                del self.live[order.ticker]
            (self._resolved if order.state is OrderState.RESOLVED else self._ended).append(order)
