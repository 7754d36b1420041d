"""Recordings with a known truth, as tapes and as what is seen on them."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CENT, SECOND
from kalshi_tui.research.calibrate_tape import State, Watched

CENTS = TickGrid.named("linear_cent")
START = 1_800_000_000 * SECOND
APART = 3600 * SECOND


def frame(ticker: str, seq: int, bid: int, bid_size: int, ask: int, ask_size: int) -> dict[str, object]:
    """A snapshot with one level a side; cents and contracts."""
    body = {
        "market_ticker": ticker,
        "market_id": "m",
        "yes_dollars_fp": [[f"{bid / 100:.4f}", f"{bid_size}.00"]],
        "no_dollars_fp": [[f"{1 - ask / 100:.4f}", f"{ask_size}.00"]],
    }
    return {"type": "orderbook_snapshot", "sid": 1, "seq": seq, "msg": body}


def row(at: int, event: dict[str, object], conn: int = 1) -> str:
    return json.dumps({"recv_ns": at, "conn": conn, "event": event}) + "\n"


def contrary_tape(path: Path, number: int, seconds: int = 500, telling: bool = True) -> Path:
    """One event in which the mid goes where the queue is *long*, or, not ``telling``, anywhere.

    So a fitted table must beat the mid, and the weighted mid, which leans the other way, more so.
    """
    draw = Random(number)
    ticker, bid = f"KXTEST-26E{number}-T", 50
    heavy = True
    lines = []
    for second in range(seconds):
        if draw.random() < 0.25:
            down = heavy if telling else draw.random() < 0.5
            bid = min(max(bid + (-1 if down else 1), 20), 80)
            heavy = draw.random() < 0.5
        sizes = (90, 10) if heavy else (10, 90)
        at = START + number * APART + second * SECOND
        lines.append(row(at, frame(ticker, second + 1, bid, sizes[0], bid + 2, sizes[1])))
    path.write_text("".join(lines))
    return path


def tapes(folder: Path, events: int, telling: bool = True) -> list[Path]:
    return [contrary_tape(folder / f"e{n}.ndjson", n, telling=telling) for n in range(events)]


def state(
    second: float,
    mid: float | None,
    *,
    beat: bool = True,
    share: float = 0.5,
    event: bool = False,
    vol_ratio: float | None = 1.0,
) -> State:
    """A two-cent spread around ``mid`` cents."""
    mid2 = None if mid is None else round(2 * mid * CENT)
    middle = 0 if mid2 is None else mid2 // 2
    return State(
        round(second * SECOND), beat, mid2, middle - CENT, round(100 * share), middle + CENT,
        round(100 * (1 - share)), share, 2, CENT, event, 1.0, vol_ratio,
    )  # fmt: skip


def watched(*segments: list[State], event: str = "KXTEST-26E0") -> Watched:
    return Watched(f"{event}-T", event, "KXTEST", CENTS, list(segments))
