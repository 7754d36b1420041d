"""Pasted text is never a command: keys that arrive together are judged together.

A terminal without bracketed paste delivers a paste as a burst of keys. People press keys tens of milliseconds
apart, so every key is held for ``HOLD`` seconds; what arrived in that time is one burst.
"""

from __future__ import annotations

from typing import NamedTuple

from kalshi_tui.tui.actions import ACTIONS

HOLD = 0.012
"""Seconds. Far below what a hand can do, far above the spacing of a paste."""
MOST_AT_ONCE = 3
"""More keys than this in one burst are taken for a paste: none of them acts."""


class Burst(NamedTuple):
    """What of a burst may act, what to say about the rest, and whether it was a single key."""

    actions: list[str]
    said: str
    alone: bool


class KeyGate:
    """Collects the keys of a burst and says what of it may act. Holds no clock: the shell calls ``release``."""

    def __init__(self) -> None:
        self._pressed = 0
        self._total = 0
        self._held: list[str] = []

    def key(self, action: str | None) -> bool:
        """A key arrived, bound to ``action`` or to nothing; True when it opens a burst (the shell then calls
        ``release`` after ``HOLD``)."""
        self._pressed += 1
        self._total += 1
        if action is not None:
            self._held.append(action)
        return self._pressed == 1

    def release(self) -> Burst:
        """The burst is over."""
        held, count = self._held, self._pressed
        self._held, self._pressed = [], 0
        if count > MOST_AT_ONCE:
            text = f"{count} keys arrived at once: taken for pasted text, none of them acted" if held else ""
            return Burst([], text, False)
        dropped = [action for action in held if ACTIONS[action].adds] if count > 1 else []
        if not dropped:
            return Burst(held, "", count == 1)
        names = ", ".join(ACTIONS[action].title for action in dropped)
        kept = [action for action in held if not ACTIONS[action].adds]
        return Burst(kept, f"{count} keys arrived at once: {names} not done, press it again", False)

    def take_total(self) -> int:
        """Keys since this was last asked: a person is there."""
        total, self._total = self._total, 0
        return total
