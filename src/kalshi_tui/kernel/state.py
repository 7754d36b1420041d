"""Everything the kernel holds: one ``DeskState``, one ``MarketState`` a market. Changed by this room alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from kalshi_tui.execution.budget import WriteBudget
from kalshi_tui.execution.flatten import Flatten
from kalshi_tui.execution.gate import Gate
from kalshi_tui.execution.orders import OrderRegistry
from kalshi_tui.execution.target import SideClock
from kalshi_tui.features.market import MarketFeatures
from kalshi_tui.features.snapshot import FeatureSnapshot
from kalshi_tui.kernel.alerts import AlertLog
from kalshi_tui.kernel.relations_state import EventRelations, Link
from kalshi_tui.kernel.sampling_state import EventMoves, PairRun, begin
from kalshi_tui.kernel.settings import KernelSettings
from kalshi_tui.orderbook.book import Book
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.portfolio.attribution import Sources
from kalshi_tui.portfolio.positions import Ledger
from kalshi_tui.pricing.regime import MarketRegime
from kalshi_tui.pricing.snapshot import PairLean, QuoteParams
from kalshi_tui.protocol.calendar import ScheduledPrint
from kalshi_tui.protocol.effects import Effect, Journal
from kalshi_tui.protocol.events import FillsRead
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.market import Event, Market, Series
from kalshi_tui.protocol.quotes import Quote, QuoteIntent, QuoteSides, Regime, Wording
from kalshi_tui.protocol.units import Count, Money, Nanos, Price, Side
from kalshi_tui.risk.base import MarketExposure, RiskState
from kalshi_tui.risk.chain import RiskChain
from kalshi_tui.risk.r3 import Measure

BOOT_READS = ("orders", "fills", "positions", "balance")
"""Nothing may be sent before each of these was read completely."""

Own: TypeAlias = dict[tuple[Side, Price], Count]
"""Our own quantity by place in the book."""
Touch: TypeAlias = tuple[Book, Own | None, tuple[int, Count, int, Count]]
"""Book, what of it is ours, and what it shows at its touch (``Book.touch``)."""


@dataclass(slots=True)
class Review:
    """A quote that risk let through whole, and what that rests on."""

    quote: Quote
    basis: tuple[object, ...]
    mark: Price | None
    """The market's mark then; None where no mark could have changed the answer."""

    def covers(self, side: Side, quote: Quote) -> bool:
        """Whether the other quote can lose no more, at no larger size."""
        if quote.count > self.quote.count:
            return False
        return quote.price <= self.quote.price if side is Side.BID else quote.price >= self.quote.price


@dataclass(slots=True)
class MarketState:
    """One market the desk follows."""

    facts: Market
    features: MarketFeatures
    risk: MarketExposure
    watcher: MarketRegime
    engine: str
    quoting: bool = False
    """Whether a person wants it quoted; what it does is ``word``."""
    paused_sides: dict[Side, str] = field(default_factory=dict)
    """Sides an engine may not use, and why (its order was cancelled by hand)."""
    intent: QuoteIntent | None = None
    """The engine's last proposal, before risk."""
    bid: Quote | None = None
    """What risk left of it."""
    ask: Quote | None = None
    word: str = "off"
    """One word for the list: quoting, off, no book, stale, held, paused, closed, settled, no quote."""
    told: str | Wording = "quoting is off"
    """Why, perhaps not in words yet."""
    said: str = ""
    """The word as last reported in the JSON stream."""
    said_quote: tuple[Quote | None, Quote | None] = (None, None)
    clocks: dict[Side, SideClock] = field(default_factory=lambda: {s: SideClock() for s in Side})
    flatten: Flatten | None = None
    residue: str = ""
    """What the last flatten left here and why; empty where it left nothing."""
    prints: tuple[ScheduledPrint, ...] = ()
    """The calendar's entries that concern it, in time order."""
    regime: Regime = Regime.ACTIVE
    calm_since: Nanos | None = None
    """Monotonic time since when the regime has been calm."""
    params: dict[str, QuoteParams] = field(default_factory=dict)
    """Engine name -> the trader's own parameters here; the desk's where none are set."""
    lean_levels: int = 0
    """The trader's own shift of fair, in levels."""
    widen: float = 0.0
    """The trader's own widening, a share of the half-spread."""
    sides: QuoteSides = QuoteSides.BOTH
    """The trader's own restriction."""
    last_price: Price | None = None
    last_count: Count | None = None
    entry_fees: Money = 0
    """Fees the open lots have paid: average cost applied to fees."""
    rejections: deque[Nanos] = field(default_factory=lambda: deque(maxlen=8))
    """Monotonic times of refused creates: a loop of them pauses the market."""
    refused: dict[Side, str] = field(default_factory=dict)
    """Code of the standing refusal of a side: counted once while it lasts."""
    held_back: set[str] = field(default_factory=set)
    """Codes that have held its orders back since one last left."""
    snapshot: FeatureSnapshot | None = None
    """Features at the last decision on a valid book."""
    rests: bool = False
    """The last decision left nothing undone that the next public frame could let it do."""
    reads_sizes: bool = True
    """Whether its engine's fair value follows the sizes at the touch, as of the last proposal."""
    reviewed_mark: Price | None = None
    """The mark its quotes were last reviewed by."""
    asked: tuple[object, ...] | None = None
    """What its last proposal was made from; None: ask the engine again in any case."""
    reviews: dict[Side, Review] = field(default_factory=dict)
    """The last quote of each side that risk let through whole."""
    own: Own | None = None
    """Our own quantity in its book, until one of its orders changes."""
    touch: Touch | None = None
    """The touch its features were last told of, as the book itself shows it; None where an order of ours stands
    alone before it, for then the book's own touch tells nothing of what changed behind."""
    history: dict[str, deque[float]] = field(default_factory=dict)

    @property
    def ticker(self) -> str:
        return self.facts.ticker

    @property
    def why(self) -> str:
        """One true sentence on what is quoted or why not."""
        if not isinstance(self.told, str):
            self.told = self.told.text()
        return self.told


