"""The market list, grouped by event: who quotes what, where it stands, what it made."""

from __future__ import annotations

from typing import NamedTuple

from textual import events

from kalshi_tui.protocol.units import Nanos
from kalshi_tui.protocol.views import MarketRow
from kalshi_tui.tui.flash import Flash
from kalshi_tui.tui.hints import Hint, hints
from kalshi_tui.tui.ink import Line, Palette, Row, fit
from kalshi_tui.tui.messages import MarketPicked
from kalshi_tui.tui.numbers import NOW, cents, countdown, dollars, market_name, places_of, position
from kalshi_tui.tui.panes.base import Pane
from kalshi_tui.tui.state import ScreenState

_DAY = 86_400 * 1_000_000_000
_NAME_LEAST = 7
"""Cells of a market's name with its mark below which one no longer tells it from another: ``▸ >0.3%``."""
_PREFIX_LEAST = 3
"""Letters of an event's name below which it may be any."""
_ALARMS = ("stale", "no book", "lagging", "risk", "held", "paused", "killed")
"""States that want a look; everything else but quoting recedes."""


class Columns(NamedTuple):
    """Right edges of the columns, 0 where a column has no room. ``name`` is the width of the first."""

    name: int
    engine: int
    state: int
    bid: int
    ask: int
    pos: int
    day: int


def columns(width: int, longest: tuple[int, int, int], state: int, least: int) -> Columns:
    """Columns for an inside of ``width`` cells, dropped from the least needed: day, then bid and ask.

    ``longest``: the widest price, position and P&L there is to print; none of them is ever cut. ``least``: cells a
    name keeps before the first column goes; before the state, which says what is wrong, the name itself gives way.
    """
    price, pos, day = (max(few, size) + 2 for few, size in zip((4, 3, 5), longest, strict=True))
    for day_w, price_w in ((day, price), (0, price), (0, 0)):
        name = width - 1 - pos - day_w - 2 * price_w - state - 4
        if name >= least:
            break
    if name < least:
        # Before the name gives way, the blank between state and position does.
        name, pos = name + 1, pos - 1
    # A column's width holds a blank on each side; the one behind it is the next column's too.
    state_w = state if name >= _NAME_LEAST else state - 1 if name + 1 == _NAME_LEAST else 0
    name += state - state_w
    engine_end = name + 4
    state_end = engine_end + state_w
    bid = state_end + price_w if price_w else 0
    ask = bid + price_w if price_w else 0
    pos_end = (ask or state_end) + pos
    return Columns(
        name, engine_end, state_end if state_w else 0, bid, ask, pos_end, pos_end + day_w if day_w else 0
    )


class MarketsPane(Pane):
    pane = "markets"
    number = 1
    cuts = (1, 2)

    def __init__(self, state: ScreenState, palette: Palette) -> None:
        super().__init__(state, palette)
        self._flash = Flash(1)
        self._drawn: list[str] = []
        """The ticker on each drawn line, empty for headings."""

    def title(self) -> str:
        rows = self.state.view.markets if self.state.view else ()
        return f"Markets {len(rows)}" if len(rows) > 0 else "Markets"

    def hints(self) -> list[Hint]:
        return hints("markets", self.state)

    def slices(self, width: int) -> list[tuple[int, int]]:
        cols = self._columns(width)
        left = cols.engine
        live = cols.state or cols.engine
        return [(0, left), (left, live), (live, width)]

    def lines(self, width: int, height: int) -> list[Line]:
        view = self.state.view
        if view is None:
            return []
        cols = self._columns(width)
        headed = _to_head(view.markets, cols.name - 2 if self.compact else 0)
        entries = _entries(view.markets, headed)
        header = [] if self.compact else [_header(cols, width)]
        room = height - len(header)
        first = _scroll(entries, self.state.selected, room)
        shown = _page(entries[first : first + room], headed, self.state.selected)
        lines, self._drawn = list(header), [""] * len(header)
        hidden = len([e for e in entries[first + room :] if isinstance(e, MarketRow)])
        if hidden and shown:
            hidden += isinstance(shown[-1], MarketRow)
            shown = shown[:-1]
        frozen = self.state.silent_for is not None
        for entry in shown:
            if isinstance(entry, MarketRow):
                lines.append(self._market(entry, cols, width, frozen, entry.event_ticker in headed))
                self._drawn.append(entry.ticker)
            else:
                lines.append(Row(width).then(" " + fit(_event(entry, view.wall), width - 2), "dim").line())
                self._drawn.append("")
        if hidden:
            lines.append(Row(width).then(f"   ▼ {hidden} more", "dim").line())
        self._flash.painted()
        return lines

    def _columns(self, width: int) -> Columns:
        rows = self.state.view.markets if self.state.view else ()
        price = max((len(p) for row in rows for p in _prices(row)), default=0)
        pos = max((len(position(row.position)) for row in rows), default=0)
        day = max((len(dollars(row.day_pnl)) for row in rows), default=0)
        state = max((len(row.state) for row in rows), default=0) + 2
        return columns(width, (price, pos, day), min(max(state, 9), 14), 14 if self.compact else 17)

    def _market(self, row: MarketRow, cols: Columns, width: int, frozen: bool, headed: bool) -> Line:
        selected = row.ticker == self.state.selected
        old = frozen or row.book != "live"
        line = Row(width, "cursor" if selected else "")
        mark = "▸" if selected else " "
        room = cols.name - (2 if self.compact else 3)
        name = row.label if not self.compact else _short(row.label, room) if headed else _name(row, room)
        line.left(0, f" {mark} " if not self.compact else f" {mark}", "key" if selected else "")
        line.then(fit(name, room), "stale" if old else "")
        line.right(
            cols.engine, f"{row.engine.upper():<3}" if row.engine and row.engine != "off" else "–  ", "dim"
        )
        if cols.state:
            line.left(cols.engine + 1, fit(row.state, cols.state - cols.engine - 1), self._state_ink(row))
        if cols.bid:
            bid, ask = _prices(row)
            for end, side, text in ((cols.bid, "bid", bid), (cols.ask, "ask", ask)):
                ink = "stale" if old else self._flash.ink((row.ticker, side), text, side)
                line.right(end, text, ink)
        line.right(cols.pos, position(row.position), "dim" if not row.position else "")
        if cols.day:
            line.right(cols.day, dollars(row.day_pnl), "dim" if not row.day_pnl else "")
        return line.line()

    def _state_ink(self, row: MarketRow) -> str:
        if row.state == "quoting":
            return ""
        return "warn" if row.quoting and row.state in _ALARMS else "dim"

    def on_click(self, event: events.Click) -> None:
        super().on_click(event)
        offset = event.screen_offset - self.region.offset
        y = offset.y - (1 if self.framed else 0)
        if 0 <= y < len(self._drawn) and self._drawn[y]:
            self.post_message(MarketPicked(self._drawn[y]))


