"""What screens and lists show: immutable, complete, and true at ``wall``.

Numbers travel in the units of ``units``; None means unknown and is drawn as a dash, never as 0.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from kalshi_tui.protocol.commands import Ack
from kalshi_tui.protocol.orders import Owner
from kalshi_tui.protocol.quotes import QuoteSides
from kalshi_tui.protocol.relations import MarketRules
from kalshi_tui.protocol.units import Count, Money, Nanos, Price, Side


class StatusView(Struct, frozen=True):
    """The status bar: is it real, who may trade, is it true, how much can I lose."""

    venue: str
    """practice, demo or prod."""
    execution: str
    """venue, paper or none."""
    mode: str
    """One word for the corner: PRACTICE, DEMO, PROD, PROD·PAPER, REPLAY..."""
    armed: bool
    engines_quoting: int
    feed: str
    """live, connecting, lagging or dead."""
    feed_age_ms: int | None
    """Since the last inbound byte of the connection."""
    lag_ms: int | None
    """Median age of recent frames (receive minus exchange stamp), None before any."""
    gaps: int
    day_pnl: Money | None
    drawdown: Money | None
    """From the day's high; never less than the day's loss."""
    drawdown_limit: Money | None
    balance: Money | None
    """The venue's last word, brought up to our own fills since."""
    latch: str
    """Empty, or the strongest stop in force: HOLD, PULLED, FLATTENING, KILLED, REDUCE ONLY."""
    latch_why: str
    unconfirmed: int
    """Orders a stop wants gone that the venue has not confirmed gone."""
    write_tokens: int
    write_capacity: int
    pull_cost: int
    next_event: str
    """Label of the next scheduled event or close, empty if none."""
    next_event_at: Nanos | None
    sessions: int
    controller: int | None
    """The session in control, None when detached."""
    restrictions: tuple[str, ...] = ()
    """Account-wide facts that stop trading (exchange paused, reconciling at boot, ...)."""
    stops: tuple[str, ...] = ()
    """Stops in force on less than everything: ``hold on market T: why``."""
    day_limit: Money | None = None
    """What a day may lose."""
    realized: Money = 0
    """Closed P&L since the desk began, before fees."""
    unrealized: Money | None = None
    """Open P&L at the marks, before fees; None while a position has no mark or no cost."""
    fees: Money = 0


class Holding(Struct, frozen=True):
    """An open position in money."""

    cost: Money | None
    """Paid for what is open, before fees (negative when short); None where nobody knows."""
    mark: Price | None
    unrealized: Money | None
    realized: Money
    fees: Money


class MarketRow(Struct, frozen=True):
    """One line of the market list."""

    ticker: str
    event_ticker: str
    event_title: str
    label: str
    engine: str
    """m0 to m3; m3s while a statistical pair moves M3's quotes."""
    state: str
    """quoting, off, no book, stale, held, paused, closed, settled, risk, no quote..."""
    quoting: bool
    """Whether the trader has quoting switched on (it may still be unable to)."""
    bid: Price | None
    ask: Price | None
    position: Count
    day_pnl: Money | None
    close: Nanos | None
    book: str
    """live, or why not: waiting, gap, crossed, feed dead..."""
    why: str
    holding: Holding | None = None
    """None when flat."""
    flatten: str = ""
    """What the flatten that runs here is doing; empty where none runs."""
    residue: str = ""
    """What the last flatten left here and why; empty where it left nothing."""


class LadderRow(Struct, frozen=True):
    price: Price
    bid: Count
    ask: Count
    edge: Money | None
    """What a resting order here earns against fair after the maker fee, per contract."""
    out: Money | None
    """What closing the whole position here earns since entry, after all fees; None when flat."""


class OwnOrder(Struct, frozen=True):
    order_id: str
    client_order_id: str
    ticker: str
    side: Side
    price: Price
    remaining: Count
    filled: Count
    owner: Owner
    engine: str
    state: str
    ahead: Count | None
    """Contracts ahead in the queue, None when unknown."""
    level: Count | None
    """Contracts resting at its price, ours included."""
    expiration: Nanos | None
    age_ms: int