@dataclass(slots=True)
class Counters:
    """What the summary counts beside the book feed's own counters."""

    decisions: int = 0
    orders_sent: int = 0
    fills: int = 0
    volume: Count = 0
    refusals: dict[str, int] = field(default_factory=dict)

    def refuse(self, code: str) -> None:
        self.refusals[code] = self.refusals.get(code, 0) + 1


@dataclass(slots=True)
class Hand:
    """What this person may add. Starts safe, falls back to safe."""

    armed: bool = False
    last_key: Nanos | None = None
    sessions: int = 0
    controller: int | None = None
    detached_since: Nanos | None = None


@dataclass(slots=True)
class Recovery:
    """What has been read at boot, and how the last comparisons ended."""

    missing: list[str] = field(default_factory=lambda: list(BOOT_READS))
    asked: Instant | None = None
    next_check: Nanos = 0
    looked_up: Nanos = 0
    lost: bool = False
    """The fate of an order can only be told by the venue's records."""
    held_balance: Money | None = None
    """A balance that came before the positions it belongs with."""
    base_balance: Money | None = None
    """Balance less what the ledger's cash flow explained when it was read."""
    differences: dict[str, int] = field(default_factory=dict)
    """Kind -> number of differences at the last comparison of that kind."""
    compared: dict[str, Instant] = field(default_factory=dict)
    """Kind -> when the read that was last compared was asked."""
    proven: Nanos = 0
    """Venue time before which the last complete read of fills shows every trade booked; positions must agree."""
    settled: Nanos = 0
    """Venue time of the newest settlement read."""
    paused_at: Nanos = 0
    """Monotonic time when a paused exchange was last asked whether it resumed."""
    forgot: Nanos = 0
    """Monotonic time when orders that are over were last forgotten."""
    away_fills: FillsRead | None = None
    """The last complete read of fills that reaches back to the account before the restart."""
    away_settled: dict[str, Money] = field(default_factory=dict)
    """Ticker -> what a YES contract paid, as read while that account waits to be explained."""
    away_since: Nanos | None = None
    """Monotonic time since when it could have been explained."""
    away_asked: Nanos = 0
    """Monotonic time when the venue was last asked again for its sake."""
    away_open: str = ""
    """The market whose position could not be explained."""

    @property
    def unreconciled(self) -> int:
        return sum(self.differences.values())


@dataclass(slots=True)
class Ending:
    """The desk is on its way out: pull, verify, reconcile, end."""

    reason: str
    exit_code: int
    since: Instant
    asked: Instant | None = None
    """When the last reads were asked, after everything was gone."""
    done: bool = False


