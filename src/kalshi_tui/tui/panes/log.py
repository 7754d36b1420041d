"""Orders, fills, alerts, and what the desk answered to this screen's keys. Alarms stay until acknowledged."""

from __future__ import annotations

from kalshi_tui.protocol.views import DeskView, LogLine
from kalshi_tui.tui.actions import key_shown
from kalshi_tui.tui.ink import Line, Palette, Row, fit, wrap
from kalshi_tui.tui.intent import next_alert
from kalshi_tui.tui.numbers import clock
from kalshi_tui.tui.panes.base import Pane
from kalshi_tui.tui.state import ScreenState

_WORDS = {"warn": "WARN", "halt": "HALT", "refused": "REFUSED"}
_NAME = 28
"""Cells of a market's name on a wide screen."""
_ANSWER_LINES = 2
"""Lines of a sentence that is too long for one, where there is room."""
_WAY_OUT = {
    "KILLED": "`clear` in the palette opens the gate",
    "REDUCE ONLY": "`clear` in the palette opens the gate wholly",
    "HOLD": "`clear` in the palette lifts it",
    "PULLED": "quoting on in a market ends it there, `clear` everywhere",
}
"""What a person does to end a stop; it stands before the reason, since a small screen cuts the end."""
_INKS = {"warn": "warn", "halt": "halt", "refused": "warn", "fill": "own"}


class LogPane(Pane):
    pane = "log"
    number = 6

    def __init__(self, state: ScreenState, palette: Palette) -> None:
        super().__init__(state, palette)
        self._scrolled = 0

    def title(self) -> str:
        return "Orders · fills · alerts"

    def scroll_log(self, step: int) -> None:
        """Older (+) or newer (-) lines."""
        self._scrolled = max(0, self._scrolled + step)
        self.paint()

    def lines(self, width: int, height: int) -> list[Line]:
        view = self.state.view
        if view is None:
            return [self._lines_of(line, "", width)[0] for line in self.state.local[:height]]
        pinned, rest = arranged(view, self.state.local)
        names = self.state.names
        keep = 1 if height > 1 else 0
        """The newest line stays in sight under any number of alarms."""
        lines: list[Line] = []
        spare = height - keep - len(pinned)
        for line in pinned[: height - keep]:
            drawn = self._pinned(line, names, width, view, 1 + max(spare, 0))
            spare -= len(drawn) - 1
            lines += drawn
        self._scrolled = min(self._scrolled, max(len(rest) - 1, 0))
        for line in rest[self._scrolled :]:
            if len(lines) >= height:
                break
            # What was just answered may be a sentence with what to do at its end.
            answer = line is rest[0] and any(line is said for said in self.state.local)
            most = min(_ANSWER_LINES, height - len(lines)) if answer else 1
            lines += self._lines_of(line, names.get(line.ticker, ""), width, most=most)
        return lines[:height]

    def _pinned(
        self, line: LogLine, names: dict[str, str], width: int, view: DeskView, most: int
    ) -> list[Line]:
        keys = self.state.keys["acknowledge"]
        hint = ""
        if line is next_alert(view.log) and keys:
            hint = f"{key_shown(keys[0])}: seen" if width >= 100 else key_shown(keys[0])
        return self._lines_of(line, names.get(line.ticker, ""), width, hint, min(most, _ANSWER_LINES))

    def _lines_of(self, line: LogLine, name: str, width: int, hint: str = "", most: int = 1) -> list[Line]:
        """The line; in up to ``most`` of them where it is too long for one."""
        ink = _INKS.get(line.kind, "")
        word = _WORDS.get(line.kind, line.kind)
        # An alarm that was seen, or is over, is history: it keeps its word and loses its colour.
        history = bool(line.alert) and (line.seen or line.over is not None)
        alarm = "dim" if history else ink
        # The market has its own column: its ticker in front of the text would say it twice.
        said = line.text.removeprefix(line.ticker).lstrip(": ") if name and line.ticker else line.text
        if line.over is not None:
            said = f"over {clock(line.over)} · {said}"
        row = Row(width)
        if width >= 100:
            row.left(1, clock(line.wall) if line.wall else "", "dim").left(11, f"{word:<7}", alarm)
            if name:
                row.left(19, fit(name, _NAME), "dim")
            at = 19 + _NAME + 2 if name else 19
        else:
            row.left(1, word if line.alert or line.kind == "refused" else clock(line.wall), alarm or "dim")
            at = 1 + len(word if line.alert or line.kind == "refused" else clock(line.wall)) + 1
            name = name if name and name not in said else ""
            if name:
                row.left(at, fit(f"{name}:" if line.alert else name, 24), "dim" if not line.alert else "")
                at += len(fit(f"{name}:" if line.alert else name, 24)) + 1
        text = wrap(said, max(width - at - len(hint) - 3, 10), most)
        loud = line.kind in ("halt", "refused") and not line.seen and not history
        row.left(at, text[0] if text else "", ink if loud else "dim" if line.over is not None else "")
        if hint:
            row.right(width - 2, hint, "key")
        return [row.line(), *(Row(width).left(at, part).line() for part in text[1:])]


def arranged(view: DeskView, local: list[LogLine]) -> tuple[list[LogLine], list[LogLine]]:
    """(what stays on top, the rest newest first): latches and restrictions, then unseen alerts."""
    status = view.status
    pinned = []
    if status.latch:
        said = "; ".join(part for part in (_WAY_OUT.get(status.latch, ""), status.latch_why) if part)
        text = f"{status.latch}: {said}" if said else status.latch
        pinned.append(LogLine(wall=0, kind="halt", text=text, alert=-1, seen=False))
    pinned += [LogLine(wall=0, kind="warn", text=text, alert=-1, seen=False) for text in status.restrictions]
    first = next_alert(view.log)
    if first is not None:
        pinned.append(first)
        others = [line for line in view.log if line.alert and not line.seen and line is not first]
        pinned += sorted(others, key=lambda line: line.over is not None)
    kept = {id(line) for line in pinned}
    rest = local + [line for line in view.log if id(line) not in kept]
    rest.sort(key=lambda line: line.wall, reverse=True)
    return pinned, rest
