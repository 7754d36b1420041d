"""The ladder: a price axis that stands still, the market moving through it, and the why-line beneath."""

from __future__ import annotations

from itertools import pairwise

from textual import events

from kalshi_tui.protocol.quotes import QuoteSides
from kalshi_tui.protocol.units import Price
from kalshi_tui.protocol.views import LadderView
from kalshi_tui.tui.actions import key_shown
from kalshi_tui.tui.flash import Flash
from kalshi_tui.tui.hints import Hint, hints, offers
from kalshi_tui.tui.ink import Line, Palette, Row, Span, fit, text_line
from kalshi_tui.tui.messages import PricePicked
from kalshi_tui.tui.numbers import (
    MINUS,
    UNKNOWN,
    age,
    contracts,
    fair_cents,
    market_name,
    places_of,
    position,
)
from kalshi_tui.tui.panes.base import Pane
from kalshi_tui.tui.panes.ladder_rows import (
    FairSlot,
    LadderColumns,
    header_line,
    ladder_columns,
    rung_line,
    split,
)
from kalshi_tui.tui.panes.ladder_words import footing, footing_height
from kalshi_tui.tui.state import ScreenState
from kalshi_tui.tui.window import Rung, middle_of, rungs

_FLASH_PAINTS = 3
_OVER = ("closed", "determined", "disputed", "amended", "finalized")
"""States in which a market has no book and wants none: its last numbers are history, not a stale feed."""
_TITLE_ROOM = 7
"""Cells of a frame's top line that are not its title: corners, dashes, the pane's number, blanks."""


