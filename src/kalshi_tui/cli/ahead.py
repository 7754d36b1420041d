"""Libraries that load while something else is waited for."""

from __future__ import annotations

import importlib
import threading
from contextlib import suppress


def load_ahead(module: str) -> threading.Thread:
    """Import ``module`` in the background.

    No daemon: Python waits for it before it ends. A thread that is stopped in the middle of loading native code is
    the likely cause of an interrupted start that once ended with SIGABRT instead of its code.
    """
    loading = threading.Thread(target=_load, args=(module,), name=f"load {module}")
    loading.start()
    return loading


def _load(module: str) -> None:
    # Whoever needs it imports it again and hears what is wrong; at Python's end nobody does.
    with suppress(Exception):
        importlib.import_module(module)
