"""What faults do to the frames of one WebSocket session, after they were numbered and before they are queued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from kalshi_tui.practice.faults import FaultPlan
from kalshi_tui.practice.ws_frames import leg_price
from kalshi_tui.protocol.units import (
    CONTRACT,
    Count,
    Nanos,
    Price,
    Side,
    format_count,
    format_price,
    parse_count,
)

if TYPE_CHECKING:
    from kalshi_tui.practice.ws_session import Subscription

_PRIVATE = ("fill", "user_order", "market_position")
_FATES = ("lose", "dup", "swap")
_LADDERS = {Side.BID: "yes_dollars_fp", Side.ASK: "no_dollars_fp"}


class FrameFaults:
    """The faults of all sessions of one exchange.

    ``phantoms`` are levels that are not there and that every snapshot shows: by ticker, the price of a bid and
    its contracts.
    """

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self.phantoms: dict[str, tuple[Price, Count]] = {}

    def refuses_snapshot(self, tickers: list[str], now: Nanos) -> bool:
        """Whether one of the books a ``get_snapshot`` names is refused."""
        return any(self.plan.hit("refuse", now, market=ticker) is not None for ticker in tickers)

    def passed(self, sub: Subscription, kind: str, frame: bytes, ticker: str, now: Nanos) -> list[bytes]:
        """What is sent instead of a frame: itself, nothing, itself twice, or it and one that was held back."""
        if kind in _PRIVATE:
            return [] if self.plan.hit("mute", now, market=ticker) is not None else [frame]
        if kind != "orderbook_delta":
            return [frame]
        fate = next((k for k in _FATES if self.plan.hit(k, now, market=ticker) is not None), "")
        if fate == "swap" and sub.held is None:
            sub.held = frame
            return []
        held, sub.held = sub.held, None
        frames = [frame] * {"lose": 0, "dup": 2}.get(fate, 1)
        return frames if held is None else [*frames, held]

    def snapshot(self, ticker: str, msg: bytes, now: Nanos, *, use_yes_price: bool) -> bytes:
        """The ``msg`` of a snapshot with what is not there."""
        phantom = self.phantoms.get(ticker)
        differs = self.plan.hit("differ", now, market=ticker) is not None
        if phantom is None and not differs:
            return msg
        body: dict[str, Any] = msgspec.json.decode(msg)
        if phantom is not None:
            price, count = phantom
            _add(body, Side.BID, leg_price(Side.BID, price, use_yes_price=use_yes_price), count)
        if differs:
            side = Side.BID if body.get(_LADDERS[Side.BID]) else Side.ASK
            # The best level of either ladder: bids ascend, and so does the NO leg of the asks.
            rows = body.get(_LADDERS[side])
            if rows:
                best = rows[-1] if side is Side.BID or not use_yes_price else rows[0]
                best[1] = format_count(parse_count(best[1]) + CONTRACT)
        return msgspec.json.encode(body)


def _add(body: dict[str, Any], side: Side, price: Price, count: Count) -> None:
    """One level more, or more contracts on one that is there."""
    ladder = {row[0]: parse_count(row[1]) for row in body.get(_LADDERS[side], [])}
    text = format_price(price)
    ladder[text] = ladder.get(text, 0) + count
    body[_LADDERS[side]] = [[p, format_count(n)] for p, n in sorted(ladder.items())]
