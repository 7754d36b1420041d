"""Is there a terminal that still takes output? Only then may the desk believe that somebody can see."""

from __future__ import annotations

from collections.abc import Callable

from textual.driver import Driver

ANSWER_WITHIN = 3.0
"""Seconds. A terminal that answered before and now does not for this long counts as gone."""
_QUEUE_MOST = 2
"""Frames waiting for the terminal; a healthy one has taken the last frame before the next is drawn."""


class Pulse:
    """Asks the terminal for its cursor position now and then; every terminal and multiplexer answers that.

    One that never answered at all is judged by whether it takes what is written to it.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._answered: float | None = None

    def ask(self, driver: Driver) -> None:
        """Send the question, unless output is stuck already (a write would block the screen)."""
        if getattr(driver, "input_tty", False) and self._drained(driver):
            driver.write("\x1b[6n")
            driver.flush()

    def answered(self) -> None:
        self._answered = self._clock()

    def alive(self, driver: Driver) -> bool:
        if not self._drained(driver):
            return False
        return self._answered is None or self._clock() - self._answered <= ANSWER_WITHIN

    @staticmethod
    def _drained(driver: Driver) -> bool:
        # Textual writes from a thread with a queue of 30 frames and has no public way to ask how full it is.
        writer = getattr(driver, "_writer_thread", None)
        return writer is None or writer._queue.qsize() <= _QUEUE_MOST
