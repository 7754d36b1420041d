"""Every key in one table: bindings, help, hints, palette and ``kalshi-tui keys`` are made from it.

Imports nothing heavy, so that the command line and the configuration can read it without a screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from msgspec import Struct


class Action(Struct, frozen=True):
    """One thing a key does. ``id`` is what a keymap names; it never changes between versions."""

    id: str
    keys: tuple[str, ...]
    """Default keys in Textual's names (``ctrl+q``, ``space``), or the printed character; may be empty."""
    title: str
    """A word or two: hints, palette."""
    description: str
    group: str
    """Heading in the help: stop, hand, engines, orders, look, program."""
    hint: tuple[str, ...] = ()
    """Where the key is advertised: ``footer`` (``wide`` and ``widest footer``: where it has room) or a pane's
    lower border."""
    adds: bool = False
    """It may add risk, so it acts only when pressed alone."""
    short: str = ""
    """The hint where ``title`` is longer than it needs to be there."""
    tight: str = ""
    """The hint where there is little room."""
    presses: int = 1
    """How often the key must be pressed within a second."""
    always: bool = False
    """It works whatever is on the screen, and a keymap can not take its key away."""


GROUPS = ("stop", "hand", "engines", "orders", "look", "program")

_TABLE: tuple[Action, ...] = (
    Action("flatten", ("f",), "flatten", "flatten this market; works whatever the hand's state",
           "stop", ("footer",), always=True),
    Action("flatten_all", ("F",), "flatten all", "twice within a second: flatten everything",
           "stop", ("footer",), short="all", presses=2, always=True),
    Action("kill", ("!",), "kill", "kill: the gate closes, then every order is cancelled and verified",
           "stop", ("footer",), always=True),
    Action("hold_all", (), "hold all", "no order that adds risk; cancels and reductions go on", "stop"),
    Action("pull_market", (), "pull market", "cancel every engine order of this market, verified", "stop"),
    Action("pull_all", (), "pull all", "cancel every engine order, verified; engines stay off", "stop"),
    Action("clear_reduce", (), "clear, reduce only", "open the gate after a stop, for reducing alone",
           "stop", adds=True),
    Action("clear", (), "clear", "open the gate after a hold or a kill", "stop", adds=True),
    Action("arm", ("a",), "arm/safe", "hand armed or safe: locks what this person may add",
           "hand", ("footer",), short="arm", adds=True),
    Action("acknowledge", ("enter",), "seen", "acknowledge the alert on top", "hand", ("log",)),
    Action("quote", ("q",), "quote", "quoting on or off for this market (safe: off only)",
           "engines", ("footer", "markets"), adds=True),
    Action("quote_all", ("Q",), "all off/on", "all engines off; all on asks first",
           "engines", ("markets",), short="all", adds=True),
    Action("engine", ("e",), "engine", "engine of this market, then 0 to 3 for M0 to M3",
           "engines", ("footer", "markets")),
    Action("override", ("o",), "event override", "pin calm, active or event for some minutes, or lift it",
           "engines", ("footer",), tight="event"),
    Action("params", ("p",), "params", "parameters of this market's engine", "engines", ("footer",)),
    Action("tilt", (), "tilt", "my own view of this market: lean, widening, sides", "engines"),
    Action("buy", ("b",), "buy", "buy limit at the cursor, post-only", "orders", ("ladder",), adds=True),
    Action("sell", ("s",), "sell", "sell limit at the cursor, post-only", "orders", ("ladder",), adds=True),
    Action("take_buy", ("B",), "take", "buy what is offered up to the cursor's price",
           "orders", ("ladder",), adds=True),
    Action("take_sell", ("S",), "hit", "sell to what is bid down to the cursor's price",
           "orders", ("ladder",), adds=True),
    Action("cancel", ("x",), "cancel", "cancel my orders at the cursor; an engine's there when none is mine",
           "orders", ("ladder",)),
    Action("cancel_mine", ("X",), "cancel mine", "cancel all my orders in this market", "orders", ("ladder",)),
    Action("size_up", ("+",), "size up", "larger size for orders by hand", "orders", ("ladder",)),
    Action("size_down", ("-",), "size down", "smaller size for orders by hand", "orders", ("ladder",)),
    Action("cursor_up", ("k", "up"), "up", "cursor up (in the market list: previous market)", "look"),
    Action("cursor_down", ("j", "down"), "down", "cursor down (in the market list: next market)", "look"),
    Action("recentre", ("space",), "centre", "put the market in the middle of the ladder", "look", ("ladder",)),
    Action("group_finer", ("[",), "finer", "fewer ticks a row", "look", ("ladder",)),
    Action("group_coarser", ("]",), "coarser", "more ticks a row", "look", ("ladder",)),
    Action("next_market", ("n",), "next", "next market", "look", ("wide footer",)),
    Action("previous_market", ("N",), "previous", "previous market", "look"),
    Action("find", ("/",), "find", "find a market by name or ticker", "look", ("markets",)),
    Action("card", ("i",), "contract", "this contract in its own words: rules, source, fee, ticks, close",
           "look", ("markets",)),
    Action("next_pane", ("tab",), "next pane", "focus the next pane", "look"),
    Action("pane_1", ("1",), "markets", "focus the markets; again: zoom", "look"),
    Action("pane_2", ("2",), "ladder", "focus the ladder; again: zoom", "look"),
    Action("pane_3", ("3",), "features", "focus the features; again: zoom", "look"),
    Action("pane_4", ("4",), "risk", "focus risk; again: zoom", "look"),
    Action("pane_5", ("5",), "settlement", "focus the settlement; again: zoom", "look"),
    Action("pane_6", ("6",), "log", "focus orders, fills and alerts; again: zoom", "look"),
    Action("layout", ("v",), "layouts", "next layout: desk, ladder, overview; kept for the next time",
           "look", ("settlement", "widest footer")),
    Action("theme", ("t",), "theme", "choose a theme", "look", ("widest footer",)),
    Action("palette", ("ctrl+p",), "palette", "every action by name", "program", ("widest footer",)),
    Action("help", ("?",), "help", "this table", "program", ("footer",)),
    Action("quit", ("ctrl+q",), "quit", "leave the screen: asks detach or stop", "program",
           ("wide footer",)),
)  # fmt: skip

