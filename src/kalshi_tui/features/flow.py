"""What trades say: signed flow, volume-bucketed imbalance, and how far prices run after takers."""

from __future__ import annotations

from collections import deque

from kalshi_tui.features.decay import DecayedRatio
from kalshi_tui.protocol.orders import PublicTrade
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import ONE, SECOND, Count, Nanos, Price, Side


class TradeImbalance:
    """``sum decay * sign * q / sum decay * q`` over trades, -1 (all sold) .. 1 (all bought)."""

    __slots__ = ("_at", "_ratio")

    def __init__(self, tau: float) -> None:
        self._ratio = DecayedRatio(tau)
        self._at: Nanos = 0

    def add(self, sign: int, count: Count, mono: Nanos) -> None:
        self._ratio.add(max(mono - self._at, 0) / SECOND, sign * count, count)
        self._at = max(mono, self._at)

    def read(self, mono: Nanos) -> float | None:
        """None before any trade and once the last is 10 decay times old."""
        if mono - self._at > 10.0 * self._ratio.tau * SECOND:
            return None
        return self._ratio.value


class VolumeBuckets:
    """VPIN: the mean of ``|bought - sold| / size`` over the last full buckets of equal volume, 0..1.

    Easley, Lopez de Prado, O'Hara 2012, with the taker's side as the exchange reports it. How a volume
    is split into trades does not matter.
    """

    __slots__ = ("_done", "_filled", "_signed", "_sum", "size")

    def __init__(self, size: Count, buckets: int = 50) -> None:
        self.size = size
        self._done: deque[int] = deque(maxlen=buckets)
        self._sum = 0
        self._filled = 0
        self._signed = 0

    def add(self, sign: int, count: Count) -> None:
        while count:
            part = min(count, self.size - self._filled)
            self._filled += part
            self._signed += sign * part
            count -= part
            if self._filled == self.size:
                if len(self._done) == self._done.maxlen:
                    self._sum -= self._done[0]
                self._done.append(abs(self._signed))
                self._sum += abs(self._signed)
                self._filled = self._signed = 0

    @property
    def buckets(self) -> list[float]:
        """The full buckets, oldest first."""
        return [signed / self.size for signed in self._done]

    @property
    def value(self) -> float | None:
        """None before the first full bucket."""
        return self._sum / (self.size * len(self._done)) if self._done else None


class Markouts:
    """Toxicity: the decayed mean of ``sign * (mid after horizon - mid before the trade)``, in dollars.

    Positive when prices keep running the way takers traded: what a resting order loses after it is hit.
    A trade whose mid is missing at either end is left out.
    """

    __slots__ = ("_at", "_pending", "_ratio", "due", "horizon")

    MOST_PENDING = 512
    """Trades waiting for their horizon; beyond it new ones are left out, so a burst cannot eat memory."""
    NEVER: Nanos = 1 << 62

    def __init__(self, horizon_s: float, tau: float) -> None:
        self.horizon: Nanos = round(horizon_s * SECOND)
        self._ratio = DecayedRatio(tau)
        self._pending: deque[tuple[Nanos, int, int]] = deque()
        self._at: Nanos = 0
        self.due: Nanos = self.NEVER
        """When the oldest waiting trade is due."""

    def add(self, sign: int, mid2: int, mono: Nanos) -> None:
        """A taker traded while the doubled mid was ``mid2``."""
        if len(self._pending) < self.MOST_PENDING:
            self._pending.append((mono + self.horizon, sign, mid2))
            self.due = self._pending[0][0]

    def settle(self, mid2: int | None, mono: Nanos) -> None:
        """Close everything due by ``mono`` with the mid that was in force until now."""
        while self._pending and self._pending[0][0] <= mono:
            due, sign, before = self._pending.popleft()
            if mid2 is not None:
                self._ratio.add(max(due - self._at, 0) / SECOND, sign * (mid2 - before) / (2.0 * ONE), 1.0)
                self._at = max(due, self._at)
        self.due = self._pending[0][0] if self._pending else self.NEVER

    @property
    def value(self) -> float | None:
        return self._ratio.value


class Sweep:
    """How many levels one taker has gone through: trades of one side with one exchange stamp."""

    __slots__ = ("_first", "_side", "_wall")

    def __init__(self) -> None:
        self._wall: Nanos | None = None
        self._side: Side | None = None
        self._first: Price = 0

    def add(self, trade: PublicTrade, grid: TickGrid) -> tuple[int, Price]:
        """(levels touched, price span) of the sweep this trade belongs to; (1, 0) for a lone trade."""
        same = trade.wall is not None and trade.wall == self._wall and trade.taker_side is self._side
        if not same or not grid.is_valid(trade.price) or not grid.is_valid(self._first):
            self._wall, self._side, self._first = trade.wall, trade.taker_side, trade.price
            return 1, 0
        span = abs(grid.index(trade.price) - grid.index(self._first))
        return span + 1, abs(trade.price - self._first)
