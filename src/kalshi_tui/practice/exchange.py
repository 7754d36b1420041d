"""The practice exchange as one state machine: pure, synchronous, every call is told the time.

``Registry`` holds, ``Groups`` limits, ``Engine`` matches, ``Changing`` and ``Placing`` take orders,
``Lifecycle`` opens and settles; ``Exchange`` adds the reads. Every ``now`` is wall nanoseconds. A refused
order operation does not raise: its result says why. What happened lies in ``outbox`` until it is drained.
"""

from __future__ import annotations

from typing import Any

from kalshi_tui.practice.accounts import Account
from kalshi_tui.practice.happenings import Happening
from kalshi_tui.practice.lifecycle import Lifecycle
from kalshi_tui.practice.markets import PrintedTrade
from kalshi_tui.practice.matching import Order
from kalshi_tui.protocol.units import ONE, Count, Money, format_count, format_money


class Exchange(Lifecycle):
    """A whole exchange."""

    def drain(self) -> list[Happening]:
        """What happened since the last call, in order."""
        happened, self.outbox = self.outbox, []
        return happened

    def ahead_of(self, order: Order) -> Count:
        """Contracts that trade before the first of a resting order at its price: 0 at the front."""
        return self.markets[order.ticker].book.side(order.side).ahead(order)

    def trades(self, ticker: str | None) -> list[PrintedTrade]:
        """The public trades still kept, newest first."""
        if ticker is not None:
            market = self.markets.get(ticker)
            return [] if market is None else list(reversed(market.trades))
        every = [trade for market in self.markets.values() for trade in market.trades]
        every.sort(key=lambda trade: -trade.number)
        return every

    def portfolio_value(self, account: Account) -> Money:
        """What the open positions fetch at the last trade (at cost where none printed)."""
        total = 0
        for position in account.positions.values():
            last = self.markets[position.ticker].last_price
            if position.count and last is not None:
                total += position.count * last if position.count > 0 else -position.count * (ONE - last)
            else:
                total += position.cost
        return total

    def oracle(self, account: Account) -> dict[str, Any]:
        """The truth of one account, for tests: decimal strings, YES-positive positions."""
        return {
            "user_id": account.user_id,
            "cash": format_money(sum(account.cash.values())),
            "cash_by_shard": {str(shard): format_money(cash) for shard, cash in account.cash.items()},
            "deposited": format_money(account.deposited),
            "positions": {
                p.ticker: {
                    "position": format_count(p.count),
                    "peak": format_count(p.peak),
                    "cost": format_money(p.cost),
                    "realized": format_money(p.realized),
                    "fees": format_money(p.fees),
                    "volume": format_count(p.volume),
                }
                for p in account.positions.values()
            },
            "orders": [_order_truth(order) for order in account.orders.values()],
            "fills": [
                {
                    "trade_id": f.trade_id,
                    "order_id": f.order_id,
                    "client_order_id": f.client_order_id,
                    "ticker": f.ticker,
                    "side": f.side.value,
                    "price": format_money(f.price * 100),
                    "count": format_count(f.count),
                    "fee": format_money(f.fee),
                    "is_taker": f.is_taker,
                    "ts_ns": f.at,
                }
                for f in account.fills
            ],
            "groups": [
                {"id": group.group_id, "triggered": group.triggered, "limit": format_count(group.limit)}
                for group in self.groups_of(account)
            ],
            "audit": self.audit(),
        }


def _order_truth(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "ticker": order.ticker,
        "side": order.side.value,
        "price": format_money(order.price * 100),
        "filled": format_count(order.filled),
        "remaining": format_count(order.remaining),
        "status": order.status,
        "reason": order.reason,
        "order_group_id": order.group_id,
        "expiration_ns": order.expiration,
        "cancel_order_on_pause": order.cancel_on_pause,
        "created_ns": order.created,
    }
