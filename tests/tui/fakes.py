"""A desk that is not there: the drawing's numbers as views, a link that records what is asked, a still clock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable

from msgspec.structs import replace

from kalshi_tui.protocol.commands import Ack, AnyCommand, Focus, Heartbeat
from kalshi_tui.protocol.orders import Owner
from kalshi_tui.protocol.units import DOLLAR, ONE, SECOND, Count, Money, Price, Side
from kalshi_tui.protocol.views import (
    DeskView,
    FeatureLine,
    FromDesk,
    Gauge,
    Hello,
    LadderRow,
    LadderView,
    LogLine,
    MarketCard,
    MarketRow,
    OwnOrder,
    SettleRow,
    StatusView,
)

WALL = 1_762_434_732 * SECOND
"""2025-11-06 08:12:12 in New York."""
MAKER, TAKER = 175, 700
"""Fee rates in ten-thousandths."""
FAIR = 0.4456
MINUTE = 60 * SECOND
BIDS = {44: 1310, 43: 1022, 42: 640, 41: 388, 40: 2004, 39: 310, 38: 150, 37: 900, 36: 75}
ASKS = {45: 1120, 46: 880, 47: 655, 48: 412, 49: 310, 50: 1204, 51: 96, 52: 410, 53: 1500}


def fee(price: Price, count: Count, rate: int) -> Money:
    """``rate`` × contracts × price × (1 − price), before rounding to the cent."""
    return round(rate / 10_000 * count / 100 * price / ONE * (1 - price / ONE) * DOLLAR)


def edge(price: Price, fair: float = FAIR) -> Money:
    """What resting at ``price`` earns a contract against fair after the maker fee."""
    gain = round((fair * ONE - price) * 100)
    return abs(gain) - fee(price, 100, MAKER)


def out(price: Price, position: Count, entry: Price, best_bid: Price) -> Money:
    """Closing a long ``position`` at ``price``: resting above the bid, taking at or below it."""
    rate = TAKER if price <= best_bid else MAKER
    return position * (price - entry) - fee(entry, position, MAKER) - fee(price, position, rate)


def order(
    number: int, side: Side, cents: int, count: int, owner: Owner = Owner.ENGINE, state: str = "live"
) -> OwnOrder:
    return OwnOrder(
        order_id=f"o{number}", client_order_id=f"c{number}", ticker="CPI-25NOV-T0.3", side=side, price=cents * 100,
        remaining=count * 100, filled=0, owner=owner, engine="m2" if owner is Owner.ENGINE else "", state=state,
        ahead=96 * 100 if side is Side.BID else 0, level=388 * 100, expiration=None, age_ms=4_000,
    )  # fmt: skip


def ladder(low: int = 1, high: int = 99) -> LadderView:
    rows = tuple(
        LadderRow(
            price=cents * 100,
            bid=BIDS.get(cents, 0) * 100,
            ask=ASKS.get(cents, 0) * 100,
            edge=edge(cents * 100),
            out=out(cents * 100, 1200, 4100, 4400),
        )
        for cents in range(max(low, 1), min(high, 99) + 1)
    )
    return LadderView(
        ticker="CPI-25NOV-T0.3", event_ticker="CPI-25NOV", title="CPI Nov", label="above 0.3%", rows=rows,
        bands=((0, ONE, 100),), best_bid=4400, best_ask=4500, fair=FAIR, last=4500, last_count=2500, position=1200,
        entry=0.41, orders=(order(1, Side.BID, 41, 10), order(2, Side.ASK, 48, 10)), book="live", change_age_ms=120,
        stale=False, why="M2 active: bid 41 = fair 44.6 − 2.6 to grid; ask 48",
        queue="my bid 10 @ 41  ahead 96 of 388   my ask 10 @ 48  front", settles_yes=1200 * 5900 - 50_803,
        settles_no=-1200 * 4100 - 50_803, out_now=out(4400, 1200, 4100, 4400), status="active", close=None,
    )  # fmt: skip


def market(
    event: str,
    title: str,
    label: str,
    engine: str,
    state: str,
    bid: int | None,
    ask: int | None,
    position: int,
    day: int,
    close: int | None = None,
    book: str = "live",
) -> MarketRow:
    """``bid``, ``ask`` in tenths of a cent, ``position`` in contracts, ``day`` in cents."""
    ticker = "CPI-25NOV-T0.3" if label == "above 0.3%" else f"{event}-{label}".upper().replace(" ", "-")
    return MarketRow(
        ticker=ticker, event_ticker=event, event_title=title, label=label, engine=engine, state=state,
        quoting=state not in ("off",), bid=None if bid is None else bid * 10, ask=None if ask is None else ask * 10,
        position=position * 100, day_pnl=day * 10_000, close=close, book=book, why="",
    )  # fmt: skip


def markets() -> tuple[MarketRow, ...]:
    cpi, fed, gold = ("CPI-25NOV", "CPI Nov"), ("FED-25DEC", "Fed Dec"), ("GOLD15M", "Gold 15m")
    closes = WALL + 168 * SECOND
    named = (
        market(*cpi, "above 0.2%", "m2", "quoting", 670, 680, 0, 0),
        market(*cpi, "above 0.3%", "m2", "quoting", 440, 450, 12, 227),
        market(*cpi, "above 0.4%", "m2", "quoting", 210, 220, -8, 104),
        market(*cpi, "exactly 0.3%", "m3", "no arb", 230, 240, 0, 0),
        market(*fed, "hold", "m1", "quoting", 610, 620, 31, 792),
        market(*fed, "cut 25", "m1", "quoting", 365, 370, -14, -120),
        market(*fed, "hike", "", "off", 12, 16, 0, 0),
        market(*gold, "≥ 4,414.40", "m0", "quoting", 530, 540, 5, 174, closes),
        market(*gold, "≥ 4,418.00", "m0", "no book", None, None, 0, 63, closes, "gap"),
    )
    more = tuple(
        market("NFP-25NOV", "Payrolls Nov", f"above {50 + 5 * n}k", "m1", "quoting" if n % 3 else "off",
               20 * n + 30, 20 * n + 40, 0, 0)
        for n in range(41)
    )  # fmt: skip
    return named + more


def status() -> StatusView:
    return StatusView(
        venue="practice", execution="venue", mode="PRACTICE", armed=False, engines_quoting=7, feed="live",
        feed_age_ms=40, lag_ms=4, gaps=0, day_pnl=12_400_000, drawdown=1_100_000, drawdown_limit=120_000_000,
        balance=1_000_000_000, latch="", latch_why="", unconfirmed=0, write_tokens=82, write_capacity=100,
        pull_cost=28, next_event="CPI", next_event_at=WALL + 1068 * SECOND, sessions=1, controller=1,
    )  # fmt: skip


def wave(seed: int, points: int = 60) -> tuple[float, ...]:
    rng = random.Random(seed)
    value, values = 0.5, []
    for _ in range(points):
        value = min(max(value + 0.2 * (0.5 - value) + rng.uniform(-0.2, 0.2), 0.0), 1.0)
        values.append(round(value, 3))
    return tuple(values)


def features() -> tuple[FeatureLine, ...]:
    named = (
        ("spread", "1 tick"), ("micro", "44.56"), ("imbal", "+0.08"), ("flow", "−12"), ("vol f/s", "1.7×"),
        ("toxic", "0.4 ¢"),
    )  # fmt: skip
    lines = [FeatureLine(name, value, wave(seed), 0.0, 1.0) for seed, (name, value) in enumerate(named)]
    lines.append(FeatureLine("regime", "ACTIVE, event at 08:28", ()))
    lines.append(FeatureLine("queue", "bid 96 · ask 0", ()))
    return tuple(lines)


def gauges() -> tuple[Gauge, ...]:
    return (
        Gauge("market", 12, 22, 40, "+12…22/40"),
        Gauge("event", 11, 11, 200, "−11/200"),
        Gauge("global", 154, 154, 1000, "154/1000"),
        Gauge("R1", 11, 11, 1200, "1.1/120"),
        Gauge("R2", 0, 0, 0, "×0.50 active"),
        Gauge("R3", 0, 0, 0, "sd 14/150 · worst −31/800"),
        Gauge("writes", 82, 82, 100, "82, pull 28"),
        Gauge("group", 0, 0, 0, "armed · 0 of 120 in 15 s"),
    )


def settlement() -> tuple[SettleRow, ...]:
    return (
        SettleRow("≤ 0.2", 0.320, -2_440_000, -8_340_000),
        SettleRow("0.3", 0.235, -2_440_000, -8_340_000),
        SettleRow("0.4", 0.230, 9_560_000, 2_560_000),
        SettleRow("≥ 0.5", 0.215, 1_560_000, -11_140_000),
    )


def log() -> tuple[LogLine, ...]:
    return (
        LogLine(WALL - 14 * SECOND, "order", "bid 10 @ 36.5 → 36.0, to the back of the queue · M1",
                "FED-25DEC-CUT-25"),
        LogLine(WALL - 32 * SECOND, "warn", "book lost a frame; no quotes until its snapshot arrives",
                "GOLD15M-≥-4,418.00", alert=3, seen=False),
    )  # fmt: skip


def view(version: int = 1, wall: int = WALL) -> DeskView:
    """The drawing."""
    return DeskView(
        wall=wall, version=version, status=status(), markets=markets(), ladder=ladder(), features=features(),
        gauges=gauges(), settlement_title="CPI Nov", settlement=settlement(), log=log(),
    )  # fmt: skip


class StillClock:
    """Monotonic seconds that move only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class FakeLink:
    """A ``DeskLink`` fed by the test. Requests are recorded; ``answers`` maps a command's type to its answer."""

    def __init__(self, first: DeskView | None = None, in_control: bool = True) -> None:
        self.hello = Hello("0", "practice", "venue", "PRACTICE", 4242, 1, in_control)
        self.sent: list[AnyCommand] = []
        self.answers: dict[type, tuple[bool, str]] = {}
        self.closed = False
        self._queue: asyncio.Queue[FromDesk | None] = asyncio.Queue()
        if first is not None:
            self.put(first)

    def put(self, message: FromDesk) -> None:
        self._queue.put_nowait(message)

    def hang_up(self) -> None:
        self._queue.put_nowait(None)

    async def messages(self) -> AsyncIterator[FromDesk]:
        while (message := await self._queue.get()) is not None:
            yield message

    async def request(self, command: AnyCommand) -> Ack:
        self.sent.append(replace(command, id=len(self.sent) + 1))
        ok, text = self.answers.get(type(command), (True, ""))
        return Ack(id=len(self.sent), ok=ok, text=text)

    async def close(self) -> None:
        self.closed = True

    def asked(self) -> list[AnyCommand]:
        """What keys asked for: without the screen's own heartbeats and looks, ids left out."""
        return [replace(c, id=0) for c in self.sent if not isinstance(c, Focus | Heartbeat)]


