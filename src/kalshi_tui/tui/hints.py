"""Keys where they work: the footer and the lower borders, made from the action catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from kalshi_tui.tui.actions import ACTIONS, Action, key_shown
from kalshi_tui.tui.ink import Span

Hint: TypeAlias = tuple[str, str]
"""(key as printed, meaning)."""


def hints(where: str, keys: Mapping[str, tuple[str, ...]]) -> list[Hint]:
    """Every action advertised at ``where`` that has a key, in the catalogue's order."""
    return _hints((where,), keys, lambda action: action.short or action.title)


def footer(keys: Mapping[str, tuple[str, ...]], width: int) -> list[Span]:
    """The last line in ``width`` cells: everything, else in fewer words and without what it can do without."""
    full = _hints(("footer", "wide footer"), keys, lambda action: action.short or action.title)
    spans = hint_spans(full, " ", width)
    if len(spans) == 2 * len(full):
        return spans
    tight = _hints(("footer",), keys, lambda action: action.tight or action.short or action.title)
    return hint_spans(tight, " ", width)


def _hints(
    places: Sequence[str], keys: Mapping[str, tuple[str, ...]], word: Callable[[Action], str]
) -> list[Hint]:
    return [
        (key_shown(keys[action.id][0]) * action.presses, word(action))
        for action in ACTIONS.values()
        if keys[action.id] and any(place in action.hint for place in places)
    ]


def hint_spans(pairs: Sequence[Hint], separator: str, width: int) -> list[Span]:
    """As many hints as fit into ``width`` cells, whole, ``separator`` between them."""
    spans: list[Span] = []
    used = 0
    for key, meaning in pairs:
        between = separator if spans else ""
        used += len(between) + 1 + len(key) + 1 + len(meaning)
        if used > width:
            break
        spans += [(f"{between} {key}", "key"), (f" {meaning}", "dim")]
    return spans
