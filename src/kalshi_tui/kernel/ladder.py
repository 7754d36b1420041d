"""The ladder's window: sizes, own orders, and what each price means for the position, in exact integers."""

from __future__ import annotations

from kalshi_tui.execution.orders import Order
from kalshi_tui.kernel.hand import hand_most
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.kernel.words import book_sentence
from kalshi_tui.portfolio.fees import maker_fee_per_contract, trade_fee
from kalshi_tui.protocol.commands import Focus
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.orders import OrderState, Owner
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import DOLLAR, MILLISECOND, ONE, Count, Money, Price, Side
from kalshi_tui.protocol.views import LadderRow, LadderView, OwnOrder

WINDOW = 30
"""Levels either side of the middle where the screen asked for no window."""
MOST_ROWS = 260
"""Levels at most in one view: a window of a fine grid is cut, never the screen's patience."""


def event_name(desk: DeskState, market: MarketState) -> str:
    event = desk.events.get(market.facts.event_ticker)
    return event.title if event is not None and event.title else market.facts.event_ticker


def ladder_view(desk: DeskState, market: MarketState, now: Instant, window: Focus | None) -> LadderView:
    from kalshi_tui.kernel.view import own_order

    facts = market.facts
    status = desk.feed.status(facts.ticker)
    book = desk.feed.book(facts.ticker)
    held = desk.ledger.get(facts.ticker)
    position = 0 if held is None else held.position
    orders = tuple(own_order(desk, o, now) for o in desk.orders.open_orders(facts.ticker))
    fair, fair_name = _fair(market) if status.valid else (None, "fair")
    settles_yes, settles_no = _settles(desk, market)
    most, most_why = hand_most(desk, market)
    best_bid = None if book is None else book.best_bid
    best_ask = None if book is None else book.best_ask
    return LadderView(
        ticker=facts.ticker,
        event_ticker=facts.event_ticker,
        title=event_name(desk, market),
        label=facts.label,
        rows=_rows(desk, market, fair, window),
        bands=() if facts.grid is None else facts.grid.bands,
        best_bid=best_bid,
        best_ask=best_ask,
        fair=fair,
        fair_name=fair_name,
        last=market.last_price,
        last_count=market.last_count,
        position=position,
        entry=None if held is None else held.entry,
        orders=orders,
        book="live" if status.valid else book_sentence(status),
        change_age_ms=_change_age(desk, market, now),
        stale=not status.valid,
        why=market.why,
        queue=queue_line(orders),
        settles_yes=settles_yes,
        settles_no=settles_no,
        out_now=_out_now(desk, market, best_bid, best_ask) if status.valid else None,
        status=facts.status.value,
        lean_levels=market.lean_levels,
        widen=market.widen,
        sides=market.sides,
        hand_most=most,
        hand_why=most_why,
        close=facts.close_time,
    )


def _fair(market: MarketState) -> tuple[float | None, str]:
    """The engine's fair value; while none is asked, the mark that the day's P&L is counted by, under its own name."""
    if market.intent is not None and market.intent.fair is not None:
        return market.intent.fair, "fair"
    return market.risk.fair, "mark"


def _change_age(desk: DeskState, market: MarketState, now: Instant) -> int | None:
    book = desk.feed.book(market.ticker)
    if book is None or book.last_change is None:
        return None
    return max(now.mono - book.last_change.mono, 0) // MILLISECOND


def _rows(
    desk: DeskState, market: MarketState, fair: float | None, window: Focus | None
) -> tuple[LadderRow, ...]:
    grid = market.facts.grid
    book = desk.feed.book(market.ticker)
    if grid is None:
        return ()
    low, high = _window(grid, market, fair, window)
    best_bid = book.best_bid if book is not None else None
    best_ask = book.best_ask if book is not None else None
    rows = []
    for price in grid.prices[low : high + 1]:
        bid = 0 if book is None else book.size_at(Side.BID, price)
        ask = 0 if book is None else book.size_at(Side.ASK, price)
        rows.append(
            LadderRow(
                price,
                bid,
                ask,
                _edge(market, price, fair),
                _out(desk, market, price, best_bid, best_ask),
            )
        )
    return tuple(rows)