@dataclass(slots=True)
class DeskState:
    settings: KernelSettings
    now: Instant
    feed: BookFeed
    saved_day: Mapping[str, object] | None = None
    """R1's memory of before the restart."""
    prints: tuple[ScheduledPrint, ...] = ()
    """The calendar: releases at known times."""
    gate: Gate = field(default_factory=Gate)
    budget: WriteBudget = field(default_factory=WriteBudget)
    orders: OrderRegistry = field(default_factory=OrderRegistry)
    ledger: Ledger = field(default_factory=Ledger)
    alerts: AlertLog = field(init=False)
    counters: Counters = field(default_factory=Counters)
    hand: Hand = field(default_factory=Hand)
    markets: dict[str, MarketState] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    relations: dict[str, EventRelations] = field(default_factory=dict)
    """Event -> what M3 knows of it; events bound by a ticked relation share one."""
    links: dict[str, Link] = field(default_factory=dict)
    """Event -> the ticked relation that names it, in force or off."""
    regroup: bool = True
    """A market's facts are new: which events hang together is worked out again."""
    pairs: list[PairRun] = field(default_factory=list)
    """Statistical pairs that a calibration has blessed."""
    leans: dict[str, PairLean] = field(default_factory=dict)
    """Ticker -> what its statistical pair wants there now."""
    moves: dict[str, EventMoves] = field(default_factory=dict)
    """Event -> how its log-odds moved, for R3."""
    learned: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)
    """(event, event) -> their latent correlation and the minutes it rests on."""
    sampled: int = -1
    """Number of the last ten seconds that were sampled."""
    sources: Sources = field(default_factory=Sources)
    """Whose fills made what."""
    chain: RiskChain = field(init=False)
    risk: RiskState = field(init=False)
    balance: Money | None = None
    """The venue's last word on cash."""
    paused_at: Nanos | None = None
    """Monotonic time at which an order was last refused because the exchange had paused."""
    throttled: int = 0
    """Creates refused in a row with too many requests (429)."""
    last_fill: Instant | None = None
    """When a position last changed: reads asked before it prove nothing."""
    dirty: dict[str, bool | None] = field(default_factory=dict)
    """Markets to decide on, in order of first change. True: nothing but public frames on its book since."""
    stirred: bool = True
    """Something else than public frames came, or a stop still waits: orders are looked through."""
    recovery: Recovery = field(default_factory=Recovery)
    ending: Ending | None = None
    view_version: int = 0
    measured: tuple[int, Measure | None] | None = None
    """R3's figures for the risk pane, and the second they are of."""
    second: int = -1
    """The last whole monotonic second whose rounds were made."""
    conn: int | None = None
    """The connection whose messages count."""
    fills_watched: int = -1
    """``counters.fills`` when risk last watched."""
    boot_wall: Nanos = 0
    """Wall time of this boot: fills before it are history."""
    feed_due: Nanos = 0
    """Monotonic time of the next look at what only time can tell of the books."""
    flattening: bool = False
    """A flatten runs somewhere."""
    flattened: dict[str, str] = field(default_factory=dict)
    """Ticker -> how its flatten ended well, until the last of them has: then one line tells of all."""
    untouched: int = 0
    """Markets that the same flatten found empty."""
    waiting: dict[str, Nanos] = field(default_factory=dict)
    """Markets to look at again, and from which monotonic time."""
    unpaid: dict[str, None] = field(default_factory=dict)
    """Markets whose quotes wait for write tokens, in line."""
    tokens_due: Nanos = 0
    """Monotonic time when there may be tokens for the first of them."""
    round: dict[str, None] = field(default_factory=dict)
    """Markets that this second has still to look at."""
    round_part: int = 0
    """How many of them at once."""
    round_due: Nanos = 0
    """Monotonic time of the next part."""
    alarm: Nanos = 0
    """Monotonic time when everything is looked at again, public frames or not (``alarm.next_due``)."""
    order_counts: tuple[int, int, int] | None = None
    """(orders that may still fill, requests without an answer, orders to look up); None: to be counted."""
    order_number: int = 0
    calendar_asked: Nanos | None = None
    """Monotonic time when the venue's calendar was last asked for."""
    day_saved: Nanos = 0
    """Monotonic time when R1's memory was last journaled."""
    day_state: str = ""
    """R1's state when it was last journaled."""
    day_kept: Money = 0
    """The day's result when it was last journaled."""
    day_whole: bool = False
    """The account went with it."""
    journal: list[Journal] = field(default_factory=list)
    cancels: list[Effect] = field(default_factory=list)
    """Leave before everything else: adverse moves cancel first."""
    sends: list[Effect] = field(default_factory=list)
    others: list[Effect] = field(default_factory=list)
    trace: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.alerts = AlertLog(lambda: self.now.wall)
        self.prints = self.settings.prints
        self.pairs = begin(tuple(pair for one in self.settings.calibrations for pair in one.pairs))
        self.orders.family = self.settings.family
        self.chain = RiskChain(self.settings.risk, self.now, self.saved_day, told=True)
        self.risk = RiskState(self.now, {})
        if self.settings.execution == "paper":
            self.chain.r1.account = None  # a simulated account begins anew with every boot

    def take_effects(self) -> list[Effect]:
        """What has come up since the last time: journal first, then cancels, orders, the rest."""
        if not (self.journal or self.cancels or self.sends or self.others):
            return []
        effects: list[Effect] = [*self.journal, *self.cancels, *self.sends, *self.others]
        self.journal, self.cancels, self.sends, self.others = [], [], [], []
        return effects

    def next_client_id(self, letter: str) -> str:
        """Ids are minted here, in order: ``<boot>-<owner letter><number>``."""
        self.order_number += 1
        return f"{self.settings.boot}-{letter}{self.order_number}"

    def market_of(self, ticker: str) -> MarketState | None:
        return self.markets.get(ticker)
