"""A desk that quotes a busy exchange for minutes with a screen attached: what leaks, lags, grows or disagrees."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import linear_regression
from typing import Any

from msgspec import Struct

from benchmarks.registry import Options
from benchmarks.soak_stage import Process, Screen, desk, exchange, wait_for
from kalshi_tui.desk.client import DeskClient, DeskGoneError
from kalshi_tui.locations import DeskFolder
from kalshi_tui.protocol.views import DeskView

ABOUT = "desk, busy exchange and a screen of 120 × 36 for minutes: leaks, lags, differences"
SECONDS = 300.0
RATE = 9.0
"""How busy the world's traders are, times the shipped world's: about a thousand deltas a second."""
WARM = 60.0
"""Seconds before memory counts; a shorter run uses two fifths of its time."""
ASK_EVERY = 10
GROWTH = {"desk": 0.15, "screen": 0.15, "exchange": 3.0}
"""MiB a minute that a process may grow by after the warm-up, as a least-squares slope over all samples: what is left
is the allocator settling. The exchange is allowed more because it is still filling its records of trades, fills and
ended orders; they are bounded in number (``practice.accounts``, ``practice.markets``, ``practice.lifecycle``)."""


class Sample(Struct, frozen=True):
    """One second of one run."""

    at: float
    memory: dict[str, float]
    """MiB resident, by process."""
    files: int
    threads: int
    desk_cpu: float
    screen_cpu: float
    exchange_cpu: float
    written: int


class Row(Struct, frozen=True):
    """A measured value beside its goal; ``good`` None where there is none."""

    name: str
    value: str
    goal: str = ""
    good: bool | None = None


def run(options: Options) -> bool:
    """Prints the table; False when a goal is missed."""
    seconds = options.seconds or SECONDS
    with tempfile.TemporaryDirectory(prefix="kt-soak-", dir="/tmp") as folder:
        samples, views, summary = _soak(Path(folder), seconds, options.seed)
    rows = [*_measured(samples, views, min(WARM, seconds * 0.4)), *_summed(summary)]
    width = max(len(row.name) for row in rows)
    for row in rows:
        verdict = "" if row.good is None else "ok" if row.good else "MISSED"
        print(f"{row.name:{width}}  {row.value:>16}  {row.goal:16} {verdict}".rstrip())
    return all(row.good is not False for row in rows)


def _soak(home: Path, seconds: float, seed: int) -> tuple[list[Sample], list[DeskView], dict[str, Any]]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "KALSHI"))}
    env = {
        **plain,
        "HOME": str(home),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LC_ALL": "C.UTF-8",
    }
    os.environ["HOME"] = str(home)
    env.update(COLUMNS="120", LINES="36")
    out = home / "desk.jsonl"
    with exchange(RATE, seed, home / "exchange.err") as (world, ready):
        socket = DeskFolder.of("practice", ready["key_id"]).socket
        with desk(ready, seconds, out, env) as child:
            wait_for(socket, child, out.with_suffix(".err"))
            _wait_for_answer(socket)
            screen = Screen(env)
            try:
                samples, views = _watch(Process(child.pid), screen, world, socket, seconds)
            except (OSError, DeskGoneError) as error:
                raise RuntimeError(f"{error}: {_last_words(home, out)}") from None
            finally:
                left = screen.close()
            child.wait(40)
    last = out.read_bytes().splitlines()[-1:]
    if not last or json.loads(last[0])["type"] != "summary":
        raise RuntimeError(f"the desk ended without a summary: {_last_words(home, out)}")
    return samples, views, json.loads(last[0]) | {"screen_left": left}


def _last_words(home: Path, out: Path) -> str:
    """The end of what the desk said, and of its log."""
    said = [out.with_suffix(".err"), *home.glob(".local/state/kalshi-tui/desks/*/desk.log")]
    return " ... ".join(
        path.read_text().partition(" ERROR ")[2][:3500] or path.read_text()[-300:] for path in said
    )


def _watch(
    process: Process, screen: Screen, world: Process, socket: Path, seconds: float
) -> tuple[list[Sample], list[DeskView]]:
    """A sample a second, and what the desk says of itself now and then, until shortly before its end."""
    samples: list[Sample] = []
    views: list[DeskView] = []
    started = time.monotonic()
    while (at := time.monotonic() - started) < seconds - 2:
        samples.append(
            Sample(
                at,
                {"desk": process.rss(), "screen": screen.process.rss(), "exchange": world.rss()},
                process.files(),
                process.threads(),
                process.cpu(),
                screen.process.cpu(),
                world.cpu(),
                screen.written,
            )
        )
        if not samples[-1].memory["screen"]:
            raise RuntimeError(f"the screen ended: {screen.last.decode(errors='replace')!r}")
        if len(samples) % ASK_EVERY == 0:
            views.append(asyncio.run(_view(socket)))
        time.sleep(1.0)
    return samples, views


def _wait_for_answer(socket: Path, seconds: float = 10.0) -> None:
    """Until the desk answers: its socket is there a moment before anybody listens."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            asyncio.run(_view(socket))
            return
        except (OSError, DeskGoneError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


async def _view(socket: Path) -> DeskView:
    client = await DeskClient.open(socket)
    try:
        return await client.status()
    finally:
        await client.close()


def _measured(samples: list[Sample], views: list[DeskView], warm: float) -> list[Row]:
    steady = [sample for sample in samples if sample.at >= warm]
    first, last = steady[0], steady[-1]
    seconds = last.at - first.at
    screen_rate = (last.written - first.written) / seconds / 1024
    screen_cpu = (last.screen_cpu - first.screen_cpu) / seconds
    attached = min(view.status.sessions for view in views)
    lags = [view.status.lag_ms or 0 for view in views]
    return [
        Row("seconds measured", f"{seconds:.0f} after {warm:.0f}"),
        *(row for name in GROWTH for row in _memory(name, steady)),
        Row("desk open files", f"{first.files} -> {last.files}", "no growth", last.files <= first.files + 2),
        Row(
            "desk threads",
            f"{first.threads} -> {last.threads}",
            "no growth",
            last.threads <= first.threads + 1,
        ),
        Row("desk, % of a core", f"{100 * (last.desk_cpu - first.desk_cpu) / seconds:.1f}"),
        Row("exchange, % of a core", f"{100 * (last.exchange_cpu - first.exchange_cpu) / seconds:.1f}"),
        Row("screen, % of a core", f"{100 * screen_cpu:.1f}", "<= 20", screen_cpu <= 0.20),
        Row("screen, KiB/s at the pty", f"{screen_rate:.1f}", "<= 20", 0 < screen_rate <= 20),
        Row("markets", str(len(views[-1].markets)), ">= 20", len(views[-1].markets) >= 20),
        Row("markets quoting", str(views[-1].status.engines_quoting)),
        Row("feed lag, ms (worst seen)", str(max(lags)), "<= 100", max(lags) <= 100),
        Row("screens attached", str(attached), "1", attached == 1),
    ]


def _memory(name: str, steady: list[Sample]) -> list[Row]:
    """Where one process' memory stood, and how fast it grew."""
    sizes = [sample.memory[name] for sample in steady]
    slope = 60 * linear_regression([sample.at for sample in steady], sizes).slope
    quarters = " ".join(f"{sizes[n * (len(sizes) - 1) // 4]:.1f}" for n in range(5))
    most = GROWTH[name]
    return [
        Row(f"{name} memory by quarter, MiB", quarters),
        Row(f"{name} memory, MiB a minute", f"{slope:+.3f}", f"<= {most:g}", slope <= most),
    ]


def _summed(summary: dict[str, Any]) -> list[Row]:
    def zero(name: str) -> Row:
        return Row(name, str(summary[name]), "0", summary[name] == 0)

    deltas = summary["deltas"] / summary["seconds"]
    latency = summary["latency_us"]["frame_to_decision"]
    return [
        Row("deltas/s", f"{deltas:.0f}", ">= 800", deltas >= 800),
        *(
            zero(name)
            for name in ("gaps", "duplicates", "invalid_frames", "negative_levels", "crossed_settled")
        ),
        Row("resyncs", str(summary["resyncs"])),
        Row("book checks", str(summary["book_checks"]), "> 0", summary["book_checks"] > 0),
        *(zero(name) for name in ("book_mismatches", "unreconciled", "orders_unknown", "orders_live")),
        Row("orders sent", str(summary["orders_sent"]), "> 0", summary["orders_sent"] > 0),
        Row("fills", str(summary["fills"])),
        Row("frame to decision, us p50 / p99", f"{latency['p50']:.0f} / {latency['p99']:.0f}"),
        Row("longest stall, ms", f"{summary['max_lag_ms']:.1f}", "<= 50", summary["max_lag_ms"] <= 50),
        Row("screen left with its terminal", str(summary["screen_left"]), "True", summary["screen_left"]),
        Row("alerts", str(summary["alerts"])),
        Row("exit code", str(summary["exit"]), "0", summary["exit"] == 0),
    ]
