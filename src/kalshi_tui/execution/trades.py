"""Which trades of ours are booked: what makes every trade count exactly once, in bounded memory.

Ids are remembered down to a horizon that follows the venue's own records. The invariant, from which everything
else follows:

    every trade the venue stamped before ``before`` is booked.

It holds because the horizon is moved only to a time at which (1) a complete read of fills has shown everything the
venue knows, all of it booked, nothing booked here missing there, and (2) a read of positions has agreed with the
ledger since; and only to ``MARGIN`` before the newest trade of that read, measured on the venue's clock alone. A
read that lags by less than the margin therefore never moves it past a trade it did not show. So

* a trade stamped before the horizon is a repetition, whoever brings it and however late;
* a trade stamped after it is booked unless its id is remembered, and reads ask from the horizon on.

Stamps of one trade differ between the stream and a read (milliseconds against microseconds, sending time for want of
better), so ids are kept ``STAMP_SKEW`` further back than the horizon. Should the venue ever break the first promise
by more than the margin, the position it reports differs from ours and that is said aloud; no trade is booked twice.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

from kalshi_tui.protocol.orders import Fill
from kalshi_tui.protocol.units import SECOND, Nanos

MARGIN: Nanos = 300 * SECOND
"""How far a complete read may lag behind the newest trade it shows, and still prove what is older."""
STAMP_SKEW: Nanos = 10 * SECOND
"""How far the stamps of one trade may lie apart."""


@dataclass(slots=True)
class BookedTrades:
    """Trades that are in the ledger, or in the positions it was started from."""

    before: Nanos = 0
    """The horizon, on the venue's clock: everything stamped before it is booked."""
    _stamps: dict[str, Nanos] = field(default_factory=dict)
    """Trade id -> the venue's stamp, as we first saw it."""

    def __len__(self) -> int:
        return len(self._stamps)

    @property
    def named(self) -> tuple[str, ...]:
        """The ids that are remembered: all booked trades stamped at or after the horizon are among them."""
        return tuple(self._stamps)

    def has(self, fill: Fill) -> bool:
        """Whether it is booked already."""
        return fill.wall < self.before or fill.trade_id in self._stamps

    def add(self, fill: Fill) -> None:
        self._stamps.setdefault(fill.trade_id, fill.wall)

    def absent_from(self, shown: Set[str], since: Nanos) -> int:
        """How many of the trades that a read from ``since`` on had to show are not among the ids it showed.

        Those whose own stamp lies so near to the horizon that the read's may lie behind it are not asked for.
        """
        first = since if since > self.before else self.before + STAMP_SKEW
        return sum(1 for name, at in self._stamps.items() if at >= first and name not in shown)

    def proven(self, newest: Nanos) -> Nanos:
        """Up to when a complete read whose newest trade is of ``newest`` proves trades booked."""
        return max(self.before, (newest - MARGIN) // SECOND * SECOND)

    def settle(self, before: Nanos) -> None:
        """Move the horizon (never back) and forget the ids behind it; the caller has the proof."""
        if before <= self.before:
            return
        self.before = before
        self._stamps = {name: at for name, at in self._stamps.items() if at >= before - STAMP_SKEW}
