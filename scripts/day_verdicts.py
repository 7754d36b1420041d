"""The clauses of ``judge_day``: what must be true of a day, from the exchange's record and the desk's journal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kalshi_tui.protocol.times import parse_time
from kalshi_tui.protocol.units import SECOND, format_count, parse_count

PULL_S, REARM_S = 120, 60
"""Quotes are gone this long before a release and stay away at least this long after it."""
Body = dict[str, Any]
Against = list[str]
"""What speaks against a clause; empty where it holds."""


@dataclass
class Day:
    """One run, as the exchange and the journal tell it. Times are wall nanoseconds."""

    code: int
    summary: Body
    started: int
    ended: int
    prints: list[Body]
    markets: dict[str, Body]
    orders: list[Body]
    fills: list[Body]
    positions: list[Body]
    looks: list[tuple[int, list[Body]]]
    """What rested, seen once a second."""
    intents: dict[str, Body]
    """Client order id -> the journal's row of it."""
    states: dict[str, list[tuple[int, str]]]
    """Ticker -> the words of the market in the journal, and since when."""

    def event(self, order: Body) -> str:
        return str(self.markets[order["ticker"]]["event_ticker"])

    def engine_orders(self) -> Iterator[tuple[Body, int, int]]:
        """Every engine order with the time from which and until which it rested."""
        for order in self.orders:
            intent = self.intents.get(order["client_order_id"])
            if intent is None or intent["owner"] == "engine":
                gone = self.ended if order["status"] == "resting" else when(order["last_update_time"])
                yield order, when(order["created_time"]), gone


def judged(day: Day) -> Iterator[tuple[str, Against]]:
    yield "the desk exits 0", [] if day.code == 0 else [f"exit code {day.code}"]
    yield "pull, release, decisions and re-arm lie inside the run, with trading on both sides", honest(day)
    yield "no fill takes a position past the cap its order was sent under", past_caps(day)
    yield "every order was journaled before it was sent, with a valid book", blind(day)
    yield "no engine order rests in an affected market from the pull to the re-arm", in_window(day, False)
    yield "no engine order ever again in a market the release decided", in_window(day, True)
    yield "the desk's account is the exchange's", unreconciled(day)


def honest(day: Day) -> Against:
    against = [] if day.fills else ["no fill at all"]
    inside = [p for p in day.prints if day.started < pull_of(p) and rearm_of(p) < day.ended]
    if not inside:
        against.append("no release with its pull and re-arm inside the run")
    starts = [start for _, start, _ in day.engine_orders()]
    for one in inside:
        decided = [m for m in day.markets.values() if m["event_ticker"] in one["primary_event_tickers"]]
        late = [m["ticker"] for m in decided if m["status"] not in ("determined", "finalized")]
        if late or not decided:
            against.append(f"not decided by {one['title']}: {', '.join(late) or 'no market'}")
        if not any(start < pull_of(one) for start in starts):
            against.append("no engine order before the pull")
        if not any(start > rearm_of(one) for start in starts):
            against.append("no engine order after the re-arm")
    return against


def past_caps(day: Day) -> Against:
    against = []
    held: dict[str, int] = {}
    client_ids = {order["order_id"]: order["client_order_id"] for order in day.orders}
    for fill in sorted(day.fills, key=lambda f: when(f["created_time"])):
        ticker, before = fill["ticker"], held.get(fill["ticker"], 0)
        count = parse_count(fill["count_fp"])
        held[ticker] = after = before + (count if fill["book_side"] == "bid" else -count)
        cap = day.intents.get(client_ids[fill["order_id"]], {}).get("position_cap")
        if cap is None:
            against.append(f"{ticker}: a fill of an order without a cap in the journal")
        elif abs(after) > max(abs(before), parse_count(cap)):
            against.append(f"{ticker}: {format_count(after)} past the cap of {cap}")
    for position in day.positions:  # unsettled ones
        if parse_count(position["position_fp"]) != held.get(position["ticker"], 0):
            against.append(f"{position['ticker']}: its fills do not add up to the exchange's position")
    return against


def blind(day: Day) -> Against:
    against = []
    for order in day.orders:
        intent = day.intents.get(order["client_order_id"])
        if intent is None or intent["wall"] > when(order["created_time"]):
            against.append(f"{order['ticker']}: an order that was not journaled before it was sent")
            continue
        words = [word for since, word in day.states.get(order["ticker"], []) if since < intent["wall"]]
        if not intent["book_valid"] or words[-1:] == ["no book"]:
            against.append(f"{order['ticker']}: sent without a valid book")
    return against


def in_window(day: Day, decided: bool) -> Against:
    """Engine orders that rested in an affected market between the pull and its re-arm, or in a decided one at any
    time after the pull. The re-arm is the journal's word, but never before ``REARM_S`` after the release."""
    against = []
    for one in day.prints:
        concerned = one["primary_event_tickers" if decided else "related_event_tickers"]
        for order, start, gone in day.engine_orders():
            end = day.ended if decided else rearmed(day, order["ticker"], one)
            if day.event(order) in concerned and start < end and gone > pull_of(one):
                offset = (max(start, pull_of(one)) - when(one["start_date"])) / SECOND
                against.append(f"{order['ticker']}: an order rests {offset:+.3f} s from {one['title']}")
        until = day.ended if decided else rearm_of(one)
        for at, resting in day.looks:
            if pull_of(one) < at < until:
                against += [f"{o['ticker']}: seen resting" for o in resting if day.event(o) in concerned]
    return against


def rearmed(day: Day, ticker: str, one: Body) -> int:
    after = [since for since, word in day.states.get(ticker, []) if word != "event"]
    after = [since for since in after if since > when(one["start_date"])]
    return max(rearm_of(one), min(after, default=day.ended))


def unreconciled(day: Day) -> Against:
    zero = ("unreconciled", "book_mismatches", "orders_live", "orders_unknown")
    against = [f"{name} is {day.summary.get(name)}" for name in zero if day.summary.get(name) != 0]
    if not day.summary.get("book_checks"):
        against.append("no book was ever checked")
    if day.summary.get("fills") != len(day.fills):
        against.append(f"the desk knows {day.summary.get('fills')} fills of {len(day.fills)}")
    return against


def when(text: str) -> int:
    wall = parse_time(text)
    assert wall is not None, "the exchange's word for never"
    return wall


def pull_of(one: Body) -> int:
    return when(one["start_date"]) - PULL_S * SECOND


def rearm_of(one: Body) -> int:
    return when(one["start_date"]) + REARM_S * SECOND
