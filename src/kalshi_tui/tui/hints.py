"""Keys where they work: the footer and the lower borders, made from the action catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from kalshi_tui.tui.actions import ACTIONS, key_shown
from kalshi_tui.tui.ink import Span

Hint: TypeAlias = tuple[str, str]
"""(key as printed, meaning)."""


def hints(where: str, keys: Mapping[str, tuple[str, ...]]) -> list[Hint]:
    """Every action advertised at ``where`` that has a key, in the catalogue's order."""
    return [
        (key_shown(keys[action.id][0]) * action.presses, action.short or action.title)
        for action in ACTIONS.values()
        if where in action.hint and keys[action.id]
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