def moving(seed: int, busy: int = 20) -> Iterable[DeskView]:
    """Views of a busy market, ten a second for ever: three ladder sizes a view, ``busy`` quotes every half second."""
    rng = random.Random(seed)
    now = view()
    step = 0
    while True:
        step += 1
        current = now.ladder
        assert current is not None
        rows = list(current.rows)
        for _ in range(3):
            i = rng.randrange(35, 53)
            row = rows[i]
            change = rng.randrange(-60, 61) * 100
            rows[i] = replace(row, bid=max(row.bid + change, 100)) if row.bid else row
            rows[i] = replace(rows[i], ask=max(row.ask + change, 100)) if row.ask else rows[i]
        listed = list(now.markets)
        for i in range(busy if step % 5 == 0 else 0):
            row_bid = listed[i].bid
            if row_bid is not None and not rng.randrange(2):
                bid = min(max(row_bid + rng.choice((-100, 100)), 200), 9_700)
                listed[i] = replace(listed[i], bid=bid, ask=bid + 100)
        features_now = now.features
        if step % 10 == 0:
            features_now = tuple(
                replace(f, history=(*f.history[1:], rng.random())) if f.history else f for f in now.features
            )
        now = replace(
            now,
            version=step,
            wall=WALL + step * SECOND // 10,
            markets=tuple(listed),
            ladder=replace(current, rows=tuple(rows), fair=0.4456 + rng.uniform(-0.002, 0.002)),
            features=features_now,
            status=replace(now.status, lag_ms=rng.randrange(3, 8)),
        )
        yield now


CARD = MarketCard(
    "CPI-25NOV-T0.3",
    "Will CPI rise more than 0.3% in November?",
    (
        ("rules", "If the Consumer Price Index rises by more than 0.3%, the market resolves to Yes."),
        ("source", "Bureau of Labor Statistics"),
        ("fee", "quadratic, maker fees"),
        ("ticks", "1 ¢ from 0 to 100"),
        ("close", "Dec 10 08:25 ET"),
    ),
)
