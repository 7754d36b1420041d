"""How a desk or a command ended, for whoever started it."""

from __future__ import annotations

OK = 0
ERROR = 1
USAGE = 2
"""Usage or configuration."""
AUTHENTICATION = 3
FEED_LOST = 4
"""Headless, 30 s without a feed."""
STOPPED = 5
"""By risk or kill."""
SIGINT = 130
SIGTERM = 143

MEANING = {
    OK: "ok",
    ERROR: "error",
    USAGE: "usage or configuration",
    AUTHENTICATION: "authentication",
    FEED_LOST: "feed lost",
    STOPPED: "stopped by risk or kill",
    SIGINT: "interrupted",
    SIGTERM: "terminated",
}
