"""What changed flashes once: remembers painted values and for how many paints one is still fresh."""

from __future__ import annotations

from collections.abc import Hashable


class Flash:
    """Values by key. Cheap by design: one repaint to light up, one to go out."""

    def __init__(self, paints: int) -> None:
        self._paints = paints
        self._values: dict[Hashable, object] = {}
        self._left: dict[Hashable, int] = {}
        self._seen: dict[Hashable, object] = {}

    def ink(self, key: Hashable, value: object, ink: str) -> str:
        """``ink``, with ``flash`` over it while ``value`` is a fresh change at ``key``."""
        self._seen[key] = value
        if key in self._values and self._values[key] != value:
            self._left[key] = self._paints
        return f"{ink}/flash" if self._left.get(key, 0) > 0 else ink

    def painted(self) -> None:
        """One paint is done: values are now known, what glowed long enough goes out.

        Keys that were not asked for are forgotten, so that what scrolls into sight does not flash.
        """
        self._values, self._seen = self._seen, {}
        self._left = {key: left - 1 for key, left in self._left.items() if left > 1 and key in self._values}

    def forget(self) -> None:
        """Another market, another window: nothing is a change."""
        self._values.clear()
        self._left.clear()
