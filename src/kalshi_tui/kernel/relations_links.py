"""Which events are bound together: a person's ticks against the texts and fields of now.

A relation whose texts are not the ones that were read is off, and says so once. Nothing of it is traded then; what
each event proves by itself is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from kalshi_tui.kernel.booking import raise_alert
from kalshi_tui.kernel.calibration import series_of
from kalshi_tui.kernel.relations_state import Link
from kalshi_tui.kernel.state import DeskState
from kalshi_tui.pricing.joint import JointError, Members, nested, same_number
from kalshi_tui.protocol.market import Event, Market, MarketStatus
from kalshi_tui.protocol.quotes import Alert, AlertLevel
from kalshi_tui.protocol.relations import RelationKind, TickedRelation, rules_hash
from kalshi_tui.protocol.units import Nanos

PRACTICE = (
    TickedRelation(
        RelationKind.SAME_NUMBER,
        series=("PRCPI", "PRCPIBR"),
        step=Decimal("0.1"),
        proved="the practice exchange settles both series by one release",
    ),
)
"""What the practice exchange binds together by construction; in force there alone."""
OVER = (MarketStatus.DETERMINED, MarketStatus.AMENDED, MarketStatus.FINALIZED)


def regroup(desk: DeskState) -> None:
    """Work out again which events belong together: facts of a market were new or replaced."""
    desk.regroup = False
    facts: dict[str, list[Market]] = {}
    for market in desk.markets.values():
        facts.setdefault(market.facts.event_ticker, []).append(market.facts)
    before, desk.links = desk.links, {}
    found = list(find_links(desk.settings.relations, facts, desk.events))
    _say_idle(desk, [link.name for link in found])
    for link in found:
        for event in link.events:
            desk.links.setdefault(event, link)
        key = f"relation {link.name} {'+'.join(link.events)}"
        if link.off:
            raise_alert(desk, Alert(key, AlertLevel.WARN, link.off))
        elif any(old is not None and old.off for old in map(before.get, link.events)):
            desk.alerts.over(key)
    _tell_risk(desk)


def _say_idle(desk: DeskState, bound: Sequence[str]) -> None:
    """A ticked relation that binds nothing here may be a slip of the pen."""
    for relation in desk.settings.relations:
        key = f"relation {relation.name} idle"
        if relation.name in bound:
            desk.alerts.over(key)
        elif not relation.proved and desk.markets:
            text = f"relation {relation.name} binds nothing now: this desk follows no two of its events"
            raise_alert(desk, Alert(key, AlertLevel.INFO, text))


def _tell_risk(desk: DeskState) -> None:
    """Events on one number settle as one: their worst case is listed over the joint outcomes."""
    changed = False
    for market in desk.markets.values():
        event, link = market.facts.event_ticker, desk.links.get(market.facts.event_ticker)
        joined = link is not None and link.one_number
        name = "+".join(link.events) if link is not None and joined else event
        step = link.step if link is not None and joined else None
        if (market.risk.event_ticker, market.risk.number_step) != (name, step):
            market.risk.event_ticker, market.risk.number_step = name, step
            changed = True
    if changed:
        desk.risk.markets = {ticker: m.risk for ticker, m in desk.markets.items()}
        desk.chain.r3.regrouped()


def find_links(
    relations: Sequence[TickedRelation], facts: Members, events: Mapping[str, Event]
) -> Iterator[Link]:
    """Every group of followed events (``facts`` by event) that a relation binds, in force or off."""
    for relation in relations:
        for group in _groups(relation, facts):
            members = {event: facts[event] for event in group}
            yield _link(relation, members, events)


def _groups(relation: TickedRelation, facts: Members) -> Iterator[tuple[str, ...]]:
    """The followed events it is about: those it names, or one of each series that end together."""
    if relation.events:
        named = tuple(event for event in relation.events if event in facts)
        if len(named) >= 2:
            yield named
        return
    by_end: dict[Nanos, list[str]] = {}
    for event, markets in facts.items():
        end = ends_at(markets)
        lives = any(market.status not in OVER for market in markets)
        if lives and end is not None and series_of(markets[0]) in relation.series:
            by_end.setdefault(end, []).append(event)
    for together in by_end.values():
        found = sorted(together, key=lambda event: relation.series.index(series_of(facts[event][0])))
        if len({series_of(facts[event][0]) for event in found}) >= 2:
            yield tuple(found)


def ends_at(markets: Sequence[Market]) -> Nanos | None:
    """When the last of an event's markets is expected to settle, or closes; None where nobody says."""
    ends = [market.expected_expiration_time or market.close_time for market in markets]
    known = [end for end in ends if end is not None]
    return max(known) if known else None


def _link(relation: TickedRelation, members: Members, events: Mapping[str, Event]) -> Link:
    off = _not_read(relation, members)
    space = None
    if not off:
        try:
            if relation.kind is RelationKind.SAME_NUMBER:
                space = same_number(members, relation.step)
            else:
                space = nested(members, events)
        except JointError as error:
            off = str(error)
    if relation.series and len(members) > len({series_of(markets[0]) for markets in members.values()}):
        off, space = f"two events of one series end together ({', '.join(members)})", None
    sentence = f"relation {relation.name} off: {off}" if off else ""
    one_number = relation.kind is RelationKind.SAME_NUMBER and not off
    return Link(relation.name, tuple(members), space, sentence, one_number, relation.step)


def _not_read(relation: TickedRelation, members: Members) -> str:
    """Why its texts are not the ones that a person read, or empty."""
    if relation.proved:
        return ""
    for event, markets in members.items():
        if any(rules_hash(market) not in relation.rules_sha256 for market in markets):
            return (
                f"the rules of {event} changed since they were read; "
                "`kalshi-tui relations` shows them and what to write"
            )
    return ""
