"""What every outcome of the event would pay: as things stand, and if every order that would hurt there filled."""

from __future__ import annotations

from kalshi_tui.protocol.units import Money
from kalshi_tui.protocol.views import SettleRow
from kalshi_tui.tui.hints import Hint, hints
from kalshi_tui.tui.ink import Line, Row, fit
from kalshi_tui.tui.numbers import dollars, percent
from kalshi_tui.tui.panes.base import Pane

_WIDEST = 72
"""Cells a line takes at most: an eye loses its row on the way across a zoomed pane."""


class SettlementPane(Pane):
    pane = "settlement"
    number = 5

    def title(self) -> str:
        title = self.state.view.settlement_title if self.state.view else ""
        return f"{title} · if it settles" if title else "If it settles"

    def hints(self) -> list[Hint]:
        return hints("settlement", self.state)

    def lines(self, width: int, height: int) -> list[Line]:
        view = self.state.view
        rows = view.settlement if view else ()
        if not rows:
            return []
        old = self.state.silent_for is not None
        # Where room is short the rule goes first, then the mean; every outcome comes before them.
        spare = height - 2 - len(rows)
        room = max(height - 2 - (spare > 0) - (spare > 1), 1)
        shown, hidden = (rows, 0) if len(rows) <= room else (rows[: room - 1], len(rows) - room + 1)
        lines = [_row(("", "fair", "now", "if hit"), width, "dim")]
        for row in shown:
            cells = (row.label, percent(row.fair), dollars(row.now), dollars(row.if_hit))
            lines.append(_row(cells, width, "stale" if old else ""))
        if hidden:
            lines.append(Row(width).left(2, f"▼ {hidden} more", "dim").line())
        if spare > 1:
            lines.append(Row(width).left(2, "─" * max(min(width, _WIDEST) - 4, 0), "border").line())
        if spare > 0:
            lines.append(_row(("at fair", "", dollars(at_fair(rows)), ""), width, "dim"))
        worst = (dollars(min(row.now for row in rows)), dollars(min(row.if_hit for row in rows)))
        lines.append(_row(("worst", "", *worst), width, "stale" if old else ""))
        return lines


def at_fair(rows: tuple[SettleRow, ...]) -> Money | None:
    """The mean outcome under the engines' probabilities; None unless they are all known and sum to one."""
    fairs = [row.fair for row in rows if row.fair is not None]
    if len(fairs) != len(rows) or not 0.98 <= sum(fairs) <= 1.02:
        return None
    return round(sum(fair * row.now for fair, row in zip(fairs, rows, strict=True)) / sum(fairs))


def _row(cells: tuple[str, str, str, str], width: int, ink: str) -> Line:
    label, fair, now, hit = cells
    number = 9 if width < 46 else 11
    end = min(width, _WIDEST) - 1
    row = Row(width).left(2, fit(label, end - 1 - 2 * number - 8 - 1), ink)
    row.right(end - 2 * number, fair, ink)
    return row.right(end - number, now, ink).right(end, hit, ink).line()
