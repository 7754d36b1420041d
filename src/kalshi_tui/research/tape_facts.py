"""What is known of a tape's markets, and when: nothing of the future reaches the desk before its time."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec.structs import replace

from kalshi_tui.protocol.market import Event, FeeSchedule, Market, MarketStatus
from kalshi_tui.protocol.rest import event_from_rest, market_from_rest
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.times import parse_time
from kalshi_tui.protocol.units import Nanos
from kalshi_tui.storage.tape_rows import WatchMarket

Found = tuple[tuple[Market, ...], tuple[Event, ...]]
NOTHING: Found = ((), ())


class FactsError(Exception):
    """An event file that can not be used, in one sentence."""


class TapeFacts:
    """Facts from event bodies (fetched at any time, even after settlement), a named grid, and the tape's own rows.

    Of an event body only what was fixed beforehand is used: grid, strikes, open and close times. Status follows
    the tape's time; result and settlement value are told when the tape reaches the settlement.
    """

    def __init__(self, events: tuple[Path, ...], price_structure: str) -> None:
        self.assumptions: list[str] = []
        self._grid = TickGrid.named(price_structure) if price_structure else None
        self._structure = price_structure
        self._events: dict[str, Event] = {}
        self._later: dict[str, Market] = {}
        """Bodies as fetched, future included: only ``_as_of`` may look at them."""
        self._told: dict[str, MarketStatus] = {}
        self._closes: dict[str, Nanos] = {}
        self._settled_at: dict[str, Nanos] = {}
        for path in events:
            self._load(path)

    def known(self, wall: Nanos) -> Found:
        """What can be said at the tape's first row."""
        markets = tuple(self._as_of(m, wall) for m in self._later.values())
        self._told.update((m.ticker, m.status) for m in markets)
        return markets, tuple(self._events.values())

    def due(self, wall: Nanos) -> Found:
        """Markets whose status has changed with the tape's time."""
        changed = []
        for ticker, told in list(self._told.items()):
            facts = self._later.get(ticker)
            if facts is None:
                continue
            now = self._as_of(facts, wall)
            if now.status is not told:
                self._told[ticker] = now.status
                changed.append(now)
        return (tuple(changed), ()) if changed else NOTHING

    def watch(self, fact: WatchMarket) -> None:
        """The recorder's own note of a market's close."""
        if fact.close is not None:
            self._closes[fact.ticker] = fact.close

    def told(self, market: Market) -> None:
        """A desk of ours had this market's facts at this place of its tape: nothing need be assumed."""
        self._later.pop(market.ticker, None)
        self._told.pop(market.ticker, None)

    def first_seen(self, ticker: str, wall: Nanos) -> Found:
        """A market the tape speaks of and no event file does."""
        market = Market(
            ticker=ticker,
            event_ticker=ticker,
            grid=self._grid,
            price_level_structure=self._structure,
            fee=FeeSchedule(assumed=True),
            open_time=wall,
            close_time=self._closes.get(ticker),
        )
        self.assumptions.append(f"{ticker} is taken to have opened when the tape first speaks of it")
        self._later[ticker] = market
        market = self._as_of(market, wall)
        self._told[ticker] = market.status
        if self._grid is not None:
            self.assumptions.append(
                f"{ticker} trades on the grid {self._structure} (named on the command line)"
            )
        return (market,), ()

    def _as_of(self, market: Market, wall: Nanos) -> Market:
        settled = self._settled_at.get(market.ticker)
        if settled is not None and wall >= settled:
            return replace(market, status=MarketStatus.FINALIZED)
        status = MarketStatus.ACTIVE
        if market.open_time is not None and wall < market.open_time:
            status = MarketStatus.INITIALIZED
        elif market.close_time is not None and wall >= market.close_time:
            status = MarketStatus.CLOSED
        return replace(
            market,
            status=status,
            result="",
            settlement_value=None,
            last_price=None,
            volume=0,
            open_interest=0,
        )

    def _load(self, path: Path) -> None:
        try:
            body = json.loads(path.read_bytes())
        except OSError as error:
            raise FactsError(f"{path}: the event file can not be read ({error.strerror}).") from None
        except ValueError:
            raise FactsError(f"{path}: the event file is no JSON.") from None
        if isinstance(body, dict) and isinstance(body.get("response"), dict):
            body = body["response"]
        if not isinstance(body, dict) or not isinstance(body.get("event"), dict):
            raise FactsError(f"{path}: the file holds no event (an object with `event` and `markets`).")
        try:
            event = event_from_rest(body["event"])
            bodies = body.get("markets") or body["event"].get("markets") or []
            markets = [market_from_rest(m, None, event) for m in bodies]
        except (ValueError, KeyError, TypeError) as error:
            raise FactsError(f"{path}: the event can not be read ({error}).") from None
        self._events[event.ticker] = event
        for market, raw in zip(markets, bodies, strict=True):
            self._later[market.ticker] = replace(market, fee=replace(market.fee, assumed=True))
            stamp = raw.get("settlement_ts")
            if isinstance(stamp, str):
                settled = parse_time(stamp)
                if settled is not None:
                    self._settled_at[market.ticker] = settled
