"""The last resort when the core itself has failed: pull this boot's orders with nothing but the venue's own
list.
"""

from __future__ import annotations

import asyncio
import logging

from kalshi_tui.desk.ports import VenuePort
from kalshi_tui.protocol.effects import CancelOrder
from kalshi_tui.protocol.events import OrdersRead

log = logging.getLogger(__name__)

ROUNDS = 5
PAUSE_S = 0.5


async def pull_without_core(venue: VenuePort, boot: str) -> bool:
    """Cancel every resting order whose client id carries this boot's prefix; True once a complete read
    shows none.
    """
    for attempt in range(ROUNDS):
        if attempt:
            await asyncio.sleep(PAUSE_S)
        read = await venue.read_orders(resting_only=True, since=None)
        if not isinstance(read, OrdersRead):
            continue
        ours = [order for order in read.orders if order.client_order_id.startswith(f"{boot}-")]
        if not ours and read.complete:
            log.info("every order of this desk is confirmed gone")
            return True
        for order in ours:
            await venue.cancel(
                CancelOrder(
                    order.order_id,
                    order.client_order_id,
                    order.ticker,
                    order.exchange_index,
                    "the desk failed",
                )
            )
    log.error(
        "orders of this desk may still rest at the venue; they go when they expire, or cancel them there"
    )
    return False
