"""Frames that are too old to be quoted on: the connection lives, but what it says is no longer the market."""

from __future__ import annotations

from kalshi_tui.kernel.state import DeskState
from kalshi_tui.protocol.units import SECOND, Nanos

LAGGING: Nanos = 2 * SECOND
"""Frames older than this (receive minus the exchange's stamp, smoothed) are not quoted on: the feed ages, this
machine is starved or its clock is wrong. Clocks differ by tens of milliseconds, and a calm feed by no more."""


def frame_age(desk: DeskState) -> Nanos | None:
    """Smoothed age of recent frames, None before any; never below zero, since clocks differ by a little."""
    age = desk.feed.exchange_age
    return None if age is None else max(age, 0)


def lagging(desk: DeskState) -> bool:
    """Whether frames are older than ``LAGGING``."""
    age = frame_age(desk)
    return age is not None and age > LAGGING
