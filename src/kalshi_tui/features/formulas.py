"""Point features of one book as pure functions. Dollars are floats 0..1, sizes any one unit."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, log

from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import Price


def weighted_mid(bid: float, bid_size: float, ask: float, ask_size: float) -> float:
    """``I * ask + (1 - I) * bid`` with ``I = bid_size / (bid_size + ask_size)``; between bid and ask."""
    return (ask * bid_size + bid * ask_size) / (bid_size + ask_size)


def queue_share(bid_size: float, ask_size: float, prior: float = 0.0) -> float:
    """``I`` in 0..1, pulled towards 1/2 by ``prior`` units on each side (thin queues say little)."""
    return (bid_size + prior) / (bid_size + ask_size + 2.0 * prior)


def order_flow(
    bid: int | None,
    bid_size: int,
    ask: int | None,
    ask_size: int,
    new_bid: int | None,
    new_bid_size: int,
    new_ask: int | None,
    new_ask_size: int,
) -> int:
    """One step of order-flow imbalance (Cont, Kukanov, Stoikov 2014, arXiv 1011.6402), in units of size.

    An absent side counts as infinitely far away, so its coming or going is its whole size. 0 when nothing
    changed; swapping the sides flips the sign.
    """
    flow = 0
    if new_bid is not None and (bid is None or new_bid >= bid):
        flow += new_bid_size
    if bid is not None and (new_bid is None or new_bid <= bid):
        flow -= bid_size
    if new_ask is not None and (ask is None or new_ask <= ask):
        flow -= new_ask_size
    if ask is not None and (new_ask is None or new_ask >= ask):
        flow += ask_size
    return flow


def multilevel_imbalance(
    bids: Iterable[tuple[float, float]], asks: Iterable[tuple[float, float]], decay: float = 0.5
) -> float | None:
    """``(sum w B - sum w A) / (sum w B + sum w A)``, ``w = exp(-decay * distance)``; None on an empty book.

    Each level is (distance in ticks, size); the distance is from the touch or the mid, not the level's index:
    Kalshi's books have gaps. In -1..1.
    """
    bid = sum(size * exp(-decay * distance) for distance, size in bids)
    ask = sum(size * exp(-decay * distance) for distance, size in asks)
    return (bid - ask) / (bid + ask) if bid + ask > 0.0 else None


def logit(p: float) -> float:
    """``ln(p / (1 - p))``, 0 < p < 1."""
    return log(p / (1.0 - p))


def expit(x: float) -> float:
    """The inverse of ``logit``, in 0..1, without overflow."""
    if x >= 0.0:
        return 1.0 / (1.0 + exp(-x))
    grown = exp(x)
    return grown / (1.0 + grown)


def clipped_logit(p: float, tick: float) -> float:
    """``logit`` of ``p`` kept half a tick away from 0 and 1, so that a book at the edge stays finite."""
    return logit(min(max(p, tick / 2.0), 1.0 - tick / 2.0))


def tick_around(grid: TickGrid, price: float) -> Price:
    """The step of the grid at ``price``, the same seen from YES and from NO.

    Between two valid prices their distance; on one where bands meet, the larger of its two neighbours'.
    """
    if len(grid.bands) == 1 and grid.size > 1:
        return grid.bands[0][2]
    low, high = grid.floor(price), grid.ceil(price)
    if low is not None and high is not None and low == high:
        below, above = grid.previous(price), grid.next(price)
        gaps = [low - below] if below is not None else []
        gaps += [above - high] if above is not None else []
        return max(gaps) if gaps else grid.tick_at(price)
    return high - low if low is not None and high is not None else grid.tick_at(price)