class LadderPane(Pane):
    pane = "ladder"
    number = 2
    cuts = (1, 2, 3, 4, 5, 6)

    def __init__(self, state: ScreenState, palette: Palette) -> None:
        super().__init__(state, palette)
        self._flash = Flash(_FLASH_PAINTS)
        self._fair = FairSlot()
        self._last: tuple[str, Price | None, str] = ("", None, "→")
        """Ticker, price and arrow of the last trade: it points where the price came from last."""
        self._drawn: list[Price | None] = []
        self._drawn_as: tuple[str, Price, int] | None = None

    def title(self) -> str:
        ladder = self.state.ladder
        if ladder is None:
            row = self.state.row
            name = market_name(row.event_title, row.label) if row else self.state.selected or "no market"
            return name if self.compact else f"Ladder · {name}"
        name = market_name(ladder.title, ladder.label) if ladder.label not in ladder.title else ladder.title
        held = f" · {position(ladder.position)}" if ladder.position else ""
        window = self.state.window
        group = f" · {window.group} ticks a row" if window is not None and window.group > 1 else ""
        tilts = _tilts(ladder)
        tilt, tilted = "".join(f" · {part}" for part in tilts), " · tilted" if tilts else ""
        # The event's name gives way, then the words; which market and how many are never cut.
        heads = [name, ladder.label]
        if self.state.may_add and not self.focused_pane:
            # The cursor keys belong to another pane, the order keys still to this market.
            heads.insert(0, f"orders → {name}")
        elif not self.compact:
            heads.insert(0, f"Ladder · {name}")
        titles = (
            f"{head} · YES{held}{tail}"
            for head in heads
            for tail in (f"{group}{tilt}", f"{group}{tilted}", tilted)
        )
        room = self.size.width - _TITLE_ROOM
        fitting = (title for title in titles if len(title) <= room)
        return next(fitting, f"{fit(ladder.label, room - len(held))}{held}")

    def hints(self) -> list[Hint]:
        state = self.state
        now = offers(state)
        if now.get("buy", "") is not None:
            return [("size", contracts(state.count)), *hints("ladder", state)]
        # Nothing can be placed now: the size is of no use, what would help is.
        arm = state.keys["arm"] if now["arm"] == "arm" else ()
        return [*((key_shown(key), "arm to trade by hand") for key in arm[:1]), *hints("ladder", state)]

    def slices(self, width: int) -> list[tuple[int, int]]:
        cols = ladder_columns(width)
        edges = [0, *cols.cuts, width]
        return list(pairwise(edges))

    def lines(self, width: int, height: int) -> list[Line]:
        ladder, window = self.state.ladder, self.state.window
        words = footing_height(height)
        rows = max(height - 2 - words, 1)
        if window is not None:
            window.resize(rows, None if ladder is None else middle_of(ladder))
        if ladder is None or window is None:
            self._flash.forget()
            return self._waiting(ladder, width, height)
        context = (ladder.ticker, window.low, window.group)
        if context != self._drawn_as:
            self._flash.forget()
            self._drawn_as = context
        cols = ladder_columns(width)
        drawn = list(reversed(rungs(ladder, window.buckets())))
        slot = self._fair.place(ladder.fair, ladder, drawn)
        body = self._rows(ladder, drawn, cols, width)
        body.insert(slot, self._fair_line(ladder, drawn, slot, cols, width))
        self._drawn = [None, *(rung.low for rung in drawn)]
        self._drawn.insert(slot + 1, None)
        self._flash.painted()
        self.state.drawn = ladder.ticker
        body += [text_line("", width)] * (rows + 1 - len(body))
        banner = self._banner(ladder, width)
        return [header_line(cols, width), *body, *footing(ladder, width, words, banner, self._old)]

    @property
    def _old(self) -> bool:
        ladder = self.state.ladder
        return self.state.silent_for is not None or (ladder is not None and ladder.stale)

    def _rows(self, ladder: LadderView, drawn: list[Rung], cols: LadderColumns, width: int) -> list[Line]:
        most = max((max(rung.bid, rung.ask) for rung in drawn), default=0)
        places = places_of(bound for band in ladder.bands for bound in band)
        self._turn_arrow(ladder)
        lines = []
        for rung in drawn:
            mine = split(ladder.orders, rung)
            mark = self._mark(ladder, rung)
            cursor = rung.holds(self.state.cursor)
            lines.append(rung_line(rung, mine, mark, most, places, cols, width, cursor, self._old, self._ink))
        return lines

    def _ink(self, price: Price, side: str, value: int, ink: str) -> str:
        return self._flash.ink((price, side), value, ink)

    def _turn_arrow(self, ladder: LadderView) -> None:
        ticker, price, arrow = self._last
        if ladder.ticker != ticker:
            self._last = (ladder.ticker, ladder.last, "→")
        elif ladder.last is not None and price is not None and ladder.last != price:
            self._last = (ticker, ladder.last, "↑" if ladder.last > price else "↓")
        else:
            self._last = (ticker, ladder.last, arrow)

    def _mark(self, ladder: LadderView, rung: Rung) -> Span:
        if rung.holds(ladder.last):
            size = "" if ladder.last_count is None else contracts(ladder.last_count, 4)
            return self._last[2] + size, "last"
        if ladder.entry is not None and rung.holds(self._nearest(ladder.entry)):
            return "avg", "dim"
        return "", ""

    def _nearest(self, dollars: float) -> Price | None:
        """The price of the grid nearest to the average entry."""
        window = self.state.window
        if window is None:
            return None
        exact = dollars * 10_000
        below, above = window.grid.floor(exact), window.grid.ceil(exact)
        if below is None or above is None:
            return above if below is None else below
        return below if exact - below <= above - exact else above

    def _fair_line(
        self, ladder: LadderView, drawn: list[Rung], slot: int, cols: LadderColumns, width: int
    ) -> Line:
        ink = "stale" if self._old else "fair"
        text = fair_cents(ladder.fair)
        arrow = ""
        if ladder.fair is not None and drawn:
            exact = ladder.fair * 10_000
            arrow = "▲ " if slot == 0 and exact > drawn[0].high else ""
            arrow = "▼ " if slot == len(drawn) and exact < drawn[-1].low else arrow
        row = Row(width)
        dash_from = cols.price_end - len(text) - 1
        label = f"{arrow}{ladder.fair_name} "
        row.right(max(dash_from - 3, len(label)), label, "dim" if ladder.fair is None else ink)
        row.then("─" * max(dash_from - (width - row.room), 0), "border")
        row.right(cols.price_end, text, ink)
        row.then(" " + "─" * max(width - cols.price_end - 2, 0), "border")
        return row.line()

    def _banner(self, ladder: LadderView, width: int) -> Line:
        """The one line that says why nothing above may be believed; blank in a live market."""
        silent = self.state.silent_for
        if silent is not None:
            return text_line(f" STALE {silent:.0f} s: the desk is silent", width, "halt")
        if ladder.status in _OVER:
            return text_line(f" market {ladder.status}: no more trading here", width, "warn")
        if ladder.stale:
            return text_line(f" STALE {age(self._stale_for(ladder))}: {ladder.book}", width, "halt")
        if ladder.book != "live":
            return text_line(f" NO BOOK: {ladder.book}", width, "warn")
        if ladder.status not in ("active", "open", ""):
            return text_line(f" market {ladder.status}", width, "warn")
        return text_line("", width)

    def _stale_for(self, ladder: LadderView) -> int | None:
        """How old the book is: under a dead feed as old as the bar says the feed is."""
        status = self.state.view.status if self.state.view else None
        return status.feed_age_ms if status is not None and status.feed == "dead" else ladder.change_age_ms

    def _waiting(self, ladder: LadderView | None, width: int, height: int) -> list[Line]:
        self._drawn = []
        if ladder is not None:
            why = "this market's price grid is unknown: it is booked, not quoted"
        else:
            why = "waiting for this market's book" if self.state.selected else "waiting for the desk"
        lines = [text_line("", width)] * (height // 2)
        return [*lines, text_line(fit(f" {UNKNOWN} {why}", width), width, "dim")]

    def on_click(self, event: events.Click) -> None:
        super().on_click(event)
        y = (event.screen_offset - self.region.offset).y - (1 if self.framed else 0)
        price = self._drawn[y] if 0 <= y < len(self._drawn) else None
        if price is not None:
            self.post_message(PricePicked(price))


def _tilts(ladder: LadderView) -> list[str]:
    """The trader's own view in force, so that nobody wonders at the quotes: ``lean +2``, ``0.5× wider``."""
    said = []
    if ladder.lean_levels:
        said.append(f"lean {MINUS if ladder.lean_levels < 0 else '+'}{abs(ladder.lean_levels)}")
    if ladder.widen:
        said.append(f"{ladder.widen:g}× wider")
    if ladder.sides is not QuoteSides.BOTH:
        said.append("reduce only" if ladder.sides is QuoteSides.REDUCE else ladder.sides.value)
    return said
