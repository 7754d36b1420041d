"""Pairs of events that may hang together: for a person to read, never to trade on by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from msgspec import Struct

from kalshi_tui.protocol.market import StrikeType
from kalshi_tui.protocol.relations import MarketRules, RelationKind

NUMERIC = (
    StrikeType.GREATER,
    StrikeType.GREATER_OR_EQUAL,
    StrikeType.LESS,
    StrikeType.LESS_OR_EQUAL,
    StrikeType.BETWEEN,
)

Rules = Sequence[MarketRules]


class Candidate(Struct, frozen=True):
    """Two events that fields alone make worth reading side by side."""

    kind: RelationKind
    events: tuple[str, str]
    series: tuple[str, str]
    why: str
    markets: tuple[MarketRules, ...]


def candidates(markets: Rules) -> Iterator[Candidate]:
    """Every such pair, in the order of the markets."""
    events: dict[str, list[MarketRules]] = {}
    for market in markets:
        events.setdefault(market.event_ticker, []).append(market)
    names = list(events)
    for first, second in permutations(names, 2):
        a, b = events[first], events[second]
        if not _sources_agree(a, b):
            continue
        kind, why = None, ""
        if names.index(first) < names.index(second):
            kind, why = RelationKind.SAME_NUMBER, _one_number(a, b)
        if not why:
            kind, why = RelationKind.NESTED, _within(a, b)
        if kind is not None and why:
            series = (a[0].series_ticker, b[0].series_ticker)
            yield Candidate(kind, (first, second), series, why, (*a, *b))


def _sources_agree(a: Rules, b: Rules) -> bool:
    """One source at least is named by both, or one of them names none."""
    first, second = set(a[0].sources), set(b[0].sources)
    return not first or not second or bool(first & second)


def _one_number(a: Rules, b: Rules) -> str:
    """Strikes that meet, settled at one time: why, or empty."""
    if any(m.strike_type not in NUMERIC for m in (*a, *b)) or _ends(a) is None or _ends(a) != _ends(b):
        return ""
    shared = [s for s in _strikes(a) if s in set(_strikes(b))]
    if not shared:
        return ""
    return f"they end together and share the strikes {', '.join(f'{s:g}' for s in shared)}"


def _within(inner: Rules, outer: Rules) -> str:
    """The same question with a later end, in one series: why, or empty."""
    ends = _ends(inner), _ends(outer)
    if ends[0] is None or ends[1] is None or ends[0] >= ends[1]:
        return ""
    if inner[0].series_ticker != outer[0].series_ticker or any(
        m.strike_type in NUMERIC for m in (*inner, *outer)
    ):
        return ""
    labels = {m.label for m in outer}
    same = [m.label for m in inner if m.label in labels]
    if len(inner) == len(outer) == 1:
        return "one series, one market each, and the first ends before the second"
    return f"one series, the first ends before the second, both ask for {', '.join(same)}" if same else ""


def _ends(markets: Rules) -> int | None:
    return max((m.ends for m in markets if m.ends is not None), default=None)


def _strikes(markets: Rules) -> list[float]:
    found = {s for m in markets for s in (m.floor_strike, m.cap_strike) if s is not None}
    return sorted(found)


def toml_block(found: Sequence[Candidate]) -> str:
    """The table to paste for candidates of the same series (or one of named events), with every text's hash."""
    first = found[0]
    by_series = first.kind is RelationKind.SAME_NUMBER and first.series[0] != first.series[1]
    names = first.series if by_series else first.events
    key = "series" if by_series else "events"
    hashes = list(dict.fromkeys(m.sha256 for one in found for m in one.markets))
    lines = ["[[relations]]", f'kind = "{first.kind.value}"', f'{key} = ["{names[0]}", "{names[1]}"]']
    if first.kind is RelationKind.SAME_NUMBER:
        lines.append("#step = 0.1  # only if the rules say in which steps the number is published")
    return "\n".join([*lines, "rules_sha256 = [", *(f'  "{one}",' for one in hashes), "]"])


def blocks(found: Sequence[Candidate]) -> Mapping[tuple[str, str], list[Candidate]]:
    """Candidates that one table covers: those of the same two series, else each by itself."""
    grouped: dict[tuple[str, str], list[Candidate]] = {}
    for one in found:
        by_series = one.kind is RelationKind.SAME_NUMBER and one.series[0] != one.series[1]
        grouped.setdefault(one.series if by_series else one.events, []).append(one)
    return grouped
