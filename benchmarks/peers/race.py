"""Run by ``benchmarks.books`` in the peers' interpreter: one stream, all contenders, rounds interleaved.

Reads a JSON job from standard input (path of the frames, grids, rounds), writes one JSON object: nanoseconds a
frame by contender and round, with and without reading best prices, and whether all final books are the same.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path

from contenders import ALL


def main() -> None:
    job = json.load(sys.stdin)
    lines = Path(job["path"]).read_bytes().split(b"\n")
    opening, frames = lines[: job["snapshots"]], lines[job["snapshots"] :]
    contenders = []
    absent: dict[str, str] = {}
    for kind in ALL:
        try:
            contenders.append(kind(job["grids"]))
        except ImportError as error:
            absent[kind.name] = str(error)
    for contender in contenders:
        contender.feed(opening)
    rounds = job["rounds"]
    # Half of the stream without best prices, half with; every round a slice of its own, the order rotating.
    size = len(frames) // (2 * rounds)
    slices = [frames[n * size : (n + 1) * size] for n in range(2 * rounds)]
    gc.collect()
    gc.freeze()
    apply: dict[str, list[float]] = {c.name: [] for c in contenders}
    best: dict[str, list[float]] = {c.name: [] for c in contenders}
    for number, part in enumerate(slices):
        for offset in range(len(contenders)):
            contender = contenders[(number + offset) % len(contenders)]
            with_best = number % 2 == 1 and contender.feed_best is not None
            run = contender.feed_best if with_best else contender.feed
            started = time.perf_counter_ns()
            run(part)
            spent = (time.perf_counter_ns() - started) / len(part)
            if number % 2 == 0:
                apply[contender.name].append(spent)
            elif with_best:
                best[contender.name].append(spent)
    finals = {contender.name: contender.final() for contender in contenders}
    reference = finals[contenders[0].name]
    equal = {name: books == reference for name, books in finals.items()}
    json.dump(
        {"apply": apply, "best": best, "equal": equal, "absent": absent, "python": sys.version.split()[0]},
        sys.stdout,
    )


if __name__ == "__main__":
    main()
