"""``python -m benchmarks [NAME...] [--seed N] [--rounds N] [--frames N] [--seconds S] [--tapes FILE...]``"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from benchmarks.registry import MEASUREMENTS, ON_REQUEST, Options


def main(arguments: list[str]) -> int:
    known = {**MEASUREMENTS, **ON_REQUEST}
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--seed", type=int, default=1, help="of everything that is generated")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds to take medians over")
    parser.add_argument("--frames", type=int, default=None, help="how many frames to work on")
    parser.add_argument(
        "--seconds", type=float, default=None, help="how long, where a measurement takes time"
    )
    parser.add_argument("--tapes", nargs="*", default=[], metavar="FILE", help="recordings to work on too")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in known]
    if unknown:
        parser.error(f"{unknown[0]!r} is no measurement; there are: {', '.join(known)}")
    options = Options(
        seed=chosen.seed,
        rounds=chosen.rounds,
        frames=chosen.frames,
        tapes=tuple(chosen.tapes),
        seconds=chosen.seconds,
    )
    failed = False
    for name in chosen.names or MEASUREMENTS:
        module = import_module(known[name])
        print(f"== {name}: {module.ABOUT}", flush=True)
        failed |= not module.run(options)
        print(flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
