"""Limits: what is used, what it would be if every resting order that hurts filled, and how much there is."""

from __future__ import annotations

from kalshi_tui.protocol.views import Gauge, StatusView
from kalshi_tui.tui.ink import Line, Row, clauses, fit
from kalshi_tui.tui.numbers import BLOCKS, dollars
from kalshi_tui.tui.panes.base import Pane

_NAME = 8
_ALARMS = {"warn": "! ", "halt": "!! "}
"""Levels of a gauge that want a look or a hand, and the sign that says so without colour."""


class RiskPane(Pane):
    pane = "risk"
    number = 4
    cuts = (_NAME,)

    def title(self) -> str:
        return "Risk"

    def lines(self, width: int, height: int) -> list[Line]:
        view = self.state.view
        if view is None:
            return []
        gauges = list(view.gauges)
        if not any(gauge.name == "writes" for gauge in gauges) and view.status.write_capacity:
            gauges.append(_writes(view.status))
        gauges.append(_cash(view.status))
        old = self.state.silent_for is not None
        bars = max(min(width - _NAME - 2 - 14, 40), 6)
        return [_line(gauge, bars, width, old) for gauge in _most_needed(gauges, height)]


_LEAST = ("cash", "group", "R2", "global", "writes", "event", "R3", "R1", "market")
"""What goes first where there is little room; what is alarmed never goes."""


def _most_needed(gauges: list[Gauge], room: int) -> list[Gauge]:
    kept = list(gauges)
    for name in _LEAST:
        if len(kept) > room:
            kept = [gauge for gauge in kept if gauge.name != name or gauge.level in _ALARMS]
    return kept[:room]


def _writes(status: StatusView) -> Gauge:
    """The write budget beside what pulling everything would cost. A second fills it: short of more is an alarm."""
    tokens = status.write_tokens
    text = f"{tokens}, pull {status.pull_cost}"
    level = "halt" if status.pull_cost > status.write_capacity else ""
    return Gauge("writes", tokens, tokens, status.write_capacity, text, level)


def _cash(status: StatusView) -> Gauge:
    """What there is, and what of the P&L is still open."""
    text = f"{dollars(status.balance, plus=False)} · open {dollars(status.unrealized)}"
    return Gauge("cash", 0, 0, 0, text)


def _line(gauge: Gauge, bars: int, width: int, old: bool) -> Line:
    ink = "stale" if old else gauge.level if gauge.level in _ALARMS else ""
    row = Row(width).left(1, fit(gauge.name, _NAME - 1), "dim")
    word = _ALARMS.get(gauge.level, "")
    if gauge.cap <= 0:
        return row.left(_NAME + 1, clauses(word + gauge.text, width - _NAME - 1), ink).line()
    text = clauses(word + gauge.text, width - _NAME - 4)
    room = min(bars, width - _NAME - 1 - len(text) - 2)
    if room >= 4:
        x = _NAME + 1
        parts = gauge_bar(gauge.used, gauge.worst, gauge.cap, room)
        for part, part_ink in zip(parts, (ink or "text", ink or "dim", "border"), strict=True):
            row.left(x, part, part_ink)
            x += len(part)
    return row.right(width - 1, text, ink).line()


def gauge_bar(used: int, worst: int, cap: int, width: int) -> tuple[str, str, str]:
    """``used`` as full blocks, up to ``worst`` as shaded ones, the rest of ``cap`` as dots; together ``width``.

    Sizes count, not signs: a short position fills its gauge like a long one. Anything above nothing shows.
    """
    eighths = min(abs(used) * 8 * width // cap, 8 * width)
    if used and not eighths:
        eighths = 1
    whole, part = divmod(eighths, 8)
    full = "█" * whole + (BLOCKS[part - 1] if part else "")
    reach = min(-(-abs(worst) * width // cap), width)
    shaded = "▒" * max(reach - len(full), 0) if abs(worst) > abs(used) else ""
    return full, shaded, "·" * (width - len(full) - len(shaded))
