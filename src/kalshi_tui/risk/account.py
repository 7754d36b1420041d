"""The account as the day's row keeps it, and what the venue's records say of it after a time without a desk.

Kept is what no later read can tell: per market the lots, and what the day had brought in there in cash, after fees.
The day's result is that cash plus the lots at their marks of any later moment; no mark is kept, and none that stood
before a restart is ever used again.

What happened since is taken from the trades and settlements the venue shows, never from the balance: a deposit or a
withdrawal moves no lot and is in neither, so it is no gain and no loss. They must lead from the lots kept to the lots
there are now. Where they do not, nothing is worked out: half of the trades would show a number that is false.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from kalshi_tui.protocol.orders import Fill
from kalshi_tui.protocol.units import CONTRACT, Count, Money, Nanos


class SavedLot(Struct, frozen=True, array_like=True):
    """One market of the day."""

    ticker: str
    """Empty: all markets that are over, added up."""
    position: Count
    """All lots, YES-positive."""
    cash: Money
    """What trading and settlement brought in since the day began, after fees; lots held then count as bought."""


class SavedAccount(Struct, frozen=True, forbid_unknown_fields=True):
    """Every market that counts for the day, at one moment."""

    since: Nanos
    """On the venue's clock: every trade stamped before it is in the lots."""
    known: tuple[str, ...]
    """Of those stamped later, the trades that are in the lots."""
    lots: tuple[SavedLot, ...]

    def fresh(self, fills: Iterable[Fill]) -> list[Fill]:
        """The trades that are not in the lots."""
        known = frozenset(self.known)
        return [fill for fill in fills if fill.wall >= self.since and fill.trade_id not in known]

    def explain(
        self, positions: Mapping[str, Count], fills: Iterable[Fill], settled: Mapping[str, Money]
    ) -> tuple[dict[str, Money], str]:
        """The day's cash of every market now, and the first market whose position cannot be explained (or nothing).

        ``positions`` are those there are now, ``fills`` all trades the venue shows from ``since`` on, ``settled``
        what a YES contract of each settled market paid.
        """
        held = {lot.ticker: lot.position for lot in self.lots}
        cash = {lot.ticker: lot.cash for lot in self.lots}
        for fill in self.fresh(fills):
            held[fill.ticker] = held.get(fill.ticker, 0) + fill.signed
            cash[fill.ticker] = cash.get(fill.ticker, 0) - fill.signed * fill.price - fill.fee
        for ticker in {**held, **positions}:
            left, now = held.get(ticker, 0), positions.get(ticker, 0)
            if left != now and not now and ticker in settled:
                cash[ticker] -= -left * settled[ticker] // CONTRACT  # rounded as the ledger pays out
            elif left != now:
                return {}, ticker
        return cash, ""
