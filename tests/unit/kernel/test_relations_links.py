"""Ticked relations in the kernel: in force only while the texts are the ones that were read."""

from __future__ import annotations

from decimal import Decimal

from kernel_bench import Bench
from kernel_bench import market as plain
from msgspec.structs import replace

from kalshi_tui.kernel.relations_links import find_links
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.market import Event, Market, MarketStatus, StrikeType
from kalshi_tui.protocol.relations import RelationKind, TickedRelation, rules_hash
from kalshi_tui.protocol.text import SafeText
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, SECOND
from kalshi_tui.risk.scenarios import event_worst

STEP = Decimal("0.1")


def struck(series: str, event: str, name: str, **strike: object) -> Market:
    found = replace(
        plain(f"{event}-{name}", event), series_ticker=series, rules_primary=SafeText(f"{series} {name}")
    )
    return replace(found, **strike)


def cpi(month: str = "JAN") -> list[Market]:
    above = {"strike_type": StrikeType.GREATER}
    return [
        struck("L", f"L-{month}", "T2", floor_strike=0.2, **above),
        struck("L", f"L-{month}", "T3", floor_strike=0.3, **above),
        struck("B", f"B-{month}", "B3", strike_type=StrikeType.BETWEEN, floor_strike=0.3, cap_strike=0.3),
    ]


def ticked(markets: list[Market], **changes: object) -> TickedRelation:
    read = tuple(rules_hash(market) for market in markets)
    found = TickedRelation(RelationKind.SAME_NUMBER, series=("L", "B"), rules_sha256=read, step=STEP)
    return replace(found, **changes)


class Linked(Bench):
    """Three markets of two events on one number, M3 on all; the relation ticked for the texts in ``read``."""

    def __init__(self, read: list[Market], now: list[Market]) -> None:
        super().__init__((), boot=False, default_engine="m3", relations=(ticked(read),))
        self.load(now)
        self.quote(now)
        self.turn()
        self.reads()
        self.wait(0.3)
        self.quote(now)
        self.turn()

    def quote(self, markets: list[Market]) -> None:
        """52 to 54 for above 0.2, 30 to 32 for above 0.3, 21 to 23 for exactly 0.3: nothing is broken."""
        for ticker, bid in zip((m.ticker for m in markets), (52, 30, 21), strict=False):
            self.seq += 1
            self.frame(
                f'{{"type":"orderbook_snapshot","sid":1,"seq":{self.seq},"msg":{{"market_ticker":"{ticker}",'
                f'"yes_dollars_fp":[["0.{bid}00","100.00"]],"no_dollars_fp":[["0.{98 - bid}00","100.00"]]}}}}'
            )

    def load(self, markets: list[Market]) -> None:
        events = tuple(Event(e, e[0]) for e in dict.fromkeys(m.event_ticker for m in markets))
        self.kernel.apply(ev.MarketsRead(self.now, tuple(markets), events))

    def alerts(self) -> list[str]:
        return [line.text for line in self.kernel.view(self.now).log if line.kind == "warn"]


def by_event(markets: list[Market]) -> dict[str, list[Market]]:
    found: dict[str, list[Market]] = {}
    for market in markets:
        found.setdefault(market.event_ticker, []).append(market)
    return found


def test_events_that_end_together_share_one_space() -> None:
    bench = Linked(cpi(), cpi())
    state = bench.kernel.state
    relations = state.relations["L-JAN"]
    assert relations is state.relations["B-JAN"] and relations.name == "L-JAN+B-JAN"
    assert relations.space is not None and len(relations.space.tickers) == 3
    assert "no arb" in state.markets["L-JAN-T2"].why


def test_a_relation_that_binds_nothing_says_so_once() -> None:
    bench = Linked(cpi(), cpi()[:2])
    said = [line.text for line in bench.kernel.view(bench.now).log if "binds nothing now" in line.text]
    assert said == ["relation L/B binds nothing now: this desk follows no two of its events"]
    bench.load(cpi())
    bench.turn()
    assert bench.kernel.state.links["B-JAN"].space is not None