class _Event(NamedTuple):
    title: str
    close: Nanos | None


def _to_head(rows: tuple[MarketRow, ...], width: int) -> set[str]:
    """Events whose name needs a line of its own: a market's name in ``width`` cells does not hold it, or reads like
    one of another event. In no cells that is every event."""
    headed: set[str] = set()
    whose: dict[str, str] = {}
    for row in rows:
        name = _name(row, width)
        if len(name) > width:
            headed.add(row.event_ticker)
        elif whose.setdefault(name, row.event_ticker) != row.event_ticker:
            headed |= {row.event_ticker, whose[name]}
    return headed


def _entries(rows: tuple[MarketRow, ...], headed: set[str]) -> list[MarketRow | _Event]:
    """The rows in the desk's order, an event's name before its first market where it is ``headed``."""
    entries: list[MarketRow | _Event] = []
    event = None
    for row in rows:
        if row.event_ticker in headed and row.event_ticker != event:
            entries.append(_Event(row.event_title or row.event_ticker, row.close))
        event = row.event_ticker
        entries.append(row)
    return entries


def _event(event: _Event, wall: Nanos) -> str:
    if event.close is None or event.close - wall > _DAY:
        return event.title
    left = countdown(event.close, wall)
    when = f"closes in {left}" if left != NOW else "closing" if event.close > wall else "closed"
    return f"{event.title} — {when}"


def _scroll(entries: list[MarketRow | _Event], selected: str, room: int) -> int:
    """The first entry shown so that the selected one is in sight, its event's name above it where possible."""
    at = next((i for i, e in enumerate(entries) if isinstance(e, MarketRow) and e.ticker == selected), 0)
    if at < room - 1 or room <= 2:
        return 0 if room > 2 else at
    # Whole pages, so that the list does not creep with every step.
    page = max(room - 3, 1)
    first = (at // page) * page
    return min(first, max(len(entries) - room, 0))


def _header(cols: Columns, width: int) -> Line:
    row = Row(width).left(0, " event · market", "dim").right(cols.engine, "eng", "dim")
    if cols.state:
        row.left(cols.engine + 1, "state", "dim")
    if cols.bid:
        row.right(cols.bid, "bid", "dim").right(cols.ask, "ask", "dim")
    row.right(cols.pos, "pos", "dim")
    if cols.day:
        row.right(cols.day, "day", "dim")
    return row.line()


def _page(shown: list[MarketRow | _Event], headed: set[str], selected: str) -> list[MarketRow | _Event]:
    """A page that begins inside a headed event begins with its name: a market alone does not say whose it is."""
    top = shown[0] if shown else None
    if not isinstance(top, MarketRow) or top.event_ticker not in headed or len(shown) < 3:
        return shown
    heading = _Event(top.event_title or top.event_ticker, top.close)
    if top.ticker == selected:
        return [heading, *shown[:-1]]
    follows = shown[1]
    same = isinstance(follows, MarketRow) and follows.event_ticker == top.event_ticker
    return [heading, *shown[1:]] if same else shown[1:]


def _name(row: MarketRow, width: int) -> str:
    """A market's name where there are no headings: as much of its event's in front as there is room for."""
    if not row.event_title:
        return row.label
    words = row.event_title.split()
    short = _short(row.label, width)
    for label in (row.label, short):
        for kept in range(len(words), 0, -1):
            name = market_name(" ".join(words[:kept]), label)
            if len(name) <= width:
                return name
    prefix = words[0][: max(width - len(short) - 1, _PREFIX_LEAST)]
    return f"{prefix} {short}"


def _short(label: str, width: int) -> str:
    """``above 0.3%`` -> ``>0.3%``: the same market in fewer cells; where those are few, also without commas."""
    short = _signed(label.removesuffix(".00"))
    return short if len(short) <= width else short.replace(",", "")


def _signed(label: str) -> str:
    for word, sign in (
        ("above ", ">"),
        ("below ", "<"),
        ("at least ", "≥"),
        ("at most ", "≤"),
        ("exactly ", "="),
    ):
        if label.lower().startswith(word):
            return sign + label[len(word) :]
    for words, sign in ((" or lower", "≤"), (" or less", "≤"), (" or higher", "≥"), (" or more", "≥")):
        if label.lower().endswith(words):
            return sign + label[: -len(words)]
    return label.replace("≥ ", "≥").replace("≤ ", "≤")


def _prices(row: MarketRow) -> tuple[str, str]:
    """Bid and ask with as many decimals as the finer of the two needs."""
    places = places_of(p for p in (row.bid, row.ask) if p is not None)
    return cents(row.bid, places), cents(row.ask, places)
