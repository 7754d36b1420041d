"""What the engine looks at: one line a feature, its last minute beside it."""

from __future__ import annotations

import re

from kalshi_tui.protocol.views import FeatureLine
from kalshi_tui.tui.ink import Line, Row, fit
from kalshi_tui.tui.numbers import spark
from kalshi_tui.tui.panes.base import Pane

_REGIMES = ("calm", "active", "event")
_REGIME = re.compile(r"(?P<word>\w+)(?: \((?P<why>.+)\))?(?:, (?P<event>.+) in (?P<left>\d+:\d\d))?")
"""How the desk says it: ``ACTIVE (jump), CPI Nov prints in 17:48``."""


class FeaturesPane(Pane):
    pane = "features"
    number = 3
    cuts = (1,)

    def title(self) -> str:
        ladder = self.state.ladder
        return "Features" if self.compact or ladder is None else f"Features · {ladder.label}"

    def slices(self, width: int) -> list[tuple[int, int]]:
        at = min(self._name_width() + 1, width)
        return [(0, at), (at, width)]

    def lines(self, width: int, height: int) -> list[Line]:
        view = self.state.view
        if view is None or self.state.ladder is None:
            return []
        shown = view.features[:height]
        if len(view.features) > height:
            # What has no history says least when there is little room.
            shown = tuple(f for f in view.features if f.history)[:height] or shown
        old = self.state.silent_for is not None or self.state.ladder.stale
        name = self._name_width()
        value = max((len(f.value) for f in shown if f.history), default=0)
        return [_line(feature, name, value, width, old) for feature in shown]

    def _name_width(self) -> int:
        features = self.state.view.features if self.state.view else ()
        return min(max((len(f.name) for f in features), default=6), 12) + 2


def _line(feature: FeatureLine, name: int, value: int, width: int, old: bool) -> Line:
    row = Row(width).left(1, fit(feature.name, name - 1), "dim")
    ink = "stale" if old else ""
    if not feature.history:
        word = feature.value.split(",")[0].split(" ")[0].lower()
        if not old and word in _REGIMES:
            ink = word
        return row.left(name + 1, regime_words(feature.value, width - name - 1), ink).line()
    row.left(name + 1, fit(feature.value, width - name - 1), ink)
    start = name + 1 + value + 2
    points = spark(feature.history, min(width - start - 1, 60), feature.low, feature.high)
    if width - start - 1 >= 4:
        row.left(start, points, "stale" if old else "dim")
    return row.line()


def regime_words(text: str, width: int) -> str:
    """The regime in ``width`` cells, in fewer words where it must be: ``ACTIVE, CPI 17:48``.

    The reason outlives the next print, the regime outlives both.
    """
    found = _REGIME.fullmatch(text)
    if len(text) <= width or found is None:
        return fit(text, width)
    word, why, event, left = found.group("word", "why", "event", "left")
    whys = [f" ({why})", " (by hand)" if why.endswith("by hand") else ""] if why else []
    events = [f", {event} {left}", f", {event.split()[0]} {left}"] if event else []
    tried = [word + w + e for w in whys or [""] for e in [*events, ""] if w or not whys]
    tried += [word + e for e in events]
    return next((short for short in tried if len(short) <= width), fit(word, width))