ACTIONS: dict[str, Action] = {action.id: action for action in _TABLE}

_NAMES = {
    "!": "exclamation_mark", "?": "question_mark", "/": "slash", "+": "plus", "-": "minus",
    "[": "left_square_bracket", "]": "right_square_bracket", ".": "full_stop", ",": "comma",
    ";": "semicolon", ":": "colon", "=": "equals_sign", "*": "asterisk", "#": "number_sign", "@": "at",
    "$": "dollar_sign", "%": "percent_sign", "&": "ampersand", "(": "left_parenthesis", ")":
    "right_parenthesis", "<": "less_than_sign", ">": "greater_than_sign", "_": "underscore", "'": "apostrophe",
    '"': "quotation_mark", "`": "grave_accent", "~": "tilde", "|": "vertical_line", "\\": "backslash",
    "^": "circumflex_accent", "{": "left_curly_bracket", "}": "right_curly_bracket", " ": "space",
}  # fmt: skip
_PRINTED = {name: char for char, name in _NAMES.items() if char != " "}
_RESERVED = {"escape": "it only ever closes what is open", "ctrl+c": "it asks to quit, like every program"}


class KeymapError(ValueError):
    """A keymap that is refused; the text names action and key and what to do."""


def key_name(key: str) -> str:
    """Textual's name of a key written as its character: ``!`` -> ``exclamation_mark``."""
    return _NAMES.get(key, key)


def key_shown(key: str) -> str:
    """A key as it is printed on keyboards and in help."""
    return {"up": "↑", "down": "↓", "left": "←", "right": "→"}.get(key, _PRINTED.get(key, key))


def catalogue(keymap: Mapping[str, str] | None = None) -> list[tuple[str, str, str]]:
    """``(id, keys, description)`` of every action, in the order of the help, under ``keymap``."""
    keys = resolve_keymap(keymap)
    return [(a.id, " ".join(key_shown(k) for k in keys[a.id]), a.description) for a in _TABLE]


def resolve_keymap(keymap: Mapping[str, str] | None = None) -> dict[str, tuple[str, ...]]:
    """Action id -> its keys (Textual's names) with ``keymap`` (id -> keys, comma separated) laid over.

    Raises ``KeymapError`` for an unknown action, a key two actions would share, a reserved key, and for a
    keymap that leaves flatten or kill without their default key.
    """
    keys = {action.id: tuple(key_name(k) for k in action.keys) for action in _TABLE}
    for action_id, text in (keymap or {}).items():
        if action_id not in ACTIONS:
            near = get_close_matches(action_id, ACTIONS, n=1)
            raise KeymapError(
                f"keymap: there is no action {action_id!r}"
                + (f"; did you mean {near[0]!r}?" if near else "; `kalshi-tui keys` lists them")
            )
        keys[action_id] = _parse_keys(action_id, text)
    for action in _TABLE:
        missing = [k for k in action.keys if key_name(k) not in keys[action.id]]
        if action.always and missing:
            raise KeymapError(
                f"keymap: {action.id} can not lose its key {missing[0]!r}; add keys beside it, "
                f'as in {action.id} = "{missing[0]},f9"'
            )
    _refuse_clashes(keys)
    return keys


def _parse_keys(action_id: str, text: str) -> tuple[str, ...]:
    parts = [","] if text.strip() == "," else [part.strip() for part in text.split(",")]
    if parts == [""]:
        return ()
    names: list[str] = []
    for part in parts:
        name = key_name(part)
        if not part:
            raise KeymapError(f'keymap: {action_id} = {text!r} holds an empty key; write "comma" for a comma')
        if name in _RESERVED:
            raise KeymapError(f"keymap: {part!r} can not be given to {action_id}: {_RESERVED[name]}")
        if name not in names:
            names.append(name)
    return tuple(names)


def _refuse_clashes(keys: Mapping[str, Iterable[str]]) -> None:
    owner: dict[str, str] = {}
    for action_id, names in keys.items():
        for name in names:
            if name in owner:
                raise KeymapError(
                    f"keymap: key {key_shown(name)!r} is claimed by both {owner[name]} and {action_id}; "
                    f"give one of them another key"
                )
            owner[name] = action_id
