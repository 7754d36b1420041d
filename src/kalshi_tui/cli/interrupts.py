"""Ctrl+C while nothing is under way yet, or nothing any more: the end, without a word."""

from __future__ import annotations

import atexit
import os
import signal
import sys

INTERRUPTED = 130
_AGAIN_S = 0.02


def quiet() -> None:
    """From here an interrupt ends the process where it stands. Where interrupts are ignored they stay so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def raised() -> None:
    """From here an interrupt is a ``KeyboardInterrupt`` again: there is something to be put in order first."""
    if signal.getsignal(signal.SIGINT) is _end:
        sys.unraisablehook = _unraisable
        signal.signal(signal.SIGINT, signal.default_int_handler)


def over() -> None:
    """All is said and put in order; what is left is Python's own end."""
    quiet()
    # Once its threads are joined nothing can hang any more. Python gives its handlers back then, and the code that
    # a command has earned would be lost to the signal.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


def _end(number: int, frame: object) -> None:
    os._exit(INTERRUPTED)


def _unraisable(what: sys.UnraisableHookArgs) -> None:
    """An interrupt in a callback or a destructor is printed by Python and then forgotten: it is sent once more."""
    if what.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(what)
        return
    import threading

    # To the main thread by name: only so it wakes from what it waits for.
    main = threading.main_thread().ident or 0
    again = threading.Timer(_AGAIN_S, signal.pthread_kill, (main, signal.SIGINT))
    again.daemon = True
    again.start()
