"""The status bar: is it real money and who may trade, is what I see true, how much can I lose."""

from __future__ import annotations

from kalshi_tui.protocol.units import DOLLAR
from kalshi_tui.protocol.views import DeskView, StatusView
from kalshi_tui.tui.ink import Line, Row, Span, fit
from kalshi_tui.tui.numbers import NOW, UNKNOWN, age, clock, countdown, dollars, signed, whole_dollars
from kalshi_tui.tui.panes.base import Pane
from kalshi_tui.tui.state import FEED_UNANSWERED_MS, silence_of

_MODE_INK = {"PRACTICE": "practice", "DEMO": "demo", "PROD": "prod", "PROD·PAPER": "paper"}
_FULL, _CLOSE, _TIGHT, _NO_DRAWDOWN, _BARE, _NO_CLOCK, _TERSE = range(7)
"""Levels of detail of the left, tried in order until it and the right fit; the last is taken as it is."""
_CLOCK = 9
_LABEL_LEAST = 4
"""Cells of an event's name below which it says nothing."""


class StatusBar(Pane):
    """One line, three answers from left to right, the clock at the end."""

    pane = "status"
    cuts = (-14,)

    def lines(self, width: int, height: int) -> list[Line]:
        view, silent = self.state.view, self.state.silent_for
        mode = view.status.mode if view else self.state.hello.mode
        if silent is not None or view is None:
            return [_frozen(mode, silent, width)]
        watching = self._watching(view.status)
        for detail in range(_TERSE + 1):
            left = _left(view.status, detail, watching)
            right = _right(view, width - _size(left), detail)
            if right is not None:
                break
        assert right is not None  # the last level takes what there is
        row = Row(width)
        for text, ink in left:
            row.then(text, ink)
        x = width - _size(right)
        for text, ink in right:
            row.left(x, text, ink)
            x += len(text)
        return [row.line()]

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
    full = detail <= _CLOSE
    gap = "   " if detail == _FULL else "  " if full else " "
    hand = "ARMED" if status.armed else "safe"
    parts: list[Span] = [
        (f" {status.mode} ", _MODE_INK.get(status.mode, "practice")),
        ("  " if detail == _FULL else "", ""),
    ]
    label = "HAND " if detail < _TERSE else ""
    parts += [(label, "dim"), (hand, "armed" if status.armed else ""), (gap, "")]
    if watching:
        parts += [("WATCHING", "warn"), (gap, "")]
    parts += _latch(status, gap)
    if status.engines_quoting or detail < _NO_CLOCK:
        parts += [("ENGINES " if full else "ENG ", "dim"), (str(status.engines_quoting), "")]
        parts += [(" quoting" if detail == _FULL else "", "dim"), (gap if full else "  ", "")]
    parts += _feed(status, full)
    if detail < (_TERSE if status.gaps else _BARE):
        parts += [
            (" · gaps " if full else " gaps ", "dim"),
            (str(status.gaps), "warn" if status.gaps else ""),
        ]
    parts += [(gap if full else "  ", ""), ("day ", "dim"), (dollars(status.day_pnl), "")]
    parts += _limits(status, detail)
    return [part for part in parts if part[0]]


def _latch(status: StatusView, gap: str) -> list[Span]:
    if not status.latch and not status.unconfirmed:
        return []
    word = status.latch or "STOPPING"
    if status.unconfirmed:
        word += f" · {status.unconfirmed} NOT CONFIRMED"
    return [(f" {word} ", "halt"), (gap, "")]


def _feed(status: StatusView, full: bool) -> list[Span]:
    silence = silence_of(status)
    if silence is not None and status.feed in ("live", "lagging"):
        if silence < FEED_UNANSWERED_MS:
            return [("feed ", "dim"), (f"quiet {age(silence)}", "")]
        return [(f" FEED SILENT {age(silence)} ", "warn")]
    if status.feed == "live":
        text = age(status.lag_ms)
        return [("feed ", "dim"), (text if full else text.replace(" ", ""), "")]
    since = age(status.feed_age_ms)
    if status.feed == "dead":
        return [(f" FEED DEAD {since} ", "halt")]
    if status.feed == "lagging":
        return [(f" FEED LAGGING {age(status.lag_ms)} ", "warn")]
    return [(f" feed {status.feed} ", "warn")]


def _limits(status: StatusView, detail: int) -> list[Span]:
    """The drawdown beside the day, and of the two limits the one that is nearer."""
    if detail >= _NO_DRAWDOWN or status.drawdown is None:
        return []
    if detail > _CLOSE:
        return [(" dd ", "dim"), (signed(status.drawdown, DOLLAR, 0, plus=False), "")]
    drawdown: Span = (dollars(status.drawdown, plus=False), "")
    by_day = -(status.day_pnl or 0) * (status.drawdown_limit or 0) >= status.drawdown * (
        status.day_limit or 0
    )
    if by_day and status.day_limit is not None:
        return [(f" of {whole_dollars(status.day_limit)}", "dim"), (" · dd ", "dim"), drawdown]
    limit = f" of {whole_dollars(status.drawdown_limit)}" if status.drawdown_limit is not None else ""
    return [(" · dd ", "dim"), drawdown, (limit, "dim")]


def _right(view: DeskView, room: int, detail: int) -> list[Span] | None:
    """The next event with its countdown, and the clock, in ``room`` cells; None where the left must give way first.

    The event's name gives way before the left does, the clock after most of it, the countdown last of all.
    """
    now = clock(view.wall)
    long = [(f"  {now} ET ", "dim")]
    short = [(f" {now}", "dim")]
    label, left = view.status.next_event, countdown(view.status.next_event_at, view.wall)
    tried: list[list[Span]] = []
    if label:
        named, counted = _named(label, left)
        tried += [[(f"  {words}", "event"), *long] for words in named]
        if detail > _CLOSE:
            first = label.split()[0]
            tried += [[(f"{gap}{first}{counted}", "event"), *short] for gap in ("  ", " ")]
            cells = room - _CLOCK - len(counted) - 2
            if cells >= min(_LABEL_LEAST, len(label)):
                tried.append([(f"  {fit(label, cells)}{counted}", "event"), *short])
            if detail >= _NO_CLOCK:
                tried += [
                    [(f"  {first}{counted} ", "event")],
                    [(f" {fit(label, _LABEL_LEAST)}{counted}", "event")],
                ]
    else:
        tried += [long, short] if detail > _CLOSE else [long]
    if detail == _TERSE:
        tried.append(short)
    return next((parts for parts in tried if _size(parts) <= room), [] if detail == _TERSE else None)


def _named(label: str, left: str) -> tuple[list[str], str]:
    """An event with its countdown, in fewer and fewer words; and what follows where only the name is cut."""
    first = label.split()[0]
    if left == UNKNOWN:
        return [label, first], ""
    if left == NOW:
        name = label.removesuffix(" closes")
        word = NOW if name == label else "closing"
        return [f"{name} {word}", f"{first} {word}"], f" {word}"
    return [f"{label} in {left}", f"{first} in {left}", f"{first} {left}"], f" {left}"


def _size(parts: list[Span]) -> int:
    return sum(len(text) for text, _ in parts)
