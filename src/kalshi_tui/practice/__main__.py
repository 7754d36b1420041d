"""``python -m kalshi_tui.practice``: the exchange as the desk starts it."""

from __future__ import annotations

import argparse
import sys

from kalshi_tui.practice.limits import TIERS
from kalshi_tui.practice.server import Options, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m kalshi_tui.practice", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=None, help="drawn when left out; the ready line names it")
    parser.add_argument("--scenario", default="default")
    parser.add_argument("--speed", type=float, default=1.0, help="of the world's calendar and arrivals")
    parser.add_argument("--key", choices=("ed25519", "rsa"), default="ed25519")
    parser.add_argument("--tier", choices=tuple(TIERS), default="basic")
    parser.add_argument("--parent-pipe", action="store_true", help="stop at the end of stdin")
    parser.add_argument("--snapshot-on-add", action="store_true", help="send a book after add_markets")
    return run(Options(**vars(parser.parse_args())))


if __name__ == "__main__":
    sys.exit(main())