class LadderView(Struct, frozen=True):
    """The market this screen looks at."""

    ticker: str
    event_ticker: str
    title: str
    label: str
    rows: tuple[LadderRow, ...]
    """Every valid price of the window, ascending, empty levels included."""
    bands: tuple[tuple[Price, Price, Price], ...]
    best_bid: Price | None
    best_ask: Price | None
    fair: float | None
    """The engine's fair value, or what ``fair_name`` says."""
    last: Price | None
    last_count: Count | None
    position: Count
    entry: float | None
    """Average entry price in dollars, None when flat."""
    orders: tuple[OwnOrder, ...]
    book: str
    """live, or in words why it is not."""
    change_age_ms: int | None
    """Since this market's book last changed: quiet is not stale."""
    stale: bool
    why: str
    """The why-line."""
    queue: str
    """One line on own orders: size, price, contracts ahead."""
    settles_yes: Money | None
    settles_no: Money | None
    out_now: Money | None
    status: str
    close: Nanos | None
    fair_name: str = "fair"
    """``mark`` while no engine is asked: then it is what the day's P&L counts the position at."""
    lean_levels: int = 0
    """The trader's own tilt in force: fair moved by this many levels,"""
    widen: float = 0.0
    """each side moved away by this share of the half-spread,"""
    sides: QuoteSides = QuoteSides.BOTH
    """and what the engine may quote."""
    hand_most: Count | None = None
    """The largest order by hand that is let through here now,"""
    hand_why: str = ""
    """and what makes it smaller than elsewhere, empty where nothing does."""


class FeatureLine(Struct, frozen=True):
    name: str
    value: str
    history: tuple[float, ...]
    """One point a second, oldest first."""
    low: float | None = None
    """Scale of the sparkline; None lets the screen fit it."""
    high: float | None = None


class Gauge(Struct, frozen=True):
    """Inventory and limits. ``used`` now, ``worst`` if every resting order that would hurt fills."""

    name: str
    used: int
    worst: int
    cap: int
    text: str
    level: str = ""
    """Empty, warn or halt."""


class SettleRow(Struct, frozen=True):
    label: str
    fair: float | None
    now: Money
    if_hit: Money


class LogLine(Struct, frozen=True):
    """Orders, fills and alerts, newest first. ``alert`` is 0 for lines that need no acknowledgement."""

    wall: Nanos
    kind: str
    """order, fill, info, warn, halt."""
    text: str
    ticker: str = ""
    alert: int = 0
    seen: bool = True
    over: Nanos | None = None
    """When what it warns of ended; None while it lasts, and for what only happened."""


class DeskView(Struct, frozen=True, tag="view"):
    wall: Nanos
    version: int
    """Grows by one with every view of this desk."""
    status: StatusView
    markets: tuple[MarketRow, ...]
    ladder: LadderView | None
    features: tuple[FeatureLine, ...]
    gauges: tuple[Gauge, ...]
    settlement_title: str
    settlement: tuple[SettleRow, ...]
    log: tuple[LogLine, ...]
    orders: tuple[OwnOrder, ...] = ()
    """All own open orders; filled only for the lists, empty on a screen's ten a second."""
    counters: dict[str, int] = {}


class MarketCard(Struct, frozen=True, tag="card"):
    """The contract in its own words."""

    ticker: str
    title: str
    lines: tuple[tuple[str, str], ...]
    """(name, text): rules, settlement source, fee, tick bands, close..."""
    rules: MarketRules | None = None
    """For whoever compares it with markets of other events."""


class EngineParams(Struct, frozen=True, tag="params"):
    """A market's engine as it is set: (name, value) of each parameter."""

    ticker: str
    engine: str
    values: tuple[tuple[str, str], ...]


class Hello(Struct, frozen=True, tag="hello"):
    """First message of the desk to whoever attaches."""

    version: str
    venue: str
    execution: str
    mode: str
    pid: int
    session: int
    in_control: bool


class Goodbye(Struct, frozen=True, tag="goodbye"):
    """Last message of the desk."""

    reason: str
    exit_code: int


FromDesk: TypeAlias = Hello | DeskView | MarketCard | EngineParams | Ack | Goodbye
