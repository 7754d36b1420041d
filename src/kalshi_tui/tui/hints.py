"""Keys where they work: the footer and the lower borders, made from the action catalogue and the moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from kalshi_tui.protocol.orders import Owner
from kalshi_tui.tui.actions import ACTIONS, Action, key_shown
from kalshi_tui.tui.ink import Span
from kalshi_tui.tui.state import ScreenState
from kalshi_tui.tui.window import GROUPINGS

Hint: TypeAlias = tuple[str, str]
"""(key as printed, meaning)."""
Offers: TypeAlias = Mapping[str, str | None]
"""Action id -> what its key does at this moment; None: it would be refused. Actions left out do what they say."""

_FOOTERS = (("footer", "wide footer", "widest footer"), ("footer", "wide footer"))


def offers(state: ScreenState) -> Offers:
    """What keys do now where that changes with the hand and the market; what would be refused is not advertised."""
    armed = state.view is not None and state.view.status.armed
    rows = state.view.markets if state.view is not None else ()
    here = state.row is not None and state.row.quoting
    said: dict[str, str | None] = {}
    status = state.view.status if state.view is not None else None
    killed, dead = (
        (status is not None and status.latch == "KILLED"),
        (status is not None and status.feed == "dead"),
    )
    if killed or not state.may_add:
        said = {action.id: None for action in ACTIONS.values() if action.adds}
        said |= {"size_up": None, "size_down": None}
    said["arm"] = "safe" if armed else "arm" if state.in_control and not (killed or dead) else None
    if here:
        said["quote"] = "quoting off"
    if any(row.quoting for row in rows):
        said["quote_all"] = "all off"
    ours = state.ladder.orders if state.ladder is not None else ()
    if not ours:
        said["cancel"] = None
    if all(order.owner is not Owner.MINE for order in ours):
        said["cancel_mine"] = None
    window = state.window
    if window is None or window.group == GROUPINGS[0]:
        said["group_finer"] = None
    if window is None or window.group == GROUPINGS[-1]:
        said["group_coarser"] = None
    return said


def hints(where: str, state: ScreenState) -> list[Hint]:
    """Every action advertised at ``where`` that has a key and works now, in the catalogue's order."""
    return _hints((where,), state, lambda action: action.short or action.title)


def footer(state: ScreenState, width: int) -> list[Span]:
    """The last line in ``width`` cells: everything, else in fewer words and without what it can do without."""
    for places in _FOOTERS:
        full = _hints(places, state, lambda action: action.short or action.title)
        spans = hint_spans(full, " ", width)
        if len(spans) == 2 * len(full):
            return spans
    tight = _hints(("footer",), state, lambda action: action.tight or action.short or action.title)
    # What a key does now is said in its last word there: ``quoting off`` is ``off``.
    changed = {meaning: meaning.split()[-1] for meaning in offers(state).values() if meaning is not None}
    return hint_spans([(key, changed.get(meaning, meaning)) for key, meaning in tight], " ", width)


def _hints(places: Sequence[str], state: ScreenState, word: Callable[[Action], str]) -> list[Hint]:
    now = offers(state)
    found = []
    for action in ACTIONS.values():
        keys = state.keys[action.id]
        meaning = now.get(action.id, word(action))
        if keys and meaning is not None and any(place in action.hint for place in places):
            found.append((key_shown(keys[0]) * action.presses, meaning))
    return found


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