def _window(grid: TickGrid, market: MarketState, fair: float | None, window: Focus | None) -> tuple[int, int]:
    """First and last level index of the rows to send."""
    if window is not None and window.low is not None and window.high is not None:
        low_price, high_price = grid.ceil(window.low), grid.floor(window.high)
        if low_price is not None and high_price is not None and low_price <= high_price:
            low, high = grid.index(low_price), grid.index(high_price)
            return low, min(high, low + MOST_ROWS - 1)
    middle = fair * ONE if fair is not None else (market.last_price or ONE // 2)
    nearest = grid.floor(middle)
    centre = 0 if nearest is None else grid.index(nearest)
    return max(centre - WINDOW, 0), min(centre + WINDOW, grid.size - 1)


def _edge(market: MarketState, price: Price, fair: float | None) -> Money | None:
    """What a resting order here earns against fair, after the maker fee, per contract."""
    if fair is None:
        return None
    p = price / ONE
    return round((abs(fair - p) - maker_fee_per_contract(market.facts.fee, p)) * DOLLAR)


def _out(
    desk: DeskState, market: MarketState, price: Price, best_bid: Price | None, best_ask: Price | None
) -> Money | None:
    """What closing the whole position at ``price`` earns since entry, after entry and exit fees.

    Resting (maker) on the far side of the touch, taking on the near: a long sells, a short buys.
    """
    held = desk.ledger.get(market.ticker)
    if held is None or not held.position or held.cost is None:
        return None
    position = held.position
    side = Side.ASK if position > 0 else Side.BID
    if side is Side.ASK:
        takes = best_bid is not None and price <= best_bid
    else:
        takes = best_ask is not None and price >= best_ask
    fee = trade_fee(market.facts.fee, price, abs(position), takes, desk.now.wall, side)
    return position * price - held.cost - market.entry_fees - fee


def _out_now(
    desk: DeskState, market: MarketState, best_bid: Price | None, best_ask: Price | None
) -> Money | None:
    position = desk.ledger.position(market.ticker)
    touch = best_bid if position > 0 else best_ask
    return None if touch is None else _out(desk, market, touch, best_bid, best_ask)


def _settles(desk: DeskState, market: MarketState) -> tuple[Money | None, Money | None]:
    """P&L since entry if the market settles YES and if it settles NO, after entry fees."""
    held = desk.ledger.get(market.ticker)
    if held is None or not held.position or held.cost is None:
        return None, None
    paid = held.cost + market.entry_fees
    return held.position * ONE - paid, -paid


def queue_place(order: Order, level: Count | None) -> Count | None:
    """Contracts ahead as last read, never more than the level can hold beside ours: it has moved on since."""
    if order.state is OrderState.SENT or order.ahead is None:
        return None
    if level is None:
        return order.ahead
    return min(order.ahead, max(level - (order.remaining if order.in_book else 0), 0))


def queue_line(orders: tuple[OwnOrder, ...]) -> str:
    """``my bid 10 @ 41  ahead 96 of 388   my ask 10 @ 48  front``"""
    parts = []
    for order in sorted(orders, key=lambda o: (o.side.value != "bid", -o.price)):
        who = "found" if order.owner is Owner.FOUND else "my"
        place = ""
        if order.ahead is not None:
            place = "  front" if order.ahead == 0 else f"  ahead {_size(order.ahead)}"
            if order.ahead and order.level is not None and order.level > order.ahead:
                place += f" of {_size(order.level)}"
        state = "" if order.state == "live" else f" ({order.state})"
        parts.append(
            f"{who} {order.side.value} {_size(order.remaining)} @ {order.price / 100:g}{state}{place}"
        )
    return "   ".join(parts)


def _size(count: Count) -> str:
    return f"{count / 100:,.2f}".rstrip("0").rstrip(".")
