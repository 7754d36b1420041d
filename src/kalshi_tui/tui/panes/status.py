"""The status bar: is it real money and who may trade, is what I see true, how much can I lose."""

from __future__ import annotations

from kalshi_tui.protocol.units import DOLLAR
from kalshi_tui.protocol.views import DeskView, StatusView
from kalshi_tui.tui.ink import Line, Row, Span
from kalshi_tui.tui.numbers import UNKNOWN, age, clock, countdown, dollars, signed, whole_dollars
from kalshi_tui.tui.panes.base import Pane

_MODE_INK = {"PRACTICE": "practice", "DEMO": "demo", "PROD": "prod", "PROD·PAPER": "paper"}
_FULL, _TIGHT, _NO_EVENT, _NO_CLOCK, _BARE = range(5)
"""Levels of detail, tried in order until the bar fits."""


class StatusBar(Pane):
    """One line, three answers from left to right, the clock at the end."""

    pane = "status"
    cuts = (-14,)

    def lines(self, width: int, height: int) -> list[Line]:
        view, silent = self.state.view, self.state.silent_for
        mode = view.status.mode if view else self.state.hello.mode
        if silent is not None or view is None:
            return [_frozen(mode, silent, width)]
        for detail in (_FULL, _TIGHT, _NO_EVENT, _NO_CLOCK, _BARE):
            left = _left(view.status, detail, watching=self._watching(view.status))
            right = _right(view, detail)
            used = sum(len(text) for text, _ in left) + sum(len(text) for text, _ in right)
            if used <= width or detail == _BARE:
                row = Row(width)
                for text, ink in left:
                    row.then(text, ink)
                x = width - sum(len(text) for text, _ in right)
                for text, ink in right:
                    row.left(x, text, ink)
                    x += len(text)
                return [row.line()]
        raise AssertionError("the loop above always returns")

    def _watching(self, status: StatusView) -> bool:
        return status.controller is not None and status.controller != self.state.hello.session


def _frozen(mode: str, silent: float | None, width: int) -> Line:
    row = Row(width, "halt")
    row.then(f" {mode}   ")
    if silent is None:
        return row.then("waiting for the desk's first view").line()
    return row.then(
        f"FROZEN · desk silent {silent:.0f} s · all you see is old · order keys are refused, f F ! still go out"
    ).line()


def _left(status: StatusView, detail: int, watching: bool) -> list[Span]:
    full = detail == _FULL
    gap = "   " if full else " "
    hand = "ARMED" if status.armed else "safe"
    parts: list[Span] = [
        (f" {status.mode} ", _MODE_INK.get(status.mode, "practice")),
        ("  " if full else "", ""),
    ]
    parts += [("HAND ", "dim"), (hand, "armed" if status.armed else ""), (gap, "")]
    if watching:
        parts += [("WATCHING", "warn"), (gap, "")]
    parts += _latch(status, gap)
    parts += [("ENGINES " if full else "ENG ", "dim"), (str(status.engines_quoting), "")]
    parts += [(" quoting" if full else "", "dim"), (gap if full else "  ", "")]
    parts += _feed(status, full)
    if status.gaps or detail < _NO_CLOCK:
        parts += [
            (" · gaps " if full else " gaps ", "dim"),
            (str(status.gaps), "warn" if status.gaps else ""),
        ]
    parts += [(gap if full else "  ", ""), ("day ", "dim"), (dollars(status.day_pnl), "")]
    parts += _drawdown(status, detail)
    return [part for part in parts if part[0]]


def _latch(status: StatusView, gap: str) -> list[Span]:
    if not status.latch and not status.unconfirmed:
        return []
    word = status.latch or "STOPPING"
    if status.unconfirmed:
        word += f" · {status.unconfirmed} NOT CONFIRMED"
    return [(f" {word} ", "halt"), (gap, "")]


def _feed(status: StatusView, full: bool) -> list[Span]:
    if status.feed == "live":
        text = age(status.lag_ms)
        return [("feed ", "dim"), (text if full else text.replace(" ", ""), "")]
    since = age(status.feed_age_ms)
    if status.feed == "dead":
        return [(f" FEED DEAD {since} ", "halt")]
    if status.feed == "lagging":
        return [(f" FEED LAGGING {age(status.lag_ms)} ", "warn")]
    return [(f" feed {status.feed} ", "warn")]


def _drawdown(status: StatusView, detail: int) -> list[Span]:
    if detail == _BARE or status.drawdown is None:
        return []
    if detail == _FULL:
        limit = f" of {whole_dollars(status.drawdown_limit)}" if status.drawdown_limit is not None else ""
        return [(" · dd ", "dim"), (dollars(status.drawdown, plus=False), ""), (limit, "dim")]
    return [(" dd ", "dim"), (signed(status.drawdown, DOLLAR, 0, plus=False), "")]


def _right(view: DeskView, detail: int) -> list[Span]:
    status = view.status
    parts: list[Span] = []
    if detail < _NO_EVENT and status.next_event:
        left = countdown(status.next_event_at, view.wall)
        text = "" if left == UNKNOWN else f" in {left}" if detail == _FULL else f" {left}"
        parts += [(f"  {status.next_event}", "event"), (text, "event")]
    if detail < _NO_CLOCK:
        parts.append((f"  {clock(view.wall)} ET " if detail == _FULL else f" {clock(view.wall)}", "dim"))
    return [part for part in parts if part[0]]
