"""A plan of faults at work: whoever is about to pass a message on asks it whether a fault takes that message.

Pure and seeded: it is told the time. The exchange's shells ask it; the matching engine knows nothing of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from kalshi_tui.practice.faults_kinds import Fault
from kalshi_tui.protocol.units import SECOND, Nanos

NO_WINDOW = -1


class _State(Struct):
    """A fault and what it did so far."""

    fault: Fault
    dice: random.Random
    count: int = 0
    """Messages and markets it took."""
    window: int = NO_WINDOW
    """The window it was last asked in."""
    left: int | None = None
    """How many it still takes there; None: all."""
    said: int = NO_WINDOW
    """The last window of which something was said."""
    opened: int = NO_WINDOW
    """The last window whose opening was told."""
    closed: int = NO_WINDOW

    def window_at(self, since: Nanos) -> int:
        """Which window is open, ``since`` nanoseconds after the start."""
        fault = self.fault
        if since < fault.at or (fault.lasts is not None and fault.within(since) >= fault.lasts):
            return NO_WINDOW
        return (since - fault.at) // fault.every if fault.every else 0

    def takes(self, window: int) -> bool:
        """Whether the dice and what is left take one more in that window."""
        if window != self.window:
            self.window, self.left = window, self.fault.times
        if self.left == 0 or self.dice.random() >= self.fault.share:
            return False
        if self.left is not None:
            self.left -= 1
        self.count += 1
        return True


class FaultPlan:
    """The faults of one run. ``start`` is wall nanoseconds; ``say`` hears one sentence for each window that did
    something."""

    def __init__(
        self,
        faults: Sequence[Fault] = (),
        seed: int = 0,
        start: Nanos = 0,
        say: Callable[[str], None] | None = None,
    ) -> None:
        # Dice of their own: one row more in a plan does not change what the others do.
        self._states = [
            _State(fault, random.Random(f"{seed}/{index}/{fault.kind.name}"))
            for index, fault in enumerate(faults)
        ]
        self._by_kind: dict[str, list[_State]] = {}
        for state in self._states:
            self._by_kind.setdefault(state.fault.kind.name, []).append(state)
        self._start = start
        self._say = say

    def hit(self, kind: str, now: Nanos, *, market: str = "", path: str = "") -> Fault | None:
        """The fault of that kind that takes this message now, if one does; it is counted.

        ``market`` is the message's ticker, ``path`` its method and its path below the API's root.
        """
        for state in self._by_kind.get(kind, ()):
            window = state.window_at(now - self._start)
            if window == NO_WINDOW or not (_is_about(state.fault, market, path) and state.takes(window)):
                continue
            self._tell(state, window, now, market or path)
            return state.fault
        return None

    def lasts(self, kind: str, now: Nanos) -> Nanos:
        """How much longer a fault of that kind lasts; 0 when none does."""
        since = now - self._start
        open_now = [s.fault for s in self._by_kind.get(kind, ()) if s.window_at(since) != NO_WINDOW]
        return max((f.lasts - f.within(since) for f in open_now if f.lasts is not None), default=0)

    def lateness(self, now: Nanos) -> Nanos:
        """How late a frame that is made now is to come: it grows from 0 to ``by`` while ``delay`` lasts."""
        fault = self.hit("delay", now)
        if fault is None or fault.lasts is None:
            return 0
        return fault.by * fault.within(now - self._start) // fault.lasts

    def turns(self, now: Nanos) -> Iterator[tuple[Fault, bool]]:
        """The faults a window of which opened (True) or closed (False) since the last call, in the plan's order."""
        for state in self._states:
            window = state.window_at(now - self._start)
            if state.opened > state.closed and window != state.opened and state.fault.lasts:
                state.closed = state.opened
                yield state.fault, False
            if window > state.opened:
                state.opened = window
                yield state.fault, True

    def choose(self, fault: Fault, tickers: Sequence[str], now: Nanos) -> list[str]:
        """The markets that a fault which begins takes, in the given order; they are counted."""
        state = self._state(fault)
        matching = [ticker for ticker in tickers if fnmatchcase(ticker, fault.market)]
        chosen = [ticker for ticker in matching if state.takes(state.opened)]
        self._tell(state, state.opened, now, ", ".join(chosen) or "no market that trades now is meant")
        return chosen

    def counts(self) -> dict[str, int]:
        """How many messages or markets each fault took, by its label: 0 where it had no occasion."""
        return {state.fault.label: state.count for state in self._states}

    def done(self, fault: Fault, now: Nanos) -> None:
        """What a fault does to the exchange as a whole, when it begins, was done."""
        state = self._state(fault)
        state.count += 1
        self._tell(state, state.opened, now, "")

    def _state(self, fault: Fault) -> _State:
        return next(state for state in self._by_kind[fault.kind.name] if state.fault is fault)

    def _tell(self, state: _State, window: int, now: Nanos, about: str) -> None:
        """One sentence, at the first thing a window did."""
        if state.said != window:
            state.said = window
            what = f"{state.fault.label}: {state.fault.kind.meaning}"
            if self._say is not None:
                self._say(f"{(now - self._start) / SECOND:.1f} s: {what}" + (f" ({about})" if about else ""))


def _is_about(fault: Fault, market: str, path: str) -> bool:
    if path:
        # A pattern without a method is about all methods.
        wanted = fault.path if fault.path == "*" or " " in fault.path else f"* {fault.path}"
        return fnmatchcase(path, wanted)
    return not market or fnmatchcase(market, fault.market)
