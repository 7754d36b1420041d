"""A terminal trading workstation for Kalshi."""

__version__ = "0.1.0"
