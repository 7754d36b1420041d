"""Bytes of a frame to a true book, ours against other clients of the exchange, in one interpreter."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.frames import Stream
from benchmarks.peers_env import ROOT, peers_python
from benchmarks.registry import Options

ABOUT = "decode + sequence check + apply (+ best prices), nanoseconds a frame, 20 markets"
OURS = "kalshi-tui"
"""With the stamps given: its clocks belong to the socket shell, which is not raced. The same goes for the peers,
but for pykalshi, whose dispatch reads one clock by itself."""
GOALS = {
    ("best", "pykalshi"): 15.0,
    ("apply", "kalshi-sdk"): 7.0,
    ("best", "nautilus"): 1.7,
}
"""Ratio of a peer's time to ours that we want to see."""


def run(options: Options) -> bool:
    """Prints the table; False when the contenders' final books differ."""
    stream = Stream(options.seed)
    grids = {market.ticker: market.step for market in stream.markets}
    snapshots = stream.snapshots()
    frames = stream.deltas(options.frames or 200_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames"
        path.write_bytes(b"\n".join([*snapshots, *frames]))
        job = {"path": str(path), "snapshots": len(snapshots), "grids": grids, "rounds": options.rounds}
        finished = subprocess.run(
            [str(peers_python()), str(ROOT / "benchmarks/peers/race.py")],
            input=json.dumps(job),
            env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
    if finished.returncode:
        print(finished.stderr[-2000:])
        return False
    result: dict[str, Any] = json.loads(finished.stdout)
    _print(result, options, len(frames))
    return all(result["equal"].values())


def _print(result: dict[str, Any], options: Options, frames: int) -> None:
    print("ratio: to ours with the receive stamps given, as they are to kalshi-sdk and nautilus (pykalshi's")
    print("dispatch reads one clock by itself); '+ clocks' is ours reading two clocks for every frame")
    print(f"Python {result['python']}, seed {options.seed}, {frames} frames, {options.rounds} rounds each")
    print(f"{'':12} {'apply':>9} {'ratio':>7} {'goal':>6}   {'+ best':>9} {'ratio':>7} {'goal':>6}   books")
    for name in result["apply"]:
        line = f"{name:12}"
        for column in ("apply", "best"):
            line += _cells(result[column], name, GOALS.get((column, name)))
        print(line + f"   {'equal' if result['equal'][name] else 'DIFFER'}")
    for name, why in result["absent"].items():
        print(f"{name:12} not measured: {why}")


def _cells(times: dict[str, list[float]], name: str, goal: float | None) -> str:
    if not times[name]:
        return f" {'-':>9} {'':>7} {'':>6}  "
    ratios = [theirs / ours for theirs, ours in zip(times[name], times[OURS], strict=True)]
    wanted = f">={goal:g}" if goal else ""
    return f" {median(times[name]):9.0f} {median(ratios):7.2f} {wanted:>6}  "
