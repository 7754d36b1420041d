"""What the screen itself remembers: which market, where the cursor is, what it last heard and when."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CONTRACT, Count, Price
from kalshi_tui.protocol.views import DeskView, Hello, LadderView, LogLine, MarketRow, StatusView
from kalshi_tui.tui.arrange import DEFAULT_LAYOUT
from kalshi_tui.tui.numbers import market_name
from kalshi_tui.tui.window import Window, middle_of

SILENT_AFTER = 1.5
"""Seconds without a view after which nothing on the screen may pass for live."""
SIZES = (1, 2, 3, 4, 5, 10, 15, 20, 25, 50, 75, 100, 150, 200, 250, 500, 1000)
"""Contracts of an order by hand, stepped through by + and -."""
FEED_SILENT_MS = 1_000
"""Milliseconds without a byte of the feed from which the screen shows the silence: the latency of frames stands still
then, and looks like the best there is."""
FEED_UNANSWERED_MS = 3_000
"""From here on it is an alarm: after two silent seconds the exchange is asked for a sign, and a feed that is merely
quiet gives one at once."""
_LOCAL_LINES = 50
_CURSOR_HOLD = 10.0
"""Seconds after a cursor key in which the ladder does not jump while the market is still in the window."""


def silence_of(status: StatusView) -> int | None:
    """How long the feed has said nothing, in milliseconds; None while it talks, or never did."""
    quiet = status.feed_age_ms
    return quiet if quiet is not None and quiet >= FEED_SILENT_MS else None


class ScreenState:
    """One per screen. ``clock`` is monotonic seconds; nothing in here draws."""

    def __init__(self, hello: Hello, clock: Callable[[], float], keys: dict[str, tuple[str, ...]]) -> None:
        self.hello = hello
        self.clock = clock
        self.keys = keys
        """Action id -> keys, the user's keymap applied."""
        self.view: DeskView | None = None
        self.viewed_at = clock()
        self.selected = ""
        self.selected_at = float("-inf")
        """When a key or a click last changed the market."""
        self.drawn = ""
        """The market whose ladder was last drawn; an order goes nowhere else."""
        self.cursor: Price | None = None
        self.cursor_at = float("-inf")
        self.size_at = SIZES.index(10)
        self.window: Window | None = None
        self.names: dict[str, str] = {}
        """Of every market that was ever listed here: the log speaks of some that are gone."""
        self.local: list[LogLine] = []
        """What was answered to this screen's keys, newest first."""
        self.layout = DEFAULT_LAYOUT
        self.zoom = ""
        self.shown: frozenset[str] = frozenset()
        """Panes on the screen right now."""

    @property
    def count(self) -> Count:
        """The size of orders by hand."""
        return SIZES[self.size_at] * CONTRACT

    @property
    def silent_for(self) -> float | None:
        """Seconds since the desk's last view once that is too long, else None."""
        quiet = self.clock() - self.viewed_at
        return quiet if quiet > SILENT_AFTER else None

    @property
    def feed_silence(self) -> int | None:
        """Milliseconds since the feed's last byte once that is too long, else None."""
        status = self.view.status if self.view else None
        return None if status is None else silence_of(status)

    @property
    def ladder(self) -> LadderView | None:
        """The ladder of the selected market; None while the desk still shows another or none."""
        view = self.view.ladder if self.view else None
        return view if view is not None and view.ticker == self.selected else None

    @property
    def standing(self) -> tuple[object, ...]:
        """What more than one pane speaks of, and what a key has just changed: hand, stops, quoting, and positions of
        the selected event (those of others stand in the list alone)."""
        if self.view is None:
            return ()
        status, markets = self.view.status, self.view.markets
        event = None if self.row is None else self.row.event_ticker
        here = tuple(row.position for row in markets if row.event_ticker == event)
        set_by_hand = tuple((row.quoting, row.engine) for row in markets)
        return status.armed, status.controller, status.latch, status.feed, set_by_hand, here

    @property
    def in_control(self) -> bool:
        """Whether this screen may arm the hand; until the desk says otherwise, yes."""
        return self.view is None or self.view.status.controller in (None, self.hello.session)

    @property
    def may_add(self) -> bool:
        """Whether a key that adds risk would be heard: this screen's hand is armed."""
        return self.in_control and self.view is not None and self.view.status.armed

    @property
    def row(self) -> MarketRow | None:
        """The selected market's line in the list."""
        rows = self.view.markets if self.view else ()
        return next((row for row in rows if row.ticker == self.selected), None)

    def receive(self, view: DeskView) -> None:
        """A new view: the window follows the market, the cursor finds its first place."""
        self.view = view
        self.viewed_at = self.clock()
        for row in view.markets:
            if row.ticker not in self.names:
                self.names[row.ticker] = market_name(row.event_title, row.label)
        if not self.selected and view.markets:
            self.selected = view.ladder.ticker if view.ladder else view.markets[0].ticker
        ladder = self.ladder
        if ladder is None or not ladder.bands:
            return
        if self.window is None or self.window.grid.bands != tuple(sorted(ladder.bands)):
            self._new_window(ladder)
        assert self.window is not None
        middle = middle_of(ladder)
        self.window.follow(middle, held=self.clock() - self.cursor_at < _CURSOR_HOLD)
        if self.cursor is None and middle is not None:
            self.cursor = self.window.grid.floor(middle) or self.window.grid.prices[0]

    def select(self, ticker: str) -> bool:
        """Look at another market; False when it is the same."""
        if ticker == self.selected:
            return False
        self.selected, self.cursor, self.cursor_at = ticker, None, float("-inf")
        self.selected_at, self.drawn = self.clock(), ""
        self.window = None
        return True

    def _new_window(self, ladder: LadderView) -> None:
        rows = self.window.rows if self.window else 0
        self.window = Window(TickGrid.of(ladder.bands))
        if rows:
            self.window.resize(rows, middle_of(ladder))

    def neighbour(self, step: int) -> str:
        """The ticker ``step`` markets further down the list, round the end."""
        rows = self.view.markets if self.view else ()
        if not rows:
            return self.selected
        at = next((i for i, row in enumerate(rows) if row.ticker == self.selected), 0 if step < 0 else -1)
        return rows[(at + step) % len(rows)].ticker

    def move_cursor(self, step: int) -> None:
        """The cursor ``step`` rows up (a row is one price, or a group of ticks)."""
        window = self.window
        if window is None or self.cursor is None:
            return
        if not self.cursor_visible:
            self.recentre()
            return
        at = window.grid.index(self.cursor) + step * window.group
        self.put_cursor(window.grid.prices[max(0, min(at, window.grid.size - 1))])

    @property
    def cursor_visible(self) -> bool:
        """False after the ladder jumped away from the cursor: an order may not go where nobody looks."""
        window = self.window
        return window is not None and self.cursor is not None and window.low <= self.cursor <= window.high

    def put_cursor(self, price: Price) -> None:
        """The cursor on a price of the grid, brought into the window."""
        if self.window is not None and self.window.grid.is_valid(price):
            self.cursor, self.cursor_at = price, self.clock()
            self.window.reveal(price)

    def recentre(self) -> None:
        """Jump to the market, cursor too, and let the ladder follow it again."""
        middle = middle_of(self.ladder) if self.ladder else None
        if self.window is not None:
            self.cursor_at = float("-inf")
            self.window.centre(middle)
            self.cursor = None if middle is None else self.window.grid.floor(middle)

    @property
    def may_grow(self) -> bool:
        """Whether the desk would take the next larger size in this market."""
        most = self.ladder.hand_most if self.ladder is not None else None
        larger = SIZES[min(self.size_at + 1, len(SIZES) - 1)] * CONTRACT
        return most is None or larger <= most

    def step_size(self, step: int) -> None:
        self.size_at = max(0, min(self.size_at + step, len(SIZES) - 1))

    def say(self, text: str, kind: str = "info") -> None:
        """A line of this screen's own in the log; ``kind`` as in ``LogLine``, or ``refused``."""
        wall = self.view.wall if self.view else 0
        line = LogLine(wall=wall, kind=kind, text=safe_text(text, 300), ticker="")
        previous = self.local[0] if self.local else None
        if previous is not None and replace(previous, wall=wall) == line:
            self.local[0] = line
        else:
            self.local.insert(0, line)
            del self.local[_LOCAL_LINES:]
