"""Where every pane stands, as a pure function of size, layout and zoom."""

from __future__ import annotations

from typing import NamedTuple

from kalshi_tui.tui.terminal import too_small

PANES = ("markets", "ladder", "features", "risk", "settlement", "log")
"""In the order of their numbers 1 to 6."""
LAYOUTS: dict[str, str] = {
    "desk": "everything, the ladder in the middle of it",
    "ladder": "the ladder as tall as the terminal, markets and risk beside it",
    "overview": "all markets and all risk, no ladder",
}
DEFAULT_LAYOUT = "desk"


class LayoutError(ValueError):
    """A layout nobody knows."""


def pick_layout(name: str | None) -> str:
    """``name`` if there is such a layout, the default for None."""
    if name is not None and name not in LAYOUTS:
        raise LayoutError(f"there is no layout {name!r} (layouts: {', '.join(LAYOUTS)})")
    return name or DEFAULT_LAYOUT


class Box(NamedTuple):
    """A rectangle of cells."""

    x: int
    y: int
    width: int
    height: int


class Plan(NamedTuple):
    """``boxes`` by pane name (plus ``status``, ``keys``, ``notice``); what is missing is not shown.

    ``compact`` panes leave out what a wide terminal has room for.
    """

    boxes: dict[str, Box]
    compact: bool


def plan(width: int, height: int, layout: str = DEFAULT_LAYOUT, zoom: str = "") -> Plan:
    """The boxes for a terminal of ``width`` by ``height``; ``zoom`` names the one pane that has it all.

    Below the smallest size there is one box, ``notice``.
    """
    if too_small((width, height)):
        return Plan({"notice": Box(0, 0, width, height)}, True)
    boxes = {"status": Box(0, 0, width, 1), "keys": Box(0, height - 1, width, 1)}
    body = Box(0, 1, width, height - 2)
    compact = width < 120 or height < 36
    if zoom:
        log = 0 if zoom == "log" else 2
        boxes[zoom] = body._replace(height=body.height - log)
        if log:
            boxes["log"] = Box(0, height - 3, width, log)
        return Plan(boxes, compact)
    arrange = {"desk": _desk, "ladder": _ladder, "overview": _overview}[layout]
    boxes.update(arrange(body, compact))
    return Plan(boxes, compact)


def _desk(body: Box, compact: bool) -> dict[str, Box]:
    if compact:
        return _ladder(body, compact)
    if body.width >= 180 and body.height >= 46:
        return _desk_wide(body)
    log = 4 + max(0, body.height - 34) // 4
    middle = 10
    top = body.height - log - middle
    left = body.width - max(58, body.width * 46 // 100)
    first = body.width * 36 // 120
    second = body.width * 43 // 120
    y = body.y + top
    return {
        "markets": Box(0, body.y, left, top),
        "ladder": Box(left, body.y, body.width - left, top),
        "features": Box(0, y, first, middle),
        "risk": Box(first, y, second, middle),
        "settlement": Box(first + second, y, body.width - first - second, middle),
        "log": Box(0, y + middle, body.width, log),
    }


def _desk_wide(body: Box) -> dict[str, Box]:
    log = max(8, body.height // 5)
    top = body.height - log
    third = body.width * 33 // 100
    ladder = body.width * 37 // 100
    x = third + ladder
    right = body.width - x
    risk, settlement = 13, 14
    features = top - risk - settlement
    return {
        "markets": Box(0, body.y, third, top),
        "ladder": Box(third, body.y, ladder, top),
        "features": Box(x, body.y, right, features),
        "risk": Box(x, body.y + features, right, risk),
        "settlement": Box(x, body.y + features + risk, right, settlement),
        "log": Box(0, body.y + top, body.width, log),
    }


def _ladder(body: Box, compact: bool) -> dict[str, Box]:
    """The ladder full height on the left; small terminals always look like this."""
    log = 2 if compact else 4
    top = body.height - log
    left = 46 if body.width < 100 else min(body.width * 52 // 100, 90)
    right = body.width - left
    risk = 7 if compact else 10
    features = 5 if top <= 22 else 7 if compact else 10
    markets = top - risk - features
    return {
        "ladder": Box(0, body.y, left, top),
        "markets": Box(left, body.y, right, markets),
        "features": Box(left, body.y + markets, right, features),
        "risk": Box(left, body.y + markets + features, right, risk),
        "log": Box(0, body.y + top, body.width, log),
    }


def _overview(body: Box, compact: bool) -> dict[str, Box]:
    """No ladder: the market list as wide as it wants to be."""
    log = 2 if compact else max(6, body.height // 5)
    middle = 8 if compact else 10
    top = body.height - log - middle
    half = body.width // 2
    y = body.y + top
    return {
        "markets": Box(0, body.y, body.width, top),
        "risk": Box(0, y, half, middle),
        "settlement": Box(half, y, body.width - half, middle),
        "log": Box(0, y + middle, body.width, log),
    }