def test_risk_takes_them_as_one_event() -> None:
    state = Linked(cpi(), cpi()).kernel.state
    assert {m.risk.event_ticker for m in state.markets.values()} == {"L-JAN+B-JAN"}
    assert len(state.risk.event("L-JAN+B-JAN")) == 3


def test_the_worst_case_is_listed_over_the_joint_outcomes() -> None:
    """Long above 0.2, short above 0.3 and exactly 0.3: in steps of 0.1 these pay each other off in every outcome."""
    state = Linked(cpi(), cpi()).kernel.state
    for ticker, sign in (("L-JAN-T2", 1), ("L-JAN-T3", -1), ("B-JAN-B3", -1)):
        risk = state.markets[ticker].risk
        risk.position, risk.cost, risk.mark = sign * 10 * CONTRACT, 0, None
        risk.open_bid_risk = risk.open_ask_risk = 0
    together = state.risk.event("L-JAN+B-JAN")
    assert event_worst(together) == 0
    for market in together:
        market.number_step = None
    assert event_worst(together) == 0, "a number between the steps only helps who is long the wider one"
    for market in together:
        market.position = -(market.position or 0)
    assert event_worst(together) == -10 * DOLLAR, "and hurts who is short of it"
    for market in together:
        market.number_step = STEP
    assert event_worst(together) == 0


def test_a_changed_text_switches_it_off_once_and_says_so() -> None:
    changed = [replace(m, rules_primary=SafeText("other")) if m.series_ticker == "B" else m for m in cpi()]
    bench = Linked(cpi(), changed)
    state = bench.kernel.state
    off = "relation L/B off: the rules of B-JAN changed since they were read"
    assert state.relations["L-JAN"].events == ("L-JAN",) != state.relations["B-JAN"].events
    assert off in state.markets["L-JAN-T2"].why
    bench.load(changed)
    bench.turn()
    assert sum(off in text for text in bench.alerts()) == 1


def test_a_text_that_changes_while_it_runs_parts_the_events_at_once() -> None:
    bench = Linked(cpi(), cpi())
    state = bench.kernel.state
    bench.load([replace(m, rules_secondary=SafeText("amended")) for m in cpi()])
    bench.wait(0.1)
    bench.delta("0.4000", "1.00", ticker="L-JAN-T2")
    bench.turn()
    assert state.relations["L-JAN"].events == ("L-JAN",) and "off" in state.relations["L-JAN"].reason
    assert {m.risk.event_ticker for m in state.markets.values()} == {"L-JAN", "B-JAN"}


def test_another_month_is_another_pair() -> None:
    later = [replace(m, close_time=(m.close_time or 0) + 100 * SECOND) for m in cpi("FEB")]
    markets = cpi() + later
    links = list(find_links((ticked(markets),), by_event(markets), {}))
    assert [link.events for link in links] == [("L-JAN", "B-JAN"), ("L-FEB", "B-FEB")]
    over = [replace(m, status=MarketStatus.FINALIZED) for m in cpi()]
    assert [x.events for x in find_links((ticked(markets),), by_event(over + later), {})] == [
        ("L-FEB", "B-FEB")
    ]


def test_two_events_of_one_series_at_one_time_are_not_guessed_apart() -> None:
    markets = cpi() + cpi("FEB")
    (link,) = find_links((ticked(markets),), by_event(markets), {})
    assert link.space is None and "two events of one series end together" in link.off


def test_named_events_and_no_texts_at_all() -> None:
    markets = cpi()
    named = ticked([], series=(), events=("L-JAN", "B-JAN"))
    (link,) = find_links((named,), by_event(markets), {})
    assert link.space is None and "changed since they were read" in link.off
    (proved,) = find_links((replace(named, proved="by construction"),), by_event(markets), {})
    assert proved.space is not None and not proved.off
    assert list(find_links((named,), by_event(markets[:2]), {})) == []
