"""What happens by the clock rather than by an event: book validity, risk's watch, the one-second round."""

from __future__ import annotations

from collections import deque

from kalshi_tui.execution.gate import StopKind
from kalshi_tui.kernel import retiring, stops
from kalshi_tui.kernel.booking import raise_alert
from kalshi_tui.kernel.observing import conditions
from kalshi_tui.kernel.pnl import account_to_keep, begin_day_of_found, day_marks, marks
from kalshi_tui.kernel.state import DeskState, MarketState
from kalshi_tui.kernel.words import book_sentence
from kalshi_tui.protocol.commands import Scope
from kalshi_tui.protocol.effects import Journal, ReadCalendar, ReadMarkets, ReadQueue, Reconnect
from kalshi_tui.protocol.quotes import Alert, AlertLevel, Regime
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Nanos
from kalshi_tui.risk.base import FlattenRequest, PullRequest

FEED_EVERY: Nanos = 25 * MILLISECOND
"""The shortest time the feed measures is 50 ms; what a frame tells of a book is not waited for."""
QUEUE_EVERY_S = 5
KEEP_DAY = 60 * SECOND
KEEP_SHARE = 50
"""The day is journaled again once it moved by this part of its loss limit: 2 %."""
CALENDAR_EVERY = 120 * SECOND


def feed(desk: DeskState) -> None:
    """Time-based rules of the books; what the feed asks for; markets whose book became valid or not."""
    turned = desk.feed.turned()
    if turned or desk.now.mono >= desk.feed_due:
        desk.feed_due = desk.now.mono + FEED_EVERY
        desk.feed.expire(desk.now)
        requests = desk.feed.requests()
        desk.others.extend(requests)
        for request in requests:
            if isinstance(request, Reconnect):
                text = f"feed lost: {request.why}; quotes are pulled until it is back"
                raise_alert(desk, Alert("feed", AlertLevel.WARN, text))
        turned += desk.feed.turned()
    for ticker in turned:
        market = desk.markets.get(ticker)
        if market is not None:
            desk.dirty[ticker] = None
            _tell_book(desk, market)


def _tell_book(desk: DeskState, market: MarketState) -> None:
    status = desk.feed.status(market.ticker)
    key = f"book {market.ticker}"
    if status.valid:
        desk.alerts.over(key)
        return
    if status.reason == "off grid":
        desk.others.append(ReadMarkets((market.ticker,)))  # its prices changed and nobody told us
    # Marks stay as they were: a hole in the feed makes neither a gain nor a loss.
    market.risk.fair = None
    # Losing the whole feed is one alert, not one a market; a market that closed is none.
    trading = market.facts.close_time is None or desk.now.wall < market.facts.close_time
    if trading and desk.feed.alive and market.quoting and status.reason != "waiting":
        text = f"{market.ticker}: {book_sentence(status)}; no quotes until its snapshot arrives"
        raise_alert(desk, Alert(key, AlertLevel.WARN, text, market.ticker))


def look_again(desk: DeskState) -> None:
    """Markets that could not do at once what they want."""
    if not desk.waiting or desk.now.mono < min(desk.waiting.values()):
        return
    due = [ticker for ticker, when in desk.waiting.items() if desk.now.mono >= when]
    for ticker in due:
        del desk.waiting[ticker]
        desk.dirty[ticker] = None


def watch(desk: DeskState) -> None:
    """Let risk look after fills and once a second."""
    second = desk.now.mono // SECOND
    if desk.counters.fills == desk.fills_watched and second == desk.second:
        return
    desk.fills_watched = desk.counters.fills
    desk.stirred = True  # what is found may end quoting somewhere: its orders are swept
    before, desk.risk.day = desk.risk.day, day_marks(desk)
    if before is not None and not before.known and desk.risk.day.known:
        desk.dirty.update(dict.fromkeys(desk.markets))  # what R1 refused for want of a number is asked again
    if desk.gate.recovering:
        return  # positions were not read yet: the day looks like nothing lost, and R1 would forget what was
    for found in desk.chain.watch(desk.risk):
        if isinstance(found, FlattenRequest):
            stops.on_request(desk, found)
        elif isinstance(found, PullRequest):
            stops.stop(desk, StopKind.PULL, Scope(), found.why)
        else:
            raise_alert(desk, found)


def every_second(desk: DeskState) -> None:
    second = desk.now.mono // SECOND
    if second == desk.second:
        return
    desk.second = second
    for market in desk.markets.values():
        market.features.on_grid(desk.now, hold_baselines=market.regime is Regime.EVENT)
        _remember(desk, market)
        if market.quoting or market.ticker in desk.orders.live:
            desk.dirty[market.ticker] = None
    begin_day_of_found(desk)
    retiring.step(desk)
    if desk.chain.r1.roll(desk.now):
        desk.ledger.start_day(marks(desk))
    desk.chain.scale(desk.risk, {m.ticker: conditions(desk, m) for m in desk.markets.values()})
    _keep_day(desk)
    asked = desk.calendar_asked
    if desk.settings.read_calendar and (asked is None or desk.now.mono - asked > CALENDAR_EVERY):
        desk.calendar_asked = desk.now.mono
        desk.others.append(ReadCalendar())
    if second % QUEUE_EVERY_S == 0:
        resting = tuple(
            t for t, orders in desk.orders.live.items() if any(o.order_id for o in orders.values())
        )
        if resting and not desk.recovery.missing:
            desk.others.append(ReadQueue(resting))


def _keep_day(desk: DeskState) -> None:
    """R1's memory goes to the journal when its state changes, when the day has moved, as soon as the account it is
    to be valued by is known, and every minute: neither a halt nor the way to it is forgotten, however the desk ends.
    """
    r1 = desk.chain.r1
    result = r1.remembered or 0
    moved = abs(result - desk.day_kept) * KEEP_SHARE >= r1.params.day_loss
    due = moved or r1.state != desk.day_state or desk.now.mono - desk.day_saved >= KEEP_DAY
    account = account_to_keep(desk) if due or not desk.day_whole else None
    if not due and account is None:
        return
    desk.day_state, desk.day_saved, desk.day_kept = r1.state, desk.now.mono, result
    desk.day_whole = account is not None
    desk.journal.append(Journal("day", r1.to_state(desk.now, account)))


HISTORIES = ("spread", "micro", "imbal", "flow", "vol", "toxic")
"""Names of the sparklines, in the order of the pane."""


def _remember(desk: DeskState, market: MarketState) -> None:
    """One point a second of what the feature pane draws, as the last decision saw it."""
    snapshot = market.snapshot or market.features.snapshot(desk.now)
    values = (
        None if snapshot.spread_levels is None else float(snapshot.spread_levels),
        None if snapshot.microprice is None else snapshot.microprice * 100.0,
        snapshot.imbalance,
        snapshot.ofi,
        snapshot.vol_ratio,
        None if snapshot.toxicity is None else snapshot.toxicity * 100.0,
    )
    for name, value in zip(HISTORIES, values, strict=True):
        if value is None:
            continue
        line = market.history.get(name)
        if line is None:
            line = market.history[name] = deque(maxlen=desk.settings.history)
        line.append(value)
