"""When to dial again: full jitter under a growing cap, and never more dials than the budget allows.

Pure: randomness and time are given. ``delay = uniform(0, min(cap, base * 2**failures))`` spreads a crowd of
clients over the whole interval; because such a delay can be near zero many times in a row, a second rule
counts the dials of the last minutes.
"""

from __future__ import annotations

from collections import deque
from random import Random

from kalshi_tui.protocol.units import SECOND, Nanos

_BASE_S = 0.25
_CAP_S = 30.0
_WINDOW: Nanos = 300 * SECOND
_DIALS_A_WINDOW = 60


class Backoff:
    """Failures in a row and recent dials. ``useful`` is said by the connection, not by its handshake."""

    __slots__ = ("_dials", "_failures", "_random")

    def __init__(self, random: Random) -> None:
        self._random = random
        self._failures = 0
        self._dials: deque[Nanos] = deque()

    def useful(self) -> None:
        """The connection carried market data: the next failure is the first again."""
        self._failures = 0

    def dialed(self, now: Nanos) -> None:
        self._dials.append(now)

    def delay(self, now: Nanos) -> Nanos:
        """Nanoseconds to wait before the next dial; each call counts one more failure in a row."""
        cap = min(_CAP_S, _BASE_S * 2.0 ** min(self._failures, 16))
        self._failures += 1
        jittered = int(self._random.uniform(0.0, cap) * SECOND)
        while self._dials and self._dials[0] <= now - _WINDOW:
            self._dials.popleft()
        if len(self._dials) < _DIALS_A_WINDOW:
            return jittered
        return max(jittered, self._dials[0] + _WINDOW - now)
