"""Under the ladder, in words: what is quoted and why, where own orders stand, what settlement would pay."""

from __future__ import annotations

from kalshi_tui.protocol.units import Side
from kalshi_tui.protocol.views import LadderView, OwnOrder
from kalshi_tui.tui.ink import Line, joined, text_line, wrap
from kalshi_tui.tui.numbers import UNKNOWN, contracts, dollars


def footing_height(height: int) -> int:
    """Lines below the rows: banner, why (as many lines as the height can spare), queue, settlement."""
    return 3 + (1 if height < 17 else 2 if height < 26 else 3)


def footing(ladder: LadderView, width: int, height: int, banner: Line, old: bool) -> list[Line]:
    """Exactly ``height`` lines, the banner first."""
    ink = "stale" if old else ""
    why = wrap(ladder.why, width - 1, height - 3)
    lines = [text_line(f" {text}", width, ink) for text in why]
    lines += [text_line("", width)] * (height - 3 - len(lines))
    return [
        banner,
        *lines,
        text_line(f" {_queue(ladder, width - 1)}", width, ink),
        _settles(ladder, width, ink),
    ]


def _queue(ladder: LadderView, width: int) -> str:
    """The desk's line on own orders, or where that is too long the nearest order of each side in fewer words."""
    if len(ladder.queue) <= width:
        return ladder.queue
    parts = []
    for side in (Side.BID, Side.ASK):
        orders = [order for order in ladder.orders if order.side is side]
        if orders:
            nearest = max(orders, key=lambda order: order.price * side.sign)
            parts.append(f"{side.value} {_place(nearest)}")
    return " · ".join(parts) or ladder.queue


def _place(order: OwnOrder) -> str:
    if order.ahead is None:
        return f"ahead {UNKNOWN}"
    if order.ahead == 0:
        return "at front"
    level = UNKNOWN if order.level is None else contracts(order.level)
    return f"ahead {contracts(order.ahead)} of {level}"


def _settles(ladder: LadderView, width: int, ink: str) -> Line:
    if not ladder.position:
        return text_line(" flat", width, "dim")
    wide = width >= 52
    gap = "   " if wide else "  "
    return joined(
        [
            (" settles YES " if wide else " YES ", "dim"),
            (dollars(ladder.settles_yes), ink),
            (f"{gap}NO ", "dim"),
            (dollars(ladder.settles_no), ink),
            (f"{gap}out now " if wide else f"{gap}out ", "dim"),
            (dollars(ladder.out_now), ink),
        ],
        width,
    )
